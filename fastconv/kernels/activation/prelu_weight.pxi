# The weight gradient of PReLU: a sum over rows, as SUMS partial sums whatever the number of threads.

cdef enum:
    SUMS = 64  # partial sums of each weight, over as many groups of rows


def prelu_backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:] dw):
    """dw[k] = sum of dy[k] x[k] over the rows where x[k] <= 0; a single weight takes the sums of all k."""
    cdef int thread
    cdef Ranges ranges
    cdef Rows r
    cdef Py_ssize_t k, axis, group, K = x.shape[3], rows = x.shape[0] * x.shape[1] * x.shape[2]
    cdef int threads
    cdef real *scratch
    cdef double *partial
    cdef double total = 0
    dw[:] = 0
    if rows == 0 or K == 0:
        return
    r.base[0], r.base[1], r.base[2] = <char *>&dy[0, 0, 0, 0], <char *>&x[0, 0, 0, 0], NULL
    for axis in range(4):
        r.shape[axis], r.stride[0][axis], r.stride[1][axis] = x.shape[axis], dy.strides[axis], x.strides[axis]
        r.stride[2][axis] = 0
    rows_plan(&r)
    threads = threads_for(PRELU_WEIGHT_NS * rows * K)
    partial = <double *>calloc(SUMS * K, sizeof(double))
    scratch = <real *>malloc(threads * r.scratch * REAL_BYTES + 1)
    if partial == NULL or scratch == NULL:
        free(partial)
        free(scratch)
        raise MemoryError(f"scratch of {threads * r.scratch} values")
    share_out(&ranges, SUMS, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        group = next_job(&ranges, thread)
        while group >= 0:
            prelu_group(&r, group, partial + group * K, scratch + threadid() * r.scratch)
            group = next_job(&ranges, thread)
    for k in range(K):
        if dw.shape[0] > 1:
            total = 0
        for group in range(SUMS):
            total += partial[group * K + k]
        dw[k if dw.shape[0] > 1 else 0] = <real>total
    free(partial)
    free(scratch)


cdef void prelu_group(const Rows *r, Py_ssize_t group, double *sums, real *scratch) noexcept nogil:
    """sums[k] += dy[k] x[k] where x[k] <= 0, over the rows of a group of jobs."""
    cdef real *row[3]
    cdef Py_ssize_t step[3]
    cdef Py_ssize_t job, j
    for job in range(r.jobs * group // SUMS, r.jobs * (group + 1) // SUMS):
        for j in range(rows_open(r, job, scratch, row, step)):
            prelu_row(row[0] + j * step[0], row[1] + j * step[1], sums, r.shape[3])


cdef void prelu_row(const real *dy, const real *x, double *sums, Py_ssize_t K) noexcept nogil:
    """sums[k] += dy[k] x[k] where x[k] <= 0, in double."""
    cdef Py_ssize_t k
    for k in range(K):
        sums[k] += 0 if x[k] > 0 else <double>dy[k] * x[k]
