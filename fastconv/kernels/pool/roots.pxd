# The square roots of L2 pooling. The vector loops compute y = sqrt(sum x^2) without scaling. That is right where y is
# "ordinary": L2_LOW <= y <= L2_HIGH, so that no square overflowed and none that counts vanished. Any other y (also 0,
# NaN, infinity) is computed again, scaled, by `scaled_root_of_squares`.

from ..simd.vector cimport real, vf
from .index_vectors cimport ilanes, isplat, vi

cdef extern from *:
    """
    #ifndef FASTCONV_ROOTS
    #define FASTCONV_ROOTS
    #if REAL_BYTES == 4
    #define L2_LOW 0x1p-40f
    #define L2_HIGH 0x1p60f
    #else
    #define L2_LOW 0x1p-450
    #define L2_HIGH 0x1p500
    #endif
    /* a mask of the ordinary lanes; lanes from n on count as ordinary */
    #define iordinary(v, n) ((((v) >= vsplat(L2_LOW)) & ((v) <= vsplat(L2_HIGH))) | (ilanes >= isplat(n)))
    #define iboth(a, b) ((a) & (b))
    /* whether all lanes of a mask are ones */
    static inline int iall(vi good) {
        vi_element all = -1;
        for (int i = 0; i < VL; i++) all &= good[i];
        return all != 0;
    }
    /* dy x / y, 0 where y = 0 */
    #define vratio(dy, x, y) ((vf)((vi)((dy) * ((x) / (y))) & ((y) != vzero)))
    #endif
    """
    const real L2_LOW
    const real L2_HIGH
    vi iordinary(vf v, Py_ssize_t n) noexcept nogil
    vi iboth(vi a, vi b) noexcept nogil
    int iall(vi good) noexcept nogil
    vf vratio(vf dy, vf x, vf y) noexcept nogil


cdef inline bint ordinary(real y) noexcept nogil:
    """Whether y = sqrt(sum x^2) was right without scaling."""
    return y >= L2_LOW and y <= L2_HIGH
