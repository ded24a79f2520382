# The memory of a grid: packed weights, a bias row, zeros for padding, and a padded copy of x where channels are few.

cdef enum:
    PADDED = 1 << 20    # reals in a padded copy of some images
    WIDE = 16           # columns without padding, at least, that are read in place
    IN_PLACE = 1 << 16  # reals in x, at least, so that a copy costs more than passes of their own for the other columns


cdef int run_packed(Grid *g, const Filters *f, const real *packed, const real[:] b, Py_ssize_t in_row) noexcept nogil:
    """Pack the bias, and the weights too where `packed` is NULL, then run; 1 if memory ran out.

    The taps of the grid come in rows of `in_row` neighbours.
    """
    cdef bint merged = merges(g.groups, g.C, in_row)
    cdef Py_ssize_t length = g.taps.length * in_row if merged else g.taps.length, width = round_up(g.K, VL)
    cdef real *own = NULL
    cdef real *zeros = <real *>calloc(max(<Py_ssize_t>1, length), sizeof(real))
    cdef Py_ssize_t repeats = g.cell.h * g.cell.w if g.cell.h else 1  # of the bias: one per pixel of a cell
    cdef bint as_it_is = is_bias_row(b, g.K, repeats)
    cdef real *bias = NULL if as_it_is else bias_row(b, g.K // repeats, g.groups, repeats)
    cdef int failed
    failed = zeros == NULL or (bias == NULL and not as_it_is)
    if packed == NULL:
        own = <real *>malloc(times(max(<Py_ssize_t>1, packed_reals(g)), sizeof(real)))
        packed = own
        failed = failed or own == NULL
        if not failed:
            pack(g, f, own)
    g.panels = Panels(ceil_div(g.K, NR * VL), packed, width * g.taps.count * g.taps.length, bias, width, zeros)
    if as_it_is:
        g.panels.b = &b[0]
    if not failed:
        if merged:
            failed = run_merged(g, in_row)
        else:
            failed = run_grid(g)
    free(own)
    free(bias)
    free(zeros)
    return failed


cdef struct Columns:    # output columns whose taps are read as runs
    Py_ssize_t first, count
    Py_ssize_t in_row       # taps of a row of the kernel
    Py_ssize_t top, left    # of the first tap of output pixel (0, 0) in x


cdef int run_merged(Grid *g, Py_ssize_t in_row) noexcept nogil:
    """Few channels: a row of the kernel is one run of in_row * C values.

    Where the pixels of x lie side by side it is one in x already; only columns that read padding take a copy.
    """
    cdef Py_ssize_t top = g.taps.h[0], left = g.taps.w[0], r, first = 0, end = 0, rows = g.taps.count // in_row
    cdef Columns columns
    cdef int failed = 0
    g.taps.count, g.taps.length = rows, in_row * g.C
    for r in range(rows):
        g.taps.h[r] = g.taps.h[r * in_row]
    for r in range(rows):
        g.taps.w[r] = 0
    if g.step_w > 1 and g.x.c_step == 1 and g.x.w_step == g.C and g.y.c_step == 1:
        first = ceil_div(max(<Py_ssize_t>0, -left), g.step_w)
        end = min(g.GW, (g.x.W - left - in_row) // g.step_w + 1) if g.x.W >= left + in_row else 0
    if end - first < WIDE or g.y.N * g.x.H * g.x.W * g.C < IN_PLACE:
        first = end = 0
    columns = Columns(first, end - first, in_row, top, left)
    if columns.count:
        failed = run_in_place(g, &columns)
    for r in range(rows):
        g.taps.h[r] -= top
    columns.first, columns.count = 0, first
    failed = failed or run_on_copy(g, &columns)
    columns.first, columns.count = end, g.GW - end
    return failed or run_on_copy(g, &columns)


cdef Grid grid_of(const Grid *g, const Columns *columns) noexcept nogil:
    """The grid of some columns."""
    cdef Grid part = g[0]
    cdef Py_ssize_t first = columns.first * max(<Py_ssize_t>1, g.cell.w)
    part.GW = columns.count
    part.y.data, part.y.W = g.y.data + first * g.y.w_step, g.y.W - first
    if g.r.data != NULL:
        part.r.data = g.r.data + first * g.r.w_step
    return part


cdef int run_in_place(const Grid *g, const Columns *columns) noexcept nogil:
    """Columns all of whose taps lie inside the rows of x."""
    cdef Grid part = grid_of(g, columns)
    part.x.data = g.x.data + (columns.first * g.step_w + columns.left) * g.C
    part.x.W = (columns.count - 1) * g.step_w + 1
    return run_grid(&part)


cdef int run_on_copy(const Grid *g, const Columns *columns) noexcept nogil:
    """Columns read from a padded copy of some images; large images are taken in bands of output rows, so that it stays
    small. The rows of the taps count from the first one."""
    cdef Grid part = grid_of(g, columns)
    cdef Py_ssize_t n = 0, i, up = max(<Py_ssize_t>1, g.cell.h), column = columns.left + columns.first * g.step_w, band
    cdef Py_ssize_t at_once
    cdef real *y = part.y.data
    cdef real *r = part.r.data
    cdef real *copy
    cdef int failed
    if columns.count == 0:
        return 0
    band = rows_at_once(&part, columns.in_row)
    at_once = max(<Py_ssize_t>1, min(g.y.N, PADDED // part.x.n_step)) if band == g.GH else 1
    at_once = ceil_div(g.y.N, ceil_div(g.y.N, at_once))
    copy = <real *>malloc(times(times(at_once, part.x.n_step), sizeof(real)))
    failed = copy == NULL
    part.x.data = copy
    while n < g.y.N and not failed:
        part.x.N = part.y.N = min(at_once, g.y.N - n)
        i = 0
        while i < g.GH and not failed:
            part.GH = min(band, g.GH - i)
            part.y.data, part.y.H = y + n * g.y.n_step + i * up * g.y.h_step, g.y.H - i * up
            if r != NULL:
                part.r.data = r + n * g.r.n_step + i * g.r.h_step
            pad(&g.x, n, columns.top + i * g.step_h, column, &part.x)
            failed = run_grid(&part)
            i += band
        n += at_once
    free(copy)
    return failed


cdef Py_ssize_t rows_at_once(Grid *part, Py_ssize_t in_row) noexcept nogil:
    """Give `part` the extents of its padded x; output rows in a band."""
    cdef Py_ssize_t span = part.taps.h[part.taps.count - 1] + 1  # rows of x under an output pixel
    cdef Py_ssize_t W = (part.GW - 1) * part.step_w + in_row, C = part.C, H
    cdef Py_ssize_t band = min(part.GH, max(<Py_ssize_t>1, (PADDED // (W * C) - span) // part.step_h + 1))
    H = plus((band - 1) * part.step_h, span)
    part.x = View(NULL, 0, C, H, W, times(H, W * C), 1, W * C, C)
    return band


cdef void pad(const View *x, Py_ssize_t n, Py_ssize_t top, Py_ssize_t left, const View *copy) noexcept nogil:
    """copy[m][i][j][c] = x[n + m][top + i][left + j][c], zeros outside the image."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t row
    cdef int threads = threads_for(<double>copy.N * copy.n_step * DIRECT_PAD_NS)
    share_out(&ranges, copy.N * copy.H, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        row = next_job(&ranges, thread)
        while row >= 0:
            pad_row(x, n + row // copy.H, top + row % copy.H, left, copy.data + row * copy.h_step, copy.W)
            row = next_job(&ranges, thread)
