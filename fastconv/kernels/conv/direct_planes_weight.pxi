# The weight gradient of 1 x 1 kernels on planar memory: dw (K x C) = sum_n dy[n] (K x pixels) x[n]^T (pixels x C).
#
# Rows of a tile are planes of dy, read where they are; its vectors are channels of x, transposed to panels, a block of
# pixels at a time. Where dy has few channels and x has more, they change places, so that each panel is read by more
# rows. The work is cut into panels, sets of rows, and parts of the blocks of pixels with sums of their own; parts
# depend on the shapes alone and are added in order. The sums of a single part are dw itself, where its memory allows.

cdef enum:
    PLANE_BLOCK = 128       # pixels of a block, at most: a panel of it is 32 KiB in float32
    PLANE_SUM_JOBS = 16     # enough for many threads; more parts mean more sums to add
    SET_ROWS = 256          # rows that read a panel, at least, where there are so many

cdef struct PlaneSums:
    View a, b                   # rows and columns: dy and x, or x and dy
    Py_ssize_t groups, M, L     # channels of a and b in one group
    Py_ssize_t pixels
    Py_ssize_t images, pieces   # a block is some whole images, or one of the pieces of an image
    Py_ssize_t blocks, panels, sets, parts
    Cut cut                     # of the rows into tiles
    Py_ssize_t row              # sums of a row, whole vectors
    Py_ssize_t size             # sums of a part: [group][row][column]
    bint in_place               # the sums are dw
    bint exchanged              # a row is a channel of x
    bint joined_b               # a plane of b is one run of memory; of a it always is
    real *sums


cdef struct PlaneSumJob:
    Py_ssize_t group, l0
    Py_ssize_t lanes, width     # columns of the panel, and whole vectors of them
    Py_ssize_t start, stop      # tiles of rows
    real *sums                  # of row 0 of the group
    real *packed                # [image][pixel][lane]
    const real **rows           # [image][row of a tile]
    const real *init            # zeros for the first block


