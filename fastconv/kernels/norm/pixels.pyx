"""Batch and group norm over pixels: x[N, P, C], C with unit stride (channels-last memory). Batch norm: N = 1.

The pixels of a sample are cut into blocks, whose sums join in their order. A few pixels at a time are read side by
side, vector of channels by vector of channels. The second pass goes backwards through the blocks, the last of which are
still in the cache.
"""
from cython.parallel cimport prange
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from fastconv.kernels.runtime.threads cimport threads_for
from .moments cimport PAST_CACHES, Moments, far_sums, finite, inverse_deviation, inverse_root, join, remember, scale_of
from .moments cimport scaled, shift_of, sloped, vactivate, vfma, vgate, vload_part, vstore_part
from ..simd.vector cimport REAL_BYTES, VL, real, vf, vfence, vload, vprefetch, vstore, vstream, vzero

cdef enum:
    ROWS = 4       # pixels side by side
    TOGETHER = 64  # pixels summed in vectors before they join sums in double
    HEAD = 8       # pixels of a block whose mean the values are measured from
    AHEAD = 2048 // REAL_BYTES

cdef struct Pixels:
    char *base         # NULL: absent
    Py_ssize_t sample  # bytes
    Py_ssize_t pixel

cdef struct Shape:
    Py_ssize_t N, P, C, G
    Py_ssize_t padded   # C in whole vectors
    Py_ssize_t block    # pixels
    Py_ssize_t blocks   # of a sample
    Py_ssize_t rows     # pixels read side by side, ROWS or, in one stream from beyond the caches, 1
    Py_ssize_t ahead    # of a value, in the forward pass: what is fetched with it


cdef Pixels pixels_of(const real[:, :, :] a) noexcept nogil:
    if a is None:
        return Pixels(NULL, 0, 0)
    return Pixels(<char *>&a[0, 0, 0], a.strides[0], a.strides[1])


cdef inline real *pixel(const Pixels *p, Py_ssize_t n, Py_ssize_t i) noexcept nogil:
    if p.base == NULL:
        return NULL
    return <real *>(p.base + n * p.sample + i * p.pixel)


cdef inline Py_ssize_t step(const Pixels *p) noexcept nogil:
    return p.pixel // REAL_BYTES if p.base != NULL else 0


cdef bint past_caches(const Pixels *p, const Shape *h) noexcept nogil:
    """Whether a result is large and all its vectors are aligned."""
    return (h.N * h.P * h.C * REAL_BYTES >= PAST_CACHES and h.C % VL == 0
            and (<Py_ssize_t>p.base | p.sample | p.pixel) % (VL * REAL_BYTES) == 0)


