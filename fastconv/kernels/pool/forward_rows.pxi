# Forward in planar memory: output rows, and the jobs of several rows. The steps of a row are in forward_planes.pxi.

cdef bint squares_fit(const Pool *p) noexcept nogil:
    """Whether all windows are squares of 2 x 2 side by side, and their means divide by 4."""
    cdef Py_ssize_t oh
    if not p.even.pairs:
        return False
    for oh in range(p.OH):
        if p.rows[oh].start != 2 * oh or p.rows[oh].count != 2 or p.rows[oh].step != 1:
            return False
        if p.rows[oh].divisor * p.cols[0].divisor != 4:
            return False
    return True


cdef void mean_squares(const Pool *p, Py_ssize_t job) noexcept nogil:
    """SQUARE_ROWS output rows, counted over all planes: means of 2 x 2 windows."""
    cdef Py_ssize_t row = job * SQUARE_ROWS, end = min(row + SQUARE_ROWS, p.N * p.C * p.OH), last = p.OW % VL
    cdef Py_ssize_t oh = row % p.OH, c = row // p.OH % p.C, n = row // p.OH // p.C
    cdef lane_mask low = lanes(at_most_vector(2 * last)), high = lanes(at_most_vector(2 * last - VL))
    cdef lane_mask out = lanes(last)
    while row < end:
        row += p.OH - oh
        squares_of_plane(p, pixel(&p.x, n, c, 2 * oh, 0), pixel(&p.y, n, c, oh, 0),
                         p.OH - oh - max(row - end, <Py_ssize_t>0), low, high, out)
        oh = 0
        c += 1
        if c == p.C:
            c = 0
            n += 1


cdef inline void squares_of_plane(const Pool *p, const real *x, real *y, Py_ssize_t rows, lane_mask low, lane_mask high,
                                  lane_mask out) noexcept nogil:
    """y[j] = ((x[2j] + below[2j]) + (x[2j + 1] + below[2j + 1])) / 4 in some rows: the order of the sums is that of the
    others. The masks are those of the last vector, empty where it is whole."""
    cdef Py_ssize_t i, j, vectors = p.OW // VL
    cdef bint rest = p.OW % VL != 0
    cdef const real *below
    cdef vf a, b
    for i in range(rows):
        below = x + p.x.h
        for j in range(vectors):
            a = vload(x + 2 * j * VL) + vload(below + 2 * j * VL)
            b = vload(x + 2 * j * VL + VL) + vload(below + 2 * j * VL + VL)
            vstore(y + j * VL, (evens(a, b) + odds(a, b)) * vsplat(0.25))
        if rest:
            j = vectors * VL
            a = load_lanes(x + 2 * j, low) + load_lanes(below + 2 * j, low)
            b = load_lanes(x + 2 * j + VL, high) + load_lanes(below + 2 * j + VL, high)
            store_lanes(y + j, out, (evens(a, b) + odds(a, b)) * vsplat(0.25))
        x += 2 * p.x.h
        y += p.y.h


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
