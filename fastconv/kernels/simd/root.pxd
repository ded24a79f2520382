# The square root of a number and of a vector.

from .vector cimport real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_ROOT
    #define FASTCONV_ROOT
    #include <math.h>
    #if REAL_BYTES == 4
    #define ROOT sqrtf
    #else
    #define ROOT sqrt
    #endif
    #if defined(__AVX512F__) && VBYTES == 64 && REAL_BYTES == 4
    #define vroot(v) ((vf)_mm512_sqrt_ps((__m512)(v)))
    #elif defined(__AVX512F__) && VBYTES == 64
    #define vroot(v) ((vf)_mm512_sqrt_pd((__m512d)(v)))
    #else
    static inline vf vroot(vf v) {
        for (int i = 0; i < VL; i++) v[i] = ROOT(v[i]);
        return v;
    }
    #endif
    #endif
    """
    real ROOT(real v) noexcept nogil
    vf vroot(vf v) noexcept nogil
