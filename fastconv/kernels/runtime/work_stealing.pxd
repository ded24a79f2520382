# Work stealing. Each thread owns a contiguous range of jobs and steals from the others when it has finished its own, so
# that a thread that comes late finds its jobs done. The ranges are cut alike in every layer: a thread reads what it wrote,
# which is still in the cache of its core.
#
#     cdef Ranges ranges
#     share_out(&ranges, jobs, threads)                   # before the parallel section
#     for thread in prange(threads, num_threads=threads, schedule="static"):
#         job = next_job(&ranges, thread)
#         while job >= 0:
#             ...
#             job = next_job(&ranges, thread)

from fastconv.kernels.runtime.threads cimport record_section

cdef extern from *:
    """
    /* *p before it grows by 1; two threads never get the same number */
    static inline Py_ssize_t fetch_add(Py_ssize_t *p) { return __atomic_fetch_add(p, 1, __ATOMIC_RELAXED); }
    static inline Py_ssize_t peek(const Py_ssize_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
    """
    Py_ssize_t fetch_add(Py_ssize_t *p) noexcept nogil
    Py_ssize_t peek(const Py_ssize_t *p) noexcept nogil

cdef enum:
    LINE = 16           # Py_ssize_t from range to range: two cache lines, so that no two threads write to one line
    RANGES = 64         # of more threads, several share a range

cdef struct Ranges:
    int count
    Py_ssize_t at[64 * 16]      # RANGES * LINE; the next job of each range, and its end


cdef inline void share_out(Ranges *r, Py_ssize_t jobs, int threads) noexcept nogil:
    """Range t of `count` has the jobs from t * jobs / count to (t + 1) * jobs / count."""
    cdef int t
    record_section(jobs, threads)
    r.count = min(threads, RANGES)
    for t in range(r.count):
        r.at[t * LINE] = jobs * t // r.count
        r.at[t * LINE + 1] = jobs * (t + 1) // r.count


cdef inline Py_ssize_t next_job(Ranges *r, int thread) noexcept nogil:
    """The next job of the thread's own range, else of the ranges after it; -1 when every job is taken."""
    cdef int i
    cdef Py_ssize_t job
    cdef Py_ssize_t *own
    for i in range(r.count):
        own = r.at + (thread + i) % r.count * LINE
        if peek(own) < own[1]:
            job = fetch_add(own) if r.count > 1 else only_job(own)
            if job < own[1]:
                return job
    return -1


cdef inline Py_ssize_t only_job(Py_ssize_t *own) noexcept nogil:
    """The next job of a range that no two threads share."""
    own[0] += 1
    return own[0] - 1
