# Backward in planar memory: how one row of dx is computed. There are five ways; `row_way` chooses
# (backward_planes.pxi).
#
# A row of windows oh that reads row h gives it, with even windows (output ow reads first + ow * spacing + k * step):
#
#     row[w] = sum over k of z[w - k * step],    z[first + ow * spacing] = dy[ow] (/ m for means), 0 elsewhere
#
# so the spread row z slides under the taps, and vectors run along W. dx[h] is the sum of these rows over all oh.

cdef enum:
    SLIDING_TAPS = 8        # wider windows are not summed by sliding
    RING = 8                # rows of shares kept: a power of two, at least the rows of windows that read one row

cdef struct Rows:           # the scratch of a thread: rows of W elements with room for vectors beyond
    Py_ssize_t length       # elements of each row
    Py_ssize_t reach        # elements of the spread rows before column 0
    real *total             # what all rows of windows give to the row of dx
    real *row               # what one row of windows gives, or dy divided
    real *z                 # dy, spread out
    real *z_y               # y, spread out (L2)
    real *ring              # RING rows: shares of a row of windows
    Py_ssize_t held[RING]   # the row of windows whose shares each row of the ring holds, or -1
    real *band              # BAND rows of dx, where these are streamed


cdef inline Py_ssize_t reach_of(const Pool *p) noexcept nogil:
    """From the last tap of an even window back to the first; 0 where no row is summed by sliding."""
    return (p.even.taps - 1) * p.even.step if slides(p) else 0


cdef inline bint slides(const Pool *p) noexcept nogil:
    """Whether all windows of a row are even, up to clipping, and few taps wide."""
    return p.even.everywhere and p.even.taps <= SLIDING_TAPS


cdef inline Py_ssize_t row_length(const Pool *p) noexcept nogil:
    """Elements of a scratch row."""
    return p.W + reach_of(p) + 4 * VL


cdef inline Rows rows_of(const Pool *p) noexcept nogil:
    """The scratch of the calling thread. The spread rows keep their zeros: nothing else is ever written there."""
    cdef Rows r
    cdef Py_ssize_t k
    r.length, r.reach = row_length(p), reach_of(p)
    r.total = own_scratch(p)
    r.row = r.total + r.length
    r.z = r.row + r.length + r.reach
    r.z_y = r.z + r.length
    r.ring = r.total + 4 * r.length
    r.band = r.ring + RING * r.length
    for k in range(RING):
        r.held[k] = -1
    return r


# ---------------------------------------------------------------- window by window

cdef inline void window_back(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, Py_ssize_t oh, Py_ssize_t ow,
                             real *row, const int kind) noexcept nogil:
    """row[w] += share of window (oh, ow), for its columns w of row h."""
    cdef Py_ssize_t start = p.cols[ow].start, count = p.cols[ow].count, step = p.cols[ow].step, kw
    cdef real *to = row + start
    cdef real dy
    if kind == MEAN or kind == SUM:
        dy = share(p, n, c, h, 0, oh, ow, kind)
        if step == 1:
            for kw in range(count):
                to[kw] += dy
            return
        for kw in range(count):
            to[kw * step] += dy
        return
    for kw in range(count):
        to[kw * step] += share(p, n, c, h, start + kw * step, oh, ow, kind)


cdef inline void row_by_windows(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, real *dx, Rows *r,
                                const int kind) noexcept nogil:
    """BY_WINDOWS: every window adds its shares, tap by tap.

    Needs nothing: any windows, any kind, and for L_p any strides. The others gain over it by using vectors.
    """
    cdef Py_ssize_t a, w, ow, W = p.W, OW = p.OW
    cdef real *total = r.total
    cdef real *row = r.row
    memset(total, 0, W * sizeof(real))
    for a in range(p.row_readers.ends[h], p.row_readers.ends[h + 1]):
        memset(row, 0, W * sizeof(real))
        for ow in range(OW):
            window_back(p, n, c, h, p.row_readers.list[a], ow, row, kind)
        for w in range(W):
            total[w] = total[w] + row[w]
    store_row(p, total, dx, kind)


