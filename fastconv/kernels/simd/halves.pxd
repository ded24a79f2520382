# Half vectors, for a last vector of which at most half the lanes are wanted. Only vectors of 64 bytes have them
# (HALVES): there the processor adds two products of half vectors in the time of one of whole vectors.

from .vector cimport real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_HALVES
    #define FASTCONV_HALVES
    #if VBYTES == 64
    #define HALVES 1
    typedef REAL vh __attribute__((vector_size(VBYTES / 2), aligned(REAL_BYTES), may_alias));
    #define vload_half(p) (*(const vh *)(p))
    /* the lower half of a vector; a whole vector whose upper half is zero */
    #if REAL_BYTES == 4
    #define vhalf(v) ((vh)_mm512_castps512_ps256((__m512)(v)))
    #define vwhole(h) ((vf)_mm512_zextps256_ps512((__m256)(h)))
    #else
    #define vhalf(v) ((vh)_mm512_castpd512_pd256((__m512d)(v)))
    #define vwhole(h) ((vf)_mm512_zextpd256_pd512((__m256d)(h)))
    #endif
    #else
    #define HALVES 0
    typedef vf vh;
    #define vload_half(p) vload(p)
    #define vhalf(v) (v)
    #define vwhole(h) (h)
    #endif
    #endif
    """
    ctypedef float vh
    bint HALVES
    vh vload_half(const real *p) noexcept nogil
    vh vhalf(vf v) noexcept nogil
    vf vwhole(vh h) noexcept nogil
