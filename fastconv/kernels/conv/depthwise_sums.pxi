# The products of the weight gradient: the sums of some taps over some pixels, one vector of lanes at a time.

cdef struct Pixels:             # of dy
    const real *dy
    Py_ssize_t yw, yh           # from one pixel to the next, from one row to the next

ctypedef void (*sums_case)(const Grid *g, const real **rows, const Place *place, const Pixels *at, real *sums,
                           int count, const int height, const int kh, const int mw) noexcept nogil

cdef extern from *:
    void sum_with_step "DISPATCH2" (sums_case f, int mw, const Grid *g, const real **rows, const Place *place,
                                    const Pixels *at, real *sums, int count, int height, int kh) noexcept nogil


cdef inline void sum_tap(const real *x, Py_ssize_t x_step, const real *dy, Py_ssize_t dy_step, Py_ssize_t count,
                         real *sums) noexcept nogil:
    """sums[lane] += sum over `count` pixels of x dy, for one vector of lanes."""
    cdef vf acc = vload(sums)
    cdef Py_ssize_t j
    for j in range(count):
        acc = acc + vload(x + j * x_step) * vload(dy + j * dy_step)
    vstore(sums, acc)


cdef inline void sum_taps(const Grid *g, const real **rows, const Place *place, const Pixels *at, real *sums,
                          const int count, const int height, const int kh, const int mw) noexcept nogil:
    """sums[r][s] += sum_{i,q} x[i][r][q mw + s] dy[i][q] for kh x 3 taps and height x count pixels, whole vectors of
    lanes; rows[i * 3] is the first row of x under row i of dy."""
    cdef vf acc[9]
    cdef vf xv[16]
    cdef vf dv[TILE]
    cdef Py_ssize_t v, c, step = g.step, width = g.channels.width, first = place.at, yw = at.yw, yh = at.yh
    cdef const real *dy = at.dy
    cdef int i, r, s, q, left = place.left, right = place.right
    for v in range(g.channels.vectors):
        c = channel(&g.channels, v)
        for r in range(kh * 3):
            acc[r] = vload(sums + r * width + v * VL)
        for i in range(height):
            if g.far:
                fetch(rows + i * 3, kh, g.mh, first + c, step, count * mw)
                fetch(&dy, 1, 1, i * yh + c, yw, count)
            for q in range(count):
                dv[q] = vload(dy + i * yh + q * yw + c)
            for r in range(kh):
                load_columns(xv, rows[i * 3 + r] + first + c, step, left, right, 1, (count - 1) * mw + 3)
                for q in range(count):
                    for s in range(3):
                        acc[r * 3 + s] = acc[r * 3 + s] + xv[q * mw + s] * dv[q]
        for r in range(kh * 3):
            vstore(sums + r * width + v * VL, acc[r])


cdef inline void sum_pixels(const Grid *g, const real **rows, const Place *place, const Pixels *at, real *sums,
                            int count, const int height, const int kh, const int mw) noexcept nogil:
    """sum_taps for TILE pixels or one, or two in each of two rows."""
    if count == TILE:
        sum_taps(g, rows, place, at, sums, TILE, height, kh, mw)
    elif height == 2 and count == 2:
        sum_taps(g, rows, place, at, sums, 2, height, kh, mw)
    else:
        sum_taps(g, rows, place, at, sums, 1, height, kh, mw)


cdef void sum_tile(const Grid *g, const real **rows, const Place *place, const Pixels *at, real *sums, int count,
                   int height, int kh) noexcept nogil:
    """sum_taps for a stride of 1 or 2 in a row: one row of taps, or three for one or two rows of dy."""
    cdef int mw = <int>g.mw
    if kh == 1:
        sum_with_step(sum_pixels, mw, g, rows, place, at, sums, count, 1, 1)
    elif height == 1:
        sum_with_step(sum_pixels, mw, g, rows, place, at, sums, count, 1, 3)
    else:
        sum_with_step(sum_pixels, mw, g, rows, place, at, sums, count, 2, 3)
