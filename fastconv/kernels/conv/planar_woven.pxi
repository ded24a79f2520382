# The input gradient of stride 2 of 3 x 3 taps, one filter per channel: pairs as in planar_between, but nothing is copied. A
# strip of dx, 2 VL columns wide, goes from top to bottom. Each row of dy is loaded twice, from neighbouring columns on, with
# zeros for what is outside; it serves two pairs of rows from registers, and the weights stay there too.

cdef enum:
    WOVEN_BLOCK = 32768  # reals of dx in a job, about
    WOVEN_PLANES = 32    # planes in a job, at most

cdef struct Woven:
    const InputGradient *c
    Py_ssize_t row, column      # of dy: the first of two rows, and of two columns, that the pair (0, 0) reads
    int row_at, column_at       # which of the two the middle tap reads; it reaches the phase of that number
    Py_ssize_t pairs, blocks    # pairs of rows in a block, blocks of a plane
    Py_ssize_t together         # planes in a job

ctypedef void (*woven_case)(const Woven *p, Py_ssize_t first, Py_ssize_t end, const real *dy, const real *w, real bias,
                            real *dx, const int row_at, const int column_at) noexcept nogil

cdef extern from *:
    void woven_with_middle "DISPATCH_FLAGS2" (woven_case f, int row_at, int column_at, const Woven *p, Py_ssize_t first,
                                              Py_ssize_t end, const real *dy, const real *w, real bias,
                                              real *dx) noexcept nogil


cdef bint woven_fits(const InputGradient *c) noexcept nogil:
    """Whether this form is possible where `pairs_pay`."""
    return c.w.H == 3 and c.w.W == 3 and c.dy.w_step == 1 and c.dx.w_step == 1


