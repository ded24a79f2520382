# The sums of the lanes of four vectors at once, for the end of a dot product.

from ..simd.vector cimport real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_DENSE_SUMS
    #define FASTCONV_DENSE_SUMS
    #ifdef __clang__
    #define dense_mix(a, b, ...) ((vf)__builtin_shufflevector(a, b, __VA_ARGS__))
    #else
    #define dense_mix(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
    #endif
    typedef REAL dense_16 __attribute__((vector_size(16), aligned(REAL_BYTES), may_alias));

    /* the sum of the 16-byte parts of v, by halves */
    static inline dense_16 dense_fold(vf v) {
    #if VBYTES == 64 && REAL_BYTES == 4
        __m256 h = _mm512_castps512_ps256((__m512)v) + _mm512_extractf32x8_ps((__m512)v, 1);
        return (dense_16)(_mm256_castps256_ps128(h) + _mm256_extractf128_ps(h, 1));
    #elif VBYTES == 64
        __m256d h = _mm512_castpd512_pd256((__m512d)v) + _mm512_extractf64x4_pd((__m512d)v, 1);
        return (dense_16)(_mm256_castpd256_pd128(h) + _mm256_extractf128_pd(h, 1));
    #elif VBYTES == 32 && REAL_BYTES == 4
        return (dense_16)(_mm256_castps256_ps128((__m256)v) + _mm256_extractf128_ps((__m256)v, 1));
    #elif VBYTES == 32
        return (dense_16)(_mm256_castpd256_pd128((__m256d)v) + _mm256_extractf128_pd((__m256d)v, 1));
    #else
        return (dense_16)v;
    #endif
    }

    /* sums[j] = the sum of the lanes of v[j], j < 4, by a fixed tree */
    static inline void dense_sums(const vf *v, REAL *sums) {
    #if REAL_BYTES == 4
    #if VBYTES == 64
    #define EACH(L) L(0), L(4), L(8), L(12)
    #elif VBYTES == 32
    #define EACH(L) L(0), L(4)
    #else
    #define EACH(L) L(0)
    #endif
    #define LOW(o) (o), (o) + VL, (o) + 1, (o) + 1 + VL
    #define HIGH(o) (o) + 2, (o) + 2 + VL, (o) + 3, (o) + 3 + VL
    #define FIRST(o) (o), (o) + 1, (o) + VL, (o) + 1 + VL
    #define LAST(o) (o) + 2, (o) + 3, (o) + 2 + VL, (o) + 3 + VL
        vf ab = dense_mix(v[0], v[1], EACH(LOW)) + dense_mix(v[0], v[1], EACH(HIGH));
        vf cd = dense_mix(v[2], v[3], EACH(LOW)) + dense_mix(v[2], v[3], EACH(HIGH));
        *(dense_16 *)sums = dense_fold(dense_mix(ab, cd, EACH(FIRST)) + dense_mix(ab, cd, EACH(LAST)));
    #else
    #if VBYTES == 64
    #define EACH(L) L(0), L(2), L(4), L(6)
    #elif VBYTES == 32
    #define EACH(L) L(0), L(2)
    #else
    #define EACH(L) L(0)
    #endif
    #define LOW(o) (o), (o) + VL
    #define HIGH(o) (o) + 1, (o) + 1 + VL
        vf ab = dense_mix(v[0], v[1], EACH(LOW)) + dense_mix(v[0], v[1], EACH(HIGH));
        vf cd = dense_mix(v[2], v[3], EACH(LOW)) + dense_mix(v[2], v[3], EACH(HIGH));
        *(dense_16 *)sums = dense_fold(ab);
        *(dense_16 *)(sums + 2) = dense_fold(cd);
    #endif
    #undef EACH
    #undef LOW
    #undef HIGH
    #undef FIRST
    #undef LAST
    }
    #endif
    """
    void dense_sums(const vf *v, real *sums) noexcept nogil
