# Forward in channels-last memory: vectors along C, one output pixel after the other.
#
# Sums run down each column of the window, then over the columns, as in forward_planes.pxi: the bits are the same.

cdef inline vf joined(vf a, vf x, const int kind) noexcept nogil:
    """a with one more tap: max(a, x), a + x, or a + x^2."""
    if kind == MAX:
        return vpick(vbetter(x, a), x, a)
    if kind == MEAN:
        return a + x
    return a + x * x


cdef inline vf reduced(const Window *t, Py_ssize_t KH, Py_ssize_t KW, Py_ssize_t c, Py_ssize_t n,
                       const int kind) noexcept nogil:
    """max x, sum x or sum x^2 over a window of KH x KW taps, for n channels from c on."""
    cdef const real *x = t.x + c
    cdef Py_ssize_t kh, kw
    cdef vf a = vread(x, n) if kind == MAX else vzero, column
    for kw in range(KW):
        column = a if kind == MAX else vzero
        for kh in range(KH):
            column = joined(column, vread(x + kh * t.down + kw * t.right, n), kind)
        a = column if kind == MAX else a + column
    return a


cdef inline vf window_max(const Window *t, Py_ssize_t KH, Py_ssize_t KW, Py_ssize_t c, Py_ssize_t n) noexcept nogil:
    """max x over a window, for n channels from c on, by plain maxima, which lose a NaN.

    The sum of the taps is NaN if one of them is (or if infinities of both signs meet): only then is the maximum taken
    by the comparison that keeps NaN, which is three operations longer per tap."""
    cdef const real *x = t.x + c
    cdef Py_ssize_t kh, kw
    cdef vf a = vread(x, n), total = vzero, v
    for kw in range(KW):
        for kh in range(KH):
            v = vread(x + kh * t.down + kw * t.right, n)
            a = vmax(v, a)
            total = total + v
    return a if no_nan(total) else reduced(t, KH, KW, c, n, MAX)


cdef inline vf first_largest(const Window *t, Py_ssize_t KH, Py_ssize_t KW, Py_ssize_t c, Py_ssize_t n,
                             int64_t *index) noexcept nogil:
    """max x over a window and the indices of the first largest values, for n channels from c on."""
    cdef const real *x = t.x + c
    cdef vf a = vread(x, n), v
    cdef vi where = isplat(t.at), m
    cdef Py_ssize_t kh, kw
    for kh in range(KH):
        for kw in range(KW):
            v = vread(x + kh * t.down + kw * t.right, n)
            m = vbetter(v, a)
            a = vpick(m, v, a)
            where = ipick(m, isplat(t.at + kh * t.at_down + kw * t.at_right), where)
    iwrite(index + c, n, where)
    return a


cdef inline void pixel_vector(const Window *t, Py_ssize_t KH, Py_ssize_t KW, Py_ssize_t c, Py_ssize_t n, real *y,
                              int64_t *index, vi *good, const int kind) noexcept nogil:
    """n channels, from c on, of one output pixel. `good`: L2, lanes that were ordinary so far."""
    cdef vf a
    if kind == ARGMAX:
        a = first_largest(t, KH, KW, c, n, index)
    elif kind == MAX:
        a = window_max(t, KH, KW, c, n)
    else:
        a = reduced(t, KH, KW, c, n, kind)
    if kind == MEAN:
        a = a / vsplat(<real>t.divisor)
    elif kind == L2:
        a = vroot(a)
        good[0] = iboth(good[0], iordinary(a, n))
    vwrite(y + c, n, a)


ctypedef void (*window_body)(const Window *t, Py_ssize_t C, real *y, int64_t *index, const int kind,
                             const Py_ssize_t K) noexcept nogil

cdef extern from *:
    void window_of_size "DISPATCH_AMONG3" (window_body f, Py_ssize_t n, int a, int b, int other, const Window *t,
                                           Py_ssize_t C, real *y, int64_t *index, int kind) noexcept nogil


