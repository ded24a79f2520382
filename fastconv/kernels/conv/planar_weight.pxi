# The weight gradient: a job sums some images, or one block of rows of one image, for one group; then the jobs' sums are
# added in their order. How images are cut into jobs depends on the shapes only, never on the number of threads.

cdef enum:
    SUM_JOB = 2 * JOB   # ns of work in a job of whole images, about: its sums are stored, and added afterwards
    READS = 2           # a row counts twice in the choice of blocks: x and dy are both read
    EVEN = 4            # several jobs come in multiples of this many, so that 2 or 4 threads end together
    CACHE = 6144        # reals of x and dy that all tiles read: 24 KB of float32, most of the first cache

cdef struct Tiles:              # filters x taps in tiles; along both axes the last overlaps the one before it
    Py_ssize_t K, taps          # filters of one group; taps C * kh * kw of a filter
    int mk, mt                  # filters and taps in a tile
    Py_ssize_t tiles_k, tiles_t
    Py_ssize_t *offsets         # of each tap in a block of x

cdef struct SumJobs:
    Py_ssize_t count
    Py_ssize_t images           # in a job; 1 where an image has several blocks
    Py_ssize_t chunk            # images that stay in the first cache
    real *sums                  # [job][filter][tap]

cdef struct Sums:
    Source source
    View dy
    bint copied_dy              # rows of dy are shorter than a vector, or have gaps
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
    g.jobs.sums = <real *>malloc(times(times(g.jobs.count, t.K * t.taps), sizeof(real)))
    if t.offsets == NULL or g.jobs.sums == NULL:
        return 1
    place_sum_taps(g)
    return 0


