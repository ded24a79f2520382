# Transposes of VL x VL elements in registers: y[j, i] = x[i, j].
#
# log2(VL) steps of shuffles. Step s = 1, 2, 4, ... swaps, for every pair of rows r and r + s (bit s of r is zero), the
# lanes of row r whose number has bit s with the lanes of row r + s whose number has not.

from .partial cimport vread, vwrite
from .vector cimport real, vf, vload, vstore, vstream, vzero

cdef extern from *:
    """
    #ifndef FASTCONV_TRANSPOSE
    #define FASTCONV_TRANSPOSE
    /* the rules of a step for SHUFFLE: what row r keeps and takes, and what row r + s takes and keeps */
    #define LOWER(i, s) ((i) & (s) ? VL + (i) - (s) : (i))
    #define UPPER(i, s) ((i) & (s) ? VL + (i) : (i) + (s))
    #define LOWER1(i) LOWER(i, 1)
    #define LOWER2(i) LOWER(i, 2)
    #define LOWER4(i) LOWER(i, 4)
    #define LOWER8(i) LOWER(i, 8)
    #define UPPER1(i) UPPER(i, 1)
    #define UPPER2(i) UPPER(i, 2)
    #define UPPER4(i) UPPER(i, 4)
    #define UPPER8(i) UPPER(i, 8)
    #define TRANSPOSE_STEP(v, s)                                                                                       \\
        _Pragma("GCC unroll 16")                                                                                       \\
        for (int r = 0; r < VL; r++)                                                                                   \\
            if (!(r & s)) {                                                                                            \\
                vf a = v[r], b = v[r + s];                                                                             \\
                v[r] = SHUFFLE(a, b, LOWER##s);                                                                        \\
                v[r + s] = SHUFFLE(a, b, UPPER##s);                                                                    \\
            }
    /* VL vectors, in place: lane j of v[i] and lane i of v[j] are exchanged */
    static inline __attribute__((always_inline)) void vtranspose(vf *v) {
        TRANSPOSE_STEP(v, 1)
    #if VBYTES / REAL_BYTES > 2
        TRANSPOSE_STEP(v, 2)
    #endif
    #if VBYTES / REAL_BYTES > 4
        TRANSPOSE_STEP(v, 4)
    #endif
    #if VBYTES / REAL_BYTES > 8
        TRANSPOSE_STEP(v, 8)
    #endif
    }
    /* y[i * y_row + j] = lane i of v[j]; `stream`: stored around the caches, y on a cache line */
    static inline __attribute__((always_inline)) void square_of(vf *v, REAL *y, Py_ssize_t y_row, int stream) {
        vtranspose(v);
        if (stream) {
            _Pragma("GCC unroll 16")
            for (int r = 0; r < VL; r++) vstream(y + r * y_row, v[r]);
        } else {
            _Pragma("GCC unroll 16")
            for (int r = 0; r < VL; r++) vstore(y + r * y_row, v[r]);
        }
    }
    /* y[i * y_row + j] = x[j * x_row + i] for i, j < VL */
    static inline void square(const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row, int stream) {
        vf v[VL];
        _Pragma("GCC unroll 16")
        for (int r = 0; r < VL; r++) v[r] = vload(x + r * x_row);
        square_of(v, y, y_row, stream);
    }
    /* the same for i < ni, j < nj, at most VL each; nothing else is read or written */
    static inline void square_part(const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row, Py_ssize_t ni,
                                   Py_ssize_t nj) {
        vf v[VL];
        _Pragma("GCC unroll 16")
        for (int r = 0; r < VL; r++) v[r] = r < nj ? vread(x + r * x_row, ni) : vzero;
        vtranspose(v);
        _Pragma("GCC unroll 16")
        for (int r = 0; r < VL; r++) if (r < ni) vwrite(y + r * y_row, nj, v[r]);
    }
    #endif
    """
    void vtranspose(vf *v) noexcept nogil
    void square(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, int stream) noexcept nogil
    void square_part(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, Py_ssize_t ni,
                     Py_ssize_t nj) noexcept nogil
