"""Depth-wise convolution, m filters for each channel (groups = C, K = m C), vectors along channels.

    forward          y[n,k,i,j]  = b[k] + sum_{r,s} x[n, k // m, i sh - top + r dh, j sw - left + s dw] w[k,0,r,s]
    input gradient   dx[n,c,i,j] = sum over the filters k of channel c and the taps (r,s) that reach (i,j) of dy w[k,0,r,s]
    weight gradient  dw[k,0,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, k // m, i sh - top + r dh, j sw - left + s dw]

Fast where C is the axis of unit stride and m is 1: a tile is TILE neighbouring pixels of a row times one vector of
channels, the last of which overlaps the one before it. Otherwise the rows of x are first copied, each channel m times
and at least a whole vector of them, and rows of the result are computed beside it. The input gradient of a stride s
runs over s x s phases, each a stride-1 sum. Sums run over taps, in an order that never depends on N or the threads.
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from fastconv.kernels.runtime.threads cimport threads_for
from ..simd.transpose cimport square_part
from ..runtime.sizes cimport on_a_line, plus, times
from ..simd.vector cimport VL, real, vf, activated, activated_one, vload, vprefetch, vstore, vzero

cdef enum:
    TILE = 4            # neighbouring pixels that share the loads of a row
    ROWS = 8            # output rows in a job
    PARTS = 32          # at most so many partial sums of the weight gradient
    FAR = 1 << 19       # values of x beyond which they come from memory

cdef struct Phase:
    # pixel (i, j) of the phase reads rows i * mh + th + r * rh and columns j * mw + tw + s * rw; rh, rw > 0
    Py_ssize_t th, rh, kh, tw, rw, kw
    Py_ssize_t j0, GW           # columns j0 + j * sw of the result, j < GW
    Py_ssize_t lo, hi           # the columns lo <= j < hi that tiles may hold
    bint reuse                  # neighbouring taps, few of them: kw // 2 columns of a tile may be outside, else none
    Py_ssize_t r0, rs, s0, ss   # tap (r, s) is w[r0 + r * rs, s0 + s * ss]
    real *w                     # packed: [tap][lane]

cdef struct Grid:
    const real *x
    Py_ssize_t each  # rows of a job
    Py_ssize_t xn, xc, xh, xw, H, W, mh, mw
    real *y
    Py_ssize_t yn, yc, yh, yw, N, GH, GW, sh, sw
    Py_ssize_t K, lanes         # filters; at least a vector of them
    Py_ssize_t mx, my           # lane k reads channel k // mx, adds to channel k // my
    Phase *phases               # sh x sw
    Py_ssize_t vectors, back    # vector v holds the channels v VL - back to + VL, moved inside
    Py_ssize_t width            # of a packed row: [vector][lane], whole vectors
    const real *b               # packed bias, zeros without
    const real *zeros           # packed
    const real *bias            # not packed
    int activation
    bint far                    # x is larger than near caches: its rows are fetched ahead
    bint copied, beside         # beside: rows of the result computed beside it
    Py_ssize_t span             # rows in a copied block
    Py_ssize_t step             # of columns in a row of x or of its copy


cdef inline Py_ssize_t channel(Grid *g, Py_ssize_t v) noexcept nogil:
    """The first channel of vector v: the first and the last vector may overlap their neighbours."""
    return max(<Py_ssize_t>0, min(v * VL - g.back, g.lanes - VL))


cdef void cut_channels(Grid *g) noexcept nogil:
    """Cut the lanes into vectors; many of them so that those of x lie in whole cache lines."""
    cdef Py_ssize_t bytes = VL * sizeof(real), off = <Py_ssize_t>g.x % bytes // <Py_ssize_t>sizeof(real)
    g.back = 0
    if not g.copied and g.lanes >= 6 * VL and g.xw % VL == 0 and g.xh % VL == 0 and g.xn % VL == 0:
        g.back = off
    g.vectors = (g.lanes + g.back + VL - 1) // VL
    g.width = (g.vectors | 1) * VL  # odd: the rows of the packed arrays fall into different sets of the first cache


cdef bint is_far(Grid *g) noexcept nogil:
    return not g.copied and g.N * g.H * g.W * g.lanes > FAR


cdef real *packed_rows(Py_ssize_t size) noexcept nogil:
    """Zeros that begin at a whole cache line, to be freed; NULL if memory ran out."""
    cdef real *rows = <real *>on_a_line(times(size, sizeof(real)))
    if rows != NULL:
        memset(rows, 0, size * sizeof(real))
    return rows


# ---------------------------------------------------------------- one row

cdef inline void pixels(Grid *g, Phase *f, const real **rows, Py_ssize_t at, const real *b, real *y, Py_ssize_t yw,
                        int activation) noexcept nogil:
    """TILE pixels whose taps are all inside; rows that are NULL are outside."""
    cdef vf acc[TILE]
    cdef vf wv
    cdef Py_ssize_t v, c, r, s, kh = f.kh, kw = f.kw, tap_step = f.rw * g.step, pixel_step = g.mw * g.step
    cdef const real *p
    cdef const real *w
    cdef int q
    for v in range(g.vectors):
        c = channel(g, v)
        w = f.w + v * VL
        for q in range(TILE):
            acc[q] = vload(b + v * VL)
        for r in range(kh):
            if rows[r] == NULL:
                continue
            p = rows[r] + at + c
            for s in range(kw):
                wv = vload(w + (r * kw + s) * g.width)
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


cdef inline void pixels_reused(Grid *g, Phase *f, const real **rows, Py_ssize_t at, int left, int right, const real *b,
                               real *y, Py_ssize_t yw, Py_ssize_t yh, int activation, const int height, const int kw,
                               const int mw) noexcept nogil:
    """height x TILE pixels: each column of x is loaded once for a row of them, each row of x once from beyond L1."""
    cdef vf acc[2][TILE]
    cdef vf xv[16]
    cdef vf wv[5]
    cdef Py_ssize_t v, c, r, kh = f.kh, step = g.step, width = g.width
    cdef const real *w
    cdef int q, s, i
    for v in range(g.vectors):
        c = channel(g, v)
        w = f.w + v * VL
        for q in range(TILE):
            for i in range(height):
                acc[i][q] = vload(b + v * VL)
        if g.far:
            for i in range(height):
                fetch(rows + i * kh, kh, g.mh, at + c, step, TILE * mw)
        for r in range(kh):
            if rows[r] == NULL:
                continue
            for s in range(kw):
                wv[s] = vload(w + (r * kw + s) * width)
            for i in range(height):
                load_columns(xv, rows[i * kh + r] + at + c, step, left, right, kw // 2, (TILE - 1) * mw + kw)
                for s in range(kw):
                    for q in range(TILE):
                        acc[i][q] = acc[i][q] + xv[q * mw + s] * wv[s]
        if activation:
            for i in range(height):
                for q in range(TILE):
                    acc[i][q] = activated(acc[i][q], activation)
        for i in range(height):
            for q in range(TILE):
                vstore(y + i * yh + q * yw + c, acc[i][q])


cdef inline void pixels_between(Grid *g, Phase *f, const real **rows, Py_ssize_t at, int right, const real *b, real *y,
                                Py_ssize_t yw, int activation) noexcept nogil:
    """2 TILE pixels, of the phase f with one tap and the next with two: the input gradient of 3 taps with stride 2."""
    cdef vf even[TILE]
    cdef vf odd[TILE]
    cdef vf xv[TILE + 1]
    cdef vf wv
    cdef Py_ssize_t v, c, r, kh = f.kh, step = g.step, width = g.width
    cdef const real *even_w = f.w
    cdef const real *odd_w = (f + 1).w
    cdef int q
    for v in range(g.vectors):
        c = channel(g, v)
        for q in range(TILE):
            even[q] = vload(b + v * VL)
            odd[q] = vload(b + v * VL)
        if g.far:
            fetch(rows, kh, 1, at + c, step, TILE)
        for r in range(kh):
            if rows[r] == NULL:
                continue
            load_columns(xv, rows[r] + at + c, step, 0, right, 1, TILE + 1)
            wv = vload(even_w + r * width + v * VL)
            for q in range(TILE):
                even[q] = even[q] + xv[q] * wv
            wv = vload(odd_w + 2 * r * width + v * VL)
            for q in range(TILE):
                odd[q] = odd[q] + xv[q] * wv
            wv = vload(odd_w + (2 * r + 1) * width + v * VL)
            for q in range(TILE):
                odd[q] = odd[q] + xv[q + 1] * wv
        if activation:
            for q in range(TILE):
                even[q] = activated(even[q], activation)
                odd[q] = activated(odd[q], activation)
        for q in range(TILE):
            vstore(y + 2 * q * yw + c, even[q])
            vstore(y + (2 * q + 1) * yw + c, odd[q])


cdef bint row_between(Grid *g, Phase *f, const real **rows, real *y) noexcept nogil:
    """Both phases of a row at once, where that is possible."""
    cdef Phase *o = f + 1
    cdef Py_ssize_t j = 0, lo = max(f.lo, o.lo), hi = min(f.hi, o.hi)
    if g.sw != 2 or g.beside or not f.reuse or not o.reuse or f.kw != 1 or o.kw != 2 or f.tw != o.tw or f.tw < 0:
        return False
    if hi - lo < TILE:
        return False
    while j < f.GW:
        if j < lo or j >= hi:
            edge_pixel(g, f, rows, j, y + 2 * j * g.yw, g.b, g.activation)
            if j < o.GW:
                edge_pixel(g, o, rows, j, y + (2 * j + 1) * g.yw, g.b, g.activation)
            j += 1
        else:
            j = min(j, hi - TILE)
            pixels_between(g, f, rows, (j + f.tw) * g.step, <int>max(<Py_ssize_t>0, j + o.tw + TILE + 1 - g.W), g.b,
                           y + 2 * j * g.yw, g.yw, g.activation)
            j += TILE
    return True


cdef void some_pixels(Grid *g, Phase *f, const real **rows, int height, Py_ssize_t j, real *y, Py_ssize_t yw,
                      Py_ssize_t yh, const real *b, int activation) noexcept nogil:
    """height x TILE pixels from column j of the phase."""
    cdef Py_ssize_t column = j * g.mw + f.tw, at = column * g.step
    cdef int left = <int>(-column) if column < 0 else 0
    cdef int right = <int>max(<Py_ssize_t>0, column + (TILE - 1) * g.mw + f.kw - g.W)
    if not f.reuse:
        pixels(g, f, rows, at, b, y, yw, activation)
    elif f.kw == 3 and g.mw == 1:
        if height == 2:
            pixels_reused(g, f, rows, at, left, right, b, y, yw, yh, activation, 2, 3, 1)
        else:
            pixels_reused(g, f, rows, at, left, right, b, y, yw, yh, activation, 1, 3, 1)
    elif f.kw == 3:
        if height == 2:
            pixels_reused(g, f, rows, at, left, right, b, y, yw, yh, activation, 2, 3, 2)
        else:
            pixels_reused(g, f, rows, at, left, right, b, y, yw, yh, activation, 1, 3, 2)
    elif f.kw == 5:
        if height == 2:
            pixels_reused(g, f, rows, at, left, right, b, y, yw, yh, activation, 2, 5, 1)
        else:
            pixels_reused(g, f, rows, at, left, right, b, y, yw, yh, activation, 1, 5, 1)
    elif f.kw == 2:
        pixels_reused(g, f, rows, at, left, right, b, y, yw, yh, activation, 1, 2, 1)
    else:
        pixels_reused(g, f, rows, at, left, right, b, y, yw, yh, activation, 1, 1, 1)


cdef void edge_pixel(Grid *g, Phase *f, const real **rows, Py_ssize_t j, real *y, const real *b,
                     int activation) noexcept nogil:
    """One pixel; taps outside are left out."""
    cdef vf acc
    cdef Py_ssize_t v, c, r, s, column
    for v in range(g.vectors):
        c = channel(g, v)
        acc = vload(b + v * VL)
        for r in range(f.kh):
            if rows[r] == NULL:
                continue
            for s in range(f.kw):
                column = j * g.mw + f.tw + s * f.rw
                if 0 <= column < g.W:
                    acc = acc + vload(rows[r] + column * g.step + c) * vload(f.w + (r * f.kw + s) * g.width + v * VL)
        vstore(y + c, activated(acc, activation))


cdef void some_rows(Grid *g, Phase *f, const real **rows, int height, real *y, Py_ssize_t yw, Py_ssize_t yh,
                    const real *b, int activation) noexcept nogil:
    """All pixels of one phase in one or two rows of the result; the last tile overlaps the one before it."""
    cdef Py_ssize_t j = 0
    cdef int i
    while j < f.GW:
        if j < f.lo or j >= f.hi or f.hi - f.lo < TILE:
            for i in range(height):
                edge_pixel(g, f, rows + i * f.kh, j, y + i * yh + j * yw, b, activation)
            j += 1
        else:
            j = min(j, f.hi - TILE)
            some_pixels(g, f, rows, height, j, y + j * yw, yw, yh, b, activation)
            j += TILE


# ---------------------------------------------------------------- forward and input gradient

cdef int run_grid(Grid *g) noexcept nogil:
    """All jobs: ROWS rows of one image; 1 if memory ran out."""
    cdef Py_ssize_t blocks, jobs, job, taps = 0, kh = 0, f
    cdef Py_ssize_t low = 0, high = 0, size
    cdef int threads, failed = 0
    cdef char *memory
    for f in range(g.sh * g.sw):
        taps += g.phases[f].kh * g.phases[f].kw
        kh = max(kh, g.phases[f].kh)
        low = min(low, g.phases[f].th)
        high = max(high, g.phases[f].th + (g.phases[f].kh - 1) * g.phases[f].rh)
    threads = threads_for(<double>g.N * g.GH * g.GW * g.lanes * (2 + taps // (g.sh * g.sw)) * 0.11)  # cold
    blocks = max((g.GH + ROWS - 1) // ROWS, min(<Py_ssize_t>threads, g.GH // 2) if g.N < threads else 1)
    g.each = ((g.GH + blocks - 1) // blocks + g.sh - 1) // g.sh * g.sh
    blocks = (g.GH + g.each - 1) // g.each
    jobs = g.N * blocks
    g.span = (g.each - 1) * g.mh + high - low + 1
    g.step = g.lanes if g.copied else g.xw
    size = plus(times(g.span, g.W * g.lanes) if g.copied else 0, g.GW * g.lanes)
    size = plus(2 * kh * sizeof(real *), times(plus(size, 1), sizeof(real)))
    g.far = is_far(g)
    with parallel(num_threads=threads):
        memory = <char *>calloc(size, 1)
        for job in prange(jobs, schedule="static"):
            failed |= run_job(g, job // blocks, job % blocks * g.each, low, kh, memory)
        free(memory)
    return failed


cdef int run_job(Grid *g, Py_ssize_t n, Py_ssize_t first, Py_ssize_t low, Py_ssize_t kh, char *memory) noexcept nogil:
    cdef const real **rows = <const real **>memory
    cdef real *row = <real *>(memory + 2 * kh * sizeof(real *))
    cdef real *copy = row + g.GW * g.lanes
    cdef Py_ssize_t i = first, end = min(first + g.each, g.GH), p, h, base = first // g.sh * g.mh + low
    cdef Phase *f
    cdef real *y
    cdef int height
    if memory == NULL:
        return 1
    if g.copied:
        for h in range(g.span):
            if 0 <= base + h < g.H:
                copy_row(g, g.x + n * g.xn + (base + h) * g.xh, copy + h * g.W * g.lanes)
    while i < end:
        y = g.y + n * g.yn + i * g.yh
        height = 1
        f = g.phases + i % g.sh * g.sw
        if g.sw == 2:
            find_rows(g, f, n, i, base, copy, rows)
            if row_between(g, f, rows, y):
                i += 1
                continue
        for p in range(g.sw):
            f = g.phases + i % g.sh * g.sw + p
            h = find_rows(g, f, n, i, base, copy, rows)
            if g.beside:
                some_rows(g, f, rows, 1, row, g.lanes, 0, g.zeros, 0)
                fold_row(g, f, row, y + f.j0 * g.yw)
                continue
            if h and f.reuse and f.kw > 2 and g.sh * g.sw == 1 and i + 1 < end:
                if find_rows(g, f, n, i + 1, base, copy, rows + f.kh):
                    height = 2
            some_rows(g, f, rows, height, y + f.j0 * g.yw, g.sw * g.yw, g.yh, g.b, g.activation)
        i += height
    return 0


cdef bint find_rows(Grid *g, Phase *f, Py_ssize_t n, Py_ssize_t i, Py_ssize_t base, const real *copy,
                    const real **rows) noexcept nogil:
    """The rows of x under the taps of row i of the result, NULL outside; whether all are inside."""
    cdef Py_ssize_t r, h
    cdef bint whole = True
    for r in range(f.kh):
        h = i // g.sh * g.mh + f.th + r * f.rh
        if h < 0 or h >= g.H:
            rows[r] = NULL
            whole = False
        elif g.copied:
            rows[r] = copy + (h - base) * g.W * g.lanes
        else:
            rows[r] = g.x + n * g.xn + h * g.xh
    return whole


cdef void copy_row(Grid *g, const real *x, real *copy) noexcept nogil:
    """copy[j][k] = x[j][k // mx]; the lanes beyond the last filter stay zero."""
    cdef Py_ssize_t j, k
    for j in range(g.W):
        for k in range(g.K):
            copy[j * g.lanes + k] = x[j * g.xw + k // g.mx * g.xc]


cdef void fold_row(Grid *g, Phase *f, const real *row, real *y) noexcept nogil:
    """y[j][c] = b[c] + the sum of its lanes, in order."""
    cdef Py_ssize_t j, c, k
    cdef real total
    for j in range(f.GW):
        for c in range(g.K // g.my):
            total = g.bias[c]
            for k in range(c * g.my, c * g.my + g.my):
                total = total + row[j * g.lanes + k]
            y[j * g.sw * g.yw + c * g.yc] = activated_one(total, g.activation)


# ---------------------------------------------------------------- set up

cdef void set_arrays(Grid *g, const real[:, :, :, :] x, real[:, :, :, :] y) noexcept nogil:
    cdef Py_ssize_t one = sizeof(real)
    g.x, g.H, g.W, g.N = &x[0, 0, 0, 0], x.shape[2], x.shape[3], x.shape[0]
    g.xn, g.xc, g.xh, g.xw = x.strides[0] // one, x.strides[1] // one, x.strides[2] // one, x.strides[3] // one
    g.y, g.GH, g.GW = &y[0, 0, 0, 0], y.shape[2], y.shape[3]
    g.yn, g.yc, g.yh, g.yw = y.strides[0] // one, y.strides[1] // one, y.strides[2] // one, y.strides[3] // one


cdef void inside(Grid *g, Phase *f) noexcept nogil:
    """The columns of tiles: -slack <= j mw + tw and j mw + tw + reach < W + slack."""
    cdef Py_ssize_t slack = f.kw // 2, end
    f.reuse = f.rw == 1 and ((f.kw == 3 and g.mw <= 2) or (f.kw in (1, 2, 5) and g.mw == 1))
    if not f.reuse:
        slack = 0
    end = g.W + slack - f.tw - (f.kw - 1) * f.rw
    f.lo = (-f.tw - slack + g.mw - 1) // g.mw if f.tw + slack < 0 else 0
    f.hi = min(f.GW, (end + g.mw - 1) // g.mw) if end > 0 else 0
    if f.kw == 0:
        f.lo, f.hi = 0, f.GW


cdef int run_packed(Grid *g, const real[:, :, :, :] w, const real[:] b) noexcept nogil:
    """Pack the weights of all phases and the bias, run; 1 if memory ran out."""
    cdef Py_ssize_t f, k, r, s, size
    cdef real *packed
    cdef real *to
    cdef real *bias
    cdef Phase *p
    cdef int failed
    cut_channels(g)
    size = w.shape[2] * w.shape[3] * g.width
    to = packed = packed_rows(size + 2 * g.width + g.K)
    if packed == NULL:
        return 1
    g.b = to + size
    g.zeros = g.b + g.width
    g.bias = bias = to + size + 2 * g.width
    if b is not None:
        for k in range(b.shape[0]):
            bias[k] = b[k]
        if b.shape[0] == g.K:
            pack_row(g, bias, 1, to + size)
    for f in range(g.sh * g.sw):
        p = g.phases + f
        inside(g, p)
        p.w = to
        if in_order(p, w):
            pack_taps(g, &w[0, 0, 0, 0], w.strides[0] // <Py_ssize_t>sizeof(real), p.kh * p.kw, p.rs, to)
            to += p.kh * p.kw * g.width
            continue
        for r in range(p.kh):
            for s in range(p.kw):
                pack_row(g, &w[0, 0, p.r0 + r * p.rs, p.s0 + s * p.ss], w.strides[0] // <Py_ssize_t>sizeof(real), to)
                to += g.width
    failed = run_grid(g)
    free(packed)
    return failed


cdef bint in_order(Phase *p, const real[:, :, :, :] w) noexcept nogil:
    """Whether the phase has all taps, in the order of memory or in the reverse of it."""
    cdef Py_ssize_t one = sizeof(real)
    return (w.strides[3] == one and w.strides[2] == w.shape[3] * one and p.kh == w.shape[2] and p.kw == w.shape[3]
            and p.rs == p.ss and p.rs * p.rs == 1 and p.r0 == (0 if p.rs == 1 else p.kh - 1)
            and p.s0 == (0 if p.ss == 1 else p.kw - 1))


cdef void pack_taps(Grid *g, const real *w, Py_ssize_t wk, Py_ssize_t taps, Py_ssize_t direction,
                    real *to) noexcept nogil:
    """to[tap][vector][lane], turned in registers, backwards where the direction is -1."""
    cdef Py_ssize_t v, c, first
    cdef real *start = to if direction == 1 else to + (taps - 1) * g.width
    for v in range(g.vectors):
        c = channel(g, v)
        first = 0
        while first < taps:
            square_part(w + c * wk + first, wk, start + first * direction * g.width + v * VL, direction * g.width,
                        min(<Py_ssize_t>VL, taps - first), min(<Py_ssize_t>VL, g.K - c))
            first += VL


cdef void pack_row(Grid *g, const real *w, Py_ssize_t wk, real *row) noexcept nogil:
    """row[vector][lane]; the lanes beyond the last filter stay zero."""
    cdef Py_ssize_t v, c, lane
    for v in range(g.vectors):
        c = channel(g, v)
        for lane in range(min(<Py_ssize_t>VL, g.K - c)):
            row[v * VL + lane] = w[(c + lane) * wk]


def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
            Py_ssize_t groups, int activation=0):
    """y = f(conv2d(x, w) + b), f by its code, groups = C; any strides, fast where x and y are channels-last and K = C."""
    cdef Grid g
    cdef Phase f
    cdef int failed
    if y.shape[0] == 0:
        return
    with nogil:
        set_arrays(&g, x, y)
        g.mh, g.mw, g.sh, g.sw = sh, sw, 1, 1
        g.K, g.mx, g.my, g.activation = w.shape[0], w.shape[0] // groups, 1, activation
        g.lanes = max(g.K, <Py_ssize_t>VL)
        g.copied, g.beside = g.mx > 1 or g.K < VL or g.xc != 1, g.K < VL or g.yc != 1
        g.phases = &f
        f.th, f.rh, f.kh, f.tw, f.rw, f.kw = -top, dh, w.shape[2], -left, dw, w.shape[3]
        f.j0, f.GW, f.r0, f.rs, f.s0, f.ss = 0, g.GW, 0, 1, 0, 1
        failed = run_packed(&g, w, b)
    if failed:
        raise MemoryError()


def backward_input(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
                   Py_ssize_t groups, int activation=0):
    """dx = conv2d's input gradient (+ b: the transposed convolution), groups = C; any strides in memory."""
    cdef Grid g
    cdef Py_ssize_t i, j
    cdef int failed = 1
    cdef Phase *f
    if dx.shape[0] == 0:
        return
    with nogil:
        set_arrays(&g, dy, dx)
        g.mh, g.mw, g.sh, g.sw = 1, 1, min(sh, g.GH), min(sw, g.GW)
        g.K, g.mx, g.my, g.activation = w.shape[0], 1, w.shape[0] // groups, activation
        g.lanes = max(g.K, <Py_ssize_t>VL)
        g.copied, g.beside = g.K < VL or g.xc != 1, g.my > 1 or g.K < VL or g.yc != 1
        g.phases = <Phase *>malloc(g.sh * g.sw * sizeof(Phase))
        if g.phases != NULL:
            for i in range(g.sh):
                for j in range(g.sw):
                    f = g.phases + i * g.sw + j
                    f.kh = taps_of_phase(i + top, sh, dh, w.shape[2], &f.r0, &f.rs, &f.th, &f.rh)
                    f.kw = taps_of_phase(j + left, sw, dw, w.shape[3], &f.s0, &f.ss, &f.tw, &f.rw)
                    if f.kh == 0 or f.kw == 0:
                        f.kh, f.kw = 0, 0
                    f.j0, f.GW = j, (g.GW - j + sw - 1) // sw
            failed = run_packed(&g, w, b)
            free(g.phases)
    if failed:
        raise MemoryError()


cdef Py_ssize_t taps_of_phase(Py_ssize_t at, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t kernel, Py_ssize_t *first,
                              Py_ssize_t *step, Py_ssize_t *offset, Py_ssize_t *offset_step) noexcept nogil:
    """The taps t with (at - t * dilation) % stride == 0, last first, read from row (at - t * dilation) / stride."""
    cdef Py_ssize_t t, count = 0, last = 0
    step[0] = -1
    for t in range(kernel):
        if (at - t * dilation) % stride == 0:
            if count == 1:
                step[0] = last - t
            last = t
            count += 1
    first[0] = last
    offset[0] = (at - last * dilation) // stride if count else 0
    offset_step[0] = max(<Py_ssize_t>1, -step[0] * dilation // stride)
    return count


# ---------------------------------------------------------------- weight gradient

cdef struct Sums:
    Grid grid                   # x, and y for dy
    Phase phase
    Py_ssize_t parts, taps
    bint copied_dy, fast        # fast: 3 neighbouring taps in a row, whole vectors of lanes
    real *sums                  # [part][tap], packed


cdef inline void sum_tap(const real *x, Py_ssize_t x_step, const real *dy, Py_ssize_t dy_step, Py_ssize_t count,
                         real *sums) noexcept nogil:
    """sums[lane] += sum over `count` pixels of x dy, for one vector of lanes."""
    cdef vf acc = vload(sums)
    cdef Py_ssize_t j
    for j in range(count):
        acc = acc + vload(x + j * x_step) * vload(dy + j * dy_step)
    vstore(sums, acc)


cdef inline void sum_taps(Grid *g, const real **rows, Py_ssize_t at, int left, int right, const real *dy,
                          Py_ssize_t yw, Py_ssize_t yh, real *sums, const int height, const int kh, const int mw,
                          const int count) noexcept nogil:
    """The same for kh x 3 taps, whole vectors of lanes, and height x count pixels; rows[i * 3] is the first of row i."""
    cdef vf acc[9]
    cdef vf xv[16]
    cdef vf dv[TILE]
    cdef Py_ssize_t v, c, step = g.step, width = g.width
    cdef int i, r, s, q
    for v in range(g.vectors):
        c = channel(g, v)
        for r in range(kh * 3):
            acc[r] = vload(sums + r * width + v * VL)
        for i in range(height):
            if g.far:
                fetch(rows + i * 3, kh, g.mh, at + c, step, count * mw)
                fetch(&dy, 1, 1, i * yh + c, yw, count)
            for q in range(count):
                dv[q] = vload(dy + i * yh + q * yw + c)
            for r in range(kh):
                load_columns(xv, rows[i * 3 + r] + at + c, step, left, right, 1, (count - 1) * mw + 3)
                for q in range(count):
                    for s in range(3):
                        acc[r * 3 + s] = acc[r * 3 + s] + xv[q * mw + s] * dv[q]
        for r in range(kh * 3):
            vstore(sums + r * width + v * VL, acc[r])


cdef void sum_tile(Grid *g, const real **rows, Py_ssize_t at, int left, int right, const real *dy, Py_ssize_t yw,
                   Py_ssize_t yh, real *sums, int height, int kh, Py_ssize_t mw, int count) noexcept nogil:
    if kh == 1:
        if mw == 1 and count == TILE:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 1, 1, 1, TILE)
        elif mw == 1:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 1, 1, 1, 1)
        elif count == TILE:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 1, 1, 2, TILE)
        else:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 1, 1, 2, 1)
    elif height == 1:
        if mw == 1 and count == TILE:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 1, 3, 1, TILE)
        elif mw == 1:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 1, 3, 1, 1)
        elif count == TILE:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 1, 3, 2, TILE)
        else:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 1, 3, 2, 1)
    else:
        if mw == 1 and count == TILE:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 2, 3, 1, TILE)
        elif mw == 1 and count == 2:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 2, 3, 1, 2)
        elif mw == 1:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 2, 3, 1, 1)
        elif count == TILE:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 2, 3, 2, TILE)
        elif count == 2:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 2, 3, 2, 2)
        else:
            sum_taps(g, rows, at, left, right, dy, yw, yh, sums, 2, 3, 2, 1)


