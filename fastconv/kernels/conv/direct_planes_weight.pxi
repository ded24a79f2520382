# The weight gradient of 1 x 1 kernels on planar memory: dw (K x C) = sum_n dy[n] (K x pixels) x[n]^T (pixels x C).
#
# Rows of a tile are planes of the side with more channels, read where they are; its vectors are channels of the other
# side, transposed to panels, a block of pixels at a time. A part of the blocks has sums of its own; parts depend on the
# shapes alone and are added in order.

cdef enum:
    PLANE_BLOCK = 128       # pixels of a block, at most: a panel of it is 32 KiB in float32
    PLANE_SUM_JOBS = 16     # enough for many threads; more parts mean more sums to add

cdef struct PlaneSums:
    View a, b                   # rows and columns: dy and x, or x and dy
    Py_ssize_t groups, M, L     # channels of a and b in one group
    Py_ssize_t pixels
    Py_ssize_t images, pieces   # a block is some whole images, or one of the pieces of an image
    Py_ssize_t blocks, panels, parts
    Cut cut                     # of the rows into tiles
    Py_ssize_t width            # sums of a row, whole vectors
    Py_ssize_t size             # sums of a part: [group][row][column], then rows of no channel
    bint exchanged              # a row is a channel of x
    bint joined_b               # a plane of b is one run of memory; of a it always is
    real *sums


cdef int run_plane_sums(PlaneSums *g, View dy, View x, const View *dw) noexcept nogil:
    """dw, from jobs of one part, group and panel each; 1 if memory ran out."""
    cdef double products = <double>dw.N * dw.C * dy.N * dy.H * dy.W
    cdef int failed, thread, threads = threads_for(products * DIRECT_PRODUCT_NS)
    cdef Py_ssize_t job, jobs
    cdef Py_ssize_t *ranges
    cdef char *memory = NULL
    cut_plane_sums(g, dy, x, dw)
    jobs = g.parts * g.groups * g.panels
    g.sums = <real *>on_a_line(times(times(g.parts, g.size), sizeof(real)))
    ranges = share_out(jobs, threads)
    failed = g.sums == NULL or ranges == NULL
    if not failed:
        with parallel(num_threads=threads):
            memory = <char *>on_a_line(plane_sum_memory(g))
            for thread in prange(threads, schedule="static"):
                job = next_job(ranges, threads, thread)
                while job >= 0:
                    failed |= run_plane_sum(g, job, memory)
                    job = next_job(ranges, threads, thread)
            free(memory)
    if not failed:
        add_plane_parts(g, dw)
    free(ranges)
    free(g.sums)
    return failed


