# Backward of windows of 2 x 2 or 3 x 3 at stride 2 in channels-last memory: dx in blocks of 2 x 2 pixels.
#
# Block (R, Q) holds the pixels (2 R - top + a, 2 Q - left + b), a, b < 2. Window (R, Q) starts at its first pixel, so
# windows of 2 x 2 give to the pixels of their own block alone. Windows of 3 x 3 reach one row and one column further;
# the pixels of their blocks are read by these windows:
#
#     pixel (0, 0)  windows (R-1, Q-1), (R-1, Q), (R, Q-1), (R, Q)      pixel (0, 1)  (R-1, Q), (R, Q)
#     pixel (1, 0)  windows (R, Q-1), (R, Q)                            pixel (1, 1)  (R, Q)
#
# Gain: all addresses are found once for four pixels, and dy is read once or twice per element, not four times.
# Sums run along a row of windows, then over the rows: the bits are those of backward_channels.pxi.

from ..runtime.sizes cimport ceil_div
from ..simd cimport dispatch
from ..simd.partial cimport vwrite
from ..simd.vector cimport VL, real, vf, vfence, vsplat, vstream, vzero
from .index_checks cimport bad_channels
from .shares cimport Reader, set_reader, vshare
from .window cimport ARGMAX, L2, SUM, Line, Pool, pixel

cdef struct Block:          # pixels (0, 0), (0, 1), (1, 0), (1, 1) and windows (R-1, Q-1), (R-1, Q), (R, Q-1), (R, Q)
    real *dx[4]             # NULL: there is no such pixel
    const real *x[4]
    Py_ssize_t at[4]        # h * W + w
    Reader window[4]        # dy is NULL: there is no such window

ctypedef void (*vectors_body)(Block *b, Py_ssize_t C, real divisor, const int kind, const bint wide,
                              const bint stream) noexcept nogil

cdef extern from *:
    void block_vectors "DISPATCH_FLAGS2" (vectors_body f, bint wide, bint stream, Block *b, Py_ssize_t C,
                                          real divisor, int kind) noexcept nogil


cdef inline Py_ssize_t padding_of(const Line *lines, Py_ssize_t count, Py_ssize_t size,
                                  Py_ssize_t kernel) noexcept nogil:
    """The padding before an axis whose windows are all `kernel` neighbours at stride 2, clipped; -1 if they are not."""
    cdef Py_ssize_t padding = kernel - lines[0].count, i, start
    if padding < 0 or padding > 1:
        return -1
    for i in range(count):
        start = 2 * i - padding
        if lines[i].start != max(start, 0) or lines[i].step != 1 or \
                lines[i].start + lines[i].count != min(start + kernel, size):
            return -1
    return padding


cdef inline bint find_blocks(Pool *p) noexcept nogil:
    """Set p.blocks; False where the windows are not of 2 x 2 or 3 x 3 at stride 2."""
    cdef Py_ssize_t kernel
    for kernel in range(2, 4):
        p.blocks.top = padding_of(p.rows, p.OH, p.H, kernel)
        p.blocks.left = padding_of(p.cols, p.OW, p.W, kernel)
        p.blocks.wide = kernel == 3
        if p.blocks.top >= 0 and p.blocks.left >= 0:
            return True
    return False


cdef inline Py_ssize_t block_rows(Pool *p) noexcept nogil:
    """Rows of blocks per image."""
    return ceil_div(p.H + p.blocks.top, 2)


cdef inline bint find_block(Pool *p, Py_ssize_t n, Py_ssize_t R, Py_ssize_t Q, Block *b, const int kind) noexcept nogil:
    """Set b to block (R, Q) of image n; whether all its pixels and windows exist."""
    cdef Py_ssize_t k, h, w, oh, ow
    cdef bint whole = True
    for k in range(4):
        h, w = 2 * R - p.blocks.top + k // 2, 2 * Q - p.blocks.left + k % 2
        b.dx[k] = NULL
        if 0 <= h < p.H and 0 <= w < p.W:
            b.dx[k] = pixel(&p.dx, n, 0, h, w)
            b.at[k] = h * p.W + w
            if kind == L2:
                b.x[k] = pixel(&p.x, n, 0, h, w)
        else:
            whole = False
        oh, ow = R - 1 + k // 2, Q - 1 + k % 2
        b.window[k].dy = NULL
        if 0 <= oh < p.OH and 0 <= ow < p.OW:
            set_reader(p, n, oh, ow, &b.window[k], kind)
        elif p.blocks.wide or k == 3:
            whole = False
    return whole


