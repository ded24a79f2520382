# Work stealing. Each thread owns a contiguous range of jobs and steals from the others when it has finished its own.
# The ranges are cut alike in every layer, so that a thread reads what it wrote: it is still in the cache of its core.
#
#     ranges = share_out(jobs, threads)             # before the parallel section; NULL if memory ran out
#     job = next_job(ranges, threads, threadid())   # in each thread, until it is -1
#     free(ranges)

from libc.stdlib cimport malloc

cdef extern from *:
    """
    /* *p before it grows by 1; two threads never get the same number */
    static inline Py_ssize_t fetch_add(Py_ssize_t *p) { return __atomic_fetch_add(p, 1, __ATOMIC_RELAXED); }
    """
    Py_ssize_t fetch_add(Py_ssize_t *p) noexcept nogil

cdef enum:
    LINE = 16  # Py_ssize_t from range to range: two cache lines, so that no two threads write to one line


cdef inline Py_ssize_t *share_out(Py_ssize_t jobs, int threads) noexcept nogil:
    """Thread t owns jobs t * jobs / threads to (t + 1) * jobs / threads: the next job and the end of each range.

    NULL if memory ran out. The caller frees it.
    """
    cdef Py_ssize_t *ranges = <Py_ssize_t *>malloc(threads * LINE * sizeof(Py_ssize_t))
    cdef int t
    if ranges != NULL:
        for t in range(threads):
            ranges[t * LINE] = jobs * t // threads
            ranges[t * LINE + 1] = jobs * (t + 1) // threads
    return ranges


cdef inline Py_ssize_t next_job(Py_ssize_t *ranges, int threads, int thread) noexcept nogil:
    """The next job of the thread's own range, else of the ranges after it; -1 when every job is taken."""
    cdef int i
    cdef Py_ssize_t job
    cdef Py_ssize_t *own
    for i in range(threads):
        own = ranges + (thread + i) % threads * LINE
        job = fetch_add(own)
        if job < own[1]:
            return job
    return -1
