# Pixels: images with channels last, cut into blocks of pixels that threads share.

cdef enum:
    TOGETHER = 64  # pixels summed in vectors before they join sums in double
    SIDE_VECTORS = 16  # at most, of pixels side by side
    GROUP = 4096   # values of the pixels that are walked through column by column, while they are in the first cache
    FORWARD_ROWS = 3   # of padded channels, for every sample: center, scale and shift
    BACKWARD_ROWS = 5  # the same, then slope and offset

cdef extern from *:
    """
    /* f(..., c, n, vectors) for the C channels of a pixel, a column of them at a time, from c on: TILE_VECTORS vectors,
       then single ones, then n < VL channels */
    #define EACH_COLUMN(f, C, ...) do { Py_ssize_t c_ = 0; \\
        for (; c_ + TILE_VECTORS * VL <= (C); c_ += TILE_VECTORS * VL) f(__VA_ARGS__, c_, VL, TILE_VECTORS); \\
        for (; c_ + VL <= (C); c_ += VL) f(__VA_ARGS__, c_, VL, 1); \\
        if (c_ < (C)) f(__VA_ARGS__, c_, (C) - c_, 1); } while (0)
    """
    enum: NR "TILE_VECTORS"  # vectors of a column

cdef struct Pixels:
    char *base         # NULL: absent
    Py_ssize_t sample  # bytes
    Py_ssize_t pixel

cdef struct Line:      # a pixel, and the distance to the next, in values
    real *at
    Py_ssize_t step

cdef struct Shape:
    Py_ssize_t N, P, C, G
    Py_ssize_t padded   # C, or `side` times C, in whole vectors: the length of a row of numbers or sums
    Py_ssize_t side     # pixels whose channels together fill whole vectors, where C alone does not; else 1
    Py_ssize_t block    # pixels
    Py_ssize_t blocks   # of a sample
    Py_ssize_t group    # pixels walked through together, column by column

cdef struct Place:      # of a block
    Py_ssize_t n, first, stop

cdef struct Numbers:    # of a sample, each of `padded` channels
    real *center
    real *scale
    real *shift
    real *slope
    real *offset


cdef Pixels pixels_of(const real[:, :, :] a) noexcept nogil:
    """The memory of a[N, P, C]; absent for None."""
    if a is None:
        return Pixels(NULL, 0, 0)
    return Pixels(<char *>&a[0, 0, 0], a.strides[0], a.strides[1])


cdef inline Line line(const Pixels *p, Py_ssize_t n, Py_ssize_t i) noexcept nogil:
    """Pixel i of sample n; NULL where the image is absent."""
    if p.base == NULL:
        return Line(NULL, 0)
    return Line(<real *>(p.base + n * p.sample + i * p.pixel), p.pixel // REAL_BYTES)


cdef bint past_caches(const Pixels *p, const Shape *h) noexcept nogil:
    """Whether a result is large and all its vectors are aligned."""
    return (h.N * h.P * h.C * REAL_BYTES >= STREAM_NORM_BYTES and h.C % VL == 0
            and (<Py_ssize_t>p.base | p.sample | p.pixel) % (VL * REAL_BYTES) == 0)


cdef inline Py_ssize_t group_of(Py_ssize_t C) noexcept nogil:
    """How many pixels of C channels are walked through together."""
    return max(<Py_ssize_t>4, min(<Py_ssize_t>TOGETHER, GROUP // C))


cdef Shape shape_of(Py_ssize_t N, Py_ssize_t P, Py_ssize_t C, Py_ssize_t G) noexcept nogil:
    """Blocks of 16 to 512 pixels, of about 65536 values, so that the second pass finds them in the cache."""
    cdef Shape h
    h.N, h.P, h.C, h.G = N, P, C, G
    h.side = 1
    while h.side * C % VL != 0:
        h.side *= 2
    if h.side * C > SIDE_VECTORS * VL:
        h.side = 1
    h.padded = round_up(h.side * C, VL)
    h.block = max(<Py_ssize_t>16, min(<Py_ssize_t>512, 65536 // C // TOGETHER * TOGETHER))
    h.blocks = ceil_div(P, h.block)
    h.group = group_of(C)
    return h


cdef inline Place place_of(const Shape *h, Py_ssize_t job) noexcept nogil:
    """The sample and the pixels of a block."""
    cdef Py_ssize_t first = job % h.blocks * h.block
    return Place(job // h.blocks, first, min(first + h.block, h.P))


cdef inline Line ahead(Line a, Py_ssize_t i, Py_ssize_t step) noexcept nogil:
    """Pixel i of a line, with another distance to the next; of an absent image, whose step is 0, NULL."""
    return Line(a.at + i * a.step, step)


cdef inline Py_ssize_t whole_vectors(const Shape *h, Py_ssize_t pixels, Line a, Line b, Line c) noexcept nogil:
    """How many of the pixels can be taken `side` at a time: none unless those of all arrays lie side by side; b and c may
    be absent."""
    if h.side == 1 or a.step != h.C or (b.at != NULL and b.step != h.C) or (c.at != NULL and c.step != h.C):
        return 0
    return pixels // h.side * h.side


cdef inline void repeat_numbers(const Shape *h, real *row) noexcept nogil:
    """A row of numbers of C channels, for `side` pixels."""
    cdef Py_ssize_t c
    for c in range(h.C, h.side * h.C):
        row[c] = row[c - h.C]


cdef inline Numbers numbers_of(real *numbers, Py_ssize_t n, int rows, Py_ssize_t padded) noexcept nogil:
    """The rows of sample n; slope and offset are there if it has BACKWARD_ROWS."""
    cdef real *own = numbers + n * rows * padded
    return Numbers(own, own + padded, own + 2 * padded, own + 3 * padded, own + 4 * padded)


ctypedef void (*block_body)(const void *f, Py_ssize_t job) noexcept nogil


cdef void share_blocks(block_body body, const void *f, Py_ssize_t jobs, int threads, bint backwards) noexcept:
    """body(f, job) for every block. A thread has the same blocks in both passes of a direction, in the second in
    reverse: what it read last is still in its cache."""
    cdef int thread
    record_section(jobs, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        share(body, f, jobs * thread // threads, jobs * (thread + 1) // threads, backwards)


cdef void share(block_body body, const void *f, Py_ssize_t first, Py_ssize_t stop, bint backwards) noexcept nogil:
    """The blocks of a thread."""
    cdef Py_ssize_t i
    for i in range(stop - first):
        body(f, stop - 1 - i if backwards else first + i)


cdef inline void flush(real *sums, double *total, Py_ssize_t C) noexcept nogil:
    """total += sums, sums = 0"""
    cdef Py_ssize_t c
    for c in range(C):
        total[c] += sums[c]
        sums[c] = 0
