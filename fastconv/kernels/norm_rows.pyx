"""Layer norm: x[R, K], K with unit stride, with a weight for every element of a row."""
from cython.parallel cimport prange
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset
from fastconv.kernels.threads cimport threads_for
from .runs cimport RUN, Moments, inverse_deviation, moments, scaled, sloped, vsum
from .vector cimport REAL_BYTES, VL, real, vf, vload, vsplat, vstore, vzero

cdef enum:
    MAX_LANES = 16

def rows_forward(const real[:, :] x, real[:, :] y, const real[:] w, const real[:] b, real[:] mean, real[:] invstd,
                 double eps):
    """y = (x - mean) invstd w + b, with the statistics of each row; w and b are contiguous."""
    cdef Py_ssize_t row, R = x.shape[0]
    cdef const real *pw = NULL
    cdef const real *pb = NULL
    cdef int threads = threads_for(0.4 * R * x.shape[1])
    if w is not None:
        pw = &w[0]
    if b is not None:
        pb = &b[0]
    for row in prange(R, nogil=True, num_threads=threads, schedule="static"):
        row_forward(x, y, pw, pb, mean, invstd, eps, row)


cdef void row_forward(const real[:, :] x, real[:, :] y, const real *w, const real *b, real[:] mean, real[:] invstd,
                      double eps, Py_ssize_t row) noexcept nogil:
    cdef Moments m = Moments(0, 0, 0)
    cdef double inverse
    cdef real center
    moments(&x[row, 0], 0, 1, x.shape[1], &m)
    inverse = inverse_deviation(&m, eps)
    center = <real>m.mean
    mean[row] = center
    invstd[row] = <real>inverse
    row_scale(&x[row, 0], &y[row, 0], w, b, x.shape[1], center, <real>inverse, <real>((center - m.mean) * inverse))


