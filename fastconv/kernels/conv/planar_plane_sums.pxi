# The weight gradient of one filter per channel: a job sums one channel over some images, nine or five taps at a time, so that
# a vector of dy meets all of them. Sums of a block are added to those of the job, and the jobs' sums in their order.

cdef enum:
    PLANE_IMAGES = 8    # of a job
    SMALL_CHANNELS = 16  # of a job, which reads each image in one run
    PLANES = 16         # channels from which on a channel is a job
    MOST_TAPS = 9       # that are summed together: of 3 x 3 kernels; 5 of 5 x 5

cdef struct PlaneSums:
    const Source *source
    const View *dy
    const Small *small          # planes whose rows fit into a vector, or NULL
    Py_ssize_t taps, parts      # taps of a filter, jobs of a channel
    Py_ssize_t channels         # of a job
    int some                    # taps that are summed together
    Py_ssize_t *offsets         # of each tap in a block of x
    real *sums                  # [part][channel][tap]

ctypedef void (*some_taps)(const PlaneSums *p, const real *x, const real *dy, Py_ssize_t rows,
                           const Py_ssize_t *offsets, real *total, const int taps) noexcept nogil

cdef extern from *:
    void nine_or_five_taps "DISPATCH_AMONG2" (some_taps f, int taps, int nine, int five, const PlaneSums *p, const real *x,
                                              const real *dy, Py_ssize_t rows, const Py_ssize_t *offsets,
                                              real *total) noexcept nogil


cdef int taps_together(const Source *x) noexcept nogil:
    """9 or 5, whichever divides the taps of a filter; else 0."""
    cdef Py_ssize_t taps = x.h.taps.count * x.w.taps.count
    return 0 if taps == 0 else 9 if taps % 9 == 0 else 5 if taps % 5 == 0 else 0


cdef bint plane_sums_pay(const Source *x, const View *dy, Py_ssize_t K) noexcept nogil:
    """Whether there are enough channels, of one filter each, and a kernel whose taps fill the registers.

    Five taps fill them badly: they pay where columns are copied anyway, since positions move by two of them or more, and
    on small planes."""
    cdef int taps = taps_together(x)
    if not one_by_one(x, K) or x.groups < PLANES:
        return False
    return taps == MOST_TAPS or (taps > 0 and x.w.move > 1) or small_fits(x, dy)


cdef int run_plane_sums(Source *x, const View *dy, View *dw) noexcept nogil:
    """All of it: plan, sum, add; 1 if memory ran out."""
    cdef PlaneSums p
    cdef Small small
    cdef int failed = 0
    x.plane = True
    p.small = &small if small_fits(x, dy) else NULL
    p.source, p.dy, p.some = x, dy, taps_together(x)
    p.taps, p.parts = x.h.taps.count * x.w.taps.count, ceil_div(x.x.N, PLANE_IMAGES)
    p.channels = 1 if p.small == NULL else SMALL_CHANNELS
    x.at.size, x.at.columns = 0, NULL
    if p.small != NULL:
        plan_small(&small, x)
    else:
        failed = plan_source(x, READS * row_products(x, 1) * PLANAR_PRODUCT_NS)
    p.offsets = <Py_ssize_t *>malloc(p.taps * sizeof(Py_ssize_t))
    p.sums = <real *>malloc(times(times(p.parts * x.groups, p.taps), sizeof(real)))
    failed |= p.offsets == NULL or p.sums == NULL
    if not failed:
        if p.small == NULL:
            place_plane_taps(x, p.offsets)
        failed = sum_planes(&p)
    if not failed:
        add_parts(&p, dw)
    free(x.at.columns)
    free(p.offsets)
    free(p.sums)
    return failed


cdef void place_plane_taps(const Source *x, Py_ssize_t *offsets) noexcept nogil:
    """The offset of tap (r, s) in a block of x."""
    cdef Py_ssize_t r, s
    for r in range(x.h.taps.count):
        for s in range(x.w.taps.count):
            offsets[r * x.w.taps.count + s] = x.at.first + r * x.h.taps.source_step * x.at.h_step + x.at.columns[s]


cdef int sum_planes(const PlaneSums *p) noexcept nogil:
    """The sums of all jobs; 1 if memory ran out."""
    cdef int thread
    cdef Ranges ranges
    cdef const Source *x = p.source
    cdef Py_ssize_t job, jobs = p.parts * ceil_div(x.groups, p.channels)
    cdef int threads = threads_for(plane_taps(x) * PLANE_WEIGHT_TAP_NS), failed = 0
    cdef real *memory
    share_out(&ranges, jobs, threads)
    with parallel(num_threads=threads):
        memory = <real *>calloc(plus(x.at.size, p.channels * p.taps * VL), sizeof(real))
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= sum_channels(p, job, memory)
                job = next_job(&ranges, thread)
        free(memory)
    return failed