cdef inline void pixel_vectors(const Window *t, Py_ssize_t C, real *y, int64_t *index, const int kind,
                               const Py_ssize_t K) noexcept nogil:
    """All channels of one output pixel, its window K x K, or of any size if K is 0. The last vector overlaps the one
    before it."""
    cdef Py_ssize_t v, KH = K if K else t.KH, KW = K if K else t.KW
    cdef vi good = isplat(-1)
    for v in range(C // VL):
        pixel_vector(t, KH, KW, v * VL, VL, y, index, &good, kind)
    if C < VL:
        pixel_vector(t, KH, KW, 0, C, y, index, &good, kind)
    elif C % VL:
        pixel_vector(t, KH, KW, C - VL, VL, y, index, &good, kind)
    if kind == L2 and not iall(good):
        mend_pixel(t, C, y)


cdef inline void pixel_norms(const Window *t, Py_ssize_t C, double p, real *y) noexcept nogil:
    """The L_p norms of all channels of one output pixel."""
    cdef Py_ssize_t c
    cdef Window one = t[0]
    for c in range(C):
        y[c] = norm(&one, p)
        one.x += 1


cdef void mend_pixel(const Window *t, Py_ssize_t C, real *y) noexcept nogil:
    """L2: the channels of one output pixel that are not ordinary, computed again."""
    cdef Py_ssize_t c
    cdef Window one = t[0]
    for c in range(C):
        one.x = t.x + c
        if not ordinary(y[c]):
            y[c] = scaled_root_of_squares(&one)


cdef inline void forward_pixels(Pool *p, Py_ssize_t job, const int kind) noexcept nogil:
    """One output row of one image, all channels."""
    cdef Py_ssize_t n = job // p.OH, oh = job % p.OH, ow
    cdef Window first = first_column(p, n, 0, oh), t
    cdef real *y = pixel(&p.y, n, 0, oh, 0)
    cdef int64_t *index = index_at(&p.indices, n, 0, oh, 0) if kind == ARGMAX else NULL
    for ow in range(p.OW):
        t = at_columns(&first, p.cols + ow, p.x.w)
        if kind == LP:
            pixel_norms(&t, p.C, p.exponent, y)
        else:
            window_of_size(pixel_vectors, t.KH if t.KH == t.KW else 0, 2, 3, 0, &t, p.C, y, index, kind)
        y += p.y.w
        if kind == ARGMAX:
            index += p.indices.w


# ---------------------------------------------------------------- means of windows too large for the first cache

cdef inline bint large(Pool *p) noexcept nogil:
    """Whether a window is too large for the first cache to hold it while its columns are summed."""
    return p.rows[0].count >= 6 and p.rows[0].count * p.cols[0].count >= 36


cdef void large_mean(const Window *t, Py_ssize_t c0, Py_ssize_t count, real *y, real *sums) noexcept nogil:
    """The mean of `count` channels, from c0 on, of a large window. x is read in the order of memory; `sums` holds a
    sum for every column, so that the bits are the same as those of `pixel_vector`."""
    cdef Py_ssize_t vectors = ceil_div(count, VL), kh, kw, v
    cdef const real *x
    cdef real *column
    cdef vf a
    memset(sums, 0, t.KW * vectors * VL * sizeof(real))
    for kh in range(t.KH):
        for kw in range(t.KW):
            x, column = t.x + kh * t.down + kw * t.right + c0, sums + kw * vectors * VL
            for v in range(count // VL):
                vstore(column + v * VL, vload(column + v * VL) + vload(x + v * VL))
            if count % VL:
                v = count // VL
                vstore(column + v * VL, vload(column + v * VL) + vread(x + v * VL, count - v * VL))
    for v in range(vectors):
        a = vzero
        for kw in range(t.KW):
            a = a + vload(sums + (kw * vectors + v) * VL)
        vwrite(y + c0 + v * VL, min(count - v * VL, <Py_ssize_t>VL), a / vsplat(<real>t.divisor))


cdef void forward_large_means(Pool *p, Py_ssize_t job) noexcept nogil:
    """CHANNELS channels of one output row."""
    cdef Py_ssize_t parts = ceil_div(p.C, CHANNELS), c0 = job % parts * CHANNELS, oh = job // parts % p.OH
    cdef Py_ssize_t n = job // parts // p.OH, ow
    cdef Window t
    for ow in range(p.OW):
        t = window_of(p, n, 0, oh, ow)
        large_mean(&t, c0, min(<Py_ssize_t>CHANNELS, p.C - c0), pixel(&p.y, n, 0, oh, ow), own_scratch(p))
