# One filter per channel, forward and input gradient of stride 1: nothing is summed over channels, so a channel is one
# plane of x and one of y. The rows of x lie between zeros (planar_rows), with whole vectors to read everywhere; a
# strip is STRIP rows of y, one vector of VL columns after the other. Of a last vector only the columns of y are stored.
# Where rows remain, the last strip overlaps the one before it.

cdef enum:
    STRIP = 4           # rows of y that are computed together; row_into and shared_strip are written for four
    PAIR_PRODUCTS = 2   # products of a pair of columns and a place of dy, on average, in pairs of rows

cdef struct Strip:
    const real *x               # what tap (0, 0) of the first pixel reads
    Py_ssize_t x_row            # from one row of y to the next, in x
    const real *w
    real bias
    real *y


cdef bint one_by_one(const Source *x, Py_ssize_t K) noexcept nogil:
    """Whether a group is one channel and one filter."""
    return x.C == 1 and K == 1


cdef void run_plane(const Grid *g, const real *x, const real *w, real bias, real *y, Py_ssize_t rows) noexcept nogil:
    """`rows` rows of one channel of y."""
    cdef Strip t
    cdef Py_ssize_t i = 0, at, kh = g.source.h.taps.count, kw = g.source.w.taps.count
    cdef bint shared = neighbours(&g.source), three_by_three = kh == 3 and kw == 3
    t.x_row, t.w, t.bias = g.source.h.move * g.source.at.h_step, w, bias
    while i < rows:
        at = min(i, rows - STRIP) if rows >= STRIP else i
        t.x, t.y = x + at * t.x_row, y + at * g.y.h_step
        if rows < STRIP:
            any_strip(g, &t, kh, kw, 1)
            i += 1
            continue
        if shared and three_by_three:
            shared_strip(g, &t)
        elif shared:
            tall_strip(g, &t)
        elif three_by_three:
            any_strip(g, &t, 3, 3, STRIP)
        else:
            any_strip(g, &t, kh, kw, STRIP)
        i += STRIP


cdef bint neighbours(const Source *x) noexcept nogil:
    """Whether a row of x is read by the taps of three rows of y or more that follow each other."""
    cdef Py_ssize_t step = x.h.taps.source_step
    return x.h.taps.count >= 3 and x.h.move == 1 and (step == 1 or step == -1)


cdef inline void any_strip(const Grid *g, const Strip *t, const Py_ssize_t kh, const Py_ssize_t kw,
                           const int rows) noexcept nogil:
    """y[i, j] = f(b + sum_{r,s} x[i move + r, j move + s] w[r, s]) of some rows, for any kernel."""
    cdef vf acc[STRIP]
    cdef vf wv
    cdef Py_ssize_t j = 0, r, s, GW = g.source.w.positions
    cdef Py_ssize_t tap_row = g.source.h.taps.source_step * g.source.at.h_step, x_row = t.x_row
    cdef Py_ssize_t w_row = g.filters.r_step, w_column = g.filters.s_step
    cdef const Py_ssize_t *columns = g.source.at.columns
    cdef const real *p
    cdef const real *w
    cdef int i
    while j < GW:
        for i in range(rows):
            acc[i] = vsplat(t.bias)
        for r in range(kh):
            w = t.w + r * w_row
            for s in range(kw):
                p = t.x + r * tap_row + columns[s] + j
                wv = vsplat(w[s * w_column])
                for i in range(rows):
                    acc[i] = acc[i] + vload(p + i * x_row) * wv
        for i in range(rows):
            store_columns(g, t.y + i * g.y.h_step, j, acc[i])
        j += VL


cdef inline void store_columns(const Grid *g, real *y, Py_ssize_t j, vf v) noexcept nogil:
    """f(v) to the columns j, j + 1, ... of a row of y, as far as it goes."""
    cdef Py_ssize_t n = g.source.w.positions - j
    cdef real spare[VL]
    v = activated(v, g.activation)
    if g.y.w_step != 1:
        vstore(spare, v)
        scatter_lanes(spare, min(n, <Py_ssize_t>VL), y + j * g.y.w_step, g.y.w_step)
    elif n >= VL:
        vstore(y + j, v)
    else:
        store_lanes(y + j, lanes(n), v)


cdef void scatter_lanes(const real *v, Py_ssize_t n, real *y, Py_ssize_t step) noexcept nogil:
    """y[i step] = v[i] for i < n."""
    cdef Py_ssize_t i
    for i in range(n):
        y[i * step] = v[i]


