# 1 x 1 kernels on planar memory: for each image, y (K x pixels) = w (K x C) x (C x pixels), a product of matrices.
#
# The tile is that of the direct path with the operands exchanged: its rows are filters, its vectors pixels. A job packs
# a panel of pixels, all channels of it, and multiplies it by some filters; the weights are read along C where they are.
# Pixels are counted through all images, so that small planes fill whole vectors together.
# A sum has the same terms in the same order as on channels-last memory, so it has the same bits.

cdef enum:
    PLANE_JOBS = 32     # enough for many threads; with fewer, the filters are cut into sets
    SET_TILES = 8       # tiles of a set of filters, at least: each set packs its pixels again

cdef struct Rows:       # weights where they are: w[group * group_step + row * row_step + c * step]
    const real *w
    Py_ssize_t group_step, row_step, step

cdef struct Planes:     # y[n][k][p] = f(b[k] + sum_c w[k][c] x[n][c][p]), p = (i, j)
    View x, y               # x.h_step and x.w_step lead from output pixel to output pixel
    Rows w
    Py_ssize_t groups, C, K     # C and K of one group
    int activation
    const real *b           # [group][k][VL], zeros if there is no bias
    Cut cut                 # of the filters of a group into tiles
    Py_ssize_t pixels           # of an image
    Py_ssize_t vectors, panels, sets  # of the pixels of all images; sets of filters
    bint joined_x, joined_y     # a plane is one run of memory
    bint stream

cdef struct PlaneJob:
    Py_ssize_t group
    Py_ssize_t first, count     # pixels: p of image n is n * pixels + p
    Py_ssize_t start, stop      # tiles of filters
    Py_ssize_t *places          # of each pixel in x, where a plane is not one run
    real *packed                # [channel][lane]
    real *beside                # a tile of results that y cannot take as whole vectors

cdef struct Piece:      # the pixels of a job in one image
    Py_ssize_t n, first, count
    Py_ssize_t lane             # of the first one


