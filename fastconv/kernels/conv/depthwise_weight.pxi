# The weight gradient: the rows (n, i) of dy are cut into parts; each part is summed by itself, then the parts are added
# in their order. How many parts there are depends on the shape only, never on the number of threads.

cdef enum:
    PARTS = 32          # at most: each has sums of its own, which must be added

cdef struct Sums:
    Grid grid                   # x, and y for dy
    Phase phase                 # all taps
    Py_ssize_t parts, taps
    bint copied_dy, fast        # fast: 3 neighbouring taps in a row
    real *sums                  # [part][tap], packed


cdef int run_weight(Sums *g, View *dw) noexcept nogil:
    """All of it; 1 if memory ran out."""
    cdef Grid *x = &g.grid
    cdef int failed
    x.copied, x.beside = x.mx > 1 or x.K < VL or x.x.c_step != 1, False
    g.copied_dy = x.K < VL or x.y.c_step != 1
    plan_channels(x, False)
    find_tile_columns(x, &g.phase)
    g.fast = g.phase.reuse and g.phase.w.count == 3
    g.phase.walks = can_walk(x, &g.phase) and g.phase.w.count == 3
    g.taps = dw.H * dw.W
    g.parts = min(<Py_ssize_t>PARTS, ceil_div(x.y.N * x.y.H, ROWS))
    g.sums = <real *>on_a_line(times(times(g.parts, g.taps * x.channels.width), sizeof(real)))
    x.nothing = packed_rows(VL)
    failed = g.sums == NULL or x.nothing == NULL
    if not failed:
        failed = run_sums(g)
    if not failed:
        add_parts(g, dw)
    free(g.sums)
    free(<void *>x.nothing)
    return failed


cdef int run_sums(const Sums *g) noexcept nogil:
    """All parts; 1 if memory ran out. A thread's memory: pointers to rows, copies of rows of x, copy of a row of dy."""
    cdef int thread
    cdef Ranges ranges
    cdef const Grid *x = &g.grid
    cdef Py_ssize_t part, lanes = x.channels.lanes, kh = g.phase.h.count, size = 0
    # 2: x and dy are read
    cdef double work = <double>x.y.N * x.y.H * x.y.W * lanes * (2 + g.taps) * DEPTHWISE_WEIGHT_TAP_NS
    cdef int threads = threads_for(work), failed = 0
    cdef char *memory
    if x.copied:
        size = times(kh, x.x.W * lanes)
    if g.copied_dy:
        size = plus(size, x.y.W * lanes)
    size = plus((kh + 2) * sizeof(real *), times(plus(size, 1), sizeof(real)))
    share_out(&ranges, g.parts, threads)
    with parallel(num_threads=threads):
        memory = <char *>calloc(size, 1)
        for thread in prange(threads, schedule="static"):
            part = next_job(&ranges, thread)
            while part >= 0:
                failed |= sum_part(g, part, memory)
                part = next_job(&ranges, thread)
        free(memory)
    return failed


cdef int sum_part(const Sums *g, Py_ssize_t part, char *memory) noexcept nogil:
    """The rows (n, i) of one part, two at a time where a walk can have both; 1 without memory."""
    cdef const Grid *x = &g.grid
    cdef const Phase *f = &g.phase
    cdef Py_ssize_t total = x.y.N * x.y.H, row = total * part // g.parts, end = total * (part + 1) // g.parts, n, i
    cdef Py_ssize_t size = g.taps * x.channels.width
    cdef const real **rows = <const real **>memory
    cdef real *copy = <real *>(memory + (f.h.count + 2) * sizeof(real *))
    cdef real *copy_dy = copy + (f.h.count * x.x.W * x.channels.lanes if x.copied else 0)
    cdef real *sums = g.sums + part * size
    cdef Pixels at
    cdef int height
    if memory == NULL:
        return 1
    memset(sums, 0, size * sizeof(real))
    while row < end:
        n, i, height = row // x.y.H, row % x.y.H, 1
        if f.walks and not x.copied and not g.copied_dy and row + 1 < end and i + 1 < x.y.H:
            height = 2
        find_rows(x, f, n, i, 0, NULL, rows, f.h.count + (height - 1) * x.mh)
        if x.copied:
            copy_taps(x, f, rows, copy)
        at.dy, at.yw, at.yh = x.y.data + n * x.y.n_step + i * x.y.h_step, x.y.w_step, x.y.h_step
        if g.copied_dy:
            copy_dy_row(x, at.dy, copy_dy)
            at.dy, at.yw = copy_dy, x.channels.lanes
        if f.walks:
            sum_walk_rows(x, f, rows, height, &at, sums)
        else:
            sum_row(g, rows, &at, sums)
        row += height
    return 0


