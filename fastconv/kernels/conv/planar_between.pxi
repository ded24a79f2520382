# The input gradient of stride 2, one filter per channel. A pair is dx[2 j] and dx[2 j + 1]: both read neighbouring columns
# of dy, under the even and the odd taps. So a vector of pairs is two sums of vectors, woven together as they are stored;
# the same for rows. For 3 x 3 taps and a padding of 1:
#
#     dx[2 j]     = dy[j] w[1]                          (rows alike)
#     dx[2 j + 1] = dy[j + 1] w[0] + dy[j] w[2]

cdef struct Pairs:
    Grid g                      # positions are pairs; the taps of its source are the places of dy that a pair reads
    Taps h[2]                   # which taps reach the even row of a pair, and the odd row
    Taps w[2]


cdef bint pairs_pay(const InputGradient *c) noexcept nogil:
    """Whether this form is possible: stride 2 both ways, no dilation, one filter per channel."""
    cdef const Window *v = &c.window
    return v.sh == 2 and v.sw == 2 and v.dh == 1 and v.dw == 1 and c.w.C == 1 and c.w.N == v.groups


cdef int run_pairs(const InputGradient *c) noexcept nogil:
    """All of dx; 1 if memory ran out."""
    cdef Pairs p
    cdef Source *x = &p.g.source
    cdef Filters *f = &p.g.filters
    cdef Py_ssize_t i
    for i in range(2):
        p.h[i] = last_tap_first(taps_of_phase(i + c.window.top, 2, 1, c.w.H))
        p.w[i] = last_tap_first(taps_of_phase(i + c.window.left, 2, 1, c.w.W))
    x.x = c.dy
    x.h = axis_of(c.dy.H, ceil_div(c.dx.H, 2), 1, both(&p.h[0], &p.h[1]))
    x.w = axis_of(c.dy.W, ceil_div(c.dx.W, 2), 1, both(&p.w[0], &p.w[1]))
    x.groups, x.C = c.window.groups, 1
    f.K, f.b, f.w = 1, c.b, c.w.data
    f.group_step, f.k_step, f.c_step, f.r_step, f.s_step = c.w.n_step, 0, 0, c.w.h_step, c.w.w_step
    p.g.y, p.g.activation = c.dx, c.activation
    return run_all_pairs(&p)


cdef Taps both(Taps *even, Taps *odd) noexcept nogil:
    """The places of dy under any tap of a pair, side by side; then the sources of `even` and `odd` count from the first."""
    cdef Taps t
    cdef Py_ssize_t first = min(even.source, odd.source), end
    if even.count == 0 or odd.count == 0:
        first = odd.source if even.count == 0 else even.source
    end = max(even.source + even.count, odd.source + odd.count) if even.count and odd.count else (
        first + even.count + odd.count)
    even.source -= first
    odd.source -= first
    t.count, t.first, t.step, t.source, t.source_step = end - first, 0, 1, first, 1
    return t