cdef void plan_jobs(Sums *g, double row_work) noexcept nogil:
    """One block of an image per job, or some images that are one block each."""
    cdef Source *x = &g.source
    cdef SumJobs *jobs = &g.jobs
    cdef Py_ssize_t parts, N = x.x.N
    jobs.images = 1
    if x.blocks.count == 1:
        jobs.images = max(<Py_ssize_t>1, <Py_ssize_t>(SUM_JOB / (row_work * x.h.positions + 1)))
    parts = ceil_div(N, jobs.images)
    if parts > 1:
        parts = min(N, round_up(parts, EVEN))
    jobs.images = ceil_div(N, parts)
    jobs.count = ceil_div(N, jobs.images) * x.blocks.count * x.groups
    jobs.chunk = max(<Py_ssize_t>1, CACHE // (g.tiles.mk * x.blocks.rows * x.w.positions + x.blocks.span * x.at.h_step))
    jobs.chunk = ceil_div(jobs.images, ceil_div(jobs.images, jobs.chunk))


cdef void plan_positions(Sums *g) noexcept nogil:
    """Where a job reads x and dy."""
    cdef Source *x = &g.source
    cdef Positions *p = &g.block
    p.images, p.rows, p.GW = g.jobs.chunk, x.blocks.rows, x.w.positions
    p.x_image = x.at.size if x.at.copied else x.x.n_step
    p.x_row = x.h.move * x.at.h_step
    p.dy_image, p.dy_filter, p.dy_row = g.dy.n_step, g.dy.c_step, g.dy.h_step
    g.copied_dy = p.GW < PL or g.dy.w_step != 1
    if g.copied_dy:
        p.dy_row = max(p.GW, <Py_ssize_t>PL)
        p.dy_filter = p.rows * p.dy_row
        p.dy_image = g.tiles.K * p.dy_filter


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
    """All jobs; 1 if memory ran out. A thread's memory: copies of x, copies of dy, sums in vectors."""
    cdef int thread
    cdef Ranges ranges
    cdef Source *x = &g.source
    cdef Tiles *t = &g.tiles
    cdef double work = row_products(x, t.K) * PLANAR_PRODUCT_NS * x.h.positions * x.x.N * x.groups
    cdef Py_ssize_t copies = times(g.jobs.chunk, x.at.size), job
    cdef Py_ssize_t copies_dy = g.jobs.chunk * g.block.dy_image if g.copied_dy else 0
    cdef Py_ssize_t size = plus(copies, copies_dy + (t.tiles_k * t.tiles_t * t.mk * t.mt + PL) * VL)
    cdef int threads = threads_for(work), failed = 0
    cdef real *memory
    if threads == 1:
        memory = <real *>malloc(times(size, sizeof(real)))
        if memory == NULL:
            return 1
        memset(memory, 0, (copies + copies_dy) * sizeof(real))
        for job in range(g.jobs.count):
            sum_job(g, job, memory, memory + copies, memory + copies + copies_dy)
        free(memory)
        return 0
    share_out(&ranges, g.jobs.count, threads)
    with parallel(num_threads=threads):
        memory = <real *>calloc(size, sizeof(real))
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= sum_job(g, job, memory, memory + copies, memory + copies + copies_dy)
                job = next_job(&ranges, thread)
        free(memory)
    return failed


cdef int sum_job(const Sums *g, Py_ssize_t job, real *copy, real *copy_dy, real *sums) noexcept nogil:
    """Job (part * groups + group) * blocks + block: all filters and taps of a group, over the images of a part."""
    cdef const Source *x = &g.source
    cdef Positions p = g.block
    cdef Py_ssize_t block = job % x.blocks.count, group = job // x.blocks.count % x.groups, n
    cdef Py_ssize_t first = job // x.blocks.count // x.groups * g.jobs.images, row = block * x.blocks.rows
    cdef Py_ssize_t end = min(first + g.jobs.images, x.x.N)
    cdef const real *source
    cdef const real *dy
    cdef bint fresh = True
    if copy == NULL:
        return 1
    p.rows = min(x.blocks.rows, x.h.positions - row)
    find_masked(&p)
    while first < end:
        p.images = min(g.jobs.chunk, end - first)
        source = block_of(x, first, group, block, copy)
        for n in range(1, p.images):
            block_of(x, first + n, group, block, copy + n * x.at.size)
        dy = g.dy.data + first * g.dy.n_step + group * g.tiles.K * g.dy.c_step + row * g.dy.h_step
        if g.copied_dy:
            copy_dy_rows(g, &p, dy, copy_dy)
            dy = copy_dy
        sum_tiles(g, &p, source, dy, sums, fresh)
        fresh = False
        first += p.images
    add_lanes(&g.tiles, sums, g.jobs.sums + job * g.tiles.K * g.tiles.taps)
    return 0


cdef void copy_dy_rows(const Sums *g, const Positions *p, const real *dy, real *copy) noexcept nogil:
    """The rows of dy side by side, each with whole vectors."""
    cdef Py_ssize_t n, k, i, j
    for n in range(p.images):
        for k in range(g.tiles.K):
            for i in range(p.rows):
                for j in range(p.GW):
                    copy[n * p.dy_image + k * p.dy_filter + i * p.dy_row + j] = (
                        dy[n * g.dy.n_step + k * g.dy.c_step + i * g.dy.h_step + j * g.dy.w_step])


cdef void sum_tiles(const Sums *g, const Positions *p, const real *x, const real *dy, real *sums,
                    bint fresh) noexcept nogil:
    """sums[tile][filter][tap] of one group, each a vector."""
    cdef const Tiles *tiles = &g.tiles
    cdef Py_ssize_t a, b, k, t
    for a in range(tiles.tiles_k):
        k = min(a * tiles.mk, tiles.K - tiles.mk)
        for b in range(tiles.tiles_t):
            t = min(b * tiles.mt, tiles.taps - tiles.mt)
            sum_tile(p, x, tiles.offsets + t, dy + k * p.dy_filter, sums, fresh, tiles.mk, tiles.mt)
            sums += tiles.mk * tiles.mt * VL


cdef void add_lanes(const Tiles *tiles, real *sums, real *total) noexcept nogil:
    """total[filter][tap] = the lanes of its vector, in fixed order; `sums` ends with PL vectors to spare."""
    cdef Py_ssize_t a, b, k, t, count = tiles.tiles_k * tiles.tiles_t * tiles.mk * tiles.mt
    cdef int i, j
    for a in range(ceil_div(count, PL)):
        vsums(sums + a * PL * VL, sums + a * PL)
    for a in range(tiles.tiles_k):
        k = min(a * tiles.mk, tiles.K - tiles.mk)
        for b in range(tiles.tiles_t):
            t = min(b * tiles.mt, tiles.taps - tiles.mt)
            for i in range(tiles.mk):
                for j in range(tiles.mt):
                    total[(k + i) * tiles.taps + t + j] = sums[j]
                sums += tiles.mt


cdef void add_jobs(Sums *g, View *dw) noexcept nogil:
    """dw[k,c,r,s] = the sums of all jobs of its group, in order: by parts, then by blocks."""
    cdef Py_ssize_t blocks = g.source.blocks.count, groups = g.source.groups, size = g.tiles.K * g.tiles.taps
    cdef Py_ssize_t group, part, job, t, parts = g.jobs.count // groups
    cdef real *total
    for group in range(groups):
        total = g.jobs.sums + group * blocks * size
        for part in range(1, parts):
            job = (part // blocks * groups + group) * blocks + part % blocks
            for t in range(size):
                total[t] = total[t] + g.jobs.sums[job * size + t]
        store_group(dw, group * g.tiles.K, g.tiles.K, total)


cdef void store_group(View *dw, Py_ssize_t first, Py_ssize_t K, const real *total) noexcept nogil:
    """dw[first + k,c,r,s] = total[k][c][r][s]."""
    cdef Py_ssize_t k, c, r, s, t = 0
    for k in range(first, first + K):
        for c in range(dw.C):
            for r in range(dw.H):
                for s in range(dw.W):
                    dw.data[k * dw.n_step + c * dw.c_step + r * dw.h_step + s * dw.w_step] = total[t]
                    t += 1
