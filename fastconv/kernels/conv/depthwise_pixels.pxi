# The products of the forward pass and of the input gradient: TILE neighbouring pixels times one vector of lanes at a
# time, in registers.

cdef enum:
    TILE = 4            # neighbouring pixels that share the loads of a row

cdef struct Phase:              # the pixels of the result that the same taps reach (phases.pxd)
    Taps h, w                   # pixel (i, j) reads row i * mh + h.source + r * h.source_step, column j * mw + ...
    Py_ssize_t j0, GW           # columns j0 + j * sw of the result, j < GW
    Py_ssize_t lo, hi           # the columns lo <= j < hi that tiles may hold
    bint reuse                  # neighbouring taps, few of them: kw // 2 columns of a tile may be outside, else none
    bint walks                  # pixel by pixel (depthwise_walk)
    const real *packed          # weights [tap], packed

cdef struct Grid:
    View x, y                   # y is the result (dy in the weight gradient)
    Py_ssize_t mh, mw           # rows and columns of x from one pixel of a phase to the next
    Py_ssize_t sh, sw           # the phases of y
    Phase *phases               # sh x sw
    Py_ssize_t K, mx, my        # lane k < K reads channel k // mx of x, adds to channel k // my of y
    Channels channels
    const real *b               # bias of each lane, zeros without; where y is not computed beside
    const real *zeros           # of each lane; beside
    const real *nothing         # a vector of zeros
    const real *bias            # of each channel of y; beside
    int activation
    bint far                    # x is larger than near caches: columns of a row are fetched ahead
    bint rows_far               # x is larger than most of the last cache: a walk fetches the rows below
    bint copied, beside         # beside: rows of the result are computed beside it
    Py_ssize_t step             # of columns in a row of x or of its copy

cdef struct Place:              # of a tile in the rows of x
    Py_ssize_t at               # its first column, in reals
    int left, right             # columns that are outside of x on either side

cdef struct Target:             # of a tile, or of a row of tiles
    real *y
    Py_ssize_t yw, yh           # from one pixel to the next, from one row to the next
    const real *b               # of each lane
    int activation

ctypedef void (*reused_case)(const Grid *g, const Phase *f, const real **rows, const Place *place, const Target *to,
                             const int kw, const int mw, const int height) noexcept nogil

cdef extern from *:
    void rows_reused "DISPATCH2" (reused_case f, int height, const Grid *g, const Phase *f, const real **rows,
                                  const Place *place, const Target *to, int kw, int mw) noexcept nogil


cdef void find_tile_columns(const Grid *g, Phase *f) noexcept nogil:
    """The columns of tiles: -slack <= j mw + source and j mw + source + reach < W + slack."""
    cdef Py_ssize_t slack = 0, end
    f.reuse = f.w.source_step == 1 and ((f.w.count == 3 and g.mw <= 2) or (f.w.count in (1, 2, 5) and g.mw == 1))
    if f.reuse:
        slack = f.w.count // 2
    end = g.x.W + slack - f.w.source - (f.w.count - 1) * f.w.source_step
    f.lo = ceil_div(max(<Py_ssize_t>0, -f.w.source - slack), g.mw)
    f.hi = min(f.GW, ceil_div(max(<Py_ssize_t>0, end), g.mw))
    if f.w.count == 0:
        f.lo, f.hi = 0, f.GW


cdef inline Place place_of(const Grid *g, const Phase *f, Py_ssize_t j, Py_ssize_t count, Py_ssize_t kw) noexcept nogil:
    """Of `count` pixels from column j of the phase, with kw neighbouring taps each."""
    cdef Place place
    cdef Py_ssize_t column = j * g.mw + f.w.source
    place.at = column * g.step
    place.left = <int>(-column) if column < 0 else 0
    place.right = <int>max(<Py_ssize_t>0, column + (count - 1) * g.mw + kw - g.x.W)
    return place


cdef inline void pixels(const Grid *g, const Phase *f, const real **rows, Py_ssize_t at,
                        const Target *to) noexcept nogil:
    """TILE pixels whose taps are all inside: y[q] = f(b + sum_{r,s} rows[r][at + q mw + s rw] w[r,s]).

    Rows that are NULL are outside."""
    cdef vf acc[TILE]
    cdef vf wv
    cdef Py_ssize_t v, c, r, s, kh = f.h.count, kw = f.w.count, width = g.channels.width, yw = to.yw
    cdef Py_ssize_t tap_step = f.w.source_step * g.step, pixel_step = g.mw * g.step
    cdef const real *p
    cdef const real *w
    cdef const real *b = to.b
    cdef real *y = to.y
    cdef int q, activation = to.activation
    for v in range(g.channels.vectors):
        c = channel(&g.channels, v)
        w = f.packed + v * VL
        for q in range(TILE):
            acc[q] = vload(b + c)
        for r in range(kh):
            if rows[r] == NULL:
                continue
            p = rows[r] + at + c
            for s in range(kw):
                wv = vload(w + (r * kw + s) * width)
                for q in range(TILE):
                    acc[q] = acc[q] + vload(p + q * pixel_step) * wv
                p += tap_step
        for q in range(TILE):
            vstore(y + q * yw + c, activated(acc[q], activation))


