# The input gradient of few channels: an output pixel is a cell, bh x bw pixels of dx with all their channels.
#
# A few channels would leave most lanes of a vector empty. A cell has bh * bw * C output channels instead; bh and bw are
# multiples of the strides, so that every cell reads the same pixels of dy: rows floor((i + top - r) / sh) for all
# 0 <= i < bh and 0 <= r < kh. The weight of a pixel of dy that does not reach a pixel of the cell is zero.

cdef enum:
    WIDEST = 8          # panels that a cell may take


cdef bint in_cells(const InputGradient *d) noexcept nogil:
    """Whether cells are the better way."""
    cdef Py_ssize_t C = d.w.C
    if d.window.groups != 1 or d.window.dh != 1 or d.window.dw != 1 or not d.narrow:
        return False
    return 2 * C < VL and times(d.window.sh * d.window.sw, C) <= WIDEST * NR * VL


cdef int run_cells(const InputGradient *d, const real[:] b) noexcept nogil:
    """dx in cells; 1 if memory ran out."""
    cdef Grid g
    cdef Py_ssize_t sh = d.window.sh, sw = d.window.sw, in_row, t
    cdef Py_ssize_t *table
    cdef real *packed
    cdef int failed = 1
    g.cell = choose_cell(&d.w, sh, sw)
    g.x, g.y, g.r, g.activation = d.dy, d.dx, d.r, d.activation
    g.GH, g.GW = ceil_div(d.dx.H, g.cell.h), ceil_div(d.dx.W, g.cell.w)
    g.step_h, g.step_w = g.cell.h // sh, g.cell.w // sw
    g.groups, g.C, g.K = 1, d.w.N, g.cell.h * g.cell.w * g.cell.C
    table = cell_taps(d, &g, &in_row)
    if table == NULL:
        return 1
    packed = <real *>calloc(max(<Py_ssize_t>1, packed_reals(&g)), sizeof(real))
    if packed != NULL:
        for t in range(g.taps.count):
            pack_cell(&g, &d.w, t, d.window.top - g.taps.h[t] * sh, d.window.left - g.taps.w[t] * sw, packed)
        failed = run_packed(&g, NULL, packed, b, in_row)
    free(packed)
    free(table)
    return failed


cdef Py_ssize_t *cell_taps(const InputGradient *d, Grid *g, Py_ssize_t *in_row) noexcept nogil:
    """The pixels of dy under a cell, as taps; their table, to be freed, or NULL if memory ran out."""
    cdef Py_ssize_t sh = d.window.sh, sw = d.window.sw, top = d.window.top, left = d.window.left, t, taps
    cdef Py_ssize_t first_h = -floor_div(d.w.H - 1 - top, sh), first_w = -floor_div(d.w.W - 1 - left, sw)
    cdef Py_ssize_t rows = floor_div(g.cell.h - 1 + top, sh) - first_h + 1
    cdef Py_ssize_t *table
    in_row[0] = floor_div(g.cell.w - 1 + left, sw) - first_w + 1
    taps = rows * in_row[0]
    table = <Py_ssize_t *>malloc(2 * max(<Py_ssize_t>1, taps) * sizeof(Py_ssize_t))
    if table != NULL:
        g.taps.count, g.taps.length, g.taps.h, g.taps.w = taps, g.C, table, table + taps
        for t in range(taps):
            g.taps.h[t] = first_h + t // in_row[0]
            g.taps.w[t] = first_w + t % in_row[0]
    return table


cdef Py_ssize_t floor_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """a / b rounded down, of any a and of b > 0."""
    return a // b if a >= 0 else -((b - 1 - a) // b)


cdef void pack_cell(const Grid *g, const View *w, Py_ssize_t t, Py_ssize_t r0, Py_ssize_t s0,
                    real *packed) noexcept nogil:
    """packed[panel][tap t][k][lane] = w[k, c, i + r0, j + s0] of column (i, j, c); taps outside the kernel stay 0."""
    cdef Py_ssize_t i, j, c, k, column, first, width
    cdef const real *source
    for i in range(max(<Py_ssize_t>0, -r0), min(g.cell.h, w.H - r0)):
        for j in range(max(<Py_ssize_t>0, -s0), min(g.cell.w, w.W - s0)):
            for c in range(g.cell.C):
                column = (i * g.cell.w + j) * g.cell.C + c
                first = column // (NR * VL) * NR * VL
                width = min(<Py_ssize_t>(NR * VL), round_up(g.K, VL) - first)
                source = w.data + c * w.c_step + (i + r0) * w.h_step + (j + s0) * w.w_step
                for k in range(g.C):
                    packed[first * g.taps.count * g.C + (t * g.C + k) * width + column - first] = source[k * w.n_step]


cdef Cell choose_cell(const View *w, Py_ssize_t sh, Py_ssize_t sw) noexcept nogil:
    """The cell of i x j strides with the least work per pixel, taps x vectors / pixels; in one panel if it can be."""
    cdef Py_ssize_t i, j, vectors, C = w.C, most = max(<Py_ssize_t>NR, round_up(sh * sw * C, VL) // VL)
    cdef double cost, best = -1
    cdef Cell cell = Cell(sh, sw, C)
    for i in range(1, 9):
        for j in range(1, 9):
            vectors = round_up(i * sh * j * sw * C, VL) // VL
            cost = <double>(i + (w.H + sh - 2) // sh) * (j + (w.W + sw - 2) // sw)  # taps
            cost = cost * (vectors + 0.5) / (i * sh * j * sw)
            if vectors <= most and (best < 0 or cost < best):
                best = cost
                cell.h, cell.w = i * sh, j * sw
    return cell
