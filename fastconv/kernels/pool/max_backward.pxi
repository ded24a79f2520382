# Backward of max pooling: dx[index] += dy. Which path runs, and in how many jobs.

cdef enum:                  # paths; all give the same sums in the same order
    MAX_BLOCKS              # channels-last, 2 x 2 or 3 x 3 at stride 2: a row of 2 x 2 blocks per job
    MAX_SCATTER_PIXELS      # channels-last, overlapping windows: some channels of an image per job
    MAX_PIXELS              # channels-last: each pixel collects; a row of dx per job
    MAX_SCATTER_DENSE       # planar, dx dense: a plane per job
    MAX_SCATTER             # any strides: a plane per job


cdef bint overlapping(Pool *p) noexcept nogil:
    """Whether pixels lie in 1.5 windows or more on average, in memory where an index says where its pixel is."""
    return p.row_readers.ends[p.H] * p.col_readers.ends[p.W] * 2 > p.H * p.W * 3 and p.C >= VL and \
        p.dx.h == p.W * p.dx.w


cdef int max_path(Pool *p, bint channels_last, int threads) noexcept nogil:
    """The quickest path; sets p.channels and p.blocks."""
    cdef bint can_check = p.neighbours.start != NULL
    p.channels = p.C if p.N >= 2 * threads else min(p.C, <Py_ssize_t>CHANNELS)
    if not channels_last or p.H * p.W > LANE_MAX:
        return MAX_SCATTER_DENSE if dense_planes(p) and can_check and p.indices.w == 1 else MAX_SCATTER
    if find_blocks(p):
        return MAX_BLOCKS
    if overlapping(p) and p.N * ceil_div(p.C, p.channels) >= threads and can_check:
        return MAX_SCATTER_PIXELS
    return MAX_PIXELS


cdef bint checks_indices(int path) noexcept nogil:
    """Whether a path checks the indices on the way. For the others they are checked before."""
    return path == MAX_BLOCKS or path == MAX_SCATTER_PIXELS or path == MAX_SCATTER_DENSE


cdef Py_ssize_t max_jobs(Pool *p, int path) noexcept nogil:
    """How many jobs a path has."""
    if path == MAX_BLOCKS:
        return p.N * block_rows(p)
    if path == MAX_SCATTER_PIXELS:
        return p.N * ceil_div(p.C, p.channels)
    return p.N * p.H if path == MAX_PIXELS else p.N * p.C


cdef Py_ssize_t set_max_stream(Pool *p, int path) noexcept nogil:
    """Set p.stream; returns the bytes of scratch per thread. Planes that fit the scratch are summed there."""
    cdef Py_ssize_t bytes = p.H * p.W * sizeof(real)
    if path == MAX_SCATTER_DENSE:
        p.stream = bytes <= PLANE_BYTES and beyond_caches(p)
        return bytes if p.stream else 0
    p.stream = path != MAX_SCATTER and streams_pixels(p)
    return 0


cdef void max_job(Pool *p, int path, Py_ssize_t job) noexcept nogil:
    """One job of a path."""
    if path == MAX_BLOCKS:
        blocks_back(p, job, ARGMAX)
    elif path == MAX_SCATTER_PIXELS:
        scatter_pixels(p, job)
    elif path == MAX_PIXELS:
        pixels_back(p, job, ARGMAX)
    elif path == MAX_SCATTER_DENSE:
        scatter_dense_plane(p, job)
    else:
        scatter_plane(p, &p.dx, &p.dy, job, True)


cdef int max_back(Pool *p, int path, int threads) except -1 nogil:
    """dx; p.bad where a path that checks found an index outside its window, and dx is no gradient."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job, jobs = max_jobs(p, path)
    allocate(p, threads, set_max_stream(p, path))
    share_out(&ranges, jobs, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            max_job(p, path, job)
            job = next_job(&ranges, thread)
    free(p.scratch.memory)
    return 0


cdef Py_ssize_t run_max_backward(Pool *p, bint channels_last) except -2 nogil:
    """dx, and where the first index is that is not in its window, or -1."""
    cdef int threads = threads_for(POOL_BACKWARD_NS * p.N * p.C * p.H * p.W)
    cdef int path = max_path(p, channels_last, threads)
    cdef Py_ssize_t bad = -1
    if not checks_indices(path):
        bad = first_bad(p)
    if bad < 0:
        max_back(p, path, threads)
    return first_bad(p) if p.bad else bad
