# Layer norm, backward: dx = g r + (x - center) slope + offset of each row, g = w dy; dw = sum dy z and db = sum dy over
# the rows.

cdef enum:
    ROWS = 4          # rows side by side
    TOGETHER = 64     # rows summed in vectors before they join sums in double
    WIDE = 16384      # values of a row from which the columns are shared out, not the rows
    COLUMNS = 4096    # of a job then

cdef struct Backward:
    const real *dy
    const real *x
    const real *w      # NULL: 1
    real *dx           # NULL: not wanted
    Py_ssize_t dys, xs, dxs  # from row to row, in values
    Py_ssize_t R, K
    const real *mean
    const real *invstd
    Coefficients *numbers  # of every row; scale is r
    bint stream

cdef struct Jobs:
    bint wide            # a job is COLUMNS columns of all rows, else `together` whole rows
    Py_ssize_t count
    Py_ssize_t together
    Py_ssize_t width     # columns of a job
    Py_ssize_t padded    # the same in whole vectors
    real *sums           # of every job: of dy, then of dy z, `padded` each
    double *parts        # of every job: the same, `width` each

cdef struct Tile:        # rows first to stop, columns start to end
    Py_ssize_t first, stop, start, end

cdef struct ProductsRun:  # `count` values of a row
    const real *dy
    const real *x
    const real *w
    Py_ssize_t count

cdef struct FewRows:  # rows side by side: their memory, and the numbers of each in a vector
    const real *dy
    const real *x
    const real *w
    real *dx
    Py_ssize_t dys, xs, dxs
    vf center[ROWS]
    vf scale[ROWS]
    vf slope[ROWS]
    vf offset[ROWS]

ctypedef void (*rows_stream)(const Backward *f, const Tile *t, real *sums, real *products, const int rows,
                             const bint stream) noexcept nogil

cdef extern from *:
    void rows_by_stream "DISPATCH_AMONG2" (rows_stream f, bint stream, bint yes, bint no, const Backward *b,
                                           const Tile *t, real *sums, real *products, int rows) noexcept nogil


