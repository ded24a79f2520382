# Forward in planar memory: output rows, and the jobs of several rows. The steps of a row are in forward_planes.pxi.

cdef bint squares_fit(const Pool *p) noexcept nogil:
    """Whether all windows are squares of 2 x 2 side by side, which divide by 4 where they are means."""
    cdef Py_ssize_t oh
    if not p.even.pairs:
        return False
    for oh in range(p.OH):
        if p.rows[oh].start != 2 * oh or p.rows[oh].count != 2 or p.rows[oh].step != 1:
            return False
        if p.rows[oh].divisor * p.cols[0].divisor != 4:
            return False
    return True


cdef inline void forward_squares(Pool *p, Py_ssize_t job, const int kind) noexcept nogil:
    """SQUARE_ROWS output rows, counted over all planes: means or L2 of 2 x 2 windows."""
    cdef Py_ssize_t row = job * SQUARE_ROWS, end = min(row + SQUARE_ROWS, p.N * p.C * p.OH), last = p.OW % VL
    cdef Py_ssize_t oh = row % p.OH, c = row // p.OH % p.C, n = row // p.OH // p.C
    cdef lane_mask low = lanes(at_most_vector(2 * last)), high = lanes(at_most_vector(2 * last - VL))
    cdef lane_mask out = lanes(last)
    cdef Py_ssize_t rows
    cdef bint right
    while row < end:
        row += p.OH - oh
        rows = p.OH - oh - max(row - end, <Py_ssize_t>0)
        right = squares_of_plane(p, pixel(&p.x, n, c, 2 * oh, 0), pixel(&p.y, n, c, oh, 0), rows, low, high, out, kind)
        if kind == L2 and not right:
            for oh in range(oh, oh + rows):
                mend_roots(p, n, c, oh, pixel(&p.y, n, c, oh, 0))
        oh = 0
        c += 1
        if c == p.C:
            c = 0
            n += 1


cdef inline bint squares_of_plane(const Pool *p, const real *x, real *y, Py_ssize_t rows, lane_mask low, lane_mask high,
                                  lane_mask out, const int kind) noexcept nogil:
    """y[j] = ((x[2j] + below[2j]) + (x[2j + 1] + below[2j + 1])) / 4, or the root of the same sum of squares, in some
    rows: the order of the sums is that of the others. Returns whether all are ordinary (L2). The masks are those of the
    last vector, empty where it is whole."""
    cdef Py_ssize_t i, j, vectors = p.OW // VL, last = p.OW % VL
    cdef const real *below
    cdef vi good = isplat(-1)
    cdef vf v
    for i in range(rows):
        below = x + p.x.h
        for j in range(vectors):
            v = of_squares(pair_down(vload(x + 2 * j * VL), vload(below + 2 * j * VL), kind),
                           pair_down(vload(x + 2 * j * VL + VL), vload(below + 2 * j * VL + VL), kind), kind)
            if kind == L2:
                good = iboth(good, iordinary(v, VL))
            vstore(y + j * VL, v)
        if last:
            j = vectors * VL
            v = of_squares(pair_down(load_lanes(x + 2 * j, low), load_lanes(below + 2 * j, low), kind),
                           pair_down(load_lanes(x + 2 * j + VL, high), load_lanes(below + 2 * j + VL, high), kind), kind)
            if kind == L2:
                good = iboth(good, iordinary(v, last))
            store_lanes(y + j, out, v)
        x += 2 * p.x.h
        y += p.y.h
    return kind != L2 or iall(good)


cdef inline vf pair_down(vf x, vf below, const int kind) noexcept nogil:
    """The sum of a column of a square, or of its squares, rounded as by `joined`."""
    return x + below if kind == MEAN else vfma(below, below, x * x)


cdef inline vf of_squares(vf a, vf b, const int kind) noexcept nogil:
    """The results of squares whose columns lie side by side in a and b."""
    cdef vf sums = evens(a, b) + odds(a, b)
    return sums * vsplat(0.25) if kind == MEAN else vroot(sums)


cdef inline void norm_row(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh, real *y) noexcept nogil:
    """L_p norms of one output row, window by window."""
    cdef Py_ssize_t ow
    cdef Window t
    for ow in range(p.OW):
        t = window_of(p, n, c, oh, ow)
        y[ow] = norm(&t, p.exponent)


cdef inline void mend_roots(const Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh, real *y) noexcept nogil:
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
