"""Losses: value and gradient in one pass over the data.

The value is summed in double over fixed blocks, and the blocks in their order: the same bits for any number of threads.
"""
from cython.parallel cimport prange, threadid
from libc.math cimport fabs, log
from libc.stdlib cimport free, malloc
from fastconv.kernels.runtime.threads cimport threads_for
from ..simd.elementwise cimport Job, formula, job_array, job_blocks, run_block
from ..simd.row_views cimport Rows, below, row_exp, row_largest, rows_close, rows_open, rows_plan
from .terms cimport (
    bce_positive_run, bce_run, bce_sides_run, bce_weighted_run, huber_run, l1_run, mse_run,
)
from ..simd.vector cimport REAL_BYTES, REAL_MAX, real

cdef enum:
    LOGITS = 0         # cross entropy with class indices
    PROBABILITIES = 1  # cross entropy with a probability for each class
    LOGARITHMS = 2     # negative log likelihood: x holds log-probabilities


# ---------------------------------------------------------------- element by element


def mse(const real[:, :, :, :] x, const real[:, :, :, :] t, real[:, :, :, :] values, real[:, :, :, :] dx,
        real[:] value, double scale, double slope_scale):
    each(mse_run, 0.3, x, t, None, values, dx, value, scale, 0, 2 * slope_scale)


def l1(const real[:, :, :, :] x, const real[:, :, :, :] t, real[:, :, :, :] values, real[:, :, :, :] dx,
       real[:] value, double scale, double slope_scale):
    each(l1_run, 0.3, x, t, None, values, dx, value, scale, 0, slope_scale)


def huber(const real[:, :, :, :] x, const real[:, :, :, :] t, real[:, :, :, :] values, real[:, :, :, :] dx,
          real[:] value, double scale, double slope_scale, double delta):
    each(huber_run, 0.3, x, t, None, values, dx, value, scale, delta, slope_scale)


def bce(const real[:, :, :, :] x, const real[:, :, :, :] t, real[:, :, :, :] values, real[:, :, :, :] dx,
        real[:] value, double scale, double slope_scale):
    each(bce_run, 1.2, x, t, None, values, dx, value, scale, 0, slope_scale)


def bce_positive(const real[:, :, :, :] x, const real[:, :, :, :] t, const real[:, :, :, :] w,
                 real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, double scale, double slope_scale):
    each(bce_positive_run, 1.2, x, t, w, values, dx, value, scale, 0, slope_scale)


def bce_weighted(const real[:, :, :, :] x, const real[:, :, :, :] t, const real[:, :, :, :] w,
                 real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, double scale, double slope_scale):
    each(bce_weighted_run, 1.2, x, t, w, values, dx, value, scale, 0, slope_scale)


def bce_sides(const real[:, :, :, :] x, const real[:, :, :, :] t, const real[:, :, :, :] w,
              real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, double scale, double slope_scale):
    each(bce_sides_run, 1.2, x, t, w, values, dx, value, scale, 0, slope_scale)


cdef int each(formula run, double nanoseconds, const real[:, :, :, :] x, const real[:, :, :, :] t,
              const real[:, :, :, :] w, real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, double scale,
              real p, real slope_scale) except -1:
    """values = the loss of every element, or (values None) value = scale times their sum; dx = slope_scale slope."""
    cdef Job job
    cdef Py_ssize_t number, axis, blocks
    cdef int threads
    cdef double *partial
    cdef double total = 0
    job.total = x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3]
    if job.total > 0:
        job.run, job.p, job.q = run, p, slope_scale
        for axis in range(4):
            job.shape[axis] = x.shape[axis]
        job_array(&job, 0, &x[0, 0, 0, 0], x.strides)
        job_array(&job, 1, &t[0, 0, 0, 0], t.strides)
        for axis in range(2, 5):
            job_array(&job, axis, NULL, x.strides)
        if w is not None:
            job_array(&job, 2, &w[0, 0, 0, 0], w.strides)
        if values is not None:
            job_array(&job, 3, &values[0, 0, 0, 0], values.strides)
        if dx is not None:
            job_array(&job, 4, &dx[0, 0, 0, 0], dx.strides)
        blocks = job_blocks(&job)
        threads = threads_for(nanoseconds * job.total)
        partial = <double *>malloc(blocks * sizeof(double))
        if partial == NULL:
            raise MemoryError(f"sums of {blocks} blocks")
        for number in prange(blocks, nogil=True, num_threads=threads, schedule="static"):
            partial[number] = run_block(&job, number)
        for number in range(blocks):
            total += partial[number]
        free(partial)
    if values is None:
        value[0] = <real>(total * scale)
    return 0


# ---------------------------------------------------------------- over the classes of a row