def rows_backward(const real[:, :] dy, const real[:, :] x, real[:, :] dx, const real[:] w, const real[:] mean,
                  const real[:] invstd, real[:] dw, real[:] db):
    cdef Py_ssize_t job, k, R = x.shape[0], K = x.shape[1]
    cdef Py_ssize_t together = max(max((R + 31) // 32, 8192 // K), <Py_ssize_t>1)  # rows of a job
    cdef Py_ssize_t jobs = (R + together - 1) // together
    cdef const real *pw = NULL
    cdef int threads = threads_for(0.8 * R * K)
    cdef double *parts = <double *>calloc(jobs * K, 2 * sizeof(double))
    cdef double g0, g1
    if parts == NULL:
        raise MemoryError(f"sums of {jobs} blocks of {K} values")
    if w is not None:
        pw = &w[0]
    for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
        rows_slope(dy, x, dx, pw, mean, invstd, job * together, min((job + 1) * together, R), parts + 2 * job * K)
    for k in range(K):
        g0, g1 = 0, 0
        for job in range(jobs):
            g0 += parts[2 * job * K + k]
            g1 += parts[(2 * job + 1) * K + k]
        db[k] = <real>g0
        dw[k] = <real>g1
    free(parts)


cdef void rows_slope(const real[:, :] dy, const real[:, :] x, real[:, :] dx, const real *w, const real[:] mean,
                     const real[:] invstd, Py_ssize_t first, Py_ssize_t stop, double *part) noexcept nogil:
    """dx of some rows; part += dy of every element, then dy (x - m) r"""
    cdef Py_ssize_t row, K = x.shape[1]
    cdef double sums[2]
    cdef double r
    for row in range(first, stop):
        r = invstd[row]
        add_products(&dy[row, 0], &x[row, 0], K, mean[row], r, part, part + K)
        if dx is None:
            continue
        sums[0], sums[1] = 0, 0
        row_sums(&dy[row, 0], &x[row, 0], w, K, mean[row], sums)
        row_slope(&dy[row, 0], &x[row, 0], w, &dx[row, 0], K, mean[row], <real>r,
                  <real>(-r * r * r * sums[1] / K), <real>(-r * sums[0] / K))


cdef void add_products(const real *dy, const real *x, Py_ssize_t K, real center, double r, double *sums,
                       double *products) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(K):
        sums[k] += dy[k]
        products[k] += dy[k] * ((x[k] - center) * r)


cdef void row_sums(const real *dy, const real *x, const real *w, Py_ssize_t count, real center,
                   double *sums) noexcept nogil:
    """sums += (sum g, sum g (x - center)), g = dy or (w not NULL) dy w"""
    cdef Py_ssize_t start = 0
    while start < count:
        part_sums(dy + start, x + start, w, min(<Py_ssize_t>RUN, count - start), center, sums)
        start += RUN
        if w != NULL:
            w += RUN


cdef void part_sums(const real *dy, const real *x, const real *w, Py_ssize_t count, real center,
                    double *sums) noexcept nogil:
    cdef vf s0 = vzero, s1 = vzero, q0 = vzero, q1 = vzero, c = vsplat(center), g0, g1
    cdef Py_ssize_t i, twos = count // (2 * VL), vectors = count // VL
    cdef double g
    for i in range(twos):
        g0 = vload(dy + 2 * i * VL)
        g1 = vload(dy + (2 * i + 1) * VL)
        if w != NULL:
            g0 = g0 * vload(w + 2 * i * VL)
            g1 = g1 * vload(w + (2 * i + 1) * VL)
        s0 = s0 + g0
        s1 = s1 + g1
        q0 = q0 + g0 * (vload(x + 2 * i * VL) - c)
        q1 = q1 + g1 * (vload(x + (2 * i + 1) * VL) - c)
    for i in range(2 * twos, vectors):
        g0 = vload(dy + i * VL)
        if w != NULL:
            g0 = g0 * vload(w + i * VL)
        s0 = s0 + g0
        q0 = q0 + g0 * (vload(x + i * VL) - c)
    sums[0] += vsum(s0 + s1)
    sums[1] += vsum(q0 + q1)
    for i in range(vectors * VL, count):
        g = dy[i]
        if w != NULL:
            g *= w[i]
        sums[0] += g
        sums[1] += g * (x[i] - center)


cdef void row_scale(const real *x, real *y, const real *w, const real *b, Py_ssize_t count, real center, real scale,
                    real shift) noexcept nogil:
    """y = (x - center) scale + shift, then, where they are not NULL, times w, plus b"""
    cdef vf c = vsplat(center), s = vsplat(scale), t = vsplat(shift), v
    cdef real lanes[3][MAX_LANES]
    cdef Py_ssize_t i, vectors = count // VL, rest = count % VL
    for i in range(vectors):
        v = scaled(vload(x + i * VL), c, s, t)
        if w != NULL:
            v = v * vload(w + i * VL)
        if b != NULL:
            v = v + vload(b + i * VL)
        vstore(y + i * VL, v)
    if rest:
        memset(lanes, 0, sizeof(lanes))
        memcpy(lanes[0], x + vectors * VL, rest * REAL_BYTES)
        v = scaled(vload(lanes[0]), c, s, t)
        if w != NULL:
            memcpy(lanes[1], w + vectors * VL, rest * REAL_BYTES)
            v = v * vload(lanes[1])
        if b != NULL:
            memcpy(lanes[2], b + vectors * VL, rest * REAL_BYTES)
            v = v + vload(lanes[2])
        vstore(lanes[0], v)
        memcpy(y + vectors * VL, lanes[0], rest * REAL_BYTES)


cdef void row_slope(const real *dy, const real *x, const real *w, real *dx, Py_ssize_t count, real center, real scale,
                    real slope, real shift) noexcept nogil:
    """dx = g scale + (x - center) slope + shift, g = dy or (w not NULL) dy w"""
    cdef vf c = vsplat(center), a = vsplat(scale), k = vsplat(slope), e = vsplat(shift), g
    cdef real lanes[3][MAX_LANES]
    cdef Py_ssize_t i, vectors = count // VL, rest = count % VL
    for i in range(vectors):
        g = vload(dy + i * VL)
        if w != NULL:
            g = g * vload(w + i * VL)
        vstore(dx + i * VL, sloped(g, vload(x + i * VL), c, a, k, e))
    if rest:
        memset(lanes, 0, sizeof(lanes))
        memcpy(lanes[0], dy + vectors * VL, rest * REAL_BYTES)
        memcpy(lanes[1], x + vectors * VL, rest * REAL_BYTES)
        g = vload(lanes[0])
        if w != NULL:
            memcpy(lanes[2], w + vectors * VL, rest * REAL_BYTES)
            g = g * vload(lanes[2])
        vstore(lanes[0], sloped(g, vload(lanes[1]), c, a, k, e))
        memcpy(dx + vectors * VL, lanes[0], rest * REAL_BYTES)
