"""Weight gradient of the direct convolution on channels-last memory.

    dw[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, c, i sh - top + r dh, j sw - left + s dw]  (Zhang 2016, eqs. 39, 58)

A job is a part of the pixels, one tap, a block of the channels of x and a block of the columns of dy. It takes the
pixels a block at a time and copies what the tiles read into panels: dy a tile of columns wide, x MR channels wide
(where its pixels lie far apart and many tiles read them), both in the order in which they are read. With few channels
the values of x under all taps of a pixel are one row of a copy, and a job takes a block of these. While the tiles of
one block are summed, they fetch the memory of the next. Parts and blocks depend on the shapes alone, and the parts are
added in order.
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from fastconv.kernels.runtime.threads cimport threads_for
from .padded_rows cimport merges, pad_row
from ..simd.lanes cimport vtranspose
from ..runtime.sizes cimport on_a_line, plus, times
from ..runtime.work_stealing cimport next_job, share_out
from .tile cimport MR, NR, columns, tile_tn
from ..simd.vector cimport LINE, REAL_BYTES, VL, real, vf, vload, vprefetch, vstore, vzero

cdef enum:
    PIXELS = 128                # pixels in a block with panels
    MOST = 256                  # in one without
    PANELS = 32                 # panels of MR channels in a block: 96 KiB of x in float32
    WIDTH = 1024 // REAL_BYTES  # columns in a block: 128 KiB of dy
    JOBS = 16                   # enough for many threads; more parts mean more sums to add
    SPREAD = 8192 // REAL_BYTES # x is copied where values between pixels x tiles that read them are more
    AHEAD = 16                  # pixels between a line of x that is copied and one that is fetched

cdef struct Sums:
    const real *x
    const real *dy
    Py_ssize_t xn, xh, xw, xc, H, W, yn, yh, yw, N, OH, OW
    bint merged                 # the kh * kw * C values of a pixel are a run, copied together
    bint pack_x, pack_dy        # else the tiles read them where they lie
    Py_ssize_t pixels           # in a block
    Py_ssize_t taps, length, step   # reduction as the tiles see it: runs, values in a run, values between pixels
    Py_ssize_t sh, sw, dh, dw, top, left, kh, kw
    Py_ssize_t groups, C, K
    Py_ssize_t tiles_k, tiles, blocks_k     # column tiles of a group, of a block; blocks
    Py_ssize_t panels, blocks_c             # panels of MR values in a block; blocks
    Py_ssize_t rows             # output rows (n, i) in all
    Py_ssize_t parts            # pixel groups
    Py_ssize_t size             # of one part's sums: [group][column tile][tap][channel][lane]
    Py_ssize_t gsize            # of one group in it
    real *sums

cdef struct Job:
    Py_ssize_t group, tap, r, s     # the tap (r, s)
    Py_ssize_t c0, channels         # block of values of a run
    Py_ssize_t k0, columns, tiles   # block of columns
    Py_ssize_t lo, hi               # output columns whose input lies inside the image
    Py_ssize_t runs, pixels         # of the block at hand
    const real **x                  # first value of each run
    const real **dy
    Py_ssize_t *counts              # pixels of each run
    real *rows                      # padded copies of the rows of x under a run of pixels
    real *panel_x
    real *panel_dy
    const real *next_x              # first pixel of the block to come
    const real *next_dy
    Py_ssize_t call, calls, every   # tiles so far, and in all; one in `every` fetches a line of that block
    real *dw                        # sums of the part and group


def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dilation_h, Py_ssize_t dilation_w,
                    Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups, bint narrow=True):
    """dw = sum over pixels of dy times the x under the tap; dy and x channels-last, dw any strides."""
    cdef Sums g
    cdef int failed = 0
    cdef Py_ssize_t one = sizeof(real)
    g.N, g.OH, g.OW, g.H, g.W = dy.shape[0], dy.shape[2], dy.shape[3], x.shape[2], x.shape[3]
    if g.N == 0:
        dw[...] = 0
        return
    with nogil:
        g.x, g.dy = &x[0, 0, 0, 0], &dy[0, 0, 0, 0]
        g.xn, g.xh, g.xw = x.strides[0] // one, x.strides[2] // one, x.strides[3] // one
        g.xc = x.strides[1] // one
        g.yn, g.yh, g.yw = dy.strides[0] // one, dy.strides[2] // one, dy.strides[3] // one
        g.sh, g.sw, g.dh, g.dw, g.top, g.left = sh, sw, dilation_h, dilation_w, top, left
        g.kh, g.kw, g.groups, g.C, g.K = dw.shape[2], dw.shape[3], groups, dw.shape[1], dw.shape[0] // groups
        join_rows(&g)
        g.merged = merges(groups, g.C, g.kw if dilation_w == 1 and narrow else 1)
        divide(&g)
        g.sums = <real *>malloc(times(g.parts * g.size, sizeof(real)))
        failed = g.sums == NULL
        if not failed:
            failed = sum_parts(&g)
        if not failed:
            add_parts(&g, dw)
        free(g.sums)
    if failed:
        raise MemoryError()


cdef void join_rows(Sums *g) noexcept nogil:
    """1x1 without padding: rows that follow each other in memory are one longer row."""
    cdef Py_ssize_t rows, most = MOST // g.OW
    if g.kh * g.kw != 1 or g.sh * g.sw != 1 or g.H != g.OH or g.W != g.OW or g.top or g.left:
        return
    if g.xh != g.W * g.xw or g.yh != g.OW * g.yw:
        return
    for rows in range(min(most, g.OH), 1, -1):
        if g.OH % rows == 0:
            g.OH, g.OW, g.xh, g.yh = g.OH // rows, g.OW * rows, g.xh * rows, g.yh * rows
            g.H, g.W = g.OH, g.OW
            return


cdef Py_ssize_t ceiling(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef void divide(Sums *g) noexcept nogil:
    """The reduction as the tiles see it, its blocks of equal size, and the parts of the pixels."""
    cdef Py_ssize_t panels, jobs, most
    g.taps = 1 if g.merged else g.kh * g.kw
    g.length = g.kh * g.kw * g.C if g.merged else g.C
    panels, g.tiles_k = ceiling(g.length, MR), ceiling(g.K, NR * VL)
    g.blocks_c, g.blocks_k = ceiling(panels, PANELS), ceiling(g.K, WIDTH)
    g.panels, g.tiles = ceiling(panels, g.blocks_c), ceiling(g.tiles_k, g.blocks_k)
    g.blocks_k = ceiling(g.tiles_k, g.tiles)
    g.blocks_c = ceiling(panels, g.panels)
    g.step = g.panels * MR if g.merged else g.sw * g.xw
    g.pack_x = not g.merged and g.length >= MR and g.step * g.tiles > SPREAD
    g.pack_dy = g.tiles_k > 1 or g.K != columns(g.K) or g.yw != g.K
    g.pixels = PIXELS if g.pack_x or g.pack_dy or g.merged else MOST
    g.gsize = columns(g.K) * g.taps * g.length
    g.size = g.groups * g.gsize
    g.rows = g.N * g.OH
    jobs = g.groups * g.taps * g.blocks_c * g.blocks_k
    most = max(<Py_ssize_t>1, g.rows * g.OW // MOST)  # no smaller part
    g.parts = max(<Py_ssize_t>1, min(min(ceiling(JOBS, jobs), most), g.rows))


# ---------------------------------------------------------------- sums of the parts

cdef int sum_parts(Sums *g) noexcept nogil:
    cdef Py_ssize_t *ranges
    cdef Py_ssize_t rows = plus(times(g.kh, row_of(g, min(<Py_ssize_t>PIXELS, g.OW))), VL) if g.merged else 0
    cdef Py_ssize_t panels = PIXELS * (PANELS * MR + WIDTH) + VL
    cdef Py_ssize_t tables = MOST * (2 * sizeof(real *) + sizeof(Py_ssize_t))
    cdef Py_ssize_t scratch = plus(tables, times(plus(panels, rows), sizeof(real)))
    cdef int threads = threads_for(<double>g.rows * g.OW * g.size * 0.02), failed = 0, thread
    cdef char *memory = NULL
    ranges = share_out(g.parts * g.groups * g.taps * g.blocks_k * g.blocks_c, threads)
    if ranges == NULL:
        return 1
    with parallel(num_threads=threads):
        memory = <char *>on_a_line(scratch)
        for thread in prange(threads, schedule="static"):
            failed |= sum_range(g, ranges, threads, thread, memory)
        free(memory)
    free(ranges)
    return failed


cdef int sum_range(Sums *g, Py_ssize_t *ranges, int threads, int thread, char *memory) noexcept nogil:
    """What one thread does."""
    cdef Job j
    cdef Py_ssize_t job = next_job(ranges, threads, thread)
    if memory == NULL:
        return 1
    j.next_x = j.next_dy = g.dy
    j.panel_dy = <real *>memory
    j.panel_x = j.panel_dy + PIXELS * WIDTH
    j.x = <const real **>(j.panel_x + PIXELS * PANELS * MR + VL)
    j.dy = j.x + MOST
    j.counts = <Py_ssize_t *>(j.dy + MOST)
    j.rows = <real *>(j.counts + MOST)
    while job >= 0:
        sum_part(g, &j, job)
        job = next_job(ranges, threads, thread)
    return 0


cdef void sum_part(Sums *g, Job *j, Py_ssize_t job) noexcept nogil:
    """One job: all its pixels, a block at a time."""
    cdef Py_ssize_t part, row, end, column
    j.c0 = job % g.blocks_c * g.panels * MR
    job //= g.blocks_c
    j.k0 = job % g.blocks_k * g.tiles * NR * VL
    job //= g.blocks_k
    j.tap = job % g.taps
    job //= g.taps
    j.group, part = job % g.groups, job // g.groups
    j.r, j.s = j.tap // g.kw, j.tap % g.kw
    j.channels, j.columns = min(g.panels * MR, g.length - j.c0), min(g.tiles * NR * VL, g.K - j.k0)
    j.tiles = ceiling(j.columns, NR * VL)
    j.calls = ceiling(j.channels, MR) * j.tiles
    j.every = max(<Py_ssize_t>1, j.calls // (lines(j.columns) + (0 if g.merged else lines(j.channels))))
    j.dw = g.sums + part * g.size + j.group * g.gsize
    clear(g, j)
    inside(g, j)
    row, end = g.rows * part // g.parts, g.rows * (part + 1) // g.parts
    column = j.lo
    while row < end and j.lo < j.hi:
        fill(g, j, &row, end, &column)
        if j.pixels:
            add_channels(g, j)


cdef Py_ssize_t lines(Py_ssize_t values) noexcept nogil:
    return ceiling(values, LINE)


cdef Py_ssize_t width_of(Job *j, Py_ssize_t tile) noexcept nogil:
    """Columns of a tile, whole vectors."""
    return columns(min(<Py_ssize_t>(NR * VL), j.columns - tile * NR * VL))


cdef real *sums_of(Sums *g, Job *j, Py_ssize_t tile, Py_ssize_t c) noexcept nogil:
    """The sums of value c under the tap, for a tile of columns."""
    return j.dw + (j.k0 + tile * NR * VL) * g.taps * g.length + (j.tap * g.length + c) * width_of(j, tile)


cdef void clear(Sums *g, Job *j) noexcept nogil:
    cdef Py_ssize_t tile
    for tile in range(j.tiles):
        memset(sums_of(g, j, tile, j.c0), 0, j.channels * width_of(j, tile) * sizeof(real))


cdef void inside(Sums *g, Job *j) noexcept nogil:
    """The output columns whose input lies inside the image: 0 <= j sw - left + s dw < W."""
    cdef Py_ssize_t s = j.s * g.dw
    j.lo, j.hi = 0, g.OW
    if not g.merged:
        j.lo = ceiling(g.left - s, g.sw) if g.left > s else 0
        j.hi = g.W - 1 + g.left - s
        j.hi = min(g.OW, j.hi // g.sw + 1) if j.hi >= 0 else 0


# ---------------------------------------------------------------- a block of pixels

cdef void fill(Sums *g, Job *j, Py_ssize_t *row, Py_ssize_t end, Py_ssize_t *column) noexcept nogil:
    """The next block of pixels, from (row, column) on: runs of pixels of one output row each."""
    cdef Py_ssize_t n, i, h, count
    cdef const real *x
    j.runs = j.pixels = j.call = 0
    while row[0] < end and j.pixels < g.pixels:
        n, i = row[0] // g.OH, row[0] % g.OH
        h = i * g.sh - g.top + j.r * g.dh
        if g.merged or 0 <= h < g.H:
            count = min(g.pixels - j.pixels, j.hi - column[0])
            if g.merged:
                x = unfold(g, j, g.x + n * g.xn, i * g.sh - g.top, column[0] * g.sw - g.left, count)
            else:
                x = g.x + n * g.xn + h * g.xh + (column[0] * g.sw - g.left + j.s * g.dw) * g.xw + j.group * g.C
            add_run(g, j, x, g.dy + n * g.yn + i * g.yh + column[0] * g.yw + j.group * g.K + j.k0, count)
            column[0] += count
        else:
            column[0] = j.hi
        if column[0] == j.hi:
            row[0] += 1
            column[0] = j.lo
    if g.pack_x and j.pixels:
        pack_x(g, j)


cdef Py_ssize_t row_of(Sums *g, Py_ssize_t count) noexcept nogil:
    """Values in a row of x under a row of the kernel at `count` pixels."""
    return times(g.C, (count - 1) * g.sw + g.kw)


cdef const real *unfold(Sums *g, Job *j, const real *x, Py_ssize_t h0, Py_ssize_t w0, Py_ssize_t count) noexcept nogil:
    """A row of the job's values for each of `count` pixels, the first of which has (h0, w0) under its first tap.

    Runs are copied by whole vectors: what is too much is overwritten by the run that follows.
    """
    cdef Py_ssize_t run = g.kw * g.C, size = row_of(g, count), r0 = j.c0 // run, skipped = j.c0 - r0 * run
    cdef Py_ssize_t r, p, h, v, left, values
    cdef real *panel = j.panel_x + j.pixels * g.step
    cdef real *to
    cdef const real *source
    for r in range(ceiling(skipped + j.channels, run)):
        h = h0 + (r0 + r) * g.dh
        pad_row(x + h * g.xh, g.xw, g.xc, 0 <= h < g.H, g.W, g.C, j.rows + r * size, size // g.C, w0)
    for p in range(count):
        to = panel + p * g.step
        source = j.rows + p * g.sw * g.C + skipped
        left = j.channels
        values = min(left, run - skipped)
        while left > 0:
            v = 0
            while v < values:
                vstore(to + v, vload(source + v))
                v += VL
            source += size - run + values if left == j.channels else size
            to += values
            left -= values
            values = min(left, run)
    return panel - j.c0


cdef void add_run(Sums *g, Job *j, const real *x, const real *dy, Py_ssize_t count) noexcept nogil:
    j.x[j.runs], j.dy[j.runs], j.counts[j.runs] = x, dy, count
    j.next_x, j.next_dy = x + j.c0 + count * g.step, dy + count * g.yw
    if g.pack_dy:
        pack_dy(g, j, dy, count)
    j.runs += 1
    j.pixels += count


cdef void pack_dy(Sums *g, Job *j, const real *dy, Py_ssize_t count) noexcept nogil:
    """Some pixels into the panels of all tiles, PIXELS x width each; zeros beyond the last column."""
    cdef Py_ssize_t tile, p, v, lanes, width
    cdef real *panel
    cdef const real *source
    for tile in range(j.tiles):
        width = width_of(j, tile)
        lanes = min(width, j.columns - tile * NR * VL)
        panel = j.panel_dy + tile * NR * VL * PIXELS + j.pixels * width
        source = dy + tile * NR * VL
        if lanes == NR * VL:
            for p in range(count):
                for v in range(NR):
                    vstore(panel + v * VL, vload(source + v * VL))
                panel += NR * VL
                source += g.yw
        else:
            for p in range(count):
                memcpy(panel, source, lanes * sizeof(real))
                memset(panel + lanes, 0, (width - lanes) * sizeof(real))
                panel += width
                source += g.yw


cdef void pack_x(Sums *g, Job *j) noexcept nogil:
    """Panels of MR channels, PIXELS x MR each; the last MR overlap the ones before them."""
    cdef Py_ssize_t run, p, i, panels = ceiling(j.channels, MR), count = lines(j.channels)
    cdef Py_ssize_t last = min((panels - 1) * MR, g.length - MR - j.c0)
    cdef real *panel = j.panel_x
    cdef const real *x
    for run in range(j.runs):
        x = j.x[run] + j.c0
        for p in range(j.counts[run]):
            for i in range(count):
                vprefetch(x + AHEAD * g.step + i * LINE)
            for i in range(panels - 1):
                memcpy(panel + i * PIXELS * MR, x + i * MR, MR * sizeof(real))
            memcpy(panel + (panels - 1) * PIXELS * MR, x + last, MR * sizeof(real))
            panel += MR
            x += g.step


cdef void add_channels(Sums *g, Job *j) noexcept nogil:
    """MR values of a run at a time; the last MR overlap the ones before them, whose sums are not stored twice."""
    cdef Py_ssize_t panel, c, first
    if g.length < MR:
        for c in range(j.channels):
            add_columns(g, j, NULL, c, 0, 1)
        return
    for panel in range(ceiling(j.channels, MR)):
        c = j.c0 + panel * MR
        first = min(c, g.length - MR)
        add_columns(g, j, j.panel_x + panel * PIXELS * MR, first, <int>(c - first), MR)


cdef void add_columns(Sums *g, Job *j, const real *panel, Py_ssize_t c, int skip, int rows) noexcept nogil:
    """Some values from c on, and all tiles of columns."""
    cdef Py_ssize_t tile, width, run, ahead_step, x_step = MR if g.pack_x else g.step
    cdef const real *at
    cdef const real *ahead
    for tile in range(j.tiles):
        width = width_of(j, tile)
        if g.pack_dy:
            at = j.panel_dy + tile * NR * VL * PIXELS
            for run in range(j.runs):
                j.dy[run] = at
                at += j.counts[run] * width
        if g.pack_x:
            at = panel
            for run in range(j.runs):
                j.x[run] = at
                at += j.counts[run] * MR
        ahead = next_line(g, j, &ahead_step)
        tile_tn(j.x, j.dy, j.counts, j.runs, 0 if g.pack_x else c, x_step, 0, width if g.pack_dy else g.yw,
                sums_of(g, j, tile, c), width, skip, rows, <int>(width // VL), ahead, ahead_step)


cdef const real *next_line(Sums *g, Job *j, Py_ssize_t *step) noexcept nogil:
    """A cache line of the first pixel of the block to come, and how far the next pixel's is."""
    cdef Py_ssize_t call = j.call, line = call // j.every, of_dy = lines(j.columns)
    step[0] = 0
    j.call += 1
    if g.merged and j.columns == g.yw:  # few tiles, and dy lies in one piece: each tile walks through its part
        step[0] = g.yw // j.calls + 1
        return j.next_dy + call * j.pixels * g.yw // j.calls
    if call % j.every:
        return j.next_dy
    if line < of_dy:
        step[0] = g.yw
        return j.next_dy + line * LINE
    if not g.merged and line < of_dy + lines(j.channels):
        step[0] = g.step
        return j.next_x + (line - of_dy) * LINE
    return j.next_dy


