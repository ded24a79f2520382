"""Batch and group norm over planes: x[A, B, K, P], P with unit stride; a set (a, b) of K planes shares its mean.

Batch norm: sets are channels, planes are samples. Group norm: sets are (sample, group), planes are channels. A set is
read for its sums and read again, from its end, for the result while it is still in the cache.
"""
from cython.parallel cimport prange
from libc.stdlib cimport calloc, free, malloc
from fastconv.kernels.runtime.threads cimport threads_for
from .moments cimport PAST_CACHES, RUN, Moments, inverse_deviation, inverse_root, moments, remember, scale_of, scaled
from .moments cimport shift_of, sloped, vactivate, vfma, vgate, vload_part, vstore_part, vsum
from ..simd.vector cimport REAL_BYTES, VL, real, vf, vfence, vload, vsplat, vstore, vstream, vzero

cdef struct Planes:
    char *base                # NULL: absent
    Py_ssize_t outer, set, k  # steps in bytes


cdef struct Numbers:
    real center, scale, shift


cdef Planes planes_of(const real[:, :, :, :] a) noexcept nogil:
    if a is None:
        return Planes(NULL, 0, 0, 0)
    return Planes(<char *>&a[0, 0, 0, 0], a.strides[0], a.strides[1], a.strides[2])


cdef inline real *plane(const Planes *p, Py_ssize_t a, Py_ssize_t s, Py_ssize_t k) noexcept nogil:
    if p.base == NULL:
        return NULL
    return <real *>(p.base + a * p.outer + s * p.set + k * p.k)


cdef bint past_caches(const Planes *p, Py_ssize_t count, Py_ssize_t P) noexcept nogil:
    """Whether a result is large and all its vectors are aligned."""
    return (count * P * REAL_BYTES >= PAST_CACHES and P % VL == 0
            and (<Py_ssize_t>p.base | p.outer | p.set | p.k) % (VL * REAL_BYTES) == 0)


# ---------------------------------------------------------------- forward


cdef struct Forward:
    Planes x, y, z  # z: the residual
    Py_ssize_t B, K, P
    int activation
    bint stream


