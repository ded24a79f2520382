# The grid of output pixels, which forward and input gradient share, and its jobs.

cdef enum:
    TILES = 16          # tiles of a block of pixels, at most; a tile has MR pixels or MR - 1
    FEW = 4             # tiles of a block, at least: with fewer, reading the weights costs more than the sums
    CACHED = 1 << 16    # weights of a job, at most: they stay in the second cache from one block of pixels to the next

cdef struct TapList:    # the sum of an output pixel: `count` places of x, `length` channels of each
    Py_ssize_t count, length
    Py_ssize_t *h       # tap t of output (i, j) is row i * step_h + h[t] and column j * step_w + w[t] of x
    Py_ssize_t *w
    Py_ssize_t *at      # the same as a distance in memory: h[t] * x.h_step + w[t] * x.w_step
    Py_ssize_t top, bottom, left, right  # rows top <= i * step_h < bottom (columns likewise) read no padding

cdef struct Panels:     # packed operands; a panel is NR * VL output channels, fewer (whole vectors) at a group's end
    Py_ssize_t count        # panels of a group
    const real *w           # [group][panel][tap][channel][lane]
    Py_ssize_t group        # weights of a group
    const real *b           # [group][panel][lane], zeros if there is no bias
    Py_ssize_t b_group
    const real *zeros       # what a tap reads outside the image

cdef struct Cell:       # h x w neighbouring pixels of y with C channels each, computed as one output pixel; or h = 0
    Py_ssize_t h, w, C

cdef struct Jobs:       # how a grid is cut, see `place_job`
    Py_ssize_t count
    Py_ssize_t pixels       # of all images
    Py_ssize_t each         # pixels of a block, the first one has `short` fewer; or 0: blocks of the same size to a pixel
    Py_ssize_t short
    Py_ssize_t blocks, parts
    Py_ssize_t panels, sets  # panels of a set, sets of a group
    bint fetch              # the weights are too large for the second cache
    bint stream             # y is large and on whole vectors: stored around the caches
    bint planes             # y's channels lie apart: results are stored beside it, then transposed (direct_store.pxi)

cdef struct Grid:       # y[n][i][j] = sum over the taps t and channels of x[n][i * step_h + h[t]][j * step_w + w[t]]
    View x, y
    View r                # a residual of y's shape, perhaps y itself, or zeros
    Py_ssize_t GH, GW       # output pixels: i < GH, j < GW; of a cell, y has h * w as many
    Py_ssize_t step_h, step_w
    Py_ssize_t groups, C, K  # channels of x and y in one group
    int activation
    TapList taps
    Panels panels
    Cell cell
    Jobs jobs


