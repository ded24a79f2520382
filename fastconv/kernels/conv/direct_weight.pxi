# The weight gradient: how it is cut, and its jobs.
#
# A job is a part of the pixels, one tap, a block of the channels of x and a block of the columns of dy (output
# channels). It takes the pixels a block at a time and copies what the tiles read into panels: dy one tile of columns
# wide, x MR channels wide (where its pixels lie far apart and many tiles read them), both in the order in which they
# are read. With few channels (merged) a job takes a block of the kh * kw * C values of x under all taps of a pixel, which
# it reads from padded copies of its rows. While the tiles of one block are summed, they fetch the memory of the next.

cdef enum:
    PIXELS = 128                # pixels in a block with panels
    MOST = 256                  # pixels in a block without panels
    PANELS = 32                 # panels of MR channels in a block: 96 KiB of x in float32
    WIDTH = 1024 // REAL_BYTES  # columns in a block: 128 KiB of dy
    JOBS = 16                   # enough for many threads; more parts mean more sums to add
    SPREAD = 8192 // REAL_BYTES  # x is copied where the values between pixels x the tiles that read them are more

cdef struct Reading:            # how the tiles read x and dy
    bint merged                 # few channels: the values under all taps of a pixel are summed together
    bint pack_x, pack_dy        # copied to panels; else read where they lie
    bint planes                 # the channels of dy lie apart: transposed on the way to its panels
    Py_ssize_t taps, length     # values of x of a pixel: taps of `length` values each, kh * kw x C or 1 x kh * kw * C
    Py_ssize_t step             # from a pixel of x to the next
    Py_ssize_t pixels           # of a block
    # merged: a block is `rows` output rows of `images` images; the rows of x under those of one image, values in a copy
    # of such a row
    Py_ssize_t images, rows, span, row

cdef struct Blocks:
    Py_ssize_t tiles_of_group   # tiles of NR * VL columns
    Py_ssize_t tiles, blocks_k  # tiles of a block of columns, blocks of a group
    Py_ssize_t panels, blocks_c  # panels of MR values in a block of channels, blocks of a tap

cdef struct Parts:              # the output rows (n, i) are cut into parts, each with sums of its own
    Py_ssize_t rows, count
    Py_ssize_t size             # sums of a part: [group][tile of columns][tap][channel][lane]
    Py_ssize_t group            # sums of a group
    real *sums

cdef struct Sums:
    View x, dy
    Window window
    Py_ssize_t kh, kw, groups, C, K  # C and K of one group
    Reading reading
    Blocks blocks
    Parts parts


cdef void join_rows(Sums *g) noexcept nogil:
    """1x1 without padding: rows that follow each other in memory are one longer row."""
    cdef Py_ssize_t rows, most = MOST // g.dy.W
    cdef Window v = g.window
    if g.kh * g.kw != 1 or v.sh * v.sw != 1 or g.x.H != g.dy.H or g.x.W != g.dy.W or v.top or v.left:
        return
    if g.x.h_step != g.x.W * g.x.w_step or g.dy.h_step != g.dy.W * g.dy.w_step:
        return
    for rows in range(min(most, g.dy.H), 1, -1):
        if g.dy.H % rows == 0:
            g.dy.H, g.dy.W, g.dy.h_step = g.dy.H // rows, g.dy.W * rows, g.dy.h_step * rows
            g.x.H, g.x.W, g.x.h_step = g.dy.H, g.dy.W, g.x.h_step * rows
            return


