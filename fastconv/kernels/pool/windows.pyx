"""Pooling: max, mean and L_p, forward and backward, and unpooling by indices, on planar and channels-last memory.

    max    y = max x              dx = sum of dy over the windows whose first largest value is here
    mean   y = (sum x) / m        dx = sum dy / m                                            (Zhang 2016, eqs. 6, 32)
    L_p    y = (sum |x|^p)^(1/p)  dx = sum dy sign(x) (|x| / y)^(p-1);  L2: dy x / y;  0 where y = 0

Output row oh reads the input rows start + k * step, k < count, of its line (start, count, step, m) in the table `rows`;
columns alike, and the mean divides by the product of the two m. So padding, ceil_mode, dilation and adaptive windows
are all in the tables. For the way back `row_ends`, `row_list` say which output rows read input row h, in order.

Sums run down each column of the window, then over the columns, in both layouts: the same bits in both.
"""

from cython.parallel cimport prange, threadid
from libc.math cimport fabs, frexp, ldexp, pow, sqrt
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from fastconv.kernels.runtime.threads cimport threads_for
from ..simd.lanes cimport PAST_CACHES, vread, vwrite
from .window cimport (
    ARGMAX, bad_indices, bad_row, BAND, COVER, iall, iboth, ieven, ilanes, iload, int64_t, iordinary, ipick, iread,
    isplat, istore, iwrite, L2, L2_HIGH, L2_LOW, LANE_MAX, LP, Map, MAX, MEAN, mean_pairs, PLANE, PLANES, Pool,
    ROOT, roots, SLOTS, SUM, vbetter, veven, vfirst, vi, vi_element, vpick, vratio, vroot, vspread_high,
    vspread_low, vtaken, vtwice_high, vtwice_low,
)
from .blocks_2x2 cimport find_squares, square_rows, squares_back
from ..simd.vector cimport VL, real, vf, vfence, vload, vsplat, vstore, vstream, vzero

cdef struct Taps:           # one window of one map, clipped to it
    const real *x
    Py_ssize_t nh, nw, sh, sw   # taps, and elements from one to the next
    Py_ssize_t at, ah, aw       # the first tap's index in the plane, and from one to the next
    Py_ssize_t m


cdef Map map_of(const real[:, :, :, :] x):
    cdef Map a
    a.p = <real *>&x[0, 0, 0, 0]
    a.n, a.c = x.strides[0] // <Py_ssize_t>sizeof(real), x.strides[1] // <Py_ssize_t>sizeof(real)
    a.h, a.w = x.strides[2] // <Py_ssize_t>sizeof(real), x.strides[3] // <Py_ssize_t>sizeof(real)
    return a


cdef Pool pool_of(const real[:, :, :, :] x, const real[:, :, :, :] y):
    cdef Pool g
    memset(&g, 0, sizeof(g))
    g.N, g.C, g.H, g.W, g.OH, g.OW = x.shape[0], x.shape[1], x.shape[2], x.shape[3], y.shape[2], y.shape[3]
    if g.N and g.C:
        g.x, g.y = map_of(x), map_of(y)
    return g


cdef void set_indices(Pool *g, const long long[:, :, :, :] i):
    if g.N and g.C:
        g.i = <int64_t *>&i[0, 0, 0, 0]
        g.i_n, g.i_c, g.i_h, g.i_w = i.strides[0] // 8, i.strides[1] // 8, i.strides[2] // 8, i.strides[3] // 8


cdef inline Taps taps_of(Pool *g, Map *x, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh, Py_ssize_t ow) noexcept nogil:
    cdef Taps t
    cdef const Py_ssize_t *r = g.rows + 4 * oh
    cdef const Py_ssize_t *s = g.cols + 4 * ow
    t.x = x.p + n * x.n + c * x.c + r[0] * x.h + s[0] * x.w
    t.nh, t.nw, t.sh, t.sw = r[1], s[1], r[2] * x.h, s[2] * x.w
    t.at, t.ah, t.aw = r[0] * g.W + s[0], r[2] * g.W, s[2]
    t.m = r[3] * s[3]
    return t


# ---------------------------------------------------------------- one output, for any strides

cdef inline bint better(real v, real a) noexcept nogil:
    """v takes the place of a: it is larger, or the first NaN."""
    return v > a or (v != v and a == a)


cdef void argmax(Taps *t, real *y, int64_t *index) noexcept nogil:
    cdef Py_ssize_t kh, kw
    cdef real v
    y[0] = t.x[0]
    index[0] = t.at
    for kh in range(t.nh):
        for kw in range(t.nw):
            v = t.x[kh * t.sh + kw * t.sw]
            if better(v, y[0]):
                y[0] = v
                index[0] = t.at + kh * t.ah + kw * t.aw


cdef double largest(Taps *t) noexcept nogil:
    """max |x|, or NaN."""
    cdef double a = 0, v
    cdef Py_ssize_t kh, kw
    for kw in range(t.nw):
        for kh in range(t.nh):
            v = fabs(t.x[kh * t.sh + kw * t.sw])
            if v > a or v != v:
                a = v
            if a != a:
                return a
    return a


cdef real root_of_squares(Taps *t) noexcept nogil:
    """sqrt(sum x^2) for values whose squares would overflow or vanish: scaled by a power of two."""
    cdef double a = largest(t), scale, s = 0, v
    cdef int exponent
    cdef Py_ssize_t kh, kw
    if not (a > 0 and a + a > a):  # zero, NaN or infinity
        return <real>a
    frexp(a, &exponent)
    scale = ldexp(1.0, -min(max(exponent, -1000), 1000))
    for kw in range(t.nw):
        for kh in range(t.nh):
            v = t.x[kh * t.sh + kw * t.sw] * scale
            s = s + v * v
    return <real>(sqrt(s) / scale)


cdef real norm(Taps *t, double p) noexcept nogil:
    """(sum |x|^p)^(1/p), scaled by max |x|."""
    cdef double a = largest(t), s = 0
    cdef Py_ssize_t kh, kw
    if p != 1 and not (a > 0 and a + a > a):
        return <real>a
    for kw in range(t.nw):
        for kh in range(t.nh):
            if p == 1:
                s = s + fabs(t.x[kh * t.sh + kw * t.sw])
            else:
                s = s + pow(fabs(t.x[kh * t.sh + kw * t.sw]) / a, p)
    return <real>(s if p == 1 else a * pow(s, 1 / p))


cdef inline bint ordinary(real y) noexcept nogil:
    return y >= L2_LOW and y <= L2_HIGH


# ---------------------------------------------------------------- forward, channels-last: vectors along C

cdef inline vf reduce(const int kind, const real *x, Taps *t, Py_ssize_t nh, Py_ssize_t nw, Py_ssize_t n) noexcept nogil:
    """max, sum or sum of squares of n lanes over a window."""
    cdef Py_ssize_t kh, kw
    cdef vf a = vzero, column, v
    if kind == MAX:
        a = vread(x, n)
    for kw in range(nw):
        column = vzero
        for kh in range(nh):
            v = vread(x + kh * t.sh + kw * t.sw, n)
            if kind == MAX:
                a = vpick(vbetter(v, a), v, a)
            elif kind == MEAN:
                column = column + v
            else:
                column = column + v * v
        if kind != MAX:
            a = a + column
    return a


cdef inline void reduce_block(const int kind, Taps *t, Py_ssize_t nh, Py_ssize_t nw, Py_ssize_t c, Py_ssize_t n,
                              real *y, int64_t *index) noexcept nogil:
    """Lanes c to c + n of one pixel."""
    cdef vf a, v
    cdef vi where, m
    cdef Py_ssize_t kh, kw
    if kind == ARGMAX:
        a = vread(t.x + c, n)
        where = isplat(t.at)
        for kh in range(nh):
            for kw in range(nw):
                v = vread(t.x + c + kh * t.sh + kw * t.sw, n)
                m = vbetter(v, a)
                a = vpick(m, v, a)
                where = ipick(m, isplat(t.at + kh * t.ah + kw * t.aw), where)
        iwrite(index + c, n, where)
    else:
        a = reduce(kind, t.x + c, t, nh, nw, n)
        if kind == MEAN:
            a = a / vsplat(<real>t.m)
    vwrite(y + c, n, a)


