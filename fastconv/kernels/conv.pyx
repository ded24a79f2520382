"""Direct convolution on channels-last memory, without an im2col buffer.

    forward          y[n,k,i,j]  = b[k] + sum_{c,r,s} x[n, c, i sh - top + r dh, j sw - left + s dw] w[k,c,r,s]
    input gradient   dx[n,c,i,j] = sum over the taps (r,s) that reach (i,j) of dy w[k,c,r,s]: the full convolution with
                     the rotated kernel (Zhang 2016, eqs. 50, 51); a stride s gives s x s phases, each of stride 1
    weight gradient  dw[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, c, i sh - top + r dh, j sw - left + s dw]  (eqs. 39, 58)

The first two are one loop: a grid of output pixels, a list of taps, and a table with the address of the input pixel
under each tap (a row of zeros where that is padding). Sums run over taps, then channels, in an order that depends on
the shape of w only: never on N, on the threads or on the place of a pixel.
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from fastconv.kernels.threads cimport threads_for
from .tile cimport MR, NR, tile, tile_tn
from .vector cimport VL, real

cdef enum:
    TILES = 16          # tiles of MR pixels in a job
    STEPS = 128         # reduction steps in a pass: a panel of STEPS x NR x VL weights stays in the first cache
    PIXELS = 256        # pixels in a block of the weight gradient
    MERGE = 16          # below this many channels a row of the kernel is read as one run

cdef struct Grid:
    # y[n][i * yh + j * yw] for i < GH, j < GW  reads  x[n][(i * mh + th[t]) * xh + (j * mw + tw[t]) * xw]
    const real *x
    Py_ssize_t xn, xh, xw, H, W
    real *y
    Py_ssize_t yn, yh, yw, N, GH, GW
    Py_ssize_t mh, mw
    Py_ssize_t taps, length     # reduction: taps x length
    Py_ssize_t *th
    Py_ssize_t *tw
    Py_ssize_t groups, C, K     # channels of x and y in one group
    Py_ssize_t tiles_k          # column tiles in one group
    const real *w               # packed: [group][column tile][tap][channel][lane]
    Py_ssize_t wg               # packed size of one group
    const real *b               # one row of padded columns per group, zeros if there is no bias
    Py_ssize_t bg
    const real *zeros
    bint relu


cdef Py_ssize_t columns(Py_ssize_t K) noexcept nogil:
    """K rounded up to whole vectors."""
    return (K + VL - 1) // VL * VL


# ---------------------------------------------------------------- forward and input gradient

cdef int run_grid(Grid *g) noexcept nogil:
    """All jobs of a grid; 1 if memory ran out."""
    cdef Py_ssize_t pixels = g.N * g.GH * g.GW, blocks = (pixels + TILES * MR - 1) // (TILES * MR)
    cdef Py_ssize_t jobs = g.groups * g.tiles_k * blocks, job
    cdef double work = <double>pixels * g.groups * columns(g.K) * (g.taps * g.length + 4) * 0.02
    cdef int threads = threads_for(work), failed = 0
    cdef Py_ssize_t table = (g.taps + 1) * TILES * MR
    cdef Py_ssize_t scratch = table * sizeof(real *) + (TILES * MR + 1) * NR * VL * sizeof(real)
    cdef char *memory = NULL
    if jobs == 0:
        return 0
    with parallel(num_threads=threads):
        memory = <char *>malloc(scratch)
        for job in prange(jobs, schedule="dynamic"):
            failed |= run_job(g, job, blocks, pixels, memory)
        free(memory)
    return failed


cdef int run_job(Grid *g, Py_ssize_t job, Py_ssize_t blocks, Py_ssize_t pixels, char *memory) noexcept nogil:
    """One block of pixels and one tile of columns."""
    cdef Py_ssize_t block = job % blocks, tile_k = job // blocks % g.tiles_k, group = job // blocks // g.tiles_k
    cdef Py_ssize_t first = block * TILES * MR, count = min(<Py_ssize_t>(TILES * MR), pixels - first)
    cdef Py_ssize_t k0 = tile_k * NR * VL, lanes = min(<Py_ssize_t>(NR * VL), g.K - k0)
    cdef Py_ssize_t width = columns(lanes), tiles = (count + MR - 1) // MR, p
    cdef const real **rows = <const real **>memory
    cdef real **out = <real **>(memory + g.taps * TILES * MR * sizeof(real *))
    cdef real *spare = <real *>(out + TILES * MR)
    cdef real *y
    if memory == NULL:
        return 1
    point(g, rows, out, first, count, tiles, group * g.C, group * g.K + k0, spare + TILES * MR * NR * VL)
    if lanes < width:  # the last vector is not whole: compute beside y, then copy
        for p in range(tiles * MR):
            out[p] = spare + p * width
    reduce(g, rows, out, tiles, g.w + group * g.wg + k0 * g.taps * g.length, g.b + group * g.bg + k0, <int>(width // VL))
    if lanes < width:
        for p in range(count):
            y = pixel(g, first + p) + group * g.K + k0
            memcpy(y, spare + p * width, lanes * sizeof(real))
    return 0


cdef real *pixel(Grid *g, Py_ssize_t p) noexcept nogil:
    """Where pixel p of the grid is stored."""
    cdef Py_ssize_t j = p % g.GW, i = p // g.GW % g.GH, n = p // g.GW // g.GH
    return g.y + n * g.yn + i * g.yh + j * g.yw


cdef void point(Grid *g, const real **rows, real **out, Py_ssize_t first, Py_ssize_t count, Py_ssize_t tiles,
                Py_ssize_t c0, Py_ssize_t k0, real *junk) noexcept nogil:
    """Fill the tables: rows[tile][tap][i] under each tap, out[tile][i] of each pixel; rows beyond count go to junk."""
    cdef Py_ssize_t p, t, i, j, n, h, w, last = tiles * MR
    cdef const real **row
    cdef const real *x
    j = first % g.GW
    i = first // g.GW % g.GH
    n = first // g.GW // g.GH
    for p in range(last):
        row = rows + p // MR * g.taps * MR + p % MR
        if p >= count:
            out[p] = junk
            for t in range(g.taps):
                row[t * MR] = g.zeros
            continue
        out[p] = g.y + n * g.yn + i * g.yh + j * g.yw + k0
        x = g.x + n * g.xn + c0
        for t in range(g.taps):
            h = i * g.mh + g.th[t]
            w = j * g.mw + g.tw[t]
            if 0 <= h < g.H and 0 <= w < g.W:
                row[t * MR] = x + h * g.xh + w * g.xw
            else:
                row[t * MR] = g.zeros
        j += 1
        if j == g.GW:
            j = 0
            i += 1
            if i == g.GH:
                i = 0
                n += 1


cdef void reduce(Grid *g, const real **rows, real **out, Py_ssize_t tiles, const real *w, const real *b,
                 int nv) noexcept nogil:
    """All passes over the reduction, each over all tiles of the job; partial sums wait in the output."""
    cdef Py_ssize_t t = 0, c = 0, taps, length, m
    cdef Py_ssize_t at_once = max(<Py_ssize_t>1, STEPS // g.length)
    cdef bint last
    cdef const real *init = b
    if g.taps == 0:
        for m in range(tiles):
            tile(rows, 0, 0, 0, w, b, out + m * MR, g.relu, nv)
        return
    while t < g.taps:
        taps = min(at_once, g.taps - t)
        length = min(<Py_ssize_t>STEPS, g.length - c) if g.length > STEPS else g.length
        last = t + taps == g.taps and c + length == g.length
        for m in range(tiles):
            tile(rows + (m * g.taps + t) * MR, taps, c, length, w, init, out + m * MR, last and g.relu, nv)
        w += taps * length * nv * VL
        init = NULL
        c += length
        if c == g.length:
            c = 0
            t += taps


# ---------------------------------------------------------------- packing

cdef void pack_tile(const real *w, Py_ssize_t so, Py_ssize_t si, const Py_ssize_t *offsets, Py_ssize_t taps,
                    Py_ssize_t length, Py_ssize_t lanes, real *packed) noexcept nogil:
    """packed[tap][i][lane] = w[lane * so + i * si + offsets[tap]], zeros beyond the last lane."""
    cdef Py_ssize_t width = columns(lanes), t, i, lane
    cdef real *row
    cdef const real *source
    for i in range(length):
        for t in range(taps):
            row = packed + (t * length + i) * width
            source = w + i * si + offsets[t]
            for lane in range(lanes):
                row[lane] = source[lane * so]
            for lane in range(lanes, width):
                row[lane] = 0


cdef real *pack(const real *w, Py_ssize_t so, Py_ssize_t si, Py_ssize_t sg, const Py_ssize_t *offsets,
                Py_ssize_t taps, Py_ssize_t length, Py_ssize_t K, Py_ssize_t groups) noexcept nogil:
    """[group][column tile][tap][channel][lane]: what the tiles read in order. NULL if memory ran out."""
    cdef Py_ssize_t size = columns(K) * taps * length, tiles_k = (K + NR * VL - 1) // (NR * VL), job
    cdef real *packed = <real *>malloc(max(<Py_ssize_t>1, groups * size) * sizeof(real))
    cdef int threads = threads_for(<double>groups * size * 0.7)
    if packed == NULL or taps * length == 0:
        return packed
    for job in prange(groups * tiles_k, num_threads=threads, schedule="static"):
        pack_tile(w + job // tiles_k * sg + job % tiles_k * NR * VL * so, so, si, offsets, taps, length,
                  min(<Py_ssize_t>(NR * VL), K - job % tiles_k * NR * VL),
                  packed + job // tiles_k * size + job % tiles_k * NR * VL * taps * length)
    return packed


cdef real *pack_bias(const real[:] b, Py_ssize_t K, Py_ssize_t groups) noexcept nogil:
    """The bias of each group in a row of whole vectors; zeros without one."""
    cdef Py_ssize_t g, k
    cdef real *packed = <real *>calloc(max(<Py_ssize_t>1, groups * columns(K)), sizeof(real))
    if packed != NULL and b is not None:
        for g in range(groups):
            for k in range(K):
                packed[g * columns(K) + k] = b[g * K + k]
    return packed


# ---------------------------------------------------------------- forward

def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
            Py_ssize_t groups, bint relu=False):
    """y = conv2d(x, w) + b; x and y channels-last, w any strides, b may be None."""
    cdef Grid g
    cdef Py_ssize_t taps = w.shape[2] * w.shape[3], t, one = sizeof(real)
    cdef Py_ssize_t *offsets = <Py_ssize_t *>malloc(3 * taps * sizeof(Py_ssize_t))
    cdef int failed = 1
    if y.shape[0] == 0:
        free(offsets)
        return
    if offsets == NULL:
        raise MemoryError()
    g.th = offsets + taps
    g.tw = g.th + taps
    for t in range(taps):
        g.th[t] = t // w.shape[3] * dh - top
        g.tw[t] = t % w.shape[3] * dw - left
        offsets[t] = (t // w.shape[3] * w.strides[2] + t % w.shape[3] * w.strides[3]) // one
    with nogil:
        set_source(&g, x)
        set_target(&g, y)
        g.mh, g.mw, g.GH, g.GW = sh, sw, y.shape[2], y.shape[3]
        g.groups, g.C, g.K, g.relu = groups, w.shape[1], w.shape[0] // groups, relu
        g.taps, g.length = taps, w.shape[1]
        failed = run_packed(&g, &w[0, 0, 0, 0], w.strides[0] // one, w.strides[1] // one, w.strides[0] // one * g.K,
                            offsets, b)
    free(offsets)
    if failed:
        raise MemoryError()


cdef void set_source(Grid *g, const real[:, :, :, :] x) noexcept nogil:
    g.x, g.H, g.W = &x[0, 0, 0, 0], x.shape[2], x.shape[3]
    g.xn, g.xh, g.xw = x.strides[0] // sizeof(real), x.strides[2] // sizeof(real), x.strides[3] // sizeof(real)


cdef void set_target(Grid *g, real[:, :, :, :] y) noexcept nogil:
    g.y, g.N = &y[0, 0, 0, 0], y.shape[0]
    g.yn, g.yh, g.yw = y.strides[0] // sizeof(real), y.strides[2] // sizeof(real), y.strides[3] // sizeof(real)


cdef int run_packed(Grid *g, const real *w, Py_ssize_t so, Py_ssize_t si, Py_ssize_t sg, const Py_ssize_t *offsets,
                    const real[:] b) noexcept nogil:
    """Pack the weights and the bias, run the grid, free them; 1 if memory ran out."""
    cdef real *packed = pack(w, so, si, sg, offsets, g.taps, g.length, g.K, g.groups)
    cdef real *bias = pack_bias(b, g.K, g.groups)
    cdef real *zeros = <real *>calloc(max(<Py_ssize_t>1, g.length), sizeof(real))
    cdef int failed = packed == NULL or bias == NULL or zeros == NULL
    g.tiles_k = (g.K + NR * VL - 1) // (NR * VL)
    g.w, g.wg, g.b, g.bg, g.zeros = packed, columns(g.K) * g.taps * g.length, bias, columns(g.K), zeros
    if not failed:
        failed = run_grid(g)
    free(packed)
    free(bias)
    free(zeros)
    return failed


# ---------------------------------------------------------------- input gradient

def backward_input(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
                   Py_ssize_t groups, bint relu=False):
    """dx = conv2d's input gradient (+ b: the transposed convolution); dy and dx channels-last."""
    cdef Py_ssize_t taps = w.shape[2] * w.shape[3], phase
    cdef Py_ssize_t *offsets = <Py_ssize_t *>malloc(3 * taps * sizeof(Py_ssize_t))
    cdef int failed = 0
    if dx.shape[0] == 0:
        free(offsets)
        return
    if offsets == NULL:
        raise MemoryError()
    with nogil:
        for phase in range(min(sh, dx.shape[2]) * min(sw, dx.shape[3])):
            failed = failed or run_phase(dy, w, b, dx, sh, sw, dh, dw, top, left, groups, relu,
                                         phase // min(sw, dx.shape[3]), phase % min(sw, dx.shape[3]), offsets)
    free(offsets)
    if failed:
        raise MemoryError()


cdef int run_phase(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
                   Py_ssize_t groups, bint relu, Py_ssize_t i0, Py_ssize_t j0, Py_ssize_t *offsets) noexcept nogil:
    """The pixels (i0 + i sh, j0 + j sw) of dx: tap (r, s) reaches them from dy at (i0 + top - r dh) / sh + i."""
    cdef Grid g
    cdef Py_ssize_t r, s, t = 0, one = sizeof(real), taps = w.shape[2] * w.shape[3]
    g.th = offsets + taps
    g.tw = g.th + taps
    for r in range(w.shape[2]):
        for s in range(w.shape[3]):
            if (i0 + top - r * dh) % sh == 0 and (j0 + left - s * dw) % sw == 0:
                g.th[t] = (i0 + top - r * dh) // sh
                g.tw[t] = (j0 + left - s * dw) // sw
                offsets[t] = (r * w.strides[2] + s * w.strides[3]) // one
                t += 1
    set_source(&g, dy)
    set_target(&g, dx)
    g.y += i0 * g.yh + j0 * g.yw
    g.yh *= sh
    g.yw *= sw
    g.mh, g.mw = 1, 1
    g.GH, g.GW = (dx.shape[2] - i0 + sh - 1) // sh, (dx.shape[3] - j0 + sw - 1) // sw
    g.groups, g.C, g.K, g.relu = groups, w.shape[0] // groups, w.shape[1], relu
    g.taps, g.length = t, g.C
    return run_packed(&g, &w[0, 0, 0, 0], w.strides[1] // one, w.strides[0] // one, w.strides[0] // one * g.C,
                      offsets, b)


# ---------------------------------------------------------------- weight gradient

cdef struct Sums:
    const real *x
    const real *dy
    Py_ssize_t xn, xh, xw, H, W, yn, yh, yw, N, OH, OW
    Py_ssize_t sh, sw, dh, dw, top, left, kh, kw
    Py_ssize_t groups, C, K, tiles_k
    Py_ssize_t rows             # output rows (n, i) in all
    Py_ssize_t parts            # pixel groups
    Py_ssize_t size             # of one part's sums: [group][column tile][tap][channel][lane]
    Py_ssize_t gsize            # of one group in it
    real *sums


def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dilation_h, Py_ssize_t dilation_w,
                    Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups):
    """dw = sum over pixels of dy times the x under the tap; dy and x channels-last, dw any strides."""
    cdef Sums g
    cdef int failed = 0
    cdef Py_ssize_t one = sizeof(real), jobs, taps
    g.N, g.OH, g.OW, g.H, g.W = dy.shape[0], dy.shape[2], dy.shape[3], x.shape[2], x.shape[3]
    if g.N == 0:
        dw[...] = 0
        return
    with nogil:
        g.x, g.dy = &x[0, 0, 0, 0], &dy[0, 0, 0, 0]
        g.xn, g.xh, g.xw = x.strides[0] // one, x.strides[2] // one, x.strides[3] // one
        g.yn, g.yh, g.yw = dy.strides[0] // one, dy.strides[2] // one, dy.strides[3] // one
        g.sh, g.sw, g.dh, g.dw, g.top, g.left = sh, sw, dilation_h, dilation_w, top, left
        g.kh, g.kw, g.groups, g.C, g.K = dw.shape[2], dw.shape[3], groups, dw.shape[1], dw.shape[0] // groups
        g.tiles_k = (g.K + NR * VL - 1) // (NR * VL)
        g.rows = g.N * g.OH
        taps = g.kh * g.kw
        g.gsize = columns(g.K) * taps * g.C
        g.size = groups * g.gsize
        g.parts = number_of_parts(g.rows, g.OW, groups * g.tiles_k * taps)
        g.sums = <real *>malloc(g.parts * g.size * sizeof(real))
        failed = g.sums == NULL
        if not failed:
            failed = sum_parts(&g)
        if not failed:
            add_parts(&g, dw)
        free(g.sums)
    if failed:
        raise MemoryError()