def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dilation_h, Py_ssize_t dilation_w,
                    Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups):
    """dw = sum over pixels of dy times the x under the tap, groups = C; any strides in memory."""
    cdef Sums g
    cdef int failed
    if dy.shape[0] == 0:
        dw[...] = 0
        return
    with nogil:
        set_arrays(&g.grid, x, dw)
        set_dy(&g.grid, dy)
        g.grid.mh, g.grid.mw, g.grid.K, g.grid.mx = sh, sw, dw.shape[0], dw.shape[0] // groups
        g.grid.lanes = max(g.grid.K, <Py_ssize_t>VL)
        g.grid.copied = g.grid.mx > 1 or g.grid.K < VL or g.grid.xc != 1
        g.copied_dy = g.grid.K < VL or g.grid.yc != 1
        g.phase.th, g.phase.rh, g.phase.kh = -top, dilation_h, dw.shape[2]
        g.phase.tw, g.phase.rw, g.phase.kw, g.phase.GW = -left, dilation_w, dw.shape[3], g.grid.GW
        cut_channels(&g.grid)
        inside(&g.grid, &g.phase)
        g.fast = g.phase.reuse and g.phase.kw == 3
        g.taps = dw.shape[2] * dw.shape[3]
        g.parts = min(<Py_ssize_t>PARTS, (g.grid.N * g.grid.GH + ROWS - 1) // ROWS)
        g.sums = packed_rows(g.parts * g.taps * g.grid.width)
        failed = g.sums == NULL
        if not failed:
            failed = run_sums(&g)
        if not failed:
            add_parts(&g, dw)
        free(g.sums)
    if failed:
        raise MemoryError()


cdef void set_dy(Grid *g, const real[:, :, :, :] y) noexcept nogil:
    cdef Py_ssize_t one = sizeof(real)
    g.y, g.GH, g.GW = <real *>&y[0, 0, 0, 0], y.shape[2], y.shape[3]
    g.yn, g.yc, g.yh, g.yw = y.strides[0] // one, y.strides[1] // one, y.strides[2] // one, y.strides[3] // one


cdef int run_sums(Sums *g) noexcept nogil:
    cdef Grid *x = &g.grid
    cdef Py_ssize_t part, size = times(g.phase.kh, x.W * x.lanes) if x.copied else 0
    cdef int threads = threads_for(<double>x.N * x.GH * x.GW * x.lanes * (2 + g.taps) * 0.03), failed = 0
    cdef char *memory
    x.step = x.lanes if x.copied else x.xw
    x.far = is_far(x)
    size = plus(size, x.GW * x.lanes if g.copied_dy else 0)
    size = plus((g.phase.kh + 3) * sizeof(real *), times(plus(size, 1), sizeof(real)))
    with parallel(num_threads=threads):
        memory = <char *>calloc(size, 1)
        for part in prange(g.parts, schedule="static"):
            failed |= sum_part(g, part, memory)
        free(memory)
    return failed


cdef int sum_part(Sums *g, Py_ssize_t part, char *memory) noexcept nogil:
    """The rows (n, i) of one part."""
    cdef Grid *x = &g.grid
    cdef Py_ssize_t total = x.N * x.GH, row = total * part // g.parts, end = total * (part + 1) // g.parts
    cdef Py_ssize_t n, i, r, j, k, yw
    cdef const real **rows = <const real **>memory
    cdef real *copy = <real *>(memory + (g.phase.kh + 3) * sizeof(real *))
    cdef real *copy_dy = copy + (g.phase.kh * x.W * x.lanes if x.copied else 0)
    cdef const real *dy
    cdef bint whole, copied = x.copied
    cdef int height
    if memory == NULL:
        return 1
    while row < end:
        n, i = row // x.GH, row % x.GH
        height = 1
        whole = find_row_pointers(g, n, i, rows)
        if copied:
            for r in range(g.phase.kh):
                if rows[r] != NULL:
                    copy_row(x, rows[r], copy + r * x.W * x.lanes)
                    rows[r] = copy + r * x.W * x.lanes
        dy, yw = x.y + n * x.yn + i * x.yh, x.yw
        if g.copied_dy:
            for j in range(x.GW):
                for k in range(x.K):
                    copy_dy[j * x.lanes + k] = dy[j * x.yw + k * x.yc]
            dy, yw = copy_dy, x.lanes
        elif not copied and g.fast and whole and g.phase.kh == 3 and row + 1 < end and i + 1 < x.GH:
            if find_row_pointers(g, n, i + 1, rows + 3):
                height = 2
        sum_rows(g, rows, height, whole, dy, yw, g.sums + part * g.taps * g.grid.width)
        row += height
    return 0


cdef bint find_row_pointers(Sums *g, Py_ssize_t n, Py_ssize_t i, const real **rows) noexcept nogil:
    """The rows of x under the taps of row i of dy, NULL outside; whether all are inside."""
    cdef Py_ssize_t r, h
    cdef bint whole = True
    for r in range(g.phase.kh):
        h = i * g.grid.mh + g.phase.th + r * g.phase.rh
        rows[r] = NULL
        if 0 <= h < g.grid.H:
            rows[r] = g.grid.x + n * g.grid.xn + h * g.grid.xh
        else:
            whole = False
    return whole


cdef void sum_rows(Sums *g, const real **rows, int height, bint whole, const real *dy, Py_ssize_t yw,
                   real *sums) noexcept nogil:
    """One row of dy, or two."""
    cdef Phase *f = &g.phase
    cdef Py_ssize_t r, s, lo = f.lo if g.fast else f.GW, hi = f.hi if g.fast else f.GW
    cdef const real *row
    cdef int i
    if g.fast and f.kh == 3 and whole:
        sum_inside(g, rows, height, 3, dy, yw, sums)
    elif g.fast:
        for r in range(f.kh):
            if rows[r] != NULL:
                sum_inside(g, rows + r, 1, 1, dy, yw, sums + r * 3 * g.grid.width)
    for i in range(height):
        for r in range(f.kh):
            row = rows[i * 3 + r]
            for s in range(f.kw):
                if row != NULL:
                    sum_columns(g, row, s, 0, lo, dy, yw, sums + (r * f.kw + s) * g.grid.width)
                    sum_columns(g, row, s, hi, f.GW, dy, yw, sums + (r * f.kw + s) * g.grid.width)
        dy += g.grid.yh


cdef void sum_inside(Sums *g, const real **rows, int height, int kh, const real *dy, Py_ssize_t yw, real *sums) noexcept nogil:
    """The columns lo <= j < hi for kh x 3 taps, whole vectors."""
    cdef Grid *x = &g.grid
    cdef Py_ssize_t j = g.phase.lo, column
    cdef int count, left, right
    while j < g.phase.hi:
        count = TILE if j + TILE <= g.phase.hi else 2 if height == 2 and j + 2 <= g.phase.hi else 1
        column = j * x.mw + g.phase.tw
        left = <int>(-column) if column < 0 else 0
        right = <int>max(<Py_ssize_t>0, column + (count - 1) * x.mw + 3 - x.W)
        sum_tile(x, rows, column * x.step, left, right, dy + j * yw, yw, x.yh, sums, height, kh, x.mw, count)
        j += count


cdef void sum_columns(Sums *g, const real *row, Py_ssize_t s, Py_ssize_t first, Py_ssize_t end, const real *dy,
                      Py_ssize_t yw, real *sums) noexcept nogil:
    """The columns first <= j < end of one tap whose input is inside."""
    cdef Grid *x = &g.grid
    cdef Py_ssize_t column = g.phase.tw + s * g.phase.rw, c, v, step = x.mw * x.step, to = x.W - column
    if column < 0:
        first = max(first, (-column + x.mw - 1) // x.mw)
    end = min(end, (to + x.mw - 1) // x.mw) if to > 0 else 0
    if first >= end:
        return
    row += (first * x.mw + column) * x.step
    dy += first * yw
    for v in range(x.vectors):
        c = channel(x, v)
        sum_tap(row + c, step, dy + c, yw, end - first, sums + v * VL)


cdef void add_parts(Sums *g, real[:, :, :, :] dw) noexcept nogil:
    """dw[k,0,r,s] = the sums of all parts, in order."""
    cdef Py_ssize_t width = g.grid.width, size = g.taps * width, part, i, k, t, v
    for part in range(1, g.parts):
        for i in range(size):
            g.sums[i] = g.sums[i] + g.sums[part * size + i]
    for k in range(dw.shape[0]):
        v = (k + g.grid.back) // VL
        for t in range(g.taps):
            dw[k, 0, t // dw.shape[3], t % dw.shape[3]] = g.sums[t * width + v * VL + k - channel(&g.grid, v)]
