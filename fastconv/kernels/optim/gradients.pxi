# What happens to gradients before a rule reads them: the sum of their squares, and their scaling.


def sum_of_squares(const real[:] g):
    """sum_i g[i]^2 in double: a sum per job, added in the order of the jobs"""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t size = g.shape[0], job, jobs = ceil_div(size, ELEMENTS_PER_JOB)
    cdef int threads = threads_for(GRADIENT_NS * size)
    cdef double total = 0
    cdef double *parts
    if size == 0:
        return 0.0
    parts = <double *>malloc(jobs * sizeof(double))
    if parts == NULL:
        raise MemoryError(f"sums of {jobs} blocks")
    share_out(&ranges, jobs, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            parts[job] = squares(&g[job * ELEMENTS_PER_JOB], job_length(size, job))
            job = next_job(&ranges, thread)
    for job in range(jobs):
        total += parts[job]
    free(parts)
    return total


cdef double squares(const real *g, Py_ssize_t length) noexcept nogil:
    """sum_i g[i]^2, as sixteen sums of every sixteenth square."""
    cdef double s[16]
    cdef double total = 0
    cdef Py_ssize_t i, j
    for j in range(16):
        s[j] = 0
    for i in range(length // 16):
        for j in range(16):
            s[j] += <double>g[16 * i + j] * g[16 * i + j]
    for i in range(length - length % 16, length):
        s[i % 16] += <double>g[i] * g[i]
    for j in range(16):
        total += s[j]
    return total


def scale(real[:] g, double factor):
    """g <- factor g"""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t size = g.shape[0], job, jobs = ceil_div(size, ELEMENTS_PER_JOB)
    cdef int threads = threads_for(GRADIENT_NS * size)
    if size == 0:
        return
    share_out(&ranges, jobs, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            scale_job(&g[job * ELEMENTS_PER_JOB], job_length(size, job), <real>factor)
            job = next_job(&ranges, thread)


cdef void scale_job(real *g, Py_ssize_t length, real factor) noexcept nogil:
    """g <- factor g"""
    cdef Py_ssize_t i
    for i in range(length):
        g[i] = g[i] * factor
