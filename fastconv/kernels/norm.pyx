"""Normalisation: batch and group norm over planes or over pixels, layer norm over rows, local response norm.

Means and variances: a run of values that fits the cache is read twice, for its mean and then for the sums of d and d^2,
d = x - mean, so that nothing cancels; the runs join in double, in their order. y = (x - mean) scale + shift with what
rounding took from the mean put into the shift.

    planes   x[A, B, K, P], P with unit stride: a set (a, b) of K planes shares its mean. Batch norm: sets are channels,
             planes are samples; group norm: sets are (sample, group), planes are channels. A set is read for its sums
             and read again for the result while it is still in the cache.
    pixels   x[N, P, C], C with unit stride (channels-last memory). Batch norm: N = 1, P counts all pixels.
    rows     x[R, K], K with unit stride, with a weight for every element of a row.
"""
from cython.parallel cimport prange
from libc.math cimport sqrt
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset
from fastconv.kernels.threads cimport threads_for
from .rows cimport MAX_LANES, lanes_sum
from .vector cimport REAL_BYTES, VL, real, vf, vload, vsplat, vstore, vzero

cdef extern from *:
    """
    #include <math.h>
    #if REAL_BYTES == 4
    #define RSQRT sqrtf
    #define RPOW powf
    #else
    #define RSQRT sqrt
    #define RPOW pow
    #endif
    /* d^-beta; 3/4 is everybody's beta */
    static void lrn_power(const REAL *d, REAL *y, Py_ssize_t n, double beta) {
        if (beta == 0.75)
            for (Py_ssize_t i = 0; i < n; i++) { REAL s = RSQRT(d[i]); y[i] = 1 / (s * RSQRT(s)); }
        else
            for (Py_ssize_t i = 0; i < n; i++) y[i] = RPOW(d[i], (REAL)-beta);
    }
    """
    void lrn_power(const real *d, real *y, Py_ssize_t n, double beta) noexcept nogil

cdef enum:
    RUN = 2048   # values summed in vectors before they join sums in double
    WIDE = 4     # vectors of channels at a time
    STRIP = 64   # pixels of a job of local response norm, planar

cdef struct Moments:
    double count
    double mean
    double squares  # sum (x - mean)^2


cdef inline void join(Moments *m, double count, double mean, double squares) noexcept nogil:
    """The moments of both together (Chan, Golub and LeVeque 1983)."""
    cdef double total = m.count + count, delta = mean - m.mean
    m.squares += squares + delta * delta * (m.count * count / total)
    m.mean += delta * (count / total)
    m.count = total


# ---------------------------------------------------------------- runs of values with unit stride


cdef void run_moments(const real *x, Py_ssize_t count, Moments *m) noexcept nogil:
    cdef Py_ssize_t start = 0
    while start < count:
        part_moments(x + start, min(<Py_ssize_t>RUN, count - start), m)
        start += RUN


cdef void part_moments(const real *x, Py_ssize_t count, Moments *m) noexcept nogil:
    """At most RUN values: their mean c, then the sums of d and d^2, d = x - c."""
    cdef vf s0 = vzero, s1 = vzero, s2 = vzero, s3 = vzero, q0 = vzero, q1 = vzero, q2 = vzero, q3 = vzero
    cdef vf c, d0, d1, d2, d3
    cdef Py_ssize_t i, fours = count // (4 * VL), vectors = count // VL
    cdef double s, q, d
    cdef real center
    for i in range(fours):
        s0 = s0 + vload(x + 4 * i * VL)
        s1 = s1 + vload(x + (4 * i + 1) * VL)
        s2 = s2 + vload(x + (4 * i + 2) * VL)
        s3 = s3 + vload(x + (4 * i + 3) * VL)
    for i in range(4 * fours, vectors):
        s0 = s0 + vload(x + i * VL)
    s = lanes_sum((s0 + s1) + (s2 + s3))
    for i in range(vectors * VL, count):
        s += x[i]
    center = <real>(s / count)
    c = vsplat(center)
    s0, s1, s2, s3 = vzero, vzero, vzero, vzero
    for i in range(fours):
        d0 = vload(x + 4 * i * VL) - c
        d1 = vload(x + (4 * i + 1) * VL) - c
        d2 = vload(x + (4 * i + 2) * VL) - c
        d3 = vload(x + (4 * i + 3) * VL) - c
        s0 = s0 + d0
        s1 = s1 + d1
        s2 = s2 + d2
        s3 = s3 + d3
        q0 = q0 + d0 * d0
        q1 = q1 + d1 * d1
        q2 = q2 + d2 * d2
        q3 = q3 + d3 * d3
    for i in range(4 * fours, vectors):
        d0 = vload(x + i * VL) - c
        s0 = s0 + d0
        q0 = q0 + d0 * d0
    s = lanes_sum((s0 + s1) + (s2 + s3))
    q = lanes_sum((q0 + q1) + (q2 + q3))
    for i in range(vectors * VL, count):
        d = x[i] - center
        s += d
        q += d * d
    s /= count
    join(m, count, center + s, q - s * s * count)


