# How a copy is done: the order of the axes, the kind of move, the extents of a job.


cdef inline Py_ssize_t distance(Py_ssize_t stride) noexcept nogil:
    """|stride|"""
    return stride if stride >= 0 else -stride


cdef void exchange(Copy *c, int a, int b) noexcept nogil:
    """Exchange two axes."""
    c.shape[a], c.shape[b] = c.shape[b], c.shape[a]
    c.xs[a], c.xs[b] = c.xs[b], c.xs[a]
    c.ys[a], c.ys[b] = c.ys[b], c.ys[a]


cdef void in_memory_order(Copy *c) noexcept nogil:
    """Sort the axes by falling strides of y, after axes of extent 1."""
    cdef int i, j
    for i in range(1, 4):
        for j in range(i, 0, -1):
            if c.shape[j - 1] != 1 and (c.shape[j] == 1 or distance(c.ys[j]) > distance(c.ys[j - 1])):
                exchange(c, j, j - 1)


cdef void merge(Copy *c) noexcept nogil:
    """Make one axis of two neighbours where both arrays allow it; an axis of extent 1 then goes to the front."""
    cdef int i, j
    for i in range(3, 0, -1):
        while c.shape[i - 1] != 1 and c.xs[i - 1] == c.xs[i] * c.shape[i] and c.ys[i - 1] == c.ys[i] * c.shape[i]:
            c.shape[i] *= c.shape[i - 1]
            for j in range(i - 1, 0, -1):
                c.shape[j], c.xs[j], c.ys[j] = c.shape[j - 1], c.xs[j - 1], c.ys[j - 1]
            c.shape[0] = 1


cdef void plan_moves(Copy *c) noexcept nogil:
    """Runs, transposes or single values: where the unit strides of x and y lie."""
    cdef int axis, unit = -1  # x's unit axis among the outer ones
    c.across_count, c.across_x, c.across_y = 1, 0, 0
    c.how, c.picks = SINGLES, picks_of(0)
    if c.ys[3] == REAL_BYTES and (c.xs[3] == REAL_BYTES or c.shape[3] == 1):
        c.how = RUNS
    elif c.ys[3] == REAL_BYTES:
        for axis in range(3):
            if c.shape[axis] > 1 and c.xs[axis] == REAL_BYTES:
                unit = axis
        if unit >= 0:
            c.how = TRANSPOSES
            c.across_count, c.across_x, c.across_y = c.shape[unit], c.xs[unit], c.ys[unit]
            c.shape[unit] = 1


cdef void nearest_inside(Copy *c) noexcept nogil:
    """Make axis 2 the outer axis along which x moves least: a job then reads all of a cache line."""
    cdef int axis, near = 2
    for axis in range(2):
        if c.shape[axis] > 1 and c.xs[axis] != 0 and (
            c.shape[near] == 1 or c.xs[near] == 0 or distance(c.xs[axis]) < distance(c.xs[near])
        ):
            near = axis
    exchange(c, near, 2)


cdef void plan_jobs(Copy *c) noexcept nogil:
    """The extents of a job and the number of jobs along each of its axes."""
    cdef Py_ssize_t across = BLOCK_SIDE, block
    c.rows, c.jobs_across, c.along = 1, 1, VALUES_PER_JOB
    if c.how == TRANSPOSES or c.how == STEP_TRANSPOSES:
        c.along = BLOCK_SIDE
        if distance(c.across_y) > distance(c.xs[3]):  # few rows of y at a time, in long runs
            across, c.along = BLOCK_SHORT, BLOCK_LONG
        if c.across_count <= 4:
            c.along = LONG_RUN
        elif c.shape[3] <= 4 and c.shape[2] == 1:
            across = LONG_RUN
        c.jobs_across = ceil_div(c.across_count, across)
        block = min(across, c.across_count) * min(c.along, c.shape[3])
        if c.across_count < VL:
            nearest_inside(c)
            c.rows = ceil_div(4 * LINE, c.across_count)
        elif c.shape[3] < VL:
            c.rows = ceil_div(4 * LINE, c.shape[3])
        elif block < VALUES_PER_JOB:
            if c.shape[2] == 1:
                nearest_inside(c)
            c.rows = VALUES_PER_JOB // block
    elif c.shape[3] < VALUES_PER_JOB:
        c.rows = VALUES_PER_JOB // c.shape[3]
    c.across = round_up(ceil_div(c.across_count, c.jobs_across), VL)
    c.jobs_along = ceil_div(c.shape[3], c.along)
    c.jobs_rows = ceil_div(c.shape[2], c.rows)


cdef void plan_stream(Copy *c, Py_ssize_t total, Py_ssize_t whole) noexcept nogil:
    """Runs and squares are stored around the caches if y is large and all of them start on cache lines.

    From a smaller size on, that of all of x, what is picked from steps is fetched ahead.
    """
    cdef int axis
    c.fetch = whole * REAL_BYTES >= FETCH_COPY_BYTES
    c.stream = VL * REAL_BYTES == 64 and total * REAL_BYTES >= STREAM_BYTES and <Py_ssize_t>c.y % 64 == 0
    for axis in range(3):
        c.stream = c.stream and (c.shape[axis] == 1 or c.ys[axis] % 64 == 0)
    c.stream = c.stream and c.across_y % 64 == 0 and c.how != SINGLES and c.how != SCATTERS
