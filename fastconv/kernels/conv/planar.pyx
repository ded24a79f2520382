"""Convolution on plain NCHW planes, for networks with few channels: vectors along W, filters in rows.

    forward          y[n,k,i,j]  = b[k] + sum_{c,r,s} x[n, c, i sh - top + r dh, j sw - left + s dw] w[k,c,r,s]
    input gradient   dx = the full convolution of dy with the rotated kernel (Zhang 2016, eqs. 50, 51), by s x s phases
    weight gradient  dw[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, c, i sh - top + r dh, j sw - left + s dw]  (eqs. 39, 58)

An output row is cut into vectors, the last of which overlaps the one before it; a tile is up to MR filters times NV
vectors of one or more rows. Weights are read where they are. Where there is padding, a horizontal stride or a row
shorter than a vector, the rows of a job are first copied between zeros, columns of one phase side by side.
Sums run over channels, then taps: never in an order that depends on N, on the threads or on the place of a pixel.
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.sizes cimport SIZE_LIMIT, plus, times
from .tile cimport MR, NR
from ..simd.vector cimport real

cdef extern from *:
    """
    /* rows are short: vectors of 32 bytes at most, vp of PL reals; masks and sums in fixed order */
    #if VBYTES > 32
    #define PBYTES 32
    #else
    #define PBYTES VBYTES
    #endif
    #define PL (PBYTES / REAL_BYTES)
    typedef REAL vp __attribute__((vector_size(PBYTES), aligned(REAL_BYTES), may_alias));
    typedef vi_element vpi __attribute__((vector_size(PBYTES), aligned(REAL_BYTES), may_alias));
    #define pzero ((vp){0})
    #define pload(p) (*(const vp *)(p))
    #define pstore(p, v) (*(vp *)(p) = (v))
    /* a value that stays in its register: with 16 of them gcc would read it from memory for each product */
    #if defined(__x86_64__) && !defined(__AVX512F__)
    #define pkeep(v) __asm__ ("" : "+x" (v))
    #else
    #define pkeep(v)
    #endif
    #define psplat(s) ((REAL)(s) - (vp){0})
    /* by the code of ops/epilogue.py: 1 max(v, 0), 2 min(max(v, 0), 6); NaN stays, for comparisons with it are false */
    static inline vp pactivated(vp v, int activation) {
        vp six = psplat(6);
        if (activation) v = (vp)((vpi)v & ~(vpi)((vp){0} > v));
        if (activation == 2) v = (vp)(((vpi)v & ~(vpi)(v > six)) | ((vpi)six & (vpi)(v > six)));
        return v;
    }
    #define pmask(v, m) ((vp)((vpi)(v) & (vpi)(m)))
    static inline vp plast(int lanes) {  /* all ones in the last lanes */
        vpi m;
        for (int i = 0; i < PL; i++) m[i] = i >= PL - lanes ? -1 : 0;
        return (vp)m;
    }
    static inline vp pfirst(int lanes) {
        vpi m;
        for (int i = 0; i < PL; i++) m[i] = i < lanes ? -1 : 0;
        return (vp)m;
    }
    #if PBYTES / REAL_BYTES == 8
    #define PZIP(a, b) (__builtin_shuffle(a, b, (vpi){0, 8, 1, 9, 2, 10, 3, 11}) + \
                        __builtin_shuffle(a, b, (vpi){4, 12, 5, 13, 6, 14, 7, 15}))
    #elif PBYTES / REAL_BYTES == 4
    #define PZIP(a, b) (__builtin_shuffle(a, b, (vpi){0, 4, 1, 5}) + __builtin_shuffle(a, b, (vpi){2, 6, 3, 7}))
    #else
    #define PZIP(a, b) (__builtin_shuffle(a, b, (vpi){0, 2}) + __builtin_shuffle(a, b, (vpi){1, 3}))
    #endif
    static inline void psums(const REAL *v, REAL *out) {  /* out[i] = the lanes of vector i of PL: halves, quarters, ... */
        vp t[PL];
        for (int i = 0; i < PL; i++) t[i] = pload(v + i * PL);
        for (int h = PL / 2; h > 0; h /= 2)
            for (int i = 0; i < h; i++) t[i] = PZIP(t[i], t[i + h]);
        pstore(out, t[0]);
    }
    """
    ctypedef float vp
    enum: PL
    vp pzero
    vp pload(const real *p) noexcept nogil
    void pstore(real *p, vp v) noexcept nogil
    void pkeep(vp v) noexcept nogil
    vp psplat(real s) noexcept nogil
    vp pactivated(vp v, int activation) noexcept nogil
    vp pmask(vp v, vp m) noexcept nogil
    vp plast(int lanes) noexcept nogil
    vp pfirst(int lanes) noexcept nogil
    void psums(const real *v, real *out) noexcept nogil

cdef enum:
    JOB = 20000         # ns of work in a job, about
    BLOCK = 32768       # reals in a copied block, about
    EVEN = 4            # jobs of a weight gradient come in multiples of this many, where there are several
    CACHE = 6144        # reals of x and dy that a block of sums reads again and again: most of the first cache

cdef struct Source:
    # tap (r, s) of position (i, j) is x[n][c][i * mh + th + r * rh][j * mw + tw + s * rw], zero outside H x W
    const real *x
    Py_ssize_t xn, xc, xh, xw, N, H, W, GH, GW
    Py_ssize_t mh, mw, th, tw, rh, rw, kh, kw
    Py_ssize_t groups, C        # channels of one group
    # a block: `span` rows of C channels, from row i0 * mh + h0; the rows themselves or a copy between zeros
    bint copied
    Py_ssize_t rows, blocks     # positions i in a block, blocks in an image
    Py_ssize_t h0, w0, span, pw  # pw: columns of one phase
    Py_ssize_t pc, ph           # steps of channels and rows in the block
    Py_ssize_t first            # of tap row 0 in the block
    Py_ssize_t *columns         # of tap column s in a row of the block
    Py_ssize_t size             # of a copy, in reals


cdef int plan_source(Source *g, double row_work) noexcept nogil:
    """Choose the blocks and whether they are copied; 1 if memory ran out, or would."""
    cdef Py_ssize_t s, reach_h = (g.kh - 1) * g.rh, reach_w = (g.kw - 1) * g.rw, wide = max(g.GW, <Py_ssize_t>PL), u
    if g.GH == 1:  # a stride that leads nowhere, perhaps far beyond x
        g.mh = 1
    if g.GW == 1:
        g.mw = 1
    g.h0 = g.th + min(<Py_ssize_t>0, reach_h)
    g.w0 = g.tw + min(<Py_ssize_t>0, reach_w)
    reach_h = reach_h if reach_h > 0 else -reach_h
    reach_w = reach_w if reach_w > 0 else -reach_w
    g.columns = <Py_ssize_t *>malloc(max(<Py_ssize_t>1, g.kw) * sizeof(Py_ssize_t))
    if g.columns == NULL:
        return 1
    g.copied = (g.h0 < 0 or g.w0 < 0 or (g.GH - 1) * g.mh + g.h0 + reach_h >= g.H or
                (g.GW - 1) * g.mw + g.w0 + reach_w >= g.W or g.mw != 1 or g.GW < PL or g.xw != 1)
    g.pw = wide + reach_w // g.mw + 1
    g.ph, g.pc = g.xh, g.xc
    g.rows = max(<Py_ssize_t>1, <Py_ssize_t>(JOB / (row_work + 1)))
    if g.copied:
        g.ph = g.mw * g.pw
        g.rows = min(g.rows, max(<Py_ssize_t>4, BLOCK // times(times(g.C, g.ph), g.mh)))
    g.blocks = (g.GH + g.rows - 1) // g.rows
    g.rows = (g.GH + g.blocks - 1) // g.blocks
    g.blocks = (g.GH + g.rows - 1) // g.rows
    g.span = (g.rows - 1) * g.mh + reach_h + 1
    if g.copied:
        g.pc = times(g.span, g.ph)
        g.size = times(g.C, g.pc)
        if times(g.size, sizeof(real)) == SIZE_LIMIT:
            return 1
    g.first = (g.th - g.h0) * g.ph
    for s in range(g.kw):
        u = g.tw - g.w0 + s * g.rw
        g.columns[s] = u % g.mw * g.pw + u // g.mw if g.copied else u
    return 0


cdef const real *block_of(Source *g, Py_ssize_t n, Py_ssize_t group, Py_ssize_t block, real *copy) noexcept nogil:
    """The block of x, copied between zeros if need be; `copy` was zeroed once, before the first block."""
    cdef Py_ssize_t c, h, first = block * g.rows * g.mh + g.h0
    cdef const real *x = g.x + n * g.xn + group * g.C * g.xc
    if not g.copied:
        return x + first * g.xh + g.w0
    for c in range(g.C):
        for h in range(g.span):
            if 0 <= first + h < g.H:
                copy_row(g, x + c * g.xc + (first + h) * g.xh, copy + c * g.pc + h * g.ph)
            elif g.blocks > 1:  # in a single block these rows are the same each time
                memset(copy + c * g.pc + h * g.ph, 0, g.ph * sizeof(real))
    return copy


cdef void copy_row(Source *g, const real *x, real *copy) noexcept nogil:
    """copy[phase f][q] = x[q * mw + f + w0], where that is inside."""
    cdef Py_ssize_t f, q, lo, hi
    for f in range(g.mw):
        lo = max(<Py_ssize_t>0, -(g.w0 + f) + g.mw - 1) // g.mw
        hi = g.W - g.w0 - f
        hi = min(g.pw, (hi + g.mw - 1) // g.mw) if hi > 0 else 0
        if g.mw == 1 and g.xw == 1 and hi - lo >= PL:
            q = lo
            while q < hi - PL:
                pstore(copy + q, pload(x + q + g.w0))
                q += PL
            pstore(copy + hi - PL, pload(x + hi - PL + g.w0))
        else:
            for q in range(lo, hi):
                copy[f * g.pw + q] = x[(q * g.mw + f + g.w0) * g.xw]


# ---------------------------------------------------------------- forward and input gradient

cdef struct Grid:
    Source source
    real *y
    Py_ssize_t yn, yk, yh, yw
    Py_ssize_t K                # filters of one group
    const real *w               # w[k * wk + c * wc + r * wr + s * ws]
    Py_ssize_t wk, wc, wr, ws, wg
    const real *b               # one for each filter, zeros without bias
    int activation


cdef inline void tile_body(Grid *g, const real **px, real **py, Py_ssize_t yk, const real *w, const real *b,
                           const int rows, const int nv) noexcept nogil:
    """py[j][i * yk] = b[i] + sum_{c,r,s} px[j][c,r,s] w[i,c,r,s] for `rows` filters and nv vectors."""
    cdef vp acc[MR][2 * NR]
    cdef vp xv[2 * NR]
    cdef const real *p[2 * NR]
    cdef const real *pw[MR]
    cdef vp a
    cdef real *to
    cdef int activation = g.activation
    cdef Py_ssize_t c, r, s, at, at_row, at_w, C = g.source.C, kh = g.source.kh, kw = g.source.kw
    cdef Py_ssize_t pc = g.source.pc, row = g.source.rh * g.source.ph, wc = g.wc, wr = g.wr, ws = g.ws
    cdef const Py_ssize_t *columns = g.source.columns
    cdef int i, j
    for i in range(rows):
        a = psplat(b[i])
        pw[i] = w + i * g.wk
        for j in range(nv):
            acc[i][j] = a
    for j in range(nv):
        p[j] = px[j]
    for c in range(C):
        for r in range(kh):
            at_row = c * pc + r * row
            at_w = c * wc + r * wr
            for s in range(kw):
                at = at_row + columns[s]
                for j in range(nv):
                    xv[j] = pload(p[j] + at)
                for i in range(rows):
                    a = psplat(pw[i][at_w])
                    for j in range(nv):
                        acc[i][j] = acc[i][j] + a * xv[j]
                at_w += ws
    if activation:
        for i in range(rows):
            for j in range(nv):
                acc[i][j] = pactivated(acc[i][j], activation)
    for j in range(nv):
        to = py[j]
        for i in range(rows):
            pstore(to + i * yk, acc[i][j])


cdef void tile(Grid *g, const real **px, real **py, Py_ssize_t yk, const real *w, const real *b, int rows,
               bint wide) noexcept nogil:
    if wide:
        if rows == 1:
            tile_body(g, px, py, yk, w, b, 1, 2 * NR)
        elif rows == 2:
            tile_body(g, px, py, yk, w, b, 2, 2 * NR)
        else:
            tile_body(g, px, py, yk, w, b, 3, 2 * NR)
    elif rows == 3:
        tile_body(g, px, py, yk, w, b, 3, NR)
    elif rows == 4:
        tile_body(g, px, py, yk, w, b, 4, NR)
    elif rows == 5:
        tile_body(g, px, py, yk, w, b, 5, NR)
    else:
        tile_body(g, px, py, yk, w, b, 6, NR)


cdef int run_grid(Grid *g) noexcept nogil:
    """All jobs: one block of one image and group; 1 if memory ran out."""
    cdef Source *x = &g.source
    cdef double row_work = <double>((x.GW + PL - 1) // PL) * g.K * x.C * x.kh * x.kw * 0.18
    cdef Py_ssize_t jobs, job
    cdef int threads, failed
    cdef real *copy
    if x.GH <= 0 or x.GW <= 0:
        return 0
    failed = plan_source(x, row_work)
    jobs = x.N * x.groups * x.blocks
    threads = threads_for(row_work * x.GH * x.N * x.groups)
    if failed:
        pass
    elif threads == 1:
        copy = <real *>calloc(x.size, sizeof(real)) if x.copied else NULL
        for job in range(jobs):
            failed |= run_job(g, job, copy)
        free(copy)
    else:
        with parallel(num_threads=threads):
            copy = <real *>calloc(x.size, sizeof(real)) if x.copied else NULL
            for job in prange(jobs, schedule="static"):
                failed |= run_job(g, job, copy)
            free(copy)
    free(x.columns)
    return failed


cdef int run_job(Grid *g, Py_ssize_t job, real *copy) noexcept nogil:
    cdef Source *x = &g.source
    cdef Py_ssize_t block = job % x.blocks, group = job // x.blocks % x.groups, n = job // x.blocks // x.groups
    if x.copied and copy == NULL:
        return 1
    run_tiles(g, block_of(x, n, group, block, copy) + x.first, g.w + group * g.wg, g.b + group * g.K,
              g.y + n * g.yn + group * g.K * g.yk + block * x.rows * g.yh, min(x.rows, x.GH - block * x.rows))
    return 0


cdef void run_tiles(Grid *g, const real *source, const real *w, const real *b, real *y, Py_ssize_t rows) noexcept nogil:
    """Some rows of all filters of one group."""
    cdef Source *x = &g.source
    cdef Py_ssize_t nvec = (x.GW + PL - 1) // PL, row = 0, vec = 0, j, p = 0
    cdef Py_ssize_t filters = (g.K + MR - 1) // MR, f, k, size, at
    cdef bint wide = g.K <= 3, scatter = x.GW < PL or g.yw != 1
    cdef Py_ssize_t nv = 2 * NR if wide else NR
    cdef const real *px[2 * NR]
    cdef real *py[2 * NR]
    cdef real *into[2 * NR]
    cdef real spare[2 * NR * MR * 8]
    while p < rows * nvec:
        for j in range(nv):
            at = vec * PL
            if vec == nvec - 1 and x.GW >= PL:
                at = x.GW - PL
            px[j] = source + row * x.mh * x.ph + at
            py[j] = y + row * g.yh + at * g.yw
            into[j] = py[j]
            if scatter:
                into[j] = &spare[j * MR * PL]
            if p + j + 1 < rows * nvec:  # else the last vector again
                vec += 1
                if vec == nvec:
                    vec = 0
                    row += 1
        p += nv
        k = 0
        for f in range(filters):
            size = g.K // filters + (f < g.K % filters)
            if scatter:
                tile(g, px, into, PL, w + k * g.wk, b + k, <int>size, wide)
                scatter_tile(g, spare, py, k, size, nv)
            else:
                tile(g, px, into, g.yk, w + k * g.wk, b + k, <int>size, wide)
                for j in range(nv):
                    into[j] += size * g.yk
            k += size


cdef void scatter_tile(Grid *g, const real *spare, real **py, Py_ssize_t k, Py_ssize_t size, Py_ssize_t nv) noexcept nogil:
    """Store the lanes one by one."""
    cdef Py_ssize_t i, j, lane, lanes = min(g.source.GW, <Py_ssize_t>PL)
    for j in range(nv):
        for i in range(size):
            for lane in range(lanes):
                py[j][(k + i) * g.yk + lane * g.yw] = spare[(j * MR + i) * PL + lane]


cdef void set_source(Source *g, const real[:, :, :, :] x) noexcept nogil:
    cdef Py_ssize_t one = sizeof(real)
    g.x, g.N, g.H, g.W = &x[0, 0, 0, 0], x.shape[0], x.shape[2], x.shape[3]
    g.xn, g.xc, g.xh, g.xw = x.strides[0] // one, x.strides[1] // one, x.strides[2] // one, x.strides[3] // one


cdef void set_target(Grid *g, real[:, :, :, :] y) noexcept nogil:
    cdef Py_ssize_t one = sizeof(real)
    g.y = &y[0, 0, 0, 0]
    g.yn, g.yk, g.yh, g.yw = y.strides[0] // one, y.strides[1] // one, y.strides[2] // one, y.strides[3] // one


cdef real *bias_row(const real[:] b, Py_ssize_t K) noexcept nogil:
    """The bias side by side; zeros without one. NULL if memory ran out."""
    cdef Py_ssize_t k
    cdef real *row = <real *>calloc(max(<Py_ssize_t>1, K), sizeof(real))
    if row != NULL and b is not None:
        for k in range(K):
            row[k] = b[k]
    return row


def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
            Py_ssize_t groups, int activation=0):
    """y = f(conv2d(x, w) + b), f by its code; any strides, fast where the last axis of x and y has a unit stride."""
    cdef Grid g
    cdef int failed = 1
    cdef real *bias
    cdef Py_ssize_t one = sizeof(real)
    if y.shape[0] == 0:
        return
    with nogil:
        set_source(&g.source, x)
        set_target(&g, y)
        g.source.GH, g.source.GW, g.source.mh, g.source.mw = y.shape[2], y.shape[3], sh, sw
        g.source.th, g.source.tw, g.source.rh, g.source.rw = -top, -left, dh, dw
        g.source.kh, g.source.kw, g.source.groups, g.source.C = w.shape[2], w.shape[3], groups, w.shape[1]
        g.K = w.shape[0] // groups
        g.w, g.wk, g.wc = &w[0, 0, 0, 0], w.strides[0] // one, w.strides[1] // one
        g.wr, g.ws, g.wg = w.strides[2] // one, w.strides[3] // one, g.K * g.wk
        bias = bias_row(b, w.shape[0])
        g.b, g.activation = bias, activation
        if bias != NULL:
            failed = run_grid(&g)
        free(bias)
    if failed:
        raise MemoryError()


def backward_input(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
                   Py_ssize_t groups, int activation=0):
    """dx = conv2d's input gradient (+ b: the transposed convolution); any strides in memory."""
    cdef Spread spread
    cdef int failed = 0
    cdef Py_ssize_t i, j
    cdef real *bias
    if dx.shape[0] == 0:
        return
    with nogil:
        bias = bias_row(b, dx.shape[1])
        failed = bias == NULL
        if sh * sw == 1 and dh * dw == 1 and not failed and plan_spread(&spread, dy, w, bias, dx, top, left, groups,
                                                                            activation):
            failed = copy_weights(&spread, w) or run_spread(&spread)
            free(spread.w)
            sh = 0  # nothing is left to do
        for i in range(min(sh, dx.shape[2])):
            for j in range(min(sw, dx.shape[3])):
                if not failed:
                    failed = run_phase(dy, w, bias, dx, sh, sw, dh, dw, top, left, groups, activation, i, j)
        free(bias)
    if failed:
        raise MemoryError()


