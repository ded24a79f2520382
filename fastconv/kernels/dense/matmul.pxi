# y = a b for each pair of matrices (M, K), (K, N) of the last two axes. A job is a panel of columns of some rows of one
# pair. A sum adds its K terms one after the other, a block at a time: it depends on neither the jobs nor the other pairs.

cdef enum:
    MATMUL_ROWS = 96  # of a job, whole tiles

cdef struct Pairs:
    const real *a
    const real *b
    real *y
    Py_ssize_t a_step[4]  # strides in values
    Py_ssize_t b_step[4]
    Py_ssize_t y_step[4]
    Py_ssize_t heads, M, K, N


def matmul(const real[:, :, :, :] a, const real[:, :, :, :] b, real[:, :, :, :] y):
    """y = a b; a (., ., M, K) and b (., ., K, N) in any strides, y (., ., M, N) with unit stride along a row"""
    cdef int thread, axis
    cdef Ranges ranges
    cdef Pairs p
    cdef Py_ssize_t pairs = y.shape[0] * y.shape[1], jobs, job
    cdef Py_ssize_t size = (min(<Py_ssize_t>OUTER_BLOCK, b.shape[2]) + OUTER_ROWS) * PANEL_WIDTH
    cdef int threads
    cdef real *scratch
    p.a, p.b, p.y, p.heads = &a[0, 0, 0, 0], &b[0, 0, 0, 0], &y[0, 0, 0, 0], y.shape[1]
    p.M, p.K, p.N = y.shape[2], b.shape[2], y.shape[3]
    for axis in range(4):
        p.a_step[axis] = a.strides[axis] // REAL_BYTES
        p.b_step[axis] = b.strides[axis] // REAL_BYTES
        p.y_step[axis] = y.strides[axis] // REAL_BYTES
    threads = threads_for(<double>pairs * p.K * p.N * (p.M / (DENSE_PRODUCTS_PER_NS * VL) + DENSE_PACK_PANELS_NS))
    jobs = pairs * ceil_div(p.N, PANEL_WIDTH) * ceil_div(p.M, MATMUL_ROWS)
    scratch = <real *>malloc(threads * size * REAL_BYTES)
    if scratch == NULL:
        raise MemoryError("the operands of a product of matrices in order")
    share_out(&ranges, jobs, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            matmul_job(&p, job, scratch + threadid() * size)
            job = next_job(&ranges, thread)
    free(scratch)


cdef void matmul_job(const Pairs *p, Py_ssize_t job, real *scratch) noexcept nogil:
    """A panel of up to MATMUL_ROWS rows: each block of the panel copied to scratch, unless it can be read as it lies."""
    cdef Py_ssize_t panels = ceil_div(p.N, PANEL_WIDTH), parts = ceil_div(p.M, MATMUL_ROWS)
    cdef Py_ssize_t pair = job // (panels * parts), n = pair // p.heads, h = pair % p.heads
    cdef Py_ssize_t column = job // parts % panels * PANEL_WIDTH, first = job % parts * MATMUL_ROWS, row, rows, k = 0
    cdef Py_ssize_t columns = min(<Py_ssize_t>PANEL_WIDTH, p.N - column), stop = min(first + MATMUL_ROWS, p.M)
    cdef const real *a = p.a + n * p.a_step[0] + h * p.a_step[1]
    cdef const real *b = p.b + n * p.b_step[0] + h * p.b_step[1] + column * p.b_step[3]
    cdef real *y = p.y + n * p.y_step[0] + h * p.y_step[1] + column
    cdef bint in_place = p.b_step[3] == 1 and columns % VL == 0
    cdef Product q
    memset(&q, 0, sizeof(q))
    q.a_row, q.a_step, q.ahead = p.a_step[2], p.a_step[3], scratch
    q.w_step = p.b_step[2] if in_place else <Py_ssize_t>PANEL_WIDTH
    while k < p.K:
        q.steps = min(<Py_ssize_t>OUTER_BLOCK, p.K - k)
        q.w = b + k * p.b_step[2] if in_place else scratch
        if not in_place:
            pack_panel(b + k * p.b_step[2], p.b_step[2], p.b_step[3], q.steps, columns, scratch)
        row = first
        while row < stop:
            rows = ceil_div(stop - row, ceil_div(stop - row, OUTER_ROWS))
            q.a, q.add = a + row * p.a_step[2] + k * p.a_step[3], k > 0
            q.y, q.y_row = y + row * p.y_step[2], p.y_step[2]
            outer_part(&q, rows, columns, scratch + min(<Py_ssize_t>OUTER_BLOCK, p.K) * PANEL_WIDTH)
            row += rows
        k += OUTER_BLOCK


cdef void pack_panel(const real *b, Py_ssize_t down, Py_ssize_t along, Py_ssize_t rows, Py_ssize_t columns,
                     real *to) noexcept nogil:
    """One panel of b in any strides, with zeros at the end of the last vector."""
    cdef Py_ssize_t i, j, whole = round_up(columns, VL)
    if along == 1:
        pack_panels(b, down, rows, columns, to, 0)
        return
    for j in range(whole):
        for i in range(rows):
            to[i * PANEL_WIDTH + j] = b[i * down + j * along] if j < columns else 0
