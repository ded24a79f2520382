# One window of one channel, for any strides and any values.

cdef struct Window:         # one window of one channel, clipped to its plane
    const real *x           # its first tap
    Py_ssize_t KH, KW       # taps inside the plane
    Py_ssize_t down, right  # elements of x from one tap to the next
    Py_ssize_t at, at_down, at_right  # index h * W + w of the first tap, and how it grows from one tap to the next
    Py_ssize_t divisor


cdef inline Window first_column(const Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh) noexcept nogil:
    """The rows of the windows of output row oh in plane (n, c) of x, and of columns the first of the plane alone."""
    cdef Window t
    cdef const Line *row = p.rows + oh
    t.x = pixel(&p.x, n, c, row.start, 0)
    t.KH, t.KW, t.down, t.right = row.count, 1, row.step * p.x.h, 0
    t.at, t.at_down, t.at_right = row.start * p.W, row.step * p.W, 0
    t.divisor = row.divisor
    return t


cdef inline Window at_columns(const Window *first, const Line *col, Py_ssize_t w) noexcept nogil:
    """The window whose rows are those of `first` and whose columns are those of `col`, `w` elements of x apart."""
    cdef Window t = first[0]
    t.x = first.x + col.start * w
    t.KW, t.right = col.count, col.step * w
    t.at, t.at_right = first.at + col.start, col.step
    t.divisor = first.divisor * col.divisor
    return t


cdef inline Window window_of(const Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh, Py_ssize_t ow) noexcept nogil:
    """The window of output (oh, ow) in plane (n, c) of x."""
    cdef Window first = first_column(p, n, c, oh)
    return at_columns(&first, p.cols + ow, p.x.w)


cdef inline real tap(const Window *t, Py_ssize_t kh, Py_ssize_t kw) noexcept nogil:
    """x at one tap."""
    return t.x[kh * t.down + kw * t.right]


cdef void argmax(const Window *t, real *y, int64_t *index) noexcept nogil:
    """y = max x, and the index of the first largest value or the first NaN."""
    cdef Py_ssize_t kh, kw
    cdef real v
    y[0] = t.x[0]
    index[0] = t.at
    for kh in range(t.KH):
        for kw in range(t.KW):
            v = tap(t, kh, kw)
            if better(v, y[0]):
                y[0] = v
                index[0] = t.at + kh * t.at_down + kw * t.at_right


cdef double largest(const Window *t) noexcept nogil:
    """max |x|, or NaN."""
    cdef double a = 0, v
    cdef Py_ssize_t kh, kw
    for kw in range(t.KW):
        for kh in range(t.KH):
            v = fabs(tap(t, kh, kw))
            if v > a or v != v:
                a = v
            if a != a:
                return a
    return a


cdef inline bint scalable(double a) noexcept nogil:
    """Whether a = max |x| can be divided by: it is not zero, NaN or infinity, which are their own norms."""
    return a > 0 and a + a > a


cdef real scaled_root_of_squares(const Window *t) noexcept nogil:
    """sqrt(sum (s x)^2) / s, where s is a power of two, so that squares neither overflow nor vanish."""
    cdef double a = largest(t), scale, s = 0, v
    cdef int exponent
    cdef Py_ssize_t kh, kw
    if not scalable(a):
        return <real>a
    frexp(a, &exponent)
    scale = ldexp(1.0, -min(max(exponent, -1000), 1000))
    for kw in range(t.KW):
        for kh in range(t.KH):
            v = tap(t, kh, kw) * scale
            s = s + v * v
    return <real>(sqrt(s) / scale)


cdef real norm(const Window *t, double p) noexcept nogil:
    """a (sum (|x| / a)^p)^(1/p), where a = max |x|; sum |x| for p = 1."""
    cdef double a = largest(t), s = 0
    cdef Py_ssize_t kh, kw
    if p != 1 and not scalable(a):
        return <real>a
    for kw in range(t.KW):
        for kh in range(t.KH):
            if p == 1:
                s = s + fabs(tap(t, kh, kw))
            else:
                s = s + pow(fabs(tap(t, kh, kw)) / a, p)
    return <real>(s if p == 1 else a * pow(s, 1 / p))
