# Layer norm, forward: y = z w + b, z = (x - center) r + shift.

cdef struct Forward:
    const real *x
    real *y
    Py_ssize_t xs, ys  # from row to row, in values
    Py_ssize_t K
    const real *w      # NULL: 1
    const real *b      # NULL: 0
    real *mean
    real *invstd
    double eps
    bint stream

cdef struct ScaleRun:  # `count` values of a row
    const real *x
    real *y
    const real *w
    const real *b
    Py_ssize_t count

ctypedef void (*scale_stream)(const ScaleRun *r, const Coefficients *n, const bint stream) noexcept nogil

cdef extern from *:
    void scale_by_stream "DISPATCH_AMONG2" (scale_stream f, bint stream, bint yes, bint no, const ScaleRun *r,
                                            const Coefficients *n) noexcept nogil


cdef void rows_forward(const Forward *f, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    """Some rows."""
    cdef Py_ssize_t row
    for row in range(first, stop):
        row_forward(f, row)
    if f.stream:
        vfence()


cdef void row_forward(const Forward *f, Py_ssize_t row) noexcept nogil:
    """A row: its moments, then y by RUN values, backwards, for its end is still in the cache."""
    cdef Py_ssize_t start = (f.K - 1) // RUN * RUN
    cdef const real *x = f.x + row * f.xs
    cdef Moments m = Moments(0, 0, 0)
    cdef Coefficients n
    cdef ScaleRun r
    cdef double inverse
    moments(x, 0, 1, f.K, &m)
    inverse = inverse_deviation(&m, f.eps)
    n.center, n.scale = <real>m.mean, <real>inverse
    n.shift = <real>((n.center - m.mean) * inverse)
    f.mean[row], f.invstd[row] = n.center, n.scale
    while start >= 0:
        r = ScaleRun(x + start, f.y + row * f.ys + start, at(f.w, start), at(f.b, start),
                     min(<Py_ssize_t>RUN, f.K - start))
        scale_by_stream(scale_run, f.stream, True, False, &r, &n)
        start -= RUN


cdef inline void scale_run(const ScaleRun *r, const Coefficients *n, const bint stream) noexcept nogil:
    """y of a run, into the caches or past them."""
    cdef ScaleRun own = r[0]
    cdef vf c = vsplat(n.center), s = vsplat(n.scale), t = vsplat(n.shift)
    cdef Py_ssize_t i, vectors = own.count // VL, rest = own.count % VL
    for i in range(vectors):
        scale_vector(&own, i * VL, VL, c, s, t, stream)
    if rest:
        scale_vector(&own, vectors * VL, rest, c, s, t, False)


cdef inline void scale_vector(const ScaleRun *r, Py_ssize_t i, Py_ssize_t n, vf center, vf scale, vf shift,
                              const bint stream) noexcept nogil:
    """n <= VL values from i on: y = ((x - center) r + shift) w + b"""
    cdef vf v = scaled(vread_over(r.x + i, n, center), center, scale, shift)
    if r.w != NULL:
        v = v * vread(r.w + i, n)
    if r.b != NULL:
        v = v + vread(r.b + i, n)
    if stream:
        vstream(r.y + i, v)
    else:
        vwrite(r.y + i, n, v)
