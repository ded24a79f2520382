# The way back of windows of 2 x 2 or 3 x 3 at stride 2 in channels-last memory, by squares of 2 x 2 pixels.
#
# Square (R, Q) holds the pixels (2 R - top + a, 2 Q - left + b), a, b < 2. Window (R, Q) starts at its first pixel.
# Windows of 3 x 3 reach one row and one column further, so their squares also collect from the windows before:
#
#   pixel (0, 0)  windows (R-1, Q-1), (R-1, Q), (R, Q-1), (R, Q)      pixel (0, 1)  (R-1, Q), (R, Q)
#   pixel (1, 0)  windows (R, Q-1), (R, Q)                            pixel (1, 1)  (R, Q)
#
# Sums run along a row of windows, then over the rows: the bits are those of `cover_block`.

from ..simd.lanes cimport vread, vwrite
from .window cimport ARGMAX, SUM, Pool, bad_indices, int64_t, iread, isplat, vratio, vtaken
from ..simd.vector cimport VL, real, vf, vfence, vsplat, vstream, vzero

cdef struct Square:         # pixels and windows in the order (0, 0), (0, 1), (1, 0), (1, 1); NULL: there is none
    real *dx[4]
    const real *x[4]
    Py_ssize_t at[4]
    const real *dy[4]       # windows (R-1, Q-1), (R-1, Q), (R, Q-1), (R, Q)
    const real *y[4]
    const int64_t *i[4]


cdef inline Py_ssize_t pad_of(const Py_ssize_t *lines, Py_ssize_t count, Py_ssize_t size,
                              Py_ssize_t kernel) noexcept nogil:
    """The padding before an axis whose windows are all `kernel` neighbours at stride 2, clipped; -1 if they are not."""
    cdef Py_ssize_t pad = kernel - lines[1], i, start
    if pad < 0 or pad > 1:
        return -1
    for i in range(count):
        start = 2 * i - pad
        if lines[4 * i] != max(start, 0) or lines[4 * i + 2] != 1 or \
                lines[4 * i] + lines[4 * i + 1] != min(start + kernel, size):
            return -1
    return pad


cdef inline bint find_squares(Pool *g) noexcept nogil:
    """Fill in `wide`, `top`, `left`; False where windows are others."""
    cdef Py_ssize_t kernel
    for kernel in range(2, 4):
        g.top, g.left = pad_of(g.rows, g.OH, g.H, kernel), pad_of(g.cols, g.OW, g.W, kernel)
        g.wide = kernel == 3
        if g.top >= 0 and g.left >= 0:
            return True
    return False


cdef inline Py_ssize_t square_rows(Pool *g) noexcept nogil:
    """Rows of squares in a map."""
    return (g.H + g.top + 1) // 2


cdef inline vf part(const int kind, Square *s, const int window, const int pixel, const bint all, Py_ssize_t c,
                    Py_ssize_t n) noexcept nogil:
    """What a window gives to a pixel, for n channels from c on."""
    cdef vf dy
    if not all and (s.dy[window] == NULL or s.dx[pixel] == NULL):
        return vzero
    dy = vread(s.dy[window] + c, n)
    if kind == ARGMAX:
        return vtaken(iread(s.i[window] + c, n), isplat(s.at[pixel]), dy)
    if kind == SUM:
        return dy
    return vratio(dy, vread(s.x[pixel] + c, n), vread(s.y[window] + c, n))


cdef inline void keep(const int kind, const bint stream, real *dx, Py_ssize_t n, vf total, real m) noexcept nogil:
    if kind == SUM:
        total = total / vsplat(m)
    if stream:
        vstream(dx, total)
    else:
        vwrite(dx, n, total)


cdef inline vf four_parts(const int kind, Square *s, const bint all, Py_ssize_t c, Py_ssize_t n) noexcept nogil:
    """What the four windows give to the first pixel."""
    cdef vf row = vzero + part(kind, s, 0, 0, all, c, n) + part(kind, s, 1, 0, all, c, n)
    if kind == ARGMAX:
        return row + part(kind, s, 2, 0, all, c, n) + part(kind, s, 3, 0, all, c, n)
    return row + (vzero + part(kind, s, 2, 0, all, c, n) + part(kind, s, 3, 0, all, c, n))


