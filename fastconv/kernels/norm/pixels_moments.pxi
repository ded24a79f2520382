# Forward, first pass: mean and sum of squares around it, of every channel in every block, then of every set.

cdef enum:
    HEAD = 8         # pixels of a block whose mean the values are measured from
    MOMENT_ROWS = 3  # of padded channels, for every block: centers, sums and sums of squares

cdef struct Forward:
    Pixels x, y, residual
    Shape h
    real *numbers   # FORWARD_ROWS of every sample
    real *scratch   # MOMENT_ROWS of every block
    double *parts   # of every block: C means, then C sums of squares around them
    int activation
    bint stream


cdef void block_moments(const void *forward, Py_ssize_t job) noexcept nogil:
    """The moments of a block: mean = center + sum d / n, sum (x - mean)^2 = sum d^2 - (sum d)^2 / n, d = x - center,
    for the mean of its first pixels as center."""
    cdef const Forward *f = <const Forward *>forward
    cdef const Shape *h = &f.h
    cdef Place p = place_of(h, job)
    cdef Line x = line(&f.x, p.n, p.first)
    cdef Py_ssize_t pixels = p.stop - p.first, count = min(<Py_ssize_t>HEAD, pixels), done = 0, c
    cdef double *part = f.parts + 2 * job * h.C
    cdef real *center = f.scratch + job * MOMENT_ROWS * h.padded
    cdef real *sums = center + h.padded
    cdef double mean
    for c in range(h.C):
        center[c] = x.at[c]
    add_pixels(h, x, count, center)
    for c in range(h.C):
        center[c] = center[c] + sums[c] / count
    memset(sums, 0, 2 * h.padded * REAL_BYTES)
    while done < pixels:
        count = min(<Py_ssize_t>TOGETHER, pixels - done)
        add_pixels(h, Line(x.at + done * x.step, x.step), count, center)
        flush(sums, part, h.C)
        flush(sums + h.padded, part + h.C, h.C)
        done += count
    for c in range(h.C):
        mean = part[c] / <double>pixels
        part[h.C + c] -= mean * part[c]
        part[c] = center[c] + mean
        if not finite(part[h.C + c]):
            far_moments(x.at + c, x.step, pixels, part + c, part + h.C + c)


cdef void far_moments(const real *x, Py_ssize_t step, Py_ssize_t count, double *mean, double *squares) noexcept nogil:
    """The same of one channel, in double, for values whose squares overflow float32."""
    cdef double sums[2]
    far_sums(x, step, count, 1, 0, sums)
    mean[0] = sums[0] / count
    if finite(mean[0]):
        far_sums(x, step, count, 1, mean[0], sums)
    squares[0] = sums[1]


cdef void add_pixels(const Shape *h, Line x, Py_ssize_t count, real *center) noexcept nogil:
    """sums += d, squares += d^2, d = x - center, over some pixels; the rows of sums and squares follow the center's."""
    cdef Py_ssize_t i, fours = count // ROWS if h.rows == ROWS else 0
    for i in range(fours):
        add_rows(h, Line(x.at + ROWS * i * x.step, x.step), ROWS, center)
    for i in range(fours * ROWS, count):
        add_rows(h, Line(x.at + i * x.step, x.step), 1, center)


cdef inline void add_rows(const Shape *h, Line x, const int rows, real *center) noexcept nogil:
    """The same of a few pixels side by side."""
    cdef Py_ssize_t i, vectors = h.C // VL, rest = h.C % VL, padded = h.padded, ahead = h.ahead
    for i in range(vectors):
        add_column(x.at + i * VL, x.step, rows, VL, ahead, center + i * VL, padded)
    if rest:
        add_column(x.at + vectors * VL, x.step, rows, rest, ahead, center + vectors * VL, padded)


cdef inline void add_column(const real *x, Py_ssize_t step, const int rows, Py_ssize_t n, Py_ssize_t ahead,
                            real *center, Py_ssize_t padded) noexcept nogil:
    """The same of n <= VL channels; d = 0 in the lanes beyond them, whose sums stay 0."""
    cdef vf m = vload(center), s = vload(center + padded), q = vload(center + 2 * padded), d
    cdef int j
    for j in range(rows):
        if n == VL:
            vprefetch(x + j * step + ahead)
        d = vread_over(x + j * step, n, m) - m
        s = s + d
        q = vfma(d, d, q)
    vstore(center + padded, s)
    vstore(center + 2 * padded, q)


cdef void join_blocks(const Shape *h, const double *parts, double *total) noexcept nogil:
    """The moments of every channel of a sample from those of its blocks, in their order, as `join` of moments.pxd."""
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