cdef struct Loss:
    Rows rows            # x, probabilities or NULL, dx or NULL
    int kind
    const char *targets  # class indices
    Py_ssize_t target_stride[3]
    char *values         # the loss of every row, or NULL
    Py_ssize_t value_stride[3]
    const real *weight   # of every class, or NULL
    Py_ssize_t weight_stride
    long long ignored
    double smoothing
    double smooth_weight  # smoothing / K times the sum of the weights
    double slope_scale


def cross_entropy(const real[:, :, :, :] x, const long long[:, :, :, :] t, const real[:] weight,
                  real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, long long ignored, double smoothing,
                  bint mean, double dy):
    """-w[t] log p[t] of every row along the last axis, p = softmax(x); t holds the row's class all along it."""
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
    cdef Py_ssize_t job, axis, k, K = x.shape[3], rows = x.shape[0] * x.shape[1] * x.shape[2]
    cdef int threads
    cdef real *scratch
    cdef double *partial
    cdef double total = 0, divisor = 1
    cdef Py_ssize_t bad
    loss.kind, loss.ignored, loss.smoothing, loss.smooth_weight = kind, ignored, smoothing, smoothing
    loss.weight, loss.targets, loss.values = NULL, NULL, NULL
    if weight is not None:
        loss.weight, loss.weight_stride = &weight[0], weight.strides[0]
        loss.smooth_weight = 0
        for k in range(K):
            loss.smooth_weight += smoothing / K * weight_of(&loss, k)
    loss.rows.base[0], loss.rows.base[1], loss.rows.base[2] = NULL, NULL, NULL
    for axis in range(4):
        loss.rows.shape[axis], loss.rows.stride[0][axis] = x.shape[axis], x.strides[axis]
        loss.rows.stride[1][axis] = 0 if q is None else q.strides[axis]
        loss.rows.stride[2][axis] = 0 if dx is None else dx.strides[axis]
    for axis in range(3):
        loss.target_stride[axis] = 0 if t is None else t.strides[axis]
        loss.value_stride[axis] = 0 if values is None else values.strides[axis]
    if rows > 0:
        loss.rows.base[0] = <char *>&x[0, 0, 0, 0]
        loss.rows.base[1] = NULL if q is None else <char *>&q[0, 0, 0, 0]
        loss.rows.base[2] = NULL if dx is None else <char *>&dx[0, 0, 0, 0]
        if t is not None:
            loss.targets = <const char *>&t[0, 0, 0, 0]
        loss.values = NULL if values is None else <char *>&values[0, 0, 0, 0]
    if t is not None:
        bad = weigh(&loss, rows, &divisor)
        if bad >= 0:
            raise ValueError(f"targets must be class indices from 0 to {K - 1} or {ignored} (ignored), "
                             f"got {target_of(&loss, bad)}")
    else:
        divisor = rows
    if not mean:
        divisor = 1
    loss.slope_scale = dy / divisor if divisor != 0 else 0
    if rows > 0:
        rows_plan(&loss.rows)
        threads = threads_for((0.3 if kind == LOGARITHMS else 1.2) * rows * K)
        partial = <double *>malloc(loss.rows.jobs * sizeof(double))
        scratch = <real *>malloc(threads * loss.rows.scratch * REAL_BYTES + 1)
        if partial == NULL or scratch == NULL:
            free(partial)
            free(scratch)
            raise MemoryError(f"scratch of {threads * loss.rows.scratch} values")
        for job in prange(loss.rows.jobs, nogil=True, num_threads=threads, schedule="static"):
            partial[job] = rows_loss(&loss, job, scratch + threadid() * loss.rows.scratch)
        for job in range(loss.rows.jobs):
            total += partial[job]
        free(partial)
        free(scratch)
    if values is None:
        value[0] = <real>(total / divisor)
    return 0


cdef double weight_of(const Loss *loss, Py_ssize_t k) noexcept nogil:
    if loss.weight == NULL:
        return 1
    return (<const real *>(<const char *>loss.weight + k * loss.weight_stride))[0]


cdef long long target_of(const Loss *loss, Py_ssize_t row) noexcept nogil:
    """The class of a row, counted over the first three axes."""
    cdef Py_ssize_t inner = loss.rows.shape[1] * loss.rows.shape[2]
    return (<const long long *>(loss.targets + row // inner * loss.target_stride[0]
                                + row % inner // loss.rows.shape[2] * loss.target_stride[1]
                                + row % loss.rows.shape[2] * loss.target_stride[2]))[0]