cdef int run_planes(Planes *g, const real[:] b) noexcept nogil:
    """All jobs; 1 if memory ran out."""
    cdef Py_ssize_t job, jobs, scratch
    cdef int failed, thread, threads
    cdef Ranges ranges
    cdef char *memory = NULL
    cdef real *own = NULL
    cut_planes(g)
    jobs = g.groups * g.panels * g.sets
    threads = threads_for(<double>g.vectors * VL * g.groups * g.K * (g.C + 4) * POINTWISE_PRODUCT_NS)
    scratch = plus(times(g.C + MR, NR * VL * sizeof(real)), NR * VL * sizeof(Py_ssize_t))
    g.b = splat_bias(b, g.groups, g.K)
    if g.w.step != 1:
        own = pack_rows(g)
    share_out(&ranges, jobs, threads)
    failed = g.b == NULL or g.w.w == NULL
    if not failed:
        with parallel(num_threads=threads):
            memory = <char *>on_a_line(scratch)
            for thread in prange(threads, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    failed |= run_plane_job(g, job, memory)
                    job = next_job(&ranges, thread)
            free(memory)
    free(own)
    free(<void *>g.b)
    return failed


cdef void cut_planes(Planes *g) noexcept nogil:
    """Panels of about equal size, at most NR vectors, and sets of filters. Results do not depend on the cut."""
    cdef Py_ssize_t jobs
    g.pixels = g.y.H * g.y.W
    g.vectors = ceil_div(g.y.N * g.pixels, VL)
    g.panels = ceil_div(g.vectors, NR)
    g.cut = cut(g.K)
    jobs = max(<Py_ssize_t>1, g.groups * g.panels)
    g.sets = max(<Py_ssize_t>1, min(ceil_div(PLANE_JOBS, jobs), g.cut.tiles // SET_TILES))
    g.joined_x, g.joined_y = one_run(&g.x, g.y.H, g.y.W), one_run(&g.y, g.y.H, g.y.W)
    g.stream = g.joined_y and g.y.N * g.groups * g.K * g.pixels >= STREAM_CONV_REALS and \
        g.pixels % VL == 0 and g.y.c_step % VL == 0 and g.y.n_step % VL == 0 and <size_t>g.y.data % (VL * sizeof(real)) == 0


cdef bint one_run(const View *a, Py_ssize_t H, Py_ssize_t W) noexcept nogil:
    """Whether H x W pixels of a plane follow each other in memory."""
    return (a.w_step == 1 or W == 1) and (a.h_step == W or H == 1) or (W == 1 and H == 1)


cdef real *splat_bias(const real[:] b, Py_ssize_t groups, Py_ssize_t K) noexcept nogil:
    """[group][k][VL]: the bias of each filter in all lanes, then the rows of a tile without a filter. To be freed."""
    cdef Py_ssize_t k, lane
    cdef real *rows = <real *>on_a_line(times(groups * K + MR, VL * sizeof(real)))
    if rows != NULL:
        memset(rows, 0, (groups * K + MR) * VL * sizeof(real))
        if b is not None:
            for k in range(groups * K):
                for lane in range(VL):
                    rows[k * VL + lane] = b[k]
    return rows


cdef int run_plane_job(const Planes *g, Py_ssize_t job, char *memory) noexcept nogil:
    """A panel of pixels times a set of filters; job = (group panels + panel) sets + set."""
    cdef PlaneJob j
    cdef Py_ssize_t panel = job // g.sets % g.panels, m
    if memory == NULL:
        return 1
    j.start, j.stop = g.cut.tiles * (job % g.sets) // g.sets, g.cut.tiles * (job % g.sets + 1) // g.sets
    j.group = job // g.sets // g.panels
    j.first = g.vectors * panel // g.panels * VL
    j.count = min(g.vectors * (panel + 1) // g.panels * VL, g.y.N * g.pixels) - j.first
    j.packed = <real *>memory
    j.beside = j.packed + g.C * NR * VL
    j.places = <Py_ssize_t *>(j.beside + MR * NR * VL)
    pack_pixels(g, &j)
    for m in range(j.start, j.stop):
        run_plane_tile(g, &j, m)
    if g.stream:
        vfence()
    return 0


cdef inline Piece piece_from(const Planes *g, const PlaneJob *j, Py_ssize_t lane) noexcept nogil:
    """The pixels of the job from one lane on, to the end of the image or of the job."""
    cdef Piece piece
    piece.n, piece.first, piece.lane = (j.first + lane) // g.pixels, (j.first + lane) % g.pixels, lane
    piece.count = min(j.count - lane, g.pixels - piece.first)
    return piece


cdef void run_plane_tile(const Planes *g, const PlaneJob *j, Py_ssize_t m) noexcept nogil:
    """Tile m of filters: into y where whole vectors fit, else beside it, from where each pixel is copied."""
    cdef Py_ssize_t k0 = m * (MR - 1) + min(m, g.cut.high), mr = height(&g.cut, m), i, filters = min(mr, g.K - k0)
    cdef Py_ssize_t nv = ceil_div(j.count, VL)
    cdef Piece piece = piece_from(g, j, 0)
    cdef bint whole = g.joined_y and piece.count == nv * VL
    cdef real *y = g.y.data + (j.group * g.K + k0) * g.y.c_step
    cdef const real *w = g.w.w + j.group * g.w.group_step + k0 * g.w.row_step
    cdef const real *rows[MR]
    cdef real *out[MR]
    cdef Terms terms
    for i in range(mr):
        rows[i] = w + min(i, filters - 1) * g.w.row_step
        out[i] = j.beside + i * NR * VL
        if whole and i < filters:
            out[i] = y + piece.n * g.y.n_step + i * g.y.c_step + piece.first
    terms.taps, terms.offset, terms.length = 1, 0, g.C
    terms.w, terms.activation, terms.stream = j.packed, g.activation, g.stream and whole and filters == mr
    terms.resume, terms.bias = False, g.b + (j.group * g.K + k0) * VL
    terms.bias_row, terms.bias_vector = VL, 0
    plane_tile(rows, out, &terms, <int>mr, <int>nv)
    if not whole:
        for i in range(filters):
            store_pixels(g, j, y + i * g.y.c_step, j.beside + i * NR * VL)


cdef void plane_tile(const real **rows, real **out, const Terms *terms, int mr, int nv) noexcept nogil:
    """The one copy of `tile` that products of planes share."""
    tile(rows, out, NULL, NULL, terms, mr, nv)


cdef void store_pixels(const Planes *g, const PlaneJob *j, real *y, const real *values) noexcept nogil:
    """The job's pixels of one channel of y, wherever they lie."""
    cdef Py_ssize_t lane = 0, p
    cdef Piece piece
    cdef real *plane
    while lane < j.count:
        piece = piece_from(g, j, lane)
        plane = y + piece.n * g.y.n_step
        if g.joined_y:
            memcpy(plane + piece.first, values + lane, piece.count * sizeof(real))
        else:
            for p in range(piece.first, piece.first + piece.count):
                plane[p // g.y.W * g.y.h_step + p % g.y.W * g.y.w_step] = values[lane + p - piece.first]
        lane += piece.count
