# The loss of one row of class scores x[k], k < K. With m = max_k x[k], s = sum_k exp(x[k] - m), p[k] = exp(x[k] - m) / s
# and g[k], what the row asks for of each class:
#     loss = -sum_k g[k] log p[k] = sum_k g[k] (log s - (x[k] - m)),   dx[k] = sum(g) p[k] - g[k]
# A class index t:       g[k] = (1 - smoothing) w[t] [k = t] + smoothing / K w[k]      (Szegedy 2016, label smoothing)
# Probabilities q[k]:    g[k] = ((1 - smoothing) q[k] + smoothing / K) w[k]

cdef enum:
    LOGITS = 0         # cross entropy with class indices
    PROBABILITIES = 1  # cross entropy with a probability for each class
    LOGARITHMS = 2     # negative log likelihood: x holds log-probabilities

cdef struct Loss:
    Rows rows              # x, probabilities or NULL, dx or NULL
    int kind
    const char *targets    # class indices, or NULL
    Py_ssize_t target_stride[3]
    char *values           # takes the loss of every row, or NULL
    Py_ssize_t value_stride[3]
    const real *weight     # of every class, or NULL: all are 1
    Py_ssize_t weight_stride
    long long ignored      # rows of this class count nothing
    double smoothing
    double smooth_weight   # smoothing / K sum_k w[k]
    double slope_scale     # factor of dx


cdef double weight_of(const Loss *loss, Py_ssize_t k) noexcept nogil:
    """w[k]"""
    if loss.weight == NULL:
        return 1
    return (<const real *>(<const char *>loss.weight + k * loss.weight_stride))[0]


cdef long long target_of(const Loss *loss, Py_ssize_t row) noexcept nogil:
    """The class of a row; rows are counted over the first three axes."""
    cdef Py_ssize_t inner = loss.rows.shape[1] * loss.rows.shape[2]
    return (<const long long *>(loss.targets + row // inner * loss.target_stride[0]
                                + row % inner // loss.rows.shape[2] * loss.target_stride[1]
                                + row % loss.rows.shape[2] * loss.target_stride[2]))[0]


cdef void store_value(const Loss *loss, Py_ssize_t row, double one) noexcept nogil:
    """values[row] = one"""
    cdef Py_ssize_t inner = loss.rows.shape[1] * loss.rows.shape[2]
    (<real *>(loss.values + row // inner * loss.value_stride[0]
              + row % inner // loss.rows.shape[2] * loss.value_stride[1]
              + row % loss.rows.shape[2] * loss.value_stride[2]))[0] = <real>one


cdef double row_class(const Loss *loss, const real *x, long long t, real *dx) noexcept nogil:
    """A row of class t: sharp (log s - (x[t] - m)) + sum_k smoothing / K w[k] (log s - (x[k] - m)).

    sharp = (1 - smoothing) w[t]. A row of log-probabilities: -w[t] x[t].
    """
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
    """Whether g v counts as 0 because g is 0, although v is infinite."""
    return g == 0 and fabs(v) > REAL_MAX


cdef void row_slope(const Loss *loss, real *dx, Py_ssize_t K, double factor) noexcept nogil:
    """dx[k] = factor dx[k] - slope_scale smoothing / K w[k], dx holding exp(x[k] - m)."""
    cdef real f = <real>factor, smooth = <real>(loss.smoothing / K * loss.slope_scale)
    cdef Py_ssize_t k
    for k in range(K):
        dx[k] = dx[k] * f
    if loss.smoothing != 0:
        for k in range(K):
            dx[k] -= smooth * <real>weight_of(loss, k)


cdef double row_probabilities(const Loss *loss, const real *x, const real *q, real *dx) noexcept nogil:
    """A row with probabilities: sum_k g[k] (log s - (x[k] - m)); a class with g[k] = 0 adds nothing.

    dx holds exp(x[k] - m) first, then slope_scale (sum(g) / s exp(x[k] - m) - g[k]).
    """
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
