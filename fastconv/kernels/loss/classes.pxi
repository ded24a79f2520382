# Losses of rows of class scores along the last axis: the mean or the sum over the rows, or the loss of every row.
# The mean divides by the sum of the weights w[t] of the rows' classes, or, with probabilities, by the number of rows.


def cross_entropy(const real[:, :, :, :] x, const long long[:, :, :, :] t, const real[:] weight,
                  real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, long long ignored, double smoothing,
                  bint mean, double dy):
    """-w[t] log p[t] of every row, p = softmax(x); t holds the class of a row all along its last axis."""
    classes(LOGITS, x, None, t, weight, values, dx, value, ignored, smoothing, mean, dy)


def cross_entropy_probabilities(const real[:, :, :, :] x, const real[:, :, :, :] t, const real[:] weight,
                                real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, double smoothing,
                                bint mean, double dy):
    """-sum_k w[k] t[k] log p[k] of every row, p = softmax(x)"""
    classes(PROBABILITIES, x, t, None, weight, values, dx, value, 0, smoothing, mean, dy)


def nll(const real[:, :, :, :] x, const long long[:, :, :, :] t, const real[:] weight, real[:, :, :, :] values,
        real[:, :, :, :] dx, real[:] value, long long ignored, bint mean, double dy):
    """-w[t] x[t] of every row"""
    classes(LOGARITHMS, x, None, t, weight, values, dx, value, ignored, 0, mean, dy)


cdef int classes(int kind, const real[:, :, :, :] x, const real[:, :, :, :] q, const long long[:, :, :, :] t,
                 const real[:] weight, real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value,
                 long long ignored, double smoothing, bint mean, double dy) except -1:
    """The loss of every row, or (values None) their sum or mean in value; dx = dy times its slope."""
    cdef Loss loss
    cdef Py_ssize_t bad, rows = x.shape[0] * x.shape[1] * x.shape[2]
    cdef double total = 0, divisor = rows
    loss.kind, loss.ignored = kind, ignored
    set_rows(&loss, x, q, dx)
    set_targets_and_values(&loss, t, values)
    set_weight(&loss, weight, smoothing)
    if t is not None:
        bad = sum_weights(&loss, rows, &divisor)
        if bad >= 0:
            raise ValueError(f"targets must be class indices from 0 to {x.shape[3] - 1} or {ignored} (ignored), "
                             f"got {target_of(&loss, bad)}")
    if not mean:
        divisor = 1
    loss.slope_scale = dy / divisor if divisor != 0 else 0
    if rows > 0:
        total = run_all_rows(&loss, (DIFFERENCE_LOSS_NS if kind == LOGARITHMS else EXP_LOSS_NS) * rows * x.shape[3])
    if values is None:
        value[0] = <real>(total / divisor)
    return 0


cdef void set_rows(Loss *loss, const real[:, :, :, :] x, const real[:, :, :, :] q, real[:, :, :, :] dx):
    """The rows of x, of the probabilities q and of dx; q and dx may be None."""
    cdef int axis
    loss.rows.base[0], loss.rows.base[1], loss.rows.base[2] = NULL, NULL, NULL
    for axis in range(4):
        loss.rows.shape[axis], loss.rows.stride[0][axis] = x.shape[axis], x.strides[axis]
        loss.rows.stride[1][axis] = 0 if q is None else q.strides[axis]
        loss.rows.stride[2][axis] = 0 if dx is None else dx.strides[axis]
    if x.shape[0] * x.shape[1] * x.shape[2] > 0:
        loss.rows.base[0] = <char *>&x[0, 0, 0, 0]
        loss.rows.base[1] = NULL if q is None else <char *>&q[0, 0, 0, 0]
        loss.rows.base[2] = NULL if dx is None else <char *>&dx[0, 0, 0, 0]


cdef void set_targets_and_values(Loss *loss, const long long[:, :, :, :] t, real[:, :, :, :] values):
    """Where the class of each row is read and its loss is stored; both may be None."""
    cdef int axis
    loss.targets, loss.values = NULL, NULL
    for axis in range(3):
        loss.target_stride[axis] = 0 if t is None else t.strides[axis]
        loss.value_stride[axis] = 0 if values is None else values.strides[axis]
    if loss.rows.base[0] != NULL:
        if t is not None:
            loss.targets = <const char *>&t[0, 0, 0, 0]
        loss.values = NULL if values is None else <char *>&values[0, 0, 0, 0]


cdef void set_weight(Loss *loss, const real[:] weight, double smoothing):
    """The weight of each class (None: 1), and what smoothing makes of it: smooth_weight = smoothing / K sum_k w[k]."""
    cdef Py_ssize_t k, K = loss.rows.shape[3]
    loss.weight, loss.smoothing, loss.smooth_weight = NULL, smoothing, smoothing
    if weight is not None:
        loss.weight, loss.weight_stride = &weight[0], weight.strides[0]
        loss.smooth_weight = 0
        for k in range(K):
            loss.smooth_weight += smoothing / K * weight_of(loss, k)


cdef Py_ssize_t sum_weights(const Loss *loss, Py_ssize_t rows, double *total) noexcept nogil:
    """total = sum of w[t] over the rows that are not ignored; returns the first row with no such class, or -1."""
    cdef Py_ssize_t row
    cdef long long t
    total[0] = 0
    for row in range(rows):
        t = target_of(loss, row)
        if t == loss.ignored:
            continue
        if t < 0 or t >= loss.rows.shape[3]:
            return row
        total[0] += weight_of(loss, t)
    return -1


cdef double run_all_rows(Loss *loss, double work) except? -1:
    """The sum of the losses of all rows, in the order of the jobs; stores values and dx. work: in ns."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job
    cdef int threads = threads_for(work)
    cdef real *scratch
    cdef double *partial
    cdef double total = 0
    rows_plan(&loss.rows)
    partial = <double *>malloc(loss.rows.jobs * sizeof(double))
    scratch = <real *>malloc(threads * loss.rows.scratch * REAL_BYTES + 1)
    if partial == NULL or scratch == NULL:
        free(partial)
        free(scratch)
        raise MemoryError(f"scratch of {threads * loss.rows.scratch} values")
    share_out(&ranges, loss.rows.jobs, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            partial[job] = rows_loss(loss, job, scratch + threadid() * loss.rows.scratch)
            job = next_job(&ranges, thread)
    for job in range(loss.rows.jobs):
        total += partial[job]
    free(partial)
    free(scratch)
    return total


cdef double rows_loss(const Loss *loss, Py_ssize_t job, real *scratch) noexcept nogil:
    """The rows of one job; returns the sum of their losses."""
    cdef Rows *r = <Rows *>&loss.rows
    cdef real *row[3]
    cdef Py_ssize_t step[3]
    cdef Py_ssize_t j, first = first_row(r, job), count = rows_open(r, job, scratch, row, step)
    cdef double one, total = 0
    cdef real *x
    cdef real *dx
    for j in range(count):
        x, dx = row[0] + j * step[0], NULL
        if row[2] != NULL:
            dx = row[2] + j * step[2]
        if loss.kind == PROBABILITIES:
            one = row_probabilities(loss, x, row[1] + j * step[1], dx)
        else:
            one = row_class(loss, x, target_of(loss, first + j), dx)
        total += one
        if loss.values != NULL:
            store_value(loss, first + j, one)
    rows_close(r, job, row)
    return total