cdef void copy_taps(const Grid *x, const Phase *f, const real **rows, real *copy) noexcept nogil:
    """Copy the rows of x that are inside, and let `rows` point to the copies."""
    cdef Py_ssize_t r
    for r in range(f.h.count):
        if rows[r] != NULL:
            copy_row(x, rows[r], copy + r * x.x.W * x.channels.lanes)
            rows[r] = copy + r * x.x.W * x.channels.lanes


cdef void copy_dy_row(const Grid *x, const real *dy, real *copy) noexcept nogil:
    """copy[j][k] = dy[j][k]; the lanes beyond the last filter stay zero."""
    cdef Py_ssize_t j, k
    for j in range(x.y.W):
        for k in range(x.K):
            copy[j * x.channels.lanes + k] = dy[j * x.y.w_step + k * x.y.c_step]


cdef void sum_row(const Sums *g, const real **rows, const Pixels *at, real *sums) noexcept nogil:
    """One row of dy: the columns of tiles if there are any, then those on either side of them, tap by tap."""
    cdef const Phase *f = &g.phase
    cdef Py_ssize_t r, s, lo = f.lo if g.fast else f.GW, hi = f.hi if g.fast else f.GW, width = g.grid.channels.width
    for r in range(f.h.count):
        if rows[r] == NULL:
            continue
        if g.fast:
            sum_inside(g, rows[r], at, sums + r * 3 * width)
        for s in range(f.w.count):
            sum_columns(&g.grid, f, rows[r], s, 0, lo, at, sums + (r * f.w.count + s) * width)
            sum_columns(&g.grid, f, rows[r], s, hi, f.GW, at, sums + (r * f.w.count + s) * width)


cdef void sum_inside(const Sums *g, const real *row, const Pixels *first, real *sums) noexcept nogil:
    """The columns lo <= j < hi for a row of 3 taps: TILE at a time, then one."""
    cdef Py_ssize_t j = g.phase.lo
    cdef Place place
    cdef Pixels at = first[0]
    cdef int count
    while j < g.phase.hi:
        count = TILE if j + TILE <= g.phase.hi else 1
        place = place_of(&g.grid, &g.phase, j, count, 3)
        at.dy = first.dy + j * first.yw
        sum_with_step(sum_pixels, <int>g.grid.mw, &g.grid, row, &place, &at, sums, count)
        j += count


cdef void sum_columns(const Grid *g, const Phase *f, const real *row, Py_ssize_t s, Py_ssize_t first, Py_ssize_t end,
                      const Pixels *at, real *sums) noexcept nogil:
    """The columns first <= j < end of tap s of one row, those whose input is inside."""
    cdef Py_ssize_t column = f.w.source + s * f.w.source_step, c, v, step = g.mw * g.step
    first = max(first, ceil_div(max(<Py_ssize_t>0, -column), g.mw))
    end = min(end, ceil_div(max(<Py_ssize_t>0, g.x.W - column), g.mw))
    if first >= end:
        return
    row += (first * g.mw + column) * g.step
    for v in range(g.channels.vectors):
        c = channel(&g.channels, v)
        sum_tap(row + c, step, at.dy + first * at.yw + c, at.yw, end - first, sums + v * VL)


cdef void add_parts(Sums *g, View *dw) noexcept nogil:
    """dw[k,0,r,s] = the sums of all parts, in order; lane k is in vector (k + back) / VL, or the first or last one."""
    cdef const Channels *c = &g.grid.channels
    cdef Py_ssize_t size = g.taps * c.width, part, i, k, t, v, lane
    for part in range(1, g.parts):
        for i in range(size):
            g.sums[i] = g.sums[i] + g.sums[part * size + i]
    for k in range(dw.N):
        v = (k + c.back) // VL
        lane = k - channel(c, v)
        for t in range(g.taps):
            dw.data[k * dw.n_step + t // dw.W * dw.h_step + t % dw.W * dw.w_step] = g.sums[t * c.width + v * VL + lane]
