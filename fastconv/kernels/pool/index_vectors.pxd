# Vectors of indices: `vi` has as many lanes as `vf`, so a lane of one goes with a lane of the other. Arrays of indices
# are int64; float32 lanes hold 32 bits, hence planes of more than LANE_MAX elements take the loops without vectors.
#
# Every function takes and gives whole vectors; iread and iwrite also the first n lanes only, as vread and vwrite do.
# A comparison gives a mask: lanes of all ones or all zeros.

from ..simd.partial cimport vread
from ..simd.vector cimport VL, real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_INDEX_VECTORS
    #define FASTCONV_INDEX_VECTORS
    #include <stdint.h>
    #if REAL_BYTES == 4
    #define LANE_MAX INT32_MAX
    #else
    #define LANE_MAX INT64_MAX
    #endif
    #define isplat(i) ((vi_element)(i) - (vi){0})
    #define iload(p) (*(const vi *)(p))
    #define istore(p, v) (*(vi *)(p) = (v))
    /* 0, 1, 2, ... */
    #define LANE_SAME(i) i
    #define ilanes ((vi){LANES(LANE_SAME)})
    /* m ? a : b */
    #define vpick(m, a, b) vselect(m, a, b)
    #define ipick(m, a, b) (((a) & (m)) | ((b) & ~(m)))
    /* whether no lane is a NaN */
    #if VBYTES == 64 && REAL_BYTES == 4
    #define no_nan(v) (_mm512_cmp_ps_mask((__m512)(v), (__m512)(v), _CMP_UNORD_Q) == 0)
    #elif VBYTES == 64
    #define no_nan(v) (_mm512_cmp_pd_mask((__m512d)(v), (__m512d)(v), _CMP_UNORD_Q) == 0)
    #elif VBYTES == 32 && REAL_BYTES == 4
    #define no_nan(v) (_mm256_movemask_ps((__m256)((v) != (v))) == 0)
    #elif VBYTES == 32
    #define no_nan(v) (_mm256_movemask_pd((__m256d)((v) != (v))) == 0)
    #else
    static inline int no_nan(vf v) {
        vi found = (v) != (v);
        vi_element any = 0;
        for (int i = 0; i < VL; i++) any |= found[i];
        return any == 0;
    }
    #endif
    /* v takes the place of a: it is larger, or the first NaN */
    #define vbetter(v, a) (((v) > (a)) | (((v) != (v)) & ((a) == (a))))
    /* the same, or v equals a and its index is smaller */
    #define vfirst(v, iv, a, ia) (vbetter(v, a) | ((((v) == (a)) | (((v) != (v)) & ((a) != (a)))) & ((iv) < (ia))))
    /* v where i == at, else 0 */
    #define vtaken(i, at, v) ((vf)((vi)(v) & ((i) == (at))))
    typedef int64_t vlong __attribute__((vector_size(VL * 8), aligned(8), may_alias));
    static inline void iwrite(int64_t *p, Py_ssize_t n, vi v) {
        if (n >= VL) *(vlong *)p = __builtin_convertvector(v, vlong);
        else for (Py_ssize_t i = 0; i < n; i++) p[i] = v[i];
    }
    #define LANE_EVEN(i) (2 * (i))
    static inline vi iread(const int64_t *p, Py_ssize_t n) {
        vi v = {0};
        #if REAL_BYTES == 4  /* little-endian: the low halves of the indices */
        if (n >= VL) return SHUFFLE(iload(p), iload((const vi_element *)p + VL), LANE_EVEN);
        #else
        if (n >= VL) return iload(p);
        #endif
        for (Py_ssize_t i = 0; i < n; i++) v[i] = (vi_element)p[i];
        return v;
    }
    #endif
    """
    ctypedef long long int64_t
    ctypedef int vi_element
    ctypedef int vi
    const Py_ssize_t LANE_MAX
    vi ilanes
    vi isplat(Py_ssize_t i) noexcept nogil
    vi iload(const vi_element *p) noexcept nogil
    void istore(vi_element *p, vi v) noexcept nogil
    vi iread(const int64_t *p, Py_ssize_t n) noexcept nogil
    void iwrite(int64_t *p, Py_ssize_t n, vi v) noexcept nogil
    vi ipick(vi m, vi a, vi b) noexcept nogil
    vf vpick(vi m, vf a, vf b) noexcept nogil
    vi vbetter(vf v, vf a) noexcept nogil
    bint no_nan(vf v) noexcept nogil
    vi vfirst(vf v, vi iv, vf a, vi ia) noexcept nogil
    vf vtaken(vi i, vi at, vf v) noexcept nogil


cdef inline bint better(real v, real a) noexcept nogil:
    """Whether v takes the place of a: it is larger, or the first NaN."""
    return v > a or (v != v and a == a)
