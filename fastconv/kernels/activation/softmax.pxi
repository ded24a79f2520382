# Softmax and log-softmax along the last axis, and their gradients: row by row. K: the length of a row.

cdef enum:
    FEWEST_SHORT_ROWS = 4  # of less than a vector that take less time together than one after another

ctypedef void (*row_formula)(const real *a, const real *b, real *y, Py_ssize_t K) noexcept nogil


def softmax(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y[k] = exp(x[k] - m) / sum_j exp(x[j] - m), m = max_j x[j]"""
    each_row(softmax_row, x, None, y)


def softmax_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    """dx[k] = y[k] (dy[k] - sum_j dy[j] y[j])"""
    each_row(softmax_backward_row, dy, y, dx)


def log_softmax(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y[k] = x[k] - m - log sum_j exp(x[j] - m), m = max_j x[j]"""
    each_row(log_softmax_row, x, None, y)


def log_softmax_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    """dx[k] = dy[k] - exp(y[k]) sum_j dy[j]"""
    each_row(log_softmax_backward_row, dy, y, dx)


cdef void softmax_row(const real *x, const real *unused, real *y, Py_ssize_t K) noexcept nogil:
    """y = e / sum e, e[k] = exp(x[k] - m)"""
    cdef double total = row_exp(x, row_largest(x, K), y, K)
    cdef real factor = <real>(1 / total)
    cdef Py_ssize_t k
    for k in range(K):
        y[k] = y[k] * factor


cdef void log_softmax_row(const real *x, const real *unused, real *y, Py_ssize_t K) noexcept nogil:
    """y[k] = (x[k] - m) - shift, shift = log sum_j exp(x[j] - m)"""
    cdef real m = row_largest(x, K), shift = <real>log(row_exp(x, m, NULL, K))
    cdef Py_ssize_t k
    for k in range(K):
        y[k] = below(x[k], m) - shift


cdef void softmax_backward_row(const real *dy, const real *y, real *dx, Py_ssize_t K) noexcept nogil:
    """dx[k] = y[k] (dy[k] - s), s = sum_j dy[j] y[j]"""
    cdef real s = <real>row_dot(dy, y, K)
    cdef Py_ssize_t k
    for k in range(K):
        dx[k] = y[k] * (dy[k] - s)


cdef void log_softmax_backward_row(const real *dy, const real *y, real *dx, Py_ssize_t K) noexcept nogil:
    """dx[k] = dy[k] - exp(y[k]) s, s = sum_j dy[j]"""
    cdef real s = <real>sum_of(dy, K)
    cdef real pad[MAX_LANES]
    cdef Py_ssize_t k, full = K - K % VL
    cdef int i
    for k in range(K // VL):
        vstore(dx + k * VL, vload(dy + k * VL) - vexp(vload(y + k * VL)) * vsplat(s))
    if full < K:
        memset(pad, 0, sizeof(pad))
        memcpy(pad, y + full, (K - full) * REAL_BYTES)
        vstore(pad, vexp(vload(pad)))
        for k in range(full, K):
            dx[k] = dy[k] - pad[k - full] * s


cdef int each_row(row_formula run, const real[:, :, :, :] a, const real[:, :, :, :] b,
                  real[:, :, :, :] y) except -1:
    """y = run(a, b) for every row along the last axis; b may be None."""
    cdef int thread
    cdef Ranges ranges
    cdef Rows r
    cdef Py_ssize_t job, axis
    cdef int threads
    cdef real *scratch
    if y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3] == 0:
        return 0
    r.base[0], r.base[1], r.base[2] = <char *>&a[0, 0, 0, 0], NULL, <char *>&y[0, 0, 0, 0]
    if b is not None:
        r.base[1] = <char *>&b[0, 0, 0, 0]
    for axis in range(4):
        r.shape[axis], r.stride[0][axis], r.stride[2][axis] = y.shape[axis], a.strides[axis], y.strides[axis]
        r.stride[1][axis] = b.strides[axis] if b is not None else 0
    rows_plan(&r)
    threads = threads_for(SOFTMAX_NS * y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3])
    scratch = <real *>malloc(threads * r.scratch * REAL_BYTES + 1)
    if scratch == NULL:
        raise MemoryError(f"scratch of {threads * r.scratch} values")
    share_out(&ranges, r.jobs, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            row_job(&r, run, job, scratch + threadid() * r.scratch)
            job = next_job(&ranges, thread)
    free(scratch)
    return 0


cdef void short_rows(const real *x, Py_ssize_t x_step, real *y, Py_ssize_t y_step, Py_ssize_t count,
                     Py_ssize_t K) noexcept nogil:
    """softmax_row for `count` <= VL rows of K < VL values, a row in each lane: the same sums, so the same bits."""
    cdef real columns[MAX_LANES * MAX_LANES]
    cdef real factor[MAX_LANES]
    cdef double total[MAX_LANES]
    cdef Py_ssize_t j, k
    cdef vf m
    memset(columns, 0, K * VL * REAL_BYTES)
    square_part(x, x_step, columns, VL, K, count)
    m = vload(columns)
    for k in range(1, K):
        m = vlarger(vload(columns + k * VL), m)
    if lanes_largest(m) > REAL_MAX:
        for j in range(count):
            softmax_row(x + j * x_step, NULL, y + j * y_step, K)
        return
    for j in range(VL):
        total[j] = 0
    for k in range(K):
        vstore(columns + k * VL, vexp(vload(columns + k * VL) - m))
        for j in range(VL):
            total[j] += columns[k * VL + j]
    for j in range(VL):
        factor[j] = <real>(1 / total[j])
    for k in range(K):
        vstore(columns + k * VL, vload(columns + k * VL) * vload(factor))
    square_part(columns, VL, y, y_step, count, K)


cdef void row_job(const Rows *r, row_formula run, Py_ssize_t job, real *scratch) noexcept nogil:
    """The rows of one job, each where it lies or as a copy in scratch."""
    cdef real *row[3]
    cdef Py_ssize_t step[3]
    cdef Py_ssize_t j = 0, count = rows_open(r, job, scratch, row, step)
    while run == softmax_row and r.shape[3] < VL and count - j >= FEWEST_SHORT_ROWS:
        short_rows(row[0] + j * step[0], step[0], row[2] + j * step[2], step[2], min(<Py_ssize_t>VL, count - j),
                   r.shape[3])
        j += min(<Py_ssize_t>VL, count - j)
    for j in range(j, count):
        run(row[0] + j * step[0], row[1] + j * step[1], row[2] + j * step[2], r.shape[3])
    rows_close(r, job, row)