cdef inline void reduce_pixel(const int kind, Taps *t, Py_ssize_t nh, Py_ssize_t nw, Py_ssize_t C, real *y,
                              int64_t *index) noexcept nogil:
    """All channels of one pixel; the last vector overlaps the one before it."""
    cdef Py_ssize_t b
    for b in range(C // VL):
        reduce_block(kind, t, nh, nw, b * VL, VL, y, index)
    if C < VL:
        reduce_block(kind, t, nh, nw, 0, C, y, index)
    elif C % VL:
        reduce_block(kind, t, nh, nw, C - VL, VL, y, index)


cdef inline void last_pixel(const int kind, Pool *g, Taps *t, real *y, int64_t *index) noexcept nogil:
    cdef Py_ssize_t c
    cdef Taps one
    if kind == LP:
        one = t[0]
        for c in range(g.C):
            y[c] = norm(&one, g.p)
            one.x += 1
        return
    if t.nh == 2 and t.nw == 2:
        reduce_pixel(kind, t, 2, 2, g.C, y, index)
    elif t.nh == 3 and t.nw == 3:
        reduce_pixel(kind, t, 3, 3, g.C, y, index)
    else:
        reduce_pixel(kind, t, t.nh, t.nw, g.C, y, index)
    if kind == L2 and not roots(y, g.C):
        one = t[0]
        for c in range(g.C):
            one.x = t.x + c
            if not ordinary(y[c]):
                y[c] = root_of_squares(&one)


cdef void large_mean(Taps *t, Py_ssize_t c0, Py_ssize_t count, real *y, real *sums) noexcept nogil:
    """As reduce_pixel, for some channels of a large window: row by row of x, with a sum for every column."""
    cdef Py_ssize_t blocks = (count + VL - 1) // VL, kh, kw, b, n
    cdef const real *x
    cdef real *to
    cdef vf a
    memset(sums, 0, t.nw * blocks * VL * sizeof(real))
    for kh in range(t.nh):
        for kw in range(t.nw):
            x, to = t.x + kh * t.sh + kw * t.sw + c0, sums + kw * blocks * VL
            for b in range(count // VL):
                vstore(to + b * VL, vload(to + b * VL) + vload(x + b * VL))
            if count % VL:
                b = count // VL
                vstore(to + b * VL, vload(to + b * VL) + vread(x + b * VL, count - b * VL))
    for b in range(blocks):
        a = vzero
        for kw in range(t.nw):
            a = a + vload(sums + (kw * blocks + b) * VL)
        vwrite(y + c0 + b * VL, min(count - b * VL, <Py_ssize_t>VL), a / vsplat(<real>t.m))


cdef void large_mean_row(Pool *g, Py_ssize_t job) noexcept nogil:
    """PLANES channels of a row."""
    cdef Py_ssize_t pieces = (g.C + PLANES - 1) // PLANES, c0 = job % pieces * PLANES, oh = job // pieces % g.OH
    cdef Py_ssize_t n = job // pieces // g.OH, ow
    cdef Taps t
    for ow in range(g.OW):
        t = taps_of(g, &g.x, n, 0, oh, ow)
        large_mean(&t, c0, min(<Py_ssize_t>PLANES, g.C - c0), g.y.p + n * g.y.n + oh * g.y.h + ow * g.y.w,
                   <real *>(g.scratch + threadid() * g.part))


cdef inline void last_row(const int kind, Pool *g, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t n = job // g.OH, oh = job % g.OH, ow
    cdef Taps t
    cdef int64_t *index = NULL
    for ow in range(g.OW):
        t = taps_of(g, &g.x, n, 0, oh, ow)
        if kind == ARGMAX:
            index = g.i + n * g.i_n + oh * g.i_h + ow * g.i_w
        last_pixel(kind, g, &t, g.y.p + n * g.y.n + oh * g.y.h + ow * g.y.w, index)


# ---------------------------------------------------------------- forward, planar: vectors along W, then windows

cdef inline void column_block(const int kind, Taps *t, Py_ssize_t w, Py_ssize_t n, real *column,
                              vi_element *row) noexcept nogil:
    """n columns: max (and its index), sum, or sum of squares over the rows of a window."""
    cdef const real *x = t.x + w
    cdef vf a = vzero, v
    cdef vi where = isplat(0), m
    cdef Py_ssize_t kh
    if kind == MAX or kind == ARGMAX:
        a = vread(x, n)
    if kind == ARGMAX:
        where = isplat(t.at + w) + ilanes
    for kh in range(t.nh):
        v = vread(x + kh * t.sh, n)
        if kind == MAX:
            a = vpick(vbetter(v, a), v, a)
        elif kind == ARGMAX:
            m = vbetter(v, a)
            a = vpick(m, v, a)
            where = ipick(m, isplat(t.at + w + kh * t.ah) + ilanes, where)
        elif kind == MEAN:
            a = a + v
        else:
            a = a + v * v
    vstore(column + w, a)
    if kind == ARGMAX:
        istore(row + w, where)


cdef inline void four_sums(Taps *t, Py_ssize_t w0, Py_ssize_t w1, Py_ssize_t w2, Py_ssize_t w3,
                           real *column) noexcept nogil:
    """As four blocks of column_block for MEAN, row by row."""
    cdef vf a0 = vzero, a1 = vzero, a2 = vzero, a3 = vzero
    cdef Py_ssize_t kh
    cdef const real *x = t.x
    for kh in range(t.nh):
        a0 = a0 + vload(x + w0)
        a1 = a1 + vload(x + w1)
        a2 = a2 + vload(x + w2)
        a3 = a3 + vload(x + w3)
        x = x + t.sh
    vstore(column + w0, a0)
    vstore(column + w1, a1)
    vstore(column + w2, a2)
    vstore(column + w3, a3)


cdef inline void columns(const int kind, Taps *t, Py_ssize_t W, real *column, vi_element *row) noexcept nogil:
    cdef Py_ssize_t b, last = W - VL
    if kind == MEAN and t.nh > 3 and W >= VL:
        for b in range((W + 4 * VL - 1) // (4 * VL)):
            four_sums(t, min(4 * b * VL, last), min((4 * b + 1) * VL, last), min((4 * b + 2) * VL, last),
                      min((4 * b + 3) * VL, last), column)
        return
    for b in range(W // VL):
        column_block(kind, t, b * VL, VL, column, row)
    if W < VL:
        column_block(kind, t, 0, W, column, row)
    elif W % VL:
        column_block(kind, t, W - VL, VL, column, row)


cdef inline void window(const int kind, const Py_ssize_t *s, real rows, const real *column, const vi_element *row,
                        real *y, int64_t *index) noexcept nogil:
    """One output from the columns of its row."""
    cdef Py_ssize_t _kw, w = s[0]
    cdef real a = column[w] if kind == MAX or kind == ARGMAX else 0, v
    cdef int64_t where = 0, here
    if kind == ARGMAX:
        where = row[w]
    for _kw in range(s[1]):
        v = column[w]
        if kind == MAX:
            if better(v, a):
                a = v
        elif kind == ARGMAX:
            here = row[w]
            if better(v, a) or ((v == a or (v != v and a != a)) and here < where):
                a = v
                where = here
        else:
            a = a + v
        w = w + s[2]
    if kind == MEAN:
        a = a / (rows * s[3])
    elif kind == ARGMAX:
        index[0] = where
    y[0] = ROOT(a) if kind == L2 else a


cdef inline void windows(const int kind, Pool *g, Py_ssize_t taps, Py_ssize_t ow, Py_ssize_t n, real m,
                         const real *column, const vi_element *row, real *y, int64_t *index, vi *good) noexcept nogil:
    """As `window`, for n even outputs from ow on; spacing is 1 or 2."""
    cdef Py_ssize_t kw, w = g.first + ow * g.spacing
    cdef vf a = vzero, v
    cdef vi where = isplat(0), here, found
    for kw in range(taps):
        v = vload(column + w) if g.spacing == 1 else veven(column + w)
        if kind == ARGMAX:
            here = iload(row + w) if g.spacing == 1 else ieven(row + w)
            if kw == 0:
                a = v
                where = here
            else:
                found = vfirst(v, here, a, where)
                a = vpick(found, v, a)
                where = ipick(found, here, where)
        elif kind == MAX:
            a = v if kw == 0 else vpick(vbetter(v, a), v, a)
        else:
            a = a + v
        w = w + g.step
    if kind == MEAN:
        a = a / vsplat(m)
    elif kind == ARGMAX:
        iwrite(index + ow, n, where)
    elif kind == L2:
        a = vroot(a)
        good[0] = iboth(good[0], iordinary(a, n))
    vwrite(y + ow, n, a)


cdef inline bint even_windows(const int kind, Pool *g, Py_ssize_t taps, real m, const real *column,
                              const vi_element *row, real *y, int64_t *index) noexcept nogil:
    """Outputs lo to hi; the last vector overlaps the one before it. Beyond the row `column` has room to read. Returns
    whether all are ordinary, for L2."""
    cdef Py_ssize_t b, count = g.hi - g.lo
    cdef vi good = isplat(-1)
    for b in range(count // VL):
        windows(kind, g, taps, g.lo + b * VL, VL, m, column, row, y, index, &good)
    if count < VL:
        windows(kind, g, taps, g.lo, count, m, column, row, y, index, &good)
    elif count % VL:
        windows(kind, g, taps, g.hi - VL, VL, m, column, row, y, index, &good)
    return iall(good) if kind == L2 else True


cdef inline void planar_band(const int kind, Pool *g, Py_ssize_t job) noexcept nogil:
    """Some rows of one map."""
    cdef Py_ssize_t bands = (g.OH + BAND - 1) // BAND, first = job % bands * BAND, oh
    cdef Py_ssize_t c = job // bands % g.C, n = job // bands // g.C
    for oh in range(first, min(first + BAND, g.OH)):
        planar_row(kind, g, n, c, oh)


cdef inline void planar_row(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh) noexcept nogil:
    cdef Py_ssize_t ow
    cdef real *y = g.y.p + n * g.y.n + c * g.y.c + oh * g.y.h
    cdef int64_t *index = NULL
    cdef real *column = <real *>(g.scratch + threadid() * g.part)
    cdef vi_element *row = <vi_element *>(column + g.W + 3 * VL)
    cdef real m = <real>g.rows[4 * oh + 3]
    cdef Taps t
    if kind == LP:
        for ow in range(g.OW):
            t = taps_of(g, &g.x, n, c, oh, ow)
            y[ow] = norm(&t, g.p)
        return
    t = taps_of(g, &g.x, n, c, oh, 0)
    if kind == MEAN and g.pairs and t.nh == 2 and t.m == 4:
        mean_pairs(t.x, t.x + t.sh, y, g.OW)
        return
    t.x -= g.cols[0]
    t.at -= g.cols[0]
    columns(kind, &t, g.W, column, row)
    if kind == ARGMAX:
        index = g.i + n * g.i_n + c * g.i_c + oh * g.i_h
    for ow in range(g.lo):
        window(kind, g.cols + 4 * ow, m, column, row, y + ow, index + ow)
    cdef bint good = True
    if g.taps == 2:
        good = even_windows(kind, g, 2, m * g.cols[4 * g.lo + 3], column, row, y, index)
    elif g.taps == 3:
        good = even_windows(kind, g, 3, m * g.cols[4 * g.lo + 3], column, row, y, index)
    elif g.hi > g.lo:
        good = even_windows(kind, g, g.taps, m * g.cols[4 * g.lo + 3], column, row, y, index)
    for ow in range(g.hi, g.OW):
        window(kind, g.cols + 4 * ow, m, column, row, y + ow, index + ow)
    if kind == L2 and not (good and g.hi - g.lo == g.OW):
        for ow in range(g.OW):
            if not ordinary(y[ow]):
                t = taps_of(g, &g.x, n, c, oh, ow)
                y[ow] = root_of_squares(&t)


cdef void any_argmax(Pool *g, Py_ssize_t job) noexcept nogil:
    """A row of any layout, for planes whose indices do not fit into the lanes of a vector."""
    cdef Py_ssize_t oh = job % g.OH, c = job // g.OH % g.C, n = job // g.OH // g.C, ow
    cdef Taps t
    for ow in range(g.OW):
        t = taps_of(g, &g.x, n, c, oh, ow)
        argmax(&t, g.y.p + n * g.y.n + c * g.y.c + oh * g.y.h + ow * g.y.w,
               g.i + n * g.i_n + c * g.i_c + oh * g.i_h + ow * g.i_w)


cdef void forward_row(int kind, bint last, Pool *g, Py_ssize_t job) noexcept nogil:
    if kind == ARGMAX and g.H * g.W > LANE_MAX:
        any_argmax(g, job)
    elif last:
        if kind == MEAN and large(g):
            large_mean_row(g, job)
        elif kind == MAX:
            last_row(MAX, g, job)
        elif kind == ARGMAX:
            last_row(ARGMAX, g, job)
        elif kind == MEAN:
            last_row(MEAN, g, job)
        elif kind == L2:
            last_row(L2, g, job)
        else:
            last_row(LP, g, job)
    elif kind == MAX:
        planar_band(MAX, g, job)
    elif kind == ARGMAX:
        planar_band(ARGMAX, g, job)
    elif kind == MEAN:
        planar_band(MEAN, g, job)
    elif kind == L2:
        planar_band(L2, g, job)
    else:
        planar_band(LP, g, job)


cdef inline bint large(Pool *g) noexcept nogil:
    """Windows that are not read twice within the first cache."""
    return g.rows[1] >= 6 and g.rows[1] * g.cols[1] >= 36


cdef int forward(int kind, bint last, Pool *g, double nanoseconds) except -1 nogil:
    """All rows; `nanoseconds` is the cost of an element of x."""
    cdef bint channels = last and not (kind == ARGMAX and g.H * g.W > LANE_MAX)
    cdef Py_ssize_t job, jobs = g.N * g.OH
    if not last and not (kind == ARGMAX and g.H * g.W > LANE_MAX):
        jobs = g.N * g.C * ((g.OH + BAND - 1) // BAND)
    elif not channels:
        jobs = g.N * g.OH * g.C
    cdef double taps = <double>(g.rows[1] + 2) * (g.cols[1] + 2)
    cdef int threads = threads_for(nanoseconds * g.N * g.C * g.OH * g.OW * taps)
    cdef Py_ssize_t scratch = 0 if channels else (g.W + 3 * VL) * 2 * sizeof(real)
    if last and kind == MEAN and large(g):
        jobs = jobs * ((g.C + PLANES - 1) // PLANES)
        scratch = g.W * (PLANES + VL) * sizeof(real)
    allocate(g, threads, scratch)
    for job in prange(jobs, num_threads=threads, schedule="static"):
        forward_row(kind, last, g, job)
    free(g.scratch)
    return 0


cdef void find_even(Pool *g) noexcept nogil:
    """The longest windows that follow each other evenly, and whether all others are such windows clipped."""
    cdef const Py_ssize_t *c = g.cols
    cdef Py_ssize_t ow, lo = 0, hi, start, skipped
    for ow in range(g.OW):
        if c[4 * ow + 1] > c[4 * lo + 1]:
            lo = ow
    g.taps, g.step, hi = c[4 * lo + 1], c[4 * lo + 2], lo + 1
    g.spacing = c[4 * hi] - c[4 * lo] if hi < g.OW else 1
    while (hi < g.OW and c[4 * hi + 1] == g.taps and c[4 * hi] - c[4 * hi - 4] == g.spacing
           and c[4 * hi + 3] == c[4 * lo + 3]):
        hi += 1
    g.lo, g.hi, g.first = lo, hi, c[4 * lo] - lo * g.spacing
    g.even = True
    for ow in range(g.OW):
        start = g.first + ow * g.spacing
        skipped = (-start + g.step - 1) // g.step if start < 0 else 0
        if (c[4 * ow] != start + skipped * g.step
                or c[4 * ow + 1] != min(g.taps, (g.W - start + g.step - 1) // g.step) - skipped):
            g.even = False
    g.pairs = g.taps == 2 and g.step == 1 and g.spacing == 2 and lo == 0 and hi == g.OW and c[0] == 0
    if g.spacing < 1 or g.spacing > 2:  # no vector loads for these
        g.hi, g.even = lo, False
    if g.hi == g.lo:
        g.lo = g.hi = g.taps = 0


cdef int allocate(Pool *g, int threads, Py_ssize_t bytes) except -1 nogil:
    """`bytes` of scratch for each thread."""
    g.part = (bytes + 127) // 64 * 64
    g.scratch = <char *>calloc(threads, g.part)
    if g.scratch == NULL:
        with gil:
            raise MemoryError
    return 0


def max_forward(const real[:, :, :, :] x, real[:, :, :, :] y, const Py_ssize_t[:, ::1] rows,
                const Py_ssize_t[:, ::1] cols, bint last):
    """y = the largest value of each window, NaN if there is one."""
    run_forward(MAX, last, pool_of(x, y), rows, cols)


def max_forward_indices(const real[:, :, :, :] x, real[:, :, :, :] y, long long[:, :, :, :] indices,
                        const Py_ssize_t[:, ::1] rows, const Py_ssize_t[:, ::1] cols, bint last):
    """As max_forward; indices = where in the plane (H, W) the first largest value, or the first NaN, is."""
    cdef Pool g = pool_of(x, y)
    set_indices(&g, indices)
    run_forward(ARGMAX, last, g, rows, cols)


def mean_forward(const real[:, :, :, :] x, real[:, :, :, :] y, const Py_ssize_t[:, ::1] rows,
                 const Py_ssize_t[:, ::1] cols, bint last):
    """y = the sum of each window over its divisor."""
    run_forward(MEAN, last, pool_of(x, y), rows, cols)


def lp_forward(const real[:, :, :, :] x, real[:, :, :, :] y, const Py_ssize_t[:, ::1] rows,
               const Py_ssize_t[:, ::1] cols, double p, bint last):
    """y = (sum |x|^p)^(1/p) of each window."""
    cdef Pool g = pool_of(x, y)
    g.p = p
    run_forward(L2 if p == 2 else LP, last, g, rows, cols)


cdef int run_forward(int kind, bint last, Pool g, const Py_ssize_t[:, ::1] rows,
                     const Py_ssize_t[:, ::1] cols) except -1:
    if g.N * g.C == 0:
        return 0
    g.rows, g.cols = &rows[0, 0], &cols[0, 0]
    find_even(&g)
    with nogil:
        forward(kind, last, &g, 10 if kind == LP else 0.1)
    return 0


# ---------------------------------------------------------------- backward: each input collects from the windows over it

cdef inline vf collect(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t h, Py_ssize_t w, Py_ssize_t c,
                       Py_ssize_t lanes) noexcept nogil:
    """The gradient of `lanes` channels at one pixel of channels-last memory."""
    cdef Py_ssize_t a, b, oh, ow, at = n * g.y.n + c
    cdef vf total = vzero, row, dy
    for a in range(g.row_ends[h], g.row_ends[h + 1]):
        oh = g.row_list[a]
        row = vzero
        for b in range(g.col_ends[w], g.col_ends[w + 1]):
            ow = g.col_list[b]
            dy = vread(g.y.p + at + oh * g.y.h + ow * g.y.w, lanes)
            if kind == ARGMAX:
                total = total + vtaken(iread(g.i + n * g.i_n + oh * g.i_h + ow * g.i_w + c, lanes),
                                       isplat(h * g.W + w), dy)
            elif kind == SUM:
                row = row + dy
            elif kind == MEAN:
                row = row + dy / vsplat(<real>(g.rows[4 * oh + 3] * g.cols[4 * ow + 3]))
            else:
                row = row + vratio(dy, vread(g.x0.p + n * g.x0.n + h * g.x0.h + w * g.x0.w + c, lanes),
                                   vread(g.y0.p + n * g.y0.n + oh * g.y0.h + ow * g.y0.w + c, lanes))
        if kind != ARGMAX:
            total = total + row
    return total / vsplat(g.m) if kind == SUM else total


cdef struct Cover:          # the windows over one pixel of channels-last memory, in order
    Py_ssize_t count
    const real *dy[COVER]
    const real *y[COVER]
    const int64_t *i[COVER]
    real m[COVER]
    bint last_of_row[COVER]
    const real *x
    real *dx
    Py_ssize_t at
    bint stream


cdef inline bint find_cover(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t h, Py_ssize_t w, Cover *v) noexcept nogil:
    """Fill v; False where there are too many windows."""
    cdef Py_ssize_t a, b, oh, ow, k = 0, b0 = g.col_ends[w], b1 = g.col_ends[w + 1]
    v.count = (g.row_ends[h + 1] - g.row_ends[h]) * (b1 - b0)
    v.dx = g.x.p + n * g.x.n + h * g.x.h + w * g.x.w
    if v.count > COVER:
        return False
    v.at = h * g.W + w
    v.m[0] = g.m
    if kind == L2:
        v.x = g.x0.p + n * g.x0.n + h * g.x0.h + w * g.x0.w
    for a in range(g.row_ends[h], g.row_ends[h + 1]):
        oh = g.row_list[a]
        for b in range(b0, b1):
            ow = g.col_list[b]
            v.dy[k] = g.y.p + n * g.y.n + oh * g.y.h + ow * g.y.w
            v.last_of_row[k] = b == b1 - 1
            if kind == ARGMAX:
                v.i[k] = g.i + n * g.i_n + oh * g.i_h + ow * g.i_w
            elif kind == MEAN:
                v.m[k] = <real>(g.rows[4 * oh + 3] * g.cols[4 * ow + 3])
            elif kind == L2:
                v.y[k] = g.y0.p + n * g.y0.n + oh * g.y0.h + ow * g.y0.w
            k += 1
    return True


cdef inline void cover_block(const int kind, Cover *v, Py_ssize_t count, Py_ssize_t c, Py_ssize_t n) noexcept nogil:
    """As `collect`, for n channels from c on."""
    cdef Py_ssize_t k
    cdef vf total = vzero, row = vzero, dy
    for k in range(count):
        dy = vread(v.dy[k] + c, n)
        if kind == ARGMAX:
            total = total + vtaken(iread(v.i[k] + c, n), isplat(v.at), dy)
        elif kind == SUM:
            row = row + dy
        elif kind == MEAN:
            row = row + dy / vsplat(v.m[k])
        else:
            row = row + vratio(dy, vread(v.x + c, n), vread(v.y[k] + c, n))
        if kind != ARGMAX and v.last_of_row[k]:
            total = total + row
            row = vzero
    if kind == SUM:
        total = total / vsplat(v.m[0])
    if v.stream:
        vstream(v.dx + c, total)
    else:
        vwrite(v.dx + c, n, total)


cdef inline void cover_pixel(const int kind, Cover *v, Py_ssize_t count, Py_ssize_t C) noexcept nogil:
    cdef Py_ssize_t b
    for b in range(C // VL):
        cover_block(kind, v, count, b * VL, VL)
    if C % VL:
        cover_block(kind, v, count, C // VL * VL, C % VL)


cdef inline void last_row_back(const int kind, Pool *g, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t n = job // g.H, h = job % g.H, w, b
    cdef Cover v
    v.stream = g.stream
    for w in range(g.W):
        if find_cover(kind, g, n, h, w, &v):
            if v.count == 1:
                cover_pixel(kind, &v, 1, g.C)
            elif v.count == 2:
                cover_pixel(kind, &v, 2, g.C)
            else:
                cover_pixel(kind, &v, v.count, g.C)
            continue
        for b in range((g.C + VL - 1) // VL):
            vwrite(v.dx + b * VL, g.C - b * VL, collect(kind, g, n, h, w, b * VL, min(g.C - b * VL, <Py_ssize_t>VL)))
    if g.stream:
        vfence()


cdef inline real share(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, Py_ssize_t w,
                       Py_ssize_t oh, Py_ssize_t ow) noexcept nogil:
    """What the window (oh, ow) gives to the input at (h, w)."""
    cdef real dy = g.y.p[n * g.y.n + c * g.y.c + oh * g.y.h + ow * g.y.w], x, y
    if kind == SUM:
        return dy
    if kind == MEAN:
        return dy / <real>(g.rows[4 * oh + 3] * g.cols[4 * ow + 3])
    x = g.x0.p[n * g.x0.n + c * g.x0.c + h * g.x0.h + w * g.x0.w]
    y = g.y0.p[n * g.y0.n + c * g.y0.c + oh * g.y0.h + ow * g.y0.w]
    if y == 0:
        return 0
    if kind == L2:
        return dy * (x / y)
    if x == 0:
        return 0
    if x != x:  # pow(NaN, 0) is 1
        return x
    return <real>((dy if x > 0 else -dy) * pow(fabs(x / y), g.p - 1))


cdef inline void window_back(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, Py_ssize_t oh,
                             Py_ssize_t ow, real *row) noexcept nogil:
    """Add what one window gives to the inputs of row h."""
    cdef const Py_ssize_t *s = g.cols + 4 * ow
    cdef Py_ssize_t kw
    cdef real *to = row + s[0]
    cdef real dy
    if kind == MEAN or kind == SUM:
        dy = share(kind, g, n, c, h, 0, oh, ow)
        if s[2] == 1:
            for kw in range(s[1]):
                to[kw] += dy
            return
    for kw in range(s[1]):
        to[kw * s[2]] += share(kind, g, n, c, h, s[0] + kw * s[2], oh, ow)


cdef inline void spread(Pool *g, const real *y, real *z) noexcept nogil:
    """z[first + ow * spacing] = y[ow], zeros between; z has room for whole vectors beyond."""
    cdef Py_ssize_t b, n
    cdef vf v
    for b in range((g.OW + VL - 1) // VL):
        n = g.OW - b * VL
        v = vread(y + b * VL, min(n, <Py_ssize_t>VL))
        if g.spacing == 1:
            vstore(z + g.first + b * VL, v)
        else:
            vstore(z + g.first + b * 2 * VL, vspread_low(v))
            vstore(z + g.first + b * 2 * VL + VL, vspread_high(v))


cdef inline void even_back(const int kind, Pool *g, const real *x, const real *dy, const real *y, Py_ssize_t reach,
                           Py_ssize_t taps, real *total) noexcept nogil:
    """total += what one row of even windows gives: z slides under the taps, the last tap first."""
    cdef Py_ssize_t b, k
    cdef vf row
    for b in range((g.W + VL - 1) // VL):
        row = vzero
        for k in range(taps):
            if kind == MEAN or kind == SUM:
                row = row + vload(dy + b * VL - reach + k * g.step)
            else:
                row = row + vratio(vload(dy + b * VL - reach + k * g.step),
                                   vread(x + b * VL, min(g.W - b * VL, <Py_ssize_t>VL)),
                                   vload(y + b * VL - reach + k * g.step))
        vstore(total + b * VL, vload(total + b * VL) + row)


cdef inline Py_ssize_t reach_of(Pool *g) noexcept nogil:
    """How far a row of even windows reaches back; not used for others."""
    return (g.taps - 1) * g.step if g.even and g.taps <= 8 else 0


cdef inline bint same_cover(Pool *g, Py_ssize_t h) noexcept nogil:
    """Whether the same windows read rows h and h - 1."""
    cdef Py_ssize_t a = g.row_ends[h - 1], b = g.row_ends[h], k, count = g.row_ends[h + 1] - b
    if b - a != count:
        return False
    for k in range(count):
        if g.row_list[a + k] != g.row_list[b + k]:
            return False
    return True


cdef inline void planar_band_back(const int kind, Pool *g, Py_ssize_t job) noexcept nogil:
    """Some rows of one map."""
    cdef Py_ssize_t bands = (g.H + BAND - 1) // BAND, first = job % bands * BAND, stop = min(first + BAND, g.H), h
    cdef Py_ssize_t c = job // bands % g.C, n = job // bands // g.C, step = g.x.h
    cdef real *map = g.x.p + n * g.x.n + c * g.x.c
    cdef real *dx = map
    cdef Py_ssize_t held[SLOTS]
    cdef bint mean = kind == MEAN or kind == SUM
    cdef bint side_by_side = g.W == 2 * g.OW and g.taps == 2 and g.spacing == 2 and g.x.w == 1
    if g.stream:
        dx = <real *>(g.scratch + threadid() * g.part) + (4 + SLOTS) * length_of(g) - first * g.W
    if mean:
        for h in range(SLOTS):
            held[h] = -1
    for h in range(first, stop):
        if mean and h > first and same_cover(g, h):
            memcpy(dx + h * step, dx + (h - 1) * step, g.W * sizeof(real))
        elif (kind == SUM or kind == L2) and side_by_side and one_window(g, h):
            twice(kind, g, n, c, h, dx + h * step)
        elif mean and g.even and g.taps <= 8 and g.x.w == 1 and narrow_cover(g, h):
            mean_row_back(kind, g, n, c, h, dx + h * step, held)
        else:
            planar_row_back(kind, g, n, c, h, dx + h * step)
    if g.stream:
        stream_all(map, dx, first * g.W, stop * g.W)


cdef inline Py_ssize_t length_of(Pool *g) noexcept nogil:
    """Of the rows in a thread's scratch."""
    return g.W + reach_of(g) + 4 * VL


cdef inline Py_ssize_t stream_part(real *to, const real *values, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    """Copy from `first` on, past the caches, whole vectors up to `stop`; where it ended."""
    while first < stop and <size_t>(to + first) % (VL * sizeof(real)):
        to[first] = values[first]
        first += 1
    while first + VL <= stop:
        vstream(to + first, vload(values + first))
        first += VL
    return first


cdef inline void stream_all(real *to, const real *values, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(stream_part(to, values, first, stop), stop):
        to[k] = values[k]
    vfence()


cdef inline bint one_window(Pool *g, Py_ssize_t h) noexcept nogil:
    return g.row_ends[h + 1] - g.row_ends[h] == 1 and g.first == 0 and g.step == 1 and g.hi - g.lo == g.OW


cdef inline void twice(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, real *dx) noexcept nogil:
    """A row of windows of two columns that stand side by side."""
    cdef Py_ssize_t b, lanes, oh = g.row_list[g.row_ends[h]]
    cdef const real *dy = g.y.p + n * g.y.n + c * g.y.c + oh * g.y.h
    cdef const real *y = g.y0.p + n * g.y0.n + c * g.y0.c + oh * g.y0.h if kind == L2 else NULL
    cdef const real *x = g.x0.p + n * g.x0.n + c * g.x0.c + h * g.x0.h if kind == L2 else NULL
    cdef vf v, u = vzero
    for b in range((g.OW + VL - 1) // VL):
        lanes = 2 * (g.OW - b * VL)
        v = vread(dy + b * VL, min(lanes // 2, <Py_ssize_t>VL))
        if kind == L2:
            u = vread(y + b * VL, min(lanes // 2, <Py_ssize_t>VL))
        else:
            v = (vzero + v) / vsplat(g.m)
        twice_part(kind, dx + 2 * b * VL, lanes, vtwice_low(v), vtwice_low(u), x + 2 * b * VL)
        if lanes > VL:
            twice_part(kind, dx + (2 * b + 1) * VL, lanes - VL, vtwice_high(v), vtwice_high(u), x + (2 * b + 1) * VL)


cdef inline void twice_part(const int kind, real *dx, Py_ssize_t lanes, vf dy, vf y, const real *x) noexcept nogil:
    lanes = min(lanes, <Py_ssize_t>VL)
    vwrite(dx, lanes, vzero + vratio(dy, vread(x, lanes), y) if kind == L2 else dy)


cdef inline bint narrow_cover(Pool *g, Py_ssize_t h) noexcept nogil:
    """Whether the windows over row h have places of their own in a ring of SLOTS."""
    cdef Py_ssize_t a = g.row_ends[h], b = g.row_ends[h + 1]
    return a < b and g.row_list[b - 1] - g.row_list[a] < SLOTS


cdef inline void mean_share(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh, real *room, real *row) noexcept nogil:
    """row[w] = what the even windows of row oh give to column w of each of their rows; room: 2 W + 2 reach + 8 VL."""
    cdef Py_ssize_t reach = reach_of(g), ow
    cdef real *share_of = room
    cdef real *spread_dy = room + g.W + 2 * reach + 4 * VL
    cdef const real *dy = g.y.p + n * g.y.n + c * g.y.c + oh * g.y.h
    cdef real m = <real>g.rows[4 * oh + 3]
    if kind == MEAN:
        for ow in range(g.lo):
            share_of[ow] = dy[ow] / (m * g.cols[4 * ow + 3])
        for ow in range(g.hi, g.OW):
            share_of[ow] = dy[ow] / (m * g.cols[4 * ow + 3])
        m = m * g.cols[4 * g.lo + 3]
        for ow in range(g.lo, g.hi):
            share_of[ow] = dy[ow] / m
    spread(g, dy if kind == SUM else share_of, spread_dy)
    memset(row, 0, g.W * sizeof(real))
    if g.taps == 2:
        even_back(MEAN, g, NULL, spread_dy, NULL, reach, 2, row)
    elif g.taps == 3:
        even_back(MEAN, g, NULL, spread_dy, NULL, reach, 3, row)
    else:
        even_back(MEAN, g, NULL, spread_dy, NULL, reach, g.taps, row)


cdef inline void mean_row_back(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, real *dx,
                               Py_ssize_t *held) noexcept nogil:
    """A row of one map. What a row of windows gives is the same for all its rows, and kept in a ring."""
    cdef Py_ssize_t first = g.row_ends[h], count = g.row_ends[h + 1] - first, a, b, oh, lanes
    cdef Py_ssize_t length = length_of(g)
    cdef real *room = <real *>(g.scratch + threadid() * g.part)
    cdef real *ring = room + 4 * length
    cdef real *rows[SLOTS]
    cdef vf total
    for a in range(count):
        oh = g.row_list[first + a]
        rows[a] = ring + oh % SLOTS * length
        if held[oh % SLOTS] != oh:
            held[oh % SLOTS] = oh
            mean_share(kind, g, n, c, oh, room, rows[a])
    for b in range((g.W + VL - 1) // VL):
        lanes = min(g.W - b * VL, <Py_ssize_t>VL)
        total = vload(rows[0] + b * VL)
        for a in range(1, count):
            total = total + vload(rows[a] + b * VL)
        vwrite(dx + b * VL, lanes, total / vsplat(g.m) if kind == SUM else total)


cdef inline void planar_row_back(const int kind, Pool *g, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h,
                                 real *dx) noexcept nogil:
    """A row of one map; for L_p of any strides."""
    cdef Py_ssize_t w, a, oh, ow, reach = reach_of(g), length = length_of(g)
    cdef real *total = <real *>(g.scratch + threadid() * g.part)
    cdef real *row = total + length
    cdef real *spread_dy = row + length + reach
    cdef real *spread_y = spread_dy + length
    cdef const real *x = g.x0.p + n * g.x0.n + c * g.x0.c + h * g.x0.h if g.x0.p != NULL else NULL
    cdef const real *dy
    cdef real m
    memset(total, 0, g.W * sizeof(real))
    for a in range(g.row_ends[h], g.row_ends[h + 1]):
        oh = g.row_list[a]
        if not g.even or g.taps > 8 or kind == LP:
            memset(row, 0, g.W * sizeof(real))
            for ow in range(g.OW):
                window_back(kind, g, n, c, h, oh, ow, row)
            for w in range(g.W):
                total[w] = total[w] + row[w]
            continue
        dy = g.y.p + n * g.y.n + c * g.y.c + oh * g.y.h
        if kind == MEAN:
            m = <real>g.rows[4 * oh + 3]
            for ow in range(g.lo):
                row[ow] = dy[ow] / (m * g.cols[4 * ow + 3])
            for ow in range(g.hi, g.OW):
                row[ow] = dy[ow] / (m * g.cols[4 * ow + 3])
            m = m * g.cols[4 * g.lo + 3]
            for ow in range(g.lo, g.hi):
                row[ow] = dy[ow] / m
            dy = row
        elif kind == L2:
            spread(g, g.y0.p + n * g.y0.n + c * g.y0.c + oh * g.y0.h, spread_y)
        spread(g, dy, spread_dy)
        if g.taps == 2:
            even_back(kind, g, x, spread_dy, spread_y, reach, 2, total)
        elif g.taps == 3:
            even_back(kind, g, x, spread_dy, spread_y, reach, 3, total)
        else:
            even_back(kind, g, x, spread_dy, spread_y, reach, g.taps, total)
    if kind == SUM:
        for w in range(g.W):
            total[w] = total[w] / g.m
    if g.x.w == 1:
        memcpy(dx, total, g.W * sizeof(real))
        return
    for w in range(g.W):
        dx[w * g.x.w] = total[w]


cdef void scatter(Pool *g, Py_ssize_t job, bint add) noexcept nogil:
    """A plane of x: zeros, and y added (or put) at its indices, in order. Any strides."""
    cdef Py_ssize_t c = job % g.C, n = job // g.C, h, w, at
    cdef bint dense = g.x.w == 1 and g.x.h == g.W
    cdef real *x = g.x.p + n * g.x.n + c * g.x.c
    cdef const real *y
    cdef const int64_t *i
    if dense:
        memset(x, 0, g.H * g.W * sizeof(real))
    else:
        for h in range(g.H):
            for w in range(g.W):
                x[h * g.x.h + w * g.x.w] = 0
    for h in range(g.OH):
        y = g.y.p + n * g.y.n + c * g.y.c + h * g.y.h
        i = g.i + n * g.i_n + c * g.i_c + h * g.i_h
        if dense and add:
            for w in range(g.OW):
                x[i[w * g.i_w]] += y[w * g.y.w]
            continue
        for w in range(g.OW):
            at = i[w * g.i_w]
            if not dense:
                at = at // g.W * g.x.h + at % g.W * g.x.w
            x[at] = (x[at] if add else 0) + y[w * g.y.w]


cdef void plane_back(Pool *g, Py_ssize_t job) noexcept nogil:
    """As scatter, for a dense plane and indices still to be checked; large ones are stored past the caches, what no
    later window reaches at once."""
    cdef Py_ssize_t c = job % g.C, n = job // g.C, size = g.H * g.W, h, w, stored = 0
    cdef real *x = g.x.p + n * g.x.n + c * g.x.c
    cdef real *sums = x
    cdef const real *y
    cdef const int64_t *i
    if g.stream:
        sums = <real *>(g.scratch + threadid() * g.part)
    memset(sums, 0, size * sizeof(real))
    for h in range(g.OH):
        y = g.y.p + n * g.y.n + c * g.y.c + h * g.y.h
        i = g.i + n * g.i_n + c * g.i_c + h * g.i_h
        if bad_row(g, n, c, h):
            g.bad = True
            continue
        for w in range(g.OW):
            sums[i[w]] += y[w * g.y.w]
        if g.stream and h + 1 < g.OH:
            stored = stream_part(x, sums, stored, g.rows[4 * h + 4] * g.W)
    if g.stream:
        stream_all(x, sums, stored, size)


cdef void last_scatter(Pool *g, Py_ssize_t job) noexcept nogil:
    """As scatter, for some channels of channels-last memory whose pixels are evenly spaced; each row is cleared when
    the first window reaches it, so that it is still in the caches."""
    cdef Py_ssize_t blocks = (g.C + g.planes - 1) // g.planes, c0 = job % blocks * g.planes, n = job // blocks
    cdef Py_ssize_t count = min(g.planes, g.C - c0), oh, ow, c, cleared = 0, needed
    cdef real *x = g.x.p + n * g.x.n + c0
    cdef const real *y
    cdef const int64_t *i
    for oh in range(g.OH):
        needed = reached(g, cleared, oh)
        clear_pixels(x + cleared * g.W * g.x.w, g.x.w, (needed - cleared) * g.W, count)
        cleared = needed
        for ow in range(g.OW):
            y = g.y.p + n * g.y.n + oh * g.y.h + ow * g.y.w + c0
            i = g.i + n * g.i_n + oh * g.i_h + ow * g.i_w + c0
            if bad_indices(g, n, oh, ow, c0, count):
                g.bad = True
                continue
            for c in range(count):
                x[i[c] * g.x.w + c] += y[c]
    clear_pixels(x + cleared * g.W * g.x.w, g.x.w, (g.H - cleared) * g.W, count)


cdef inline Py_ssize_t reached(Pool *g, Py_ssize_t cleared, Py_ssize_t oh) noexcept nogil:
    """One past the last row that the windows up to oh read; at least `cleared`."""
    cdef Py_ssize_t h, end = cleared
    for h in range(cleared, g.H):
        if g.row_ends[h] < g.row_ends[h + 1] and g.row_list[g.row_ends[h]] <= oh:
            end = h + 1
    return end


cdef inline void clear_pixels(real *x, Py_ssize_t step, Py_ssize_t pixels, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t p
    if step == count:
        memset(x, 0, pixels * count * sizeof(real))
        return
    for p in range(pixels):
        memset(x + p * step, 0, count * sizeof(real))


cdef void gather(Pool *g, Py_ssize_t job) noexcept nogil:
    """A row of y: x at its indices. Any strides."""
    cdef Py_ssize_t oh = job % g.OH, c = job // g.OH % g.C, n = job // g.OH // g.C, ow, at
    for ow in range(g.OW):
        at = g.i[n * g.i_n + c * g.i_c + oh * g.i_h + ow * g.i_w]
        g.y.p[n * g.y.n + c * g.y.c + oh * g.y.h + ow * g.y.w] = \
            g.x.p[n * g.x.n + c * g.x.c + at // g.W * g.x.h + at % g.W * g.x.w]


cdef enum:                  # ways back of max pooling
    BY_SQUARES
    BY_SCATTER
    BY_PIXELS
    BY_DENSE_PLANES
    BY_PLANES


cdef void max_row(int way, Pool *g, Py_ssize_t job) noexcept nogil:
    if way == BY_SQUARES:
        squares_back(ARGMAX, g, job)
    elif way == BY_SCATTER:
        last_scatter(g, job)
    elif way == BY_PIXELS:
        last_row_back(ARGMAX, g, job)
    elif way == BY_DENSE_PLANES:
        plane_back(g, job)
    else:
        scatter(g, job, True)


cdef int max_way(Pool *g, bint last, int threads) noexcept nogil:
    """Which way is the quickest; all give the same sums in the same order."""
    g.planes = g.C if g.N >= 2 * threads else min(g.C, <Py_ssize_t>PLANES)
    if not last or g.H * g.W > LANE_MAX:
        return BY_DENSE_PLANES if g.x.w == 1 and g.x.h == g.W and g.starts != NULL and g.i_w == 1 else BY_PLANES
    if find_squares(g):
        return BY_SQUARES
    if overlapping(g) and g.N * ((g.C + g.planes - 1) // g.planes) >= threads and g.starts != NULL:
        return BY_SCATTER
    return BY_PIXELS


cdef bint checks(int way) noexcept nogil:
    """Whether indices are checked on the way."""
    return way == BY_SQUARES or way == BY_SCATTER or way == BY_DENSE_PLANES


cdef int max_back(int way, Pool *g, int threads) except -1 nogil:
    cdef Py_ssize_t job, jobs, bytes = 0
    if way == BY_SQUARES:
        jobs = g.N * square_rows(g)
    elif way == BY_SCATTER:
        jobs = g.N * ((g.C + g.planes - 1) // g.planes)
    elif way == BY_PIXELS:
        jobs = g.N * g.H
    else:
        jobs = g.N * g.C
    if way == BY_DENSE_PLANES:
        bytes = g.H * g.W * sizeof(real)
        g.stream = bytes <= PLANE and streams_planes(g)
    else:
        g.stream = way != BY_PLANES and streams(g)
    allocate(g, threads, bytes if g.stream else 0)
    for job in prange(jobs, num_threads=threads, schedule="static"):
        max_row(way, g, job)
    free(g.scratch)
    return 0


cdef void backward_row(int kind, bint last, bint squares, Pool *g, Py_ssize_t job) noexcept nogil:
    if kind == LP:
        planar_band_back(LP, g, job)
    elif squares:
        if kind == SUM:
            squares_back(SUM, g, job)
        else:
            squares_back(L2, g, job)
    elif last:
        if kind == MEAN:
            last_row_back(MEAN, g, job)
        elif kind == SUM:
            last_row_back(SUM, g, job)
        else:
            last_row_back(L2, g, job)
    elif kind == MEAN:
        planar_band_back(MEAN, g, job)
    elif kind == SUM:
        planar_band_back(SUM, g, job)
    else:
        planar_band_back(L2, g, job)


cdef bint overlapping(Pool *g) noexcept nogil:
    """Whether many pixels lie in several windows, in memory where an index says where a pixel is."""
    return g.row_ends[g.H] * g.col_ends[g.W] * 2 > g.H * g.W * 3 and g.C >= VL and g.x.h == g.W * g.x.w


cdef bint beyond_caches(Pool *g) noexcept nogil:
    """Whether dx is larger than caches hold."""
    return g.N * g.C * g.H * g.W * <Py_ssize_t>sizeof(real) >= PAST_CACHES


cdef bint streams(Pool *g) noexcept nogil:
    """Whether dx is that large, and every pixel of it starts on a whole vector."""
    return beyond_caches(g) and <size_t>g.x.p % (VL * sizeof(real)) == 0 and g.C % VL == 0 and g.x.n % VL == 0 and \
        g.x.h % VL == 0 and g.x.w % VL == 0


cdef bint streams_planes(Pool *g) noexcept nogil:
    """Whether dx is that large, and its maps are dense."""
    return beyond_caches(g) and g.x.w == 1 and g.x.h == g.W


cdef int backward(int kind, bint last, Pool *g, double nanoseconds) except -1 nogil:
    """Means and roots."""
    cdef Py_ssize_t job, jobs, bytes = 0
    cdef int threads = threads_for(nanoseconds * g.N * g.C * g.H * g.W)
    last = last and kind != LP
    cdef bint squares = last and (kind == SUM or kind == L2) and find_squares(g)
    if squares:
        jobs = g.N * square_rows(g)
    elif last:
        jobs = g.N * g.H
    else:
        jobs = g.N * g.C * ((g.H + BAND - 1) // BAND)
    g.stream = streams(g) if last else kind == L2 and streams_planes(g)
    if not last:
        bytes = ((4 + SLOTS) * length_of(g) + (BAND * g.W if g.stream else 0)) * sizeof(real)
    allocate(g, threads, bytes)
    for job in prange(jobs, num_threads=threads, schedule="static"):
        backward_row(kind, last, squares, g, job)
    free(g.scratch)
    return 0


cdef void set_cover(Pool *g, const Py_ssize_t[::1] row_ends, const Py_ssize_t[::1] row_list,
                    const Py_ssize_t[::1] col_ends, const Py_ssize_t[::1] col_list):
    g.row_ends, g.row_list = &row_ends[0], &row_list[0]
    g.col_ends, g.col_list = &col_ends[0], &col_list[0]


def max_backward(const real[:, :, :, :] dy, const long long[:, :, :, :] indices, real[:, :, :, :] dx,
                 const Py_ssize_t[:, ::1] rows, const Py_ssize_t[:, ::1] cols,
                 const Py_ssize_t[::1] row_ends, const Py_ssize_t[::1] row_list,
                 const Py_ssize_t[::1] col_ends, const Py_ssize_t[::1] col_list, bint last):
    """dx = the sum of dy over the windows whose index is here.

    Returns where, in C order, the first index is that is not in its window, or -1. With one dx is no gradient.
    """
    cdef Pool g = pool_of(dx, dy)
    cdef Py_ssize_t bad = -1
    cdef int way, threads = threads_for(0.6 * g.N * g.C * g.H * g.W)
    if g.N * g.C == 0:
        return -1
    g.rows, g.cols = &rows[0, 0], &cols[0, 0]
    set_indices(&g, indices)
    set_cover(&g, row_ends, row_list, col_ends, col_list)
    set_starts(&g)
    try:
        with nogil:
            way = max_way(&g, last, threads)
            if not checks(way):
                bad = first_bad(&g)
            if bad < 0:
                max_back(way, &g, threads)
            if g.bad:
                bad = first_bad(&g)
    finally:
        free(g.starts)
    return bad


cdef bint one_divisor(Pool *g) noexcept nogil:
    """Whether all windows divide by the same number, g.m."""
    cdef Py_ssize_t i
    g.m = <real>(g.rows[3] * g.cols[3])
    for i in range(g.OH):
        if g.rows[4 * i + 3] != g.rows[3]:
            return False
    for i in range(g.OW):
        if g.cols[4 * i + 3] != g.cols[3]:
            return False
    return True


def mean_backward(const real[:, :, :, :] dy, real[:, :, :, :] dx, const Py_ssize_t[:, ::1] rows,
                  const Py_ssize_t[:, ::1] cols, const Py_ssize_t[::1] row_ends, const Py_ssize_t[::1] row_list,
                  const Py_ssize_t[::1] col_ends, const Py_ssize_t[::1] col_list, bint last):
    """dx = the sum of dy / m over the windows that hold this input."""
    cdef Pool g = pool_of(dx, dy)
    if g.N * g.C == 0:
        return
    g.rows, g.cols = &rows[0, 0], &cols[0, 0]
    set_cover(&g, row_ends, row_list, col_ends, col_list)
    find_even(&g)
    with nogil:
        backward(SUM if one_divisor(&g) else MEAN, last, &g, 0.6)


def lp_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, const real[:, :, :, :] y, real[:, :, :, :] dx,
                const Py_ssize_t[:, ::1] rows, const Py_ssize_t[:, ::1] cols,
                const Py_ssize_t[::1] row_ends, const Py_ssize_t[::1] row_list,
                const Py_ssize_t[::1] col_ends, const Py_ssize_t[::1] col_list, double p, bint last):
    """dx = sum dy sign(x) (|x| / y)^(p-1), 0 where y = 0."""
    cdef Pool g = pool_of(dx, dy)
    if g.N * g.C == 0:
        return
    g.x0, g.y0, g.p = map_of(x), map_of(y), p
    g.rows, g.cols = &rows[0, 0], &cols[0, 0]
    set_cover(&g, row_ends, row_list, col_ends, col_list)
    find_even(&g)
    with nogil:
        backward(L2 if p == 2 else LP, last, &g, 1 if p == 2 else 20)


# ---------------------------------------------------------------- unpooling

def unpool_forward(const real[:, :, :, :] x, const long long[:, :, :, :] indices, real[:, :, :, :] y):
    """y = zeros, with the values of x at their indices in the plane of y; where two meet, the later stays."""
    cdef Pool g = pool_of(y, x)
    cdef Py_ssize_t job
    if g.N * g.C == 0:
        return
    set_indices(&g, indices)
    for job in prange(g.N * g.C, nogil=True, num_threads=threads_for(<double>g.N * g.C * g.H * g.W), schedule="static"):
        scatter(&g, job, False)


def unpool_backward(const real[:, :, :, :] dy, const long long[:, :, :, :] indices, real[:, :, :, :] dx):
    """dx = dy at the indices."""
    cdef Pool g = pool_of(dy, dx)
    cdef Py_ssize_t job
    if g.N * g.C == 0:
        return
    set_indices(&g, indices)
    for job in prange(g.N * g.C * g.OH, nogil=True, num_threads=threads_for(<double>g.N * g.C * g.OH * g.OW * 3),
                      schedule="static"):
        gather(&g, job)


# ---------------------------------------------------------------- indices that a person gives back

def first_bad_index(const long long[:, :, :, :] indices, Py_ssize_t H, Py_ssize_t W):
    """Where, in C order, the first index is that is not in [0, H W); else -1."""
    cdef Pool g
    cdef Py_ssize_t bad
    memset(&g, 0, sizeof(g))
    g.N, g.C, g.OH, g.OW = indices.shape[0], indices.shape[1], indices.shape[2], indices.shape[3]
    g.H, g.W = H, W
    if g.N * g.C * g.OH * g.OW == 0:
        return -1
    set_indices(&g, indices)
    with nogil:
        bad = first_bad(&g)
    return bad


cdef Py_ssize_t first_bad(Pool *g) except -2 nogil:
    """As above, or, given tables, the first index that is not in its window."""
    cdef Py_ssize_t job, bad = 0
    cdef int threads = threads_for(3.0 * g.N * g.C * g.OH * g.OW)
    for job in prange(g.N * g.OH, num_threads=threads, schedule="static"):
        bad |= bad_in_rows(g, job)
    if not bad:
        return -1
    job = 0
    while bad_in_row(g, job) == g.OW:
        job += 1
    return job * g.OW + bad_in_row(g, job)


cdef bint bad_in_rows(Pool *g, Py_ssize_t job) noexcept nogil:
    """Whether any channel has a bad index in row oh of image n."""
    cdef Py_ssize_t oh = job % g.OH, n = job // g.OH, k
    cdef bint bad = False
    if g.starts != NULL and g.i_c == 1:
        for k in range(g.OW):
            bad |= bad_indices(g, n, oh, k, 0, g.C)
    elif g.starts != NULL and g.i_w == 1:
        for k in range(g.C):
            bad |= bad_row(g, n, k, oh)
    else:
        for k in range(g.C):
            bad |= bad_in_row(g, (n * g.C + k) * g.OH + oh) < g.OW
    return bad


cdef int set_starts(Pool *g) except -1:
    """The columns of the windows, where those of each are neighbours."""
    cdef Py_ssize_t ow
    for ow in range(g.OW):
        if g.cols[4 * ow + 2] != 1:
            return 0
    g.starts = <int64_t *>malloc(2 * g.OW * sizeof(int64_t))
    if g.starts == NULL:
        raise MemoryError(f"windows of {g.OW} columns")
    for ow in range(g.OW):
        g.starts[ow], g.starts[g.OW + ow] = g.cols[4 * ow], g.cols[4 * ow + 1]
    return 0


cdef Py_ssize_t bad_in_row(Pool *g, Py_ssize_t job) noexcept nogil:
    """The first output of a row with a bad index, or OW."""
    cdef Py_ssize_t oh = job % g.OH, c = job // g.OH % g.C, n = job // g.OH // g.C, ow, at
    cdef const int64_t *i = g.i + n * g.i_n + c * g.i_c + oh * g.i_h
    for ow in range(g.OW):
        at = i[ow * g.i_w]
        if at < 0 or at >= g.H * g.W:
            return ow
        if g.rows != NULL and not (holds(g.rows + 4 * oh, at // g.W) and holds(g.cols + 4 * ow, at % g.W)):
            return ow
    return g.OW


cdef inline bint holds(const Py_ssize_t *line, Py_ssize_t at) noexcept nogil:
    """Whether a line of a table reads this row or column."""
    at = at - line[0]
    return 0 <= at < line[1] * line[2] and at % line[2] == 0
