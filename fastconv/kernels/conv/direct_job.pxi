# One job of a grid: the addresses that its tiles read and write, then one panel after another, in passes.

cdef enum:
    STEPS = 512         # steps (tap, channel) in a pass: a panel of STEPS x NR x VL weights stays in the second cache

cdef struct Cut:        # of some pixels into tiles: the first `high` have MR rows, the others one less
    Py_ssize_t tiles, high
    Py_ssize_t rows     # of all tiles; the rows beyond the pixels go to junk

cdef struct Job:
    Place at
    Cut cut
    const real **rows   # [tile][tap][row of the tile]: the input pixel
    real **out          # [tile][row]: the current panel of the output pixel
    const real **add    # [tile][row]: the same of the residual, or NULL
    real *beside        # rows of results that are copied to y afterwards
    real *junk          # results of no pixel


cdef inline Cut cut(Py_ssize_t pixels) noexcept nogil:
    """The fewest tiles of MR or MR - 1 rows that hold the pixels."""
    cdef Cut c
    c.tiles = ceil_div(pixels, MR)
    c.high = max(<Py_ssize_t>0, pixels - c.tiles * (MR - 1))
    c.rows = c.tiles * (MR - 1) + c.high
    return c


cdef inline Py_ssize_t height(const Cut *c, Py_ssize_t m) noexcept nogil:
    """Rows of tile m."""
    return MR if m < c.high else MR - 1


cdef Py_ssize_t beside_width(const Grid *g) noexcept nogil:
    """Values of a pixel that is computed beside y: one panel, or all of them where it is a cell."""
    return round_up(g.K, VL) if g.cell.h else NR * VL


cdef Py_ssize_t job_memory(const Grid *g) noexcept nogil:
    """Bytes of scratch memory that a job takes: rows, out and add (whole cache lines), then beside and junk."""
    cdef Py_ssize_t tables = times(plus(g.taps.count, 2), TILES * MR * sizeof(real *))
    return plus(tables, (TILES * MR + 1) * beside_width(g) * sizeof(real))


cdef int run_job(Grid *g, Py_ssize_t number, char *memory) noexcept nogil:
    """A block of pixels times a set of panels; 1 if there is no memory."""
    cdef Job j
    cdef Py_ssize_t panel, p
    if memory == NULL:
        return 1
    j.at = place_job(g, number)
    j.cut = cut(j.at.count)
    j.rows = <const real **>memory
    j.out = <real **>(j.rows + g.taps.count * TILES * MR)
    j.add = NULL if g.r.data == NULL else <const real **>j.out + TILES * MR
    j.beside = <real *>(j.out + 2 * TILES * MR)
    j.junk = j.beside + TILES * MR * beside_width(g)
    point(g, &j)
    if j.add != NULL:
        point_at_residual(g, &j)
    for panel in range(j.at.panel, j.at.stop):
        point_at_panel(g, &j, panel)
        reduce(g, &j, panel)
        if g.jobs.planes:
            store_planes(g, &j, panel)
        elif lanes_of(g, panel) % VL and not g.cell.h:
            copy_panel(g, &j, panel)
    if g.cell.h:
        for p in range(j.at.count):
            store_cell(g, j.at.first + p, j.beside + p * beside_width(g))
    if g.jobs.stream:
        vfence()
    return 0


cdef inline Py_ssize_t lanes_of(const Grid *g, Py_ssize_t panel) noexcept nogil:
    """Output channels of a panel."""
    return min(<Py_ssize_t>(NR * VL), g.K - panel * NR * VL)


# ---------------------------------------------------------------- passes over the reduction

cdef struct Pass:       # what one pass adds at most
    Py_ssize_t taps, channels


cdef inline Pass cut_reduction(const TapList *taps) noexcept nogil:
    """Passes of about STEPS steps: some whole taps, or a part of the channels of one tap."""
    cdef Py_ssize_t passes = ceil_div(taps.count * taps.length, STEPS)
    cdef Py_ssize_t of_a_tap = ceil_div(taps.length, STEPS)
    cdef Pass at_most = Pass(taps.count, taps.length)
    if passes > 1:
        at_most.taps = ceil_div(taps.count, passes)
        if of_a_tap > 1:
            at_most.channels = ceil_div(taps.length, of_a_tap)
    return at_most


