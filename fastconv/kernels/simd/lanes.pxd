# Vectors with some of their lanes: shuffles by a rule f(lane), reads and writes of the first n lanes.
# SHUFFLE(a, b, f): lane i is lane f(i) of a, or lane f(i) - VL of b. LANES is also used by kernels with rules of their own.

from .vector cimport real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_LANES
    #define FASTCONV_LANES
    #define PAST_CACHES (16 << 20)  /* bytes: results from here on are written past the caches */
    #if VBYTES / REAL_BYTES == 2
    #define LANES(f) f(0), f(1)
    #elif VBYTES / REAL_BYTES == 4
    #define LANES(f) f(0), f(1), f(2), f(3)
    #elif VBYTES / REAL_BYTES == 8
    #define LANES(f) f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7)
    #else
    #define LANES(f) f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8), f(9), f(10), f(11), f(12), f(13), f(14), f(15)
    #endif
    #ifdef __clang__
    #define SHUFFLE(a, b, f) __builtin_shufflevector(a, b, LANES(f))
    #else
    #define SHUFFLE(a, b, f) __builtin_shuffle(a, b, (vi){LANES(f)})
    #endif
    #if VBYTES == 64 && REAL_BYTES == 4
    #define vread_some(p, n) ((vf)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p))
    #define vwrite_some(p, n, v) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), (__m512)(v))
    #elif VBYTES == 64
    #define vread_some(p, n) ((vf)_mm512_maskz_loadu_pd((__mmask8)((1u << (n)) - 1), p))
    #define vwrite_some(p, n, v) _mm512_mask_storeu_pd(p, (__mmask8)((1u << (n)) - 1), (__m512d)(v))
    #else
    static inline vf vread_some(const REAL *p, Py_ssize_t n) {
        vf v = {0};
        for (Py_ssize_t i = 0; i < n; i++) v[i] = p[i];
        return v;
    }
    static inline void vwrite_some(REAL *p, Py_ssize_t n, vf v) {
        for (Py_ssize_t i = 0; i < n; i++) p[i] = v[i];
    }
    #endif
    static inline vf vread(const REAL *p, Py_ssize_t n) { return n >= VL ? vload(p) : vread_some(p, n); }
    static inline void vwrite(REAL *p, Py_ssize_t n, vf v) {
        if (n >= VL) vstore(p, v); else vwrite_some(p, n, v);
    }
    /* One step of a transpose: lanes whose number has bit s change places between a and b. */
    #define KEEP(i, s) ((i) & (s) ? VL + (i) - (s) : (i))
    #define CROSS(i, s) ((i) & (s) ? VL + (i) : (i) + (s))
    #define KEEP1(i) KEEP(i, 1)
    #define KEEP2(i) KEEP(i, 2)
    #define KEEP4(i) KEEP(i, 4)
    #define KEEP8(i) KEEP(i, 8)
    #define CROSS1(i) CROSS(i, 1)
    #define CROSS2(i) CROSS(i, 2)
    #define CROSS4(i) CROSS(i, 4)
    #define CROSS8(i) CROSS(i, 8)
    #define TRANSPOSE_STEP(v, s)                                                                                       \\
        _Pragma("GCC unroll 16")                                                                                       \\
        for (int r = 0; r < VL; r++)                                                                                   \\
            if (!(r & s)) {                                                                                            \\
                vf a = v[r], b = v[r + s];                                                                             \\
                v[r] = SHUFFLE(a, b, KEEP##s);                                                                         \\
                v[r + s] = SHUFFLE(a, b, CROSS##s);                                                                    \\
            }
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
    /* A square of VL rows: y[k, r] = x[r, k]; distances between rows in elements. The part version: ni x nj of it. */
    static inline void square(const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row, int stream) {
        vf v[VL];
        _Pragma("GCC unroll 16")
        for (int r = 0; r < VL; r++) v[r] = vload(x + r * x_row);
        vtranspose(v);
        if (stream) {
            _Pragma("GCC unroll 16")
            for (int r = 0; r < VL; r++) vstream(y + r * y_row, v[r]);
        } else {
            _Pragma("GCC unroll 16")
            for (int r = 0; r < VL; r++) vstore(y + r * y_row, v[r]);
        }
    }
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
    enum: PAST_CACHES
    vf vread(const real *p, Py_ssize_t n) noexcept nogil
    void vwrite(real *p, Py_ssize_t n, vf v) noexcept nogil
    void vtranspose(vf *v) noexcept nogil
    void square(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, int stream) noexcept nogil
    void square_part(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, Py_ssize_t ni, Py_ssize_t nj) noexcept nogil