cdef void run_sums(const real *dy, const real *x, const real *w, Py_ssize_t count, real center,
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
    sums[0] += lanes_sum(s0 + s1)
    sums[1] += lanes_sum(q0 + q1)
    for i in range(vectors * VL, count):
        g = dy[i]
        if w != NULL:
            g *= w[i]
        sums[0] += g
        sums[1] += g * (x[i] - center)


cdef inline vf scaled(vf x, vf center, vf scale, vf shift) noexcept nogil:
    return (x - center) * scale + shift


cdef inline vf sloped(vf g, vf x, vf center, vf a, vf k, vf e) noexcept nogil:
    """g a + (x - center) k + e"""
    return g * a + ((x - center) * k + e)


cdef void run_scale(const real *x, real *y, const real *w, const real *b, Py_ssize_t count, real center, real scale,
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


cdef void run_slope(const real *dy, const real *x, const real *w, real *dx, Py_ssize_t count, real center, real scale,
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


cdef inline double inverse_deviation(Moments *m, double eps) noexcept nogil:
    """1 / sqrt(var + eps); rounding may leave a sum of squares just below 0."""
    if m.squares < 0:
        m.squares = 0
    return 1 / sqrt(m.squares / m.count + eps)


cdef void remember(const Moments *m, real *mean, real *var, double momentum) noexcept nogil:
    """The running statistics: (1 - momentum) old + momentum new, with the unbiased variance."""
    mean[0] = <real>((1 - momentum) * mean[0] + momentum * m.mean)
    var[0] = <real>((1 - momentum) * var[0] + momentum * (m.squares / (m.count - 1)))


# ---------------------------------------------------------------- planes


def planes_forward(const real[:, :, :, :] x, real[:, :, :, :] y, const real[:, :] w, const real[:, :] b,
                   real[:, :] mean, real[:, :] invstd, real[:] running_mean, real[:] running_var, double momentum,
                   double eps, bint training):
    """y = (x - mean) invstd w[b, k] + b[b, k]; the mean and variance of each set, or (not training) the running ones"""
    cdef Py_ssize_t job, sets = x.shape[0] * x.shape[1]
    cdef int threads = threads_for(0.4 * sets * x.shape[2] * x.shape[3])
    for job in prange(sets, nogil=True, num_threads=threads, schedule="static"):
        set_forward(x, y, w, b, mean, invstd, running_mean, running_var, momentum, eps, training, job)


cdef void set_forward(const real[:, :, :, :] x, real[:, :, :, :] y, const real[:, :] w, const real[:, :] b,
                      real[:, :] mean, real[:, :] invstd, real[:] running_mean, real[:] running_var,
                      double momentum, double eps, bint training, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t a = job // x.shape[1], s = job % x.shape[1], k
    cdef Moments m = Moments(0, 0, 0)
    cdef double inverse, scale, shift
    cdef real center
    if training:
        for k in range(x.shape[2]):
            run_moments(&x[a, s, k, 0], x.shape[3], &m)
        inverse = inverse_deviation(&m, eps)
        if running_mean is not None:
            remember(&m, &running_mean[s], &running_var[s], momentum)
    else:
        m.mean = running_mean[s]
        inverse = 1 / sqrt(running_var[s] + eps)
    center = <real>m.mean
    if mean is not None:
        mean[a, s] = center
        invstd[a, s] = <real>inverse
    for k in range(x.shape[2]):
        scale, shift = inverse, 0
        if w is not None:
            scale *= w[s, k]
        if b is not None:
            shift = b[s, k]
        shift -= (m.mean - center) * scale
        run_scale(&x[a, s, k, 0], &y[a, s, k, 0], NULL, NULL, x.shape[3], center, <real>scale, <real>shift)


def planes_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx, const real[:, :] w,
                    const real[:, :] mean, const real[:, :] invstd, real[:] dw, real[:] db, bint training):
    """dx (unless None), and dw, db: one for each set (their length is B), or one for each plane of B K"""
    cdef Py_ssize_t job, a, s, k, at, A = x.shape[0], B = x.shape[1], K = x.shape[2]
    cdef int threads = threads_for(0.5 * A * B * K * x.shape[3])
    cdef double *sums = <double *>calloc(A * B * K + 1, 2 * sizeof(double))
    cdef double g0, g1
    if sums == NULL:
        raise MemoryError(f"sums of {A * B * K} planes")
    for job in prange(A * B, nogil=True, num_threads=threads, schedule="static"):
        set_backward(dy, x, dx, w, mean, invstd, training, job, sums + 2 * job * K)
    if dw.shape[0] == B and A == 1:
        for s in range(B):
            g0, g1 = 0, 0
            for k in range(K):
                g0 += sums[2 * (s * K + k)]
                g1 += sums[2 * (s * K + k) + 1]
            db[s] = <real>g0
            dw[s] = <real>g1
    else:
        for at in range(B * K):
            g0, g1 = 0, 0
            for a in range(A):
                g0 += sums[2 * (a * B * K + at)]
                g1 += sums[2 * (a * B * K + at) + 1]
            db[at] = <real>g0
            dw[at] = <real>g1
    free(sums)


cdef void set_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx, const real[:, :] w,
                       const real[:, :] mean, const real[:, :] invstd, bint training, Py_ssize_t job,
                       double *sums) noexcept nogil:
    """dx = r (w dy - g0 - (x - m) r^2 g1), r = invstd, g0 and g1 the means of w dy and of w dy (x - m) over the set;
    leaves sum dy and sum dy (x - m) r of every plane in sums."""
    cdef Py_ssize_t a = job // x.shape[1], s = job % x.shape[1], k, K = x.shape[2], P = x.shape[3]
    cdef double r = invstd[a, s], g0 = 0, g1 = 0, scale
    cdef real center = mean[a, s]
    for k in range(K):
        run_sums(&dy[a, s, k, 0], &x[a, s, k, 0], NULL, P, center, sums + 2 * k)
        scale = 1
        if w is not None:
            scale = w[s, k]
        g0 += scale * sums[2 * k]
        g1 += scale * sums[2 * k + 1]
        sums[2 * k + 1] *= r
    if dx is None:
        return
    g0 = -r * g0 / (K * P) if training else 0
    g1 = -r * r * r * g1 / (K * P) if training else 0
    for k in range(K):
        scale = r
        if w is not None:
            scale = r * w[s, k]
        run_slope(&dy[a, s, k, 0], &x[a, s, k, 0], NULL, &dx[a, s, k, 0], P, center, <real>scale, <real>g1, <real>g0)


# ---------------------------------------------------------------- pixels


cdef struct Pixels:
    Py_ssize_t N, P, C, G
    Py_ssize_t padded   # C in whole vectors
    Py_ssize_t chunk    # pixels read twice while they are in the cache
    Py_ssize_t block    # pixels of a job
    Py_ssize_t blocks   # of a sample


cdef Pixels pixels_plan(Py_ssize_t N, Py_ssize_t P, Py_ssize_t C, Py_ssize_t G) noexcept nogil:
    cdef Pixels p
    p.N, p.P, p.C, p.G = N, P, C, G
    p.padded = (C + VL - 1) // VL * VL
    p.chunk = max(<Py_ssize_t>8, min(<Py_ssize_t>64, 4096 // C))
    p.block = 8 * p.chunk
    p.blocks = (P + p.block - 1) // p.block
    return p


def pixels_forward(const real[:, :, :] x, real[:, :, :] y, const real[:] w, const real[:] b, real[:, :] mean,
                   real[:, :] invstd, real[:] running_mean, real[:] running_var, double momentum, double eps,
                   bint training, Py_ssize_t groups):
    """y = (x - mean) invstd w[c] + b[c]; statistics of each sample and group, or (not training) the running ones"""
    cdef Pixels p = pixels_plan(x.shape[0], x.shape[1], x.shape[2], groups)
    cdef Py_ssize_t job, jobs = p.N * p.blocks
    cdef int threads = threads_for(0.4 * p.N * p.P * p.C)
    cdef double *parts = <double *>calloc(jobs * p.C * (1 if training else 0) + 2 * p.C, 2 * sizeof(double))
    cdef real *numbers = <real *>calloc(p.N * 3 * p.padded, REAL_BYTES)
    if parts == NULL or numbers == NULL:
        free(parts)
        free(numbers)
        raise MemoryError(f"sums of {jobs} blocks of {p.C} channels")
    if training:
        for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
            block_moments(&p, x, job, parts + 2 * job * p.C)
    pixels_numbers(&p, parts, parts + 2 * jobs * p.C * (1 if training else 0), numbers, w, b, mean, invstd,
                   running_mean, running_var, momentum, eps, training)
    for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
        block_scale(&p, x, y, jobs - 1 - job, numbers)  # backwards: the last blocks are still in the cache
    free(parts)
    free(numbers)


cdef void block_moments(const Pixels *p, const real[:, :, :] x, Py_ssize_t job, double *part) noexcept nogil:
    """part: C means, then C sums of squares around them."""
    cdef Py_ssize_t n = job // p.blocks, first = job % p.blocks * p.block, stop = min(first + p.block, p.P), c, count
    cdef Py_ssize_t step = x.strides[1] // REAL_BYTES, done = 0
    cdef const real *at
    while first < stop:
        count = min(p.chunk, stop - first)
        at = &x[n, first, 0]
        c = 0
        while c + WIDE * VL <= p.C:
            channels_moments(at + c, step, count, WIDE, done, part + c, part + p.C + c)
            c += WIDE * VL
        while c + VL <= p.C:
            channels_moments(at + c, step, count, 1, done, part + c, part + p.C + c)
            c += VL
        while c < p.C:
            channel_moments(at + c, step, count, done, part + c, part + p.C + c)
            c += 1
        first += count
        done += count


cdef inline void channels_moments(const real *x, Py_ssize_t step, Py_ssize_t count, const int width, Py_ssize_t done,
                                  double *mean, double *squares) noexcept nogil:
    """The moments of `width` vectors of channels over `count` pixels join those of the `done` pixels before."""
    cdef vf c[WIDE]
    cdef vf s[WIDE]
    cdef vf q[WIDE]
    cdef vf d
    cdef real lanes[3][WIDE * MAX_LANES]
    cdef Py_ssize_t i
    cdef int j
    for j in range(width):
        c[j] = vzero
        s[j] = vzero
        q[j] = vzero
    for i in range(count):
        for j in range(width):
            c[j] = c[j] + vload(x + i * step + j * VL)
    for j in range(width):
        c[j] = c[j] * vsplat(<real>(1.0 / count))
    for i in range(count):
        for j in range(width):
            d = vload(x + i * step + j * VL) - c[j]
            s[j] = s[j] + d
            q[j] = q[j] + d * d
    for j in range(width):
        vstore(lanes[0] + j * VL, c[j])
        vstore(lanes[1] + j * VL, s[j])
        vstore(lanes[2] + j * VL, q[j])
    join_all(width * VL, lanes[0], lanes[1], lanes[2], count, done, mean, squares)


cdef inline void join_all(Py_ssize_t channels, const real *center, const real *s, const real *q, Py_ssize_t count,
                          Py_ssize_t done, double *mean, double *squares) noexcept nogil:
    cdef double share = count / <double>(done + count), weight = done * share, inverse = 1.0 / count, own, delta
    cdef Py_ssize_t c
    for c in range(channels):
        own = s[c] * inverse
        delta = center[c] + own - mean[c]
        squares[c] += q[c] - own * s[c] + delta * delta * weight
        mean[c] += delta * share


cdef void channel_moments(const real *x, Py_ssize_t step, Py_ssize_t count, Py_ssize_t done, double *mean,
                          double *squares) noexcept nogil:
    """One channel, in double."""
    cdef double s = 0, q = 0, d, share = count / <double>(done + count)
    cdef Py_ssize_t i
    for i in range(count):
        s += x[i * step]
    s /= count
    for i in range(count):
        d = x[i * step] - s
        q += d * d
    d = s - mean[0]
    squares[0] += q + d * d * (done * share)
    mean[0] += d * share


cdef void pixels_numbers(const Pixels *p, const double *parts, double *total, real *numbers, const real[:] w,
                         const real[:] b, real[:, :] mean, real[:, :] invstd, real[:] running_mean,
                         real[:] running_var, double momentum, double eps, bint training) noexcept nogil:
    """The moments of all blocks, and from them center, scale and shift of every sample and channel."""
    cdef Py_ssize_t n, g, c, width = p.C // p.G
    cdef Moments m
    cdef double inverse
    for n in range(p.N):
        if training:
            join_blocks(p, parts + 2 * n * p.blocks * p.C, total)
        for g in range(p.G):
            m = Moments(0, 0, 0)
            if training:
                for c in range(g * width, (g + 1) * width):
                    join(&m, <double>p.P, total[c], total[p.C + c])
                inverse = inverse_deviation(&m, eps)
                if running_mean is not None:
                    remember(&m, &running_mean[g], &running_var[g], momentum)
            else:
                m.mean = running_mean[g]
                inverse = 1 / sqrt(running_var[g] + eps)
            if mean is not None:
                mean[n, g] = <real>m.mean
                invstd[n, g] = <real>inverse
            for c in range(g * width, (g + 1) * width):
                channel_numbers(p, numbers + n * 3 * p.padded + c, m.mean, inverse, w, b, c)


cdef void join_blocks(const Pixels *p, const double *parts, double *total) noexcept nogil:
    cdef Py_ssize_t _block, c, done = 0, count
    cdef double share, weight, delta
    memset(total, 0, 2 * p.C * sizeof(double))
    for _block in range(p.blocks):
        count = min(p.block, p.P - done)
        share = count / <double>(done + count)
        weight = done * share
        for c in range(p.C):
            delta = parts[c] - total[c]
            total[p.C + c] += parts[p.C + c] + delta * delta * weight
            total[c] += delta * share
        parts += 2 * p.C
        done += count


cdef void channel_numbers(const Pixels *p, real *numbers, double mean, double inverse, const real[:] w,
                          const real[:] b, Py_ssize_t c) noexcept nogil:
    cdef double scale = inverse, shift = 0
    if w is not None:
        scale *= w[c]
    if b is not None:
        shift = b[c]
    numbers[0] = <real>mean
    numbers[p.padded] = <real>scale
    numbers[2 * p.padded] = <real>(shift - (mean - <real>mean) * scale)


cdef void block_scale(const Pixels *p, const real[:, :, :] x, real[:, :, :] y, Py_ssize_t job,
                      const real *numbers) noexcept nogil:
    cdef Py_ssize_t n = job // p.blocks, first = job % p.blocks * p.block, stop = min(first + p.block, p.P), i
    cdef const real *own = numbers + n * 3 * p.padded
    for i in range(first, stop):
        pixel_scale(&x[n, i, 0], &y[n, i, 0], p.C, own, own + p.padded, own + 2 * p.padded)


cdef inline void pixel_scale(const real *x, real *y, Py_ssize_t C, const real *center, const real *scale,
                             const real *shift) noexcept nogil:
    cdef Py_ssize_t c, vectors = C // VL, rest = C % VL
    cdef real lanes[MAX_LANES]
    for c in range(vectors):
        vstore(y + c * VL, scaled(vload(x + c * VL), vload(center + c * VL), vload(scale + c * VL),
                                  vload(shift + c * VL)))
    if rest:
        c = vectors * VL
        memset(lanes, 0, sizeof(lanes))
        memcpy(lanes, x + c, rest * REAL_BYTES)
        vstore(lanes, scaled(vload(lanes), vload(center + c), vload(scale + c), vload(shift + c)))
        memcpy(y + c, lanes, rest * REAL_BYTES)


def pixels_backward(const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] dx, const real[:] w,
                    const real[:, :] mean, const real[:, :] invstd, real[:] dw, real[:] db, bint training):
    cdef Pixels p = pixels_plan(x.shape[0], x.shape[1], x.shape[2], mean.shape[1])
    cdef Py_ssize_t job, n, c, jobs = p.N * p.blocks
    cdef int threads = threads_for(0.5 * p.N * p.P * p.C)
    cdef double *parts = <double *>calloc((jobs + 2) * p.C, 2 * sizeof(double))
    cdef double *total = parts + 2 * jobs * p.C
    cdef real *numbers = <real *>calloc(p.N * 4 * p.padded, REAL_BYTES)
    if parts == NULL or numbers == NULL:
        free(parts)
        free(numbers)
        raise MemoryError(f"sums of {jobs} blocks of {p.C} channels")
    for n in range(p.N):
        for c in range(p.C):
            numbers[n * 4 * p.padded + c] = mean[n, c // (p.C // p.G)]
    for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
        block_sums(&p, dy, x, job, numbers, parts + 2 * job * p.C)
    pixels_slopes(&p, parts, total, numbers, w, invstd, training)
    for c in range(p.C):
        db[c] = <real>total[2 * p.C + c]
        dw[c] = <real>total[3 * p.C + c]
    if dx is not None:
        for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
            block_slope(&p, dy, x, dx, jobs - 1 - job, numbers)
    free(parts)
    free(numbers)


cdef void block_sums(const Pixels *p, const real[:, :, :] dy, const real[:, :, :] x, Py_ssize_t job,
                     const real *numbers, double *part) noexcept nogil:
    """part: sum dy of C channels, then their sum dy (x - mean)."""
    cdef Py_ssize_t n = job // p.blocks, first = job % p.blocks * p.block, stop = min(first + p.block, p.P), c, count
    cdef Py_ssize_t step = x.strides[1] // REAL_BYTES, dstep = dy.strides[1] // REAL_BYTES
    cdef const real *center = numbers + n * 4 * p.padded
    cdef const real *at
    cdef const real *dat
    while first < stop:
        count = min(p.chunk, stop - first)
        at, dat = &x[n, first, 0], &dy[n, first, 0]
        c = 0
        while c + WIDE * VL <= p.C:
            channels_sums(dat + c, dstep, at + c, step, count, WIDE, center + c, part + c, part + p.C + c)
            c += WIDE * VL
        while c + VL <= p.C:
            channels_sums(dat + c, dstep, at + c, step, count, 1, center + c, part + c, part + p.C + c)
            c += VL
        while c < p.C:
            channel_sums(dat + c, dstep, at + c, step, count, center[c], part + c, part + p.C + c)
            c += 1
        first += count


cdef inline void channels_sums(const real *dy, Py_ssize_t dstep, const real *x, Py_ssize_t step, Py_ssize_t count,
                               const int width, const real *center, double *sums, double *products) noexcept nogil:
    cdef vf m[WIDE]
    cdef vf s[WIDE]
    cdef vf q[WIDE]
    cdef vf g
    cdef real lanes[2][WIDE * MAX_LANES]
    cdef Py_ssize_t i
    cdef int j
    for j in range(width):
        m[j] = vload(center + j * VL)
        s[j] = vzero
        q[j] = vzero
    for i in range(count):
        for j in range(width):
            g = vload(dy + i * dstep + j * VL)
            s[j] = s[j] + g
            q[j] = q[j] + g * (vload(x + i * step + j * VL) - m[j])
    for j in range(width):
        vstore(lanes[0] + j * VL, s[j])
        vstore(lanes[1] + j * VL, q[j])
    for i in range(width * VL):
        sums[i] += lanes[0][i]
        products[i] += lanes[1][i]


cdef void channel_sums(const real *dy, Py_ssize_t dstep, const real *x, Py_ssize_t step, Py_ssize_t count,
                       real center, double *sums, double *products) noexcept nogil:
    cdef double s = 0, q = 0
    cdef Py_ssize_t i
    for i in range(count):
        s += dy[i * dstep]
        q += <double>dy[i * dstep] * (x[i * step] - center)
    sums[0] += s
    products[0] += q


cdef void pixels_slopes(const Pixels *p, const double *parts, double *total, real *numbers, const real[:] w,
                        const real[:, :] invstd, bint training) noexcept nogil:
    """The sums of every sample (in total), over all samples (after them), and scale, slope and shift of every
    sample and channel."""
    cdef Py_ssize_t n, _block, g, c, width = p.C // p.G
    cdef double r, g0, g1, scale, count = <double>(width * p.P)
    cdef real *own
    for n in range(p.N):
        memset(total, 0, 2 * p.C * sizeof(double))
        for _block in range(p.blocks):
            for c in range(2 * p.C):
                total[c] += parts[c]
            parts += 2 * p.C
        for g in range(p.G):
            r, g0, g1 = invstd[n, g], 0, 0
            for c in range(g * width, (g + 1) * width):
                scale = 1
                if w is not None:
                    scale = w[c]
                g0 += scale * total[c]
                g1 += scale * total[p.C + c]
                total[2 * p.C + c] += total[c]
                total[3 * p.C + c] += total[p.C + c] * r
            for c in range(g * width, (g + 1) * width):
                scale = r
                if w is not None:
                    scale = r * w[c]
                own = numbers + n * 4 * p.padded + c
                own[p.padded] = <real>scale
                own[2 * p.padded] = <real>(-r * r * r * g1 / count) if training else 0
                own[3 * p.padded] = <real>(-r * g0 / count) if training else 0


cdef void block_slope(const Pixels *p, const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] dx,
                      Py_ssize_t job, const real *numbers) noexcept nogil:
    cdef Py_ssize_t n = job // p.blocks, first = job % p.blocks * p.block, stop = min(first + p.block, p.P), i
    cdef const real *own = numbers + n * 4 * p.padded
    for i in range(first, stop):
        pixel_slope(&dy[n, i, 0], &x[n, i, 0], &dx[n, i, 0], p.C, own, own + p.padded, own + 2 * p.padded,
                    own + 3 * p.padded)


cdef inline void pixel_slope(const real *dy, const real *x, real *dx, Py_ssize_t C, const real *center,
                             const real *scale, const real *slope, const real *shift) noexcept nogil:
    cdef Py_ssize_t c, vectors = C // VL, rest = C % VL
    cdef real lanes[2][MAX_LANES]
    for c in range(vectors):
        vstore(dx + c * VL, sloped(vload(dy + c * VL), vload(x + c * VL), vload(center + c * VL),
                                   vload(scale + c * VL), vload(slope + c * VL), vload(shift + c * VL)))
    if rest:
        c = vectors * VL
        memset(lanes, 0, sizeof(lanes))
        memcpy(lanes[0], dy + c, rest * REAL_BYTES)
        memcpy(lanes[1], x + c, rest * REAL_BYTES)
        vstore(lanes[0], sloped(vload(lanes[0]), vload(lanes[1]), vload(center + c), vload(scale + c),
                                vload(slope + c), vload(shift + c)))
        memcpy(dx + c, lanes[0], rest * REAL_BYTES)


# ---------------------------------------------------------------- rows


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
    run_moments(&x[row, 0], x.shape[1], &m)
    inverse = inverse_deviation(&m, eps)
    center = <real>m.mean
    mean[row] = center
    invstd[row] = <real>inverse
    run_scale(&x[row, 0], &y[row, 0], w, b, x.shape[1], center, <real>inverse, <real>((center - m.mean) * inverse))


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
        run_sums(&dy[row, 0], &x[row, 0], w, K, mean[row], sums)
        run_slope(&dy[row, 0], &x[row, 0], w, &dx[row, 0], K, mean[row], <real>r,
                  <real>(-r * r * r * sums[1] / K), <real>(-r * sums[0] / K))


cdef void add_products(const real *dy, const real *x, Py_ssize_t K, real center, double r, double *sums,
                       double *products) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(K):
        sums[k] += dy[k]
        products[k] += dy[k] * ((x[k] - center) * r)


# ---------------------------------------------------------------- local response norm


cdef struct Window:
    Py_ssize_t before, after  # channels
    double share              # alpha / size
    double beta
    double k


def lrn_planes(const real[:, :, :] x, real[:, :, :] y, Py_ssize_t size, double alpha, double beta, double k):
    """y = x d^-beta, d[c] = k + alpha / size times the sum of x^2 over the window of channels; x is (N, C, P)"""
    lrn_run(None, x, y, size, alpha, beta, k, True)


def lrn_planes_backward(const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] dx, Py_ssize_t size,
                        double alpha, double beta, double k):
    lrn_run(dy, x, dx, size, alpha, beta, k, True)


def lrn_pixels(const real[:, :, :] x, real[:, :, :] y, Py_ssize_t size, double alpha, double beta, double k):
    """The same with x as (N, P, C)"""
    lrn_run(None, x, y, size, alpha, beta, k, False)


def lrn_pixels_backward(const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] dx, Py_ssize_t size,
                        double alpha, double beta, double k):
    lrn_run(dy, x, dx, size, alpha, beta, k, False)


cdef int lrn_run(const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] y, Py_ssize_t size, double alpha,
                 double beta, double k, bint planar) except -1:
    cdef Window v = Window(size // 2, (size - 1) // 2, alpha / size, beta, k)
    cdef Py_ssize_t N = x.shape[0], P = x.shape[2] if planar else x.shape[1], C = x.shape[1] if planar else x.shape[2]
    cdef Py_ssize_t job, strips = (P + STRIP - 1) // STRIP
    cdef int threads = threads_for(3.0 * N * P * C)
    cdef bint failed = False
    v.before, v.after = min(v.before, C), min(v.after, C)
    for job in prange(N * strips, nogil=True, num_threads=threads, schedule="static"):
        failed |= strip(&v, dy, x, y, job // strips, job % strips * STRIP, planar)
    if failed:
        raise MemoryError(f"a strip of {C} channels")
    return 0


cdef bint strip(const Window *v, const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] y, Py_ssize_t n,
                Py_ssize_t first, bint planar) noexcept nogil:
    """STRIP pixels, as rows of channels (planar) or pixel by pixel; True if there is no memory."""
    cdef Py_ssize_t C = x.shape[1] if planar else x.shape[2], P = x.shape[2] if planar else x.shape[1], i
    cdef Py_ssize_t count = min(<Py_ssize_t>STRIP, P - first), outer = C if planar else C + v.before + v.after
    cdef real *scratch = <real *>malloc(4 * outer * (STRIP if planar else 1) * REAL_BYTES)
    if scratch == NULL:
        return True
    if planar:
        if dy is None:
            strip_forward(v, x, y, n, first, count, scratch)
        else:
            strip_backward(v, dy, x, y, n, first, count, scratch)
    else:
        for i in range(first, first + count):
            if dy is None:
                pixel_forward(v, &x[n, i, 0], &y[n, i, 0], C, scratch)
            else:
                pixel_backward(v, &dy[n, i, 0], &x[n, i, 0], &y[n, i, 0], C, scratch)
    free(scratch)
    return False


cdef void window_sums(const Window *v, const real[:, :, :] x, Py_ssize_t n, Py_ssize_t c, Py_ssize_t first,
                      Py_ssize_t count, real *d) noexcept nogil:
    """d of one channel of a strip."""
    cdef Py_ssize_t i, other
    cdef const real *at
    cdef real share = <real>v.share, k = <real>v.k
    memset(d, 0, count * REAL_BYTES)
    for other in range(max(<Py_ssize_t>0, c - v.before), min(x.shape[1], c + v.after + 1)):
        at = &x[n, other, first]
        for i in range(count):
            d[i] += at[i] * at[i]
    for i in range(count):
        d[i] = k + share * d[i]


cdef void strip_forward(const Window *v, const real[:, :, :] x, real[:, :, :] y, Py_ssize_t n, Py_ssize_t first,
                        Py_ssize_t count, real *scratch) noexcept nogil:
    cdef Py_ssize_t c, i
    cdef real *power = scratch + STRIP
    cdef const real *at
    cdef real *to
    for c in range(x.shape[1]):
        window_sums(v, x, n, c, first, count, scratch)
        lrn_power(scratch, power, count, v.beta)
        at, to = &x[n, c, first], &y[n, c, first]
        for i in range(count):
            to[i] = at[i] * power[i]


cdef void strip_backward(const Window *v, const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] dx,
                         Py_ssize_t n, Py_ssize_t first, Py_ssize_t count, real *scratch) noexcept nogil:
    """dx[c] = dy[c] d[c]^-beta - 2 beta share x[c] sum of dy x d^(-beta - 1) over the channels whose window holds c"""
    cdef Py_ssize_t c, i, other, C = x.shape[1]
    cdef real *d = scratch
    cdef real *power = scratch + C * STRIP
    cdef real *ratio = scratch + 2 * C * STRIP
    cdef real *total = scratch + 3 * C * STRIP
    cdef const real *at
    cdef const real *dat
    cdef real *to
    cdef real factor = <real>(2 * v.beta * v.share)
    for c in range(C):
        window_sums(v, x, n, c, first, count, d)
        lrn_power(d, power + c * STRIP, count, v.beta)
        at, dat = &x[n, c, first], &dy[n, c, first]
        for i in range(count):
            ratio[c * STRIP + i] = dat[i] * at[i] * power[c * STRIP + i] / d[i]
    for c in range(C):
        memset(total, 0, count * REAL_BYTES)
        for other in range(max(<Py_ssize_t>0, c - v.after), min(C, c + v.before + 1)):
            for i in range(count):
                total[i] += ratio[other * STRIP + i]
        at, dat, to = &x[n, c, first], &dy[n, c, first], &dx[n, c, first]
        for i in range(count):
            to[i] = dat[i] * power[c * STRIP + i] - factor * at[i] * total[i]


