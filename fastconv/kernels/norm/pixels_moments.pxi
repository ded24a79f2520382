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

ctypedef void (*add_column)(const real *x, Py_ssize_t step, Py_ssize_t pixels, real *center, Py_ssize_t padded,
                            Py_ssize_t c, Py_ssize_t n, const int nv) noexcept nogil

cdef extern from *:
    void add_each "EACH_COLUMN" (add_column f, Py_ssize_t C, const real *x, Py_ssize_t step, Py_ssize_t pixels,
                                 real *center, Py_ssize_t padded) noexcept nogil


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
    cdef Py_ssize_t i = 0
    while i < count:
        add_each(add_columns, h.C, x.at + i * x.step, x.step, min(h.group, count - i), center, h.padded)
        i += h.group


cdef inline void add_columns(const real *x, Py_ssize_t step, Py_ssize_t pixels, real *center, Py_ssize_t padded,
                             Py_ssize_t c, Py_ssize_t n, const int nv) noexcept nogil:
    """The same of a column; d = 0 in the lanes beyond n, whose sums stay 0."""
    cdef vf m[NR]
    cdef vf s[NR]
    cdef vf q[NR]
    cdef vf d
    cdef Py_ssize_t _pixel
    cdef int j
    x += c
    center += c
    for j in range(nv):
        m[j], s[j], q[j] = vload(center + j * VL), vload(center + padded + j * VL), vload(center + 2 * padded + j * VL)
    for _pixel in range(pixels):
        for j in range(nv):
            d = vread_over(x + j * VL, n, m[j]) - m[j]
            s[j] = s[j] + d
            q[j] = vfma(d, d, q[j])
        x += step
    for j in range(nv):
        vstore(center + padded + j * VL, s[j])
        vstore(center + 2 * padded + j * VL, q[j])


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