cdef Py_ssize_t number_of_parts(Py_ssize_t rows, Py_ssize_t width, Py_ssize_t jobs) noexcept nogil:
    """Pixel groups: enough for 32 jobs, but none below two blocks; never dependent on the threads."""
    cdef Py_ssize_t wanted = (32 + jobs - 1) // jobs, most = max(<Py_ssize_t>1, rows * width // (2 * PIXELS))
    return max(<Py_ssize_t>1, min(min(wanted, most), rows))


cdef int sum_parts(Sums *g) noexcept nogil:
    cdef Py_ssize_t taps = g.kh * g.kw, jobs = g.parts * g.groups * g.tiles_k * taps, job
    cdef Py_ssize_t runs = max(<Py_ssize_t>1, PIXELS // g.OW)
    cdef double work = <double>g.rows * g.OW * g.size * 0.02
    cdef int threads = threads_for(work), failed = 0
    cdef char *memory = NULL
    with parallel(num_threads=threads):
        memory = <char *>malloc(runs * (2 * sizeof(real *) + sizeof(Py_ssize_t)) + NR * VL * PIXELS * sizeof(real))
        for job in prange(jobs, schedule="dynamic"):
            failed |= sum_part(g, job, runs, memory)
        free(memory)
    return failed


cdef int sum_part(Sums *g, Py_ssize_t job, Py_ssize_t runs, char *memory) noexcept nogil:
    """The pixels of one part under one tap, for one tile of columns and all channels."""
    cdef Py_ssize_t taps = g.kh * g.kw, tap = job % taps, tile_k = job // taps % g.tiles_k
    cdef Py_ssize_t group = job // taps // g.tiles_k % g.groups, part = job // taps // g.tiles_k // g.groups
    cdef Py_ssize_t first = g.rows * part // g.parts, end = g.rows * (part + 1) // g.parts
    cdef Py_ssize_t k0 = tile_k * NR * VL, lanes = min(<Py_ssize_t>(NR * VL), g.K - k0), width = columns(lanes)
    cdef Py_ssize_t r = tap // g.kw, s = tap % g.kw, count, c, step, lo, hi
    cdef const real **x = <const real **>memory
    cdef const real **dy = x + runs
    cdef Py_ssize_t *counts = <Py_ssize_t *>(dy + runs)
    cdef real *copied = <real *>(counts + runs)
    cdef real *dw
    if memory == NULL:
        return 1
    dw = g.sums + part * g.size + group * g.gsize + k0 * taps * g.C + tap * g.C * width
    memset(dw, 0, g.C * width * sizeof(real))
    # the output columns whose input lies inside the image: 0 <= j sw - left + s dw < W
    lo = max(<Py_ssize_t>0, (g.left - s * g.dw + g.sw - 1) // g.sw if g.left > s * g.dw else 0)
    hi = g.W - 1 + g.left - s * g.dw
    hi = min(g.OW, hi // g.sw + 1) if hi >= 0 else 0
    if lo >= hi:
        return 0
    if hi - lo > PIXELS:
        runs = 1
    while first < end:
        count = 0
        while first < end and count < runs:
            count += find_run(g, first, r, s, group, k0, lo, x + count, dy + count)
            first += 1
        for c in range(count):
            counts[c] = hi - lo
        if count:
            add_runs(g, x, dy, counts, count, lanes, width, dw, copied)
    return 0


cdef int find_run(Sums *g, Py_ssize_t row, Py_ssize_t r, Py_ssize_t s, Py_ssize_t group, Py_ssize_t k0,
                  Py_ssize_t lo, const real **x, const real **dy) noexcept nogil:
    """The first pixels of output row (n, i) and of the input under the tap; 0 if that is padding."""
    cdef Py_ssize_t n = row // g.OH, i = row % g.OH, h = i * g.sh - g.top + r * g.dh
    if not 0 <= h < g.H:
        return 0
    x[0] = g.x + n * g.xn + h * g.xh + (lo * g.sw - g.left + s * g.dw) * g.xw + group * g.C
    dy[0] = g.dy + n * g.yn + i * g.yh + lo * g.yw + group * g.K + k0
    return 1


cdef void add_runs(Sums *g, const real **x, const real **dy, Py_ssize_t *counts, Py_ssize_t runs, Py_ssize_t lanes,
                   Py_ssize_t width, real *dw, real *copied) noexcept nogil:
    """All channels of some runs; a last vector that is not whole is read from a padded copy of dy, block by block."""
    cdef Py_ssize_t run, p, block, count = counts[0], total = count
    cdef const real *px
    cdef const real *pdy
    if lanes == width:
        add_channels(g, x, dy, counts, runs, g.yw, width, dw)
        return
    memset(copied, 0, min(total, <Py_ssize_t>PIXELS) * width * sizeof(real))
    for run in range(runs):
        px = x[run]
        pdy = dy[run]
        block = 0
        while block < total:
            count = min(<Py_ssize_t>PIXELS, total - block)
            for p in range(count):
                memcpy(copied + p * width, pdy + (block + p) * g.yw, lanes * sizeof(real))
            x[run] = px + block * g.sw * g.xw
            dy[run] = copied
            counts[run] = count
            add_channels(g, x + run, dy + run, counts + run, 1, width, width, dw)
            block += count


cdef void add_channels(Sums *g, const real **x, const real **dy, Py_ssize_t *counts, Py_ssize_t runs,
                       Py_ssize_t dy_step, Py_ssize_t width, real *dw) noexcept nogil:
    """MR channels at a time; the last MR overlap the ones before them, whose sums are not stored twice."""
    cdef Py_ssize_t c = 0, step = g.sw * g.xw
    cdef int nv = <int>(width // VL)
    if g.C < MR:
        for c in range(g.C):
            tile_tn(x, dy, counts, runs, c, step, 0, dy_step, dw + c * width, width, 0, 1, nv)
        return
    while c + MR <= g.C:
        tile_tn(x, dy, counts, runs, c, step, 0, dy_step, dw + c * width, width, 0, MR, nv)
        c += MR
    if c < g.C:
        tile_tn(x, dy, counts, runs, g.C - MR, step, 0, dy_step, dw + (g.C - MR) * width, width,
                <int>(c - (g.C - MR)), MR, nv)


cdef void add_parts(Sums *g, real[:, :, :, :] dw) noexcept nogil:
    """dw[k,c,r,s] = the sums of all parts, in order."""
    cdef Py_ssize_t k
    cdef int threads = threads_for(<double>g.size * g.parts * 1.0)
    for k in prange(dw.shape[0], num_threads=threads, schedule="static"):
        add_filter(g, dw, k)


cdef void add_filter(Sums *g, real[:, :, :, :] dw, Py_ssize_t k) noexcept nogil:
    cdef Py_ssize_t group = k // g.K, tile_k = k % g.K // (NR * VL), lane = k % g.K % (NR * VL)
    cdef Py_ssize_t width = columns(min(<Py_ssize_t>(NR * VL), g.K - tile_k * NR * VL)), c, t, part
    cdef const real *sums = g.sums + group * g.gsize + tile_k * NR * VL * g.kh * g.kw * g.C + lane
    cdef real total
    for c in range(g.C):
        for t in range(g.kh * g.kw):
            total = sums[(t * g.C + c) * width]
            for part in range(1, g.parts):
                total = total + sums[part * g.size + (t * g.C + c) * width]
            dw[k, c, t // g.kw, t % g.kw] = total


# ---------------------------------------------------------------- bias gradient

def backward_bias(const real[:, :, :, :] dy, real[:] db):
    """db[k] = sum_{n,i,j} dy[n,k,i,j] (Zhang 2016, eqs. 45, 64); any strides; sums in double, by image."""
    cdef Py_ssize_t k, N = dy.shape[0], K = dy.shape[1]
    cdef int threads = threads_for(<double>N * K * dy.shape[2] * dy.shape[3] * 0.5)
    cdef Py_ssize_t blocks = (K + 15) // 16
    if N * dy.shape[2] * dy.shape[3] == 0:
        db[:] = 0
        return
    for k in prange(blocks, nogil=True, num_threads=threads, schedule="static"):
        sum_maps(dy, db, k * 16, min(k * 16 + 16, K))


cdef void sum_maps(const real[:, :, :, :] dy, real[:] db, Py_ssize_t k0, Py_ssize_t k1) noexcept nogil:
    """16 maps at a time, so that both layouts are read by whole cache lines."""
    cdef double total[16]
    cdef double planar
    cdef Py_ssize_t n, i, j, k, sk = dy.strides[1] // sizeof(real), sj = dy.strides[3] // sizeof(real)
    cdef const real *row
    memset(total, 0, sizeof(total))
    for n in range(dy.shape[0]):
        for i in range(dy.shape[2]):
            row = &dy[n, k0, i, 0]
            if sk == 1:
                for j in range(dy.shape[3]):
                    for k in range(k1 - k0):
                        total[k] = total[k] + row[j * sj + k]
            else:
                for k in range(k1 - k0):
                    planar = 0
                    for j in range(dy.shape[3]):
                        planar = planar + row[k * sk + j * sj]
                    total[k] = total[k] + planar
    for k in range(k1 - k0):
        db[k0 + k] = <real>total[k]