cdef void pixel_forward(const Window *v, const real *x, real *y, Py_ssize_t C, real *scratch) noexcept nogil:
    cdef Py_ssize_t wide = C + v.before + v.after, c
    cdef real *d = scratch + wide
    pixel_window(v, x, C, scratch, d)
    lrn_power(d, scratch, C, v.beta)
    for c in range(C):
        y[c] = x[c] * scratch[c]


cdef void pixel_window(const Window *v, const real *x, Py_ssize_t C, real *squares, real *d) noexcept nogil:
    """d of every channel; squares: room for the squares between zeros."""
    cdef Py_ssize_t wide = C + v.before + v.after, c, j
    cdef real share = <real>v.share, k = <real>v.k
    memset(squares, 0, wide * REAL_BYTES)
    memset(d, 0, C * REAL_BYTES)
    for c in range(C):
        squares[v.before + c] = x[c] * x[c]
    for j in range(v.before + v.after + 1):
        for c in range(C):
            d[c] += squares[c + j]
    for c in range(C):
        d[c] = k + share * d[c]


cdef void pixel_backward(const Window *v, const real *dy, const real *x, real *dx, Py_ssize_t C,
                         real *scratch) noexcept nogil:
    cdef Py_ssize_t wide = C + v.before + v.after, c, j
    cdef real *d = scratch + wide
    cdef real *power = scratch + 2 * wide
    cdef real *total = scratch + 3 * wide
    cdef real factor = <real>(2 * v.beta * v.share)
    pixel_window(v, x, C, scratch, d)
    lrn_power(d, power, C, v.beta)
    memset(scratch, 0, wide * REAL_BYTES)
    memset(total, 0, C * REAL_BYTES)
    for c in range(C):
        scratch[v.after + c] = dy[c] * x[c] * power[c] / d[c]
    for j in range(v.before + v.after + 1):
        for c in range(C):
            total[c] += scratch[c + j]
    for c in range(C):
        dx[c] = dy[c] * power[c] - factor * x[c] * total[c]
