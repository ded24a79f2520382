# Jobs shared out so that each thread has a range of its own, in the order of memory, and helps the others when it is
# done: the range of a thread lies where its last layer's range lay, in its own cache.
from libc.stdlib cimport malloc

cdef extern from *:
    """
    static inline Py_ssize_t fetch_add(Py_ssize_t *p) { return __atomic_fetch_add(p, 1, __ATOMIC_RELAXED); }
    """
    Py_ssize_t fetch_add(Py_ssize_t *p) noexcept nogil

cdef enum:
    LINE = 16  # Py_ssize_t between two ranges: they are on cache lines of their own


cdef inline Py_ssize_t *share_out(Py_ssize_t jobs, int threads) noexcept nogil:
    """next and stop of each thread's range; NULL if memory ran out. To be freed."""
    cdef Py_ssize_t *ranges = <Py_ssize_t *>malloc(threads * LINE * sizeof(Py_ssize_t))
    cdef int t
    if ranges != NULL:
        for t in range(threads):
            ranges[t * LINE] = jobs * t // threads
            ranges[t * LINE + 1] = jobs * (t + 1) // threads
    return ranges


cdef inline Py_ssize_t next_job(Py_ssize_t *ranges, int threads, int thread) noexcept nogil:
    """A job of the thread's own range, else of another's; -1 when none is left."""
    cdef int i
    cdef Py_ssize_t job
    cdef Py_ssize_t *own
    for i in range(threads):
        own = ranges + (thread + i) % threads * LINE
        job = fetch_add(own)
        if job < own[1]:
            return job
    return -1
