# The jobs of the forward pass and of the input gradient: some rows of one image each.
#
# Vectors need lanes of unit stride, at least VL of them and one channel of x per lane. Where x does not lie so, a job
# first copies its rows; where y does not, each row of y is computed beside it and then folded into it.

cdef enum:
    ROWS = 8            # rows of the result in a job, about
    LEAST_ROWS = 2      # of a job, where images are fewer than threads and are cut further: a tile has up to two rows

cdef struct Jobs:
    Py_ssize_t rows             # of the result, in a job
    Py_ssize_t blocks           # jobs of an image
    Py_ssize_t low, span        # a job reads `span` rows of x; the first is `low` rows after the one of position 0
    Py_ssize_t kh               # taps in a column, at most
    Py_ssize_t size             # bytes of a thread's memory


cdef int run_grid(const Grid *g) noexcept nogil:
    """All jobs; 1 if memory ran out."""
    cdef int thread
    cdef Ranges ranges
    cdef Jobs jobs
    cdef Py_ssize_t job, taps = 0, f
    cdef int threads, failed = 0
    cdef char *memory
    for f in range(g.sh * g.sw):
        taps += g.phases[f].h.count * g.phases[f].w.count
    taps = 2 + taps // (g.sh * g.sw)  # of a phase, on average; 2: a result is stored and its bias read
    threads = threads_for(<double>g.y.N * g.y.H * g.y.W * g.channels.lanes * taps * DEPTHWISE_TAP_NS)
    plan_jobs(g, &jobs, threads)
    share_out(&ranges, g.y.N * jobs.blocks, threads)
    with parallel(num_threads=threads):
        memory = <char *>calloc(jobs.size, 1)
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= run_job(g, &jobs, job, memory)
                job = next_job(&ranges, thread)
        free(memory)
    return failed


