# The input gradient as grids of stride 1.
#
# dx[i] = sum over r with (i + top - r dh) divisible by sh of dy[(i + top - r dh) / sh] w[r], and so for columns.
# Whether it is divisible depends on i mod sh only. So the pixels (i0 + i sh, j0 + j sw) of dx, a phase, have the same
# taps: as output pixel (i, j) of a grid they read row i + (i0 + top - r dh) / sh of dy, one row further for each i.

cdef struct Window:     # strides, dilations and padding of the convolution
    Py_ssize_t sh, sw, dh, dw, top, left

cdef struct InputGradient:
    Array4 dy, dx, w
    Array4 r                # a residual of dx's shape, or zeros
    Window window
    Py_ssize_t groups
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
            i = phase_of(r, d.window.top, d.window.sh, d.window.dh)
            j = phase_of(s, d.window.left, d.window.sw, d.window.dw)
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
    g.y.first += i0 * g.y.h + j0 * g.y.w
    g.y.h, g.y.w = sh * g.y.h, sw * g.y.w
    if g.r.first != NULL:
        g.r.first += i0 * g.r.h + j0 * g.r.w
        g.r.h, g.r.w = sh * g.r.h, sw * g.r.w
    g.step_h = g.step_w = 1
    g.cell = Cell(0, 0, 0)
    g.GH, g.GW = ceil_div(d.dx.H - i0, sh), ceil_div(d.dx.W - j0, sw)
    return run(&g, &f, NULL if d.packed == NULL else d.packed + packed_before(d, i0, j0), b,
               in_row if d.window.dw == 1 and d.narrow else 1)


cdef Py_ssize_t *tap_table(const Array4 *w) noexcept nogil:
    """Memory for three numbers for each tap, to be freed; NULL if there is none."""
    return <Py_ssize_t *>malloc(times(w.H * w.W, 3 * sizeof(Py_ssize_t)))


cdef Py_ssize_t phase_taps(const InputGradient *d, Py_ssize_t i0, Py_ssize_t j0, Py_ssize_t *table, Grid *g,
                           Filters *f) noexcept nogil:
    """Taps, channels and weights of a phase; how many of its taps lie in a row of the kernel.

    Taps are taken from the last to the first, so that dy is read from left to right.
    """
    cdef Py_ssize_t r, s, t = 0, in_row = 0, top = i0 + d.window.top, left = j0 + d.window.left
    cdef Py_ssize_t kh = d.w.H, kw = d.w.W
    f[0] = Filters(d.w.first, d.w.c, d.w.n, d.w.n * (d.w.N // d.groups), table)
    g.taps.h, g.taps.w = table + kh * kw, table + 2 * kh * kw
    for r in range(kh - 1, -1, -1):
        if (top - r * d.window.dh) % d.window.sh == 0:
            in_row = 0
            for s in range(kw - 1, -1, -1):
                if (left - s * d.window.dw) % d.window.sw == 0:
                    g.taps.h[t] = (top - r * d.window.dh) // d.window.sh
                    g.taps.w[t] = (left - s * d.window.dw) // d.window.sw
                    f.offsets[t] = r * d.w.h + s * d.w.w
                    t += 1
                    in_row += 1
    g.groups, g.C, g.K = d.groups, d.w.N // d.groups, d.w.C
    g.taps.count, g.taps.length = t, g.C
    return in_row


cdef Py_ssize_t packed_before(const InputGradient *d, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """Packed weights before phase (i, j): phases lie row after row, each with as many taps as reach it."""
    cdef Window v = d.window
    cdef Py_ssize_t above = taps_below(i, v.top, v.sh, v.dh, d.w.H)
    cdef Py_ssize_t rows = taps_below(i + 1, v.top, v.sh, v.dh, d.w.H) - above
    cdef Py_ssize_t taps = above * d.w.W + rows * taps_below(j, v.left, v.sw, v.dw, d.w.W)
    return taps * d.groups * columns(d.w.C) * (d.w.N // d.groups)


cdef Py_ssize_t taps_below(Py_ssize_t phase, Py_ssize_t before, Py_ssize_t stride, Py_ssize_t dilation,
                           Py_ssize_t kernel) noexcept nogil:
    """How many taps reach a phase below this one."""
    cdef Py_ssize_t tap, count = 0
    for tap in range(kernel):
        count += phase_of(tap, before, stride, dilation) < phase
    return count


cdef Py_ssize_t phase_of(Py_ssize_t tap, Py_ssize_t before, Py_ssize_t stride, Py_ssize_t dilation) noexcept nogil:
    """The phase that a tap reaches: (tap dilation - before) mod stride."""
    cdef Py_ssize_t phase = (tap * dilation - before) % stride
    return phase + stride if phase < 0 else phase


cdef Py_ssize_t common_divisor(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """The greatest one."""
    while b:
        a, b = b, a % b
    return a
