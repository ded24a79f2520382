# What the norms do with single vectors: a partial read that keeps other lanes, gates, sums.

from ..simd.partial cimport vread, vwrite
from ..simd.vector cimport real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_NORM_VECTORS
    #define FASTCONV_NORM_VECTORS
    #include <string.h>
    #define NORM_INLINE static inline __attribute__((always_inline))
    /* The first n lanes from memory (all, if n >= VL), the others of fill. `vread` of simd/partial.pxd has zeros there;
       sums of x - center need x = center, so that 0 is added. */
    NORM_INLINE vf vread_over(const REAL *p, Py_ssize_t n, vf fill) {
        if (n >= VL) return vload(p);
    #if VBYTES == 64 && REAL_BYTES == 4
        return (vf)_mm512_mask_loadu_ps((__m512)fill, (__mmask16)((1u << n) - 1), p);
    #elif VBYTES == 64
        return (vf)_mm512_mask_loadu_pd((__m512d)fill, (__mmask8)((1u << n) - 1), p);
    #else
        memcpy(&fill, p, n * REAL_BYTES);
        return fill;
    #endif
    }
    /* g where y is the result of relu (1) or relu6 (2) and not at a bound of it, else 0; NaN in y lets g through */
    NORM_INLINE vf vgate(vf g, vf y, int activation) {
        if (!activation) return g;
    #if VBYTES == 64 && REAL_BYTES == 4
        __mmask16 m = _mm512_cmp_ps_mask((__m512)y, _mm512_setzero_ps(), _CMP_NLE_UQ);
        if (activation == 2) m &= _mm512_cmp_ps_mask((__m512)y, (__m512)vsplat(6), _CMP_NGE_UQ);
        return (vf)_mm512_maskz_mov_ps(m, (__m512)g);
    #elif VBYTES == 64
        __mmask8 m = _mm512_cmp_pd_mask((__m512d)y, _mm512_setzero_pd(), _CMP_NLE_UQ);
        if (activation == 2) m &= _mm512_cmp_pd_mask((__m512d)y, (__m512d)vsplat(6), _CMP_NGE_UQ);
        return (vf)_mm512_maskz_mov_pd(m, (__m512d)g);
    #else
        vi shut = (vi)(y <= vzero);
        if (activation == 2) shut |= (vi)(y >= vsplat(6));
        return (vf)((vi)g & ~shut);
    #endif
    }
    /* The sum of all lanes, in double. `lanes_sum` of simd/row_views.pxd, for softmax and the losses, adds the lanes of
       narrow vectors in another order; the results of neither may change, so both stay. */
    NORM_INLINE double vsum(vf v) {
    #if VBYTES == 64 && REAL_BYTES == 4
        __m256 low = _mm512_castps512_ps256((__m512)v), high = _mm512_extractf32x8_ps((__m512)v, 1);
        return _mm512_reduce_add_pd(_mm512_add_pd(_mm512_cvtps_pd(low), _mm512_cvtps_pd(high)));
    #elif VBYTES == 64
        return _mm512_reduce_add_pd((__m512d)v);
    #else
        double s[4] = {0, 0, 0, 0};
        for (int i = 0; i < VL; i++) s[i % 4] += v[i];
        return (s[0] + s[1]) + (s[2] + s[3]);
    #endif
    }
    #endif
    """
    vf vread_over(const real *p, Py_ssize_t n, vf fill) noexcept nogil
    vf vgate(vf g, vf y, int activation) noexcept nogil
    double vsum(vf v) noexcept nogil