cdef inline void square(const int kind, const bint wide, const bint all, const bint stream, Square *s, real m,
                        Py_ssize_t c, Py_ssize_t n) noexcept nogil:
    """n channels from c on; `all`: all pixels and windows are there; `wide`: windows of 3 x 3."""
    cdef vf total[4]
    cdef Py_ssize_t k
    for k in range(4):
        total[k] = vzero
    if wide:
        total[0] = four_parts(kind, s, all, c, n)
        total[1] = total[1] + part(kind, s, 1, 1, all, c, n)
        total[2] = total[2] + part(kind, s, 2, 2, all, c, n)
    else:
        total[0] = total[0] + part(kind, s, 3, 0, all, c, n)
    total[1] = total[1] + part(kind, s, 3, 1, all, c, n)
    total[2] = total[2] + part(kind, s, 3, 2, all, c, n)
    total[3] = total[3] + part(kind, s, 3, 3, all, c, n)
    for k in range(4):
        if all or s.dx[k] != NULL:
            keep(kind, stream, s.dx[k] + c, n, total[k], m)


cdef inline bint find_square(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t R, Py_ssize_t Q,
                             Square *s) noexcept nogil:
    """Fill s; whether all pixels and windows are there."""
    cdef Py_ssize_t k, h, w, oh, ow
    cdef bint all = True
    for k in range(4):
        h, w = 2 * R - g.top + k // 2, 2 * Q - g.left + k % 2
        s.dx[k] = NULL
        if 0 <= h < g.H and 0 <= w < g.W:
            s.dx[k] = g.x.p + n * g.x.n + h * g.x.h + w * g.x.w
            s.at[k] = h * g.W + w
            if kind != ARGMAX and kind != SUM:
                s.x[k] = g.x0.p + n * g.x0.n + h * g.x0.h + w * g.x0.w
        else:
            all = False
        oh, ow = R - 1 + k // 2, Q - 1 + k % 2
        s.dy[k] = NULL
        if 0 <= oh < g.OH and 0 <= ow < g.OW:
            s.dy[k] = g.y.p + n * g.y.n + oh * g.y.h + ow * g.y.w
            if kind == ARGMAX:
                s.i[k] = g.i + n * g.i_n + oh * g.i_h + ow * g.i_w
            elif kind != SUM:
                s.y[k] = g.y0.p + n * g.y0.n + oh * g.y0.h + ow * g.y0.w
        elif g.wide or k == 3:
            all = False
    return all


cdef inline void whole_vectors(const int kind, const bint wide, const bint stream, Square *s, real m,
                               Py_ssize_t C) noexcept nogil:
    """All pixels and windows are there."""
    cdef Py_ssize_t b
    for b in range(C // VL):
        square(kind, wide, True, stream, s, m, b * VL, VL)


cdef inline void squares_back(const int kind, Pool *g, Py_ssize_t job) noexcept nogil:
    """Two rows of dx."""
    cdef Py_ssize_t n = job // square_rows(g), R = job % square_rows(g), Q, c
    cdef Square s
    for Q in range((g.W + g.left + 1) // 2):
        if kind == ARGMAX and R < g.OH and Q < g.OW and bad_indices(g, n, R, Q, 0, g.C):
            g.bad = True
        c = 0
        if find_square(kind, g, n, R, Q, &s):
            if g.wide and g.stream:
                whole_vectors(kind, True, True, &s, g.m, g.C)
            elif g.wide:
                whole_vectors(kind, True, False, &s, g.m, g.C)
            elif g.stream:
                whole_vectors(kind, False, True, &s, g.m, g.C)
            else:
                whole_vectors(kind, False, False, &s, g.m, g.C)
            c = g.C // VL * VL
        while c < g.C:
            square(kind, g.wide, False, g.stream, &s, g.m, c, min(<Py_ssize_t>VL, g.C - c))
            c += VL
    if g.stream:
        vfence()