cdef int run_grid(Grid *g) noexcept nogil:
    """All jobs of a grid; 1 if memory ran out."""
    cdef Py_ssize_t pixels = g.y.N * g.GH * g.GW
    cdef double products = <double>pixels * g.groups * round_up(g.K, VL) * (g.taps.count * g.taps.length + 4)
    cdef double weights = <double>g.groups * g.K * g.taps.count * g.taps.length * sizeof(real)
    cdef int threads = threads_for(products * DIRECT_PRODUCT_NS + weights / WEIGHT_READ_PER_NS), failed = 0, thread
    cdef Py_ssize_t job, scratch = job_memory(g)
    cdef Ranges ranges
    cdef char *memory = NULL
    cut_jobs(g, pixels, threads)
    if g.jobs.count == 0:
        return 0
    g.taps.at = <Py_ssize_t *>malloc(times(g.taps.count + 1, sizeof(Py_ssize_t)))
    share_out(&ranges, g.jobs.count, threads)
    failed = g.taps.at == NULL
    if not failed:
        find_inside(&g.taps, &g.x)
        with parallel(num_threads=threads):
            memory = <char *>on_a_line(scratch)
            for thread in prange(threads, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    failed |= run_job(g, job, memory)
                    job = next_job(&ranges, thread)
            free(memory)
    free(g.taps.at)
    return failed


cdef void find_inside(TapList *taps, const View *x) noexcept nogil:
    """The distance of each tap from its pixel, and the pixels whose taps all lie inside the image."""
    cdef Py_ssize_t t
    taps.top, taps.left, taps.bottom, taps.right = 0, 0, x.H, x.W
    for t in range(taps.count):
        taps.at[t] = taps.h[t] * x.h_step + taps.w[t] * x.w_step
        taps.top, taps.bottom = max(taps.top, -taps.h[t]), min(taps.bottom, x.H - taps.h[t])
        taps.left, taps.right = max(taps.left, -taps.w[t]), min(taps.right, x.W - taps.w[t])


# ---------------------------------------------------------------- jobs

cdef void cut_jobs(Grid *g, Py_ssize_t pixels, int threads) noexcept nogil:
    """Fill g.jobs: a job is a block of pixels times a set of panels. Results do not depend on the cut."""
    cdef Jobs *jobs = &g.jobs
    cdef Py_ssize_t tiles = ceil_div(pixels, MR)
    jobs.pixels, jobs.blocks = pixels, count_blocks(tiles, threads)
    jobs.planes = g.y.c_step != 1 and g.y.C > 1 and not g.cell.h
    jobs.stream = can_stream_planes(g, pixels) if jobs.planes else can_stream(&g.y, pixels, g.groups * g.K, g.K)
    jobs.each = jobs.short = 0
    if jobs.planes and jobs.stream:  # blocks begin on whole vectors of y
        jobs.each, jobs.short = round_up(ceil_div(pixels, jobs.blocks), VL), past_vector(g.y.data)
        jobs.blocks = ceil_div(pixels + jobs.short, jobs.each)
    jobs.parts = min(<Py_ssize_t>threads, jobs.blocks)
    jobs.panels = panels_of_a_set(g)
    jobs.sets = ceil_div(g.panels.count, jobs.panels)
    jobs.count = g.groups * jobs.sets * jobs.blocks
    jobs.fetch = g.groups * round_up(g.K, VL) * g.taps.count * g.taps.length > CACHED


cdef Py_ssize_t count_blocks(Py_ssize_t tiles, int threads) noexcept nogil:
    """The number of blocks into which `tiles` tiles of pixels are cut: at most TILES tiles each, none of them empty.

    With many pixels it is a multiple of the number of threads. With few pixels it is one block per thread, but no block
    gets fewer than FEW tiles; each thread then keeps its part of the image from layer to layer.
    """
    cdef Py_ssize_t blocks = ceil_div(tiles, TILES)
    if tiles == 0:
        return 0
    if blocks < threads:
        blocks = max(blocks, min(<Py_ssize_t>threads, tiles // FEW))
    else:
        blocks = round_up(blocks, threads)
    return blocks


cdef Py_ssize_t panels_of_a_set(const Grid *g) noexcept nogil:
    """Panels in a job: their weights fit the second cache, and 16 jobs or more remain.

    All panels where an output pixel is a cell: its pixels are stored once every channel is computed.
    """
    cdef Py_ssize_t panel = max(<Py_ssize_t>1, g.taps.count * g.taps.length) * NR * VL, cached
    if g.cell.h:
        return max(<Py_ssize_t>1, g.panels.count)
    cached = max(<Py_ssize_t>1, CACHED // panel)
    return max(<Py_ssize_t>1, min(cached, g.panels.count * g.groups * g.jobs.blocks // 16))


cdef bint can_stream(const View *y, Py_ssize_t pixels, Py_ssize_t channels, Py_ssize_t K) noexcept nogil:
    """Whether y is larger than the caches, and every panel of every pixel begins on a whole vector."""
    return pixels * channels >= STREAM_CONV_REALS and <size_t>y.data % (VL * sizeof(real)) == 0 and K % VL == 0 and \
        y.n_step % VL == 0 and y.h_step % VL == 0 and y.w_step % VL == 0


cdef struct Place:      # of a job
    Py_ssize_t group
    Py_ssize_t panel, stop      # panels from `panel` to `stop` - 1
    Py_ssize_t first, count     # pixels


cdef Place place_job(const Grid *g, Py_ssize_t job) noexcept nogil:
    """What a job computes. The pixels are cut into `parts`, one per thread, each of some blocks; jobs are counted so:

        group                        0                                                                 1 ...
        part          0                               1
        set           0             1                 0                      1
        block         0  1  2       0  1  2           3  4  5  6             3  4  5  6
        job           0  1  2       3  4  5           6  7  8  9             10 11 12 13              14 ...

    Threads take ranges of neighbouring jobs. So a thread keeps its pixels, and its next job reads the same weights.
    Part p holds the blocks from blocks * p // parts on: block q is in the last part that begins at or before q.
    """
    cdef const Jobs *jobs = &g.jobs
    cdef Place at
    cdef Py_ssize_t in_group = job % (jobs.blocks * jobs.sets)
    cdef Py_ssize_t part = ((in_group // jobs.sets + 1) * jobs.parts - 1) // jobs.blocks
    cdef Py_ssize_t block = jobs.blocks * part // jobs.parts, blocks = jobs.blocks * (part + 1) // jobs.parts - block
    cdef Py_ssize_t in_part = in_group - block * jobs.sets
    at.group = job // (jobs.blocks * jobs.sets)
    at.panel = in_part // blocks * jobs.panels
    at.stop = min(at.panel + jobs.panels, g.panels.count)
    block += in_part % blocks
    at.first = first_pixel(jobs, block)
    at.count = first_pixel(jobs, block + 1) - at.first
    return at


cdef inline Py_ssize_t first_pixel(const Jobs *jobs, Py_ssize_t block) noexcept nogil:
    """The pixel with which a block begins, or behind the last block the number of pixels."""
    if jobs.each == 0:
        return jobs.pixels * block // jobs.blocks
    return max(<Py_ssize_t>0, min(block * jobs.each - jobs.short, jobs.pixels))