def planes_forward(const real[:, :, :, :] x, real[:, :, :, :] y, const real[:, :, :, :] z, const real[:, :] w,
                   const real[:, :] b, real[:, :] mean, real[:, :] low, real[:, :] invstd, real[:] running_mean,
                   real[:] running_var, double momentum, double eps, bint training, int activation, bint exact):
    """y = activation((x - mean) invstd w[b, k] + b[b, k] + z), z may be None; the mean and variance of each set, or
    (not training) the running ones, or, without those, the given. low: what rounding took from mean; not exact: it is
    left out of y."""
    cdef Py_ssize_t job, sets = x.shape[0] * x.shape[1], K = x.shape[2], P = x.shape[3]
    cdef int threads = threads_for(0.4 * sets * K * P)
    cdef Forward f = Forward(planes_of(x), planes_of(y), planes_of(z), x.shape[1], K, P, activation, False)
    cdef Numbers *numbers
    cdef Py_ssize_t together = max(<Py_ssize_t>1, 16384 // P), cuts = (x.shape[1] + together - 1) // together
    f.stream = past_caches(&f.y, sets * K, P) and f.y.base != f.x.base and f.y.base != f.z.base
    if training:
        for job in prange(sets, nogil=True, num_threads=threads, schedule="static"):
            set_forward(&f, w, b, mean, low, invstd, running_mean, running_var, momentum, eps, exact, job)
        return
    numbers = <Numbers *>malloc(sets * sizeof(Numbers))
    if numbers == NULL:
        raise MemoryError(f"numbers of {sets} channels")
    for job in range(sets):
        if running_mean is None:
            numbers[job].center, numbers[job].scale = mean[0, job], invstd[0, job]
        else:
            numbers[job].center = running_mean[job]
            numbers[job].scale = <real>inverse_root(running_var[job], eps)
            if mean is not None:
                mean[0, job], invstd[0, job] = numbers[job].center, numbers[job].scale
                if low is not None:
                    low[0, job] = 0
        numbers[job].shift = shift_of(numbers[job].scale, 1 if w is None else w[job, 0], 0 if b is None else b[job, 0],
                                      0 if low is None else low[0, job])
        numbers[job].scale = scale_of(numbers[job].scale, 1 if w is None else w[job, 0])
    for job in prange(K * cuts, nogil=True, num_threads=threads, schedule="static"):
        sample_forward(&f, numbers, job // cuts, job % cuts * together, together)
    free(numbers)


cdef void sample_forward(const Forward *f, const Numbers *numbers, Py_ssize_t k, Py_ssize_t first,
                         Py_ssize_t together) noexcept nogil:
    """Some channels of a sample."""
    cdef Py_ssize_t s
    for s in range(first, min(first + together, f.B)):
        plane_scale(f, 0, s, k, numbers + s)
    if f.stream:
        vfence()


cdef void set_forward(const Forward *f, const real[:, :] w, const real[:, :] b, real[:, :] mean, real[:, :] low,
                      real[:, :] invstd, real[:] running_mean, real[:] running_var, double momentum, double eps,
                      bint exact, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t a = job // f.B, s = job % f.B, k
    cdef Moments m = Moments(0, 0, 0)
    cdef Numbers n
    cdef double scale
    cdef real rounded, inverse
    moments(plane(&f.x, a, s, 0), f.x.k // REAL_BYTES, f.K, f.P, &m)
    inverse = <real>inverse_deviation(&m, eps)
    if running_mean is not None:
        remember(&m, &running_mean[s], &running_var[s], momentum)
    n.center = <real>m.mean
    rounded = <real>(m.mean - n.center) if exact else 0
    if mean is not None:
        mean[a, s] = n.center
        invstd[a, s] = inverse
        if low is not None:
            low[a, s] = rounded
    for k in range(f.K - 1, -1, -1):
        scale = 1 if w is None else w[s, k]
        n.scale = scale_of(inverse, scale)
        n.shift = shift_of(inverse, scale, 0 if b is None else b[s, k], rounded)
        plane_scale(f, a, s, k, &n)
    if f.stream:
        vfence()


cdef inline void plane_scale(const Forward *f, Py_ssize_t a, Py_ssize_t s, Py_ssize_t k,
                             const Numbers *n) noexcept nogil:
    cdef const real *x = plane(&f.x, a, s, k)
    cdef const real *z = plane(&f.z, a, s, k)
    cdef real *y = plane(&f.y, a, s, k)
    if f.activation == 0:
        scale_to(x, z, y, f.P, n, 0, f.stream)
    elif f.activation == 1:
        scale_to(x, z, y, f.P, n, 1, f.stream)
    else:
        scale_to(x, z, y, f.P, n, 2, f.stream)


cdef inline void scale_to(const real *x, const real *z, real *y, Py_ssize_t count, const Numbers *n,
                          const int activation, bint stream) noexcept nogil:
    if z == NULL and stream:
        run_scale(x, z, y, count, n, activation, False, True)
    elif z == NULL:
        run_scale(x, z, y, count, n, activation, False, False)
    elif stream:
        run_scale(x, z, y, count, n, activation, True, True)
    else:
        run_scale(x, z, y, count, n, activation, True, False)


cdef inline void run_scale(const real *x, const real *z, real *y, Py_ssize_t count, const Numbers *n,
                           const int activation, const bint add, const bint stream) noexcept nogil:
    """y = activation((x - center) scale + shift + z)"""
    cdef vf c = vsplat(n.center), s = vsplat(n.scale), t = vsplat(n.shift), v
    cdef Py_ssize_t i, vectors = count // VL, rest = count % VL
    for i in range(vectors):
        v = scaled(vload(x + i * VL), c, s, t)
        if add:
            v = v + vload(z + i * VL)
        v = vactivate(v, activation)
        if stream:
            vstream(y + i * VL, v)
        else:
            vstore(y + i * VL, v)
    if rest:
        v = scaled(vload_part(x + vectors * VL, rest, c), c, s, t)
        if add:
            v = v + vload_part(z + vectors * VL, rest, vzero)
        vstore_part(y + vectors * VL, vactivate(v, activation), rest)


# ---------------------------------------------------------------- backward


cdef struct Backward:
    Planes dy, x, y, dx, dz  # y, unless absent: where the mask is read; dz, where wanted: what the mask leaves of dy
    Py_ssize_t B, K, P
    int activation
    bint stream
    bint apart  # sums for each plane, not for each set


def planes_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, const real[:, :, :, :] y,
                    real[:, :, :, :] dx, real[:, :, :, :] dz, const real[:, :] w, const real[:, :] b,
                    const real[:, :] mean, const real[:, :] low, const real[:, :] invstd, real[:] dw, real[:] db,
                    bint training, int activation):
    """dx and dz (unless None), and dw, db: one for each set (their length is B), or one for each plane of B K"""
    cdef Py_ssize_t job, a, at, A = x.shape[0], B = x.shape[1], K = x.shape[2], P = x.shape[3]
    cdef int threads = threads_for(0.5 * A * B * K * P)
    cdef bint apart = not (dw.shape[0] == B and A == 1)
    cdef Py_ssize_t each = K if apart else 1
    cdef Backward f = Backward(planes_of(dy), planes_of(x), planes_of(y), planes_of(dx), planes_of(dz), B, K, P,
                               activation, False, apart)
    cdef double *sums = <double *>calloc(A * B * each + 1, 2 * sizeof(double))
    cdef double g0, g1
    if sums == NULL:
        raise MemoryError(f"sums of {A * B * each} planes")
    if activation == 0 and f.dz.base == f.dy.base:
        f.dz.base = NULL  # nothing to do
    f.stream = (f.dx.base != NULL and past_caches(&f.dx, A * B * K, P) and f.dx.base != f.dy.base
                and f.dx.base != f.x.base and f.dx.base != f.y.base)
    for job in prange(A * B, nogil=True, num_threads=threads, schedule="static"):
        set_backward(&f, w, b, mean, low, invstd, training, job, sums + 2 * job * each)
    for at in range(B * each):
        g0, g1 = 0, 0
        for a in range(A):
            g0 += sums[2 * (a * B * each + at)]
            g1 += sums[2 * (a * B * each + at) + 1]
        db[at] = <real>g0
        dw[at] = <real>g1
    free(sums)


cdef void set_backward(const Backward *f, const real[:, :] w, const real[:, :] b, const real[:, :] mean,
                       const real[:, :] low, const real[:, :] invstd, bint training, Py_ssize_t job,
                       double *sums) noexcept nogil:
    """dx = r (w dz - g0 - (x - m) r^2 g1), r = invstd, g0 and g1 the means of w dz and of w dz (x - m) over the set;
    leaves sum dz and sum dz (x - m) r of the set or of every plane in sums."""
    cdef Py_ssize_t a = job // f.B, s = job % f.B, k, row = 0, start, count, together = 1, at
    cdef double r = invstd[a, s], g0 = 0, g1 = 0, scale = 1 if w is None else w[s, 0]
    cdef Numbers n
    cdef real own
    n.center = mean[a, s]
    n.scale = scale_of(invstd[a, s], scale)
    n.shift = shift_of(invstd[a, s], scale, 0 if b is None else b[s, 0], 0 if low is None else low[a, s])
    if not f.apart:
        together = max(<Py_ssize_t>1, RUN // f.P)
    while row < f.K:
        at = row if f.apart else 0
        count = min(together, f.K - row)
        start = 0
        while start < f.P:
            run_products(f, a, s, row, start, count, min(f.P, f.P if together > 1 else start + RUN), &n, sums + 2 * at)
            start += max(<Py_ssize_t>RUN, f.P if together > 1 else 0)
        row += together
    for k in range(f.K if f.apart else 1):
        scale = 1 if w is None else w[s, k]
        g0 += scale * sums[2 * k]
        g1 += scale * sums[2 * k + 1]
        sums[2 * k + 1] *= r
    if f.dx.base == NULL:
        return
    g0 = -r * g0 / (f.K * f.P) if training else 0
    g1 = -r * r * r * g1 / (f.K * f.P) if training else 0
    for k in range(f.K - 1, -1, -1):
        own = scale_of(invstd[a, s], 1 if w is None else w[s, k])
        plane_slope(f, a, s, k, &n, own, <real>g1, <real>g0)
    if f.stream:
        vfence()


cdef void run_products(const Backward *f, Py_ssize_t a, Py_ssize_t s, Py_ssize_t k, Py_ssize_t start, Py_ssize_t rows,
                       Py_ssize_t stop, const Numbers *n, double *sums) noexcept nogil:
    """sums += (sum dz, sum dz (x - center)) of some planes from `start` to `stop`; dz is stored where it is wanted."""
    if f.activation == 0:
        products_kept(f, a, s, k, start, rows, stop, n, sums, 0, False)
    elif f.activation == 1 and f.y.base == NULL:
        products_kept(f, a, s, k, start, rows, stop, n, sums, 1, False)
    elif f.activation == 1:
        products_kept(f, a, s, k, start, rows, stop, n, sums, 1, True)
    elif f.y.base == NULL:
        products_kept(f, a, s, k, start, rows, stop, n, sums, 2, False)
    else:
        products_kept(f, a, s, k, start, rows, stop, n, sums, 2, True)


cdef inline void products_kept(const Backward *f, Py_ssize_t a, Py_ssize_t s, Py_ssize_t k, Py_ssize_t start,
                               Py_ssize_t rows, Py_ssize_t stop, const Numbers *n, double *sums,
                               const int activation, const bint given) noexcept nogil:
    if f.dz.base == NULL:
        products(f, a, s, k, start, rows, stop, n, sums, activation, given, False)
    else:
        products(f, a, s, k, start, rows, stop, n, sums, activation, given, True)


cdef inline vf gated(vf g, vf x, const real *y, vf c, vf s, vf t, const int activation,
                     const bint given) noexcept nogil:
    """g where the activation of y, or of (x - c) s + t, let it through, else 0"""
    if activation == 0:
        return g
    return vgate(g, vload(y) if given else scaled(x, c, s, t), activation)


cdef inline vf gated_part(vf g, vf x, const real *y, Py_ssize_t rest, vf c, vf s, vf t, const int activation,
                          const bint given) noexcept nogil:
    if activation == 0:
        return g
    return vgate(g, vload_part(y, rest, vzero) if given else scaled(x, c, s, t), activation)


cdef inline void products(const Backward *f, Py_ssize_t a, Py_ssize_t set, Py_ssize_t k, Py_ssize_t start,
                          Py_ssize_t rows, Py_ssize_t stop, const Numbers *n, double *sums, const int activation,
                          const bint given, const bint keep) noexcept nogil:
    cdef vf s0 = vzero, s1 = vzero, q0 = vzero, q1 = vzero, g0, g1, x0, x1
    cdef vf c = vsplat(n.center), s = vsplat(n.scale), t = vsplat(n.shift)
    cdef Py_ssize_t i, row, count = stop - start, twos = count // (2 * VL), vectors = count // VL, rest = count % VL
    cdef const real *dy
    cdef const real *x
    cdef const real *y = NULL
    cdef real *dz = NULL
    for row in range(k, k + rows):
        dy = plane(&f.dy, a, set, row) + start
        x = plane(&f.x, a, set, row) + start
        if given:
            y = plane(&f.y, a, set, row) + start
        if keep:
            dz = plane(&f.dz, a, set, row) + start
        for i in range(twos):
            x0 = vload(x + 2 * i * VL)
            x1 = vload(x + (2 * i + 1) * VL)
            g0 = gated(vload(dy + 2 * i * VL), x0, y + 2 * i * VL, c, s, t, activation, given)
            g1 = gated(vload(dy + (2 * i + 1) * VL), x1, y + (2 * i + 1) * VL, c, s, t, activation, given)
            if keep:
                vstore(dz + 2 * i * VL, g0)
                vstore(dz + (2 * i + 1) * VL, g1)
            s0 = s0 + g0
            s1 = s1 + g1
            q0 = vfma(g0, x0 - c, q0)
            q1 = vfma(g1, x1 - c, q1)
        for i in range(2 * twos, vectors):
            x0 = vload(x + i * VL)
            g0 = gated(vload(dy + i * VL), x0, y + i * VL, c, s, t, activation, given)
            if keep:
                vstore(dz + i * VL, g0)
            s0 = s0 + g0
            q0 = vfma(g0, x0 - c, q0)
        if rest:
            i = vectors * VL
            x0 = vload_part(x + i, rest, c)
            g0 = gated_part(vload_part(dy + i, rest, vzero), x0, y + i, rest, c, s, t, activation, given)
            if keep:
                vstore_part(dz + i, g0, rest)
            s1 = s1 + g0
            q1 = vfma(g0, x0 - c, q1)
    sums[0] += vsum(s0 + s1)
    sums[1] += vsum(q0 + q1)


cdef inline void plane_slope(const Backward *f, Py_ssize_t a, Py_ssize_t s, Py_ssize_t k, const Numbers *n, real scale,
                             real slope, real shift) noexcept nogil:
    """dx of one plane; dz is read where it was stored."""
    cdef const real *x = plane(&f.x, a, s, k)
    cdef const real *y = plane(&f.y, a, s, k)
    cdef const real *dy = plane(&f.dy, a, s, k)
    cdef real *dx = plane(&f.dx, a, s, k)
    if f.dz.base != NULL:
        slope_to(plane(&f.dz, a, s, k), x, y, dx, f.P, n, scale, slope, shift, 0, False, f.stream)
    elif f.activation == 0:
        slope_to(dy, x, y, dx, f.P, n, scale, slope, shift, 0, False, f.stream)
    elif f.activation == 1 and y == NULL:
        slope_to(dy, x, y, dx, f.P, n, scale, slope, shift, 1, False, f.stream)
    elif f.activation == 1:
        slope_to(dy, x, y, dx, f.P, n, scale, slope, shift, 1, True, f.stream)
    elif y == NULL:
        slope_to(dy, x, y, dx, f.P, n, scale, slope, shift, 2, False, f.stream)
    else:
        slope_to(dy, x, y, dx, f.P, n, scale, slope, shift, 2, True, f.stream)


cdef inline void slope_to(const real *dy, const real *x, const real *y, real *dx, Py_ssize_t count, const Numbers *n,
                          real scale, real slope, real shift, const int activation, const bint given,
                          bint stream) noexcept nogil:
    if stream:
        run_slope(dy, x, y, dx, count, n, scale, slope, shift, activation, given, True)
    else:
        run_slope(dy, x, y, dx, count, n, scale, slope, shift, activation, given, False)


cdef inline void run_slope(const real *dy, const real *x, const real *y, real *dx, Py_ssize_t count, const Numbers *n,
                           real scale, real slope, real shift, const int activation, const bint given,
                           const bint stream) noexcept nogil:
    """dx = dz scale + (x - center) slope + shift"""
    cdef vf c = vsplat(n.center), s = vsplat(n.scale), t = vsplat(n.shift), g, v
    cdef vf a = vsplat(scale), k = vsplat(slope), e = vsplat(shift)
    cdef Py_ssize_t i, vectors = count // VL, rest = count % VL
    for i in range(vectors):
        v = vload(x + i * VL)
        g = gated(vload(dy + i * VL), v, y + i * VL, c, s, t, activation, given)
        v = sloped(g, v, c, a, k, e)
        if stream:
            vstream(dx + i * VL, v)
        else:
            vstore(dx + i * VL, v)
    if rest:
        i = vectors * VL
        v = vload_part(x + i, rest, c)
        g = gated_part(vload_part(dy + i, rest, vzero), v, y + i, rest, c, s, t, activation, given)
        vstore_part(dx + i, sloped(g, v, c, a, k, e), rest)
