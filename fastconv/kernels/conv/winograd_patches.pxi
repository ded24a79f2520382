# The patches: reading inputs and writing outputs, where a plane ends through a copy with zeros around it.

from libc.string cimport memcpy, memset
from ..runtime.sizes cimport ceil_div, round_up
from ..simd.vector cimport LINE, VL, real, vprefetch
from .view cimport View, view_of
from .winograd_1d cimport input_6, output_2, output_4, output_5, small_input_4, small_output_2
from .winograd_2d cimport Outputs, next_vector, put, transform, transform_outputs


cdef struct Patches:
    # patch (n, i, j): edge x edge outputs from (i, j) * edge on, of side x side inputs from the same place on.
    # An input is a cell of s x s pixels of x, and cell (0, 0) begins at pixel (-top, -left); outputs likewise in y.
    View x, y                           # channels-last
    Py_ssize_t s, top, left
    Py_ssize_t ys, ytop, yleft
    Py_ssize_t side, edge
    Py_ssize_t rows, columns, count     # patches along H and W of an image, and of all images
    Py_ssize_t stride                   # reals from one patch to the next in v[f]

cdef struct Epilogue:
    # y = f(result + bias + add)
    const real *bias                    # one per output (phase, channel), in whole vectors
    View add                            # a residual of y's shape, perhaps y itself; its data may be NULL
    int activation


cdef void set_input(Patches *p, const real[:, :, :, :] x, Py_ssize_t s, Py_ssize_t top,
                    Py_ssize_t left) noexcept nogil:
    """x is read in cells of s x s pixels, from (-top, -left) on."""
    p.x = view_of(x)
    p.s, p.top, p.left = s, top, left
    p.stride = s * s * round_up(p.x.C, VL)
    if p.stride * <Py_ssize_t>sizeof(real) % 1024 == 0:  # patches at such a distance would share few cache sets
        p.stride += LINE


cdef void set_output(Patches *p, const real[:, :, :, :] y, Py_ssize_t s, Py_ssize_t top,
                     Py_ssize_t left) noexcept nogil:
    """y is written in cells of s x s pixels, from (-top, -left) on."""
    p.y = view_of(y)
    p.ys, p.ytop, p.yleft = s, top, left


cdef void set_patches(Patches *p, Py_ssize_t kernel, Py_ssize_t side=SIDE) noexcept nogil:
    """The patches for kernel x kernel taps, once the input and the output are set."""
    p.side, p.edge = side, side + 1 - kernel
    p.rows = steps_to(steps_to(p.y.H + p.ytop, p.ys), p.edge)
    p.columns = steps_to(steps_to(p.y.W + p.yleft, p.ys), p.edge)
    p.count = p.y.N * p.rows * p.columns


cdef Py_ssize_t steps_to(Py_ssize_t n, Py_ssize_t s) noexcept nogil:
    """The first i >= 0 with i * s >= n."""
    return ceil_div(n, s) if n > 0 else 0


cdef inline Py_ssize_t image_at(const Patches *p, Py_ssize_t patch) noexcept nogil:
    """The image of a patch."""
    return patch // p.columns // p.rows


cdef inline Py_ssize_t row_at(const Patches *p, Py_ssize_t patch) noexcept nogil:
    """The row of a patch's first cell."""
    return patch // p.columns % p.rows * p.edge


cdef inline Py_ssize_t column_at(const Patches *p, Py_ssize_t patch) noexcept nogil:
    """The column of a patch's first cell."""
    return patch % p.columns * p.edge


# ---------------------------------------------------------------- reading

cdef void read_patch(Patches *p, Py_ssize_t patch, real *v, Py_ssize_t step, real *copied) noexcept nogil:
    """v[f * step + c] = (Bt x B)[f, c] of one patch, one phase of the cells after another."""
    cdef Py_ssize_t h = row_at(p, patch) * p.s - p.top, w = column_at(p, patch) * p.s - p.left, i, j
    cdef const real *x = p.x.data + image_at(p, patch) * p.x.n_step
    prefetch_rows(x + h * p.x.h_step + (w + p.side * p.s) * p.x.w_step, p.x.h_step, p.side * p.s,
                  p.edge * p.s * p.x.w_step)
    for i in range(p.s):
        for j in range(p.s):
            read_phase(p, x, h + i, w + j, v + (i * p.s + j) * p.x.C, step, copied)


cdef inline void prefetch_rows(const real *x, Py_ssize_t sh, Py_ssize_t rows, Py_ssize_t count) noexcept nogil:
    """Fetch what the patch to the right will read: its rows are too short for the hardware to fetch ahead by itself."""
    cdef Py_ssize_t i, j
    for i in range(rows):
        j = 0
        while j < count:
            vprefetch(x + i * sh + j)
            j += LINE


cdef void read_phase(Patches *p, const real *x, Py_ssize_t h, Py_ssize_t w, real *v, Py_ssize_t step,
                     real *copied) noexcept nogil:
    """Every s-th pixel from (h, w) on; through a copy where it leaves the image or C is not whole vectors."""
    cdef Py_ssize_t C = round_up(p.x.C, VL), s = p.s, sh = s * p.x.h_step, sw = s * p.x.w_step, H = p.x.H, W = p.x.W
    x += h * p.x.h_step + w * p.x.w_step
    if p.x.C == C and 0 <= h and h + (p.side - 1) * s < H and 0 <= w and w + (p.side - 1) * s < W:
        transform_input(p, x, sh, sw, v, step)
    else:
        copy_window(x, sh, sw, p.x.C, p.side, steps_to(-h, s), steps_to(H - h, s), steps_to(-w, s), steps_to(W - w, s),
                    copied)
        transform_input(p, copied, p.side * C, C, v, step)


