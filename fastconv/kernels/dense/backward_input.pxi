# dx = dy w, a block of O at a time. For few samples rows of w are read once, where they lie; for more they are copied
# to panels, which all samples of a job read. Few weights are read where they lie as if they were panels.

cdef extern from *:
    """
    #define MOST_SUMS (131072 / REAL_BYTES)
    """
    enum: MOST_SUMS    # sums of a job of few samples

cdef enum:
    FEW_SAMPLES = 3       # up to which w is read where it lies
    FEWEST_COLUMNS = 512  # of a job of few samples
    PANELS_PER_JOB = 4
    ROWS_AT_ONCE = 4      # of w, where it lies; the processor fetches them ahead better than prefetches do
    ROWS_FOR_ONE = 8      # the same for one sample
    FEW_WEIGHTS = 4096    # which stay in the first cache where they lie

cdef struct Input:
    Matrix dy, w, dx
    real *scratch
    Py_ssize_t scratch_size      # of a thread, in values
    Py_ssize_t columns, samples  # of a job
    Py_ssize_t block             # terms of a sum
    bint in_place                # w is read where it lies
    const real *bias             # of a forward pass (forward_short): added to the sums, NULL: nothing
    int activation               # and what follows

ctypedef void (*add_case)(const real *w, Py_ssize_t w_step, const real *a, Py_ssize_t a_step, real *sums,
                          Py_ssize_t sums_step, Py_ssize_t columns, int rows, const int width) noexcept nogil

cdef extern from *:
    void add_rows "DISPATCH3" (add_case f, int width, const real *w, Py_ssize_t w_step, const real *a,
                               Py_ssize_t a_step, real *sums, Py_ssize_t sums_step, Py_ssize_t columns,
                               int rows) noexcept nogil


def backward_input(const real[:, :] dy, const real[:, :] w, real[:, :] dx):
    """dx = dy w"""
    cdef Input g
    if dy.shape[0] == 0:
        return
    memset(&g, 0, sizeof(g))
    try:
        open_matrix(&g.dy, dy, True)
        open_matrix(&g.w, w, True)
        open_matrix(&g.dx, dx, False)
        run_input(&g)
    finally:
        close_matrix(&g.dy, False)
        close_matrix(&g.w, False)
        close_matrix(&g.dx, True)