cdef inline void load_columns(vf *xv, const real *p, Py_ssize_t step, int left, int right, const int slack,
                              const int count) noexcept nogil:
    """The columns of a tile: the first `left` and the last `right` of them (at most `slack`) are outside, so zero."""
    cdef int q
    for q in range(count):
        if (q < slack and q < left) or (q >= count - slack and q >= count - right):
            xv[q] = vzero
        else:
            xv[q] = vload(p + q * step)


cdef inline void fetch(const real **rows, Py_ssize_t kh, Py_ssize_t mh, Py_ssize_t at, Py_ssize_t step,
                       const int count) noexcept nogil:
    """Fetch one vector of `count` columns, two tiles ahead, of the rows that the row before did not read."""
    cdef Py_ssize_t r
    cdef int q
    for r in range(max(<Py_ssize_t>0, kh - mh), kh):
        if rows[r] != NULL:
            for q in range(count):
                vprefetch(rows[r] + at + (2 * count + q) * step)


cdef inline void pixels_reused(const Grid *g, const Phase *f, const real **rows, const Place *place, const Target *to,
                               const int kw, const int mw, const int height) noexcept nogil:
    """height x TILE pixels: each row of x that they read is loaded once, rows[mh + r] being under tap r of row 1."""
    cdef vf acc[2][TILE]
    cdef vf xv[16]
    cdef Py_ssize_t v, c, r, kh = f.h.count, mh = g.mh, step = g.step, at = place.at
    cdef Py_ssize_t tap_step = kw * g.channels.width, last = kh + (height - 1) * mh
    cdef Py_ssize_t yw = to.yw, yh = to.yh
    cdef const real *w
    cdef real *y = to.y
    cdef const real *b = to.b
    cdef int q, i, left = place.left, right = place.right, activation = to.activation
    for v in range(g.channels.vectors):
        c = channel(&g.channels, v)
        w = f.packed + v * VL
        for i in range(height):
            for q in range(TILE):
                acc[i][q] = vload(b + c)
        if g.far:
            fetch(rows, last, height * mh, at + c, step, TILE * mw)
        for r in range(last):
            if rows[r] == NULL:
                continue
            load_columns(xv, rows[r] + at + c, step, left, right, kw // 2, (TILE - 1) * mw + kw)
            if height == 1 or r < kh:
                add_taps(acc[0], xv, w + r * tap_step, g.channels.width, kw, mw)
            if height == 2 and r >= mh:
                add_taps(acc[height - 1], xv, w + (r - mh) * tap_step, g.channels.width, kw, mw)
        for i in range(height):
            store_pixels(acc[i], y + i * yh + c, yw, activation)


cdef inline void add_taps(vf *acc, const vf *xv, const real *w, Py_ssize_t width, const int kw,
                          const int mw) noexcept nogil:
    """acc[q] += sum_s xv[q mw + s] w[s]: a row of taps."""
    cdef vf wv
    cdef int q, s
    for s in range(kw):
        wv = vload(w + s * width)
        for q in range(TILE):
            acc[q] = acc[q] + xv[q * mw + s] * wv


cdef inline void store_pixels(vf *acc, real *y, Py_ssize_t yw, int activation) noexcept nogil:
    """y[q] = f(acc[q]) for the TILE pixels of a row."""
    cdef int q
    if activation:
        for q in range(TILE):
            acc[q] = activated(acc[q], activation)
    for q in range(TILE):
        vstore(y + q * yw, acc[q])


cdef void some_pixels(const Grid *g, const Phase *f, const real **rows, int height, Py_ssize_t j,
                      const Target *to) noexcept nogil:
    """height x TILE pixels from column j of the phase; height is 2 only where a tile reuses 5 taps."""
    cdef Place place = place_of(g, f, j, TILE, f.w.count)
    if not f.reuse:
        pixels(g, f, rows, place.at, to)
    elif f.w.count == 3 and g.mw == 1:
        pixels_reused(g, f, rows, &place, to, 3, 1, 1)
    elif f.w.count == 3:
        pixels_reused(g, f, rows, &place, to, 3, 2, 1)
    elif f.w.count == 5:
        rows_reused(pixels_reused, height, g, f, rows, &place, to, 5, 1)
    elif f.w.count == 2:
        pixels_reused(g, f, rows, &place, to, 2, 1, 1)
    else:
        pixels_reused(g, f, rows, &place, to, 1, 1, 1)


cdef void edge_pixel(const Grid *g, const Phase *f, const real **rows, Py_ssize_t j, real *y, const real *b,
                     int activation) noexcept nogil:
    """One pixel; taps outside are left out."""
    cdef vf acc
    cdef Py_ssize_t v, c, r, s, column, kw = f.w.count, width = g.channels.width
    for v in range(g.channels.vectors):
        c = channel(&g.channels, v)
        acc = vload(b + c)
        for r in range(f.h.count):
            if rows[r] == NULL:
                continue
            for s in range(kw):
                column = j * g.mw + f.w.source + s * f.w.source_step
                if 0 <= column < g.x.W:
                    acc = acc + vload(rows[r] + column * g.step + c) * vload(f.packed + (r * kw + s) * width + v * VL)
        vstore(y + c, activated(acc, activation))
