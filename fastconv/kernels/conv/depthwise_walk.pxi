# 3 x 3 taps of stride 1 or 2 (forward; input gradient of stride 1): one vector of lanes walks along a row of the result,
# or along two. The columns of x that a pixel reads stay in registers for the next pixel, the nine weights for all of
# them:
#
#     x       a b c d e        a, b, c: three rows of x (four or five for two rows of the result)
#     y         B C D          B reads a, b, c; before C only d is loaded
#
# So a pixel of two rows costs 4 loads for 18 multiply-adds, and no pixel at an edge is special: columns and rows outside
# are zeros.

cdef enum:
    STRETCH = 7         # pixels before the next vector of lanes follows, where pixels are CONFLICT bytes apart:
    CONFLICT = 2048     # then all columns of a vector fall into two or fewer sets of the first cache

ctypedef void (*walk_case)(const Grid *g, const Phase *f, const real **rows, const Target *to, const int m,
                           const int height) noexcept nogil

cdef extern from *:
    void walk_with_height "DISPATCH2" (walk_case f, int height, const Grid *g, const Phase *f, const real **rows,
                                       const Target *to, int m) noexcept nogil


cdef bint can_walk(const Grid *g, const Phase *f) noexcept nogil:
    """Whether this form is possible."""
    return (f.h.count == 3 and f.w.count == 3 and f.h.source_step == 1 and f.w.source_step == 1 and g.sh * g.sw == 1
            and g.mh == g.mw and g.mw <= 2 and not g.beside)


cdef inline Py_ssize_t stretch(const Grid *g, Py_ssize_t columns) noexcept nogil:
    """How many pixels of a row a vector walks along before the next vector follows."""
    return STRETCH if g.step * <Py_ssize_t>sizeof(real) % CONFLICT == 0 else columns


cdef inline void start_rows(const Grid *g, const real **rows, Py_ssize_t column, Py_ssize_t c, const real **at,
                            Py_ssize_t *step, const int count) noexcept nogil:
    """Where lane c of each row of x is read from a column on, and its step; rows outside are one vector of zeros."""
    cdef int r
    for r in range(count):
        at[r], step[r] = g.nothing, 0
        if rows[r] != NULL:
            at[r], step[r] = rows[r] + c + max(<Py_ssize_t>0, column) * g.step, g.step


cdef inline void next_column(vf *x, const real **at, const Py_ssize_t *step, bint inside, const int count) noexcept nogil:
    """x[r][0], x[r][1], x[r][2] = x[r][1], x[r][2], the next column of row r; zeros outside."""
    cdef int r
    for r in range(count):
        x[3 * r] = x[3 * r + 1]
        x[3 * r + 1] = x[3 * r + 2]
    if inside:
        for r in range(count):
            x[3 * r + 2] = vload(at[r])
            at[r] += step[r]
    else:
        for r in range(count):
            x[3 * r + 2] = vzero


cdef inline void walk(const Grid *g, const Phase *f, const real **rows, const Target *to, const int m,
                      const int height) noexcept nogil:
    """`height` rows of the result, of stride m, stretch by stretch."""
    cdef Py_ssize_t j = 0, end, v, columns = stretch(g, f.GW)
    while j < f.GW:
        end = min(j + columns, f.GW)
        for v in range(g.channels.vectors):
            walk_stretch(g, f, rows, to, v, j, end, m, height)
        j = end


cdef inline void walk_stretch(const Grid *g, const Phase *f, const real **rows, const Target *to, Py_ssize_t v,
                              Py_ssize_t j, Py_ssize_t end, const int m, const int height) noexcept nogil:
    """Pixels j to end, vector v: y[i][q] = f(b + sum_{r,s} rows[i m + r][q m + source + s] w[r,s])."""
    cdef vf x[15]
    cdef vf w[9]
    cdef vf acc, b
    cdef const real *at[5]
    cdef Py_ssize_t step[5]
    cdef Py_ssize_t c = channel(&g.channels, v), column = j * m + f.w.source, W = g.x.W, yw = to.yw, yh = to.yh
    cdef Py_ssize_t below = height * m * g.x.h_step
    cdef real *y = to.y + c + j * yw
    cdef int r, s, i, activation = to.activation, count = 3 + (height - 1) * m
    cdef bint far = g.rows_far
    for r in range(9):
        w[r] = vload(f.packed + r * g.channels.width + v * VL)
    for r in range(3 * count):
        x[r] = vzero
    b = vload(to.b + c)
    start_rows(g, rows, column, c, at, step, count)
    for s in range(3 - m):
        next_column(x, at, step, 0 <= column < W, count)
        column += 1
    while j < end:
        for s in range(m):
            if far:
                for r in range(count - height * m, count):
                    vprefetch(at[r] + below)
            next_column(x, at, step, 0 <= column < W, count)
            column += 1
        for i in range(height):
            acc = b
            for r in range(3):
                for s in range(3):
                    acc = acc + x[3 * (i * m + r) + s] * w[3 * r + s]
            vstore(y + i * yh, activated(acc, activation))
        y += yw
        j += 1


cdef void walk_rows(const Grid *g, const Phase *f, const real **rows, int height, const Target *to) noexcept nogil:
    """All pixels of one or two rows of the result."""
    if g.mw == 1:
        walk_with_height(walk, height, g, f, rows, to, 1)
    else:
        walk_with_height(walk, height, g, f, rows, to, 2)
