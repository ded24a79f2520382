# Mean and variance of a set: the sums of d and of d^2, d = x - c for a c near the mean, so that nothing cancels:
#
#     mean = c + sum d / n        sum (x - mean)^2 = sum d^2 - (sum d)^2 / n
#
# in vectors over at most RUN values; these runs join in double, in their order. c is the mean of what was read before
# (of the first run: the run's own, which is read twice from the cache). A run that joins one by one would be Welford
# 1962; runs of any length join by Chan, Golub and LeVeque 1983.

from libc.math cimport sqrt
from ..simd.vector cimport REAL_MAX, VL, real, vf, vload, vsplat, vzero
from .affine cimport Coefficients, ScaleRun, scale_vector
from .vectors cimport vread_over, vsum

cdef enum:
    RUN = 2048        # values summed in vectors before they join sums in double
    SIDE_BY_SIDE = 4  # sums, so that an addition need not wait for the one before
    UNROLLED = 16     # vectors of one turn of a loop: with 4, reading from the third cache takes a third longer

cdef struct Moments:
    double count
    double mean
    double squares  # sum (x - mean)^2


cdef inline void join(Moments *m, double count, double mean, double squares) noexcept nogil:
    """The moments of both sets of values together (Chan, Golub and LeVeque 1983).

    delta = mean_b - mean_a,  n = n_a + n_b
    squares = squares_a + squares_b + delta^2 n_a n_b / n
    mean = mean_a + delta n_b / n
    """
    cdef double total = m.count + count, delta = mean - m.mean
    m.squares += squares + delta * delta * (m.count * count / total)
    m.mean += delta * (count / total)
    m.count = total


cdef inline double inverse_deviation(Moments *m, double eps) noexcept nogil:
    """1 / sqrt(var + eps); rounding may leave a sum of squares just below 0."""
    if m.squares < 0:
        m.squares = 0
    return inverse_root(m.squares / m.count, eps)


cdef inline double inverse_root(double var, double eps) noexcept nogil:
    """1 / sqrt(var + eps), kept finite: a channel of one value stays 0, however small eps is."""
    cdef double inverse = 1 / sqrt(var + eps)
    return REAL_MAX if inverse > REAL_MAX else inverse


cdef struct Beside:  # results of another set, which are computed between the reads of a sum; its rows are as long
    ScaleRun first            # of the first row
    Py_ssize_t x, residual, y  # steps from row to row
    Coefficients numbers


cdef inline Beside moved(const Beside *b, Py_ssize_t row, Py_ssize_t start) noexcept nogil:
    """The same from value `start` of a row on."""
    cdef Beside to = b[0]
    to.first.x += row * b.x + start
    to.first.y += row * b.y + start
    if to.first.residual != NULL:
        to.first.residual += row * b.residual + start
    return to


cdef inline void moments(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t count, Moments *m) noexcept nogil:
    """The moments of some rows of `count` values join m, by RUN values: whole rows together where they are short."""
    moments_beside(x, step, rows, count, m, NULL, 0, False)


cdef inline void moments_beside(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t count, Moments *m,
                                const Beside *b, const int activation, const bint add) noexcept nogil:
    """The same, with results of another set, stored around the caches, between the reads: memory need not wait for
    either. b may be NULL."""
    cdef Py_ssize_t together = max(<Py_ssize_t>1, RUN // count), row = 0, start
    cdef Py_ssize_t length = count if together > 1 else <Py_ssize_t>RUN
    cdef real center = 0
    cdef Beside own
    while row < rows:
        start = 0
        while start < count:
            if b != NULL:
                own = moved(b, row, start)
            center = run_moments(x + row * step + start, step, min(together, rows - row), min(length, count - start),
                                 center, m, &own if b != NULL else NULL, activation, add)
            start += length
        row += together


cdef inline real run_moments(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t count, real center, Moments *m,
                             const Beside *b, const int activation, const bint add) noexcept nogil:
    """The moments of a run join m; in double where squares overflow. Returns the center of the next run: the mean of
    what was read before this one, which is known when the next begins."""
    cdef double sums[2]
    cdef double number = <double>(rows * count), mean
    cdef real following = <real>m.mean
    if m.count == 0:
        run_sums(x, step, rows, count, x[0], sums, NULL, 0, False)
        if not finite(sums[0]):
            far_sums(x, step, rows, count, x[0], sums)
        center = following = <real>(x[0] + sums[0] / number)
    run_sums(x, step, rows, count, center, sums, b, activation, add)
    if not finite(sums[1]) and finite(center):
        far_sums(x, step, rows, count, center, sums)
    mean = sums[0] / number
    join(m, number, center + mean, sums[1] - mean * sums[0])
    return following


cdef inline bint finite(double v) noexcept nogil:
    """Neither NaN nor infinite: inf - inf is NaN."""
    return v - v == 0


cdef inline void far_sums(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t count, double center,
                          double *sums) noexcept nogil:
    """As `run_sums`, in double, for values whose squares overflow float32."""
    cdef Py_ssize_t row, i
    cdef double d
    sums[0], sums[1] = 0, 0
    for row in range(rows):
        for i in range(count):
            d = x[row * step + i] - center
            sums[0] += d
            sums[1] += d * d


cdef inline void run_sums(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t count, real center,
                          double *sums, const Beside *b, const int activation, const bint add) noexcept nogil:
    """The sums of d and of d^2, d = x - center."""
    cdef vf s[SIDE_BY_SIDE]
    cdef vf q[SIDE_BY_SIDE]
    cdef vf c = vsplat(center)
    cdef Py_ssize_t row, i, vectors = count // VL, rest = count % VL
    cdef int j
    cdef const real *at
    cdef Beside own
    for j in range(SIDE_BY_SIDE):
        s[j] = q[j] = vzero
    for row in range(rows):
        at = x + row * step
        if b != NULL:
            own = moved(b, row, 0)
        i = 0
        while i + UNROLLED <= vectors:
            for j in range(UNROLLED):
                add_value(vload(at + (i + j) * VL) - c, s + j % SIDE_BY_SIDE, q + j % SIDE_BY_SIDE)
            if b != NULL:
                stream_scaled(&own, i * VL, UNROLLED, activation, add)
            i += UNROLLED
        while i + SIDE_BY_SIDE <= vectors:
            for j in range(SIDE_BY_SIDE):
                add_value(vload(at + (i + j) * VL) - c, s + j, q + j)
            if b != NULL:
                stream_scaled(&own, i * VL, SIDE_BY_SIDE, activation, add)
            i += SIDE_BY_SIDE
        while i < vectors:
            add_value(vload(at + i * VL) - c, s, q)
            if b != NULL:
                stream_scaled(&own, i * VL, 1, activation, add)
            i += 1
        if rest:
            add_value(vread_over(at + vectors * VL, rest, c) - c, s + 1, q + 1)
    sums[0] = vsum((s[0] + s[1]) + (s[2] + s[3]))
    sums[1] = vsum((q[0] + q[1]) + (q[2] + q[3]))


cdef inline void stream_scaled(const Beside *b, Py_ssize_t i, const int vectors, const int activation,
                               const bint add) noexcept nogil:
    """Some vectors of the other set, from value i on."""
    cdef vf c = vsplat(b.numbers.center), s = vsplat(b.numbers.scale), t = vsplat(b.numbers.shift)
    cdef int j
    for j in range(vectors):
        scale_vector(&b.first, i + j * VL, VL, c, s, t, activation, add, True)


cdef inline void add_value(vf d, vf *s, vf *q) noexcept nogil:
    """s += d, q += d^2"""
    s[0] = s[0] + d
    q[0] = q[0] + d * d
