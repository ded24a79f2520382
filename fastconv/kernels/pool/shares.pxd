# What one window gives to one input on the way back: for n channels of channels-last memory, and for one element.
#
#     max    dy where the window's index is this input        L2     dy x / y
#     mean   dy / m                                            L_p    dy sign(x) (|x| / y)^(p-1);  0 where y = 0

from libc.math cimport fabs, pow
from ..simd.partial cimport vread
from ..simd.vector cimport real, vf, vsplat
from .index_vectors cimport int64_t, iread, isplat, vtaken
from .roots cimport vratio
from .window cimport ARGMAX, L2, MEAN, SUM, Pool, divisor_of, index_at, pixel

cdef struct Reader:         # a window that reads a pixel: where its first channel lies; a kind sets what it needs
    const real *dy
    const real *y           # L2
    const int64_t *index    # ARGMAX
    real divisor            # MEAN


cdef inline void set_reader(const Pool *p, Py_ssize_t n, Py_ssize_t oh, Py_ssize_t ow, Reader *window,
                            const int kind) noexcept nogil:
    """Window (oh, ow) of image n."""
    window.dy = pixel(&p.dy, n, 0, oh, ow)
    if kind == ARGMAX:
        window.index = index_at(&p.indices, n, 0, oh, ow)
    elif kind == MEAN:
        window.divisor = divisor_of(p, oh, ow)
    elif kind == L2:
        window.y = pixel(&p.y, n, 0, oh, ow)


cdef inline vf vshare(const Reader *window, const real *x, Py_ssize_t at, Py_ssize_t c, Py_ssize_t n,
                      const int kind) noexcept nogil:
    """What one window gives to n channels, from c on, of the pixel x at index `at` of its plane."""
    cdef vf dy = vread(window.dy + c, n)
    if kind == ARGMAX:
        return vtaken(iread(window.index + c, n), isplat(at), dy)
    if kind == MEAN:
        return dy / vsplat(window.divisor)
    if kind == L2:
        return vratio(dy, vread(x + c, n), vread(window.y + c, n))
    return dy


cdef inline real share(const Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, Py_ssize_t w, Py_ssize_t oh,
                       Py_ssize_t ow, const int kind) noexcept nogil:
    """What window (oh, ow) gives to the input (h, w) of plane (n, c)."""
    cdef real dy = pixel(&p.dy, n, c, oh, ow)[0], x, y
    if kind == SUM:
        return dy
    if kind == MEAN:
        return dy / divisor_of(p, oh, ow)
    x, y = pixel(&p.x, n, c, h, w)[0], pixel(&p.y, n, c, oh, ow)[0]
    if y == 0:
        return 0
    if kind == L2:
        return dy * (x / y)
    if x == 0:
        return 0
    if x != x:  # pow(NaN, 0) is 1
        return x
    return <real>((dy if x > 0 else -dy) * pow(fabs(x / y), p.exponent - 1))