cdef int run_plane_sums(PlaneSums *g, View dy, View x, const View *dw) noexcept nogil:
    """dw, from jobs of one part, group, panel and set each; 1 if memory ran out."""
    cdef double products = <double>dw.N * dw.C * dy.N * dy.H * dy.W
    cdef int failed, thread, threads = threads_for(products * POINTWISE_WEIGHT_NS)
    cdef Py_ssize_t job, jobs
    cdef Ranges ranges
    cdef char *memory = NULL
    cdef real *own = NULL
    cut_plane_sums(g, dy, x, dw)
    jobs = g.parts * g.groups * g.panels * g.sets
    if not g.in_place:
        own = <real *>on_a_line(times(times(g.parts, g.size), sizeof(real)))
        g.sums = own
    share_out(&ranges, jobs, threads)
    failed = g.sums == NULL
    if not failed:
        with parallel(num_threads=threads):
            memory = <char *>on_a_line(plane_sum_memory())
            for thread in prange(threads, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    failed |= run_plane_sum(g, job, memory)
                    job = next_job(&ranges, thread)
            free(memory)
    if not failed and not g.in_place:
        add_plane_parts(g, dw)
    free(own)
    return failed


cdef void cut_plane_sums(PlaneSums *g, View dy, View x, const View *dw) noexcept nogil:
    """Sides, blocks, panels, sets and parts, from the shapes alone."""
    cdef Py_ssize_t K = dw.N // g.groups, C = dw.C
    g.exchanged = C > K and K < SET_ROWS
    g.a, g.b = (x, dy) if g.exchanged else (dy, x)
    g.M, g.L = (C, K) if g.exchanged else (K, C)
    g.pixels = dy.H * dy.W
    g.joined_b = one_run(&g.b, dy.H, dy.W)
    g.images = max(<Py_ssize_t>1, PLANE_BLOCK // g.pixels)
    g.pieces = ceil_div(g.pixels, PLANE_BLOCK)
    g.blocks = ceil_div(dy.N, g.images) * g.pieces
    g.cut = cut(g.M)
    g.panels = ceil_div(g.L, NR * VL)
    g.sets = max(<Py_ssize_t>1, min(ceil_div(PLANE_SUM_JOBS, g.groups * g.panels), g.M // SET_ROWS))
    g.parts = min(g.blocks, ceil_div(PLANE_SUM_JOBS, g.groups * g.panels * g.sets))
    g.in_place = g.parts == 1 and not g.exchanged and dw.c_step == 1 and g.L % VL == 0
    g.row = dw.n_step if g.in_place else round_up(g.L, VL)
    g.size = times(times(g.groups, g.M), round_up(g.L, VL))
    g.sums = dw.data


cdef Py_ssize_t plane_sum_memory() noexcept nogil:
    """Bytes of scratch memory of a job: a panel, then the row pointers of a tile."""
    return (PLANE_BLOCK * NR * VL) * sizeof(real) + PLANE_BLOCK * MR * sizeof(real *)


cdef int run_plane_sum(const PlaneSums *g, Py_ssize_t job, char *memory) noexcept nogil:
    """All blocks of a part for a panel and a set; job = ((part groups + group) panels + panel) sets + set."""
    cdef PlaneSumJob j
    cdef Py_ssize_t part, block
    cdef real zeros[VL]
    if memory == NULL:
        return 1
    j.start, j.stop = g.cut.tiles * (job % g.sets) // g.sets, g.cut.tiles * (job % g.sets + 1) // g.sets
    job //= g.sets
    j.l0 = job % g.panels * NR * VL
    job //= g.panels
    j.group, part = job % g.groups, job // g.groups
    j.lanes = min(<Py_ssize_t>(NR * VL), g.L - j.l0)
    j.width = round_up(j.lanes, VL)
    j.sums = g.sums + part * g.size + j.group * g.M * g.row + j.l0
    j.packed = <real *>memory
    j.rows = <const real **>(j.packed + PLANE_BLOCK * NR * VL)
    memset(j.packed, 0, PLANE_BLOCK * NR * VL * sizeof(real) if j.lanes < j.width else 0)
    memset(zeros, 0, sizeof(zeros))
    j.init = zeros
    for block in range(g.blocks * part // g.parts, g.blocks * (part + 1) // g.parts):
        add_plane_block(g, &j, block)
        j.init = NULL
    return 0


cdef void add_plane_block(const PlaneSums *g, const PlaneSumJob *j, Py_ssize_t block) noexcept nogil:
    """sums[m][l] += sum over the pixels of the block of a[m] b[l], for a set of rows and a panel of columns."""
    cdef Py_ssize_t n = block // g.pieces * g.images, images = min(g.images, g.a.N - n), piece = block % g.pieces
    cdef Py_ssize_t first = g.pixels * piece // g.pieces, length = g.pixels * (piece + 1) // g.pieces - first
    cdef Py_ssize_t t, m, i, m0, mr
    cdef const real *a = g.a.data + n * g.a.n_step + j.group * g.M * g.a.c_step + first
    cdef real *out[MR]
    cdef real junk[NR * VL]
    cdef Terms terms
    pack_plane_block(g, j, n, images, first, length)
    terms.taps, terms.offset, terms.length, terms.w = images, 0, length, j.packed
    terms.resume, terms.bias = j.init == NULL, NULL
    terms.activation, terms.stream = 0, False
    memset(junk, 0, sizeof(junk))
    for m in range(j.start, j.stop):
        m0, mr = m * (MR - 1) + min(m, g.cut.high), height(&g.cut, m)
        for i in range(mr):
            out[i] = j.sums + (m0 + i) * g.row if m0 + i < g.M else junk
            for t in range(images):
                j.rows[t * mr + i] = a + t * g.a.n_step + min(m0 + i, g.M - 1) * g.a.c_step
        plane_tile(j.rows, out, &terms, <int>mr, <int>(j.width // VL))


cdef void pack_plane_block(const PlaneSums *g, const PlaneSumJob *j, Py_ssize_t n, Py_ssize_t images, Py_ssize_t first,
                           Py_ssize_t length) noexcept nogil:
    """packed[image][pixel][lane] = b[n + image][l0 + lane][first + pixel]"""
    cdef Py_ssize_t t
    cdef const real *b = g.b.data + n * g.b.n_step + (j.group * g.L + j.l0) * g.b.c_step
    cdef real *to = j.packed
    for t in range(images):
        if g.joined_b:
            transpose_pixels(b + first, g.b.c_step, length, j.lanes, j.width, to)
        else:
            gather_channels(&g.b, b, first, length, j.lanes, j.width, to)
        b += g.b.n_step
        to += length * j.width


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
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t blocks = ceil_div(g.M, VL), job
    cdef int threads = threads_for(<double>g.size * g.parts * DIRECT_ADD_NS)
    share_out(&ranges, g.groups * blocks, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            add_plane_rows(g, dw, job // blocks, job % blocks * VL)
            job = next_job(&ranges, thread)


cdef void add_plane_rows(const PlaneSums *g, const View *dw, Py_ssize_t group, Py_ssize_t m0) noexcept nogil:
    """VL rows of sums, in squares of VL columns; transposed where the rows are channels of x."""
    cdef Py_ssize_t rows = min(<Py_ssize_t>VL, g.M - m0), l0 = 0, m, part, columns
    cdef Py_ssize_t row_step = dw.c_step if g.exchanged else dw.n_step
    cdef Py_ssize_t column_step = dw.n_step if g.exchanged else dw.c_step
    cdef real *to = dw.data + group * (g.L if g.exchanged else g.M) * dw.n_step + m0 * row_step
    cdef const real *sums = g.sums + (group * g.M + m0) * g.row
    cdef const real *row
    cdef vf total[VL]
    for m in range(VL):
        total[m] = vzero
    while l0 < g.L:
        columns = min(<Py_ssize_t>VL, g.L - l0)
        for m in range(rows):
            row = sums + m * g.row + l0
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