cdef inline void transform_input(Patches *p, const real *x, Py_ssize_t sh, Py_ssize_t sw, real *v,
                                 Py_ssize_t step) noexcept nogil:
    """v[f * step + c] = (Bt x B)[f, c] for all vectors of channels."""
    cdef Py_ssize_t c
    if p.side == SIDE:
        for c in range(round_up(p.x.C, VL) // VL):
            transform(input_6, 6, 6, x, sh, sw, v, 6 * step, step)
            x += VL
            v += VL
    else:
        for c in range(round_up(p.x.C, VL) // VL):
            transform(small_input_4, 4, 4, x, sh, sw, v, 4 * step, step)
            x += VL
            v += VL


cdef void copy_window(const real *x, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t C, Py_ssize_t edge, Py_ssize_t top,
                      Py_ssize_t bottom, Py_ssize_t left, Py_ssize_t right, real *copied) noexcept nogil:
    """edge x edge pixels in whole vectors; zeros outside top <= i < bottom, left <= j < right, and beyond C."""
    cdef Py_ssize_t i, j, width = round_up(C, VL)
    for i in range(edge):
        for j in range(edge):
            if top <= i < bottom and left <= j < right:
                memcpy(copied, x + i * sh + j * sw, C * sizeof(real))
                if C < width:
                    memset(copied + C, 0, (width - C) * sizeof(real))
            else:
                memset(copied, 0, width * sizeof(real))
            copied += width


# ---------------------------------------------------------------- writing

cdef void write_patch(Patches *p, Epilogue *e, Py_ssize_t patch, Py_ssize_t k, Py_ssize_t end, const real *m,
                      Py_ssize_t step, real *copied) noexcept nogil:
    """y = f(At m A + bias + add) of one patch for the outputs k to end - 1, one phase of the cells after another."""
    cdef Py_ssize_t phase, count
    while k < end:
        phase = k // p.y.C
        count = min(end, (phase + 1) * p.y.C) - k
        write_phase(p, e, patch, phase, k, count, m, step, copied)
        m += count
        k += count


cdef void write_phase(Patches *p, Epilogue *e, Py_ssize_t patch, Py_ssize_t phase, Py_ssize_t k, Py_ssize_t count,
                      const real *m, Py_ssize_t step, real *copied) noexcept nogil:
    """Every ys-th pixel; through a copy where the patch leaves the image or count is not whole vectors."""
    cdef Py_ssize_t h = row_at(p, patch) * p.ys - p.ytop + phase // p.ys, last = (p.edge - 1) * p.ys
    cdef Py_ssize_t w = column_at(p, patch) * p.ys - p.yleft + phase % p.ys, lanes = round_up(count, VL)
    cdef Outputs to
    to.y = p.y.data + image_at(p, patch) * p.y.n_step + h * p.y.h_step + w * p.y.w_step + k - phase * p.y.C
    to.yh, to.yw = p.ys * p.y.h_step, p.ys * p.y.w_step
    to.add, to.ah, to.aw = NULL, p.ys * e.add.h_step, p.ys * e.add.w_step
    if e.add.data != NULL:
        to.add = (e.add.data + image_at(p, patch) * e.add.n_step + h * e.add.h_step + w * e.add.w_step
                  + k - phase * p.y.C)
    to.bias, to.activation = e.bias + k, e.activation
    if count == lanes and h >= 0 and w >= 0 and h + last < p.y.H and w + last < p.y.W:
        transform_output(p, m, step, to, lanes // VL)
    else:
        write_through_copy(p, h, w, count, m, step, to, copied)


cdef void write_through_copy(Patches *p, Py_ssize_t h, Py_ssize_t w, Py_ssize_t count, const real *m, Py_ssize_t step,
                             Outputs to, real *copied) noexcept nogil:
    """The outputs of the patch that lie inside of y, `count` channels of each."""
    cdef Py_ssize_t i, j, lanes = round_up(count, VL), row = p.edge * lanes
    cdef Py_ssize_t top = steps_to(-h, p.ys), bottom = min(p.edge, steps_to(p.y.H - h, p.ys))
    cdef Py_ssize_t left = steps_to(-w, p.ys), right = min(p.edge, steps_to(p.y.W - w, p.ys))
    cdef Outputs inner = to
    inner.y, inner.yh, inner.yw = copied, row, lanes
    if to.add != NULL:
        for i in range(top, bottom):
            for j in range(left, right):
                memcpy(copied + i * row + j * lanes, to.add + i * to.ah + j * to.aw, count * sizeof(real))
        inner.add, inner.ah, inner.aw = copied, row, lanes
    transform_output(p, m, step, inner, lanes // VL)
    for i in range(top, bottom):
        for j in range(left, right):
            memcpy(to.y + i * to.yh + j * to.yw, copied + i * row + j * lanes, count * sizeof(real))


cdef void transform_output(Patches *p, const real *m, Py_ssize_t step, Outputs to, Py_ssize_t vectors) noexcept nogil:
    """y = f(At m A + bias + add) for so many vectors of channels."""
    cdef Py_ssize_t k
    if p.edge == 5:
        for k in range(vectors):
            transform_outputs(output_5, put, 6, 5, m, step, &to)
            m += VL
            next_vector(&to)
    elif p.edge == 4:
        for k in range(vectors):
            transform_outputs(output_4, put, 6, 4, m, step, &to)
            m += VL
            next_vector(&to)
    elif p.side < SIDE:
        for k in range(vectors):
            transform_outputs(small_output_2, put, 4, 2, m, step, &to)
            m += VL
            next_vector(&to)
    else:
        for k in range(vectors):
            transform_outputs(output_2, put, 6, 2, m, step, &to)
            m += VL
            next_vector(&to)
