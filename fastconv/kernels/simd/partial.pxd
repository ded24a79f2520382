# Reads and writes of the first n lanes of a vector, 0 <= n <= VL: for the end of a row that is not a multiple of VL.
# Memory behind the n elements is neither read nor written; lanes that are not read are zero.

from .vector cimport real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_PARTIAL
    #define FASTCONV_PARTIAL
    /* n < VL: lane i = p[i] for i < n, else 0; and p[i] = lane i of v for i < n */
    #if VBYTES == 64 && REAL_BYTES == 4
    #define vread_some(p, n) ((vf)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p))
    #define vread_tail vread_some
    #define vwrite_some(p, n, v) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), (__m512)(v))
    #elif VBYTES == 64
    #define vread_some(p, n) ((vf)_mm512_maskz_loadu_pd((__mmask8)((1u << (n)) - 1), p))
    #define vread_tail vread_some
    #define vwrite_some(p, n, v) _mm512_mask_storeu_pd(p, (__mmask8)((1u << (n)) - 1), (__m512d)(v))
    #else
    static inline vf vread_some(const REAL *p, Py_ssize_t n) {
        vf v = {0};
        for (Py_ssize_t i = 0; i < n; i++) v[i] = p[i];
        return v;
    }
    /* vread_some without a loop of n steps: for the end of a sum whose accumulators must stay in registers */
    static inline vf vread_tail(const REAL *p, int n) {
        REAL lanes[VL] = {0};
        for (int i = 0; i < VL - 1; i++)
            if (i < n) lanes[i] = p[i];
        return vload(lanes);
    }
    static inline void vwrite_some(REAL *p, Py_ssize_t n, vf v) {
        for (Py_ssize_t i = 0; i < n; i++) p[i] = v[i];
    }
    #endif
    /* the same for any n >= 0: VL elements or more are a whole vector */
    static inline vf vread(const REAL *p, Py_ssize_t n) { return n >= VL ? vload(p) : vread_some(p, n); }
    static inline void vwrite(REAL *p, Py_ssize_t n, vf v) {
        if (n >= VL) vstore(p, v); else vwrite_some(p, n, v);
    }
    #endif
    """
    vf vread_some(const real *p, Py_ssize_t n) noexcept nogil
    vf vread_tail(const real *p, int n) noexcept nogil
    vf vread(const real *p, Py_ssize_t n) noexcept nogil
    void vwrite(real *p, Py_ssize_t n, vf v) noexcept nogil
