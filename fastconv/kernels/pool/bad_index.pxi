# The first index, in C order, that is not in its window, or not in the plane (H, W) where no windows are given.

cdef int set_neighbours(Pool *p) except -1:
    """Set p.neighbours, where the columns of each window are neighbours; to be freed."""
    cdef Py_ssize_t ow
    for ow in range(p.OW):
        if p.cols[ow].step != 1:
            return 0
    p.neighbours.start = <int64_t *>malloc(2 * p.OW * sizeof(int64_t))
    if p.neighbours.start == NULL:
        raise MemoryError(f"windows of {p.OW} columns")
    p.neighbours.count = p.neighbours.start + p.OW
    for ow in range(p.OW):
        p.neighbours.start[ow], p.neighbours.count[ow] = p.cols[ow].start, p.cols[ow].count
    return 0


cdef inline bint reads(const Line *line, Py_ssize_t at) noexcept nogil:
    """Whether a line of a table reads row or column `at`."""
    at = at - line.start
    return 0 <= at < line.count * line.step and at % line.step == 0


cdef Py_ssize_t bad_output(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh) noexcept nogil:
    """The first output of a row with a bad index, or OW. Any strides, with or without windows."""
    cdef Py_ssize_t ow, at
    for ow in range(p.OW):
        at = index_at(&p.indices, n, c, oh, ow)[0]
        if at < 0 or at >= p.H * p.W:
            return ow
        if p.rows != NULL and not (reads(p.rows + oh, at // p.W) and reads(p.cols + ow, at % p.W)):
            return ow
    return p.OW


cdef bint bad_in_rows(Pool *p, Py_ssize_t job) noexcept nogil:
    """Whether any channel has a bad index in one output row of one image."""
    cdef Py_ssize_t oh = job % p.OH, n = job // p.OH, k
    cdef bint bad = False
    if p.neighbours.start != NULL and p.indices.c == 1:
        for k in range(p.OW):
            bad |= bad_channels(p, n, oh, k, 0, p.C)
    elif p.neighbours.start != NULL and p.indices.w == 1:
        for k in range(p.C):
            bad |= bad_columns(p, n, k, oh)
    else:
        for k in range(p.C):
            bad |= bad_output(p, n, k, oh) < p.OW
    return bad


cdef Py_ssize_t first_bad(Pool *p) except -2 nogil:
    """The first bad index, or -1. All are looked at in parallel; which one is the first is found only if one is bad."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job, row, ow, bad = 0
    cdef int threads = threads_for(POOL_INDEX_CHECK_NS * p.N * p.C * p.OH * p.OW)
    share_out(&ranges, p.N * p.OH, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            bad |= bad_in_rows(p, job)
            job = next_job(&ranges, thread)
    if not bad:
        return -1
    for row in range(p.N * p.C * p.OH):
        ow = bad_output(p, row // p.OH // p.C, row // p.OH % p.C, row % p.OH)
        if ow < p.OW:
            return row * p.OW + ow
    return -1
