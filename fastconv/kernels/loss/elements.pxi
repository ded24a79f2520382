# Losses of elements: the mean or sum of l(x, t) over all elements, or l of every element. The arguments of all:
# x, t and (some) w of one shape; `values` takes every l, or, if it is None, value[0] = scale sum l;
# dx = slope_scale dl/dx, unless it is None. carried: None, or (sum[1] in double, whether this is the first part) of
# arrays in several parts of whole jobs; the sum goes on from part to part, and has the bits of one call.


def mse(const real[:, :, :, :] x, const real[:, :, :, :] t, real[:, :, :, :] values, real[:, :, :, :] dx,
        real[:] value, double scale, double slope_scale, carried=None):
    """loss (x - t)^2, slope 2 (x - t)"""
    each(mse_run, DIFFERENCE_LOSS_NS, x, t, None, values, dx, value, scale, 0, 2 * slope_scale, carried)


def l1(const real[:, :, :, :] x, const real[:, :, :, :] t, real[:, :, :, :] values, real[:, :, :, :] dx,
       real[:] value, double scale, double slope_scale, carried=None):
    """loss |x - t|, slope sign(x - t)"""
    each(l1_run, DIFFERENCE_LOSS_NS, x, t, None, values, dx, value, scale, 0, slope_scale, carried)


def huber(const real[:, :, :, :] x, const real[:, :, :, :] t, real[:, :, :, :] values, real[:, :, :, :] dx,
          real[:] value, double scale, double slope_scale, double delta, carried=None):
    """d = x - t: loss d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2); slope min(max(d, -delta), delta)"""
    each(huber_run, DIFFERENCE_LOSS_NS, x, t, None, values, dx, value, scale, delta, slope_scale, carried)


def bce(const real[:, :, :, :] x, const real[:, :, :, :] t, real[:, :, :, :] values, real[:, :, :, :] dx,
        real[:] value, double scale, double slope_scale, carried=None):
    """loss log(1 + exp(x)) - x t, which is -t log s - (1 - t) log(1 - s), s = sigmoid(x); slope s - t"""
    each(bce_run, EXP_LOSS_NS, x, t, None, values, dx, value, scale, 0, slope_scale, carried)


def bce_positive(const real[:, :, :, :] x, const real[:, :, :, :] t, const real[:, :, :, :] w,
                 real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, double scale, double slope_scale,
                 carried=None):
    """loss -w t log s - (1 - t) log(1 - s), s = sigmoid(x): w weighs the positives; slope (1 - t) s - w t (1 - s)"""
    each(bce_positive_run, EXP_LOSS_NS, x, t, w, values, dx, value, scale, 0, slope_scale, carried)


def bce_weighted(const real[:, :, :, :] x, const real[:, :, :, :] t, const real[:, :, :, :] w,
                 real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, double scale, double slope_scale,
                 carried=None):
    """w times `bce`"""
    each(bce_weighted_run, EXP_LOSS_NS, x, t, w, values, dx, value, scale, 0, slope_scale, carried)


def bce_sides(const real[:, :, :, :] x, const real[:, :, :, :] t, const real[:, :, :, :] w,
              real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, double scale, double slope_scale,
              carried=None):
    """loss -t log s - w log(1 - s), s = sigmoid(x): t weighs yes, w weighs no; slope w s - t (1 - s)"""
    each(bce_sides_run, EXP_LOSS_NS, x, t, w, values, dx, value, scale, 0, slope_scale, carried)


cdef int each(formula run, double cost, const real[:, :, :, :] x, const real[:, :, :, :] t,
              const real[:, :, :, :] w, real[:, :, :, :] values, real[:, :, :, :] dx, real[:] value, double scale,
              real p, real slope_scale, carried) except -1:
    """values = l(x, t, w), or (values None) value = scale sum l; dx = slope_scale dl/dx. cost: ns per element.

    w and dx may be None. p: the number of the formula.
    """
    cdef Elementwise e
    cdef int axis
    cdef double[:] sums = None if carried is None else carried[0]
    cdef double total = 0 if carried is None or carried[1] else sums[0]
    e.total = x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3]
    if e.total > 0:
        e.run, e.p, e.q = run, p, slope_scale
        for axis in range(4):
            e.shape[axis] = x.shape[axis]
        set_array(&e, 0, &x[0, 0, 0, 0], x.strides)
        set_array(&e, 1, &t[0, 0, 0, 0], t.strides)
        for axis in range(2, 5):
            set_array(&e, axis, NULL, x.strides)
        if w is not None:
            set_array(&e, 2, &w[0, 0, 0, 0], w.strides)
        if values is not None:
            set_array(&e, 3, &values[0, 0, 0, 0], values.strides)
        if dx is not None:
            set_array(&e, 4, &dx[0, 0, 0, 0], dx.strides)
        total = run_jobs(&e, cost, total)
    if sums is not None:
        sums[0] = total
    if values is None:
        value[0] = <real>(total * scale)
    return 0


cdef double run_jobs(Elementwise *e, double cost, double total) except? -1:
    """All jobs; total and the losses in the order of the jobs, where they are summed."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job, jobs = plan_jobs(e)
    cdef int threads = threads_for(cost * e.total)
    cdef double *partial = <double *>malloc(jobs * sizeof(double))
    if partial == NULL:
        raise MemoryError(f"sums of {jobs} blocks")
    share_out(&ranges, jobs, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            partial[job] = run_job(e, job)
            job = next_job(&ranges, thread)
    for job in range(jobs):
        total += partial[job]
    free(partial)
    return total
