# What a job reads: a block of rows of x, or a copy of them between zeros.
#
# A block is copied where a tap may be outside of x, where positions move by more than one column or where a row is
# shorter than a vector. In a copied row the columns of one phase lie side by side, so that neighbouring positions read
# neighbouring values. For move = 2:     x0 x1 x2 x3 x4 x5   ->   x0 x2 x4 | x1 x3 x5

cdef enum:
    JOB = 20000         # ns of work in a job, about: far more than it costs to hand one out
    BLOCK = 32768       # reals in a copied block, about: 128 KB of float32, which the second cache holds
    PLANE_BLOCK = 4096  # the same where a job has one channel and one filter: half of the first cache
    TOGETHER = 8        # planes in a job, at most
    COPIED_ROWS = 4     # rows of positions in a copied block, at least: neighbouring blocks copy rows of x twice

cdef struct Axis:
    # position i under tap n reads place i * move + taps.source + n * taps.source_step; zero outside of `size` places
    Py_ssize_t size, positions, move
    Taps taps

cdef struct Blocks:
    Py_ssize_t rows, count      # rows of positions in a block, blocks in an image
    Py_ssize_t h0, w0           # the first row and column of x that position (0, 0) reads
    Py_ssize_t span             # rows of x under a block

cdef struct Layout:             # of a block in memory, in reals
    bint copied
    Py_ssize_t c_step, h_step   # from channel to channel, from row to row
    Py_ssize_t w_phase          # from one phase to the next in a copied row
    Py_ssize_t size             # of the copy
    Py_ssize_t first            # of tap row 0
    Py_ssize_t *columns         # of tap column s in a row; to be freed

cdef struct Source:
    View x
    Axis h, w
    Py_ssize_t groups, C        # C: channels of one group
    bint plane                  # one channel and one filter in a group: whole vectors are read of every row
    Blocks blocks
    Py_ssize_t together         # blocks in a job: all are copied before the first is read, since reads must wait for stores
    Layout at


cdef Axis axis_of(Py_ssize_t size, Py_ssize_t positions, Py_ssize_t move, Taps taps) noexcept nogil:
    """One axis. With a single position the stride is never taken, and could lead far beyond x: it counts as 1."""
    cdef Axis axis
    axis.size, axis.positions, axis.taps = size, positions, taps
    axis.move = 1 if positions == 1 else move
    return axis


cdef Py_ssize_t first_place(const Axis *axis) noexcept nogil:
    """The first place that position 0 reads, under its first or its last tap."""
    return axis.taps.source + min(<Py_ssize_t>0, (axis.taps.count - 1) * axis.taps.source_step)


cdef Py_ssize_t reach(const Axis *axis) noexcept nogil:
    """Places from the first to the last tap of a position."""
    cdef Py_ssize_t distance = (axis.taps.count - 1) * axis.taps.source_step
    return distance if distance > 0 else -distance


cdef bint reads_outside(const Axis *axis) noexcept nogil:
    """Whether a tap of any position is outside of x."""
    cdef Py_ssize_t first = first_place(axis)
    return first < 0 or (axis.positions - 1) * axis.move + first + reach(axis) >= axis.size