cdef void reduce(Grid *g, Job *j, Py_ssize_t panel) noexcept nogil:
    """All terms of one panel, pass after pass, each over all tiles of the job; partial sums wait in the output.

    A residual is added by the first pass, so its memory may be that of the output. While tiles are summed, the weights
    of the next pass or panel are fetched, one cache line per step.
    """
    cdef Pass at_most = cut_reduction(&g.taps)
    cdef Py_ssize_t k0 = panel * NR * VL, lanes = lanes_of(g, panel), taps = g.taps.count, length = g.taps.length
    cdef Py_ssize_t t = 0, m, p, size, fetched
    cdef Terms terms
    cdef const real **add = j.add
    cdef const real *ahead
    cdef int mr, nv = <int>ceil_div(lanes, VL)
    cdef bint last = False, fetch, half = 0 < lanes % VL <= VL // 2
    terms.w = g.panels.w + j.at.group * g.panels.group + k0 * taps * length
    terms.resume, terms.bias_row, terms.bias_vector, terms.offset = False, 0, VL, 0
    while not last:
        terms.taps, terms.length = min(at_most.taps, taps - t), min(at_most.channels, length - terms.offset)
        last = t + terms.taps == taps and terms.offset + terms.length == length
        terms.activation = g.activation if last else 0
        terms.bias = g.panels.b + j.at.group * g.panels.b_group + k0 if last else NULL
        terms.stream = last and g.jobs.stream and lanes % VL == 0 and not (g.cell.h or g.jobs.planes)
        fetch = g.jobs.fetch and (panel + 1 < g.panels.count or not last)
        size = terms.taps * terms.length * nv * VL
        p = fetched = 0
        for m in range(j.cut.tiles):
            mr = <int>height(&j.cut, m)
            if add != NULL and m + 1 < j.cut.tiles:
                fetch_rows(add + p + mr, height(&j.cut, m + 1), nv)
            ahead = terms.w + size + fetched if fetch and fetched < size else NULL
            tile(j.rows + p * taps + t * mr, j.out + p, add + p if add != NULL else NULL, ahead, &terms, mr, nv, half)
            p += mr
            fetched += terms.taps * terms.length * LINE
        terms.w += size
        terms.resume, add = True, NULL
        terms.offset += terms.length
        if terms.offset == length:
            terms.offset = 0
            t += terms.taps


cdef inline void fetch_rows(const real **rows, Py_ssize_t count, int nv) noexcept nogil:
    """Fetch the residual of the next tile: its rows are too short for the hardware to fetch ahead by itself."""
    cdef Py_ssize_t i
    cdef int v
    for i in range(count):
        for v in range(nv):
            vprefetch(rows[i] + v * VL)


# ---------------------------------------------------------------- results beside y

cdef void point_at_panel(const Grid *g, Job *j, Py_ssize_t panel) noexcept nogil:
    """Move out and add on to this panel; results that y cannot take as whole vectors are stored beside it first."""
    cdef Py_ssize_t p, width = round_up(lanes_of(g, panel), VL)
    if panel > j.at.panel:
        for p in range(j.at.count):
            j.out[p] += NR * VL
        if j.add != NULL:
            for p in range(j.at.count):
                j.add[p] += NR * VL
    if g.cell.h:
        for p in range(j.cut.rows):
            j.out[p] = j.beside + p * beside_width(g) + panel * NR * VL
    elif g.jobs.planes or lanes_of(g, panel) < width:
        for p in range(j.cut.rows):
            j.out[p] = j.beside + p * width
        if j.add != NULL and lanes_of(g, panel) < width:
            for p in range(j.at.count):
                memcpy(j.out[p], j.add[p], lanes_of(g, panel) * sizeof(real))
            j.add = <const real **>j.out


cdef void copy_panel(const Grid *g, const Job *j, Py_ssize_t panel) noexcept nogil:
    """The last panel of each pixel, from beside y."""
    cdef Py_ssize_t p, v, lanes = lanes_of(g, panel), vectors = ceil_div(lanes, VL)
    cdef Place to = j.at
    cdef Pixel at = pixel(g, j.at.first)
    cdef const real *row = j.beside
    cdef real *y
    to.panel = panel
    y = output_of(g, &to, &at)
    for p in range(j.at.count):
        for v in range(vectors):
            vwrite(y + v * VL, lanes - v * VL, vload(row + v * VL))
        row += vectors * VL
        y += g.y.w_step
        at.j += 1
        if at.j == g.GW:
            next_row(g, &at)
            y = output_of(g, &to, &at)


cdef void store_cell(const Grid *g, Py_ssize_t p, const real *values) noexcept nogil:
    """y[i h + ci][j w + cj] = values[ci][cj] for the cell of output pixel (i, j), as far as it lies inside y."""
    cdef Pixel at = pixel(g, p)
    cdef Py_ssize_t i = at.i * g.cell.h, j = at.j * g.cell.w, width = min(g.cell.w, g.y.W - j), C = g.cell.C, ci, cj
    cdef real *y
    for ci in range(min(g.cell.h, g.y.H - i)):
        y = g.y.data + at.n * g.y.n_step + (i + ci) * g.y.h_step + j * g.y.w_step
        if g.y.w_step == C:
            memcpy(y, values + ci * g.cell.w * C, width * C * sizeof(real))
        else:
            for cj in range(width):
                memcpy(y + cj * g.y.w_step, values + (ci * g.cell.w + cj) * C, C * sizeof(real))
