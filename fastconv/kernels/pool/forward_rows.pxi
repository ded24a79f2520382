# Forward in planar memory: output rows, and the jobs of several rows. The steps of a row are in forward_planes.pxi.

cdef void mean_pairs(const real *above, const real *below, real *y, Py_ssize_t n) noexcept nogil:
    """y[j] = ((above[2j] + below[2j]) + (above[2j + 1] + below[2j + 1])) / 4: means of 2 x 2 windows side by side.
    Plain loops over 32 outputs, which the compiler turns into vectors; the order of the sums is that of the others."""
    cdef real s[64]
    cdef Py_ssize_t j, k, count
    for j in range(0, n, 32):
        count = min(n - j, <Py_ssize_t>32)
        for k in range(2 * count):
            s[k] = above[2 * j + k] + below[2 * j + k]
        for k in range(count):
            y[j + k] = (s[2 * k] + s[2 * k + 1]) * <real>0.25


cdef inline void norm_row(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh, real *y) noexcept nogil:
    """L_p norms of one output row, window by window."""
    cdef Py_ssize_t ow
    cdef Window t
    for ow in range(p.OW):
        t = window_of(p, n, c, oh, ow)
        y[ow] = norm(&t, p.exponent)


cdef inline void mend_roots(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh, real *y) noexcept nogil:
    """L2: the outputs of a row that are not ordinary, computed again."""
    cdef Py_ssize_t ow
    cdef Window t
    for ow in range(p.OW):
        if not ordinary(y[ow]):
            t = window_of(p, n, c, oh, ow)
            y[ow] = scaled_root_of_squares(&t)


cdef inline void forward_row(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh, const int kind) noexcept nogil:
    """One output row of one plane."""
    cdef EvenRun *e = &p.even
    cdef real *y = pixel(&p.y, n, c, oh, 0)
    cdef int64_t *index = index_at(&p.indices, n, c, oh, 0) if kind == ARGMAX else NULL
    cdef real row_divisor = <real>p.rows[oh].divisor
    cdef Columns a
    cdef Window t
    cdef Py_ssize_t ow
    cdef bint all_ordinary = True
    if kind == LP:
        norm_row(p, n, c, oh, y)
        return
    t = window_of(p, n, c, oh, 0)
    if kind == MEAN and e.pairs and t.KH == 2 and t.divisor == 4:
        mean_pairs(t.x, t.x + t.down, y, p.OW)
        return
    t.x -= p.cols[0].start
    t.at -= p.cols[0].start
    a.value = own_scratch(p)
    a.index = <vi_element *>(a.value + p.W + 3 * VL)
    reduce_columns(&t, p.W, &a, kind)
    for ow in range(e.lo):
        one_output(p.cols + ow, row_divisor, &a, y + ow, index + ow, kind)
    if e.hi > e.lo:
        run_of_taps(run_outputs, e.taps, 2, 3, e, row_divisor * p.cols[e.lo].divisor, &a, y, index, &all_ordinary, kind)
    for ow in range(e.hi, p.OW):
        one_output(p.cols + ow, row_divisor, &a, y + ow, index + ow, kind)
    if kind == L2 and not (all_ordinary and e.hi - e.lo == p.OW):
        mend_roots(p, n, c, oh, y)


cdef inline void forward_band(Pool *p, Py_ssize_t job, const int kind) noexcept nogil:
    """BAND output rows of one plane."""
    cdef Py_ssize_t bands = ceil_div(p.OH, BAND), first = job % bands * BAND, oh
    cdef Py_ssize_t c = job // bands % p.C, n = job // bands // p.C
    for oh in range(first, min(first + BAND, p.OH)):
        forward_row(p, n, c, oh, kind)


cdef void forward_argmax(Pool *p, Py_ssize_t job) noexcept nogil:
    """One output row of one plane of any strides, window by window: for planes whose indices fit no lane."""
    cdef Py_ssize_t oh = job % p.OH, c = job // p.OH % p.C, n = job // p.OH // p.C, ow
    cdef Window t
    for ow in range(p.OW):
        t = window_of(p, n, c, oh, ow)
        argmax(&t, pixel(&p.y, n, c, oh, ow), index_at(&p.indices, n, c, oh, ow))
