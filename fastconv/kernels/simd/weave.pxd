# Two to four channels between planes and dense pixels.

from .vector cimport real

cdef extern from *:
    """
    #ifndef FASTCONV_WEAVE
    #define FASTCONV_WEAVE
    /* n channels of dense pixels, written out for n = 2, 3, 4; GCC makes shuffles of vectors of these loops
       weave:   y[i * n + j] = x[j * row + i], planes to pixels
       unweave: y[i * row + j] = x[j * n + i], pixels to planes */
    #define FEW_CHANNELS(n)                                                                                           \\
        static inline void weave##n(const REAL *restrict x, Py_ssize_t row, REAL *restrict y, Py_ssize_t count) {     \\
            for (Py_ssize_t i = 0; i < count; i++)                                                                    \\
                for (int j = 0; j < n; j++) y[i * n + j] = x[j * row + i];                                            \\
        }                                                                                                             \\
        static inline void unweave##n(const REAL *restrict x, REAL *restrict y, Py_ssize_t row, Py_ssize_t count) {   \\
            for (Py_ssize_t j = 0; j < count; j++)                                                                    \\
                for (int i = 0; i < n; i++) y[i * row + j] = x[j * n + i];                                            \\
        }
    FEW_CHANNELS(2) FEW_CHANNELS(3) FEW_CHANNELS(4)

    static inline void weave(Py_ssize_t n, const REAL *x, Py_ssize_t row, REAL *y, Py_ssize_t count) {
        if (n == 2) weave2(x, row, y, count);
        else if (n == 3) weave3(x, row, y, count);
        else weave4(x, row, y, count);
    }
    static inline void unweave(Py_ssize_t n, const REAL *x, REAL *y, Py_ssize_t row, Py_ssize_t count) {
        if (n == 2) unweave2(x, y, row, count);
        else if (n == 3) unweave3(x, y, row, count);
        else unweave4(x, y, row, count);
    }
    #endif
    """
    void weave(Py_ssize_t n, const real *x, Py_ssize_t row, real *y, Py_ssize_t count) noexcept nogil
    void unweave(Py_ssize_t n, const real *x, real *y, Py_ssize_t row, Py_ssize_t count) noexcept nogil
