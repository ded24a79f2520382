# The weight gradient: a job sums some images, or one block of rows of one image, for one group; then the jobs' sums are
# added in their order. How images are cut into jobs depends on the shapes only, never on the number of threads.

cdef enum:
    SUM_JOB = 2 * JOB   # ns of work in a job of whole images, about: its sums are stored, and added afterwards
    READS = 2           # a row counts twice in the choice of blocks: x and dy are both read
    EVEN = 4            # several jobs come in multiples of this many, so that 2 or 4 threads end together

cdef struct Tiles:              # filters x taps in tiles; along both axes the last overlaps the one before it
    Py_ssize_t K, taps          # filters of one group; taps C * kh * kw of a filter
    int mk, mt                  # filters and taps in a tile
    Py_ssize_t tiles_k, tiles_t
    Py_ssize_t *offsets         # of each tap in a block of x

cdef struct SumJobs:
    Py_ssize_t count
    Py_ssize_t images           # in a job; 1 where an image has several blocks
    Py_ssize_t chunk            # images that are copied, and then summed together
    Py_ssize_t size             # sums of a job, and room for vectors beyond the last one
    real *sums                  # [job][filter][tap]

cdef struct Sums:
    Source source
    View dy
    bint vectors                # rows of dy are whole pieces in memory
    Positions block             # the block of a job that has all its images and rows
    Tiles tiles
    SumJobs jobs


cdef int run_weight(Sums *g, View *dw) noexcept nogil:
    """All of it: plan, sum, add; 1 if memory ran out."""
    cdef int failed
    if plane_sums_pay(&g.source, &g.dy, g.tiles.K):
        return run_plane_sums(&g.source, &g.dy, dw)
    g.source.at.columns, g.tiles.offsets, g.jobs.sums = NULL, NULL, NULL
    failed = plan_sums(g) or run_sums(g)
    if not failed:
        add_jobs(g, dw)
    free(g.source.at.columns)
    free(g.tiles.offsets)
    free(g.jobs.sums)
    return failed


cdef int plan_sums(Sums *g) noexcept nogil:
    """Choose tiles, blocks, jobs and where dy is read; 1 if memory ran out, or would."""
    cdef Source *x = &g.source
    cdef Tiles *t = &g.tiles
    cdef double row_work = row_products(x, t.K) * PLANAR_PRODUCT_NS
    t.taps = x.C * x.h.taps.count * x.w.taps.count
    t.mk = filters_in_tile(t.K)
    t.mt = taps_in_tile(t.taps, t.mk)
    t.tiles_k, t.tiles_t = ceil_div(t.K, t.mk), ceil_div(t.taps, t.mt)
    x.plane = False
    if plan_source(x, READS * row_work):
        return 1
    plan_jobs(g, row_work)
    plan_positions(g)
    t.offsets = <Py_ssize_t *>malloc(t.taps * sizeof(Py_ssize_t))
    g.jobs.sums = <real *>malloc(times(times(g.jobs.count, g.jobs.size), sizeof(real)))
    if t.offsets == NULL or g.jobs.sums == NULL:
        return 1
    place_sum_taps(g)
    return 0


