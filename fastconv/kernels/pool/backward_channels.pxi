# Backward in channels-last memory: each pixel of dx collects from the windows that read it, vectors along C.
#
#     dx[h, w] = sum over the rows oh that read h of (sum over the columns ow that read w of share(oh, ow))
#
# Sums run along a row of windows, then over the rows; by indices (ARGMAX) all windows are one sum.

cdef enum:
    COVER = 16              # windows over one pixel whose addresses are found once for all its channels

cdef struct Cover:          # one pixel of dx and the windows that read it, in order
    real *dx
    const real *x           # L2
    Py_ssize_t at           # h * W + w
    Py_ssize_t count        # of the windows; and of those that lie in one row of windows
    Py_ssize_t row_count
    const real *dy[COVER]   # the windows' first channels, as in Reader
    const real *y[COVER]
    const int64_t *index[COVER]
    real divisor[COVER]     # MEAN; SUM: the first is that of all
    bint stream


cdef inline Reader reader_of(const Cover *v, Py_ssize_t k, const int kind) noexcept nogil:
    """Window k over the pixel."""
    cdef Reader window
    window.dy = v.dy[k]
    if kind == ARGMAX:
        window.index = v.index[k]
    elif kind == MEAN:
        window.divisor = v.divisor[k]
    elif kind == L2:
        window.y = v.y[k]
    return window


cdef inline void set_window(Pool *p, Py_ssize_t n, Py_ssize_t oh, Py_ssize_t ow, Cover *v, Py_ssize_t k,
                            const int kind) noexcept nogil:
    """Window k over the pixel is (oh, ow) of image n."""
    v.dy[k] = pixel(&p.dy, n, 0, oh, ow)
    if kind == ARGMAX:
        v.index[k] = index_at(&p.indices, n, 0, oh, ow)
    elif kind == MEAN:
        v.divisor[k] = divisor_of(p, oh, ow)
    elif kind == L2:
        v.y[k] = pixel(&p.y, n, 0, oh, ow)


cdef inline bint find_cover(Pool *p, Py_ssize_t n, Py_ssize_t h, Py_ssize_t w, Cover *v, const int kind) noexcept nogil:
    """Set v; False where more than COVER windows read the pixel, and then only its dx and count are set."""
    cdef Py_ssize_t first_row = p.row_readers.ends[h], stop_row = p.row_readers.ends[h + 1]
    cdef Py_ssize_t first_col = p.col_readers.ends[w], stop_col = p.col_readers.ends[w + 1]
    cdef Py_ssize_t a, b, k = 0
    v.row_count = stop_col - first_col
    v.count = (stop_row - first_row) * v.row_count
    v.dx = pixel(&p.dx, n, 0, h, w)
    if v.count > COVER:
        return False
    v.at = h * p.W + w
    v.divisor[0] = p.divisor
    v.x = pixel(&p.x, n, 0, h, w) if kind == L2 else NULL
    for a in range(first_row, stop_row):
        for b in range(first_col, stop_col):
            if k == COVER:  # never: a second way out keeps GCC from vectors, which cost more than so few windows do
                return False
            set_window(p, n, p.row_readers.list[a], p.col_readers.list[b], v, k, kind)
            k += 1
    return True


cdef inline void cover_vector(const Cover *v, Py_ssize_t c, Py_ssize_t n, const int kind,
                              const Py_ssize_t count) noexcept nogil:
    """dx of n channels, from c on, of a pixel that `count` windows read."""
    cdef Py_ssize_t k, row_count = 1 if count == 1 else v.row_count, left = row_count
    cdef vf total = vzero, row = vzero
    cdef Reader window
    for k in range(count):
        window = reader_of(v, k, kind)
        if kind == ARGMAX:
            total = total + vshare(&window, v.x, v.at, c, n, kind)
            continue
        row = row + vshare(&window, v.x, v.at, c, n, kind)
        left -= 1
        if left == 0:  # the next window lies in another row of windows
            total = total + row
            row = vzero
            left = row_count
    if kind == SUM:
        total = total / vsplat(v.divisor[0])
    if v.stream:
        vstream(v.dx + c, total)
    else:
        vwrite(v.dx + c, n, total)


ctypedef void (*cover_body)(const Cover *v, Py_ssize_t C, const int kind, const Py_ssize_t count) noexcept nogil

cdef extern from *:
    void cover_of_count "DISPATCH_ANY2" (cover_body f, Py_ssize_t count, int a, int b, const Cover *v, Py_ssize_t C,
                                         int kind) noexcept nogil


cdef inline void cover_pixel(const Cover *v, Py_ssize_t C, const int kind, const Py_ssize_t count) noexcept nogil:
    """dx of all channels of a pixel that `count` windows read."""
    cdef Py_ssize_t b
    for b in range(C // VL):
        cover_vector(v, b * VL, VL, kind, count)
    if C % VL:
        cover_vector(v, C // VL * VL, C % VL, kind, count)


cdef inline vf collected(Pool *p, Py_ssize_t n, Py_ssize_t h, Py_ssize_t w, Py_ssize_t c, Py_ssize_t lanes,
                         const int kind) noexcept nogil:
    """As cover_vector, for any number of windows: their addresses are found again for each vector."""
    cdef const real *x = pixel(&p.x, n, 0, h, w) if kind == L2 else NULL
    cdef Py_ssize_t a, b
    cdef vf total = vzero, row
    cdef Reader window
    for a in range(p.row_readers.ends[h], p.row_readers.ends[h + 1]):
        row = total if kind == ARGMAX else vzero
        for b in range(p.col_readers.ends[w], p.col_readers.ends[w + 1]):
            set_reader(p, n, p.row_readers.list[a], p.col_readers.list[b], &window, kind)
            row = row + vshare(&window, x, h * p.W + w, c, lanes, kind)
        total = row if kind == ARGMAX else total + row
    return total / vsplat(p.divisor) if kind == SUM else total


cdef inline void pixels_back(Pool *p, Py_ssize_t job, const int kind) noexcept nogil:
    """One row of dx of one image, all channels."""
    cdef Py_ssize_t n = job // p.H, h = job % p.H, w, b, c, lanes
    cdef Cover v
    v.stream = p.stream
    for w in range(p.W):
        if find_cover(p, n, h, w, &v, kind):
            cover_of_count(cover_pixel, v.count, 1, 2, &v, p.C, kind)
            continue
        for b in range(ceil_div(p.C, VL)):
            c = b * VL
            lanes = min(p.C - c, <Py_ssize_t>VL)
            vwrite(v.dx + c, lanes, collected(p, n, h, w, c, lanes, kind))
    if p.stream:
        vfence()