cdef int run_all_pairs(Pairs *p) noexcept nogil:
    """All blocks of all planes; 1 if memory ran out."""
    cdef int thread
    cdef Ranges ranges
    cdef Source *x = &p.g.source
    cdef Py_ssize_t jobs, job
    cdef double row_work
    cdef int threads, failed
    cdef real *copy
    if p.g.y.H <= 0 or p.g.y.W <= 0:
        return 0
    x.plane = True
    row_work = PAIR_PRODUCTS * row_products(x, 1) * PLANAR_PRODUCT_NS
    failed = plan_source(x, row_work)
    if not failed:
        jobs = ceil_div(parts_of(x), x.together)
        threads = threads_for(PAIR_PRODUCTS * plane_taps(x) * PLANE_TAP_NS)
        share_out(&ranges, jobs, threads)
        with parallel(num_threads=threads):
            copy = copy_of(x)
            for thread in prange(threads, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    failed |= pair_job(p, job, copy)
                    job = next_job(&ranges, thread)
            free(copy)
    free(x.at.columns)
    return failed


cdef int pair_job(const Pairs *p, Py_ssize_t job, real *copy) noexcept nogil:
    """The parts of a job; 1 without memory."""
    cdef const Source *x = &p.g.source
    cdef Py_ssize_t part, first = job * x.together, end = min(first + x.together, parts_of(x))
    cdef const real *block
    if copy == NULL:
        return 1
    block = blocks_of_job(x, first, end, copy)
    for part in range(first, end):
        pair_part(p, part, block)
        block += x.at.size
    return 0


cdef void pair_part(const Pairs *p, Py_ssize_t part, const real *dy) noexcept nogil:
    """One block of pairs of rows of one plane of dx."""
    cdef const Source *x = &p.g.source
    cdef Py_ssize_t group = part // x.blocks.count % x.groups, row = part % x.blocks.count * x.blocks.rows, i, a
    cdef Py_ssize_t n = part // x.blocks.count // x.groups
    cdef const real *w = p.g.filters.w + group * p.g.filters.group_step
    cdef real *dx = p.g.y.data + n * p.g.y.n_step + group * p.g.y.c_step
    for i in range(min(x.blocks.rows, x.h.positions - row)):
        for a in range(min(<Py_ssize_t>2, p.g.y.H - 2 * (row + i))):
            pair_row(p, &p.h[a], dy + (i + p.h[a].source) * x.at.h_step, w, p.g.filters.b[group],
                     dx + (2 * (row + i) + a) * p.g.y.h_step)


cdef void pair_row(const Pairs *p, const Taps *h, const real *dy, const real *w, real bias, real *dx) noexcept nogil:
    """One row of dx; 5 x 5 kernels of an even padding with the numbers of taps as constants."""
    cdef Py_ssize_t even = p.w[0].count, odd = p.w[1].count
    if h.count == 2 and even == 3 and odd == 2:
        pairs_of_row(p, h, dy, w, bias, dx, 2, 3, 2)
    elif h.count == 3 and even == 3 and odd == 2:
        pairs_of_row(p, h, dy, w, bias, dx, 3, 3, 2)
    else:
        pairs_of_row(p, h, dy, w, bias, dx, h.count, even, odd)


cdef inline void pairs_of_row(const Pairs *p, const Taps *h, const real *dy, const real *w, real bias, real *dx,
                              const Py_ssize_t rows, const Py_ssize_t even, const Py_ssize_t odd) noexcept nogil:
    """One row of dx, a vector of pairs after the other: `rows` rows of taps, `even` and `odd` of them in a row."""
    cdef Py_ssize_t j = 0
    cdef vf a, b
    while j < p.g.source.w.positions:
        a = taps_sum(p, h, &p.w[0], dy + j, w, bias, rows, even)
        b = taps_sum(p, h, &p.w[1], dy + j, w, bias, rows, odd)
        store_pairs(&p.g, dx, 2 * j, a, b)
        j += VL


cdef inline vf taps_sum(const Pairs *p, const Taps *h, const Taps *w, const real *dy, const real *filter, real bias,
                        const Py_ssize_t rows, const Py_ssize_t columns) noexcept nogil:
    """bias + the sum over the taps of a phase, from left to right in dy."""
    cdef vf acc = vsplat(bias)
    cdef Py_ssize_t r, s, row = p.g.source.at.h_step, step = w.step * p.g.filters.s_step
    cdef const real *tap
    dy += w.source
    for r in range(rows):
        tap = filter + (h.first + r * h.step) * p.g.filters.r_step + w.first * p.g.filters.s_step
        for s in range(columns):
            acc = acc + vload(dy + r * row + s) * vsplat(tap[s * step])
    return acc


cdef inline void store_pairs(const Grid *g, real *dx, Py_ssize_t j, vf even, vf odd) noexcept nogil:
    """f(even[0]), f(odd[0]), f(even[1]), ... to the columns j, j + 1, ... of dx, as far as it goes."""
    cdef Py_ssize_t n = g.y.W - j
    cdef real spare[2 * VL]
    cdef vf a, b
    even, odd = activated(even, g.activation), activated(odd, g.activation)
    a, b = zip_low(even, odd), zip_high(even, odd)
    if g.y.w_step != 1:
        vstore(spare, a)
        vstore(spare + VL, b)
        scatter_lanes(spare, min(n, <Py_ssize_t>(2 * VL)), dx + j * g.y.w_step, g.y.w_step)
    elif n >= 2 * VL:
        vstore(dx + j, a)
        vstore(dx + j + VL, b)
    else:
        store_lanes(dx + j, lanes(at_most_vector(n)), a)
        store_lanes(dx + j + VL, lanes(at_most_vector(n - VL)), b)