cdef Py_ssize_t weigh(const Loss *loss, Py_ssize_t rows, double *divisor) noexcept nogil:
    """The sum of the weights of the rows that count; returns the first row whose class is out of range, or -1."""
    cdef Py_ssize_t row
    cdef long long t
    divisor[0] = 0
    for row in range(rows):
        t = target_of(loss, row)
        if t == loss.ignored and loss.kind != PROBABILITIES:
            continue
        if t < 0 or t >= loss.rows.shape[3]:
            return row
        divisor[0] += weight_of(loss, t)
    return -1


cdef double rows_loss(const Loss *loss, Py_ssize_t job, real *scratch) noexcept nogil:
    """Neighbouring rows; returns the sum of their losses."""
    cdef Rows *r = <Rows *>&loss.rows
    cdef real *row[3]
    cdef Py_ssize_t step[3]
    cdef Py_ssize_t in_row = (r.shape[2] + r.together - 1) // r.together
    cdef Py_ssize_t first = job // in_row * r.shape[2] + job % in_row * r.together
    cdef Py_ssize_t j, count = rows_open(r, job, scratch, row, step)
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


cdef void store_value(const Loss *loss, Py_ssize_t row, double one) noexcept nogil:
    cdef Py_ssize_t inner = loss.rows.shape[1] * loss.rows.shape[2]
    (<real *>(loss.values + row // inner * loss.value_stride[0]
              + row % inner // loss.rows.shape[2] * loss.value_stride[1]
              + row % loss.rows.shape[2] * loss.value_stride[2]))[0] = <real>one


cdef double row_class(const Loss *loss, const real *x, long long t, real *dx) noexcept nogil:
    """The loss of one row with one class: sum_k g[k] (log s - (x[k] - m)), s = sum_k exp(x[k] - m), where
    g[k] = (1 - smoothing) w[t] [k = t] + smoothing / K w[k];  dx[k] = sum(g) p[k] - g[k]."""
    cdef Py_ssize_t k, K = loss.rows.shape[3]
    cdef double s, sharp, one, g, v
    cdef real m
    if t == loss.ignored:
        if dx != NULL:
            for k in range(K):
                dx[k] = 0
        return 0
    sharp = (1 - loss.smoothing) * weight_of(loss, t)
    if loss.kind == LOGARITHMS:
        if dx != NULL:
            for k in range(K):
                dx[k] = 0
            dx[t] = <real>(-sharp * loss.slope_scale)
        return 0 if nothing(sharp, x[t]) else -sharp * x[t]
    m = row_largest(x, K)
    s = row_exp(x, m, dx, K)
    v = log(s) - below(x[t], m)
    one = 0 if nothing(sharp, v) else sharp * v
    if loss.smoothing != 0:
        for k in range(K):
            g = loss.smoothing / K * weight_of(loss, k)
            v = log(s) - below(x[k], m)
            one += g * (v if g != 0 else 0)
    if dx != NULL:
        row_slope(loss, dx, K, (sharp + loss.smooth_weight) * loss.slope_scale / s)
        dx[t] -= <real>(sharp * loss.slope_scale)
    return one


cdef inline bint nothing(double g, double v) noexcept nogil:
    """Whether g v is 0, although v is infinite."""
    return g == 0 and fabs(v) > REAL_MAX


cdef void row_slope(const Loss *loss, real *dx, Py_ssize_t K, double factor) noexcept nogil:
    """dx[k] = factor dx[k] - smoothing / K w[k]"""
    cdef real f = <real>factor, smooth = <real>(loss.smoothing / K * loss.slope_scale)
    cdef Py_ssize_t k
    for k in range(K):
        dx[k] = dx[k] * f
    if loss.smoothing != 0:
        for k in range(K):
            dx[k] -= smooth * <real>weight_of(loss, k)


cdef double row_probabilities(const Loss *loss, const real *x, const real *q, real *dx) noexcept nogil:
    """The same with g[k] = ((1 - smoothing) q[k] + smoothing / K) w[k]; a class with g = 0 adds nothing."""
    cdef Py_ssize_t k, K = loss.rows.shape[3]
    cdef real m = row_largest(x, K)
    cdef double s = row_exp(x, m, dx, K), logarithm = log(s), g, v, total = 0, one = 0
    for k in range(K):
        g = ((1 - loss.smoothing) * q[k] + loss.smoothing / K) * weight_of(loss, k)
        total += g
        v = logarithm - below(x[k], m)
        one += g * (v if g != 0 else 0)  # with a branch around this sum, one build by GCC 12.2 gave wrong sums
    if dx != NULL:
        for k in range(K):
            g = ((1 - loss.smoothing) * q[k] + loss.smoothing / K) * weight_of(loss, k)
            dx[k] = <real>((dx[k] * (total / s) - g) * loss.slope_scale)
    return one