cdef Shape shape_of(Py_ssize_t N, Py_ssize_t P, Py_ssize_t C, Py_ssize_t G) noexcept nogil:
    cdef Shape h
    h.N, h.P, h.C, h.G = N, P, C, G
    h.padded = (C + VL - 1) // VL * VL
    h.block = max(<Py_ssize_t>16, min(<Py_ssize_t>512, 65536 // C // TOGETHER * TOGETHER))
    h.blocks = (P + h.block - 1) // h.block
    h.rows = 1 if N * P * C * REAL_BYTES >= PAST_CACHES and C * REAL_BYTES >= 512 else ROWS
    h.ahead = AHEAD if C * REAL_BYTES >= 512 else 0
    return h


# ---------------------------------------------------------------- forward


cdef struct Forward:
    Pixels x, y, z  # z: the residual
    Shape h
    real *numbers   # of every sample: center, scale and shift of every channel
    real *scratch   # of every block: centers, sums and sums of squares
    double *parts   # of every block: C means, then C sums of squares around them
    int activation
    bint stream


def pixels_forward(const real[:, :, :] x, real[:, :, :] y, const real[:, :, :] z, const real[:] w, const real[:] b,
                   real[:, :] mean, real[:, :] low, real[:, :] invstd, real[:] running_mean, real[:] running_var,
                   double momentum, double eps, bint training, int activation, bint exact, Py_ssize_t groups):
    """y = activation((x - mean) invstd w[c] + b[c] + z), z may be None; statistics of each sample and group, or (not
    training) the running ones, or, without those, the given. low: what rounding took from mean; not exact: it is left
    out of y."""
    cdef Shape h = shape_of(x.shape[0], x.shape[1], x.shape[2], groups)
    cdef Py_ssize_t jobs = h.N * h.blocks, measured = jobs if training else 0
    cdef int threads = threads_for(0.4 * h.N * h.P * h.C), thread
    cdef double *parts = <double *>calloc((measured + 1) * h.C, 2 * sizeof(double))
    cdef real *numbers = <real *>calloc((h.N + measured) * 3 * h.padded, REAL_BYTES)
    cdef Forward f = Forward(pixels_of(x), pixels_of(y), pixels_of(z), h, numbers, numbers + h.N * 3 * h.padded, parts,
                             activation, False)
    if parts == NULL or numbers == NULL:
        free(parts)
        free(numbers)
        raise MemoryError(f"sums of {jobs} blocks of {h.C} channels")
    f.stream = past_caches(&f.y, &h) and f.y.base != f.x.base and f.y.base != f.z.base
    if training:
        for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
            blocks_moments(&f, jobs * thread // threads, jobs * (thread + 1) // threads)
    all_numbers(&f, parts + 2 * measured * h.C, w, b, mean, low, invstd, running_mean, running_var, momentum, eps,
                training, exact)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        blocks_scale(&f, jobs * thread // threads, jobs * (thread + 1) // threads)
    free(parts)
    free(numbers)


# A thread has the same blocks in both passes, in the second in reverse: what it read last is still in its cache.

cdef void blocks_moments(const Forward *f, Py_ssize_t job, Py_ssize_t stop) noexcept nogil:
    while job < stop:
        block_moments(f, job)
        job += 1


cdef void blocks_scale(const Forward *f, Py_ssize_t first, Py_ssize_t job) noexcept nogil:
    while job > first:
        job -= 1
        block_scale(f, job)


cdef void blocks_products(const Backward *f, Py_ssize_t job, Py_ssize_t stop) noexcept nogil:
    while job < stop:
        block_products(f, job)
        job += 1


cdef void blocks_slope(const Backward *f, Py_ssize_t first, Py_ssize_t job) noexcept nogil:
    while job > first:
        job -= 1
        block_slope(f, job)


cdef void block_moments(const Forward *f, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t first = job % f.h.blocks * f.h.block, stop = min(first + f.h.block, f.h.P), C = f.h.C
    cdef Py_ssize_t along = step(&f.x), count = min(<Py_ssize_t>HEAD, stop - first), done = 0, c
    cdef const real *x = pixel(&f.x, job // f.h.blocks, first)
    cdef double *part = f.parts + 2 * job * C
    cdef real *center = f.scratch + job * 3 * f.h.padded
    cdef real *sums = center + f.h.padded
    cdef double number = <double>(stop - first), mean
    for c in range(C):
        center[c] = x[c]
    pixels_sums(x, along, count, C, f.h.rows, f.h.ahead, center, sums, sums + f.h.padded)
    for c in range(C):
        center[c] = center[c] + sums[c] / count
    memset(sums, 0, 2 * f.h.padded * REAL_BYTES)
    while done < stop - first:
        count = min(<Py_ssize_t>TOGETHER, stop - first - done)
        pixels_sums(x + done * along, along, count, C, f.h.rows, f.h.ahead, center, sums, sums + f.h.padded)
        flush(sums, part, C)
        flush(sums + f.h.padded, part + C, C)
        done += count
    for c in range(C):
        mean = part[c] / number
        part[C + c] -= mean * part[c]
        part[c] = center[c] + mean
        if not finite(part[C + c]):
            far_moments(x + c, along, stop - first, part + c, part + C + c)


cdef void far_moments(const real *x, Py_ssize_t along, Py_ssize_t count, double *mean, double *squares) noexcept nogil:
    """The same of one channel, in double, for values whose squares overflow float32."""
    cdef double sums[2]
    far_sums(x, along, count, 1, 0, sums)
    mean[0] = sums[0] / count
    if finite(mean[0]):
        far_sums(x, along, count, 1, mean[0], sums)
    squares[0] = sums[1]


cdef inline void flush(real *sums, double *total, Py_ssize_t C) noexcept nogil:
    cdef Py_ssize_t c
    for c in range(C):
        total[c] += sums[c]
        sums[c] = 0


cdef void pixels_sums(const real *x, Py_ssize_t along, Py_ssize_t count, Py_ssize_t C, Py_ssize_t rows,
                      Py_ssize_t ahead, const real *center, real *sums, real *squares) noexcept nogil:
    cdef Py_ssize_t i, fours = count // ROWS if rows == ROWS else 0
    for i in range(fours):
        add_rows(x + ROWS * i * along, along, ROWS, C, ahead, center, sums, squares)
    for i in range(fours * ROWS, count):
        add_rows(x + i * along, along, 1, C, ahead, center, sums, squares)


cdef inline void add_rows(const real *x, Py_ssize_t along, const int rows, Py_ssize_t C, Py_ssize_t ahead,
                          const real *center, real *sums, real *squares) noexcept nogil:
    """sums += d, squares += d^2, d = x - center, of a few pixels; the padding of sums and squares stays 0"""
    cdef Py_ssize_t c, i, vectors = C // VL, whole = vectors * VL
    cdef vf m, s, q, d
    cdef int j
    for i in range(vectors):
        c = i * VL
        m, s, q = vload(center + c), vload(sums + c), vload(squares + c)
        for j in range(rows):
            vprefetch(x + j * along + c + ahead)
            d = vload(x + j * along + c) - m
            s = s + d
            q = vfma(d, d, q)
        vstore(sums + c, s)
        vstore(squares + c, q)
    if whole < C:
        m, s, q = vload(center + whole), vload(sums + whole), vload(squares + whole)
        for j in range(rows):
            d = vload_part(x + j * along + whole, C - whole, m) - m
            s = s + d
            q = vfma(d, d, q)
        vstore(sums + whole, s)
        vstore(squares + whole, q)


cdef void all_numbers(const Forward *f, double *total, const real[:] w, const real[:] b, real[:, :] mean,
                      real[:, :] low, real[:, :] invstd, real[:] running_mean, real[:] running_var, double momentum,
                      double eps, bint training, bint exact) noexcept nogil:
    """The moments of all blocks, and from them center, scale and shift of every sample and channel."""
    cdef Py_ssize_t n, g, c, C = f.h.C, width = C // f.h.G
    cdef Moments m
    cdef real center, inverse, rounded
    cdef real *own
    for n in range(f.h.N):
        own = f.numbers + n * 3 * f.h.padded
        if training:
            join_blocks(&f.h, f.parts + 2 * n * f.h.blocks * C, total)
        for g in range(f.h.G):
            m = Moments(0, 0, 0)
            if training:
                for c in range(g * width, (g + 1) * width):
                    join(&m, <double>f.h.P, total[c], total[C + c])
                inverse = <real>inverse_deviation(&m, eps)
                if running_mean is not None:
                    remember(&m, &running_mean[g], &running_var[g], momentum)
            elif running_mean is None:
                center, rounded, inverse = mean[n, g], 0 if low is None else low[n, g], invstd[n, g]
            else:
                m.mean = running_mean[g]
                inverse = <real>inverse_root(running_var[g], eps)
            if training or running_mean is not None:
                center = <real>m.mean
                rounded = <real>(m.mean - center) if exact else 0
            if mean is not None:
                mean[n, g], invstd[n, g] = center, inverse
                if low is not None:
                    low[n, g] = rounded
            for c in range(g * width, (g + 1) * width):
                own[c] = center
                own[f.h.padded + c] = scale_of(inverse, 1 if w is None else w[c])
                own[2 * f.h.padded + c] = shift_of(inverse, 1 if w is None else w[c], 0 if b is None else b[c], rounded)


cdef void join_blocks(const Shape *h, const double *parts, double *total) noexcept nogil:
    cdef Py_ssize_t _block, c, done = 0, count
    cdef double share, weight, delta
    memset(total, 0, 2 * h.C * sizeof(double))
    for _block in range(h.blocks):
        count = min(h.block, h.P - done)
        share = count / <double>(done + count)
        weight = done * share
        for c in range(h.C):
            delta = parts[c] - total[c]
            total[h.C + c] += parts[h.C + c] + delta * delta * weight
            total[c] += delta * share
        parts += 2 * h.C
        done += count


cdef void block_scale(const Forward *f, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t n = job // f.h.blocks, first = job % f.h.blocks * f.h.block, stop = min(first + f.h.block, f.h.P)
    if f.activation == 0:
        scale_to(f, n, first, stop, 0)
    elif f.activation == 1:
        scale_to(f, n, first, stop, 1)
    else:
        scale_to(f, n, first, stop, 2)
    if f.stream:
        vfence()


cdef inline void scale_to(const Forward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t stop,
                          const int activation) noexcept nogil:
    if f.z.base == NULL and f.stream:
        scale_pixels(f, n, first, stop, activation, False, True)
    elif f.z.base == NULL:
        scale_pixels(f, n, first, stop, activation, False, False)
    elif f.stream:
        scale_pixels(f, n, first, stop, activation, True, True)
    else:
        scale_pixels(f, n, first, stop, activation, True, False)


cdef inline void scale_pixels(const Forward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t stop, const int activation,
                              const bint add, const bint stream) noexcept nogil:
    cdef Py_ssize_t i, fours = (stop - first) // ROWS if f.h.rows == ROWS else 0
    for i in range(fours):
        scale_rows(f, n, first + ROWS * i, ROWS, activation, add, stream)
    for i in range(first + fours * ROWS, stop):
        scale_rows(f, n, i, 1, activation, add, stream)


cdef inline void scale_rows(const Forward *f, Py_ssize_t n, Py_ssize_t first, const int rows, const int activation,
                            const bint add, const bint stream) noexcept nogil:
    """y = activation((x - center) scale + shift + z) of a few pixels"""
    cdef const real *center = f.numbers + n * 3 * f.h.padded
    cdef const real *scale = center + f.h.padded
    cdef const real *shift = scale + f.h.padded
    cdef const real *x = pixel(&f.x, n, first)
    cdef const real *z = pixel(&f.z, n, first)
    cdef real *y = pixel(&f.y, n, first)
    cdef Py_ssize_t xs = step(&f.x), zs = step(&f.z), ys = step(&f.y)
    cdef Py_ssize_t c, i, vectors = f.h.C // VL, whole = vectors * VL, rest = f.h.C % VL, ahead = f.h.ahead
    cdef vf m, s, t, v
    cdef int j
    for i in range(vectors):
        c = i * VL
        m, s, t = vload(center + c), vload(scale + c), vload(shift + c)
        for j in range(rows):
            vprefetch(x + j * xs + c + ahead)
            v = scaled(vload(x + j * xs + c), m, s, t)
            if add:
                v = v + vload(z + j * zs + c)
            if stream:
                vstream(y + j * ys + c, vactivate(v, activation))
            else:
                vstore(y + j * ys + c, vactivate(v, activation))
    if rest:
        m, s, t = vload(center + whole), vload(scale + whole), vload(shift + whole)
        for j in range(rows):
            v = scaled(vload_part(x + j * xs + whole, rest, m), m, s, t)
            if add:
                v = v + vload_part(z + j * zs + whole, rest, vzero)
            vstore_part(y + j * ys + whole, vactivate(v, activation), rest)


# ---------------------------------------------------------------- backward


cdef struct Backward:
    Pixels dy, x, y, dx, dz  # y, unless absent: where the mask is read; dz, where wanted: what the mask leaves of dy
    Shape h
    real *numbers   # of every sample: center, scale and shift of the forward pass, slope and shift of this one
    real *scratch   # of every block: sums of dz, then of dz (x - center)
    double *parts   # of every block: the same
    int activation
    bint stream


def pixels_backward(const real[:, :, :] dy, const real[:, :, :] x, const real[:, :, :] y, real[:, :, :] dx,
                    real[:, :, :] dz, const real[:] w, const real[:] b, const real[:, :] mean, const real[:, :] low,
                    const real[:, :] invstd, real[:] dw, real[:] db, bint training, int activation):
    """dx and dz (unless None), dw and db"""
    cdef Shape h = shape_of(x.shape[0], x.shape[1], x.shape[2], mean.shape[1])
    cdef Py_ssize_t c, jobs = h.N * h.blocks
    cdef int threads = threads_for(0.5 * h.N * h.P * h.C), thread
    cdef double *parts = <double *>calloc((jobs + 2) * h.C, 2 * sizeof(double))
    cdef double *total = parts + 2 * jobs * h.C
    cdef real *numbers = <real *>calloc((h.N * 5 + jobs * 2) * h.padded, REAL_BYTES)
    cdef Backward f = Backward(pixels_of(dy), pixels_of(x), pixels_of(y), pixels_of(dx), pixels_of(dz), h, numbers,
                               numbers + h.N * 5 * h.padded, parts, activation, False)
    if parts == NULL or numbers == NULL:
        free(parts)
        free(numbers)
        raise MemoryError(f"sums of {jobs} blocks of {h.C} channels")
    if activation == 0 and f.dz.base == f.dy.base:
        f.dz.base = NULL  # nothing to do
    f.stream = (f.dx.base != NULL and past_caches(&f.dx, &h) and f.dx.base != f.dy.base and f.dx.base != f.x.base
                and f.dx.base != f.y.base)
    forward_numbers(&f, w, b, mean, low, invstd)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        blocks_products(&f, jobs * thread // threads, jobs * (thread + 1) // threads)
    all_slopes(&f, total, w, invstd, training)
    for c in range(h.C):
        db[c] = <real>total[2 * h.C + c]
        dw[c] = <real>total[3 * h.C + c]
    if dx is not None:
        for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
            blocks_slope(&f, jobs * thread // threads, jobs * (thread + 1) // threads)
    free(parts)
    free(numbers)


cdef void forward_numbers(const Backward *f, const real[:] w, const real[:] b, const real[:, :] mean,
                          const real[:, :] low, const real[:, :] invstd) noexcept nogil:
    cdef Py_ssize_t n, c, g
    cdef real *own
    for n in range(f.h.N):
        own = f.numbers + n * 5 * f.h.padded
        for c in range(f.h.C):
            g = c // (f.h.C // f.h.G)
            own[c] = mean[n, g]
            own[f.h.padded + c] = scale_of(invstd[n, g], 1 if w is None else w[c])
            own[2 * f.h.padded + c] = shift_of(invstd[n, g], 1 if w is None else w[c], 0 if b is None else b[c],
                                               0 if low is None else low[n, g])


cdef void all_slopes(const Backward *f, double *total, const real[:] w, const real[:, :] invstd,
                     bint training) noexcept nogil:
    """The sums of every sample (in total), over all samples (after them), and slope and shift of every sample and
    channel."""
    cdef Py_ssize_t n, _block, g, c, C = f.h.C, width = C // f.h.G
    cdef double r, g0, g1, scale, count = <double>(width * f.h.P)
    cdef const double *part = f.parts
    cdef real *own
    for n in range(f.h.N):
        memset(total, 0, 2 * C * sizeof(double))
        for _block in range(f.h.blocks):
            for c in range(2 * C):
                total[c] += part[c]
            part += 2 * C
        for g in range(f.h.G):
            r, g0, g1 = invstd[n, g], 0, 0
            for c in range(g * width, (g + 1) * width):
                scale = 1 if w is None else w[c]
                g0 += scale * total[c]
                g1 += scale * total[C + c]
                total[2 * C + c] += total[c]
                total[3 * C + c] += total[C + c] * r
            for c in range(g * width, (g + 1) * width):
                own = f.numbers + n * 5 * f.h.padded + c
                own[3 * f.h.padded] = <real>(-r * r * r * g1 / count) if training else 0
                own[4 * f.h.padded] = <real>(-r * g0 / count) if training else 0


cdef void block_products(const Backward *f, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t n = job // f.h.blocks, first = job % f.h.blocks * f.h.block, stop = min(first + f.h.block, f.h.P)
    cdef Py_ssize_t until
    cdef real *sums = f.scratch + 2 * job * f.h.padded
    while first < stop:
        until = min(first + TOGETHER, stop)
        if f.activation == 0:
            products_kept(f, n, first, until, sums, 0, False)
        elif f.activation == 1 and f.y.base == NULL:
            products_kept(f, n, first, until, sums, 1, False)
        elif f.activation == 1:
            products_kept(f, n, first, until, sums, 1, True)
        elif f.y.base == NULL:
            products_kept(f, n, first, until, sums, 2, False)
        else:
            products_kept(f, n, first, until, sums, 2, True)
        flush(sums, f.parts + 2 * job * f.h.C, f.h.C)
        flush(sums + f.h.padded, f.parts + (2 * job + 1) * f.h.C, f.h.C)
        first = until


cdef inline void products_kept(const Backward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t stop, real *sums,
                               const int activation, const bint given) noexcept nogil:
    if f.dz.base == NULL:
        products(f, n, first, stop, sums, activation, given, False)
    else:
        products(f, n, first, stop, sums, activation, given, True)


cdef inline void products(const Backward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t stop, real *sums,
                          const int activation, const bint given, const bint keep) noexcept nogil:
    cdef Py_ssize_t i, fours = (stop - first) // ROWS if f.h.rows == ROWS else 0
    for i in range(fours):
        add_products(f, n, first + ROWS * i, ROWS, sums, activation, given, keep)
    for i in range(first + fours * ROWS, stop):
        add_products(f, n, i, 1, sums, activation, given, keep)


cdef inline void add_products(const Backward *f, Py_ssize_t n, Py_ssize_t first, const int rows, real *sums,
                              const int activation, const bint given, const bint keep) noexcept nogil:
    """sums += dz, then dz (x - center), of a few pixels; dz is stored where it is wanted."""
    cdef const real *center = f.numbers + n * 5 * f.h.padded
    cdef const real *scale = center + f.h.padded
    cdef const real *shift = scale + f.h.padded
    cdef real *more = sums + f.h.padded
    cdef const real *dy = pixel(&f.dy, n, first)
    cdef const real *x = pixel(&f.x, n, first)
    cdef const real *y = pixel(&f.y, n, first)
    cdef real *dz = pixel(&f.dz, n, first)
    cdef Py_ssize_t dys = step(&f.dy), xs = step(&f.x), ys = step(&f.y), dzs = step(&f.dz)
    cdef Py_ssize_t c, i, vectors = f.h.C // VL, whole = vectors * VL, rest = f.h.C % VL
    cdef vf m, a = vzero, t = vzero, s, q, g, v
    cdef int j
    for i in range(vectors):
        c = i * VL
        m, s, q = vload(center + c), vload(sums + c), vload(more + c)
        if activation and not given:
            a, t = vload(scale + c), vload(shift + c)
        for j in range(rows):
            g, v = vload(dy + j * dys + c), vload(x + j * xs + c)
            if given:
                g = vgate(g, vload(y + j * ys + c), activation)
            elif activation:
                g = vgate(g, scaled(v, m, a, t), activation)
            if keep:
                vstore(dz + j * dzs + c, g)
            s = s + g
            q = vfma(g, v - m, q)
        vstore(sums + c, s)
        vstore(more + c, q)
    if rest:
        m, s, q = vload(center + whole), vload(sums + whole), vload(more + whole)
        a, t = vload(scale + whole), vload(shift + whole)
        for j in range(rows):
            g, v = vload_part(dy + j * dys + whole, rest, vzero), vload_part(x + j * xs + whole, rest, m)
            if given:
                g = vgate(g, vload_part(y + j * ys + whole, rest, vzero), activation)
            elif activation:
                g = vgate(g, scaled(v, m, a, t), activation)
            if keep:
                vstore_part(dz + j * dzs + whole, g, rest)
            s = s + g
            q = vfma(g, v - m, q)
        vstore(sums + whole, s)
        vstore(more + whole, q)


cdef void block_slope(const Backward *f, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t n = job // f.h.blocks, first = job % f.h.blocks * f.h.block, stop = min(first + f.h.block, f.h.P)
    cdef const Pixels *dz = &f.dy if f.dz.base == NULL else &f.dz
    if f.activation == 0 or f.dz.base != NULL:
        slope_to(f, dz, n, first, stop, 0, False)
    elif f.activation == 1 and f.y.base == NULL:
        slope_to(f, dz, n, first, stop, 1, False)
    elif f.activation == 1:
        slope_to(f, dz, n, first, stop, 1, True)
    elif f.y.base == NULL:
        slope_to(f, dz, n, first, stop, 2, False)
    else:
        slope_to(f, dz, n, first, stop, 2, True)
    if f.stream:
        vfence()


cdef inline void slope_to(const Backward *f, const Pixels *dz, Py_ssize_t n, Py_ssize_t first, Py_ssize_t stop,
                          const int activation, const bint given) noexcept nogil:
    if f.stream:
        slope_pixels(f, dz, n, first, stop, activation, given, True)
    else:
        slope_pixels(f, dz, n, first, stop, activation, given, False)


cdef inline void slope_pixels(const Backward *f, const Pixels *dz, Py_ssize_t n, Py_ssize_t first, Py_ssize_t stop,
                              const int activation, const bint given, const bint stream) noexcept nogil:
    cdef Py_ssize_t i, fours = (stop - first) // ROWS if f.h.rows == ROWS else 0
    for i in range(fours):
        slope_rows(f, dz, n, first + ROWS * i, ROWS, activation, given, stream)
    for i in range(first + fours * ROWS, stop):
        slope_rows(f, dz, n, i, 1, activation, given, stream)


cdef inline void slope_rows(const Backward *f, const Pixels *taken, Py_ssize_t n, Py_ssize_t first, const int rows,
                            const int activation, const bint given, const bint stream) noexcept nogil:
    """dx = dz scale + (x - center) slope + offset of a few pixels"""
    cdef const real *center = f.numbers + n * 5 * f.h.padded
    cdef const real *scale = center + f.h.padded
    cdef const real *shift = scale + f.h.padded
    cdef const real *slope = shift + f.h.padded
    cdef const real *offset = slope + f.h.padded
    cdef const real *dz = pixel(taken, n, first)
    cdef const real *x = pixel(&f.x, n, first)
    cdef const real *y = pixel(&f.y, n, first)
    cdef real *dx = pixel(&f.dx, n, first)
    cdef Py_ssize_t dzs = step(taken), xs = step(&f.x), ys = step(&f.y), dxs = step(&f.dx)
    cdef Py_ssize_t c, i, vectors = f.h.C // VL, whole = vectors * VL, rest = f.h.C % VL
    cdef vf m, a, t, k, e, g, v
    cdef int j
    for i in range(vectors):
        c = i * VL
        m, a, t, k, e = vload(center + c), vload(scale + c), vload(shift + c), vload(slope + c), vload(offset + c)
        for j in range(rows):
            g, v = vload(dz + j * dzs + c), vload(x + j * xs + c)
            if given:
                g = vgate(g, vload(y + j * ys + c), activation)
            elif activation:
                g = vgate(g, scaled(v, m, a, t), activation)
            if stream:
                vstream(dx + j * dxs + c, sloped(g, v, m, a, k, e))
            else:
                vstore(dx + j * dxs + c, sloped(g, v, m, a, k, e))
    if rest:
        c = whole
        m, a, t, k, e = vload(center + c), vload(scale + c), vload(shift + c), vload(slope + c), vload(offset + c)
        for j in range(rows):
            g, v = vload_part(dz + j * dzs + c, rest, vzero), vload_part(x + j * xs + c, rest, m)
            if given:
                g = vgate(g, vload_part(y + j * ys + c, rest, vzero), activation)
            elif activation:
                g = vgate(g, scaled(v, m, a, t), activation)
            vstore_part(dx + j * dxs + c, sloped(g, v, m, a, k, e), rest)