cdef int run_phase(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real *b, real[:, :, :, :] dx,
                   Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
                   Py_ssize_t groups, int activation, Py_ssize_t i0, Py_ssize_t j0) noexcept nogil:
    """The pixels (i0 + i sh, j0 + j sw) of dx: tap (r, s) reaches them from dy at (i0 + top - r dh) / sh + i."""
    cdef Grid g
    cdef Py_ssize_t one = sizeof(real), r, s, step_r, step_s
    set_source(&g.source, dy)
    set_target(&g, dx)
    g.source.kh = taps_of_phase(i0 + top, sh, dh, w.shape[2], &r, &step_r)
    g.source.kw = taps_of_phase(j0 + left, sw, dw, w.shape[3], &s, &step_s)
    if g.source.kh == 0 or g.source.kw == 0:
        g.source.kh, g.source.kw, r, s = 0, 0, 0, 0
        g.source.th, g.source.tw, g.source.rh, g.source.rw = 0, 0, 0, 0
    else:
        g.source.th, g.source.rh = (i0 + top - r * dh) // sh, -(step_r * dh // sh)
        g.source.tw, g.source.rw = (j0 + left - s * dw) // sw, -(step_s * dw // sw)
    g.y += i0 * g.yh + j0 * g.yw
    g.yh *= sh
    g.yw *= sw
    g.source.mh, g.source.mw = 1, 1
    g.source.GH, g.source.GW = (dx.shape[2] - i0 + sh - 1) // sh, (dx.shape[3] - j0 + sw - 1) // sw
    g.source.groups, g.source.C, g.K = groups, w.shape[0] // groups, w.shape[1]
    g.wc, g.wk = w.strides[0] // one, w.strides[1] // one
    g.wr, g.ws, g.wg = w.strides[2] // one, w.strides[3] // one, g.source.C * g.wc
    g.w = &w[0, 0, 0, 0] + r * g.wr + s * g.ws
    g.wr *= step_r
    g.ws *= step_s
    g.b, g.activation = b, activation
    return run_grid(&g)


