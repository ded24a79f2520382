"""Layer norm: x[R, K], K with unit stride, with a weight for every element of a row."""
from cython.parallel cimport prange
from libc.stdlib cimport calloc, free
from fastconv.kernels.runtime.threads cimport threads_for
from .moments cimport PAST_CACHES, RUN, Moments, inverse_deviation, moments, scaled, sloped, vfma, vload_part, vstore_part
from .moments cimport vsum
from ..simd.vector cimport REAL_BYTES, VL, real, vf, vfence, vload, vsplat, vstore, vstream, vzero

cdef enum:
    ROWS = 4          # rows side by side
    TOGETHER = 64     # rows summed in vectors before they join sums in double
    WIDE = 16384      # values of a row from which the columns are shared out, not the rows
    COLUMNS = 4096    # of a job then


cdef bint past_caches(const real[:, :] a) noexcept nogil:
    """Whether a result is large and all its vectors are aligned."""
    return (a.shape[0] * a.shape[1] * REAL_BYTES >= PAST_CACHES and a.shape[1] % VL == 0
            and (<Py_ssize_t>&a[0, 0] | a.strides[0]) % (VL * REAL_BYTES) == 0)


# ---------------------------------------------------------------- forward


def rows_forward(const real[:, :] x, real[:, :] y, const real[:] w, const real[:] b, real[:] mean, real[:] invstd,
                 double eps):
    """y = (x - mean) invstd w + b, with the statistics of each row; w and b are contiguous."""
    cdef Py_ssize_t job, R = x.shape[0], together = max(<Py_ssize_t>1, 16384 // x.shape[1])  # rows of a job
    cdef const real *pw = NULL
    cdef const real *pb = NULL
    cdef bint stream = past_caches(y) and &y[0, 0] != &x[0, 0]
    cdef int threads = threads_for(0.4 * R * x.shape[1])
    if w is not None:
        pw = &w[0]
    if b is not None:
        pb = &b[0]
    for job in prange((R + together - 1) // together, nogil=True, num_threads=threads, schedule="static"):
        rows_scale(x, y, pw, pb, mean, invstd, eps, stream, job * together, min((job + 1) * together, R))


cdef void rows_scale(const real[:, :] x, real[:, :] y, const real *w, const real *b, real[:] mean, real[:] invstd,
                     double eps, bint stream, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(first, stop):
        row_forward(x, y, w, b, mean, invstd, eps, stream, row)
    if stream:
        vfence()


cdef void row_forward(const real[:, :] x, real[:, :] y, const real *w, const real *b, real[:] mean, real[:] invstd,
                      double eps, bint stream, Py_ssize_t row) noexcept nogil:
    cdef Py_ssize_t K = x.shape[1], start = (K - 1) // RUN * RUN  # backwards: the end is still in the cache
    cdef Moments m = Moments(0, 0, 0)
    cdef double inverse
    cdef real center
    moments(&x[row, 0], 0, 1, K, &m)
    inverse = inverse_deviation(&m, eps)
    center = <real>m.mean
    mean[row] = center
    invstd[row] = <real>inverse
    while start >= 0:
        scale_to(&x[row, start], &y[row, start], NULL if w == NULL else w + start, NULL if b == NULL else b + start,
                 min(<Py_ssize_t>RUN, K - start), center, <real>inverse, <real>((center - m.mean) * inverse), stream)
        start -= RUN


cdef inline void scale_to(const real *x, real *y, const real *w, const real *b, Py_ssize_t count, real center,
                          real scale, real shift, bint stream) noexcept nogil:
    if stream:
        run_scale(x, y, w, b, count, center, scale, shift, True)
    else:
        run_scale(x, y, w, b, count, center, scale, shift, False)


cdef inline void run_scale(const real *x, real *y, const real *w, const real *b, Py_ssize_t count, real center,
                           real scale, real shift, const bint stream) noexcept nogil:
    """y = (x - center) scale + shift, then, where they are not NULL, times w, plus b"""
    cdef vf c = vsplat(center), s = vsplat(scale), t = vsplat(shift), v
    cdef Py_ssize_t i, vectors = count // VL, rest = count % VL
    for i in range(vectors):
        v = scaled(vload(x + i * VL), c, s, t)
        if w != NULL:
            v = v * vload(w + i * VL)
        if b != NULL:
            v = v + vload(b + i * VL)
        if stream:
            vstream(y + i * VL, v)
        else:
            vstore(y + i * VL, v)
    if rest:
        i = vectors * VL
        v = scaled(vload_part(x + i, rest, c), c, s, t)
        if w != NULL:
            v = v * vload_part(w + i, rest, vzero)
        if b != NULL:
            v = v + vload_part(b + i, rest, vzero)
        vstore_part(y + i, v, rest)


# ---------------------------------------------------------------- backward


cdef struct Numbers:
    real center, scale, slope, shift

cdef struct Backward:
    const real *dy
    const real *x
    const real *w      # NULL: 1
    real *dx           # NULL: not wanted
    Py_ssize_t dys, xs, dxs
    Py_ssize_t R, K
    const real *mean
    const real *invstd
    Numbers *numbers   # of every row
    real *sums         # of every job: of dy, then of dy z, z = (x - mean) r
    double *parts      # of every job: the same
    bint stream


def rows_backward(const real[:, :] dy, const real[:, :] x, real[:, :] dx, const real[:] w, const real[:] mean,
                  const real[:] invstd, real[:] dw, real[:] db):
    """dx (unless None), dw and db; w, mean and invstd are contiguous. Rows are shared out, a few at a time so that they
    are still in the cache when their sums are known; where they are long, columns are, after the sums of all rows."""
    cdef Py_ssize_t job, R = x.shape[0], K = x.shape[1]
    cdef bint wide = K >= WIDE
    cdef Py_ssize_t together = max(max((R + 31) // 32, 16384 // K), <Py_ssize_t>ROWS)  # rows of a job
    cdef Py_ssize_t jobs = (K + COLUMNS - 1) // COLUMNS if wide else (R + together - 1) // together
    cdef Py_ssize_t width = <Py_ssize_t>COLUMNS if wide else K, padded = (width + VL - 1) // VL * VL
    cdef int threads = threads_for(0.8 * R * K)
    cdef double *parts = <double *>calloc(jobs * width, 2 * sizeof(double))
    cdef real *sums = <real *>calloc(jobs * padded, 2 * REAL_BYTES)
    cdef Numbers *numbers = <Numbers *>calloc(R, sizeof(Numbers))
    cdef Backward f = Backward(&dy[0, 0], &x[0, 0], NULL, NULL,
                               dy.strides[0] // REAL_BYTES, x.strides[0] // REAL_BYTES, 0, R, K, &mean[0],
                               &invstd[0], numbers, sums, parts, False)
    if parts == NULL or sums == NULL or numbers == NULL:
        free(parts)
        free(sums)
        free(numbers)
        raise MemoryError(f"sums of {jobs} blocks of {width} values")
    if w is not None:
        f.w = &w[0]
    if dx is not None:
        f.dx, f.dxs = &dx[0, 0], dx.strides[0] // REAL_BYTES
        f.stream = past_caches(dx) and f.dx != f.dy and f.dx != f.x
    if wide:
        for job in prange(R, nogil=True, num_threads=threads, schedule="static"):
            row_numbers(&f, job)
    for job in prange(jobs, nogil=True, num_threads=threads, schedule="static"):
        if wide:
            tile(&f, 0, R, job * COLUMNS, min((job + 1) * COLUMNS, K), True, sums + 2 * job * padded,
                 parts + 2 * job * width)
        else:
            tile(&f, job * together, min((job + 1) * together, R), 0, K, False, sums + 2 * job * padded,
                 parts + 2 * job * width)
    join_parts(parts, jobs, width, wide, dw, db)
    free(parts)
    free(sums)
    free(numbers)


cdef void join_parts(double *parts, Py_ssize_t jobs, Py_ssize_t width, bint wide, real[:] dw,
                     real[:] db) noexcept nogil:
    cdef Py_ssize_t job, k, K = dw.shape[0]
    if wide:
        for k in range(K):
            db[k] = <real>parts[k // width * 2 * width + k % width]
            dw[k] = <real>parts[k // width * 2 * width + width + k % width]
        return
    for job in range(1, jobs):
        for k in range(2 * width):
            parts[k] += parts[2 * job * width + k]
    for k in range(K):
        db[k] = <real>parts[k]
        dw[k] = <real>parts[width + k]


cdef void row_numbers(const Backward *f, Py_ssize_t row) noexcept nogil:
    """dx = g scale + (x - center) slope + shift, g = dy w: from the sums of g and of g (x - center) of a row"""
    cdef Numbers *n = f.numbers + row
    cdef double sums[2]
    cdef double r = f.invstd[row]
    cdef Py_ssize_t start = 0
    n.center, n.scale = f.mean[row], f.invstd[row]
    if f.dx == NULL:
        return
    sums[0], sums[1] = 0, 0
    while start < f.K:
        run_products(f.dy + row * f.dys + start, f.x + row * f.xs + start, f.w + start if f.w != NULL else NULL,
                     min(<Py_ssize_t>RUN, f.K - start), n.center, sums)
        start += RUN
    n.slope = <real>(-r * r * r * sums[1] / f.K)
    n.shift = <real>(-r * sums[0] / f.K)


cdef void run_products(const real *dy, const real *x, const real *w, Py_ssize_t count, real center,
                       double *sums) noexcept nogil:
    cdef vf s0 = vzero, s1 = vzero, q0 = vzero, q1 = vzero, c = vsplat(center), g0, g1
    cdef Py_ssize_t i, twos = count // (2 * VL), vectors = count // VL, rest = count % VL
    for i in range(twos):
        g0, g1 = vload(dy + 2 * i * VL), vload(dy + (2 * i + 1) * VL)
        if w != NULL:
            g0 = g0 * vload(w + 2 * i * VL)
            g1 = g1 * vload(w + (2 * i + 1) * VL)
        s0 = s0 + g0
        s1 = s1 + g1
        q0 = vfma(g0, vload(x + 2 * i * VL) - c, q0)
        q1 = vfma(g1, vload(x + (2 * i + 1) * VL) - c, q1)
    for i in range(2 * twos, vectors):
        g0 = vload(dy + i * VL)
        if w != NULL:
            g0 = g0 * vload(w + i * VL)
        s0 = s0 + g0
        q0 = vfma(g0, vload(x + i * VL) - c, q0)
    if rest:
        i = vectors * VL
        g0 = vload_part(dy + i, rest, vzero)
        if w != NULL:
            g0 = g0 * vload_part(w + i, rest, vzero)
        s1 = s1 + g0
        q1 = vfma(g0, vload_part(x + i, rest, c) - c, q1)
    sums[0] += vsum(s0 + s1)
    sums[1] += vsum(q0 + q1)


cdef void tile(const Backward *f, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t start, Py_ssize_t end, bint known,
               real *sums, double *part) noexcept nogil:
    """Some rows and columns: dx, and the sums over the rows. known: the rows' numbers are there."""
    cdef Py_ssize_t width = <Py_ssize_t>COLUMNS if known else f.K, padded = (width + VL - 1) // VL * VL
    cdef Py_ssize_t row = first, j, k, rows
    while row < stop:
        rows = ROWS if stop - row >= ROWS else 1
        if not known:
            for j in range(rows):
                row_numbers(f, row + j)
        if rows == ROWS and f.stream:
            few_rows(f, row, ROWS, start, end, sums, sums + padded, True)
        elif rows == ROWS:
            few_rows(f, row, ROWS, start, end, sums, sums + padded, False)
        else:
            few_rows(f, row, 1, start, end, sums, sums + padded, False)
        row += rows
        if (row - first) % TOGETHER < rows or row == stop:
            for k in range(end - start):
                part[k] += sums[k]
                part[width + k] += sums[padded + k]
                sums[k], sums[padded + k] = 0, 0
    if f.stream:
        vfence()


cdef inline void few_rows(const Backward *f, Py_ssize_t row, const int rows, Py_ssize_t start, Py_ssize_t end,
                          real *sums, real *products, const bint stream) noexcept nogil:
    cdef const real *dy = f.dy + row * f.dys
    cdef const real *x = f.x + row * f.xs
    cdef real *dx = f.dx + row * f.dxs if f.dx != NULL else NULL
    cdef Py_ssize_t i, k, vectors = (end - start) // VL, rest = (end - start) % VL
    cdef vf c[ROWS]
    cdef vf r[ROWS]
    cdef vf slope[ROWS]
    cdef vf shift[ROWS]
    cdef vf g, v, w = vsplat(1), s, q
    cdef int j
    for j in range(rows):
        c[j], r[j] = vsplat(f.numbers[row + j].center), vsplat(f.numbers[row + j].scale)
        slope[j], shift[j] = vsplat(f.numbers[row + j].slope), vsplat(f.numbers[row + j].shift)
    for i in range(vectors):
        k = start + i * VL
        if f.w != NULL:
            w = vload(f.w + k)
        s, q = vload(sums + i * VL), vload(products + i * VL)
        for j in range(rows):
            g, v = vload(dy + j * f.dys + k), vload(x + j * f.xs + k)
            s = s + g
            q = vfma(g, (v - c[j]) * r[j], q)
            if stream:
                vstream(dx + j * f.dxs + k, sloped(g * w, v, c[j], r[j], slope[j], shift[j]))
            elif dx != NULL:
                vstore(dx + j * f.dxs + k, sloped(g * w, v, c[j], r[j], slope[j], shift[j]))
        vstore(sums + i * VL, s)
        vstore(products + i * VL, q)
    if rest:
        k = start + vectors * VL
        if f.w != NULL:
            w = vload_part(f.w + k, rest, vzero)
        s, q = vload(sums + vectors * VL), vload(products + vectors * VL)
        for j in range(rows):
            g, v = vload_part(dy + j * f.dys + k, rest, vzero), vload_part(x + j * f.xs + k, rest, c[j])
            s = s + g
            q = vfma(g, (v - c[j]) * r[j], q)
            if dx != NULL:
                vstore_part(dx + j * f.dxs + k, sloped(g * w, v, c[j], r[j], slope[j], shift[j]), rest)
        vstore(sums + vectors * VL, s)
        vstore(products + vectors * VL, q)