cdef inline vf three(vf acc, const vf *x, const vf *w) noexcept nogil:
    """acc + x[0] w[0] + x[1] w[1] + x[2] w[2], from left to right."""
    acc = acc + x[0] * w[0]
    acc = acc + x[1] * w[1]
    return acc + x[2] * w[2]


cdef inline void three_columns(vf *x, const real *row, const Py_ssize_t *columns) noexcept nogil:
    """A vector of a row of x under each of three taps."""
    x[0] = vload(row + columns[0])
    x[1] = vload(row + columns[1])
    x[2] = vload(row + columns[2])


cdef void shared_strip(const Grid *g, const Strip *t) noexcept nogil:
    """A strip of a 3 x 3 kernel from six rows of x, each of which is loaded once.

    Row i of y reads the rows i, i + 1, i + 2 of x, from top to bottom."""
    cdef vf w[9]
    cdef vf x[3]
    cdef vf a, b, c, d
    cdef Py_ssize_t j = 0, r, at, step = g.source.at.h_step, GW = g.source.w.positions
    cdef const real *p
    cdef bint turned = g.source.h.taps.source_step < 0  # the last row of taps reads the upper row of x
    cdef int s
    for r in range(3):
        at = (2 - r if turned else r) * g.filters.r_step
        for s in range(3):
            w[3 * r + s] = vsplat(t.w[at + s * g.filters.s_step])
    while j < GW:
        p = t.x + j - (2 * step if turned else 0)
        a = vsplat(t.bias)
        b, c, d = a, a, a
        three_columns(x, p, g.source.at.columns)
        a = three(a, x, w)
        three_columns(x, p + step, g.source.at.columns)
        a, b = three(a, x, w + 3), three(b, x, w)
        three_columns(x, p + 2 * step, g.source.at.columns)
        a, b, c = three(a, x, w + 6), three(b, x, w + 3), three(c, x, w)
        three_columns(x, p + 3 * step, g.source.at.columns)
        b, c, d = three(b, x, w + 6), three(c, x, w + 3), three(d, x, w)
        three_columns(x, p + 4 * step, g.source.at.columns)
        c, d = three(c, x, w + 6), three(d, x, w + 3)
        three_columns(x, p + 5 * step, g.source.at.columns)
        d = three(d, x, w + 6)
        store_columns(g, t.y, j, a)
        store_columns(g, t.y + g.y.h_step, j, b)
        store_columns(g, t.y + 2 * g.y.h_step, j, c)
        store_columns(g, t.y + 3 * g.y.h_step, j, d)
        j += VL


cdef inline void row_into(const Grid *g, vf *acc, const real *row, const real *w, Py_ssize_t w_row, const int first,
                          const int end) noexcept nogil:
    """acc[i] += one row of x times the taps that row i of y has there, first <= i < end; w: the taps of row 0."""
    cdef Py_ssize_t s, column = g.filters.s_step
    cdef vf xv
    cdef int i
    for s in range(g.source.w.taps.count):
        xv = vload(row + g.source.at.columns[s])
        for i in range(first, end):
            acc[i] = acc[i] + xv * vsplat(w[s * column - i * w_row])


cdef void tall_strip(const Grid *g, const Strip *t) noexcept nogil:
    """The same for a kernel of kh >= 3 rows: kh + 3 rows of x, the first and last of which some rows of y do not read."""
    cdef vf acc[STRIP]
    cdef Py_ssize_t j = 0, q, kh = g.source.h.taps.count, step = g.source.at.h_step, w_row = g.filters.r_step
    cdef const real *x = t.x
    cdef const real *w = t.w
    cdef const real *p
    cdef int i
    if g.source.h.taps.source_step < 0:  # the last row of taps reads the upper row of x
        x -= (kh - 1) * step
        w += (kh - 1) * w_row
        w_row = -w_row
    while j < g.source.w.positions:
        p = x + j
        for i in range(STRIP):
            acc[i] = vsplat(t.bias)
        row_into(g, acc, p, w, w_row, 0, 1)
        row_into(g, acc, p + step, w + w_row, w_row, 0, 2)
        row_into(g, acc, p + 2 * step, w + 2 * w_row, w_row, 0, 3)
        for q in range(3, kh):
            row_into(g, acc, p + q * step, w + q * w_row, w_row, 0, 4)
        p += kh * step
        row_into(g, acc, p, w + kh * w_row, w_row, 1, 4)
        row_into(g, acc, p + step, w + (kh + 1) * w_row, w_row, 2, 4)
        row_into(g, acc, p + 2 * step, w + (kh + 2) * w_row, w_row, 3, 4)
        for i in range(STRIP):
            store_columns(g, t.y + i * g.y.h_step, j, acc[i])
        j += VL