cdef int run_input(Input *g) except -1:
    """Cut the columns, and, if there are many, the samples into jobs, and run them."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t N = g.dy.rows, O = g.w.rows, I = g.w.columns, job, groups
    cdef int threads = threads_for(<double>N * O * I / (DENSE_PRODUCTS_PER_NS * VL)
                                   + O * I * REAL_BYTES / WEIGHT_READ_PER_NS)
    cdef bint few
    g.block = min(<Py_ssize_t>OUTER_BLOCK, O)
    g.in_place = I % VL == 0 and O * I <= FEW_WEIGHTS
    few = N <= FEW_SAMPLES and not g.in_place
    g.scratch_size = (g.block * PANELS_PER_JOB + OUTER_ROWS) * PANEL_WIDTH
    g.columns = PANELS_PER_JOB * PANEL_WIDTH
    g.samples = samples_per_job(N, OUTER_ROWS)
    if few:  # a job for every thread, of whole rows where they can be
        g.columns = max(min(MOST_SUMS // N, ceil_div(I, threads)), <Py_ssize_t>FEWEST_COLUMNS) // VL * VL
        g.columns = min(g.columns, MOST_SUMS // N // VL * VL)
        g.scratch_size = N * g.columns
    groups = ceil_div(I, g.columns)
    if g.in_place:  # whole vectors of w and dx: nothing is copied
        g.scratch_size = 0
    else:
        g.scratch = <real *>malloc(threads * g.scratch_size * REAL_BYTES)
    if g.scratch == NULL and not g.in_place:
        raise MemoryError("the operands of a dense layer in order")
    with nogil:
        if few:
            share_out(&ranges, groups, threads)
            for thread in prange(threads, num_threads=threads, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    input_in_place(g, job * g.columns, g.scratch + threadid() * g.scratch_size)
                    finish(g, job * g.columns, 0, N)
                    job = next_job(&ranges, thread)
        else:
            share_out(&ranges, groups * ceil_div(N, g.samples), threads)
            for thread in prange(threads, num_threads=threads, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    input_from_panels(g, job % groups * g.columns, job // groups * g.samples,
                                      g.scratch + threadid() * g.scratch_size)
                    finish(g, job % groups * g.columns, job // groups * g.samples, g.samples)
                    job = next_job(&ranges, thread)
    free(g.scratch)
    return 0


cdef void finish(const Input *g, Py_ssize_t column, Py_ssize_t sample, Py_ssize_t samples) noexcept nogil:
    """y = act(y + bias) in what a job computed. 0 > NaN is false, so NaN stays."""
    cdef Py_ssize_t columns = min(g.columns, g.w.columns - column), n, j
    cdef const real *bias = g.bias + column if g.bias != NULL else NULL
    cdef real *y
    if bias == NULL and g.activation == 0:
        return
    for n in range(sample, min(sample + samples, g.dy.rows)):
        y = g.dx.p + n * g.dx.step + column
        if bias != NULL:
            for j in range(columns):
                y[j] = y[j] + bias[j]
        if g.activation > 0:
            for j in range(columns):
                y[j] = activated_one(y[j], g.activation)


cdef void input_in_place(const Input *g, Py_ssize_t column, real *sums) noexcept nogil:
    """Columns from `column` on of few samples: each row of w read once, into sums in the first cache."""
    cdef Py_ssize_t O = g.w.rows, N = g.dy.rows, block, start, stop, o, n, i
    cdef Py_ssize_t columns = min(g.columns, g.w.columns - column)
    cdef const real *w
    cdef const real *dy
    cdef real *dx
    for block in range(ceil_div(O, OUTER_BLOCK)):
        start = block * OUTER_BLOCK
        stop = min(start + OUTER_BLOCK, O)
        for n in range(N):
            memset(sums + n * g.columns, 0, round_up(columns, VL) * REAL_BYTES)
        o = start
        while o < stop:
            w, dy = g.w.p + o * g.w.step + column, g.dy.p + o
            if N == 1 and stop - o >= ROWS_FOR_ONE:
                add_rows_body(w, g.w.step, dy, g.dy.step, sums, g.columns, columns, ROWS_FOR_ONE, 1)
                o += ROWS_FOR_ONE
            elif stop - o >= ROWS_AT_ONCE:
                add_rows(add_rows_body, N, w, g.w.step, dy, g.dy.step, sums, g.columns, columns, ROWS_AT_ONCE)
                o += ROWS_AT_ONCE
            else:
                add_rows(add_rows_body, N, w, g.w.step, dy, g.dy.step, sums, g.columns, columns, 1)
                o += 1
        for n in range(N):
            dx = g.dx.p + n * g.dx.step + column
            for i in range(columns):
                dx[i] = sums[n * g.columns + i] if start == 0 else dx[i] + sums[n * g.columns + i]


cdef inline void add_rows_body(const real *w, Py_ssize_t w_step, const real *a, Py_ssize_t a_step, real *sums,
                               Py_ssize_t sums_step, Py_ssize_t columns, const int rows,
                               const int width) noexcept nogil:
    """sums[n] = ((sums[n] + a[n, 0] w[0]) + a[n, 1] w[1]) + ... over `rows` rows of w, for n < width"""
    cdef vf s
    cdef vf wv[ROWS_FOR_ONE]
    cdef vf av[FEW_SAMPLES][ROWS_FOR_ONE]
    cdef Py_ssize_t v, whole = columns // VL
    cdef int i, n, tail = columns % VL
    for n in range(width):
        for i in range(rows):
            av[n][i] = vsplat(a[n * a_step + i])
    for v in range(whole):
        for i in range(rows):
            wv[i] = vload(w + i * w_step + v * VL)
        for n in range(width):
            s = vload(sums + n * sums_step + v * VL)
            for i in range(rows):
                s = s + av[n][i] * wv[i]
            vstore(sums + n * sums_step + v * VL, s)
    if tail > 0:
        for i in range(rows):
            wv[i] = vread_tail(w + i * w_step + whole * VL, tail)
        for n in range(width):
            s = vload(sums + n * sums_step + whole * VL)
            for i in range(rows):
                s = s + av[n][i] * wv[i]
            vstore(sums + n * sums_step + whole * VL, s)


cdef void input_from_panels(const Input *g, Py_ssize_t column, Py_ssize_t sample, real *scratch) noexcept nogil:
    """Some panels of a group of samples: each block of O copied to scratch, then read by all of them."""
    cdef Py_ssize_t O = g.w.rows, block, start, length, panel
    cdef Py_ssize_t columns = min(g.columns, g.w.columns - column)
    cdef Product p
    memset(&p, 0, sizeof(p))
    p.a_row, p.a_step, p.y_row = g.dy.step, 1, g.dx.step
    p.w_step = g.w.step if g.in_place else <Py_ssize_t>PANEL_WIDTH
    for block in range(ceil_div(O, OUTER_BLOCK)):
        start = block * OUTER_BLOCK
        length = min(<Py_ssize_t>OUTER_BLOCK, O - start)
        if not g.in_place:
            pack_panels(g.w.p + start * g.w.step + column, g.w.step, length, columns, scratch, g.block * PANEL_WIDTH)
        for panel in range(ceil_div(columns, PANEL_WIDTH)):
            input_panel(g, &p, start, length, column, panel, sample, scratch)


cdef inline void input_panel(const Input *g, Product *p, Py_ssize_t start, Py_ssize_t length, Py_ssize_t column,
                             Py_ssize_t panel, Py_ssize_t sample, real *scratch) noexcept nogil:
    """dx[n, panel] (+)= dy[n, block] w[block, panel] for the samples of a job; block: `length` rows of w from `start`.

    Meanwhile the next block is prefetched, with each tile of samples two cache lines of every row.
    """
    cdef Py_ssize_t stop = min(sample + g.samples, g.dy.rows), columns = min(g.columns, g.w.columns - column), n, rows
    cdef Py_ssize_t ahead, first = column + panel * PANEL_WIDTH
    cdef const real *next_block = g.w.p + min(start + OUTER_BLOCK, g.w.rows - 1) * g.w.step + first
    cdef real *own = scratch + g.block * PANELS_PER_JOB * PANEL_WIDTH
    n = sample
    while n < stop:
        rows = ceil_div(stop - n, ceil_div(stop - n, OUTER_ROWS))
        ahead = (n - sample) // OUTER_ROWS * 2 * LINE
        p.a, p.w, p.steps = g.dy.p + n * g.dy.step + start, scratch + panel * g.block * PANEL_WIDTH, length
        if g.in_place:
            p.w = g.w.p + start * g.w.step + first
        p.y, p.y_row, p.add = g.dx.p + n * g.dx.step + first, g.dx.step, start > 0
        p.ahead = next_block + ahead if ahead < PANEL_WIDTH else p.w
        p.ahead_step = g.w.step if ahead < PANEL_WIDTH else 0
        outer_part(p, rows, min(<Py_ssize_t>PANEL_WIDTH, columns - panel * PANEL_WIDTH), own)
        n += rows
