# The products of the weight gradient: the sums of some taps over some pixels, one vector of lanes at a time.

cdef struct Pixels:             # of dy
    const real *dy
    Py_ssize_t yw, yh           # from one pixel to the next, from one row to the next

ctypedef void (*sums_case)(const Grid *g, const real *row, const Place *place, const Pixels *at, real *sums,
                           int count, const int mw) noexcept nogil
ctypedef void (*sums_walk_case)(const Grid *g, const Phase *f, const real **rows, const Pixels *at, real *sums,
                                const int m, const int height) noexcept nogil

cdef extern from *:
    void sum_with_step "DISPATCH2" (sums_case f, int mw, const Grid *g, const real *row, const Place *place,
                                    const Pixels *at, real *sums, int count) noexcept nogil
    void sum_with_height "DISPATCH2" (sums_walk_case f, int height, const Grid *g, const Phase *phase, const real **rows,
                                      const Pixels *at, real *sums, int m) noexcept nogil


cdef inline void sum_tap(const real *x, Py_ssize_t x_step, const real *dy, Py_ssize_t dy_step, Py_ssize_t count,
                         real *sums) noexcept nogil:
    """sums[lane] += sum over `count` pixels of x dy, for one vector of lanes."""
    cdef vf acc = vload(sums)
    cdef Py_ssize_t j
    for j in range(count):
        acc = acc + vload(x + j * x_step) * vload(dy + j * dy_step)
    vstore(sums, acc)


cdef inline void sum_taps(const Grid *g, const real *row, const Place *place, const Pixels *at, real *sums,
                          const int count, const int mw) noexcept nogil:
    """sums[s] += sum_q x[q mw + s] dy[q] for a row of 3 taps and `count` pixels, whole vectors of lanes."""
    cdef vf acc[3]
    cdef vf xv[16]
    cdef vf d
    cdef Py_ssize_t v, c, width = g.channels.width
    cdef int s, q
    for v in range(g.channels.vectors):
        c = channel(&g.channels, v)
        for s in range(3):
            acc[s] = vload(sums + s * width + v * VL)
        load_columns(xv, row + place.at + c, g.step, place.left, place.right, 1, (count - 1) * mw + 3)
        for q in range(count):
            d = vload(at.dy + q * at.yw + c)
            for s in range(3):
                acc[s] = acc[s] + xv[q * mw + s] * d
        for s in range(3):
            vstore(sums + s * width + v * VL, acc[s])


cdef inline void sum_pixels(const Grid *g, const real *row, const Place *place, const Pixels *at, real *sums, int count,
                            const int mw) noexcept nogil:
    """sum_taps for TILE pixels or one."""
    if count == TILE:
        sum_taps(g, row, place, at, sums, TILE, mw)
    else:
        sum_taps(g, row, place, at, sums, 1, mw)


cdef inline void sum_walk(const Grid *g, const Phase *f, const real **rows, const Pixels *at, real *sums, const int m,
                          const int height) noexcept nogil:
    """sums[r][s] += sum_{i,q} x[i m + r][q m + source + s] dy[i][q] for 3 x 3 taps and `height` whole rows of dy."""
    cdef Py_ssize_t j = 0, end, v, columns = stretch(g, f.GW)
    while j < f.GW:
        end = min(j + columns, f.GW)
        for v in range(g.channels.vectors):
            sum_stretch(g, f, rows, at, sums + v * VL, v, j, end, m, height)
        j = end


cdef inline void sum_stretch(const Grid *g, const Phase *f, const real **rows, const Pixels *at, real *sums,
                             Py_ssize_t v, Py_ssize_t j, Py_ssize_t end, const int m, const int height) noexcept nogil:
    """Pixels j to end, vector v, as in depthwise_walk; the nine sums stay in registers."""
    cdef vf x[15]
    cdef vf acc[9]
    cdef vf d
    cdef const real *from_row[5]
    cdef Py_ssize_t step[5]
    cdef Py_ssize_t c = channel(&g.channels, v), column = j * m + f.w.source, W = g.x.W, yw = at.yw, yh = at.yh
    cdef Py_ssize_t below = height * m * g.x.h_step, width = g.channels.width
    cdef const real *dy = at.dy + c + j * yw
    cdef int r, s, i, count = 3 + (height - 1) * m
    cdef bint far = g.rows_far
    for r in range(9):
        acc[r] = vload(sums + r * width)
    for r in range(3 * count):
        x[r] = vzero
    start_rows(g, rows, column, c, from_row, step, count)
    for s in range(3 - m):
        next_column(x, from_row, step, 0 <= column < W, 3, count)
        column += 1
    while j < end:
        for s in range(m):
            if far:
                for r in range(count - height * m, count):
                    vprefetch(from_row[r] + below)
            next_column(x, from_row, step, 0 <= column < W, 3, count)
            column += 1
        for i in range(height):
            d = vload(dy + i * yh)
            if far:
                vprefetch(dy + (i + height) * yh)
            for r in range(3):
                for s in range(3):
                    acc[3 * r + s] = acc[3 * r + s] + x[3 * (i * m + r) + s] * d
        dy += yw
        j += 1
    for r in range(9):
        vstore(sums + r * width, acc[r])


cdef void sum_walk_rows(const Grid *g, const Phase *f, const real **rows, int height, const Pixels *at,
                        real *sums) noexcept nogil:
    """sum_walk for a stride of 1 or 2 and one row of dy or two."""
    if g.mw == 1:
        sum_with_height(sum_walk, height, g, f, rows, at, sums, 1)
    else:
        sum_with_height(sum_walk, height, g, f, rows, at, sums, 2)