cdef inline vf part(Block *b, const int window, const int to, Py_ssize_t c, Py_ssize_t n, const int kind,
                    const bint whole) noexcept nogil:
    """What a window gives to pixel `to`, for n channels from c on."""
    if not whole and (b.window[window].dy == NULL or b.dx[to] == NULL):
        return vzero
    return vshare(&b.window[window], b.x[to], b.at[to], c, n, kind)


cdef inline vf four_parts(Block *b, Py_ssize_t c, Py_ssize_t n, const int kind, const bint whole) noexcept nogil:
    """What the four windows give to pixel (0, 0)."""
    cdef vf row = vzero + part(b, 0, 0, c, n, kind, whole) + part(b, 1, 0, c, n, kind, whole)
    if kind == ARGMAX:
        return row + part(b, 2, 0, c, n, kind, whole) + part(b, 3, 0, c, n, kind, whole)
    return row + (vzero + part(b, 2, 0, c, n, kind, whole) + part(b, 3, 0, c, n, kind, whole))


cdef inline void keep(real *dx, Py_ssize_t n, vf total, real divisor, const int kind, const bint stream) noexcept nogil:
    """Store n channels of one pixel of dx."""
    if kind == SUM:
        total = total / vsplat(divisor)
    if stream:
        vstream(dx, total)
    else:
        vwrite(dx, n, total)


cdef inline void block(Block *b, Py_ssize_t c, Py_ssize_t n, real divisor, const int kind, const bint wide,
                       const bint stream, const bint whole) noexcept nogil:
    """n channels, from c on, of the four pixels; `whole`: all pixels and windows exist."""
    cdef vf total[4]
    cdef Py_ssize_t k
    for k in range(4):
        total[k] = vzero
    if wide:
        total[0] = four_parts(b, c, n, kind, whole)
        total[1] = total[1] + part(b, 1, 1, c, n, kind, whole)
        total[2] = total[2] + part(b, 2, 2, c, n, kind, whole)
    else:
        total[0] = total[0] + part(b, 3, 0, c, n, kind, whole)
    total[1] = total[1] + part(b, 3, 1, c, n, kind, whole)
    total[2] = total[2] + part(b, 3, 2, c, n, kind, whole)
    total[3] = total[3] + part(b, 3, 3, c, n, kind, whole)
    for k in range(4):
        if whole or b.dx[k] != NULL:
            keep(b.dx[k] + c, n, total[k], divisor, kind, stream)


cdef inline void whole_vectors(Block *b, Py_ssize_t C, real divisor, const int kind, const bint wide,
                               const bint stream) noexcept nogil:
    """The channels that fill vectors, of a block whose pixels and windows all exist."""
    cdef Py_ssize_t v
    for v in range(C // VL):
        block(b, v * VL, VL, divisor, kind, wide, stream, True)


cdef inline void blocks_back(Pool *p, Py_ssize_t job, const int kind) noexcept nogil:
    """dx in one row of blocks: two rows of one image. ARGMAX checks the indices."""
    cdef Py_ssize_t n = job // block_rows(p), R = job % block_rows(p), Q, c
    cdef Block b
    for Q in range(ceil_div(p.W + p.blocks.left, 2)):
        if kind == ARGMAX and R < p.OH and Q < p.OW and bad_channels(p, n, R, Q, 0, p.C):
            p.bad = True
        c = 0
        if find_block(p, n, R, Q, &b, kind):
            block_vectors(whole_vectors, p.blocks.wide, p.stream, &b, p.C, p.divisor, kind)
            c = p.C // VL * VL
        while c < p.C:
            block(&b, c, min(<Py_ssize_t>VL, p.C - c), p.divisor, kind, p.blocks.wide, p.stream, False)
            c += VL
    if p.stream:
        vfence()