# The input gradient of a small map, the other way round: first z[r,s] = sum_k dy[k] w[k,c,r,s] for whole rows of dy,
# no product wasted on padding, then dx[i,j] = b + sum_{r,s} z[r,s][i + top - r, j + left - s], read between zeros.

cdef struct Spread:
    Grid taps                   # a 1x1 convolution of dy: filters are the taps of one channel, columns the channels of dy
    Py_ssize_t K                # channels of dy in one group
    Py_ssize_t C, kh, kw, top, left
    real *dx
    Py_ssize_t xn, xc, xh, H, W
    Py_ssize_t wc, wg
    const real *b
    int activation
    Py_ssize_t size             # of z
    real *w                     # a copy of the weights whose taps are not evenly spaced


cdef bint plan_spread(Spread *g, const real[:, :, :, :] dy, const real[:, :, :, :] w, const real *b,
                      real[:, :, :, :] dx, Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups,
                      int activation) noexcept nogil:
    """Whether this form is possible, and saves work: rows much shorter than those of dx, z in the first cache."""
    cdef Py_ssize_t one = sizeof(real)
    cdef Source *x = &g.taps.source
    g.kh, g.kw, g.C, g.top, g.left, g.b, g.activation = w.shape[2], w.shape[3], w.shape[1], top, left, b, activation
    g.dx, g.H, g.W = &dx[0, 0, 0, 0], dx.shape[2], dx.shape[3]
    g.xn, g.xc, g.xh = dx.strides[0] // one, dx.strides[1] // one, dx.strides[2] // one
    set_source(x, dy)
    x.GH, x.GW, x.mh, x.mw, x.th, x.tw, x.rh, x.rw, x.kh = x.H, x.W, 1, 1, 0, 0, 0, 0, 1
    g.K = w.shape[0] // groups
    x.groups, x.C, x.kw = groups, 1, g.K
    g.taps.K, g.taps.activation = g.kh * g.kw, 0
    g.taps.w, g.taps.wk, g.taps.ws = &w[0, 0, 0, 0], w.strides[3] // one, w.strides[0] // one
    g.wc, g.wg = w.strides[1] // one, w.strides[0] // one * g.K
    g.taps.wr, g.taps.wc, g.taps.yw = 0, 0, 1
    g.taps.yh = x.W + 2 * (g.kw - 1)
    g.taps.yk = x.H * g.taps.yh
    g.size = g.taps.K * g.taps.yk
    return (dy.strides[3] == one and (dx.strides[3] == one) and x.W >= PL and g.W >= PL and g.K >= 6 and g.size <= BLOCK // 4 and
            3 * g.H * ((g.W + PL - 1) // PL) >= 5 * x.H * ((x.W + PL - 1) // PL))


cdef int copy_weights(Spread *g, const real[:, :, :, :] w) noexcept nogil:
    """Give the taps of a filter even steps; 1 if memory ran out."""
    cdef Py_ssize_t k, c, r, s, taps = g.kh * g.kw
    g.w = NULL
    if w.strides[2] == g.kw * w.strides[3]:
        return 0
    g.w = <real *>malloc(w.shape[0] * g.C * taps * sizeof(real))
    if g.w == NULL:
        return 1
    for k in range(w.shape[0]):
        for c in range(g.C):
            for r in range(g.kh):
                for s in range(g.kw):
                    g.w[((k * g.C + c) * g.kh + r) * g.kw + s] = w[k, c, r, s]
    g.taps.w, g.taps.wk, g.taps.ws, g.wc, g.wg = g.w, 1, g.C * taps, taps, g.C * taps * g.K
    return 0


cdef int run_spread(Spread *g) noexcept nogil:
    """All jobs: one image and group; 1 if memory ran out."""
    cdef Source *x = &g.taps.source
    cdef Py_ssize_t jobs = x.N * x.groups, job, k
    cdef double work = <double>x.H * ((x.W + PL - 1) // PL) * g.taps.K * (g.K + 2) * g.C * 0.25
    cdef int threads = threads_for(work * jobs), failed = 0
    cdef real *z
    x.pc, x.ph = 0, x.xh
    x.columns = <Py_ssize_t *>malloc(g.K * sizeof(Py_ssize_t))
    if x.columns == NULL:
        return 1
    for k in range(g.K):
        x.columns[k] = k * x.xc
    if threads == 1:
        z = <real *>calloc(g.size + g.taps.K, sizeof(real))
        for job in range(jobs):
            failed |= spread_job(g, job, z)
        free(z)
    else:
        with parallel(num_threads=threads):
            z = <real *>calloc(g.size + g.taps.K, sizeof(real))
            for job in prange(jobs, schedule="static"):
                failed |= spread_job(g, job, z)
            free(z)
    free(x.columns)
    return failed


cdef int spread_job(Spread *g, Py_ssize_t job, real *z) noexcept nogil:
    cdef Source *x = &g.taps.source
    cdef Py_ssize_t n = job // x.groups, group = job % x.groups, c, i
    cdef real *dx = g.dx + n * g.xn + group * g.C * g.xc
    if z == NULL:
        return 1
    for c in range(g.C):
        run_tiles(&g.taps, x.x + n * x.xn + group * g.K * x.xc, g.taps.w + group * g.wg + c * g.wc, z + g.size,
                  z + g.kw - 1, x.H)
        for i in range(g.H):
            gather_row(g, z + g.kw - 1 + g.left, i, g.b[group * g.C + c], dx + c * g.xc + i * g.xh)
    return 0


cdef void gather_row(Spread *g, const real *z, Py_ssize_t i, real b, real *dx) noexcept nogil:
    """One row of dx, two vectors at a time; the last overlaps the one before it."""
    cdef Py_ssize_t j = 0, k, r, s, lo = max(<Py_ssize_t>0, i + g.top - g.taps.source.H + 1), hi = min(g.kh, i + g.top + 1)
    cdef const real *p
    cdef vp one, two
    while j < g.W:
        j = min(j, g.W - PL)
        k = min(j + PL, g.W - PL)
        one = psplat(b)
        two = one
        for r in range(lo, hi):
            p = z + r * g.kw * g.taps.yk + (i + g.top - r) * g.taps.yh
            for s in range(g.kw):
                one = one + pload(p + j)
                two = two + pload(p + k)
                p += g.taps.yk - 1
        pstore(dx + j, pactivated(one, g.activation))
        pstore(dx + k, pactivated(two, g.activation))
        j += 2 * PL


cdef Py_ssize_t taps_of_phase(Py_ssize_t at, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t kernel,
                              Py_ssize_t *first, Py_ssize_t *step) noexcept nogil:
    """How many taps t have (at - t * dilation) % stride == 0; the first and the step between them."""
    cdef Py_ssize_t t, count = 0, last = 0
    first[0] = 0
    step[0] = 1
    for t in range(kernel):
        if (at - t * dilation) % stride == 0:
            if count == 0:
                first[0] = t
            elif count == 1:
                step[0] = t - last
            last = t
            count += 1
    return count


# ---------------------------------------------------------------- weight gradient

cdef struct Sums:
    Source source
    const real *dy
    Py_ssize_t yn, yk, yh, yw
    Py_ssize_t K, taps          # filters of one group, C * kh * kw
    int mk, mt                  # filters and taps in a tile
    Py_ssize_t tiles_k, tiles_t
    Py_ssize_t images           # in a job; 1 where an image has several blocks
    Py_ssize_t chunk            # images that stay in the first cache
    bint narrow                 # rows of dy shorter than a vector, or with steps: copied too
    Py_ssize_t dk, dh, dn       # steps of dy, or of its copy
    real mask[8]                # which lanes the last vector of a row adds
    Py_ssize_t *offsets         # of each tap in a block of x
    Py_ssize_t jobs, size       # size: sums of one job
    real *sums


cdef inline void sum_body(Sums *g, const real *x, Py_ssize_t xn, const real *dy, Py_ssize_t images, Py_ssize_t rows,
                          const Py_ssize_t *offsets, real *sums, bint fresh, const int mk, const int mt) noexcept nogil:
    """sums[i][t] += dy[i] * x[t] over images, rows and vectors along W; the last vector is masked."""
    cdef vp acc[4][6]
    cdef vp xv[6]
    cdef vp d, mask
    cdef Py_ssize_t n, i, v, full = g.source.GW // PL, k_step = g.dk, x_row = g.source.mh * g.source.ph
    cdef Py_ssize_t last = g.source.GW - PL, inner, inner_x, inner_d, outer, outer_x, outer_d
    cdef Py_ssize_t at[6]
    cdef const real *px
    cdef const real *pd
    cdef int k, t
    if g.source.GW < PL:
        last = 0
    for t in range(mt):
        at[t] = offsets[t]
    for k in range(mk):
        for t in range(mt):
            acc[k][t] = pzero if fresh else pload(sums + (k * mt + t) * PL)
    if rows > full:  # the longer loop inside
        inner, inner_x, inner_d, outer, outer_x, outer_d = rows, x_row, g.dh, full, PL, PL
    else:
        inner, inner_x, inner_d, outer, outer_x, outer_d = full, PL, PL, rows, x_row, g.dh
    for n in range(images):
        for i in range(outer):
            px = x + n * xn + i * outer_x
            pd = dy + n * g.dn + i * outer_d
            for v in range(inner):
                for t in range(mt):
                    xv[t] = pload(px + at[t])
                    pkeep(xv[t])
                for k in range(mk):
                    d = pload(pd + k * k_step)
                    for t in range(mt):
                        acc[k][t] = acc[k][t] + d * xv[t]
                px += inner_x
                pd += inner_d
        if full * PL < g.source.GW:
            px = x + n * xn + last
            pd = dy + n * g.dn + last
            mask = pload(g.mask)
            for i in range(rows):
                for t in range(mt):
                    xv[t] = pmask(pload(px + at[t]), mask)
                for k in range(mk):
                    d = pmask(pload(pd + k * k_step), mask)
                    for t in range(mt):
                        acc[k][t] = acc[k][t] + d * xv[t]
                px += x_row
                pd += g.dh
    for k in range(mk):
        for t in range(mt):
            pstore(sums + (k * mt + t) * PL, acc[k][t])


cdef void sum_tile(Sums *g, const real *x, Py_ssize_t xn, const real *dy, Py_ssize_t images, Py_ssize_t rows,
                   const Py_ssize_t *offsets, real *sums, bint fresh) noexcept nogil:
    if g.mk == 4:
        if g.mt == 6:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 4, 6)
        elif g.mt == 5:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 4, 5)
        elif g.mt == 3:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 4, 3)
        else:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 4, 1)
    elif g.mk == 3:
        if g.mt == 5:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 3, 5)
        elif g.mt == 3:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 3, 3)
        else:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 3, 1)
    else:
        if g.mt == 5:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 1, 5)
        elif g.mt == 3:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 1, 3)
        else:
            sum_body(g, x, xn, dy, images, rows, offsets, sums, fresh, 1, 1)