cdef inline void store_row(const Pool *p, real *total, real *dx, const int kind) noexcept nogil:
    """dx = total, or total / divisor for SUM."""
    cdef Py_ssize_t w
    if kind == SUM:
        for w in range(p.W):
            total[w] = total[w] / p.divisor
    if p.dx.w == 1:
        memcpy(dx, total, p.W * sizeof(real))
        return
    for w in range(p.W):
        dx[w * p.dx.w] = total[w]


# ---------------------------------------------------------------- by sliding

cdef inline void divide_row(const Pool *p, Py_ssize_t oh, const real *dy, real *to) noexcept nogil:
    """to[ow] = dy[ow] / (rows[oh].divisor * cols[ow].divisor); the even run has one divisor."""
    cdef const EvenRun *e = &p.even
    cdef real row_divisor = <real>p.rows[oh].divisor, divisor = row_divisor * p.cols[e.lo].divisor
    cdef Py_ssize_t ow
    for ow in range(e.lo):
        to[ow] = dy[ow] / (row_divisor * p.cols[ow].divisor)
    for ow in range(e.hi, p.OW):
        to[ow] = dy[ow] / (row_divisor * p.cols[ow].divisor)
    for ow in range(e.lo, e.hi):
        to[ow] = dy[ow] / divisor


cdef inline void spread(const Pool *p, const real *y, real *z) noexcept nogil:
    """z[first + ow * spacing] = y[ow], with a zero between where spacing is 2; whole vectors are written."""
    cdef Py_ssize_t b, n
    cdef real *to = z + p.even.first
    cdef vf v
    for b in range(ceil_div(p.OW, VL)):
        n = p.OW - b * VL
        v = vread(y + b * VL, min(n, <Py_ssize_t>VL))
        if p.even.spacing == 1:
            vstore(to + b * VL, v)
        else:
            vstore(to + b * 2 * VL, vspread_low(v))
            vstore(to + b * 2 * VL + VL, vspread_high(v))


ctypedef void (*slide_body)(const Pool *p, const Rows *r, const real *x, real *total, const int kind,
                            const Py_ssize_t taps) noexcept nogil

cdef extern from *:
    void slide_of_taps "DISPATCH_ANY2" (slide_body f, Py_ssize_t taps, int a, int b, const Pool *p, const Rows *r,
                                        const real *x, real *total, int kind) noexcept nogil


cdef inline void slide(const Pool *p, const Rows *r, const real *x, real *total, const int kind,
                       const Py_ssize_t taps) noexcept nogil:
    """total[w] += sum over k of z[w - k step]; for L2 of z[w - k step] x[w] / z_y[w - k step]. Last tap first, so that
    windows are added in order."""
    cdef const real *z = r.z - r.reach
    cdef const real *z_y = r.z_y - r.reach
    cdef Py_ssize_t W = p.W, step = p.even.step, b, k, at
    cdef vf row
    for b in range(ceil_div(W, VL)):
        row = vzero
        for k in range(taps):
            at = b * VL + k * step
            if kind == L2:
                row = row + vratio(vload(z + at), vread(x + b * VL, min(W - b * VL, <Py_ssize_t>VL)), vload(z_y + at))
            else:
                row = row + vload(z + at)
        vstore(total + b * VL, vload(total + b * VL) + row)


cdef inline void row_by_sliding(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, real *dx, Rows *r,
                                const int kind) noexcept nogil:
    """BY_SLIDING: spread each row of windows out and slide it under the taps.

    Needs even windows of few taps. Gains vectors along W over BY_WINDOWS; each row of windows is spread again for
    every row of dx that it gives to.
    """
    cdef Py_ssize_t a, oh
    cdef const real *x = pixel(&p.x, n, c, h, 0) if kind == L2 else NULL
    cdef const real *dy
    memset(r.total, 0, p.W * sizeof(real))
    for a in range(p.row_readers.ends[h], p.row_readers.ends[h + 1]):
        oh = p.row_readers.list[a]
        dy = pixel(&p.dy, n, c, oh, 0)
        if kind == MEAN:
            divide_row(p, oh, dy, r.row)
            dy = r.row
        elif kind == L2:
            spread(p, pixel(&p.y, n, c, oh, 0), r.z_y)
        spread(p, dy, r.z)
        slide_of_taps(slide, p.even.taps, 2, 3, p, r, x, r.total, kind)
    store_row(p, r.total, dx, kind)


