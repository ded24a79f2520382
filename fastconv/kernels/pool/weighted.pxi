# Weighted sums along H and W: resizing, borders that repeat pixels, and the gradients of both (ops/taps.py).
#
#     y[n, c, oh, ow] = sum of row_weight[t] col_weight[s] x[n, c, row[t], col[s]] over the taps t of oh and s of ow
#
# Padding and resizing read one to four taps; their gradients, the sums with the tables transposed, also none or many.
# A row of y takes two steps: `line`, the sum of rows of x, and then for each pixel the sum of pixels of `line`. Both run
# over the taps in the order of the table, so the bits are the same in both layouts.

cdef enum:
    WEIGHTED_VALUES = 8192      # of y in a job
    LINES = 8                   # that are made before they are read

cdef struct Taps:               # output o reads the places source[ends[o]] ... source[ends[o + 1] - 1]
    const Py_ssize_t *ends
    const Py_ssize_t *source
    real *weight                # one per place

cdef struct Slot:               # planar: tap k of each of VL neighbouring outputs, see weighted_columns.pxi
    real weight[MAX_LANES]      # 0 for those that have none
    lane_element index[MAX_LANES]  # places, counted from base; -1 where there is none
    Py_ssize_t base             # the first of the places
    Py_ssize_t how
    lane_mask keep              # PICK: the outputs that have a tap k
    char rest[40]               # AVX-512: a slot is whole cache lines

cdef struct Weighted:
    Image x, y
    Py_ssize_t N, C, H, W, OH, OW
    Taps rows, cols
    bint last                   # channels-last, else planar
    Slot *slots                 # planar: those of all vectors of a row of y
    Py_ssize_t *slot_ends       # of each vector, where its slots end
    Py_ssize_t band             # rows of y in a job
    Py_ssize_t line             # values of a line, and of the two vectors behind it
    bint stream                 # y is stored past the caches


cdef int set_taps(Taps *t, const Py_ssize_t[::1] ends, const Py_ssize_t[::1] source,
                  const long long[::1] weight) except -1:
    """The table of one axis; `weight` holds the bits of float64, so that whole tables are integers."""
    cdef Py_ssize_t i, count = source.shape[0]
    t.ends, t.source = &ends[0], &source[0]
    t.weight = <real *>malloc(times(max(count, <Py_ssize_t>1), sizeof(real)))
    if t.weight == NULL:
        raise MemoryError
    for i in range(count):
        t.weight[i] = <real>(<const double *>&weight[0])[i]
    return 0


cdef bint streams(const Weighted *p) noexcept nogil:
    """Whether y is larger than the caches, and all its vectors are whole and aligned."""
    cdef bint even = p.y.n % VL == 0 and p.y.h % VL == 0
    if p.last:
        even = even and p.C % VL == 0 and p.y.w % VL == 0
    else:
        even = even and p.OW % VL == 0 and p.y.c % VL == 0
    return even and <size_t>p.y.data % (VL * sizeof(real)) == 0 and \
        p.N * p.C * p.OH * p.OW * <Py_ssize_t>sizeof(real) >= STREAM_BYTES


cdef void weighted_planes(const Weighted *p, const real *x, Py_ssize_t first, Py_ssize_t stop, real *lines,
                          real *y) noexcept nogil:
    """Rows first to stop - 1 of a plane of y. Several lines are made before they are read: a load that spans two stores
    waits until both are in the cache."""
    cdef Py_ssize_t i, count
    while first < stop:
        count = min(<Py_ssize_t>LINES, stop - first)
        for i in range(count):
            add_taps(x, p.x.h, &p.rows, first + i, lines + i * p.line, p.W, False)
        for i in range(count):
            weighted_columns(p, lines + i * p.line, y + (first + i) * p.y.h)
        first += count


cdef void weighted_band(const Weighted *p, Py_ssize_t job, real *lines) noexcept nogil:
    """Up to `band` rows of a plane of y, or of an image in channels-last memory."""
    cdef Py_ssize_t bands = ceil_div(p.OH, p.band), plane = job // bands, first = job % bands * p.band, oh
    cdef Py_ssize_t n = plane if p.last else plane // p.C, c = 0 if p.last else plane % p.C
    cdef Py_ssize_t stop = min(first + p.band, p.OH)
    cdef const real *x = pixel(&p.x, n, c, 0, 0)
    cdef real *y = pixel(&p.y, n, c, 0, 0)
    if p.last:
        for oh in range(first, stop):
            weighted_pixels(p, x, oh, lines, y + oh * p.y.h)
    else:
        weighted_planes(p, x, first, stop, lines, y)
    if p.stream:
        vfence()


cdef void set_sizes(Weighted *p) noexcept nogil:
    """How large lines and jobs are, and how y is stored."""
    cdef Py_ssize_t width = p.C if p.last else 1
    p.line = round_up(plus(times(p.W, width), 2 * VL), LINE)
    p.band = max(<Py_ssize_t>1, WEIGHTED_VALUES // (p.OW * width))
    p.stream = streams(p)


cdef int run_weighted(Weighted *p) except -1 nogil:
    """All of y; -1 where memory runs out."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t planes = p.N if p.last else p.N * p.C, jobs = planes * ceil_div(p.OH, p.band), job
    cdef Py_ssize_t part = times(p.line, 1 if p.last else LINES)
    cdef double work = <double>p.rows.ends[p.OH] * p.W + <double>p.OH * p.cols.ends[p.OW]
    cdef int threads = threads_for(WEIGHTED_TAP_NS * p.N * p.C * work)
    cdef real *lines = <real *>on_a_line(times(times(part, sizeof(real)), threads))
    if lines == NULL:
        with gil:
            raise MemoryError
    memset(lines, 0, part * threads * sizeof(real))
    share_out(&ranges, jobs, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            weighted_band(p, job, lines + threadid() * part)
            job = next_job(&ranges, thread)
    free(lines)
    return 0
