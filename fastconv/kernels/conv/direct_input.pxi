# The input gradient as grids of stride 1.
#
# The same taps reach all pixels (i0 + i sh, j0 + j sw) of a phase of dx (phases.pxd). As output pixel (i, j) of a grid
# they read row i + (i0 + top - r dh) / sh of dy under tap row r, one row further for each i; columns likewise.

cdef struct InputGradient:
    View dy, dx, w
    View r                # a residual of dx's shape, or zeros
    Window window
    bint narrow             # a row of taps may be read as one run
    int activation
    const real *packed      # the packed weights of all phases, or NULL


cdef int run_phases(const InputGradient *d, const real[:] b) noexcept nogil:
    """All phases of dx; 1 if memory ran out."""
    cdef Py_ssize_t i, j
    cdef Py_ssize_t *table = tap_table(&d.w)
    cdef int failed = table == NULL
    for i in range(min(d.window.sh, d.dx.H)):
        for j in range(min(d.window.sw, d.dx.W)):
            failed = failed or run_phase(d, b, i, j, table)
    free(table)
    return failed


cdef int pack_phases(const InputGradient *d, real *packed) noexcept nogil:
    """The packed weights of all phases that a tap reaches: the first sh / gcd(sh, dh) rows of taps reach them."""
    cdef Py_ssize_t r, s, i, j
    cdef Py_ssize_t *table = tap_table(&d.w)
    cdef Grid g
    cdef Filters f
    if table == NULL:
        return 1
    for r in range(min(d.w.H, d.window.sh // common_divisor(d.window.sh, d.window.dh))):
        for s in range(min(d.w.W, d.window.sw // common_divisor(d.window.sw, d.window.dw))):
            i = phase_under(r, d.window.top, d.window.sh, d.window.dh)
            j = phase_under(s, d.window.left, d.window.sw, d.window.dw)
            phase_taps(d, i, j, table, &g, &f)
            pack(&g, &f, packed + packed_before(d, i, j))
    free(table)
    return 0


cdef int run_phase(const InputGradient *d, const real[:] b, Py_ssize_t i0, Py_ssize_t j0,
                   Py_ssize_t *table) noexcept nogil:
    """The pixels (i0 + i sh, j0 + j sw) of dx."""
    cdef Grid g
    cdef Filters f
    cdef Py_ssize_t in_row = phase_taps(d, i0, j0, table, &g, &f), sh = d.window.sh, sw = d.window.sw
    g.x, g.y, g.r, g.activation = d.dy, d.dx, d.r, d.activation
    g.y.data += i0 * g.y.h_step + j0 * g.y.w_step
    g.y.h_step, g.y.w_step = sh * g.y.h_step, sw * g.y.w_step
    if g.r.data != NULL:
        g.r.data += i0 * g.r.h_step + j0 * g.r.w_step
        g.r.h_step, g.r.w_step = sh * g.r.h_step, sw * g.r.w_step
    g.step_h = g.step_w = 1
    g.cell = Cell(0, 0, 0)
    g.GH, g.GW = ceil_div(d.dx.H - i0, sh), ceil_div(d.dx.W - j0, sw)
    return run_packed(&g, &f, NULL if d.packed == NULL else d.packed + packed_before(d, i0, j0), b,
                      in_row if d.window.dw == 1 and d.narrow else 1)


cdef Py_ssize_t *tap_table(const View *w) noexcept nogil:
    """Memory for three numbers per tap, to be freed; NULL if there is none."""
    return <Py_ssize_t *>malloc(times(w.H * w.W, 3 * sizeof(Py_ssize_t)))


cdef Py_ssize_t phase_taps(const InputGradient *d, Py_ssize_t i0, Py_ssize_t j0, Py_ssize_t *table, Grid *g,
                           Filters *f) noexcept nogil:
    """Taps, channels and weights of a phase; how many of its taps lie in a row of the kernel.

    Taps are taken from the last to the first, so that dy is read from left to right.
    """
    cdef const Window *v = &d.window
    cdef Taps h = last_tap_first(taps_of_phase(i0 + v.top, v.sh, v.dh, d.w.H))
    cdef Taps w = last_tap_first(taps_of_phase(j0 + v.left, v.sw, v.dw, d.w.W))
    g.groups, g.C, g.K = v.groups, d.w.N // v.groups, d.w.C
    f[0] = Filters(d.w.data, d.w.c_step, d.w.n_step, d.w.n_step * g.C, table)
    list_taps(g, f, &d.w, &h, &w)
    return w.count if h.count else 0


cdef void list_taps(Grid *g, Filters *f, const View *w, const Taps *rows, const Taps *columns) noexcept nogil:
    """The taps of a grid, row after row: where each is read in x and in w, one behind the other in the table of f."""
    cdef Py_ssize_t taps = w.H * w.W, i, j, t = 0
    g.taps.h, g.taps.w = f.offsets + taps, f.offsets + 2 * taps
    for i in range(rows.count):
        for j in range(columns.count):
            g.taps.h[t] = rows.source + i * rows.source_step
            g.taps.w[t] = columns.source + j * columns.source_step
            f.offsets[t] = (rows.first + i * rows.step) * w.h_step + (columns.first + j * columns.step) * w.w_step
            t += 1
    g.taps.count, g.taps.length = t, g.C


cdef Py_ssize_t packed_before(const InputGradient *d, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """Packed weights before phase (i, j): phases lie row after row, each with as many taps as reach it."""
    cdef Window v = d.window
    cdef Py_ssize_t above = taps_below(i, v.top, v.sh, v.dh, d.w.H)
    cdef Py_ssize_t rows = taps_below(i + 1, v.top, v.sh, v.dh, d.w.H) - above
    cdef Py_ssize_t taps = above * d.w.W + rows * taps_below(j, v.left, v.sw, v.dw, d.w.W)
    return taps * d.window.groups * round_up(d.w.C, VL) * (d.w.N // d.window.groups)


cdef Py_ssize_t taps_below(Py_ssize_t phase, Py_ssize_t padding, Py_ssize_t stride, Py_ssize_t dilation,
                           Py_ssize_t kernel) noexcept nogil:
    """How many taps reach a phase below this one."""
    cdef Py_ssize_t tap, count = 0
    for tap in range(kernel):
        count += phase_under(tap, padding, stride, dilation) < phase
    return count


cdef Py_ssize_t common_divisor(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """The greatest one."""
    while b:
        a, b = b, a % b
    return a