# ---------------------------------------------------------------- the sum over the parts

cdef void add_parts(Sums *g, real[:, :, :, :] dw) noexcept nogil:
    """dw[k,c,r,s] = the sums of all parts, in order."""
    cdef Py_ssize_t job, blocks = ceiling(g.C, VL)
    cdef int threads = threads_for(<double>g.size * g.parts * 0.3)
    for job in prange(g.groups * g.tiles_k * blocks, num_threads=threads, schedule="static"):
        add_block(g, dw, job // blocks // g.tiles_k, job // blocks % g.tiles_k, job % blocks * VL)


cdef void add_block(Sums *g, real[:, :, :, :] dw, Py_ssize_t group, Py_ssize_t tile, Py_ssize_t c0) noexcept nogil:
    """VL channels of one tile of columns, turned in registers, since dw is written along its rows."""
    cdef Py_ssize_t k0 = tile * NR * VL, lanes = min(<Py_ssize_t>(NR * VL), g.K - k0), width = columns(lanes)
    cdef Py_ssize_t count = min(<Py_ssize_t>VL, g.C - c0), one = sizeof(real), r, s, c, part
    cdef const real *sums = g.sums + group * g.gsize + k0 * g.kh * g.kw * g.C + c0 * width
    cdef const real *row
    cdef vf total[VL]
    for c in range(VL):
        total[c] = vzero
    while lanes > 0:
        for r in range(g.kh):
            for s in range(g.kw):
                row = sums + (r * g.kw + s) * g.C * width
                for c in range(count):
                    total[c] = vload(row)
                    for part in range(1, g.parts):
                        total[c] = total[c] + vload(row + part * g.size)
                    row += width
                vtranspose(total)
                store_rows(<const real *>total, min(lanes, <Py_ssize_t>VL), count, &dw[group * g.K + k0, c0, r, s],
                           dw.strides[0] // one, dw.strides[1] // one)
        sums += VL
        k0 += VL
        lanes -= VL


cdef inline void store_rows(const real *values, Py_ssize_t lanes, Py_ssize_t count, real *dw, Py_ssize_t k_step,
                            Py_ssize_t c_step) noexcept nogil:
    """dw[lane * k_step + c * c_step] = values[lane][c]."""
    cdef Py_ssize_t lane, c
    for lane in range(lanes):
        if c_step == 1 and count == VL:
            vstore(dw, vload(values))
        else:
            for c in range(count):
                dw[c * c_step] = values[c]
        values += VL
        dw += k_step
