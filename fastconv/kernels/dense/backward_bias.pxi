# db = sum_n dy[n]: sums of blocks of samples, added in their order.

cdef enum:
    BIASES_PER_JOB = 512


def backward_bias(const real[:, :] dy, real[:] db):
    """db = sum_n dy[n], one sample after the other in blocks"""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t N = dy.shape[0], O = dy.shape[1], job
    cdef int threads = threads_for(N * O * DENSE_BIAS_NS)
    cdef Matrix m
    if N == 0:
        db[:] = 0
        return
    open_matrix(&m, dy, True)
    share_out(&ranges, ceil_div(O, BIASES_PER_JOB), threads)
    for thread in prange(threads, num_threads=threads, nogil=True, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            sum_rows(&m, job * BIASES_PER_JOB, &db[0], db.strides[0] // REAL_BYTES)
            job = next_job(&ranges, thread)
    close_matrix(&m, False)


cdef void sum_rows(const Matrix *m, Py_ssize_t column, real *db, Py_ssize_t along) noexcept nogil:
    """db[o] = sum_n dy[n, o] for the outputs of a job, from `column` on; `along`: from one db[o] to the next."""
    cdef real sums[2][BIASES_PER_JOB]  # of a block, and of all blocks
    cdef Py_ssize_t columns = min(<Py_ssize_t>BIASES_PER_JOB, m.columns - column), n, i, block, start
    cdef const real *dy
    memset(sums[1], 0, sizeof(sums[1]))
    for block in range(ceil_div(m.rows, OUTER_BLOCK)):
        start = block * OUTER_BLOCK
        memset(sums[0], 0, sizeof(sums[0]))
        for n in range(start, min(start + OUTER_BLOCK, m.rows)):
            dy = m.p + n * m.step + column
            for i in range(columns):
                sums[0][i] += dy[i]
        for i in range(columns):
            sums[1][i] += sums[0][i]
    for i in range(columns):
        db[(column + i) * along] = sums[1][i]