cdef void cut_sums(Sums *g, bint merged) noexcept nogil:
    """Fill `reading`, `blocks` and `parts` from the shapes alone; blocks are of equal size."""
    cdef Reading *reading = &g.reading
    cdef Blocks *blocks = &g.blocks
    cdef Parts *parts = &g.parts
    cdef Py_ssize_t panels, jobs, most
    reading.merged = merged
    reading.taps = 1 if merged else g.kh * g.kw
    reading.length = g.kh * g.kw * g.C if merged else g.C
    panels, blocks.tiles_of_group = ceil_div(reading.length, MR), ceil_div(g.K, NR * VL)
    blocks.panels = ceil_div(panels, ceil_div(panels, PANELS))
    blocks.tiles = ceil_div(blocks.tiles_of_group, ceil_div(g.K, WIDTH))
    blocks.blocks_c = ceil_div(panels, blocks.panels)
    blocks.blocks_k = ceil_div(blocks.tiles_of_group, blocks.tiles)
    reading.step = g.window.sw * (g.C if merged else g.x.w_step)
    reading.pack_x = not merged and reading.length >= MR and reading.step * blocks.tiles > SPREAD
    reading.planes = merged and g.dy.c_step != 1 and g.K > 1
    reading.pack_dy = blocks.tiles_of_group > 1 or g.K != round_up(g.K, VL) or g.dy.w_step != g.K or reading.planes
    reading.pixels = PIXELS if reading.pack_x or reading.pack_dy or merged else MOST
    if merged:
        plan_runs(g)
    parts.group = round_up(g.K, VL) * reading.taps * reading.length
    parts.size = g.groups * parts.group
    parts.rows = g.dy.N * g.dy.H
    jobs = g.groups * reading.taps * blocks.blocks_c * blocks.blocks_k
    most = max(<Py_ssize_t>1, parts.rows * g.dy.W // MOST)  # no smaller part
    parts.count = max(<Py_ssize_t>1, min(min(ceil_div(JOBS, jobs), most), parts.rows))


# ---------------------------------------------------------------- jobs

cdef struct Ahead:              # what tiles fetch meanwhile: the first pixels of the next block, a line at a time
    const real *x
    const real *dy
    Py_ssize_t call, calls      # tiles so far, and in all
    Py_ssize_t every            # one in `every` fetches a line

cdef struct SumJob:
    Py_ssize_t group, tap, r, s     # the tap (r, s)
    Py_ssize_t c0, channels         # block of the values of a tap
    Py_ssize_t k0, columns, tiles   # block of columns
    Py_ssize_t lo, hi               # output columns whose input lies inside the image
    Py_ssize_t pixels               # of the block of pixels at hand
    Runs runs                       # the same in runs; x and dy as the tiles read them
    const real **x                  # scratch memory of runs.x, runs.dy and runs.pixels
    const real **dy
    Py_ssize_t *counts
    real *rows                      # merged: padded copies of the rows of x under a block
    Py_ssize_t *offsets             # merged: of the values of a pixel from its first one
    real *panel_x
    real *panel_dy
    Ahead ahead
    real *dw                        # sums of the part and group


cdef int sum_parts(Sums *g) noexcept nogil:
    """The sums of all parts; 1 if memory ran out."""
    cdef Ranges ranges
    cdef const Reading *reading = &g.reading
    cdef Py_ssize_t rows = times(times(reading.images, reading.span), reading.row) if reading.merged else \
        PIXELS * PANELS * MR
    cdef Py_ssize_t panels = PIXELS * WIDTH + VL
    cdef Py_ssize_t tables = MOST * (2 * sizeof(real *) + sizeof(Py_ssize_t)) + reading.length * sizeof(Py_ssize_t)
    cdef Py_ssize_t scratch = plus(tables, times(plus(panels, rows), sizeof(real)))
    cdef double products = <double>g.parts.rows * g.dy.W * g.parts.size
    cdef int threads = threads_for(products * DIRECT_PRODUCT_NS), failed = 0, thread
    cdef char *memory = NULL
    share_out(&ranges, g.parts.count * g.groups * g.reading.taps * g.blocks.blocks_k * g.blocks.blocks_c, threads)
    with parallel(num_threads=threads):
        memory = <char *>on_a_line(scratch)
        for thread in prange(threads, schedule="static"):
            failed |= sum_jobs(g, &ranges, thread, memory)
        free(memory)
    return failed


cdef int sum_jobs(Sums *g, Ranges *ranges, int thread, char *memory) noexcept nogil:
    """The jobs of one thread; 1 if there is no memory."""
    cdef SumJob j
    cdef Py_ssize_t job = next_job(ranges, thread)
    if memory == NULL:
        return 1
    j.ahead.x = j.ahead.dy = g.dy.data
    j.panel_dy = <real *>memory
    j.x = <const real **>(j.panel_dy + PIXELS * WIDTH + VL)
    j.dy = j.x + MOST
    j.counts = <Py_ssize_t *>(j.dy + MOST)
    j.offsets = j.counts + MOST
    j.rows = j.panel_x = <real *>(j.offsets + g.reading.length)
    if g.reading.merged:
        place_values(g, j.offsets)
    while job >= 0:
        sum_job(g, &j, job)
        job = next_job(ranges, thread)
    return 0


cdef void sum_job(const Sums *g, SumJob *j, Py_ssize_t job) noexcept nogil:
    """All pixels of a part, a block at a time, for one tap and its block of channels and columns."""
    cdef Py_ssize_t part = place_sums(g, j, job), tile
    cdef Py_ssize_t row = g.parts.rows * part // g.parts.count, end = g.parts.rows * (part + 1) // g.parts.count
    cdef Py_ssize_t column
    for tile in range(j.tiles):
        memset(sums_of(g, j, tile, j.c0), 0, j.channels * width_of(j, tile) * sizeof(real))
    find_columns(g, j)
    column = j.lo
    while row < end and j.lo < j.hi:
        if g.reading.merged:
            fill_rows(g, j, &row, end, &column)
        else:
            fill(g, j, &row, end, &column)
        if j.pixels:
            add_channels(g, j)


cdef Py_ssize_t place_sums(const Sums *g, SumJob *j, Py_ssize_t job) noexcept nogil:
    """job = (((part groups + group) taps + tap) blocks_k + block of columns) blocks_c + block of channels; the part."""
    cdef const Blocks *blocks = &g.blocks
    j.c0 = job % blocks.blocks_c * blocks.panels * MR
    job //= blocks.blocks_c
    j.k0 = job % blocks.blocks_k * blocks.tiles * NR * VL
    job //= blocks.blocks_k
    j.tap = job % g.reading.taps
    job //= g.reading.taps
    j.group = job % g.groups
    job //= g.groups
    j.r, j.s = j.tap // g.kw, j.tap % g.kw
    j.channels = min(blocks.panels * MR, g.reading.length - j.c0)
    j.columns = min(blocks.tiles * NR * VL, g.K - j.k0)
    j.tiles = ceil_div(j.columns, NR * VL)
    j.ahead.calls = ceil_div(j.channels, MR) * j.tiles
    j.ahead.every = lines(j.columns) + (0 if g.reading.merged else lines(j.channels))
    j.ahead.every = max(<Py_ssize_t>1, j.ahead.calls // j.ahead.every)
    j.dw = g.parts.sums + job * g.parts.size + j.group * g.parts.group
    return job


cdef Py_ssize_t lines(Py_ssize_t values) noexcept nogil:
    """Cache lines of so many values."""
    return ceil_div(values, LINE)


cdef Py_ssize_t width_of(const SumJob *j, Py_ssize_t tile) noexcept nogil:
    """Columns of a tile, whole vectors."""
    return round_up(min(<Py_ssize_t>(NR * VL), j.columns - tile * NR * VL), VL)


cdef real *sums_of(const Sums *g, const SumJob *j, Py_ssize_t tile, Py_ssize_t c) noexcept nogil:
    """The sums of value c under the tap, for a tile of columns."""
    cdef Py_ssize_t length = g.reading.length
    return j.dw + (j.k0 + tile * NR * VL) * g.reading.taps * length + (j.tap * length + c) * width_of(j, tile)


cdef void find_columns(const Sums *g, SumJob *j) noexcept nogil:
    """The output columns lo <= j < hi whose input lies inside the image: 0 <= j sw - left + s dw < W."""
    cdef Py_ssize_t s = j.s * g.window.dw, left = g.window.left, last = g.x.W - 1 + left - s
    j.lo, j.hi = 0, g.dy.W
    if not g.reading.merged:
        j.lo = ceil_div(left - s, g.window.sw) if left > s else 0
        j.hi = min(g.dy.W, last // g.window.sw + 1) if last >= 0 else 0
