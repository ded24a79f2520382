# One body, compiled for each small constant. DISPATCH4(f, n, a, b) is f(a, b, n) for n = 1 to 4, where each call passes
# n as a literal, so that f (always inlined) keeps n vectors in registers. A file declares the macro under a name of its
# own, with the types of its body:
#
#     ctypedef void (*row_body)(const real *x, real *y, const int n) noexcept nogil
#     cdef extern from *:
#         void some_rows "DISPATCH4" (row_body f, int n, const real *x, real *y) noexcept nogil
#
#     some_rows(rows, n, x, y)          # rows(x, y, 1), rows(x, y, 2), ...
#
# The largest case is also taken for every n beyond it.

cdef extern from *:
    """
    #ifndef FASTCONV_DISPATCH
    #define FASTCONV_DISPATCH
    /* no switch: in the cases of one, GCC 12 moves accumulators between registers, or to the stack */
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
    #endif
    """
