# Backward in planar memory: jobs of several rows of one plane of dx, and which way each row is computed.

cdef enum:                  # ways to compute a row of dx, the quickest first; all give the same bits
    AS_ABOVE                # a copy of the row above
    BY_PAIRS
    FROM_RING
    BY_SLIDING
    BY_WINDOWS


cdef inline bint same_readers(const Pool *p, Py_ssize_t h) noexcept nogil:
    """Whether the same rows of windows read rows h and h - 1."""
    cdef Py_ssize_t above = p.row_readers.ends[h - 1], here = p.row_readers.ends[h], k
    cdef Py_ssize_t count = p.row_readers.ends[h + 1] - here
    if here - above != count:
        return False
    for k in range(count):
        if p.row_readers.list[above + k] != p.row_readers.list[here + k]:
            return False
    return True


cdef inline bint pairs_fill_rows(const Pool *p) noexcept nogil:
    """Whether the windows are two columns wide and stand side by side, none clipped, from the first column to the
    last."""
    return p.even.pairs and p.even.hi - p.even.lo == p.OW and p.W == 2 * p.OW


cdef inline bint one_reader(const Pool *p, Py_ssize_t h) noexcept nogil:
    """Whether one row of windows reads row h."""
    return p.row_readers.ends[h + 1] - p.row_readers.ends[h] == 1


cdef inline bint fits_ring(const Pool *p, Py_ssize_t h) noexcept nogil:
    """Whether there are rows of windows over row h, and each has a place of its own in the ring."""
    cdef Py_ssize_t first = p.row_readers.ends[h], stop = p.row_readers.ends[h + 1]
    return first < stop and p.row_readers.list[stop - 1] - p.row_readers.list[first] < RING


cdef inline int row_way(const Pool *p, Py_ssize_t h, bint first_of_band, const bint mean, bint pairs,
                        bint sliding) noexcept nogil:
    """The quickest way for row h. A mean gives the same to every row that its window reads, other kinds do not."""
    if mean and not first_of_band and same_readers(p, h):
        return AS_ABOVE
    if pairs and one_reader(p, h):
        return BY_PAIRS
    if not sliding:
        return BY_WINDOWS
    return FROM_RING if mean and p.dx.w == 1 and fits_ring(p, h) else BY_SLIDING


cdef inline void band_back(Pool *p, Py_ssize_t job, const int kind) noexcept nogil:
    """BAND rows of one plane of dx. Streamed rows are computed in scratch and copied at the end."""
    cdef Py_ssize_t bands = ceil_div(p.H, BAND), first = job % bands * BAND, stop = min(first + BAND, p.H), h
    cdef Py_ssize_t c = job // bands % p.C, n = job // bands // p.C
    cdef bint pairs = (kind == SUM or kind == L2) and p.dx.w == 1 and pairs_fill_rows(p)
    cdef bint sliding = kind != LP and slides(p)
    cdef int way
    cdef Rows r = rows_of(p)
    cdef real *plane = pixel(&p.dx, n, c, 0, 0)
    cdef real *to = r.band - first * p.W if p.stream else plane
    cdef real *dx
    for h in range(first, stop):
        dx = to + h * p.dx.h
        way = row_way(p, h, h == first, kind == MEAN or kind == SUM, pairs, sliding)
        if way == AS_ABOVE:
            memcpy(dx, dx - p.dx.h, p.W * sizeof(real))
        elif way == BY_PAIRS:
            row_of_pairs(p, n, c, h, dx, kind)
        elif way == FROM_RING:
            row_from_ring(p, n, c, h, dx, &r, kind)
        elif way == BY_SLIDING:
            row_by_sliding(p, n, c, h, dx, &r, kind)
        else:
            row_by_windows(p, n, c, h, dx, &r, kind)
    if p.stream:
        stream_all(plane, r.band - first * p.W, first * p.W, stop * p.W)
