# 3 x 3 taps of stride 1 or 2, 5 x 5 of stride 2 (forward; input gradient of stride 1): one vector of lanes walks along a
# row of the result, or along two. The columns of x that a pixel reads stay in registers for the next pixel, and nine
# weights for all pixels:
#
#     x       a b c d e        a, b, c: three rows of x (four or five for two rows of the result)
#     y         B C D          B reads a, b, c; before C only d is loaded
#
# So a pixel of two rows costs 4 loads for 18 multiply-adds, and no pixel at an edge is special: columns and rows outside
# are zeros.

cdef enum:
    STRETCH = 7         # pixels before the next vector of lanes follows, where pixels are CONFLICT bytes apart:
    CONFLICT = 1024     # then all columns of a vector fall into four or fewer sets of the first cache
    WIDEST = 64         # bytes of a vector, in builds with 32 registers

ctypedef void (*walk_case)(const Grid *g, const Phase *f, const real **rows, const Target *to, const int k,
                           const int m, const int height) noexcept nogil

cdef extern from *:
    void walk_with_height "DISPATCH2" (walk_case f, int height, const Grid *g, const Phase *f, const real **rows,
                                       const Target *to, int k, int m) noexcept nogil


cdef bint can_walk(const Grid *g, const Phase *f) noexcept nogil:
    """Whether this form is possible; 5 x 5 taps need 32 registers, and at stride 1 tiles are as fast."""
    if f.h.source_step != 1 or f.w.source_step != 1 or g.sh * g.sw != 1 or g.mh != g.mw or g.beside:
        return False
    if f.h.count == 5 and f.w.count == 5:
        return g.mw == 2 and VL * sizeof(real) == WIDEST
    return f.h.count == 3 and f.w.count == 3 and g.mw <= 2


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


cdef inline void next_column(vf *x, const real **at, const Py_ssize_t *step, bint inside, const int k,
                             const int count) noexcept nogil:
    """x[r][0], x[r][1], ... = x[r][1], x[r][2], ..., the next column of row r; zeros outside."""
    cdef int r, s
    for r in range(count):
        for s in range(k - 1):
            x[k * r + s] = x[k * r + s + 1]
    if inside:
        for r in range(count):
            x[k * r + k - 1] = vload(at[r])
            at[r] += step[r]
    else:
        for r in range(count):
            x[k * r + k - 1] = vzero


cdef inline void walk(const Grid *g, const Phase *f, const real **rows, const Target *to, const int k,
                      const int m, const int height) noexcept nogil:
    """`height` rows of the result, of stride m, stretch by stretch."""
    cdef Py_ssize_t j = 0, end, v, columns = stretch(g, f.GW)
    while j < f.GW:
        end = min(j + columns, f.GW)
        for v in range(g.channels.vectors):
            walk_stretch(g, f, rows, to, v, j, end, k, m, height)
        j = end


cdef inline void walk_stretch(const Grid *g, const Phase *f, const real **rows, const Target *to, Py_ssize_t v,
                              Py_ssize_t j, Py_ssize_t end, const int k, const int m, const int height) noexcept nogil:
    """Pixels j to end, vector v: y[i][q] = f(b + sum_{r,s} rows[i m + r][q m + source + s] w[r,s])."""
    cdef vf x[25]
    cdef vf w[9]
    cdef vf acc, b, wv
    cdef const real *packed = f.packed + v * VL
    cdef const real *at[5]
    cdef Py_ssize_t step[5]
    cdef Py_ssize_t c = channel(&g.channels, v), column = j * m + f.w.source, W = g.x.W, yw = to.yw, yh = to.yh
    cdef Py_ssize_t below = height * m * g.x.h_step
    cdef real *y = to.y + c + j * yw
    cdef int r, s, i, activation = to.activation, count = k + (height - 1) * m
    cdef bint far = g.rows_far
    if k == 3:
        for r in range(9):
            w[r] = vload(packed + r * g.channels.width)
    for r in range(k * count):
        x[r] = vzero
    b = vload(to.b + c)
    start_rows(g, rows, column, c, at, step, count)
    for s in range(k - m):
        next_column(x, at, step, 0 <= column < W, k, count)
        column += 1
    while j < end:
        for s in range(m):
            if far:
                for r in range(count - height * m, count):
                    vprefetch(at[r] + below)
            next_column(x, at, step, 0 <= column < W, k, count)
            column += 1
        for i in range(height):
            acc = b
            for r in range(k):
                for s in range(k):
                    wv = w[3 * r + s] if k == 3 else vload(packed + (k * r + s) * g.channels.width)
                    acc = acc + x[k * (i * m + r) + s] * wv
            vstore(y + i * yh, activated(acc, activation))
        y += yw
        j += 1


cdef void walk_rows(const Grid *g, const Phase *f, const real **rows, int height, const Target *to) noexcept nogil:
    """All pixels of one or two rows of the result."""
    if f.w.count == 5:
        walk(g, f, rows, to, 5, 2, 1)
    elif g.mw == 1:
        walk_with_height(walk, height, g, f, rows, to, 3, 1)
    else:
        walk_with_height(walk, height, g, f, rows, to, 3, 2)
