# The input gradient of a small plane, scattered instead of gathered. First every value of dy is spread over the taps,
#
#     z[r,s] = sum_k dy[k] w[k,c,r,s]        for whole rows of dy: no product is wasted on padding
#     dx[i,j] = b + sum_{r,s} z[r,s][i + top - r, j + left - s]
#
# and then dx is gathered from z, whose rows lie between kw - 1 zeros on either side.

cdef enum:
    SPREAD_K = 6        # channels of dy, at least: z is stored and read once per tap, however few products it sums
    SPREAD_SIZE = 8192  # reals in z, at most: 32 KB of float32, the first cache
    # a vector of dx costs as many products phase by phase as a vector of dy costs here; gathering costs more, so that
    # dx must have 5 / 3 as many vectors as dy
    VECTORS_DX = 5
    VECTORS_DY = 3

cdef struct Spread:
    const InputGradient *c
    Grid taps           # a 1 x 1 convolution of dy: filters are the taps of one channel, columns are channels of dy
    Py_ssize_t K        # channels of dy in one group
    Py_ssize_t group_step, c_step  # of the weights
    Py_ssize_t size     # of z
    real *w             # a copy of weights whose taps are not evenly spaced, or NULL


cdef Py_ssize_t row_of_z(const InputGradient *c) noexcept nogil:
    """From one row of z to the next: the columns of dy between zeros."""
    return c.dy.W + 2 * (c.w.W - 1)


cdef bint spread_pays(const InputGradient *c) noexcept nogil:
    """Whether this form is possible, and saves work: dy is much smaller than dx, and z stays in the first cache."""
    cdef const Window *v = &c.window
    if v.sh != 1 or v.sw != 1 or v.dh != 1 or v.dw != 1:
        return False
    if c.dy.w_step != 1 or c.dx.w_step != 1 or c.dy.W < PL or c.dx.W < PL:  # whole vectors only
        return False
    if c.w.N // v.groups < SPREAD_K or c.w.H * c.w.W * c.dy.H * row_of_z(c) > SPREAD_SIZE:
        return False
    return VECTORS_DY * c.dx.H * ceil_div(c.dx.W, PL) >= VECTORS_DX * c.dy.H * ceil_div(c.dy.W, PL)


cdef int spread(const InputGradient *c) noexcept nogil:
    """dx by spreading and gathering; 1 if memory ran out."""
    cdef Spread g
    cdef int failed
    plan_spread(&g, c)
    failed = copy_weights(&g) or run_spread(&g)
    free(g.w)
    return failed


cdef void plan_spread(Spread *g, const InputGradient *c) noexcept nogil:
    """The convolution that makes z: C = 1, and tap s of its only row is channel s of dy."""
    cdef Source *x = &g.taps.source
    cdef Filters *f = &g.taps.filters
    g.c, g.w, g.K = c, NULL, c.w.N // c.window.groups
    g.group_step, g.c_step = c.w.n_step * g.K, c.w.c_step
    x.x, x.groups, x.C = c.dy, c.window.groups, 1
    x.h = axis_of(c.dy.H, c.dy.H, 1, all_taps(1, 0, 0))
    x.w = axis_of(c.dy.W, c.dy.W, 1, all_taps(g.K, 0, 0))
    x.at.c_step, x.at.h_step = 0, c.dy.h_step
    f.K, f.w, f.k_step, f.s_step = c.w.H * c.w.W, c.w.data, c.w.w_step, c.w.n_step
    f.c_step, f.r_step = 0, 0
    g.taps.activation, g.taps.y.w_step = 0, 1
    g.taps.y.h_step = row_of_z(c)
    g.taps.y.c_step = c.dy.H * g.taps.y.h_step
    g.size = f.K * g.taps.y.c_step


