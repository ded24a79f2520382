# Forward: which loop runs, and in how many jobs.

cdef enum:                  # paths of the forward pass
    BY_PIXELS               # channels-last: one output row per job
    BY_LARGE_MEANS          # channels-last means of large windows: some channels of an output row per job
    BY_BANDS                # planar: some output rows of one plane per job
    BY_SQUARES              # planar means and L2 of 2 x 2 windows side by side: some output rows of all planes per job
    BY_ARGMAX               # indices that fit no lane: an output row of one plane per job

ctypedef void (*job_body)(Pool *p, Py_ssize_t job, const int kind) noexcept nogil

cdef extern from *:
    void forward_kinds "DISPATCH_AMONG5" (job_body f, int kind, int a, int b, int c, int d, int e, Pool *p,
                                          Py_ssize_t job) noexcept nogil
    void kinds_of_squares "DISPATCH_AMONG2" (job_body f, int kind, int a, int b, Pool *p, Py_ssize_t job) noexcept nogil


cdef int forward_path(Pool *p, int kind, bint channels_last) noexcept nogil:
    """The path for this kind and layout."""
    if kind == ARGMAX and p.H * p.W > LANE_MAX:
        return BY_ARGMAX
    if not channels_last:
        return BY_SQUARES if (kind == MEAN or kind == L2) and squares_fit(p) else BY_BANDS
    return BY_LARGE_MEANS if kind == MEAN and large(p) else BY_PIXELS


cdef Py_ssize_t forward_jobs(Pool *p, int path) noexcept nogil:
    """How many jobs a path has."""
    if path == BY_PIXELS:
        return p.N * p.OH
    if path == BY_LARGE_MEANS:
        return p.N * p.OH * ceil_div(p.C, CHANNELS)
    if path == BY_BANDS:
        return p.N * p.C * ceil_div(p.OH, BAND)
    if path == BY_SQUARES:
        return ceil_div(p.N * p.C * p.OH, SQUARE_ROWS)
    return p.N * p.C * p.OH


cdef Py_ssize_t forward_scratch(Pool *p, int path) noexcept nogil:
    """Bytes of scratch per thread: a sum per column of a large window, or the columns of a row and their indices."""
    if path == BY_LARGE_MEANS:
        return p.W * (CHANNELS + VL) * sizeof(real)
    return (p.W + 3 * VL) * 2 * sizeof(real) if path == BY_BANDS else 0


cdef void forward_job(Pool *p, int path, int kind, Py_ssize_t job) noexcept nogil:
    """One job of a path."""
    if path == BY_PIXELS:
        forward_kinds(forward_pixels, kind, MAX, ARGMAX, MEAN, L2, LP, p, job)
    elif path == BY_LARGE_MEANS:
        forward_large_means(p, job)
    elif path == BY_BANDS:
        forward_kinds(forward_band, kind, MAX, ARGMAX, MEAN, L2, LP, p, job)
    elif path == BY_SQUARES:
        kinds_of_squares(forward_squares, kind, MEAN, L2, p, job)
    else:
        forward_argmax(p, job)


cdef int forward(Pool *p, int kind, bint channels_last) except -1 nogil:
    """y of all windows."""
    cdef int thread
    cdef Ranges ranges
    cdef int path = forward_path(p, kind, channels_last)
    cdef double cost = POOL_FORWARD_LP_NS if kind == LP else POOL_FORWARD_NS
    cdef double taps = <double>(p.rows[0].count + 2) * (p.cols[0].count + 2)
    cdef int threads = threads_for(cost * p.N * p.C * p.OH * p.OW * taps)
    cdef Py_ssize_t job, jobs = forward_jobs(p, path)
    if forward_scratch(p, path):
        allocate(p, threads, forward_scratch(p, path))
    share_out(&ranges, jobs, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            forward_job(p, path, kind, job)
            job = next_job(&ranges, thread)
    free(p.scratch.memory)
    return 0


cdef int run_forward(Pool *p, int kind, bint channels_last, const real[:, :, :, :] x, const real[:, :, :, :] y,
                     const Py_ssize_t[:, ::1] rows, const Py_ssize_t[:, ::1] cols) except -1:
    """Set the arrays and tables of p, and y."""
    if p.N * p.C == 0:
        return 0
    p.x, p.y = image_of(x), image_of(y)
    set_windows(p, rows, cols)
    find_even_run(p)
    with nogil:
        forward(p, kind, channels_last)
    return 0
