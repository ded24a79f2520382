# dw = dy^T x, a block of samples at a time: both operands are copied, unless they are small, then a job computes some
# rows and panels of dw.

cdef enum:
    WHOLE_ROW_SAMPLES = 16  # up to which a job computes whole rows of dw
    ROWS_PER_JOB = 96       # of dw, for more samples
    PANELS_ACROSS = 16      # of dw in a job, for more samples
    SAMPLES_PER_COPY = 16   # samples that a job of copying takes
    IN_PLACE_ROWS = 128     # of dw, up to which small operands are read where they lie

cdef extern from *:
    """
    #define IN_PLACE_BYTES (1 << 19)
    """
    enum: IN_PLACE_BYTES    # of x, which stay in the second cache

cdef struct Weight:
    Matrix dy, x, dw
    real *numbers        # dy, tile after tile of OUTER_ROWS outputs, [tile][n][OUTER_ROWS]
    real *panels         # x, panel after panel, [panel][n][PANEL_WIDTH]
    real *own            # scratch of a tile of dw, for each thread
    Py_ssize_t start, length  # the block of samples
    Py_ssize_t rows, across   # rows and panels of dw in a job
    bint stream          # dw is stored around the caches
    bint in_place        # dy and x are read where they lie


def backward_weight(const real[:, :] dy, const real[:, :] x, real[:, :] dw):
    """dw = dy^T x"""
    cdef Weight g
    if dy.shape[0] == 0:
        dw[:, :] = 0
        return
    memset(&g, 0, sizeof(g))
    try:
        open_matrix(&g.dy, dy, True)
        open_matrix(&g.x, x, True)
        open_matrix(&g.dw, dw, False)
        run_weight(&g)
    finally:
        close_matrix(&g.dy, False)
        close_matrix(&g.x, False)
        close_matrix(&g.dw, True)


cdef int run_weight(Weight *g) except -1:
    """Copy a block of samples and add its products to dw, block after block."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t N = g.dy.rows, O = g.dw.rows, I = g.dw.columns, job, groups, across
    cdef int threads = threads_for(<double>N * O * I / (DENSE_PRODUCTS_PER_NS * VL)
                                   + O * I * REAL_BYTES / DENSE_WRITE_PER_NS)
    cdef int packers = 1
    g.rows = OUTER_ROWS if N <= WHOLE_ROW_SAMPLES else ROWS_PER_JOB
    g.across = ceil_div(I, PANEL_WIDTH) if N <= WHOLE_ROW_SAMPLES else PANELS_ACROSS
    groups, across = ceil_div(O, g.rows), ceil_div(ceil_div(I, PANEL_WIDTH), g.across)
    g.stream = (O * I * REAL_BYTES >= STREAM_DENSE_BYTES and N <= OUTER_BLOCK and g.dw.step % VL == 0 and I % VL == 0
                and <size_t>g.dw.p % (VL * REAL_BYTES) == 0)
    g.in_place = O <= IN_PLACE_ROWS and I % VL == 0 and N * I * REAL_BYTES <= IN_PLACE_BYTES
    if not g.in_place:
        packers = threads_for(N * (I * DENSE_PACK_PANELS_NS + O * DENSE_PACK_DY_NS))
    try:
        allocate_copies(g, threads)
        while g.start < N:
            g.length = min(<Py_ssize_t>OUTER_BLOCK, N - g.start)
            share_out(&ranges, 0 if g.in_place else ceil_div(g.length, SAMPLES_PER_COPY), packers)
            for thread in prange(packers, nogil=True, num_threads=packers, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    pack_samples(g, job * SAMPLES_PER_COPY, min(job * SAMPLES_PER_COPY + SAMPLES_PER_COPY, g.length))
                    job = next_job(&ranges, thread)
            share_out(&ranges, groups * across, threads)
            for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    weight_job(g, job // across * g.rows, job % across * g.across,
                               g.own + threadid() * OUTER_ROWS * PANEL_WIDTH)
                    job = next_job(&ranges, thread)
            g.start += OUTER_BLOCK
    finally:
        free(g.numbers)
        free(g.panels)
        free(g.own)
    return 0


cdef int allocate_copies(Weight *g, int threads) except -1:
    """Memory for a block of samples of dy and x, and for a tile of dw of each thread."""
    cdef Py_ssize_t block = min(g.dy.rows, <Py_ssize_t>OUTER_BLOCK)
    g.own = <real *>malloc(threads * OUTER_ROWS * PANEL_WIDTH * REAL_BYTES)
    if not g.in_place:
        g.numbers = <real *>malloc(round_up(g.dw.rows, OUTER_ROWS) * block * REAL_BYTES)
        g.panels = <real *>malloc(round_up(g.dw.columns, PANEL_WIDTH) * block * REAL_BYTES)
    if g.own == NULL or not g.in_place and (g.numbers == NULL or g.panels == NULL):
        raise MemoryError("the operands of a dense layer in order")
    return 0


cdef void pack_samples(const Weight *g, Py_ssize_t n, Py_ssize_t stop) noexcept nogil:
    """Samples n to stop - 1 of the block: x to panels, dy to tiles of OUTER_ROWS outputs, zeros behind the last."""
    cdef Py_ssize_t O = g.dw.rows, o, tile
    cdef const real *dy
    cdef real *to
    pack_panels(g.x.p + (g.start + n) * g.x.step, g.x.step, stop - n, g.x.columns, g.panels + n * PANEL_WIDTH,
                g.length * PANEL_WIDTH)
    while n < stop:
        dy = g.dy.p + (g.start + n) * g.dy.step
        for tile in range(ceil_div(O, OUTER_ROWS)):
            o = tile * OUTER_ROWS
            to = g.numbers + o * g.length + n * OUTER_ROWS
            if O - o >= OUTER_ROWS:
                memcpy(to, dy + o, OUTER_ROWS * REAL_BYTES)
            else:
                copy_rows(dy + o, 0, 1, O - o, to, OUTER_ROWS)
        n += 1


cdef void weight_job(const Weight *g, Py_ssize_t first, Py_ssize_t panel, real *own) noexcept nogil:
    """dw[o, i] (+)= sum_n dy[n, o] x[n, i] over the block of samples; rows from `first` and panels from `panel` on."""
    cdef Py_ssize_t O = g.dw.rows, I = g.dw.columns, stop = min(first + g.rows, O), o, tile
    cdef Py_ssize_t last = min(panel + g.across, ceil_div(I, PANEL_WIDTH))
    cdef Product p
    p.a_row, p.steps, p.ahead, p.ahead_step = 1, g.length, own, 0
    p.a_step = g.dy.step if g.in_place else <Py_ssize_t>OUTER_ROWS
    p.w_step = g.x.step if g.in_place else <Py_ssize_t>PANEL_WIDTH
    while panel < last:
        for tile in range(ceil_div(stop - first, OUTER_ROWS)):
            o = first + tile * OUTER_ROWS
            if g.in_place:
                p.a, p.w = g.dy.p + g.start * g.dy.step + o, g.x.p + g.start * g.x.step + panel * PANEL_WIDTH
            else:
                p.a, p.w = g.numbers + o * g.length, g.panels + panel * g.length * PANEL_WIDTH
            p.y, p.y_row = g.dw.p + o * g.dw.step + panel * PANEL_WIDTH, g.dw.step
            p.add, p.stream = g.start > 0, g.stream
            outer_part(&p, min(<Py_ssize_t>OUTER_ROWS, stop - o), min(<Py_ssize_t>PANEL_WIDTH, I - panel * PANEL_WIDTH),
                       own)
        panel += 1
    if g.stream:
        vfence()
