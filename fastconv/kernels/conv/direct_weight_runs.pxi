# The weight gradient of few channels: a block of pixels reads padded copies of the rows of x under it. The values under the
# taps of a pixel lie in kh runs of kw * C, one in each row, and neighbouring pixels sw * C values apart: so the same
# offsets lead to them from the first value of any pixel, and nothing is unfolded.

ctypedef void (*tile_at_case)(const Runs *runs, const Py_ssize_t *offsets, real *dw, Py_ssize_t dw_step, int skip,
                              const real *ahead, Py_ssize_t ahead_step, const int nv) noexcept nogil

cdef extern from *:
    void at_of_columns "DISPATCH_VECTORS"(
        tile_at_case f, int nv, const Runs *runs, const Py_ssize_t *offsets, real *dw, Py_ssize_t dw_step, int skip,
        const real *ahead, Py_ssize_t ahead_step) noexcept nogil


cdef void plan_runs(Sums *g) noexcept nogil:
    """What a block is: output rows of an image, of several images where they are small; and the rows of x under them."""
    cdef Reading *reading = &g.reading
    reading.rows = reading.images = 1
    if g.window.dh == 1 and g.window.sh <= g.kh:  # rows of x that output rows share are copied once
        reading.rows = max(<Py_ssize_t>1, min(PIXELS // g.dy.W, g.dy.H))
        reading.images = max(<Py_ssize_t>1, PIXELS // (reading.rows * g.dy.W) if reading.rows == g.dy.H else 1)
    reading.span = (reading.rows - 1) * g.window.sh + g.kh
    reading.row = times(g.C, (min(<Py_ssize_t>PIXELS, g.dy.W) - 1) * g.window.sw + g.kw)


cdef void place_values(const Sums *g, Py_ssize_t *offsets) noexcept nogil:
    """The offset of every value (r, s, c) of a pixel."""
    cdef Py_ssize_t v, run = g.kw * g.C
    for v in range(g.reading.length):
        offsets[v] = v // run * g.reading.row + v % run


cdef void fill_rows(const Sums *g, SumJob *j, Py_ssize_t *row, Py_ssize_t end, Py_ssize_t *column) noexcept nogil:
    """The next block of pixels, from (row, column) on."""
    cdef Py_ssize_t image = 0
    j.runs.count = j.pixels = j.ahead.call = 0
    while image < g.reading.images and row[0] < end:
        copy_rows(g, j, row, end, column, j.rows + image * g.reading.span * g.reading.row)
        image += 1


cdef void copy_rows(const Sums *g, SumJob *j, Py_ssize_t *row, Py_ssize_t end, Py_ssize_t *column,
                    real *copy) noexcept nogil:
    """Some whole output rows of an image, or a part of a long one: the rows of x under them, padded."""
    cdef Py_ssize_t n = row[0] // g.dy.H, i = row[0] % g.dy.H, count = min(<Py_ssize_t>PIXELS, g.dy.W - column[0])
    cdef Py_ssize_t rows = min(min(g.reading.rows, g.dy.H - i), end - row[0]), h = i * g.window.sh - g.window.top
    cdef Py_ssize_t w = column[0] * g.window.sw - g.window.left, q, m
    cdef const real *dy = g.dy.data + n * g.dy.n_step + i * g.dy.h_step + column[0] * g.dy.w_step
    dy += j.k0 * (g.dy.c_step if g.reading.planes else 1)
    for q in range((rows - 1) * g.window.sh + g.kh):
        pad_row(&g.x, n, h + q * g.window.dh, w, copy + q * g.reading.row, (count - 1) * g.window.sw + g.kw)
    for m in range(rows):
        add_run(g, j, copy + m * g.window.sh * g.reading.row, dy + m * g.dy.h_step, count)
    column[0] += count
    if column[0] == g.dy.W:
        row[0] += rows
        column[0] = 0


cdef inline void tile_at_body(const Runs *runs, const Py_ssize_t *offsets, real *dw, Py_ssize_t dw_step, int skip,
                              const real *ahead, Py_ssize_t ahead_step, const int nv) noexcept nogil:
    """`tile_tn_body` of MR rows, where value i of a pixel lies offsets[i] behind its first value."""
    cdef vf acc[MR][NR]
    cdef vf dv[NR]
    cdef const real *x
    cdef const real *dy
    cdef Py_ssize_t at[MR]
    cdef Py_ssize_t _p, run, x_step = runs.x_step, dy_step = runs.dy_step
    cdef int i, j
    for i in range(MR):
        at[i] = offsets[i]
        for j in range(nv):
            acc[i][j] = vzero
    for run in range(runs.count):
        x = runs.x[run]
        dy = runs.dy[run]
        for _p in range(runs.pixels[run]):
            for j in range(nv):
                dv[j] = vload(dy + j * VL)
            for i in range(MR):
                add_row(acc[i], x[at[i]], dv, nv)
            vprefetch(ahead)
            in_register(x_step)
            in_register(dy_step)
            in_register(ahead_step)
            ahead += ahead_step
            x += x_step
            dy += dy_step
    for i in range(MR):
        if i >= skip:
            for j in range(nv):
                vstore(dw + i * dw_step + j * VL, vload(dw + i * dw_step + j * VL) + acc[i][j])