cdef int sum_channels(const PlaneSums *p, Py_ssize_t job, real *memory) noexcept nogil:
    """Some channels, each tap summed over the images of a part; 1 without memory."""
    cdef const Source *x = p.source
    cdef Py_ssize_t blocks = ceil_div(x.groups, p.channels), part = job // blocks, first = job % blocks * p.channels
    cdef Py_ssize_t end = min(first + p.channels, x.groups), images = part * PLANE_IMAGES, n, c
    cdef real *totals = memory + x.at.size
    if memory == NULL:
        return 1
    memset(totals, 0, p.channels * p.taps * VL * sizeof(real))
    for n in range(images, min(images + PLANE_IMAGES, x.x.N)):
        for c in range(first, end):
            sum_plane(p, n, c, memory, totals + (c - first) * p.taps * VL)
    for c in range(first, end):
        sums_of_lanes(totals + (c - first) * p.taps * VL, p.taps, p.sums + (part * x.groups + c) * p.taps)
    return 0


cdef void sum_plane(const PlaneSums *p, Py_ssize_t n, Py_ssize_t channel, real *copy, real *total) noexcept nogil:
    """total[tap] += the sums of one plane, each a vector; block by block where it is not small."""
    cdef const Source *x = p.source
    cdef Py_ssize_t block, t, row
    cdef const real *dy = p.dy.data + n * p.dy.n_step + channel * p.dy.c_step
    cdef const real *rows
    if p.small != NULL:
        sum_small_plane(p, x.x.data + n * x.x.n_step + channel * x.x.c_step, dy, total)
        return
    for block in range(x.blocks.count):
        row = block * x.blocks.rows
        rows = block_of(x, n, channel, block, copy)
        t = 0
        while t < p.taps:
            nine_or_five_taps(block_sums, p.some, 9, 5, p, rows, dy + row * p.dy.h_step,
                              min(x.blocks.rows, x.h.positions - row), p.offsets + t, total + t * VL)
            t += p.some


cdef inline void block_sums(const PlaneSums *p, const real *x, const real *dy, Py_ssize_t rows,
                            const Py_ssize_t *offsets, real *total, const int taps) noexcept nogil:
    """total[t] += the sum over some rows and all columns of dy times x under tap t, each a vector."""
    cdef vf acc[MOST_TAPS]
    cdef vf d
    cdef Py_ssize_t i, j, GW = p.source.w.positions, x_row = p.source.h.move * p.source.at.h_step, columns = p.dy.w_step
    cdef lane_mask rest = lanes(GW % VL)
    cdef int t
    for t in range(taps):
        acc[t] = vzero
    for i in range(rows):
        j = 0
        while j <= GW - VL:
            d = vload(dy + j) if columns == 1 else gathered(dy + j * columns, columns, VL)
            for t in range(taps):
                acc[t] = acc[t] + vload(x + offsets[t] + j) * d
            j += VL
        if j < GW:
            d = load_lanes(dy + j, rest) if columns == 1 else gathered(dy + j * columns, columns, GW - j)
            for t in range(taps):
                acc[t] = acc[t] + keep_lanes(vload(x + offsets[t] + j), rest) * d
        x += x_row
        dy += p.dy.h_step
    for t in range(taps):
        vstore(total + t * VL, vload(total + t * VL) + acc[t])


cdef vf gathered(const real *dy, Py_ssize_t step, Py_ssize_t n) noexcept nogil:
    """dy[0], dy[step], ... in the first n lanes, zeros in the others."""
    cdef real v[VL]
    cdef Py_ssize_t i
    for i in range(VL):
        v[i] = dy[i * step] if i < n else 0
    return vload(v)


cdef void sums_of_lanes(const real *v, Py_ssize_t taps, real *out) noexcept nogil:
    """out[t] = the sum of the lanes of vector t: halves, then quarters, ..., always in this order."""
    cdef real some[PL * PL]
    cdef real sums[PL]
    cdef Py_ssize_t t, first = 0, count
    cdef int part
    cdef vp a
    while first < taps:
        count = min(taps - first, <Py_ssize_t>PL)
        for t in range(PL):
            a = pzero
            for part in range(VL // PL if t < count else 0):
                a = a + pload(v + (first + t) * VL + part * PL)
            pstore(some + t * PL, a)
        psums(some, sums)
        for t in range(count):
            out[first + t] = sums[t]
        first += PL


cdef void add_parts(const PlaneSums *p, View *dw) noexcept nogil:
    """dw[channel, 0, r, s] = the sums of its parts, in their order."""
    cdef Py_ssize_t k, part, t, groups = p.source.groups, taps = p.taps
    for k in range(groups):
        for part in range(1, p.parts):
            for t in range(taps):
                p.sums[k * taps + t] = p.sums[k * taps + t] + p.sums[(part * groups + k) * taps + t]
        store_group(dw, k, 1, p.sums + k * taps)