# ---------------------------------------------------------------- from the ring

cdef inline void mean_shares(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh, Rows *r, real *shares,
                             const int kind) noexcept nogil:
    """shares[w] = what row oh of windows gives to column w of each row that it reads."""
    cdef const real *dy = pixel(&p.dy, n, c, oh, 0)
    if kind == MEAN:
        divide_row(p, oh, dy, r.row)
        dy = r.row
    spread(p, dy, r.z)
    memset(shares, 0, p.W * sizeof(real))
    slide_of_taps(slide, p.even.taps, 2, 3, p, r, NULL, shares, kind)


cdef inline void row_from_ring(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, real *dx, Rows *r,
                               const int kind) noexcept nogil:
    """FROM_RING: dx[h] = the sum of shares[oh] over the rows oh of windows that read h.

    Needs means, even windows of few taps, neighbours along W, and a ring with a place for each oh. A mean gives the
    same to all rows that it reads, so a row of windows is slid once, not once for every row of dx, and kept.
    """
    cdef Py_ssize_t first = p.row_readers.ends[h], count = p.row_readers.ends[h + 1] - first, a, b, oh, place
    cdef real *shares[RING]
    cdef vf total
    for a in range(count):
        oh = p.row_readers.list[first + a]
        place = oh % RING
        shares[a] = r.ring + place * r.length
        if r.held[place] != oh:
            r.held[place] = oh
            mean_shares(p, n, c, oh, r, shares[a], kind)
    for b in range(ceil_div(p.W, VL)):
        total = vload(shares[0] + b * VL)
        for a in range(1, count):
            total = total + vload(shares[a] + b * VL)
        vwrite(dx + b * VL, min(p.W - b * VL, <Py_ssize_t>VL), total / vsplat(p.divisor) if kind == SUM else total)


# ---------------------------------------------------------------- pairs

cdef inline void store_pairs(real *dx, const real *x, Py_ssize_t n, vf dy, vf y, const int kind) noexcept nogil:
    """n columns of dx: dy, or dy x / y for L2. dy and y hold each value twice."""
    vwrite(dx, n, vzero + vratio(dy, vread(x, n), y) if kind == L2 else dy)


cdef inline void pairs_of(const real *dy, const real *y, const real *x, real *dx, Py_ssize_t n, vf divisor,
                          const int kind) noexcept nogil:
    """The 2 n columns of dx that n outputs read."""
    cdef vf v = vread(dy, n), u = vzero
    if kind == L2:
        u = vread(y, n)
    else:
        v = (vzero + v) / divisor
    store_pairs(dx, x, min(2 * n, <Py_ssize_t>VL), vtwice_low(v), vtwice_low(u), kind)
    if 2 * n > VL:
        store_pairs(dx + VL, x + VL, 2 * n - VL, vtwice_high(v), vtwice_high(u), kind)


cdef inline void row_of_pairs(Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, real *dx,
                              const int kind) noexcept nogil:
    """BY_PAIRS: each value of dy (and of y) twice, side by side.

    Needs one row of windows over h, two columns wide at spacing 2, that fill the row; SUM or L2; neighbours along W.
    Every input has one reader, so there is nothing to sum and no scratch.
    """
    cdef Py_ssize_t ow = 0, OW = p.OW, oh = p.row_readers.list[p.row_readers.ends[h]]
    cdef const real *dy = pixel(&p.dy, n, c, oh, 0)
    cdef const real *y = pixel(&p.y, n, c, oh, 0) if kind == L2 else NULL
    cdef const real *x = pixel(&p.x, n, c, h, 0) if kind == L2 else NULL
    cdef vf divisor = vsplat(p.divisor)
    while ow + VL <= OW:
        pairs_of(dy + ow, y + ow, x + 2 * ow, dx + 2 * ow, VL, divisor, kind)
        ow += VL
    if ow < OW:
        pairs_of(dy + ow, y + ow, x + 2 * ow, dx + 2 * ow, OW - ow, divisor, kind)
