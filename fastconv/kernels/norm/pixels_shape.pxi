# Pixels: images with channels last, cut into blocks of pixels that threads share.

cdef enum:
    ROWS = 4       # pixels side by side
    TOGETHER = 64  # pixels summed in vectors before they join sums in double
    AHEAD = 2048 // REAL_BYTES
    FORWARD_ROWS = 3   # of padded channels, for every sample: center, scale and shift
    BACKWARD_ROWS = 5  # the same, then slope and offset

cdef struct Pixels:
    char *base         # NULL: absent
    Py_ssize_t sample  # bytes
    Py_ssize_t pixel

cdef struct Line:      # a pixel, and the distance to the next, in values
    real *at
    Py_ssize_t step

cdef struct Shape:
    Py_ssize_t N, P, C, G
    Py_ssize_t padded   # C in whole vectors
    Py_ssize_t block    # pixels
    Py_ssize_t blocks   # of a sample
    Py_ssize_t rows     # pixels read side by side, ROWS or, in one stream from beyond the caches, 1
    Py_ssize_t ahead    # of a value, in the forward pass: what is fetched with it

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


cdef Shape shape_of(Py_ssize_t N, Py_ssize_t P, Py_ssize_t C, Py_ssize_t G) noexcept nogil:
    """Blocks of 16 to 512 pixels, of about 65536 values, so that the second pass finds them in the cache."""
    cdef Shape h
    h.N, h.P, h.C, h.G = N, P, C, G
    h.padded = round_up(C, VL)
    h.block = max(<Py_ssize_t>16, min(<Py_ssize_t>512, 65536 // C // TOGETHER * TOGETHER))
    h.blocks = ceil_div(P, h.block)
    h.rows = 1 if N * P * C * REAL_BYTES >= STREAM_NORM_BYTES and C * REAL_BYTES >= 512 else ROWS
    h.ahead = AHEAD if C * REAL_BYTES >= 512 else 0
    return h


cdef inline Place place_of(const Shape *h, Py_ssize_t job) noexcept nogil:
    """The sample and the pixels of a block."""
    cdef Py_ssize_t first = job % h.blocks * h.block
    return Place(job // h.blocks, first, min(first + h.block, h.P))


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