cdef void plan_jobs(const Grid *g, Jobs *jobs, int threads) noexcept nogil:
    """The rows of a job, the rows of x that it reads, and the memory it needs: pointers, a row of y, a copy of x."""
    cdef Py_ssize_t lanes = g.channels.lanes, low = 0, high = 0, blocks, f, copy = 0
    cdef const Taps *h
    jobs.kh = 0
    for f in range(g.sh * g.sw):
        h = &g.phases[f].h
        jobs.kh = max(jobs.kh, h.count)
        low = min(low, h.source)
        high = max(high, h.source + (h.count - 1) * h.source_step)
    blocks = ceil_div(g.y.H, ROWS)
    if g.y.N < threads:
        blocks = round_up(blocks, threads)  # as much work for each thread
        blocks = min(blocks, max(<Py_ssize_t>1, g.y.H // LEAST_ROWS))
    jobs.rows = round_up(ceil_div(g.y.H, blocks), g.sh)
    jobs.blocks = ceil_div(g.y.H, jobs.rows)
    jobs.low, jobs.span = low, (jobs.rows - 1) * g.mh + high - low + 1
    if g.copied:
        copy = times(jobs.span, g.x.W * lanes)
    jobs.size = plus(2 * jobs.kh * sizeof(real *), times(plus(plus(copy, g.y.W * lanes), 1), sizeof(real)))


cdef int run_job(const Grid *g, const Jobs *jobs, Py_ssize_t job, char *memory) noexcept nogil:
    """Job n * blocks + block; 1 without memory."""
    cdef const real **rows = <const real **>memory
    cdef real *row = <real *>(memory + 2 * jobs.kh * sizeof(real *))
    cdef real *copy = row + g.y.W * g.channels.lanes if g.copied else NULL
    cdef Py_ssize_t n = job // jobs.blocks, i = job % jobs.blocks * jobs.rows, end = min(i + jobs.rows, g.y.H)
    cdef Py_ssize_t first = i // g.sh * g.mh + jobs.low
    if memory == NULL:
        return 1
    if g.copied:
        copy_rows(g, n, first, jobs.span, copy)
    while i < end:
        i += run_row(g, n, i, end, first, copy, rows, row)
    return 0


cdef int run_row(const Grid *g, Py_ssize_t n, Py_ssize_t i, Py_ssize_t end, Py_ssize_t first, const real *copy,
                 const real **rows, real *row) noexcept nogil:
    """All phases of row i of the result, and of row i + 1 where a tile can have both; how many rows were done."""
    cdef const Phase *f = g.phases + i % g.sh * g.sw
    cdef real *y = g.y.data + n * g.y.n_step + i * g.y.h_step
    cdef Py_ssize_t p
    cdef int height = 1
    cdef Target to
    if g.sw == 2:
        find_rows(g, f, n, i, first, copy, rows, f.h.count)
        if row_between(g, f, rows, y):
            return 1
    for p in range(g.sw):
        height = 2 if i + 1 < end and in_pairs(g, f) else 1
        find_rows(g, f, n, i, first, copy, rows, f.h.count + (height - 1) * g.mh)
        if g.beside:
            to.y, to.yw, to.yh, to.b, to.activation = row, g.channels.lanes, 0, g.zeros, 0
        else:
            to.y, to.yw, to.yh = y + f.j0 * g.y.w_step, g.sw * g.y.w_step, g.y.h_step
            to.b, to.activation = g.b, g.activation
        if f.walks:
            walk_rows(g, f, rows, height, &to)
        else:
            some_rows(g, f, rows, height, &to)
        if g.beside:
            fold_row(g, f, row, y + f.j0 * g.y.w_step)
        f += 1
    return height


cdef bint in_pairs(const Grid *g, const Phase *f) noexcept nogil:
    """Whether two rows are computed together: they share rows of x, and rows of x that follow each other are all read."""
    if f.walks:
        return f.w.count == 3
    return f.reuse and f.w.count == 5 and g.sh * g.sw == 1 and not g.beside and f.h.source_step == 1 and \
        g.mh <= f.h.count


cdef bint find_rows(const Grid *g, const Phase *f, Py_ssize_t n, Py_ssize_t i, Py_ssize_t first, const real *copy,
                    const real **rows, Py_ssize_t count) noexcept nogil:
    """`count` rows of x, from the one under the first tap of row i of the result on, NULL outside; whether all
    are inside.

    `copy` holds the rows of x from `first` on; NULL: the rows are read where they are."""
    cdef Py_ssize_t r, h
    cdef bint whole = True
    for r in range(count):
        h = i // g.sh * g.mh + f.h.source + r * f.h.source_step
        if h < 0 or h >= g.x.H:
            rows[r] = NULL
            whole = False
        elif copy != NULL:
            rows[r] = copy + (h - first) * g.x.W * g.channels.lanes
        else:
            rows[r] = g.x.data + n * g.x.n_step + h * g.x.h_step
    return whole


cdef void copy_rows(const Grid *g, Py_ssize_t n, Py_ssize_t first, Py_ssize_t span, real *copy) noexcept nogil:
    """The rows first to first + span of image n that are inside."""
    cdef Py_ssize_t h
    for h in range(max(<Py_ssize_t>0, -first), min(span, g.x.H - first)):
        copy_row(g, g.x.data + n * g.x.n_step + (first + h) * g.x.h_step, copy + h * g.x.W * g.channels.lanes)


cdef void copy_row(const Grid *g, const real *x, real *copy) noexcept nogil:
    """copy[j][k] = x[j][k // mx]; the lanes beyond the last filter stay zero."""
    cdef Py_ssize_t j, k
    for j in range(g.x.W):
        for k in range(g.K):
            copy[j * g.channels.lanes + k] = x[j * g.x.w_step + k // g.mx * g.x.c_step]


cdef void some_rows(const Grid *g, const Phase *f, const real **rows, int height, const Target *to) noexcept nogil:
    """All pixels of one phase in one or two rows of the result; the last tile overlaps the one before it."""
    cdef Py_ssize_t j = 0
    cdef int i
    cdef Target tile = to[0]
    while j < f.GW:
        if j < f.lo or j >= f.hi or f.hi - f.lo < TILE:
            for i in range(height):
                edge_pixel(g, f, rows + i * g.mh, j, to.y + i * to.yh + j * to.yw, to.b, to.activation)
            j += 1
        else:
            j = min(j, f.hi - TILE)
            tile.y = to.y + j * to.yw
            some_pixels(g, f, rows, height, j, &tile)
            j += TILE


cdef void fold_row(const Grid *g, const Phase *f, const real *row, real *y) noexcept nogil:
    """y[j][c] = f(b[c] + the sum of its lanes, in order)."""
    cdef Py_ssize_t j, c, k
    cdef real total
    for j in range(f.GW):
        for c in range(g.K // g.my):
            total = g.bias[c]
            for k in range(c * g.my, c * g.my + g.my):
                total = total + row[j * g.channels.lanes + k]
            y[j * g.sw * g.y.w_step + c * g.y.c_step] = activated_one(total, g.activation)


cdef int run_packed(Grid *g, const View *w, const real[:] b, const real *ready) noexcept nogil:
    """Pack the weights of all phases, or take those of the one phase that are `ready`, and run; 1 if memory ran out.

    The memory: weights of every tap [tap], packed; where b cannot be read as it is, bias and zeros [lane]; VL zeros."""
    cdef Channels *c = &g.channels
    cdef Py_ssize_t f, k, size
    cdef bint as_it_is = b is not None and g.K >= VL and not g.beside and b.strides[0] == sizeof(real)
    cdef real *packed
    cdef real *to
    cdef int failed
    plan_channels(g, ready != NULL)
    size = 0 if ready != NULL else w.H * w.W * c.width
    to = packed = packed_rows(size + (0 if as_it_is else 2 * c.lanes) + VL)
    if packed == NULL:
        return 1
    g.nothing = packed + size + (0 if as_it_is else 2 * c.lanes)
    if as_it_is:
        g.b = &b[0]
    else:
        g.b, g.bias, g.zeros = packed + size, packed + size, packed + size + c.lanes
        if b is not None:
            for k in range(b.shape[0]):
                packed[size + k] = b[k]
    for f in range(g.sh * g.sw):
        find_tile_columns(g, g.phases + f)
        g.phases[f].walks = can_walk(g, g.phases + f)
        g.phases[f].packed = to if ready == NULL else ready
        if ready == NULL:
            pack_phase(c, g.phases + f, w, to)
        to += g.phases[f].h.count * g.phases[f].w.count * c.width
    failed = run_grid(g)
    free(packed)
    return failed


cdef void plan_channels(Grid *g, bint packed) noexcept nogil:
    """Cut the lanes into vectors, for x where it lies or its copy; as `pack_forward` did where weights are packed."""
    cdef Channels *c = &g.channels
    cdef Py_ssize_t size
    c.lanes = max(g.K, <Py_ssize_t>VL)
    cut_channels(c, &g.x, g.copied or packed)
    g.step = c.lanes if g.copied else g.x.w_step
    size = 0 if g.copied else g.x.N * g.x.H * g.x.W * c.lanes
    g.far, g.rows_far = size > FAR_DEPTHWISE_REALS, size > FAR_DEPTHWISE_ROWS_REALS
