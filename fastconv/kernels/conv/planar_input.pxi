# The input gradient, phase by phase: the same taps reach all pixels of a phase of dx (phases.pxd), so each phase is a
# forward pass of stride 1 over dy.

cdef struct InputGradient:           # dx of a convolution; b and activation make it a transposed convolution
    View dy, w, dx
    Window window
    const real *b               # one per channel of dx
    int activation


cdef int run_input(const InputGradient *c) noexcept nogil:
    """In pairs or the spread form where these save work, else all phases; 1 if memory ran out."""
    cdef Py_ssize_t i, j
    cdef int failed = 0
    if pairs_pay(c):
        if woven_fits(c):
            return run_woven(c)
        return run_small_input(c) if small_input_fits(c) else run_pairs(c)
    if spread_pays(c):
        return spread(c)
    for i in range(min(c.window.sh, c.dx.H)):
        for j in range(min(c.window.sw, c.dx.W)):
            if not failed:
                failed = run_phase(c, i, j)
    return failed


cdef int run_phase(const InputGradient *c, Py_ssize_t i0, Py_ssize_t j0) noexcept nogil:
    """The pixels (i0 + i sh, j0 + j sw) of dx: tap (r, s) reaches them from dy at (i0 + top - r dh) / sh + i, ..."""
    cdef Grid g
    cdef Filters *f = &g.filters
    cdef const Window *v = &c.window
    cdef Taps h = taps_of_phase(i0 + v.top, v.sh, v.dh, c.w.H), w = taps_of_phase(j0 + v.left, v.sw, v.dw, c.w.W)
    if h.count == 0 or w.count == 0:  # no tap reaches these pixels
        memset(&h, 0, sizeof(Taps))
        memset(&w, 0, sizeof(Taps))
    g.source.x = c.dy
    g.source.h = axis_of(c.dy.H, ceil_div(c.dx.H - i0, v.sh), 1, h)
    g.source.w = axis_of(c.dy.W, ceil_div(c.dx.W - j0, v.sw), 1, w)
    g.source.groups, g.source.C = v.groups, c.w.N // v.groups
    f.K, f.b = c.w.C, c.b
    f.w = c.w.data + h.first * c.w.h_step + w.first * c.w.w_step
    f.group_step, f.k_step, f.c_step = g.source.C * c.w.n_step, c.w.c_step, c.w.n_step
    f.r_step, f.s_step = h.step * c.w.h_step, w.step * c.w.w_step
    g.y, g.activation = c.dx, c.activation
    g.y.data += i0 * c.dx.h_step + j0 * c.dx.w_step
    g.y.h_step *= v.sh
    g.y.w_step *= v.sw
    return run_grid(&g)
