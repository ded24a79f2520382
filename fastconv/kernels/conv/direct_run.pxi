# The memory of a grid: packed weights, a bias row, zeros for padding, and a padded copy of x where channels are few.

cdef enum:
    PADDED = 1 << 20    # reals in a padded copy of some images


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


cdef int run_merged(Grid *g, Py_ssize_t in_row) noexcept nogil:
    """Few channels: a padded copy of some images, in which each row of the kernel is one run of in_row * C values.

    Large images are taken in bands of output rows, so that the copy stays small.
    """
    cdef Grid part = g[0]
    cdef Py_ssize_t n = 0, i, up = max(<Py_ssize_t>1, g.cell.h), top = g.taps.h[0], left = g.taps.w[0]
    cdef Py_ssize_t band = merge_taps(g, &part, in_row)
    cdef Py_ssize_t at_once = max(<Py_ssize_t>1, min(g.y.N, PADDED // part.x.n_step)) if band == g.GH else 1
    cdef real *copy = <real *>malloc(times(times(at_once, part.x.n_step), sizeof(real)))
    cdef int failed = copy == NULL
    part.x.data = copy
    while n < g.y.N and not failed:
        part.x.N = part.y.N = min(at_once, g.y.N - n)
        i = 0
        while i < g.GH and not failed:
            part.GH = min(band, g.GH - i)
            part.y.data, part.y.H = g.y.data + n * g.y.n_step + i * up * g.y.h_step, g.y.H - i * up
            if g.r.data != NULL:
                part.r.data = g.r.data + n * g.r.n_step + i * g.r.h_step
            pad(&g.x, n, top + i * g.step_h, left, &part.x)
            failed = run_grid(&part)
            i += band
        n += at_once
    free(copy)
    return failed


cdef Py_ssize_t merge_taps(const Grid *g, Grid *part, Py_ssize_t in_row) noexcept nogil:
    """Give `part` one tap per row of the kernel, and the extents of its padded x; output rows in a band."""
    cdef Py_ssize_t rows = g.taps.count // in_row, top = g.taps.h[0], r
    cdef Py_ssize_t span = g.taps.h[g.taps.count - 1] - top + 1  # rows of x under an output pixel
    cdef Py_ssize_t W = (g.GW - 1) * g.step_w + in_row, C = g.C, H
    cdef Py_ssize_t band = min(g.GH, max(<Py_ssize_t>1, (PADDED // (W * C) - span) // g.step_h + 1))
    H = plus((band - 1) * g.step_h, span)
    part.x = View(NULL, 0, C, H, W, times(H, W * C), 1, W * C, C)
    part.taps.count, part.taps.length = rows, in_row * C
    for r in range(rows):
        part.taps.h[r] = g.taps.h[r * in_row] - top
    for r in range(rows):
        part.taps.w[r] = 0
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
