"""Direct convolution on channels-last memory, without an im2col buffer.

    forward          y[n,k,i,j]  = b[k] + sum_{c,r,s} x[n, c, i sh - top + r dh, j sw - left + s dw] w[k,c,r,s],
                     then + a residual of y's shape and an activation
    input gradient   dx[n,c,i,j] = sum over the taps (r,s) that reach (i,j) of dy w[k,c,r,s]: the full convolution with
                     the rotated kernel (Zhang 2016, eqs. 50, 51); a stride s gives s x s phases, each of stride 1

Both are one loop: a grid of output pixels, a list of taps, and a table with the address of the input pixel
under each tap (a row of zeros where that is padding). Sums run over taps, then channels, in an order that depends on
the shape of w only: never on N, on the threads or on the place of a pixel.
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from fastconv.kernels.runtime.threads cimport threads_for
from .padded_rows cimport merges, pad_row
from ..simd.lanes cimport vread, vtranspose
from ..runtime.sizes cimport on_a_line, plus, times
from ..runtime.work_stealing cimport next_job, share_out
from .tile cimport MR, NR, columns, tile
from ..simd.vector cimport LINE, VL, real, vf, vfence, vprefetch, vstore, vzero

cdef enum:
    TILES = 16          # tiles of MR pixels, or one less, in a job
    STEPS = 512         # reduction steps in a pass: a panel of STEPS x NR x VL weights stays in the second cache
    CACHED = 1 << 16    # packed weights that a job may go through for each block of pixels
    STREAMED = 3 << 19  # reals in a result that is stored past the caches: what reads it next finds a smaller one there
    PADDED = 1 << 20    # reals in a padded copy of some images
    WIDEST = 8          # tiles of columns that a block of pixels may take
    FEW = 4             # tiles in a block whose weights are worth reading for it
    LINES = 8           # channels packed at a time, so that reads run along memory

cdef struct Cut:                # of some pixels into tiles: the first `high` have MR rows, the others one less
    Py_ssize_t tiles, high
    Py_ssize_t rows             # of all; those beyond the pixels go to junk


cdef inline Cut cut(Py_ssize_t pixels) noexcept nogil:
    cdef Cut c
    c.tiles = (pixels + MR - 1) // MR
    c.high = max(<Py_ssize_t>0, pixels - c.tiles * (MR - 1))
    c.rows = c.tiles * (MR - 1) + c.high
    return c


cdef inline Py_ssize_t height(const Cut *c, Py_ssize_t m) noexcept nogil:
    """Rows of tile m."""
    return MR if m < c.high else MR - 1


cdef struct Grid:
    # y[n][i * yh + j * yw] for i < GH, j < GW  reads  x[n][(i * mh + th[t]) * xh + (j * mw + tw[t]) * xw]
    const real *x
    Py_ssize_t xn, xh, xw, xc, H, W
    real *y
    Py_ssize_t yn, yh, yw, N, GH, GW
    const real *add             # a residual of y's shape, in channels-last memory, perhaps y's own; or NULL
    Py_ssize_t an, ah, aw
    Py_ssize_t mh, mw
    Py_ssize_t taps, length     # reduction: taps x length
    Py_ssize_t *th
    Py_ssize_t *tw
    Py_ssize_t *at              # where the tap lies from its pixel
    Py_ssize_t top, left, bottom, right     # pixels with top <= i * mh < bottom, left <= j * mw < right read no padding
    Py_ssize_t groups, C, K     # channels of x and y in one group
    Py_ssize_t tiles_k          # column tiles in one group
    const real *w               # packed: [group][column tile][tap][channel][lane]
    Py_ssize_t wg               # packed size of one group
    const real *b               # one row of padded columns per group, zeros if there is no bias
    Py_ssize_t bg
    const real *zeros
    int activation
    bint fetch                  # w is too large for the second cache
    bint stream                 # y is large and on whole vectors: stored past the caches
    # With bh > 0 the columns are a block of bh x bw pixels of `channels` each, stored at i * bh, j * bw of YH x YW
    Py_ssize_t bh, bw, channels, YH, YW
    Py_ssize_t each  # pixels of a job


# ---------------------------------------------------------------- forward and input gradient

cdef int run_grid(Grid *g) noexcept nogil:
    """All jobs of a grid; 1 if memory ran out."""
    cdef Py_ssize_t pixels = g.N * g.GH * g.GW, tiles = (pixels + MR - 1) // MR
    cdef double work = <double>pixels * g.groups * columns(g.K) * (g.taps * g.length + 4) * 0.02
    cdef int threads = threads_for(work), failed = 0, thread
    cdef Py_ssize_t blocks = blocks_of(tiles, threads), at_once = tiles_at_once(g, blocks)
    cdef Py_ssize_t runs = (g.tiles_k + at_once - 1) // at_once, jobs = g.groups * runs * blocks
    cdef Py_ssize_t *ranges
    cdef Py_ssize_t table = times(plus(g.taps, 2), TILES * MR * sizeof(real *))  # whole cache lines
    cdef Py_ssize_t scratch = plus(table, (TILES * MR + 1) * beside(g) * sizeof(real))
    cdef char *memory = NULL
    if jobs == 0:
        return 0
    g.each = ceiling(pixels, blocks)
    g.at = <Py_ssize_t *>malloc(times(g.taps + 1, sizeof(Py_ssize_t)))
    if g.at == NULL:
        return 1
    find_inside(g)
    g.stream = streams(g)
    g.fetch = g.groups * columns(g.K) * g.taps * g.length > CACHED
    ranges = share_out(jobs, threads)
    if ranges == NULL:
        free(g.at)
        return 1
    with parallel(num_threads=threads):
        memory = <char *>on_a_line(scratch)
        for thread in prange(threads, schedule="static"):
            failed |= run_range(g, ranges, threads, thread, blocks, runs, at_once, pixels, memory)
        free(memory)
    free(ranges)
    free(g.at)
    return failed


cdef Py_ssize_t blocks_of(Py_ssize_t tiles, int threads) noexcept nogil:
    """Blocks of at most TILES tiles, as many for each thread where there are enough; of few pixels one for each thread,
    whose layers are then computed by one thread after another, as long as that leaves FEW tiles in a block."""
    cdef Py_ssize_t blocks = ceiling(tiles, TILES)
    if blocks < threads:
        blocks = max(blocks, min(<Py_ssize_t>threads, tiles // FEW))
    else:
        blocks = ceiling(blocks, threads) * threads
    return ceiling(tiles, ceiling(tiles, blocks)) if blocks else 0  # none of them empty


cdef int run_range(Grid *g, Py_ssize_t *ranges, int threads, int thread, Py_ssize_t blocks, Py_ssize_t runs,
                   Py_ssize_t at_once, Py_ssize_t pixels, char *memory) noexcept nogil:
    """What one thread does. Jobs are numbered by groups, by parts of the pixels as many as threads (where there are
    enough), by runs of columns, by blocks of pixels."""
    cdef Py_ssize_t job = next_job(ranges, threads, thread), left, part, first, count
    cdef Py_ssize_t parts = min(<Py_ssize_t>threads, blocks)
    cdef int failed = 0
    while job >= 0:
        left = job % (blocks * runs)
        part = first = 0
        count = blocks // parts
        while left >= count * runs:
            left -= count * runs
            first += count
            part += 1
            count = blocks * (part + 1) // parts - first
        failed |= run_job(g, job // (blocks * runs), left // count * at_once, at_once, first + left % count, pixels,
                          memory)
        job = next_job(ranges, threads, thread)
    return failed


cdef bint streams(Grid *g) noexcept nogil:
    """Whether y is larger than caches hold, and every pixel and tile of it starts on a whole vector."""
    cdef Py_ssize_t image = g.GH * g.GW * g.groups * g.K
    return image * g.N >= STREAMED and <size_t>g.y % (VL * sizeof(real)) == 0 and g.K % VL == 0 and \
        (g.yn % VL) == 0 and (g.yh % VL) == 0 and (g.yw % VL) == 0


cdef Py_ssize_t beside(Grid *g) noexcept nogil:
    """Reals of a pixel that is computed beside y: one tile of columns, or all where they are a block of pixels."""
    return columns(g.K) if g.bh else NR * VL


cdef Py_ssize_t tiles_at_once(Grid *g, Py_ssize_t blocks) noexcept nogil:
    """Column tiles in a job: as many as have their weights in the second cache, unless too few jobs would be left.
    All of them where the columns are blocks of pixels."""
    cdef Py_ssize_t most
    if g.bh:
        return g.tiles_k
    most = max(<Py_ssize_t>1, CACHED // (max(<Py_ssize_t>1, g.taps * g.length) * NR * VL))
    return max(<Py_ssize_t>1, min(most, g.tiles_k * g.groups * blocks // 16))


cdef int run_job(Grid *g, Py_ssize_t group, Py_ssize_t tile_k, Py_ssize_t at_once, Py_ssize_t block, Py_ssize_t pixels,
                 char *memory) noexcept nogil:
    """One block of pixels and some tiles of columns."""
    cdef Py_ssize_t first = block * g.each, count = min(g.each, pixels - first)
    cdef Py_ssize_t p
    cdef Cut c = cut(count)
    cdef const real **rows = <const real **>memory
    cdef real **out = <real **>(memory + g.taps * TILES * MR * sizeof(real *))
    cdef const real **add = NULL
    cdef real *spare = <real *>(out + 2 * TILES * MR)
    cdef real *junk = spare + TILES * MR * beside(g)
    if memory == NULL:
        return 1
    point(g, rows, out, first, count, &c, group * g.C, group * g.K + tile_k * NR * VL, junk)
    if g.add != NULL:
        add = <const real **>out + TILES * MR
        point_at_added(g, add, first, count, c.rows, group * g.K + tile_k * NR * VL, junk)
    for tile_k in range(tile_k, min(tile_k + at_once, g.tiles_k)):
        run_columns(g, group, tile_k, rows, out, add, spare, first, count, &c)
        for p in range(count):
            out[p] += NR * VL
        if add != NULL:
            for p in range(count):
                add[p] += NR * VL
    if g.bh:
        for p in range(count):
            store_block(g, first + p, spare + p * beside(g))
    if g.stream:
        vfence()
    return 0


cdef void run_columns(Grid *g, Py_ssize_t group, Py_ssize_t tile_k, const real **rows, real **out,
                      const real **add, real *spare, Py_ssize_t first, Py_ssize_t count,
                      const Cut *cut) noexcept nogil:
    """One block of pixels and one tile of columns; where the last vector is not whole, computed beside y and copied."""
    cdef Py_ssize_t k0 = tile_k * NR * VL, lanes = min(<Py_ssize_t>(NR * VL), g.K - k0), width = columns(lanes), p
    if g.bh:
        for p in range(cut.rows):
            out[p] = spare + p * beside(g) + k0
    elif lanes < width:
        for p in range(cut.rows):
            out[p] = spare + p * width
        if add != NULL:
            for p in range(count):
                memcpy(out[p], add[p], lanes * sizeof(real))
            add = <const real **>out
    reduce(g, rows, out, add, cut, g.w + group * g.wg + k0 * g.taps * g.length, g.b + group * g.bg + k0,
           g.stream and lanes == width and not g.bh, tile_k + 1 < g.tiles_k, <int>(width // VL))
    if lanes < width and not g.bh:
        for p in range(count):
            memcpy(pixel(g, first + p) + group * g.K + k0, spare + p * width, lanes * sizeof(real))


cdef void store_block(Grid *g, Py_ssize_t p, const real *values) noexcept nogil:
    """The bh x bw pixels of block p, as far as they lie inside y."""
    cdef Py_ssize_t j = p % g.GW * g.bw, i = p // g.GW % g.GH * g.bh, n = p // g.GW // g.GH, bi, bj
    cdef Py_ssize_t width = min(g.bw, g.YW - j)
    cdef real *y
    for bi in range(min(g.bh, g.YH - i)):
        y = g.y + n * g.yn + (i + bi) * g.yh + j * g.yw
        if g.yw == g.channels:
            memcpy(y, values + bi * g.bw * g.channels, width * g.channels * sizeof(real))
        else:
            for bj in range(width):
                memcpy(y + bj * g.yw, values + (bi * g.bw + bj) * g.channels, g.channels * sizeof(real))


cdef real *pixel(Grid *g, Py_ssize_t p) noexcept nogil:
    """Where pixel p of the grid is stored."""
    cdef Py_ssize_t j = p % g.GW, i = p // g.GW % g.GH, n = p // g.GW // g.GH
    return g.y + n * g.yn + i * g.yh + j * g.yw


cdef void point(Grid *g, const real **rows, real **out, Py_ssize_t first, Py_ssize_t count, const Cut *cut,
                Py_ssize_t c0, Py_ssize_t k0, real *junk) noexcept nogil:
    """Fill the tables: rows[tile][tap][i] under each tap, out[tile][i] of each pixel; rows beyond count go to junk."""
    cdef Py_ssize_t p = 0, t, j = first % g.GW, i = first // g.GW % g.GH, n = first // g.GW // g.GH, done
    cdef Py_ssize_t m = 0, high = height(cut, 0), at_row = 0    # the tile, its rows, and the row in it
    cdef Py_ssize_t taps = g.taps, GW = g.GW, mw = g.mw, x_step = g.mw * g.xw, y_step = g.yw
    cdef Py_ssize_t left = g.left, right = g.right
    cdef const Py_ssize_t *at = g.at
    cdef const real *x = g.x + n * g.xn + i * g.mh * g.xh + j * x_step + c0
    cdef real *y = g.y + n * g.yn + i * g.yh + j * y_step + k0
    cdef bint inside = g.top <= i * g.mh < g.bottom
    while p < count:
        if (inside and at_row == 0 and left <= j * mw and (j + high - 1) * mw < right
                and j + high <= min(GW, j + count - p)):
            if high == MR:
                point_tile(rows, at, taps, x, x_step, MR)
            else:
                point_tile(rows, at, taps, x, x_step, MR - 1)
            done = high
        else:
            if inside and left <= j * mw < right:
                for t in range(taps):
                    rows[t * high + at_row] = x + at[t]
            else:
                point_at_edge(g, rows + at_row, high, x, i * g.mh, j * mw)
            done = 1
        for t in range(done):
            out[p + t] = y
            y += y_step
        p += done
        x += done * x_step
        j += done
        at_row += done
        if at_row == high:
            rows += taps * high
            m += 1
            high, at_row = height(cut, m), 0
        if j == GW:
            j = 0
            i += 1
            if i == g.GH:
                i = 0
                n += 1
            x = g.x + n * g.xn + i * g.mh * g.xh + c0
            y = g.y + n * g.yn + i * g.yh + k0
            inside = g.top <= i * g.mh < g.bottom
    while p < cut.rows:
        out[p] = junk
        for t in range(taps):
            rows[t * high + at_row] = g.zeros
        p += 1
        at_row += 1
        if at_row == high:
            rows += taps * high
            at_row = 0


cdef inline void point_tile(const real **rows, const Py_ssize_t *at, Py_ssize_t taps, const real *x,
                            Py_ssize_t step, const int mr) noexcept nogil:
    """All taps of mr pixels side by side that read no padding."""
    cdef Py_ssize_t t
    cdef const real *p
    cdef int i
    for t in range(taps):
        p = x + at[t]
        for i in range(mr):
            rows[i] = p + i * step
        rows += mr


cdef void point_at_added(Grid *g, const real **add, Py_ssize_t first, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t k0,
                         real *junk) noexcept nogil:
    """add[tile][i]: the residual of each pixel; rows beyond count read junk."""
    cdef Py_ssize_t p, j = first % g.GW, i = first // g.GW % g.GH, n = first // g.GW // g.GH
    memset(junk, 0, NR * VL * sizeof(real))
    for p in range(count):
        add[p] = g.add + n * g.an + i * g.ah + j * g.aw + k0
        j += 1
        if j == g.GW:
            j = 0
            i += 1
            if i == g.GH:
                i = 0
                n += 1
    for p in range(count, rows):
        add[p] = junk


cdef void point_at_edge(Grid *g, const real **row, Py_ssize_t step, const real *x, Py_ssize_t h,
                        Py_ssize_t w) noexcept nogil:
    """A pixel with some taps outside the image: these read zeros."""
    cdef Py_ssize_t t
    for t in range(g.taps):
        if 0 <= h + g.th[t] < g.H and 0 <= w + g.tw[t] < g.W:
            row[t * step] = x + g.at[t]
        else:
            row[t * step] = g.zeros


cdef void find_inside(Grid *g) noexcept nogil:
    """Where each tap lies from its pixel, and from where to where all taps of a pixel lie inside the image."""
    cdef Py_ssize_t t
    g.top, g.left, g.bottom, g.right = 0, 0, g.H, g.W
    for t in range(g.taps):
        g.at[t] = g.th[t] * g.xh + g.tw[t] * g.xw
        g.top, g.bottom = max(g.top, -g.th[t]), min(g.bottom, g.H - g.th[t])
        g.left, g.right = max(g.left, -g.tw[t]), min(g.right, g.W - g.tw[t])


cdef void reduce(Grid *g, const real **rows, real **out, const real **add, const Cut *cut, const real *w,
                 const real *b, bint stream, bint more, int nv) noexcept nogil:
    """All passes over the reduction, each over all tiles of the job; partial sums wait in the output.

    A residual is added by the first pass, so its memory may be that of the output. The weights that come next (with
    `more` those of other columns) are fetched meanwhile, as many lines with each tile as the pass has steps.
    """
    cdef Py_ssize_t t = 0, c = 0, taps, length, m, p
    cdef Py_ssize_t passes = (g.taps * g.length + STEPS - 1) // STEPS
    cdef Py_ssize_t at_once = (g.taps + passes - 1) // passes if passes else 1
    cdef Py_ssize_t channels = (g.length + STEPS - 1) // STEPS  # passes over one tap
    cdef bint last
    cdef const real *init = b
    cdef Py_ssize_t panel, fetched
    cdef int i, j, high
    if g.taps == 0:
        p = 0
        for m in range(cut.tiles):
            high = <int>height(cut, m)
            tile(rows, 0, 0, 0, w, b, out + p, g.activation, False, high, nv, add + p if add != NULL else NULL)
            p += high
        return
    while t < g.taps:
        taps = min(at_once, g.taps - t)
        length = min((g.length + channels - 1) // channels, g.length - c) if channels > 1 else g.length
        last = t + taps == g.taps and c + length == g.length
        p = fetched = 0
        panel = taps * length * nv * VL
        for m in range(cut.tiles):
            high = <int>height(cut, m)
            if add != NULL and m + 1 < cut.tiles:  # the rows of the next tile, too short for the hardware to foresee
                for i in range(<int>height(cut, m + 1)):
                    for j in range(nv):
                        vprefetch(add[p + high + i] + j * VL)
            tile(rows + p * g.taps + t * high, taps, c, length, w, init, out + p,
                 g.activation if last else 0, last and stream, high, nv, add + p if add != NULL else NULL,
                 w + panel + fetched if fetched < panel and (more or not last) and g.fetch else NULL)
            p += high
            fetched += taps * length * LINE
        w += panel
        init = NULL
        add = NULL
        c += length
        if c == g.length:
            c = 0
            t += taps


# ---------------------------------------------------------------- packing

cdef void pack_tile(const real *w, Py_ssize_t so, Py_ssize_t si, const Py_ssize_t *offsets, Py_ssize_t taps,
                    Py_ssize_t length, Py_ssize_t lanes, real *packed) noexcept nogil:
    """packed[tap][i][lane] = w[lane * so + i * si + offsets[tap]], zeros beyond the last lane."""
    cdef Py_ssize_t width = columns(lanes), t, i, lane, i0 = 0, block
    cdef real *row
    cdef const real *source
    if si == taps and in_order(offsets, taps):
        pack_turned(w, so, taps, length, lanes, packed)
        return
    memset(packed, 0, taps * length * width * sizeof(real) if lanes < width else 0)
    while i0 < length:  # LINES channels at a time; the faster axis of w innermost
        block = min(<Py_ssize_t>LINES, length - i0)
        if so < si:
            for i in range(i0, i0 + block):
                for t in range(taps):
                    row = packed + (t * length + i) * width
                    source = w + i * si + offsets[t]
                    if so == 1:
                        memcpy(row, source, lanes * sizeof(real))
                    else:
                        for lane in range(lanes):
                            row[lane] = source[lane * so]
        else:
            for lane in range(lanes):
                for i in range(i0, i0 + block):
                    source = w + lane * so + i * si
                    row = packed + i * width + lane
                    for t in range(taps):
                        row[t * length * width] = source[offsets[t]]
        i0 += block


cdef void pack_turned(const real *w, Py_ssize_t so, Py_ssize_t taps, Py_ssize_t length, Py_ssize_t lanes,
                      real *packed) noexcept nogil:
    """packed[t][i][lane] = w[lane * so + i * taps + t], VL x VL values at a time turned in registers."""
    cdef Py_ssize_t width = columns(lanes), lane, first = 0, count, size = taps * length, row, r
    cdef vf v[VL]
    while first < size:
        count = min(<Py_ssize_t>VL, size - first)
        lane = 0
        while lane < lanes:
            for r in range(VL):
                v[r] = vread(w + (lane + r) * so + first, count) if lane + r < lanes else vzero
            vtranspose(v)
            for r in range(count):
                row = (first + r) % taps * length + (first + r) // taps
                vstore(packed + row * width + lane, v[r])
            lane += VL
        first += VL


cdef bint in_order(const Py_ssize_t *offsets, Py_ssize_t taps) noexcept nogil:
    """Whether the taps of a channel follow each other in memory."""
    cdef Py_ssize_t t
    for t in range(taps):
        if offsets[t] != t:
            return False
    return True


cdef Py_ssize_t packed_reals(Grid *g) noexcept nogil:
    return times(times(g.groups * columns(g.K), g.taps), g.length)


cdef void pack(Grid *g, const real *w, Py_ssize_t so, Py_ssize_t si, Py_ssize_t sg, const Py_ssize_t *offsets,
               real *packed) noexcept nogil:
    """[group][column tile][tap][channel][lane]: what the tiles read in order."""
    cdef Py_ssize_t size = columns(g.K) * g.taps * g.length, tiles_k = (g.K + NR * VL - 1) // (NR * VL), job
    cdef int threads = threads_for(<double>g.groups * size * 0.7)
    if size == 0:
        return
    for job in prange(g.groups * tiles_k, num_threads=threads, schedule="static"):
        pack_tile(w + job // tiles_k * sg + job % tiles_k * NR * VL * so, so, si, offsets, g.taps, g.length,
                  min(<Py_ssize_t>(NR * VL), g.K - job % tiles_k * NR * VL),
                  packed + job // tiles_k * size + job % tiles_k * NR * VL * g.taps * g.length)


cdef real *pack_bias(const real[:] b, Py_ssize_t K, Py_ssize_t groups, Py_ssize_t repeats) noexcept nogil:
    """The bias of each group, `repeats` over, in a row of whole vectors; zeros without one."""
    cdef Py_ssize_t g, k, width = columns(K * repeats)
    cdef real *packed = <real *>calloc(max(<Py_ssize_t>1, groups * width), sizeof(real))
    if packed != NULL and b is not None:
        for g in range(groups):
            for k in range(K * repeats):
                packed[g * width + k] = b[g * K + k % K]
    return packed


# ---------------------------------------------------------------- forward

def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
            Py_ssize_t groups, bint narrow=True, int activation=0, const real[:] packed=None,
            const real[:, :, :, :] r=None):
    """y = f(conv2d(x, w) + b + r), f by its code; x, y and r channels-last, r perhaps y itself, w any strides.

    b and r may be None; of a packed w only the shape is read.
    """
    cdef int failed = 1
    cdef Grid g
    cdef Py_ssize_t *offsets
    cdef Py_ssize_t one = sizeof(real)
    if y.shape[0] == 0:
        return
    with nogil:
        offsets = forward_taps(&g, w, sh, sw, dh, dw, top, left, groups)
        if offsets != NULL:
            set_source(&g, x)
            set_target(&g, y, r)
            g.GH, g.GW, g.bh, g.activation = y.shape[2], y.shape[3], 0, activation
            failed = pack_and_run(&g, &w[0, 0, 0, 0], w.strides[0] // one, w.strides[1] // one, w.strides[0] // one * g.K, offsets,
                                  NULL if packed is None else &packed[0], b, w.shape[3] if dw == 1 and narrow else 1)
        free(offsets)
    if failed:
        raise MemoryError()


def pack_forward(const real[:, :, :, :] w, real[:] packed, Py_ssize_t groups):
    """The packed weights of `forward`, in packed_size(w.shape, groups) reals."""
    cdef Grid g
    cdef Py_ssize_t *offsets = forward_taps(&g, w, 1, 1, 1, 1, 0, 0, groups)
    cdef Py_ssize_t one = sizeof(real)
    if offsets == NULL:
        raise MemoryError()
    with nogil:
        pack(&g, &w[0, 0, 0, 0], w.strides[0] // one, w.strides[1] // one, w.strides[0] // one * g.K, offsets, &packed[0])
        free(offsets)


def packed_size(Py_ssize_t K, Py_ssize_t C, Py_ssize_t kh, Py_ssize_t kw, Py_ssize_t groups):
    """Reals in the packed form of a weight with K outputs of C inputs each (per group), forward or backward."""
    return groups * columns(K) * C * kh * kw


cdef Py_ssize_t *forward_taps(Grid *g, const real[:, :, :, :] w, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh,
                              Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups) noexcept nogil:
    """Where each tap lies in w, with the taps of the grid behind; NULL if memory ran out."""
    cdef Py_ssize_t kw = w.shape[3], taps = w.shape[2] * kw, t
    cdef Py_ssize_t *offsets = <Py_ssize_t *>malloc(times(taps, 3 * sizeof(Py_ssize_t)))
    if offsets == NULL:
        return NULL
    g.th = offsets + taps
    g.tw = g.th + taps
    for t in range(taps):
        g.th[t] = t // kw * dh - top
        g.tw[t] = t % kw * dw - left
        offsets[t] = (t // kw * w.strides[2] + t % kw * w.strides[3]) // <Py_ssize_t>sizeof(real)
    g.mh, g.mw = sh, sw
    g.groups, g.C, g.K = groups, w.shape[1], w.shape[0] // groups
    g.taps, g.length = taps, g.C
    return offsets


cdef int pack_and_run(Grid *g, const real *w, Py_ssize_t so, Py_ssize_t si, Py_ssize_t sg, const Py_ssize_t *offsets,
                      const real *packed, const real[:] b, Py_ssize_t in_row) noexcept nogil:
    """Run a grid with packed weights, packed here unless they came so."""
    cdef real *own
    cdef int failed
    if packed != NULL:
        return run_packed(g, packed, b, in_row)
    own = <real *>malloc(times(max(<Py_ssize_t>1, packed_reals(g)), sizeof(real)))
    if own == NULL:
        return 1
    pack(g, w, so, si, sg, offsets, own)
    failed = run_packed(g, own, b, in_row)
    free(own)
    return failed


cdef void set_source(Grid *g, const real[:, :, :, :] x) noexcept nogil:
    cdef Py_ssize_t one = sizeof(real)
    g.x, g.H, g.W = &x[0, 0, 0, 0], x.shape[2], x.shape[3]
    g.xn, g.xc, g.xh, g.xw = x.strides[0] // one, x.strides[1] // one, x.strides[2] // one, x.strides[3] // one


cdef void set_target(Grid *g, real[:, :, :, :] y, const real[:, :, :, :] r) noexcept nogil:
    """The output, and the residual that is added to it, or None."""
    cdef Py_ssize_t one = sizeof(real)
    g.y, g.N = &y[0, 0, 0, 0], y.shape[0]
    g.yn, g.yh, g.yw = y.strides[0] // one, y.strides[2] // one, y.strides[3] // one
    g.add, g.an, g.ah, g.aw = NULL, 0, 0, 0
    if r is not None:
        g.add, g.an, g.ah, g.aw = &r[0, 0, 0, 0], r.strides[0] // one, r.strides[2] // one, r.strides[3] // one


cdef Py_ssize_t run_of(Grid *g, bint merged, Py_ssize_t in_row) noexcept nogil:
    """Values that the tiles read under one tap, or under one row of taps that is read as one run."""
    return g.length * in_row if merged else g.length


cdef int run_packed(Grid *g, const real *packed, const real[:] b, Py_ssize_t in_row) noexcept nogil:
    """Run a grid whose taps come in rows of `in_row` neighbours; 1 if memory ran out."""
    cdef real *bias = pack_bias(b, g.channels if g.bh else g.K, g.groups, g.bh * g.bw if g.bh else 1)
    cdef bint merged = merges(g.groups, g.C, in_row)
    cdef real *zeros = <real *>calloc(max(<Py_ssize_t>1, run_of(g, merged, in_row)), sizeof(real))
    cdef int failed = bias == NULL or zeros == NULL
    g.tiles_k = (g.K + NR * VL - 1) // (NR * VL)
    g.w, g.wg, g.b, g.bg, g.zeros = packed, columns(g.K) * g.taps * g.length, bias, columns(g.K), zeros
    if not failed:
        if merged:
            failed = run_merged(g, in_row)
        else:
            failed = run_grid(g)
    free(bias)
    free(zeros)
    return failed


def reads_planar(Py_ssize_t groups, Py_ssize_t C, Py_ssize_t kw, Py_ssize_t dw):
    """Whether forward and backward_weight take an x of any layout: they copy it, padded, anyway."""
    return merges(groups, C // groups, kw if dw == 1 else 1)


cdef int run_merged(Grid *g, Py_ssize_t in_row) noexcept nogil:
    """Few channels: a padded copy of some images, in which each row of the kernel is one run of in_row * C values.

    Large images are taken in bands of output rows, so that the copy stays small.
    """
    cdef Py_ssize_t rows = g.taps // in_row, r, n = 0, i = 0, N = g.N, GH = g.GH, up = max(<Py_ssize_t>1, g.bh)
    cdef Py_ssize_t h0 = g.th[0], w0 = g.tw[0], span = g.th[g.taps - 1] - h0 + 1, W = (g.GW - 1) * g.mw + in_row
    cdef Py_ssize_t band = min(GH, max(<Py_ssize_t>1, (PADDED // (W * g.C) - span) // g.mh + 1))
    cdef Py_ssize_t H = plus((band - 1) * g.mh, span), size = times(H, W * g.C)  # of an image
    cdef Py_ssize_t at_once = max(<Py_ssize_t>1, min(N, PADDED // size)) if band == GH else 1
    cdef real *copy = <real *>malloc(times(times(at_once, size), sizeof(real)))
    cdef int failed = copy == NULL
    cdef Grid part = g[0]
    part.x, part.xn, part.xh, part.xw, part.H, part.W = copy, size, W * g.C, g.C, H, W
    part.taps, part.length = rows, in_row * g.C
    for r in range(rows):
        part.th[r] = g.th[r * in_row] - h0
    for r in range(rows):
        part.tw[r] = 0
    while n < N and not failed:
        part.N = min(at_once, N - n)
        i = 0
        while i < GH and not failed:
            part.GH = min(band, GH - i)
            part.y, part.YH = g.y + n * g.yn + i * up * g.yh, g.YH - i * up
            if g.add != NULL:
                part.add = g.add + n * g.an + i * g.ah
            pad(g.x + n * g.xn, g.xn, g.xh, g.xw, g.xc, g.H, g.W, g.C, copy, part.N, H, W, h0 + i * g.mh, w0)
            failed = run_grid(&part)
            i += band
        n += at_once
    free(copy)
    return failed


cdef void pad(const real *x, Py_ssize_t xn, Py_ssize_t xh, Py_ssize_t xw, Py_ssize_t xc, Py_ssize_t H, Py_ssize_t W,
              Py_ssize_t C, real *copy, Py_ssize_t N, Py_ssize_t PH, Py_ssize_t PW, Py_ssize_t h0,
              Py_ssize_t w0) noexcept nogil:
    """copy[n][i][j][c] = x[n][h0 + i][w0 + j][c], zeros outside the image."""
    cdef Py_ssize_t row
    cdef int threads = threads_for(<double>N * PH * PW * C * 0.3)
    for row in prange(N * PH, num_threads=threads, schedule="static"):
        pad_row(x + row // PH * xn + (h0 + row % PH) * xh, xw, xc, 0 <= h0 + row % PH < H, W, C, copy + row * PW * C,
                PW, w0)


# ---------------------------------------------------------------- input gradient

def backward_input(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
                   Py_ssize_t groups, bint narrow=True, int activation=0, const real[:] packed=None,
                   const real[:, :, :, :] r=None):
    """dx = conv2d's input gradient + r (with b and an activation: the transposed convolution); dy, dx and r
    channels-last, r perhaps dx itself, b and r perhaps None."""
    cdef int failed
    if dx.shape[0] == 0:
        return
    with nogil:
        if narrow and packed is None and r is None and in_blocks(groups, w.shape[1], sh, sw, dh, dw):
            failed = run_blocks(dy, w, b, dx, sh, sw, top, left, activation)
        else:
            failed = run_phases(dy, w, b, dx, r, sh, sw, dh, dw, top, left, groups, narrow, activation,
                                NULL if packed is None else &packed[0], NULL)
    if failed:
        raise MemoryError()


def pack_input(const real[:, :, :, :] w, real[:] packed, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw,
               Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups):
    """The packed weights of `backward_input`, phase after phase."""
    cdef int failed
    with nogil:
        failed = run_phases(None, w, None, None, None, sh, sw, dh, dw, top, left, groups, False, 0, NULL, &packed[0])
    if failed:
        raise MemoryError()


cdef bint in_blocks(Py_ssize_t groups, Py_ssize_t C, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh,
                    Py_ssize_t dw) noexcept nogil:
    return groups == 1 and dh == 1 and dw == 1 and 2 * C < VL and times(sh * sw, C) <= WIDEST * NR * VL


cdef int run_phases(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                    const real[:, :, :, :] known, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw,
                    Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups, bint narrow, int activation,
                    const real *packed, real *store) noexcept nogil:
    """The phases of dx, at most sh x sw; with `store` nothing is computed but the packed weights of those that a tap
    reaches."""
    cdef Py_ssize_t i, j, rows, row
    cdef Py_ssize_t *offsets = <Py_ssize_t *>malloc(times(w.shape[2] * w.shape[3], 3 * sizeof(Py_ssize_t)))
    cdef int failed = offsets == NULL
    if store != NULL:  # later taps reach the phases of these
        rows, row = min(w.shape[2], sh // divisor(sh, dh)), min(w.shape[3], sw // divisor(sw, dw))
    else:
        rows, row = min(sh, dx.shape[2]), min(sw, dx.shape[3])
    for i in range(rows):
        for j in range(row):
            failed = failed or run_phase(dy, w, b, dx, known, sh, sw, dh, dw, top, left, groups, narrow, activation,
                                         phase_of(i, top, sh, dh) if store != NULL else i,
                                         phase_of(j, left, sw, dw) if store != NULL else j, offsets, packed, store)
    free(offsets)
    return failed


cdef Py_ssize_t divisor(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """The greatest common one."""
    while b:
        a, b = b, a % b
    return a


cdef Py_ssize_t phase_of(Py_ssize_t tap, Py_ssize_t before, Py_ssize_t stride, Py_ssize_t dilation) noexcept nogil:
    """The phase that a tap reaches: (tap dilation - before) mod stride."""
    cdef Py_ssize_t phase = (tap * dilation - before) % stride
    return phase + stride if phase < 0 else phase


cdef Py_ssize_t taps_below(Py_ssize_t phase, Py_ssize_t before, Py_ssize_t stride, Py_ssize_t dilation,
                           Py_ssize_t kernel) noexcept nogil:
    """How many taps reach a phase below this one."""
    cdef Py_ssize_t tap, count = 0
    for tap in range(kernel):
        count += phase_of(tap, before, stride, dilation) < phase
    return count


cdef int run_phase(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   const real[:, :, :, :] known, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw,
                   Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups, bint narrow, int activation, Py_ssize_t i0,
                   Py_ssize_t j0, Py_ssize_t *offsets, const real *packed, real *store) noexcept nogil:
    """The pixels (i0 + i sh, j0 + j sw) of dx: tap (r, s) reaches them from dy at (i0 + top - r dh) / sh + i.

    Taps are taken from the last to the first, so that dy is read from left to right. The weights of the phases are
    packed row after row.
    """
    cdef Grid g
    cdef Py_ssize_t r, s, t = 0, one = sizeof(real), in_row = 0, above, place = 0
    g.th = offsets + w.shape[2] * w.shape[3]
    g.tw = g.th + w.shape[2] * w.shape[3]
    for r in range(w.shape[2] - 1, -1, -1):
        if (i0 + top - r * dh) % sh == 0:
            in_row = 0
            for s in range(w.shape[3] - 1, -1, -1):
                if (j0 + left - s * dw) % sw == 0:
                    g.th[t] = (i0 + top - r * dh) // sh
                    g.tw[t] = (j0 + left - s * dw) // sw
                    offsets[t] = (r * w.strides[2] + s * w.strides[3]) // one
                    t += 1
                    in_row += 1
    g.groups, g.C, g.K, g.activation = groups, w.shape[0] // groups, w.shape[1], activation
    g.taps, g.length = t, g.C
    if store != NULL or packed != NULL:
        above = taps_below(i0, top, sh, dh, w.shape[2])
        place = (taps_below(i0 + 1, top, sh, dh, w.shape[2]) - above) * taps_below(j0, left, sw, dw, w.shape[3])
        place = (place + above * w.shape[3]) * groups * columns(g.K) * g.length
    if store != NULL:
        pack(&g, &w[0, 0, 0, 0], w.strides[1] // one, w.strides[0] // one, w.strides[0] // one * g.C, offsets,
             store + place)
        return 0
    set_source(&g, dy)
    set_target(&g, dx, known)
    if g.add != NULL:
        g.add += i0 * g.ah + j0 * g.aw
    g.y += i0 * g.yh + j0 * g.yw
    g.yh, g.yw, g.ah, g.aw = sh * g.yh, sw * g.yw, sh * g.ah, sw * g.aw
    g.mh, g.mw, g.bh = 1, 1, 0
    g.GH, g.GW = (dx.shape[2] - i0 + sh - 1) // sh, (dx.shape[3] - j0 + sw - 1) // sw
    return pack_and_run(&g, &w[0, 0, 0, 0], w.strides[1] // one, w.strides[0] // one, w.strides[0] // one * g.C, offsets,
                        NULL if packed == NULL else packed + place, b, in_row if dw == 1 and narrow else 1)


cdef int run_blocks(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                    Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t top, Py_ssize_t left, int activation) noexcept nogil:
    """Few channels would leave most lanes of a vector empty, so the columns are a block of pixels of dx, all phases."""
    cdef Grid g
    cdef Py_ssize_t C = w.shape[1], taps, t, taps_w, low_h, low_w
    cdef Py_ssize_t *table
    cdef real *packed
    cdef int failed = 1
    choose_block(C, w.shape[2], w.shape[3], sh, sw, &g.bh, &g.bw)
    g.mh, g.mw = g.bh // sh, g.bw // sw
    # offsets of dy under a block: (i + top - r) / sh for 0 <= i < bh and 0 <= r < kh
    low_h, low_w = ceiling(top - w.shape[2] + 1, sh), ceiling(left - w.shape[3] + 1, sw)
    taps_w = floor(g.bw - 1 + left, sw) - low_w + 1
    taps = (floor(g.bh - 1 + top, sh) - low_h + 1) * taps_w
    table = <Py_ssize_t *>malloc(2 * max(<Py_ssize_t>1, taps) * sizeof(Py_ssize_t))
    if table == NULL:
        return 1
    g.th, g.tw = table, table + taps
    for t in range(taps):
        g.th[t] = low_h + t // taps_w
        g.tw[t] = low_w + t % taps_w
    set_source(&g, dy)
    set_target(&g, dx, None)
    g.channels, g.YH, g.YW = C, dx.shape[2], dx.shape[3]
    g.GH, g.GW = (g.YH + g.bh - 1) // g.bh, (g.YW + g.bw - 1) // g.bw
    g.groups, g.C, g.K, g.activation = 1, w.shape[0], g.bh * g.bw * C, activation
    g.taps, g.length = taps, g.C
    packed = <real *>calloc(max(<Py_ssize_t>1, columns(g.K) * taps * g.C), sizeof(real))
    if packed != NULL:
        for t in range(taps):
            pack_block(&g, w, t, top - g.th[t] * sh, left - g.tw[t] * sw, packed)
        failed = run_packed(&g, packed, b, taps_w)
    free(packed)
    free(table)
    return failed


cdef void pack_block(Grid *g, const real[:, :, :, :] w, Py_ssize_t t, Py_ssize_t r0, Py_ssize_t s0,
                     real *packed) noexcept nogil:
    """packed[column tile][tap][k][lane] = w[k, c, i + r0, j + s0] of column (i, j, c), zeros outside the kernel."""
    cdef Py_ssize_t i, j, c, k, column, first, width
    for i in range(max(<Py_ssize_t>0, -r0), min(g.bh, w.shape[2] - r0)):
        for j in range(max(<Py_ssize_t>0, -s0), min(g.bw, w.shape[3] - s0)):
            for c in range(g.channels):
                column = (i * g.bw + j) * g.channels + c
                first = column // (NR * VL) * NR * VL
                width = min(<Py_ssize_t>(NR * VL), columns(g.K) - first)
                for k in range(g.C):
                    packed[first * g.taps * g.C + (t * g.C + k) * width + column - first] = w[k, c, i + r0, j + s0]


cdef void choose_block(Py_ssize_t C, Py_ssize_t kh, Py_ssize_t kw, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t *bh,
                       Py_ssize_t *bw) noexcept nogil:
    """The block of whole strides with the least work a pixel: taps x vectors / pixels, in one tile of columns if it
    can be."""
    cdef Py_ssize_t i, j, vectors, most = max(<Py_ssize_t>NR, columns(sh * sw * C) // VL)
    cdef double cost, best = -1
    bh[0], bw[0] = sh, sw
    for i in range(1, 9):
        for j in range(1, 9):
            vectors = columns(i * sh * j * sw * C) // VL
            cost = (<double>(i + (kh + sh - 2) // sh) * (j + (kw + sw - 2) // sw)) * (vectors + 0.5) / (i * sh * j * sw)
            if vectors <= most and (best < 0 or cost < best):
                best = cost
                bh[0], bw[0] = i * sh, j * sw


cdef Py_ssize_t floor(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return a // b if a >= 0 else -((b - 1 - a) // b)


cdef Py_ssize_t ceiling(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return -floor(-a, b)