cdef int run_jobs(const Backward *f, const Jobs *j, int threads) except -1:
    """dx, and dw and db in the parts of the jobs."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t i
    if j.wide:
        share_out(&ranges, f.R, threads)
        for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
            i = next_job(&ranges, thread)
            while i >= 0:
                row_numbers(f, i)
                i = next_job(&ranges, thread)
    share_out(&ranges, j.count, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        i = next_job(&ranges, thread)
        while i >= 0:
            run_job(f, j, i)
            i = next_job(&ranges, thread)
    return 0


cdef void run_job(const Backward *f, const Jobs *j, Py_ssize_t job) noexcept nogil:
    """A tile, in few rows at a time; every TOGETHER rows, sums in vectors join those in double."""
    cdef Tile t, few
    cdef real *sums = j.sums + 2 * job * j.padded
    cdef double *part = j.parts + 2 * job * j.width
    cdef Py_ssize_t i
    if j.wide:
        t = Tile(0, f.R, job * COLUMNS, min((job + 1) * COLUMNS, f.K))
    else:
        t = Tile(job * j.together, min((job + 1) * j.together, f.R), 0, f.K)
    few = t
    while few.first < t.stop:
        few.stop = few.first + (ROWS if t.stop - few.first >= ROWS else 1)
        if not j.wide:
            for i in range(few.first, few.stop):
                row_numbers(f, i)
        if few.stop - few.first == ROWS:
            rows_by_stream(few_rows, f.stream, True, False, f, &few, sums, sums + j.padded, ROWS)
        else:
            few_rows(f, &few, sums, sums + j.padded, 1, False)
        if (few.stop - t.first) % TOGETHER < few.stop - few.first or few.stop == t.stop:
            flush(sums, part, t.end - t.start)
            flush(sums + j.padded, part + j.width, t.end - t.start)
        few.first = few.stop
    if f.stream:
        vfence()


cdef inline void flush(real *sums, double *part, Py_ssize_t count) noexcept nogil:
    """part += sums, sums = 0"""
    cdef Py_ssize_t k
    for k in range(count):
        part[k] += sums[k]
        sums[k] = 0


cdef void join_parts(const Jobs *j, real[:] dw, real[:] db) noexcept nogil:
    """dw and db: over the jobs, in their order; wide: each job has columns of its own."""
    cdef Py_ssize_t job, k, at, width = j.width
    for job in range(1, 1 if j.wide else j.count):
        for k in range(2 * width):
            j.parts[k] += j.parts[2 * job * width + k]
    for k in range(dw.shape[0]):
        at = k // width * 2 * width + k % width
        db[k], dw[k] = <real>j.parts[at], <real>j.parts[at + width]


cdef void row_numbers(const Backward *f, Py_ssize_t row) noexcept nogil:
    """slope = -r^3 mean(g (x - center)) and offset = -r mean(g) of a row, where dx is wanted."""
    cdef Coefficients *n = f.numbers + row
    cdef double sums[2]
    cdef double r = f.invstd[row]
    cdef Py_ssize_t start = 0
    cdef ProductsRun run
    n.center, n.scale = f.mean[row], f.invstd[row]
    if f.dx == NULL:
        return
    sums[0], sums[1] = 0, 0
    while start < f.K:
        run = ProductsRun(f.dy + row * f.dys + start, f.x + row * f.xs + start, at(f.w, start),
                          min(<Py_ssize_t>RUN, f.K - start))
        run_products(&run, n.center, sums)
        start += RUN
    n.slope = slope_of(r, sums[1], <double>f.K)
    n.offset = offset_of(r, sums[0], <double>f.K)


cdef void run_products(const ProductsRun *run, real center, double *sums) noexcept nogil:
    """sums += (sum g, sum g (x - center)), in two sums side by side: an addition need not wait for the one before."""
    cdef ProductsRun r = run[0]
    cdef vf s0 = vzero, s1 = vzero, q0 = vzero, q1 = vzero, c = vsplat(center)
    cdef Py_ssize_t i, vectors = r.count // VL, rest = r.count % VL
    for i in range(vectors // 2):
        add_products(&r, 2 * i * VL, VL, c, &s0, &q0)
        add_products(&r, (2 * i + 1) * VL, VL, c, &s1, &q1)
    if vectors % 2:
        add_products(&r, (vectors - 1) * VL, VL, c, &s0, &q0)
    if rest:
        add_products(&r, vectors * VL, rest, c, &s1, &q1)
    sums[0] += vsum(s0 + s1)
    sums[1] += vsum(q0 + q1)


cdef inline void add_products(const ProductsRun *r, Py_ssize_t i, Py_ssize_t n, vf center, vf *sums,
                              vf *products) noexcept nogil:
    """sums += g, products += g (x - center) of n <= VL values from i on, g = w dy; both are 0 in the lanes beyond."""
    cdef vf g = vread(r.dy + i, n)
    if r.w != NULL:
        g = g * vread(r.w + i, n)
    sums[0] = sums[0] + g
    products[0] = vfma(g, vread_over(r.x + i, n, center) - center, products[0])


cdef inline void few_rows(const Backward *f, const Tile *t, real *sums, real *products, const int rows,
                          const bint stream) noexcept nogil:
    """dx of some columns of a few rows, which join the sums of dy and of dy z."""
    cdef FewRows r
    cdef Py_ssize_t i, vectors = (t.end - t.start) // VL, rest = (t.end - t.start) % VL
    cdef const Coefficients *n = f.numbers + t.first
    cdef int j
    r.dy, r.x = f.dy + t.first * f.dys + t.start, f.x + t.first * f.xs + t.start
    r.w = at(f.w, t.start)
    r.dx = f.dx + t.first * f.dxs + t.start if f.dx != NULL else NULL
    r.dys, r.xs, r.dxs = f.dys, f.xs, f.dxs
    for j in range(rows):
        r.center[j], r.scale[j] = vsplat(n[j].center), vsplat(n[j].scale)
        r.slope[j], r.offset[j] = vsplat(n[j].slope), vsplat(n[j].offset)
    for i in range(vectors):
        rows_column(&r, i * VL, VL, sums + i * VL, products + i * VL, rows, stream)
    if rest:
        rows_column(&r, vectors * VL, rest, sums + vectors * VL, products + vectors * VL, rows, False)


cdef inline void rows_column(const FewRows *r, Py_ssize_t k, Py_ssize_t n, real *sums, real *products, const int rows,
                             const bint stream) noexcept nogil:
    """n <= VL columns from k on: db += dy, dw += dy z, dx = w dy r + (x - center) slope + offset, z = (x - center) r"""
    cdef vf w = vread(r.w + k, n) if r.w != NULL else vsplat(1)
    cdef vf s = vload(sums), q = vload(products), dy, x, dx
    cdef int j
    for j in range(rows):
        dy, x = vread(r.dy + j * r.dys + k, n), vread_over(r.x + j * r.xs + k, n, r.center[j])
        s = s + dy
        q = vfma(dy, (x - r.center[j]) * r.scale[j], q)
        if r.dx == NULL:
            continue
        dx = sloped(dy * w, x, r.center[j], r.scale[j], r.slope[j], r.offset[j])
        if stream:
            vstream(r.dx + j * r.dxs + k, dx)
        else:
            vwrite(r.dx + j * r.dxs + k, n, dx)
    vstore(sums, s)
    vstore(products, q)
