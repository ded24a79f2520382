"""Batch and group norm over pixels: x[N, P, C], C with unit stride (channels-last memory). Batch norm: N = 1.

The pixels of a sample are cut into blocks, whose sums join in their order, and a block into chunks that stay in the
first cache: there a few vectors of channels at a time run down all pixels. The second pass goes backwards through the
blocks, the last of which are still in the cache.
"""
from cython.parallel cimport prange
from libc.math cimport sqrt
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from fastconv.kernels.threads cimport threads_for
from .runs cimport PAST_CACHES, Moments, inverse_deviation, join, remember, scale_of, scaled, shift_of, sloped
from .runs cimport vactivate, vfma, vgate, vlane, vload_part, vprefetch, vstore_part
from .vector cimport REAL_BYTES, VL, real, vf, vfence, vload, vsplat, vstore, vstream, vzero

cdef enum:
    WIDE = 4       # vectors of channels at a time
    CHUNKS = 8     # of a block

cdef struct Pixels:
    char *base         # NULL: absent
    Py_ssize_t sample  # bytes
    Py_ssize_t pixel

cdef struct Shape:
    Py_ssize_t N, P, C, G
    Py_ssize_t padded   # C in whole vectors
    Py_ssize_t chunk    # pixels
    Py_ssize_t block    # pixels
    Py_ssize_t blocks   # of a sample


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
    h.chunk = max(<Py_ssize_t>8, min(<Py_ssize_t>64, 4096 // C))
    h.block = CHUNKS * h.chunk
    h.blocks = (P + h.block - 1) // h.block
    return h


# ---------------------------------------------------------------- forward


cdef struct Forward:
    Pixels x, y, z  # z: the residual
    Shape h
    real *numbers   # of every sample: center, scale and shift of every channel
    real *centers   # of every block
    double *parts   # of every block: C means, then C sums of squares around them
    int activation
    bint stream


def pixels_forward(const real[:, :, :] x, real[:, :, :] y, const real[:, :, :] z, const real[:] w, const real[:] b,
                   real[:, :] mean, real[:, :] low, real[:, :] invstd, real[:] running_mean, real[:] running_var,
                   double momentum, double eps, bint training, int activation, bint exact, Py_ssize_t groups):
    """y = activation((x - mean) invstd w[c] + b[c] + z), z may be None; statistics of each sample and group, or (not
    training) the running ones. low: what rounding took from mean; not exact: it is left out of y."""
    cdef Shape h = shape_of(x.shape[0], x.shape[1], x.shape[2], groups)
    cdef Py_ssize_t job, jobs = h.N * h.blocks, measured = jobs if training else 0
    cdef int threads = threads_for(0.4 * h.N * h.P * h.C)
    cdef double *parts = <double *>calloc((measured + 1) * h.C, 2 * sizeof(double))
    cdef real *numbers = <real *>calloc((h.N * 3 + measured) * h.padded, REAL_BYTES)
    cdef Forward f = Forward(pixels_of(x), pixels_of(y), pixels_of(z), h, numbers, numbers + h.N * 3 * h.padded, parts,
                             activation, False)
    if parts == NULL or numbers == NULL:
        free(parts)
        free(numbers)
        raise MemoryError(f"sums of {jobs} blocks of {h.C} channels")
    f.stream = past_caches(&f.y, &h) and f.y.base != f.x.base and f.y.base != f.z.base
    if training:
        for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
            block_moments(&f, job)
    all_numbers(&f, parts + 2 * measured * h.C, w, b, mean, low, invstd, running_mean, running_var, momentum, eps,
                training, exact)
    for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
        block_scale(&f, jobs - 1 - job)
    free(parts)
    free(numbers)


cdef void block_moments(const Forward *f, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t first = job % f.h.blocks * f.h.block, stop = min(first + f.h.block, f.h.P), C = f.h.C
    cdef Py_ssize_t along = step(&f.x), count = min(f.h.chunk, stop - first), done = 0, c
    cdef const real *x = pixel(&f.x, job // f.h.blocks, first)
    cdef double *part = f.parts + 2 * job * C
    cdef real *center = f.centers + job * f.h.padded
    cdef double number = <double>(stop - first), mean
    for c in range(C):
        center[c] = x[c]
    chunk_sums(x, along, count, C, center, part)
    for c in range(C):
        center[c] = <real>(center[c] + part[c] / count)
    memset(part, 0, 2 * C * sizeof(double))
    while done < stop - first:
        count = min(f.h.chunk, stop - first - done)
        chunk_sums(x + done * along, along, count, C, center, part)
        done += count
    for c in range(C):
        mean = part[c] / number
        part[C + c] -= mean * part[c]
        part[c] = center[c] + mean


cdef void chunk_sums(const real *x, Py_ssize_t along, Py_ssize_t count, Py_ssize_t C, const real *center,
                     double *sums) noexcept nogil:
    """sums += the C sums of d, then the C sums of d^2, d = x - center."""
    cdef Py_ssize_t c = 0
    while c + WIDE * VL <= C:
        column_sums(x + c, along, count, WIDE, 0, center + c, sums + c, sums + C + c)
        c += WIDE * VL
    while c + VL <= C:
        column_sums(x + c, along, count, 1, 0, center + c, sums + c, sums + C + c)
        c += VL
    if c < C:
        column_sums(x + c, along, count, 1, C - c, center + c, sums + c, sums + C + c)


cdef inline void column_sums(const real *x, Py_ssize_t along, Py_ssize_t count, const int width, Py_ssize_t rest,
                             const real *center, double *sums, double *squares) noexcept nogil:
    """`width` vectors of channels, or the `rest` of one, over `count` pixels"""
    cdef vf c[WIDE]
    cdef vf s[WIDE]
    cdef vf q[WIDE]
    cdef vf d
    cdef Py_ssize_t i
    cdef int j
    for j in range(width):
        c[j] = vload(center + j * VL)
        s[j] = vzero
        q[j] = vzero
    for i in range(count):
        for j in range(width):
            if rest:
                d = vload_part(x + i * along, rest, c[j]) - c[j]
            else:
                vprefetch(x + (i + count) * along + j * VL)
                d = vload(x + i * along + j * VL) - c[j]
            s[j] = s[j] + d
            q[j] = vfma(d, d, q[j])
    for j in range(width):
        add_lanes(s[j], sums + j * VL, rest)
        add_lanes(q[j], squares + j * VL, rest)


cdef inline void add_lanes(vf v, double *sums, Py_ssize_t rest) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(rest if rest else <Py_ssize_t>VL):
        sums[i] += vlane(v, i)


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
            else:
                m.mean = running_mean[g]
                inverse = <real>(1 / sqrt(running_var[g] + eps))
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
    while first < stop:
        if f.activation == 0:
            scale_to(f, n, first, min(f.h.chunk, stop - first), 0)
        elif f.activation == 1:
            scale_to(f, n, first, min(f.h.chunk, stop - first), 1)
        else:
            scale_to(f, n, first, min(f.h.chunk, stop - first), 2)
        first += f.h.chunk
    if f.stream:
        vfence()


cdef inline void scale_to(const Forward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count,
                          const int activation) noexcept nogil:
    if f.z.base == NULL and f.stream:
        chunk_scale(f, n, first, count, activation, False, True)
    elif f.z.base == NULL:
        chunk_scale(f, n, first, count, activation, False, False)
    elif f.stream:
        chunk_scale(f, n, first, count, activation, True, True)
    else:
        chunk_scale(f, n, first, count, activation, True, False)


cdef inline void chunk_scale(const Forward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count, const int activation,
                             const bint add, const bint stream) noexcept nogil:
    cdef Py_ssize_t c = 0
    while c + WIDE * VL <= f.h.C:
        column_scale(f, n, first, count, c, WIDE, 0, activation, add, stream)
        c += WIDE * VL
    while c + VL <= f.h.C:
        column_scale(f, n, first, count, c, 1, 0, activation, add, stream)
        c += VL
    if c < f.h.C:
        column_scale(f, n, first, count, c, 1, f.h.C - c, activation, add, False)


cdef inline void column_scale(const Forward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count, Py_ssize_t c,
                              const int width, Py_ssize_t rest, const int activation, const bint add,
                              const bint stream) noexcept nogil:
    """y = activation((x - center) scale + shift + z) of some vectors of channels, or of the rest of one"""
    cdef const real *own = f.numbers + n * 3 * f.h.padded + c
    cdef const real *x = pixel(&f.x, n, first) + c
    cdef const real *z = pixel(&f.z, n, first) + c if add else NULL
    cdef real *y = pixel(&f.y, n, first) + c
    cdef Py_ssize_t i, xs = step(&f.x), zs = step(&f.z), ys = step(&f.y)
    cdef vf m[WIDE]
    cdef vf s[WIDE]
    cdef vf t[WIDE]
    cdef vf v
    cdef int j
    for j in range(width):
        m[j] = vload(own + j * VL)
        s[j] = vload(own + f.h.padded + j * VL)
        t[j] = vload(own + 2 * f.h.padded + j * VL)
    for i in range(count):
        for j in range(width):
            v = vload_part(x + i * xs, rest, vzero) if rest else vload(x + i * xs + j * VL)
            v = scaled(v, m[j], s[j], t[j])
            if add:
                v = v + (vload_part(z + i * zs, rest, vzero) if rest else vload(z + i * zs + j * VL))
            v = vactivate(v, activation)
            if rest:
                vstore_part(y + i * ys, v, rest)
            elif stream:
                vstream(y + i * ys + j * VL, v)
            else:
                vstore(y + i * ys + j * VL, v)


# ---------------------------------------------------------------- backward


cdef struct Backward:
    Pixels dy, x, y, dx, dz  # y: where the mask is read, unless absent; dz: where it is wanted, what the mask leaves of dy
    Shape h
    real *numbers   # of every sample: center, scale and shift of the forward pass, slope and shift of this one
    double *parts   # of every block: C sums of dz, then C sums of dz (x - center)
    int activation
    bint stream


def pixels_backward(const real[:, :, :] dy, const real[:, :, :] x, const real[:, :, :] y, real[:, :, :] dx,
                    real[:, :, :] dz, const real[:] w, const real[:] b, const real[:, :] mean, const real[:, :] low,
                    const real[:, :] invstd, real[:] dw, real[:] db, bint training, int activation):
    """dx and dz (unless None), dw and db"""
    cdef Shape h = shape_of(x.shape[0], x.shape[1], x.shape[2], mean.shape[1])
    cdef Py_ssize_t job, c, jobs = h.N * h.blocks
    cdef int threads = threads_for(0.5 * h.N * h.P * h.C)
    cdef double *parts = <double *>calloc((jobs + 2) * h.C, 2 * sizeof(double))
    cdef double *total = parts + 2 * jobs * h.C
    cdef real *numbers = <real *>calloc(h.N * 5 * h.padded, REAL_BYTES)
    cdef Backward f = Backward(pixels_of(dy), pixels_of(x), pixels_of(y), pixels_of(dx), pixels_of(dz), h, numbers,
                               parts, activation, False)
    if parts == NULL or numbers == NULL:
        free(parts)
        free(numbers)
        raise MemoryError(f"sums of {jobs} blocks of {h.C} channels")
    if activation == 0 and f.dz.base == f.dy.base:
        f.dz.base = NULL  # nothing to do
    f.stream = (f.dx.base != NULL and past_caches(&f.dx, &h) and f.dx.base != f.dy.base and f.dx.base != f.x.base
                and f.dx.base != f.y.base)
    forward_numbers(&f, w, b, mean, low, invstd)
    for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
        block_products(&f, job)
    all_slopes(&f, total, w, invstd, training)
    for c in range(h.C):
        db[c] = <real>total[2 * h.C + c]
        dw[c] = <real>total[3 * h.C + c]
    if dx is not None:
        for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
            block_slope(&f, jobs - 1 - job)
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
    cdef Py_ssize_t count
    cdef double *part = f.parts + 2 * job * f.h.C
    while first < stop:
        count = min(f.h.chunk, stop - first)
        if f.activation == 0:
            products_kept(f, n, first, count, part, 0, False)
        elif f.activation == 1 and f.y.base == NULL:
            products_kept(f, n, first, count, part, 1, False)
        elif f.activation == 1:
            products_kept(f, n, first, count, part, 1, True)
        elif f.y.base == NULL:
            products_kept(f, n, first, count, part, 2, False)
        else:
            products_kept(f, n, first, count, part, 2, True)
        first += count


cdef inline void products_kept(const Backward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count, double *part,
                               const int activation, const bint given) noexcept nogil:
    if f.dz.base == NULL:
        chunk_products(f, n, first, count, part, activation, given, False)
    else:
        chunk_products(f, n, first, count, part, activation, given, True)


cdef inline void chunk_products(const Backward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count, double *part,
                                const int activation, const bint given, const bint keep) noexcept nogil:
    cdef Py_ssize_t c = 0
    while c + WIDE * VL <= f.h.C:
        column_products(f, n, first, count, part, c, WIDE, 0, activation, given, keep)
        c += WIDE * VL
    while c + VL <= f.h.C:
        column_products(f, n, first, count, part, c, 1, 0, activation, given, keep)
        c += VL
    if c < f.h.C:
        column_products(f, n, first, count, part, c, 1, f.h.C - c, activation, given, keep)


cdef inline void column_products(const Backward *f, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count, double *part,
                                 Py_ssize_t c, const int width, Py_ssize_t rest, const int activation,
                                 const bint given, const bint keep) noexcept nogil:
    """part += sum dz and sum dz (x - center) of some vectors of channels; dz is stored where it is wanted."""
    cdef const real *own = f.numbers + n * 5 * f.h.padded + c
    cdef const real *dy = pixel(&f.dy, n, first) + c
    cdef const real *x = pixel(&f.x, n, first) + c
    cdef const real *y = pixel(&f.y, n, first) + c if given else NULL
    cdef real *dz = pixel(&f.dz, n, first) + c if keep else NULL
    cdef Py_ssize_t i, dys = step(&f.dy), xs = step(&f.x), ys = step(&f.y), dzs = step(&f.dz)
    cdef vf m[WIDE]
    cdef vf a[WIDE]
    cdef vf t[WIDE]
    cdef vf s[WIDE]
    cdef vf q[WIDE]
    cdef vf g, v
    cdef int j
    for j in range(width):
        m[j] = vload(own + j * VL)
        a[j] = vload(own + f.h.padded + j * VL)
        t[j] = vload(own + 2 * f.h.padded + j * VL)
        s[j] = vzero
        q[j] = vzero
    for i in range(count):
        for j in range(width):
            if rest:
                g = vload_part(dy + i * dys, rest, vzero)
                v = vload_part(x + i * xs, rest, vzero)
            else:
                vprefetch(dy + (i + count) * dys + j * VL)
                vprefetch(x + (i + count) * xs + j * VL)
                g = vload(dy + i * dys + j * VL)
                v = vload(x + i * xs + j * VL)
            if given and rest:
                g = vgate(g, vload_part(y + i * ys, rest, vzero), activation)
            elif given:
                g = vgate(g, vload(y + i * ys + j * VL), activation)
            elif activation:
                g = vgate(g, scaled(v, m[j], a[j], t[j]), activation)
            if keep and rest:
                vstore_part(dz + i * dzs, g, rest)
            elif keep:
                vstore(dz + i * dzs + j * VL, g)
            s[j] = s[j] + g
            q[j] = vfma(g, v - m[j], q[j])
    for j in range(width):
        add_lanes(s[j], part + c + j * VL, rest)
        add_lanes(q[j], part + f.h.C + c + j * VL, rest)


cdef void block_slope(const Backward *f, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t n = job // f.h.blocks, first = job % f.h.blocks * f.h.block, stop = min(first + f.h.block, f.h.P)
    cdef Py_ssize_t count
    cdef const Pixels *dz = &f.dy if f.dz.base == NULL else &f.dz
    while first < stop:
        count = min(f.h.chunk, stop - first)
        if f.activation == 0 or f.dz.base != NULL:
            slope_to(f, dz, n, first, count, 0, False)
        elif f.activation == 1 and f.y.base == NULL:
            slope_to(f, dz, n, first, count, 1, False)
        elif f.activation == 1:
            slope_to(f, dz, n, first, count, 1, True)
        elif f.y.base == NULL:
            slope_to(f, dz, n, first, count, 2, False)
        else:
            slope_to(f, dz, n, first, count, 2, True)
        first += count
    if f.stream:
        vfence()


cdef inline void slope_to(const Backward *f, const Pixels *dz, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count,
                          const int activation, const bint given) noexcept nogil:
    if f.stream:
        chunk_slope(f, dz, n, first, count, activation, given, True)
    else:
        chunk_slope(f, dz, n, first, count, activation, given, False)


cdef inline void chunk_slope(const Backward *f, const Pixels *dz, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count,
                             const int activation, const bint given, const bint stream) noexcept nogil:
    cdef Py_ssize_t c = 0
    while c + WIDE * VL <= f.h.C:
        column_slope(f, dz, n, first, count, c, WIDE, 0, activation, given, stream)
        c += WIDE * VL
    while c + VL <= f.h.C:
        column_slope(f, dz, n, first, count, c, 1, 0, activation, given, stream)
        c += VL
    if c < f.h.C:
        column_slope(f, dz, n, first, count, c, 1, f.h.C - c, activation, given, False)


cdef inline void column_slope(const Backward *f, const Pixels *from_, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count,
                              Py_ssize_t c, const int width, Py_ssize_t rest, const int activation, const bint given,
                              const bint stream) noexcept nogil:
    """dx = dz scale + (x - center) slope + shift of some vectors of channels, or of the rest of one"""
    cdef const real *own = f.numbers + n * 5 * f.h.padded + c
    cdef const real *dz = pixel(from_, n, first) + c
    cdef const real *x = pixel(&f.x, n, first) + c
    cdef const real *y = pixel(&f.y, n, first) + c if given else NULL
    cdef real *dx = pixel(&f.dx, n, first) + c
    cdef Py_ssize_t i, dzs = step(from_), xs = step(&f.x), ys = step(&f.y), dxs = step(&f.dx)
    cdef vf m[WIDE]
    cdef vf a[WIDE]
    cdef vf t[WIDE]
    cdef vf k[WIDE]
    cdef vf e[WIDE]
    cdef vf g, v
    cdef int j
    for j in range(width):
        m[j] = vload(own + j * VL)
        a[j] = vload(own + f.h.padded + j * VL)
        t[j] = vload(own + 2 * f.h.padded + j * VL)
        k[j] = vload(own + 3 * f.h.padded + j * VL)
        e[j] = vload(own + 4 * f.h.padded + j * VL)
    for i in range(count):
        for j in range(width):
            g = vload_part(dz + i * dzs, rest, vzero) if rest else vload(dz + i * dzs + j * VL)
            v = vload_part(x + i * xs, rest, vzero) if rest else vload(x + i * xs + j * VL)
            if given and rest:
                g = vgate(g, vload_part(y + i * ys, rest, vzero), activation)
            elif given:
                g = vgate(g, vload(y + i * ys + j * VL), activation)
            elif activation:
                g = vgate(g, scaled(v, m[j], a[j], t[j]), activation)
            v = sloped(g, v, m[j], a[j], k[j], e[j])
            if rest:
                vstore_part(dx + i * dxs, v, rest)
            elif stream:
                vstream(dx + i * dxs + j * VL, v)
            else:
                vstore(dx + i * dxs + j * VL, v)
