# One body, compiled for each small constant. DISPATCH4(f, n, a, b) is f(a, b, n) for n = 1 to 4, where each call passes
# n as a literal, so that f (always inlined) keeps n vectors in registers. A file declares the macro under a name of its
# own, with the types of its body:
#
#     ctypedef void (*row_case)(const real *x, real *y, const int n) noexcept nogil
#     cdef extern from *:
#         void some_rows "DISPATCH4" (row_case f, int n, const real *x, real *y) noexcept nogil
#
#     some_rows(rows_body, n, x, y)          # rows_body(x, y, 1), rows_body(x, y, 2), ...
#
# The largest case is also taken for every n beyond it. The macros, and who uses them:
#
#     DISPATCH2 to 4, 6   n = 1, 2, ...                 conv: planar, depthwise; dense
#     DISPATCH_VECTORS    n = 1 to TILE_VECTORS         conv: direct; dense: outer (columns of a register tile)
#     DISPATCH_TILE       1 to 6 rows, n vectors        conv: winograd (a whole register tile)
#     DISPATCH_AMONG2..5  n is A or B or ...            norm, pool (the kind of an activation or a window)
#     DISPATCH_ANY2       n is A, B, or not a constant  pool (taps of a window)
#     DISPATCH_FLAGS2     two truth values              norm, pool

cdef extern from *:
    """
    #ifndef FASTCONV_DISPATCH
    #define FASTCONV_DISPATCH

    /* n = 1, 2, ...: f(..., n). No switch: in the cases of one, GCC 12 moves accumulators between registers, or to the
       stack */
    #define DISPATCH2(f, n, ...) do { if ((n) == 1) f(__VA_ARGS__, 1); else f(__VA_ARGS__, 2); } while (0)
    #define DISPATCH3(f, n, ...) \\
        do { if ((n) == 1) f(__VA_ARGS__, 1); else if ((n) == 2) f(__VA_ARGS__, 2); else f(__VA_ARGS__, 3); } while (0)
    #define DISPATCH4(f, n, ...) \\
        do { if ((n) == 1) f(__VA_ARGS__, 1); else if ((n) == 2) f(__VA_ARGS__, 2); \\
             else if ((n) == 3) f(__VA_ARGS__, 3); else f(__VA_ARGS__, 4); } while (0)
    #define DISPATCH6(f, n, ...) \\
        do { if ((n) == 1) f(__VA_ARGS__, 1); else if ((n) == 2) f(__VA_ARGS__, 2); \\
             else if ((n) == 3) f(__VA_ARGS__, 3); else if ((n) == 4) f(__VA_ARGS__, 4); \\
             else if ((n) == 5) f(__VA_ARGS__, 5); else f(__VA_ARGS__, 6); } while (0)

    /* n = 1 to TILE_VECTORS vectors, the columns of a register tile: f(..., n) */
    #if TILE_VECTORS > 2
    #define DISPATCH_VECTORS DISPATCH4
    #else
    #define DISPATCH_VECTORS DISPATCH2
    #endif

    /* 1 to 6 rows of n = 1 to TILE_VECTORS vectors, a register tile: f(..., rows, n) */
    #define DISPATCH_TILE(f, rows, n, ...) \\
        do { if ((rows) == 1) DISPATCH_VECTORS(f, n, __VA_ARGS__, 1); \\
             else if ((rows) == 2) DISPATCH_VECTORS(f, n, __VA_ARGS__, 2); \\
             else if ((rows) == 3) DISPATCH_VECTORS(f, n, __VA_ARGS__, 3); \\
             else if ((rows) == 4) DISPATCH_VECTORS(f, n, __VA_ARGS__, 4); \\
             else if ((rows) == 5) DISPATCH_VECTORS(f, n, __VA_ARGS__, 5); \\
             else DISPATCH_VECTORS(f, n, __VA_ARGS__, 6); } while (0)

    /* n is one of the constants A, B, ...: f(..., A) or f(..., B) or ...; the last one for any other n */
    #define DISPATCH_AMONG2(f, n, A, B, ...) \\
        do { if ((n) == (A)) f(__VA_ARGS__, A); else f(__VA_ARGS__, B); } while (0)
    #define DISPATCH_AMONG3(f, n, A, B, C, ...) \\
        do { if ((n) == (A)) f(__VA_ARGS__, A); else DISPATCH_AMONG2(f, n, B, C, __VA_ARGS__); } while (0)
    #define DISPATCH_AMONG4(f, n, A, B, C, D, ...) \\
        do { if ((n) == (A)) f(__VA_ARGS__, A); else DISPATCH_AMONG3(f, n, B, C, D, __VA_ARGS__); } while (0)
    #define DISPATCH_AMONG5(f, n, A, B, C, D, E, ...) \\
        do { if ((n) == (A)) f(__VA_ARGS__, A); else DISPATCH_AMONG4(f, n, B, C, D, E, __VA_ARGS__); } while (0)

    /* any n, of which A and B are compiled as constants: f(..., A), f(..., B) or f(..., n) */
    #define DISPATCH_ANY2(f, n, A, B, ...) \\
        do { if ((n) == (A)) f(__VA_ARGS__, A); else if ((n) == (B)) f(__VA_ARGS__, B); else f(__VA_ARGS__, n); } while (0)

    /* two truth values: f(..., a, b), each 0 or 1 */
    #define DISPATCH_FLAGS2(f, a, b, ...) \\
        do { if ((a) && (b)) f(__VA_ARGS__, 1, 1); else if (a) f(__VA_ARGS__, 1, 0); \\
             else if (b) f(__VA_ARGS__, 0, 1); else f(__VA_ARGS__, 0, 0); } while (0)

    #endif
    """