cdef void cut_plane_sums(PlaneSums *g, View dy, View x, const View *dw) noexcept nogil:
    """Sides, blocks, panels and parts, from the shapes alone."""
    cdef Py_ssize_t K = dw.N // g.groups, C = dw.C
    g.exchanged = C > K
    g.a, g.b = (x, dy) if g.exchanged else (dy, x)
    g.M, g.L = max(K, C), min(K, C)
    g.pixels = dy.H * dy.W
    g.joined_b = one_run(&g.b, dy.H, dy.W)
    g.images = max(<Py_ssize_t>1, PLANE_BLOCK // g.pixels)
    g.pieces = ceil_div(g.pixels, PLANE_BLOCK)
    g.blocks = ceil_div(dy.N, g.images) * g.pieces
    g.cut = cut(g.M)
    g.width = round_up(g.L, VL)
    g.panels = ceil_div(g.width, NR * VL)
    g.size = times(plus(times(g.groups, g.M), MR), g.width)
    g.parts = min(g.blocks, ceil_div(PLANE_SUM_JOBS, g.groups * g.panels))


cdef Py_ssize_t plane_sum_memory(const PlaneSums *g) noexcept nogil:
    """Bytes of scratch memory of a job: a panel, then the row pointers of a tile."""
    return (PLANE_BLOCK * NR * VL) * sizeof(real) + PLANE_BLOCK * MR * sizeof(real *)


cdef int run_plane_sum(const PlaneSums *g, Py_ssize_t job, char *memory) noexcept nogil:
    """All blocks of a part for one panel of columns; job = (part groups + group) panels + panel."""
    cdef Py_ssize_t panel = job % g.panels, group = job // g.panels % g.groups, part = job // g.panels // g.groups
    cdef Py_ssize_t l0 = panel * NR * VL, width = min(<Py_ssize_t>(NR * VL), g.width - l0), block, k
    cdef real *sums = g.sums + part * g.size + group * g.M * g.width + l0
    cdef real *packed = <real *>memory
    cdef const real **rows = <const real **>(packed + PLANE_BLOCK * NR * VL)
    if memory == NULL:
        return 1
    memset(packed, 0, PLANE_BLOCK * NR * VL * sizeof(real))
    for k in range(g.M):
        memset(sums + k * g.width, 0, width * sizeof(real))
    for block in range(g.blocks * part // g.parts, g.blocks * (part + 1) // g.parts):
        add_plane_block(g, block, group, l0, width, sums, packed, rows)
    return 0


cdef void add_plane_block(const PlaneSums *g, Py_ssize_t block, Py_ssize_t group, Py_ssize_t l0, Py_ssize_t width,
                          real *sums, real *packed, const real **rows) noexcept nogil:
    """sums[m][l] += sum over the pixels of the block of a[m] b[l], for all rows and a panel of columns."""
    cdef Py_ssize_t n = block // g.pieces * g.images, images = min(g.images, g.a.N - n), piece = block % g.pieces
    cdef Py_ssize_t first = g.pixels * piece // g.pieces, length = g.pixels * (piece + 1) // g.pieces - first
    cdef Py_ssize_t t, m, i, m0 = 0, mr, lanes = min(width, g.L - l0)
    cdef const real *a = g.a.data + n * g.a.n_step + group * g.M * g.a.c_step + first
    cdef const real *b = g.b.data + n * g.b.n_step + (group * g.L + l0) * g.b.c_step
    cdef real *out[MR]
    cdef real junk[NR * VL]
    cdef Terms terms
    for t in range(images):
        if g.joined_b:
            transpose_pixels(b + first, g.b.c_step, length, lanes, width, packed + t * length * width)
        else:
            gather_channels(&g.b, b, first, length, lanes, width, packed + t * length * width)
        b += g.b.n_step
    terms.taps, terms.offset, terms.length, terms.w = images, 0, length, packed
    terms.init, terms.activation, terms.stream = NULL, 0, False
    terms.init_row = terms.init_vector = 0
    memset(junk, 0, sizeof(junk))
    for m in range(g.cut.tiles):
        mr = height(&g.cut, m)
        for i in range(mr):
            out[i] = sums + (m0 + i) * g.width if m0 + i < g.M else junk
            for t in range(images):
                rows[t * mr + i] = a + t * g.a.n_step + min(m0 + i, g.M - 1) * g.a.c_step
        plane_tile(rows, out, &terms, <int>mr, <int>(width // VL))
        m0 += mr


cdef void transpose_pixels(const real *x, Py_ssize_t c_step, Py_ssize_t pixels, Py_ssize_t channels, Py_ssize_t width,
                           real *to) noexcept nogil:
    """to[p][c] = x[c][p]"""
    cdef Py_ssize_t p, c = 0
    while c < channels:
        p = 0
        while p < pixels:
            if p + VL <= pixels and c + VL <= channels:
                square(x + c * c_step + p, c_step, to + p * width + c, width, 0)
            else:
                square_part(x + c * c_step + p, c_step, to + p * width + c, width, min(<Py_ssize_t>VL, pixels - p),
                            min(<Py_ssize_t>VL, channels - c))
            p += VL
        c += VL


cdef void gather_channels(const View *b, const real *x, Py_ssize_t first, Py_ssize_t pixels, Py_ssize_t channels,
                          Py_ssize_t width, real *to) noexcept nogil:
    """to[p][c] = x[c][first + p], pixels at any places."""
    cdef Py_ssize_t p, c
    cdef const real *pixel
    for p in range(pixels):
        pixel = x + (first + p) // b.W * b.h_step + (first + p) % b.W * b.w_step
        for c in range(channels):
            to[p * width + c] = pixel[c * b.c_step]


cdef void add_plane_parts(const PlaneSums *g, const View *dw) noexcept nogil:
    """dw = the sums of all parts, in order."""
    cdef Py_ssize_t blocks = ceil_div(g.M, VL), job
    cdef int threads = threads_for(<double>g.size * g.parts * DIRECT_ADD_NS)
    for job in prange(g.groups * blocks, num_threads=threads, schedule="static"):
        add_plane_rows(g, dw, job // blocks, job % blocks * VL)


cdef void add_plane_rows(const PlaneSums *g, const View *dw, Py_ssize_t group, Py_ssize_t m0) noexcept nogil:
    """VL rows of sums, in squares of VL columns; transposed where the rows are channels of x."""
    cdef Py_ssize_t rows = min(<Py_ssize_t>VL, g.M - m0), l0 = 0, m, part, columns
    cdef Py_ssize_t row_step = dw.c_step if g.exchanged else dw.n_step
    cdef Py_ssize_t column_step = dw.n_step if g.exchanged else dw.c_step
    cdef real *to = dw.data + group * (g.L if g.exchanged else g.M) * dw.n_step + m0 * row_step
    cdef const real *sums = g.sums + (group * g.M + m0) * g.width
    cdef const real *row
    cdef vf total[VL]
    for m in range(VL):
        total[m] = vzero
    while l0 < g.L:
        columns = min(<Py_ssize_t>VL, g.L - l0)
        for m in range(rows):
            row = sums + m * g.width + l0
            total[m] = vload(row)
            for part in range(1, g.parts):
                total[m] = total[m] + vload(row + part * g.size)
        if g.exchanged:
            vtranspose(total)
            store_square(total, columns, rows, column_step, row_step, to + l0 * column_step)
        else:
            store_square(total, rows, columns, row_step, column_step, to + l0 * column_step)
        l0 += VL


cdef void store_square(const vf *v, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t row_step, Py_ssize_t column_step,
                       real *to) noexcept nogil:
    """to[i * row_step + j * column_step] = v[i][j]"""
    cdef Py_ssize_t i, j
    cdef const real *values = <const real *>v
    for i in range(rows):
        if column_step == 1:
            vwrite(to + i * row_step, columns, v[i])
        else:
            for j in range(columns):
                to[i * row_step + j * column_step] = values[i * VL + j]