cdef int plan_source(Source *g, double row_work) noexcept nogil:
    """Choose the blocks and whether they are copied, for rows of `row_work` ns; 1 if memory ran out, or would."""
    cdef Layout *at = &g.at
    at.columns = <Py_ssize_t *>malloc(max(<Py_ssize_t>1, g.w.taps.count) * sizeof(Py_ssize_t))
    if at.columns == NULL:
        return 1
    at.copied = (g.plane or reads_outside(&g.h) or reads_outside(&g.w) or g.w.move != 1 or g.w.positions < PL
                 or g.x.w_step != 1)
    at.w_phase = round_up(g.w.positions, VL) if g.plane else max(g.w.positions, <Py_ssize_t>PL)
    at.w_phase += reach(&g.w) // g.w.move + 1
    at.c_step, at.h_step, at.size = g.x.c_step, g.x.h_step, 0
    if at.copied:
        at.h_step = g.w.move * at.w_phase
    plan_blocks(g, row_work)
    if at.copied:
        at.c_step = times(g.blocks.span, at.h_step)
        at.size = times(g.C, at.c_step)
        if times(at.size, sizeof(real)) == SIZE_LIMIT:
            return 1
    g.together = 1
    if g.plane and g.blocks.count == 1:
        g.together = max(<Py_ssize_t>1, min(<Py_ssize_t>TOGETHER, PLANE_BLOCK // at.size))
    place_taps(g)
    return 0


cdef Py_ssize_t parts_of(const Source *g) noexcept nogil:
    """Blocks of all images and groups; part (n * groups + group) * blocks + block."""
    return g.x.N * g.groups * g.blocks.count


cdef const real *blocks_of_job(const Source *g, Py_ssize_t first, Py_ssize_t end, real *copy) noexcept nogil:
    """The parts first to end, of which several are copies of equal size, side by side: where the first one lies."""
    cdef Py_ssize_t part, plane
    cdef const real *block = NULL
    for part in range(first, end):
        plane = part // g.blocks.count
        block = block_of(g, plane // g.groups, plane % g.groups, part % g.blocks.count,
                         copy + (part - first) * g.at.size if g.at.copied else NULL)
    return block - (end - first - 1) * g.at.size


cdef void plan_blocks(Source *g, double row_work) noexcept nogil:
    """Blocks of equal size: one job each, and the copies in the second cache."""
    cdef Blocks *blocks = &g.blocks
    cdef Py_ssize_t block, rows = max(<Py_ssize_t>1, <Py_ssize_t>(JOB / (row_work + 1)))
    if g.at.copied:
        block = PLANE_BLOCK if g.plane else BLOCK
        rows = min(rows, max(<Py_ssize_t>COPIED_ROWS, block // times(times(g.C, g.at.h_step), g.h.move)))
    blocks.rows = ceil_div(g.h.positions, ceil_div(g.h.positions, rows))
    blocks.count = ceil_div(g.h.positions, blocks.rows)
    blocks.h0, blocks.w0 = first_place(&g.h), first_place(&g.w)
    blocks.span = (blocks.rows - 1) * g.h.move + reach(&g.h) + 1


cdef void place_taps(Source *g) noexcept nogil:
    """Where the taps lie in a block: column u of x is value u // move of phase u % move in a copied row."""
    cdef Py_ssize_t s, u, move = g.w.move
    g.at.first = (g.h.taps.source - g.blocks.h0) * g.at.h_step
    for s in range(g.w.taps.count):
        u = g.w.taps.source - g.blocks.w0 + s * g.w.taps.source_step
        g.at.columns[s] = u % move * g.at.w_phase + u // move if g.at.copied else u


cdef const real *block_of(const Source *g, Py_ssize_t n, Py_ssize_t group, Py_ssize_t block, real *copy) noexcept nogil:
    """The block of x, copied between zeros if need be; `copy` was zeroed once, before the first block."""
    cdef Py_ssize_t c, h, first = block * g.blocks.rows * g.h.move + g.blocks.h0
    cdef const real *x = g.x.data + n * g.x.n_step + group * g.C * g.x.c_step
    if not g.at.copied:
        return x + first * g.x.h_step + g.blocks.w0
    for c in range(g.C):
        for h in range(g.blocks.span):
            if 0 <= first + h < g.h.size:
                copy_row(g, x + c * g.x.c_step + (first + h) * g.x.h_step, copy + c * g.at.c_step + h * g.at.h_step)
            elif g.blocks.count > 1:  # in a single block these rows are the same each time
                memset(copy + c * g.at.c_step + h * g.at.h_step, 0, g.at.h_step * sizeof(real))
    return copy


cdef void copy_row(const Source *g, const real *x, real *copy) noexcept nogil:
    """copy[phase f][q] = x[q * move + f + w0], where that is inside."""
    cdef Py_ssize_t f, q, lo, hi, move = g.w.move, w0 = g.blocks.w0, w_step = g.x.w_step
    if w_step == 1 and move == 1:
        copy_one_phase(g, x, copy)
        return
    if w_step == 1 and move == 2:
        copy_two_phases(g, x, copy)
        return
    for f in range(move):
        lo = ceil_div(max(<Py_ssize_t>0, -w0 - f), move)
        hi = min(g.at.w_phase, ceil_div(max(<Py_ssize_t>0, g.w.size - w0 - f), move))
        for q in range(lo, hi):
            copy[f * g.at.w_phase + q] = x[(q * move + f + w0) * w_step]


cdef inline void copy_one_phase(const Source *g, const real *x, real *copy) noexcept nogil:
    """copy_row for move = 1: vectors of neighbouring columns."""
    cdef Py_ssize_t w0 = g.blocks.w0, q = max(<Py_ssize_t>0, -w0), hi = min(g.at.w_phase, g.w.size - w0)
    cdef lane_mask rest
    while q <= hi - VL:
        vstore(copy + q, vload(x + q + w0))
        q += VL
    if q < hi:
        rest = lanes(hi - q)
        store_lanes(copy + q, rest, load_lanes(x + q + w0, rest))


cdef inline void copy_two_phases(const Source *g, const real *x, real *copy) noexcept nogil:
    """copy_row for move = 2: x in two vectors, their even columns, their odd columns; zeros after the end of x."""
    cdef Py_ssize_t w0 = g.blocks.w0, size = g.w.size, phase = g.at.w_phase, q, at
    cdef Py_ssize_t lo = min(phase, ceil_div(max(<Py_ssize_t>0, -w0), 2))
    cdef Py_ssize_t hi = min(phase, ceil_div(max(<Py_ssize_t>0, size - w0), 2))
    cdef vf a, b
    cdef lane_mask columns
    if lo > 0 and 0 <= 2 * lo - 1 + w0 < size:  # column 0 of x is the last of an odd phase
        copy[phase + lo - 1] = x[2 * lo - 1 + w0]
    q = lo
    while q < hi:
        at = 2 * q + w0
        if at + 2 * VL <= size:
            a, b = vload(x + at), vload(x + at + VL)
        else:
            a = load_lanes(x + at, lanes(at_most_vector(size - at)))
            b = load_lanes(x + at + VL, lanes(at_most_vector(size - at - VL)))
        if q + VL <= phase:
            vstore(copy + q, evens(a, b))
            vstore(copy + phase + q, odds(a, b))
        else:
            columns = lanes(phase - q)
            store_lanes(copy + q, columns, evens(a, b))
            store_lanes(copy + phase + q, columns, odds(a, b))
        q += VL