def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dilation_h, Py_ssize_t dilation_w,
                    Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups):
    """dw = sum over positions of dy times the x under the tap; any strides in memory."""
    cdef Sums g
    cdef int failed
    cdef Py_ssize_t one = sizeof(real)
    if dy.shape[0] == 0:
        dw[...] = 0
        return
    with nogil:
        set_source(&g.source, x)
        g.source.GH, g.source.GW, g.source.mh, g.source.mw = dy.shape[2], dy.shape[3], sh, sw
        g.source.th, g.source.tw, g.source.rh, g.source.rw = -top, -left, dilation_h, dilation_w
        g.source.kh, g.source.kw, g.source.groups, g.source.C = dw.shape[2], dw.shape[3], groups, dw.shape[1]
        g.dy = &dy[0, 0, 0, 0]
        g.yn, g.yk = dy.strides[0] // one, dy.strides[1] // one
        g.yh, g.yw = dy.strides[2] // one, dy.strides[3] // one
        g.K = dw.shape[0] // groups
        failed = plan_sums(&g)
        if not failed:
            failed = run_sums(&g)
        if not failed:
            add_parts(&g, dw)
        free(g.source.columns)
        free(g.offsets)
        free(g.sums)
    if failed:
        raise MemoryError()


cdef int plan_sums(Sums *g) noexcept nogil:
    cdef Source *x = &g.source
    cdef double row_work
    cdef Py_ssize_t c, r, s, chunks, parts
    g.taps = x.C * x.kh * x.kw
    g.mk = 1 if g.K < 3 else 3 if g.K < 4 or (g.K % 3 == 0 and g.K % 4) else 4
    g.mt = 1 if g.taps < 3 else 3
    if NR > 2 and g.mk == 4 and g.taps % 6 == 0:  # 24 sums, 6 vectors of x and one of dy: 31 registers of 32
        g.mt = 6
    elif NR > 2 and g.taps >= 5 and (g.taps + 4) // 5 * 5 <= (g.taps + 2) // 3 * 3:
        g.mt = 5
    g.tiles_k, g.tiles_t = (g.K + g.mk - 1) // g.mk, (g.taps + g.mt - 1) // g.mt
    row_work = <double>((x.GW + PL - 1) // PL) * g.K * g.taps * 0.18
    g.offsets, g.sums = NULL, NULL
    pstore(g.mask, pfirst(<int>x.GW) if x.GW < PL else plast(<int>(x.GW % PL)))
    if plan_source(x, 2 * row_work):
        return 1
    g.images = 1 if x.blocks > 1 else max(<Py_ssize_t>1, <Py_ssize_t>(2 * JOB / (row_work * x.GH + 1)))
    parts = (x.N + g.images - 1) // g.images
    if parts > 1:  # of equal size, for as many threads as divide a multiple of EVEN
        parts = min(x.N, (parts + EVEN - 1) // EVEN * EVEN)
    g.images = (x.N + parts - 1) // parts
    g.jobs = (x.N + g.images - 1) // g.images * x.blocks * x.groups
    g.chunk = max(<Py_ssize_t>1, CACHE // (g.mk * x.rows * x.GW + x.span * x.ph))
    chunks = (g.images + g.chunk - 1) // g.chunk
    g.chunk = (g.images + chunks - 1) // chunks
    g.narrow = x.GW < PL or g.yw != 1
    g.dn, g.dk, g.dh = g.yn, g.yk, g.yh
    if g.narrow:
        g.dh = max(x.GW, <Py_ssize_t>PL)
        g.dk = x.rows * g.dh
        g.dn = g.K * g.dk
    g.size = g.K * g.taps
    g.offsets = <Py_ssize_t *>malloc(g.taps * sizeof(Py_ssize_t))
    g.sums = <real *>malloc(times(times(g.jobs, g.size), sizeof(real)))
    if g.offsets == NULL or g.sums == NULL:
        return 1
    for c in range(x.C):
        for r in range(x.kh):
            for s in range(x.kw):
                g.offsets[(c * x.kh + r) * x.kw + s] = x.first + c * x.pc + r * x.rh * x.ph + x.columns[s]
    return 0


cdef int run_sums(Sums *g) noexcept nogil:
    cdef Source *x = &g.source
    cdef double work = <double>((x.GW + PL - 1) // PL) * g.K * g.taps * 0.18 * x.GH * x.N * x.groups
    cdef Py_ssize_t copies = times(g.chunk, x.size) if x.copied else 0, copies_dy = g.chunk * g.dn if g.narrow else 0
    cdef Py_ssize_t size = plus(copies, copies_dy + (g.tiles_k * g.tiles_t * g.mk * g.mt + PL) * PL), job
    cdef int threads = threads_for(work), failed = 0
    cdef real *memory
    if threads == 1:
        memory = <real *>malloc(times(size, sizeof(real)))
        if memory == NULL:
            return 1
        memset(memory, 0, (copies + copies_dy) * sizeof(real))
        for job in range(g.jobs):
            sum_job(g, job, memory, memory + copies, memory + copies + copies_dy)
        free(memory)
        return 0
    with parallel(num_threads=threads):
        memory = <real *>calloc(size, sizeof(real))
        for job in prange(g.jobs, schedule="static"):
            failed |= sum_job(g, job, memory, memory + copies, memory + copies + copies_dy)
        free(memory)
    return failed


cdef int sum_job(Sums *g, Py_ssize_t job, real *copy, real *copy_dy, real *sums) noexcept nogil:
    """The sums of all filters and taps of one group, over some images or one block of an image."""
    cdef Source *x = &g.source
    cdef Py_ssize_t block = job % x.blocks, group = job // x.blocks % x.groups
    cdef Py_ssize_t n0 = job // x.blocks // x.groups * g.images, end = min(n0 + g.images, x.N), images, n, xn
    cdef Py_ssize_t rows = min(x.rows, x.GH - block * x.rows), a, b, k, t
    cdef const real *source
    cdef const real *dy
    cdef bint fresh = True
    if copy == NULL:
        return 1
    while n0 < end:
        images = min(g.chunk, end - n0)
        xn = x.size if x.copied else x.xn
        source = block_of(x, n0, group, block, copy)
        dy = g.dy + n0 * g.yn + group * g.K * g.yk + block * x.rows * g.yh
        for n in range(1, images):
            block_of(x, n0 + n, group, block, copy + n * x.size)
        if g.narrow:
            copy_dy_rows(g, dy, images, rows, copy_dy)
            dy = copy_dy
        for a in range(g.tiles_k):
            k = min(a * g.mk, g.K - g.mk)
            for b in range(g.tiles_t):
                t = min(b * g.mt, g.taps - g.mt)
                sum_tile(g, source, xn, dy + k * g.dk, images, rows, g.offsets + t,
                         sums + (a * g.tiles_t + b) * g.mk * g.mt * PL, fresh)
        fresh = False
        n0 += images
    add_lanes(g, sums, g.sums + job * g.size)
    return 0


cdef void copy_dy_rows(Sums *g, const real *dy, Py_ssize_t images, Py_ssize_t rows, real *copy) noexcept nogil:
    cdef Py_ssize_t n, k, i, j
    for n in range(images):
        for k in range(g.K):
            for i in range(rows):
                for j in range(g.source.GW):
                    copy[n * g.dn + k * g.dk + i * g.dh + j] = dy[n * g.yn + k * g.yk + i * g.yh + j * g.yw]


cdef void add_lanes(Sums *g, real *sums, real *total) noexcept nogil:
    """total[k][tap] = the lanes of its vector, in fixed order; `sums` ends with PL vectors to spare."""
    cdef Py_ssize_t a, b, k, t, count = g.tiles_k * g.tiles_t * g.mk * g.mt
    cdef int i, j
    for a in range((count + PL - 1) // PL):
        psums(sums + a * PL * PL, sums + a * PL)
    for a in range(g.tiles_k):
        k = min(a * g.mk, g.K - g.mk)
        for b in range(g.tiles_t):
            t = min(b * g.mt, g.taps - g.mt)
            for i in range(g.mk):
                for j in range(g.mt):
                    total[(k + i) * g.taps + t + j] = sums[j]
                sums += g.mt


cdef void add_parts(Sums *g, real[:, :, :, :] dw) noexcept nogil:
    """dw[k,c,r,s] = the sums of all jobs of its group, in order."""
    cdef Source *x = &g.source
    cdef Py_ssize_t group, part, k, c, r, s, t, i, parts = g.jobs // x.groups
    cdef real *total
    for group in range(x.groups):
        # part p of a group is job (p // blocks * groups + group) * blocks + p % blocks
        total = g.sums + group * x.blocks * g.size
        for part in range(1, parts):
            i = (part // x.blocks * x.groups + group) * x.blocks + part % x.blocks
            for t in range(g.size):
                total[t] = total[t] + g.sums[i * g.size + t]
        t = 0
        for k in range(g.K):
            for c in range(x.C):
                for r in range(x.kh):
                    for s in range(x.kw):
                        dw[group * g.K + k, c, r, s] = total[t]
                        t += 1
