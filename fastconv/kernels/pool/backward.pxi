# Backward of means and roots: which path runs, and in how many jobs.

cdef enum:                  # paths of the backward pass
    BACK_BY_BLOCKS          # channels-last, 2 x 2 or 3 x 3 at stride 2, SUM or L2: a row of 2 x 2 blocks per job
    BACK_BY_PIXELS          # channels-last: a row of dx per job
    BACK_BY_BANDS           # planar, and L_p in any memory: some rows of one plane of dx per job

cdef extern from *:
    void kinds_of_blocks "DISPATCH_AMONG2" (job_body f, int kind, int a, int b, Pool *p, Py_ssize_t job) noexcept nogil
    void kinds_of_pixels "DISPATCH_AMONG3" (job_body f, int kind, int a, int b, int c, Pool *p,
                                            Py_ssize_t job) noexcept nogil
    void kinds_of_bands "DISPATCH_AMONG4" (job_body f, int kind, int a, int b, int c, int d, Pool *p,
                                           Py_ssize_t job) noexcept nogil


cdef int backward_path(Pool *p, int kind, bint channels_last) noexcept nogil:
    """The path for this kind and layout; sets p.blocks."""
    if not channels_last or kind == LP:
        return BACK_BY_BANDS
    return BACK_BY_BLOCKS if (kind == SUM or kind == L2) and find_blocks(p) else BACK_BY_PIXELS


cdef Py_ssize_t backward_jobs(Pool *p, int path) noexcept nogil:
    """How many jobs a path has."""
    if path == BACK_BY_BLOCKS:
        return p.N * block_rows(p)
    return p.N * p.H if path == BACK_BY_PIXELS else p.N * p.C * ceil_div(p.H, BAND)


cdef Py_ssize_t set_stream(Pool *p, int path, int kind) noexcept nogil:
    """Set p.stream; returns the bytes of scratch per thread: four rows, the ring, and a band that is streamed."""
    if path != BACK_BY_BANDS:
        p.stream = streams_pixels(p)
        return 0
    p.stream = kind == L2 and dense_planes(p) and beyond_caches(p)
    return ((4 + RING) * row_length(p) + (BAND * p.W if p.stream else 0)) * sizeof(real)


cdef void backward_job(Pool *p, int path, int kind, Py_ssize_t job) noexcept nogil:
    """One job of a path."""
    if path == BACK_BY_BLOCKS:
        kinds_of_blocks(blocks_back, kind, SUM, L2, p, job)
    elif path == BACK_BY_PIXELS:
        kinds_of_pixels(pixels_back, kind, MEAN, SUM, L2, p, job)
    else:
        kinds_of_bands(band_back, kind, MEAN, SUM, L2, LP, p, job)


cdef int backward(Pool *p, int kind, bint channels_last, double cost) except -1 nogil:
    """dx of means and roots; `cost` is per element of dx."""
    cdef int thread
    cdef Ranges ranges
    cdef int threads = threads_for(cost * p.N * p.C * p.H * p.W)
    cdef int path = backward_path(p, kind, channels_last)
    cdef Py_ssize_t job, jobs = backward_jobs(p, path)
    allocate(p, threads, set_stream(p, path, kind))
    share_out(&ranges, jobs, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            backward_job(p, path, kind, job)
            job = next_job(&ranges, thread)
    free(p.scratch.memory)
    return 0
