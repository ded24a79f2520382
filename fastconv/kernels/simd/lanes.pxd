# The first n lanes of a vector, 0 <= n <= VL: nothing behind the n elements is read or written; and lanes picked from two vectors.

from .vector cimport VL, real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_LANES
    #define FASTCONV_LANES
    /* lanes(n): a mask. load_lanes: p[i] in the first n lanes, 0 in the others. store_lanes: p[i] = v[i] for i < n.
       keep_lanes: v in the first n lanes, 0 in the others */
    #if VBYTES == 64 && REAL_BYTES == 4
    typedef __mmask16 lane_mask;
    #define lanes(n) ((__mmask16)((1u << (n)) - 1))
    #define load_lanes(p, m) ((vf)_mm512_maskz_loadu_ps(m, p))
    #define store_lanes(p, m, v) _mm512_mask_storeu_ps(p, m, (__m512)(v))
    #define keep_lanes(v, m) ((vf)_mm512_maskz_mov_ps(m, (__m512)(v)))
    #elif VBYTES == 64
    typedef __mmask8 lane_mask;
    #define lanes(n) ((__mmask8)((1u << (n)) - 1))
    #define load_lanes(p, m) ((vf)_mm512_maskz_loadu_pd(m, p))
    #define store_lanes(p, m, v) _mm512_mask_storeu_pd(p, m, (__m512d)(v))
    #define keep_lanes(v, m) ((vf)_mm512_maskz_mov_pd(m, (__m512d)(v)))
    #else
    typedef vi lane_mask;
    #define LANE_NUMBER(i) (i)
    #define lanes(n) ((vi){LANES(LANE_NUMBER)} < ((vi_element)(n) - (vi){0}))
    #define keep_lanes(v, m) ((vf)((vi)(v) & (m)))
    #if VBYTES == 32 && REAL_BYTES == 4
    #define load_lanes(p, m) ((vf)_mm256_maskload_ps(p, (__m256i)(m)))
    #define store_lanes(p, m, v) _mm256_maskstore_ps(p, (__m256i)(m), (__m256)(v))
    #elif VBYTES == 32
    #define load_lanes(p, m) ((vf)_mm256_maskload_pd(p, (__m256i)(m)))
    #define store_lanes(p, m, v) _mm256_maskstore_pd(p, (__m256i)(m), (__m256d)(v))
    #else
    static inline vf load_lanes(const REAL *p, vi m) {
        vf v = {0};
        for (int i = 0; i < VL; i++) if (m[i]) v[i] = p[i];
        return v;
    }
    static inline void store_lanes(REAL *p, vi m, vf v) {
        for (int i = 0; i < VL; i++) if (m[i]) p[i] = v[i];
    }
    #endif
    #endif
    /* of two vectors side by side: the even elements, the odd ones; and back: a[0], b[0], a[1], b[1], ... */
    #define LANE_EVENS(i) (2 * (i))
    #define LANE_ODDS(i) (2 * (i) + 1)
    #define LANE_ZIP_LOW(i) ((i) / 2 + (i) % 2 * VL)
    #define LANE_ZIP_HIGH(i) (VL / 2 + (i) / 2 + (i) % 2 * VL)
    #define evens(a, b) SHUFFLE(a, b, LANE_EVENS)
    #define odds(a, b) SHUFFLE(a, b, LANE_ODDS)
    #define zip_low(a, b) SHUFFLE(a, b, LANE_ZIP_LOW)
    #define zip_high(a, b) SHUFFLE(a, b, LANE_ZIP_HIGH)
    /* picked(a, b, index, m): lane i is lane index[i] of a, or lane index[i] - VL of b; 0 where m has no lane. picked_of_one:
       the same without b. add_product(acc, a, b, m): acc + a b in the lanes of m, acc in the others. PICKS: whether each of
       these is one instruction. with_lane: the lanes of m, and lane i */
    #if VBYTES == 64
    #define PICKS 1
    #define with_lane(m, i) ((lane_mask)((m) | 1u << (i)))
    #if REAL_BYTES == 4
    #define picked(a, b, index, m) ((vf)_mm512_maskz_permutex2var_ps(m, (__m512)(a), (__m512i)(index), (__m512)(b)))
    #define picked_of_one(a, index, m) ((vf)_mm512_maskz_permutexvar_ps(m, (__m512i)(index), (__m512)(a)))
    #define add_product(acc, a, b, m) ((vf)_mm512_mask3_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(acc), m))
    #else
    #define picked(a, b, index, m) ((vf)_mm512_maskz_permutex2var_pd(m, (__m512d)(a), (__m512i)(index), (__m512d)(b)))
    #define picked_of_one(a, index, m) ((vf)_mm512_maskz_permutexvar_pd(m, (__m512i)(index), (__m512d)(a)))
    #define add_product(acc, a, b, m) ((vf)_mm512_mask3_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(acc), m))
    #endif
    #else
    #define PICKS 0
    #define with_lane(m, i) (m)
    #define picked(a, b, index, m) keep_lanes(a, m)
    #define picked_of_one(a, index, m) keep_lanes(a, m)
    #define add_product(acc, a, b, m) ((acc) + (a) * keep_lanes(b, m))
    #endif
    #define vload_index(p) (*(const vi *)(p))
    #endif
    """
    ctypedef int lane_mask
    ctypedef int vi_element
    const bint PICKS
    lane_mask lanes(Py_ssize_t n) noexcept nogil
    vf load_lanes(const real *p, lane_mask m) noexcept nogil
    void store_lanes(real *p, lane_mask m, vf v) noexcept nogil
    vf keep_lanes(vf v, lane_mask m) noexcept nogil
    vf evens(vf a, vf b) noexcept nogil
    vf odds(vf a, vf b) noexcept nogil
    vf zip_low(vf a, vf b) noexcept nogil
    vf zip_high(vf a, vf b) noexcept nogil
    lane_mask with_lane(lane_mask m, int i) noexcept nogil
    ctypedef int lane_index "vi"
    lane_index vload_index(const vi_element *p) noexcept nogil
    vf picked(vf a, vf b, lane_index index, lane_mask m) noexcept nogil
    vf add_product(vf acc, vf a, vf b, lane_mask m) noexcept nogil
    vf picked_of_one(vf a, lane_index index, lane_mask m) noexcept nogil


cdef inline Py_ssize_t at_most_vector(Py_ssize_t n) noexcept nogil:
    """n elements as lanes of one vector: 0 <= result <= VL."""
    return max(<Py_ssize_t>0, min(n, <Py_ssize_t>VL))