cdef int run_woven(const InputGradient *c) noexcept nogil:
    """All planes of dx."""
    cdef int thread
    cdef Ranges ranges
    cdef Woven p
    cdef Py_ssize_t planes = c.dx.N * c.window.groups, pairs = ceil_div(c.dx.H, 2), job
    # 4: of a pair of rows and columns 9 products, and what is loaded and stored
    cdef int threads = threads_for(<double>planes * c.dx.H * ceil_div(c.dx.W, VL) * 4 * SMALL_TAP_NS)
    if planes <= 0 or c.dx.H <= 0 or c.dx.W <= 0:
        return 0
    p.c = c
    p.row, p.row_at = (c.window.top + 1) // 2 - 1, 1 - c.window.top % 2
    p.column, p.column_at = (c.window.left + 1) // 2 - 1, 1 - c.window.left % 2
    p.pairs = ceil_div(pairs, min(pairs, ceil_div(c.dx.H * c.dx.W, WOVEN_BLOCK)))
    p.blocks = ceil_div(pairs, p.pairs)
    p.together = 1
    if p.blocks == 1:
        p.together = max(<Py_ssize_t>1, min(<Py_ssize_t>WOVEN_PLANES, WOVEN_BLOCK // (c.dx.H * c.dx.W)))
    share_out(&ranges, ceil_div(planes, p.together) * p.blocks, threads)
    with parallel(num_threads=threads):
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                woven_job(&p, job)
                job = next_job(&ranges, thread)
    return 0


cdef void woven_job(const Woven *p, Py_ssize_t job) noexcept nogil:
    """A block of rows of one plane, or some planes; plane n * groups + group."""
    cdef const InputGradient *c = p.c
    cdef Py_ssize_t plane, n, k, first = job % p.blocks * p.pairs, end = min(first + p.pairs, ceil_div(c.dx.H, 2))
    job = job // p.blocks * p.together
    for plane in range(job, min(job + p.together, c.dx.N * c.window.groups)):
        n, k = plane // c.window.groups, plane % c.window.groups
        woven_with_middle(woven_strips, p.row_at, p.column_at, p, first, end,
                          c.dy.data + n * c.dy.n_step + k * c.dy.c_step, c.w.data + k * c.w.n_step, c.b[k],
                          c.dx.data + n * c.dx.n_step + k * c.dx.c_step)


cdef inline void woven_strips(const Woven *p, Py_ssize_t first, Py_ssize_t end, const real *dy, const real *w, real bias,
                              real *dx, const int row_at, const int column_at) noexcept nogil:
    """The pairs of rows first <= i < end of one plane, strip by strip."""
    cdef const InputGradient *c = p.c
    cdef Py_ssize_t j = 0, r, s
    cdef vf t[9]
    for r in range(3):
        for s in range(3):
            t[3 * r + s] = vsplat(w[r * c.w.h_step + s * c.w.w_step])
    while 2 * j < c.dx.W:
        woven_strip(p, first, end, j, dy, t, bias, dx + 2 * j, row_at, column_at)
        j += VL


cdef inline lane_mask columns_inside(Py_ssize_t column, Py_ssize_t W) noexcept nogil:
    """The lanes i with 0 <= column + i < W."""
    return lanes(at_most_vector(W - column)) & ~lanes(at_most_vector(-column))


cdef inline void woven_strip(const Woven *p, Py_ssize_t i, Py_ssize_t end, Py_ssize_t j, const real *dy, const vf *t,
                             real bias, real *dx, const int row_at, const int column_at) noexcept nogil:
    """One strip from pair j on. t[3 r + s]: weights, of which the middle one reaches phase (row_at, column_at) of dx."""
    cdef const InputGradient *c = p.c
    cdef Py_ssize_t n = c.dx.W - 2 * j, column = p.column + j
    cdef vf x[4]                # of dy: rows, columns
    cdef vf y[4]                # of dx: phases of rows, of columns
    cdef vf b = vsplat(bias)
    cdef lane_mask one = columns_inside(column, c.dy.W), two = columns_inside(column + 1, c.dy.W)
    cdef bint whole = column >= 0 and column + VL < c.dy.W
    next_row_of_dy(c, x, dy + column, p.row + i, one, two, whole)
    while i < end:
        next_row_of_dy(c, x, dy + column, p.row + i + 1, one, two, whole)
        y[2 * row_at + column_at] = b + x[2 * row_at + column_at] * t[4]
        y[2 * row_at + 1 - column_at] = b + x[2 * row_at] * t[5] + x[2 * row_at + 1] * t[3]
        y[2 - 2 * row_at + column_at] = b + x[column_at] * t[7] + x[2 + column_at] * t[1]
        y[3 - 2 * row_at - column_at] = b + x[0] * t[8] + x[1] * t[6] + x[2] * t[2] + x[3] * t[0]
        weave(dx + 2 * i * c.dx.h_step, y[0], y[1], n, c.activation)
        if 2 * i + 1 < c.dx.H:
            weave(dx + (2 * i + 1) * c.dx.h_step, y[2], y[3], n, c.activation)
        i += 1


cdef inline void next_row_of_dy(const InputGradient *c, vf *x, const real *dy, Py_ssize_t row, lane_mask one,
                                lane_mask two, bint whole) noexcept nogil:
    """x[0], x[1] = x[2], x[3]; x[2], x[3] = a row of dy from one column on, and from the next; zeros outside."""
    x[0], x[1], x[2], x[3] = x[2], x[3], vzero, vzero
    if row < 0 or row >= c.dy.H:
        return
    dy += row * c.dy.h_step
    if whole:
        x[2], x[3] = vload(dy), vload(dy + 1)
    else:
        x[2], x[3] = load_lanes(dy, one), load_lanes(dy + 1, two)


cdef inline void weave(real *dx, vf even, vf odd, Py_ssize_t n, int activation) noexcept nogil:
    """f(even[0]), f(odd[0]), f(even[1]), ...: n values, at most two vectors."""
    even, odd = activated(even, activation), activated(odd, activation)
    if n >= 2 * VL:
        vstore(dx, zip_low(even, odd))
        vstore(dx + VL, zip_high(even, odd))
    else:
        store_lanes(dx, lanes(at_most_vector(n)), zip_low(even, odd))
        store_lanes(dx + VL, lanes(at_most_vector(n - VL)), zip_high(even, odd))
