# The scalar `real`, the vector `vf` of VL reals, and their helpers. The build sets REAL, REAL_BYTES and VBYTES.
# Cython believes that vf is a float type, so a + b * c on vectors becomes vector code. Splat scalars before mixing.

cdef extern from *:
    """
    #ifndef FASTCONV_VECTOR
    #define FASTCONV_VECTOR
    #if defined(__GNUC__)
    #define vprefetch(p) __builtin_prefetch(p)
    #else
    #define vprefetch(p) ((void)0)
    #endif
    typedef REAL vf __attribute__((vector_size(VBYTES), aligned(REAL_BYTES), may_alias));
    #define VL (VBYTES / REAL_BYTES)
    #define vzero ((vf){0})
    #define vload(p) (*(const vf *)(p))
    #define vstore(p, v) (*(vf *)(p) = (v))
    #define vsplat(s) ((REAL)(s) - (vf){0})
    #if REAL_BYTES == 4
    typedef int vi_element;
    #define REAL_MAX 0x1.fffffep127f
    #else
    typedef long long vi_element;
    #define REAL_MAX 0x1.fffffffffffffp1023
    #endif
    typedef vi_element vi __attribute__((vector_size(VBYTES), aligned(REAL_BYTES), may_alias));
    /* m ? a : b for a comparison m, whose lanes are all ones or all zeros */
    #define vselect(m, a, b) ((vf)(((vi)(a) & (m)) | ((vi)(b) & ~(m))))
    /* SHUFFLE(a, b, f): lane i is lane f(i) of a, or lane f(i) - VL of b; f is a macro. LANES(f): f of every lane */
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
    /* p[0], p[2], p[4], ..., and p[0], p[-1], p[-2], ...: nothing beyond the last of them is read */
    #define LANE_EVEN_SPAN(i) (2 * (i) < VL ? 2 * (i) : 2 * (i) + 1)
    #define LANE_BACK(i) (VL - 1 - (i))
    #define veven(p) SHUFFLE(vload(p), vload((p) + VL - 1), LANE_EVEN_SPAN)
    #define vback(p) SHUFFLE(vload((p) - (VL - 1)), vload((p) - (VL - 1)), LANE_BACK)
    /* exactly a > b ? a : b and a < b ? a : b, so b where one of them is a NaN */
    #if defined(__x86_64__) || defined(__amd64__)
    #include <immintrin.h>
    #if VBYTES == 64 && REAL_BYTES == 4
    #define vmax(a, b) ((vf)_mm512_max_ps((__m512)(a), (__m512)(b)))
    #define vmin(a, b) ((vf)_mm512_min_ps((__m512)(a), (__m512)(b)))
    #elif VBYTES == 64
    #define vmax(a, b) ((vf)_mm512_max_pd((__m512d)(a), (__m512d)(b)))
    #define vmin(a, b) ((vf)_mm512_min_pd((__m512d)(a), (__m512d)(b)))
    #elif VBYTES == 32 && REAL_BYTES == 4
    #define vmax(a, b) ((vf)_mm256_max_ps((__m256)(a), (__m256)(b)))
    #define vmin(a, b) ((vf)_mm256_min_ps((__m256)(a), (__m256)(b)))
    #elif VBYTES == 32
    #define vmax(a, b) ((vf)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
    #define vmin(a, b) ((vf)_mm256_min_pd((__m256d)(a), (__m256d)(b)))
    #elif REAL_BYTES == 4
    #define vmax(a, b) ((vf)_mm_max_ps((__m128)(a), (__m128)(b)))
    #define vmin(a, b) ((vf)_mm_min_ps((__m128)(a), (__m128)(b)))
    #else
    #define vmax(a, b) ((vf)_mm_max_pd((__m128d)(a), (__m128d)(b)))
    #define vmin(a, b) ((vf)_mm_min_pd((__m128d)(a), (__m128d)(b)))
    #endif
    /* past the caches, for results too large to be read again soon; p on a multiple of VBYTES */
    #if VBYTES == 64
    #define vstream(p, v) _mm512_stream_si512((__m512i *)(p), (__m512i)(v))
    #elif VBYTES == 32
    #define vstream(p, v) _mm256_stream_si256((__m256i *)(p), (__m256i)(v))
    #else
    #define vstream(p, v) _mm_stream_si128((__m128i *)(p), (__m128i)(v))
    #endif
    #define vfence() _mm_sfence()
    #else
    #define vstream(p, v) vstore(p, v)
    #define vfence() ((void)0)
    #define vmax(a, b) vselect((vi)((a) > (b)), a, b)
    #define vmin(a, b) vselect((vi)((a) < (b)), a, b)
    #endif
    /* a * b + c, rounded once where the build has it */
    #if VBYTES == 64 && REAL_BYTES == 4
    #define vfma(a, b, c) ((vf)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
    #elif VBYTES == 64
    #define vfma(a, b, c) ((vf)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
    #elif VBYTES == 32 && REAL_BYTES == 4
    #define vfma(a, b, c) ((vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
    #elif VBYTES == 32
    #define vfma(a, b, c) ((vf)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
    #else
    #define vfma(a, b, c) ((a) * (b) + (c))
    #endif
    #endif
    """
    ctypedef float real "REAL"
    ctypedef float vf
    enum: REAL_BYTES
    enum: VL
    enum: MAX_LANES "16"  # VL of the widest vector
    const real REAL_MAX  # the largest finite value
    enum: LINE "(64 / REAL_BYTES)"  # values in a cache line
    vf vzero
    vf vload(const real *p) noexcept nogil
    void vstore(real *p, vf v) noexcept nogil
    vf vfma(vf a, vf b, vf c) noexcept nogil
    void vstream(real *p, vf v) noexcept nogil
    void vfence() noexcept nogil
    void vprefetch(const real *p) noexcept nogil  # p will be read soon
    vf vsplat(real s) noexcept nogil
    vf veven(const real *p) noexcept nogil
    vf vback(const real *p) noexcept nogil
    # the mask of vselect is any vector comparison written in C
    vf vmax(vf a, vf b) noexcept nogil
    vf vmin(vf a, vf b) noexcept nogil


cdef inline vf activated(vf v, int activation) noexcept nogil:
    """v by the code of ops/epilogue.py: 0 as it is, 1 max(v, 0), 2 min(max(v, 0), 6). NaN stays: 0 > NaN is false."""
    if activation:
        v = vmax(vzero, v)
        if activation == 2:
            v = vmin(vsplat(6), v)
    return v


cdef inline real activated_one(real v, int activation) noexcept nogil:
    """The same of one value."""
    if activation and v < 0:
        v = 0
    if activation == 2 and v > 6:
        v = 6
    return v