cdef void plan_jobs(Sums *g, double row_work) noexcept nogil:
    """One block of an image per job, or some images that are one block each."""
    cdef Source *x = &g.source
    cdef SumJobs *jobs = &g.jobs
    cdef Py_ssize_t parts, N = x.x.N
    jobs.images, jobs.size = 1, plus(g.tiles.K * g.tiles.taps, 2 * VL)
    if x.blocks.count == 1:
        jobs.images = max(<Py_ssize_t>1, <Py_ssize_t>(SUM_JOB / (row_work * x.h.positions + 1)))
    parts = ceil_div(N, jobs.images)
    if parts > 1:
        parts = min(N, round_up(parts, EVEN))
    jobs.images = ceil_div(N, parts)
    jobs.count = ceil_div(N, jobs.images) * x.blocks.count * x.groups
    jobs.chunk = max(<Py_ssize_t>1, MOST_STEPS // (ceil_div(x.blocks.rows, PIECES) * ceil_div(x.w.positions, PL)))
    jobs.chunk = ceil_div(jobs.images, ceil_div(jobs.images, jobs.chunk))


cdef void plan_positions(Sums *g) noexcept nogil:
    """Where a job reads x, and how it reads dy."""
    cdef Source *x = &g.source
    cdef Positions *p = &g.block
    p.images, p.rows, p.GW = g.jobs.chunk, x.blocks.rows, x.w.positions
    p.x_image = x.at.size if x.at.copied else x.x.n_step
    p.x_row = x.h.move * x.at.h_step
    make_masks(p)
    g.vectors = p.GW >= PL and g.dy.w_step == 1


cdef void place_sum_taps(Sums *g) noexcept nogil:
    """The offset of each tap (c, r, s) in a block of x."""
    cdef Source *x = &g.source
    cdef Py_ssize_t c, r, s, t = 0
    for c in range(x.C):
        for r in range(x.h.taps.count):
            for s in range(x.w.taps.count):
                g.tiles.offsets[t] = (x.at.first + c * x.at.c_step + r * x.h.taps.source_step * x.at.h_step +
                                      x.at.columns[s])
                t += 1


cdef int run_sums(Sums *g) noexcept nogil:
    """All jobs; 1 if memory ran out. A thread's memory: copies of x, packed steps of dy, sums in vectors."""
    cdef int thread
    cdef Ranges ranges
    cdef Source *x = &g.source
    cdef Tiles *t = &g.tiles
    cdef double work = row_products(x, t.K) * PLANAR_PRODUCT_NS * x.h.positions * x.x.N * x.groups
    cdef Py_ssize_t copies = round_up(times(g.jobs.chunk, x.at.size), VL), job
    cdef Py_ssize_t packed = t.tiles_k * t.mk * MOST_STEPS * VL
    cdef Py_ssize_t size = plus(copies, packed + (t.tiles_k * t.tiles_t * t.mk * t.mt + PL) * VL)
    cdef int threads = threads_for(work), failed = 0
    cdef real *memory
    if threads == 1:
        memory = <real *>on_a_line(times(size, sizeof(real)))
        if memory == NULL:
            return 1
        memset(memory, 0, copies * sizeof(real))
        for job in range(g.jobs.count):
            sum_job(g, job, memory, memory + copies, memory + copies + packed)
        free(memory)
        return 0
    share_out(&ranges, g.jobs.count, threads)
    with parallel(num_threads=threads):
        memory = <real *>on_a_line(times(size, sizeof(real)))
        if memory != NULL:
            memset(memory, 0, copies * sizeof(real))
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= sum_job(g, job, memory, memory + copies, memory + copies + packed)
                job = next_job(&ranges, thread)
        free(memory)
    return failed


cdef int sum_job(const Sums *g, Py_ssize_t job, real *copy, real *packed_dy, real *sums) noexcept nogil:
    """Job (part * groups + group) * blocks + block: all filters and taps of a group, over the images of a part."""
    cdef const Source *x = &g.source
    cdef Positions p = g.block
    cdef Steps steps
    cdef Py_ssize_t block = job % x.blocks.count, group = job // x.blocks.count % x.groups, n
    cdef Py_ssize_t first = job // x.blocks.count // x.groups * g.jobs.images, row = block * x.blocks.rows
    cdef Py_ssize_t end = min(first + g.jobs.images, x.x.N)
    cdef const real *source
    cdef bint fresh = True
    if copy == NULL:
        return 1
    p.rows = min(x.blocks.rows, x.h.positions - row)
    steps.dy = packed_dy
    while first < end:
        p.images = min(g.jobs.chunk, end - first)
        source = block_of(x, first, group, block, copy)
        for n in range(1, p.images):
            block_of(x, first + n, group, block, copy + n * x.at.size)
        sum_positions(g, &p, &steps, source, dy_of(g, first, group, row), sums, fresh)
        fresh = False
        first += p.images
    add_lanes(&g.tiles, sums, g.jobs.sums + job * g.jobs.size)
    return 0


cdef inline const real *dy_of(const Sums *g, Py_ssize_t n, Py_ssize_t group, Py_ssize_t row) noexcept nogil:
    """A row of dy, of the first filter of a group."""
    return g.dy.data + n * g.dy.n_step + group * g.tiles.K * g.dy.c_step + row * g.dy.h_step


cdef void sum_positions(const Sums *g, const Positions *p, Steps *steps, const real *x, const real *dy, real *sums,
                        bint fresh) noexcept nogil:
    """sums[tile][filter][tap] of one group, each a vector."""
    cdef Py_ssize_t n, i, v, vectors = ceil_div(p.GW, PL)
    steps.whole, steps.masked = 0, MOST_STEPS
    for n in range(p.images):
        i = 0
        while i < p.rows:
            for v in range(vectors):
                if steps.whole == steps.masked:
                    sum_tiles(g, steps, sums, fresh)
                    fresh = False
                    steps.whole, steps.masked = 0, MOST_STEPS
                place_step(g, p, steps, x + n * p.x_image, dy + n * g.dy.n_step, i, v)
            i += PIECES
    sum_tiles(g, steps, sums, fresh)


cdef inline void place_step(const Sums *g, const Positions *p, Steps *steps, const real *x, const real *dy,
                            Py_ssize_t row, Py_ssize_t v) noexcept nogil:
    """One more step: vector v of the rows from `row` on, of all filters."""
    cdef bint ends = (v + 1) * PL > p.GW, alone = row + PIECES > p.rows
    cdef Py_ssize_t column = max(<Py_ssize_t>0, p.GW - PL) if ends else v * PL, second = row if alone else row + PIECES - 1
    cdef Py_ssize_t at = steps.whole
    cdef Step *s
    if ends or alone:
        steps.masked -= 1
        at = steps.masked
    else:
        steps.whole += 1
    s = &steps.step[at]
    s.x[PIECES - 1] = x + second * p.x_row + column
    s.x[0] = x + row * p.x_row + column
    s.mask = p.masks[ends + 2 * alone]
    pack_step(g, s.mask, dy + row * g.dy.h_step + column * g.dy.w_step, (second - row) * g.dy.h_step, ends or alone,
              steps.dy + at * g.tiles.mk * VL)


cdef inline void pack_step(const Sums *g, const real *mask, const real *first, Py_ssize_t second, bint masked,
                           real *copy) noexcept nogil:
    """copy[tile of filters][filter] of one step, a vector each: its pieces begin at `first` and `second` behind it."""
    cdef Py_ssize_t a, i, mk = g.tiles.mk, K = g.tiles.K, k_step = g.dy.c_step, tile = (MOST_STEPS - 1) * mk * VL
    cdef bint vectors = g.vectors
    cdef const real *dy[MOST_PIECES]
    cdef vf v
    for a in range(g.tiles.tiles_k):
        dy[0] = first + min(a * mk, K - mk) * k_step
        for i in range(mk):
            dy[PIECES - 1] = dy[0] + (second if PIECES > 1 else 0)
            if vectors:
                v = pload_pieces(dy, 0)
                vstore(copy, pmask(v, vload(mask)) if masked else v)
            else:
                gather(g, mask, dy[0], second, copy)
            dy[0] += k_step
            copy += VL
        copy += tile


cdef void gather(const Sums *g, const real *mask, const real *dy, Py_ssize_t second, real *copy) noexcept nogil:
    """The lanes of a vector one by one: rows that are shorter than a piece, or have gaps."""
    cdef Py_ssize_t lane
    for lane in range(VL):
        copy[lane] = 0
        if (<const int *>mask)[lane * (sizeof(real) // sizeof(int))]:
            copy[lane] = dy[lane % PL * g.dy.w_step + lane // PL * second]


cdef void sum_tiles(const Sums *g, const Steps *steps, real *sums, bint fresh) noexcept nogil:
    """Some steps of all tiles."""
    cdef const Tiles *tiles = &g.tiles
    cdef Py_ssize_t a, b, t
    for a in range(tiles.tiles_k):
        for b in range(tiles.tiles_t):
            t = min(b * tiles.mt, tiles.taps - tiles.mt)
            sum_tile(steps, tiles.offsets + t, steps.dy + a * MOST_STEPS * tiles.mk * VL, sums, fresh, tiles.mk, tiles.mt)
            sums += tiles.mk * tiles.mt * VL


cdef void add_lanes(const Tiles *tiles, real *sums, real *total) noexcept nogil:
    """total[filter][tap] = the lanes of its vector, in fixed order; both end with vectors to spare.

    Values are copied in whole vectors: what is written beyond a tile is overwritten by the next one, or by the next row."""
    cdef Py_ssize_t a, b, k, i, j, count = tiles.tiles_k * tiles.tiles_t * tiles.mk * tiles.mt
    cdef const real *source
    cdef real *to
    for a in range(ceil_div(count, PL)):
        vsums(sums + a * PL * VL, sums + a * PL)
    for a in range(tiles.tiles_k):
        k = min(a * tiles.mk, tiles.K - tiles.mk)
        for i in range(tiles.mk):
            for b in range(tiles.tiles_t):
                source = sums + ((a * tiles.tiles_t + b) * tiles.mk + i) * tiles.mt
                to = total + (k + i) * tiles.taps + min(b * tiles.mt, tiles.taps - tiles.mt)
                j = 0
                while j < tiles.mt:
                    vstore(to + j, vload(source + j))
                    j += VL


cdef void add_jobs(Sums *g, View *dw) noexcept nogil:
    """dw[k,c,r,s] = the sums of all jobs of its group, in order: by parts, then by blocks."""
    cdef Py_ssize_t blocks = g.source.blocks.count, groups = g.source.groups, size = g.tiles.K * g.tiles.taps
    cdef Py_ssize_t group, part, job, t, parts = g.jobs.count // groups
    cdef real *total
    for group in range(groups):
        total = g.jobs.sums + group * blocks * g.jobs.size
        for part in range(1, parts):
            job = (part // blocks * groups + group) * blocks + part % blocks
            for t in range(size):
                total[t] = total[t] + g.jobs.sums[job * g.jobs.size + t]
        store_group(dw, group * g.tiles.K, g.tiles.K, total)


cdef void store_group(View *dw, Py_ssize_t first, Py_ssize_t K, const real *total) noexcept nogil:
    """dw[first + k,c,r,s] = total[k][c][r][s]."""
    cdef Py_ssize_t k, c, r, s, t = 0
    if dw.w_step == 1 and dw.h_step == dw.W and dw.c_step == dw.H * dw.W and dw.n_step == dw.C * dw.c_step:
        memcpy(dw.data + first * dw.n_step, total, K * dw.n_step * sizeof(real))
        return
    for k in range(first, first + K):
        for c in range(dw.C):
            for r in range(dw.H):
                for s in range(dw.W):
                    dw.data[k * dw.n_step + c * dw.c_step + r * dw.h_step + s * dw.w_step] = total[t]
                    t += 1
