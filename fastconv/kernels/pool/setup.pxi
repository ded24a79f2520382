# From the arguments of a call to its `Pool`: arrays, tables, and what the tables have in common.

cdef Image image_of(const real[:, :, :, :] x):
    """The address and the steps of a view that is not empty."""
    cdef Image a
    cdef Py_ssize_t size = sizeof(real)
    a.data = <real *>&x[0, 0, 0, 0]
    a.n, a.c, a.h, a.w = x.strides[0] // size, x.strides[1] // size, x.strides[2] // size, x.strides[3] // size
    return a


cdef Pool pool_of(const real[:, :, :, :] large, const real[:, :, :, :] small):
    """A Pool with the extents of the array that windows read, and of the array with one element per window."""
    cdef Pool p
    memset(&p, 0, sizeof(p))
    p.N, p.C, p.H, p.W, p.OH, p.OW = large.shape[0], large.shape[1], large.shape[2], large.shape[3], \
        small.shape[2], small.shape[3]
    return p


cdef void set_indices(Pool *p, const long long[:, :, :, :] i):
    """The array of indices."""
    if p.N * p.C:
        p.indices.data = <int64_t *>&i[0, 0, 0, 0]
        p.indices.n, p.indices.c, p.indices.h, p.indices.w = \
            i.strides[0] // 8, i.strides[1] // 8, i.strides[2] // 8, i.strides[3] // 8


cdef void set_windows(Pool *p, const Py_ssize_t[:, ::1] rows, const Py_ssize_t[:, ::1] cols):
    """The tables of the windows, one line (start, count, step, divisor) per output row and column."""
    p.rows, p.cols = <const Line *>&rows[0, 0], <const Line *>&cols[0, 0]


cdef void set_readers(Pool *p, const Py_ssize_t[::1] row_ends, const Py_ssize_t[::1] row_list,
                      const Py_ssize_t[::1] col_ends, const Py_ssize_t[::1] col_list):
    """The inverse tables: which outputs read an input row, an input column."""
    p.row_readers.ends, p.row_readers.list = &row_ends[0], &row_list[0]
    p.col_readers.ends, p.col_readers.list = &col_ends[0], &col_list[0]


cdef bint is_clipped(const Line *line, Py_ssize_t ow, const EvenRun *e, Py_ssize_t W) noexcept nogil:
    """Whether window ow of a row is the one of the even run that would start at first + ow * spacing, clipped to W."""
    cdef Py_ssize_t start = e.first + ow * e.spacing
    cdef Py_ssize_t skipped = ceil_div(-start, e.step) if start < 0 else 0
    return line.start == start + skipped * e.step and \
        line.count == min(e.taps, ceil_div(W - start, e.step)) - skipped


cdef void find_even_run(Pool *p) noexcept nogil:
    """Set p.even: the first run of the windows with most taps, and whether the others are such windows clipped."""
    cdef const Line *cols = p.cols
    cdef EvenRun *e = &p.even
    cdef Py_ssize_t ow, lo = 0, hi
    for ow in range(p.OW):
        if cols[ow].count > cols[lo].count:
            lo = ow
    e.taps, e.step, hi = cols[lo].count, cols[lo].step, lo + 1
    e.spacing = cols[hi].start - cols[lo].start if hi < p.OW else 1
    while (hi < p.OW and cols[hi].count == e.taps and cols[hi].start - cols[hi - 1].start == e.spacing
           and cols[hi].divisor == cols[lo].divisor):
        hi += 1
    e.lo, e.hi, e.first = lo, hi, cols[lo].start - lo * e.spacing
    e.everywhere = True
    for ow in range(p.OW):
        if not lo <= ow < hi and not is_clipped(cols + ow, ow, e, p.W):
            e.everywhere = False
    e.pairs = (e.taps == 2 and e.step == 1 and e.spacing == 2 and lo == 0 and hi == p.OW and cols[0].start == 0)
    if e.spacing < 1 or e.spacing > 2:  # no vector loads for these
        e.hi, e.everywhere = lo, False
    if e.hi == e.lo:
        e.lo = e.hi = e.taps = 0


cdef bint one_divisor(Pool *p) noexcept nogil:
    """Whether all windows divide by the same number, p.divisor."""
    cdef Py_ssize_t i
    p.divisor = divisor_of(p, 0, 0)
    for i in range(p.OH):
        if p.rows[i].divisor != p.rows[0].divisor:
            return False
    for i in range(p.OW):
        if p.cols[i].divisor != p.cols[0].divisor:
            return False
    return True


cdef int allocate(Pool *p, int threads, Py_ssize_t bytes) except -1 nogil:
    """`bytes` of zeros for each thread, at least a cache line apart."""
    p.scratch.part = round_up(bytes + 64, 64)
    p.scratch.memory = <char *>calloc(threads, p.scratch.part)
    if p.scratch.memory == NULL:
        with gil:
            raise MemoryError
    return 0


cdef inline real *own_scratch(const Pool *p) noexcept nogil:
    """The scratch of the calling thread."""
    return <real *>(p.scratch.memory + threadid() * p.scratch.part)
