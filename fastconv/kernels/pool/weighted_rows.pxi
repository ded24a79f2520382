# Weighted sums of neighbouring values of memory, one factor for all: rows of x, and pixels in channels-last memory.

cdef inline void put(real *out, vf v, bint stream) noexcept nogil:
    """Store a whole vector, past the caches or not."""
    if stream:
        vstream(out, v)
    else:
        vstore(out, v)


cdef inline void add_some(const real *x, Py_ssize_t step, const Taps *t, Py_ssize_t o, real *out, Py_ssize_t count,
                          bint stream, const Py_ssize_t K) noexcept nogil:
    """out = sum of weight[k] (x + step source[k]) over the taps k of output o, `count` values each; K taps, or any if 0."""
    cdef Py_ssize_t taps = K if K else t.ends[o + 1] - t.ends[o], i = 0, k
    cdef const Py_ssize_t *source = t.source + t.ends[o]
    cdef const real *weight = t.weight + t.ends[o]
    cdef const real *p
    cdef vf w, a, b, c, d
    while i + 4 * VL <= count:
        w, p = vsplat(weight[0]), x + step * source[0] + i
        a, b, c, d = w * vload(p), w * vload(p + VL), w * vload(p + 2 * VL), w * vload(p + 3 * VL)
        for k in range(1, taps):
            w, p = vsplat(weight[k]), x + step * source[k] + i
            a, b = vfma(w, vload(p), a), vfma(w, vload(p + VL), b)
            c, d = vfma(w, vload(p + 2 * VL), c), vfma(w, vload(p + 3 * VL), d)
        put(out + i, a, stream)
        put(out + i + VL, b, stream)
        put(out + i + 2 * VL, c, stream)
        put(out + i + 3 * VL, d, stream)
        i += 4 * VL
    while i + VL <= count:
        a = vsplat(weight[0]) * vload(x + step * source[0] + i)
        for k in range(1, taps):
            a = vfma(vsplat(weight[k]), vload(x + step * source[k] + i), a)
        put(out + i, a, stream)
        i += VL
    if i < count:
        a = vsplat(weight[0]) * vread(x + step * source[0] + i, count - i)
        for k in range(1, taps):
            a = vfma(vsplat(weight[k]), vread(x + step * source[k] + i, count - i), a)
        vwrite(out + i, count - i, a)


cdef void add_taps(const real *x, Py_ssize_t step, const Taps *t, Py_ssize_t o, real *out, Py_ssize_t count,
                   bint stream) noexcept nogil:
    """The same for any number of taps; zeros where there is none."""
    cdef Py_ssize_t taps = t.ends[o + 1] - t.ends[o]
    if taps == 2:
        add_some(x, step, t, o, out, count, stream, 2)
    elif taps == 1:
        add_some(x, step, t, o, out, count, stream, 1)
    elif taps:
        add_some(x, step, t, o, out, count, stream, 0)
    else:
        memset(out, 0, count * sizeof(real))


cdef void weighted_pixels(const Weighted *p, const real *x, Py_ssize_t oh, real *line, real *y) noexcept nogil:
    """Row oh of an image in channels-last memory."""
    cdef Py_ssize_t w, ow, C = p.C, first = p.rows.ends[oh]
    cdef const real *source = line
    if p.x.w == C and p.rows.ends[oh + 1] == first + 1 and p.rows.weight[first] == 1:
        source = x + p.rows.source[first] * p.x.h  # a row of x as it is
    elif p.x.w == C:
        add_taps(x, p.x.h, &p.rows, oh, line, p.W * C, False)
    else:
        for w in range(p.W):
            add_taps(x + w * p.x.w, p.x.h, &p.rows, oh, line + w * C, C, False)
    for ow in range(p.OW):
        add_taps(source, C, &p.cols, ow, y + ow * p.y.w, C, p.stream)