cdef int copy_weights(Spread *g) noexcept nogil:
    """Give the taps of a filter even steps, where they have none; 1 if memory ran out."""
    cdef const View *w = &g.c.w
    cdef Filters *f = &g.taps.filters
    cdef Py_ssize_t k, c, r, s
    if w.h_step == w.W * w.w_step:
        return 0
    g.w = <real *>malloc(w.N * w.C * f.K * sizeof(real))
    if g.w == NULL:
        return 1
    for k in range(w.N):
        for c in range(w.C):
            for r in range(w.H):
                for s in range(w.W):
                    g.w[((k * w.C + c) * w.H + r) * w.W + s] = (
                        w.data[k * w.n_step + c * w.c_step + r * w.h_step + s * w.w_step])
    f.w, f.k_step, f.s_step = g.w, 1, w.C * f.K
    g.c_step, g.group_step = f.K, w.C * f.K * g.K
    return 0


cdef int run_spread(Spread *g) noexcept nogil:
    """All jobs: one image and group each; 1 if memory ran out."""
    cdef int thread
    cdef Ranges ranges
    cdef Source *x = &g.taps.source
    cdef Py_ssize_t taps = g.taps.filters.K, jobs = x.x.N * x.groups, job, k
    # 2: z is stored and gathered
    cdef double work = <double>x.x.H * ceil_div(x.x.W, PL) * taps * (g.K + 2) * g.c.w.C * PLANAR_SPREAD_PRODUCT_NS
    cdef int threads = threads_for(work * jobs), failed = 0
    cdef real *z
    x.at.columns = <Py_ssize_t *>malloc(g.K * sizeof(Py_ssize_t))
    if x.at.columns == NULL:
        return 1
    for k in range(g.K):
        x.at.columns[k] = k * x.x.c_step
    share_out(&ranges, jobs, threads)
    with parallel(num_threads=threads):
        z = <real *>calloc(g.size + taps, sizeof(real))
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= spread_job(g, job, z)
                job = next_job(&ranges, thread)
        free(z)
    free(x.at.columns)
    return failed


cdef int spread_job(const Spread *g, Py_ssize_t job, real *z) noexcept nogil:
    """The channels of one group of one image, one after the other: z between its zeros, then the rows of dx."""
    cdef const InputGradient *p = g.c
    cdef Py_ssize_t groups = p.window.groups, n = job // groups, group = job % groups, C = p.w.C, c, i
    cdef const real *dy = p.dy.data + n * p.dy.n_step + group * g.K * p.dy.c_step
    cdef real *dx = p.dx.data + n * p.dx.n_step + group * C * p.dx.c_step
    if z == NULL:
        return 1
    for c in range(C):
        run_tiles(&g.taps, dy, g.taps.filters.w + group * g.group_step + c * g.c_step, z + g.size, z + p.w.W - 1,
                  p.dy.H)
        for i in range(p.dx.H):
            gather_row(g, z + p.w.W - 1 + p.window.left, i, p.b[group * C + c], dx + c * p.dx.c_step + i * p.dx.h_step)
    return 0


cdef void gather_row(const Spread *g, const real *z, Py_ssize_t i, real b, real *dx) noexcept nogil:
    """One row of dx, two vectors at a time; the last overlaps the one before it."""
    cdef Py_ssize_t W = g.c.dx.W, kw = g.c.w.W, j = 0, k, r, s, at = i + g.c.window.top
    cdef Py_ssize_t first = max(<Py_ssize_t>0, at - g.c.dy.H + 1), end = min(g.c.w.H, at + 1)  # taps r that reach dy
    cdef Py_ssize_t z_tap = g.taps.y.c_step, z_row = g.taps.y.h_step
    cdef const real *p
    cdef vp one, two
    while j < W:
        j = min(j, W - PL)
        k = min(j + PL, W - PL)
        one = psplat(b)
        two = one
        for r in range(first, end):
            p = z + r * kw * z_tap + (at - r) * z_row
            for s in range(kw):
                one = one + pload(p + j)
                two = two + pload(p + k)
                p += z_tap - 1
        pstore(dx + j, pactivated(one, g.c.activation))
        pstore(dx + k, pactivated(two, g.c.activation))
        j += 2 * PL
