# Values moved by indices: backward of max pooling, and both ways of unpooling.
#
#     scatter   large = 0, then large[index[ow]] += small[ow] (or = small[ow]), in order of the outputs
#     gather    small[ow] = large[index[ow]]

cdef inline Py_ssize_t offset_of(const Image *a, Py_ssize_t W, Py_ssize_t at) noexcept nogil:
    """Where the element of index at = h * W + w lies in a plane of a."""
    return at // W * a.h + at % W * a.w


cdef void clear_plane(Pool *p, const Image *a, real *plane) noexcept nogil:
    """H rows of W zeros, of any strides."""
    cdef Py_ssize_t h, w
    if a.w == 1 and a.h == p.W:
        memset(plane, 0, p.H * p.W * sizeof(real))
        return
    for h in range(p.H):
        for w in range(p.W):
            plane[h * a.h + w * a.w] = 0


cdef void scatter_plane(Pool *p, const Image *large, const Image *small, Py_ssize_t job, bint add) noexcept nogil:
    """One plane of `large`: zeros, and the elements of `small` added (or put) at their indices. Any strides; the
    indices are in the plane."""
    cdef Py_ssize_t c = job % p.C, n = job // p.C, oh, ow, at
    cdef bint dense = large.w == 1 and large.h == p.W
    cdef real *plane = pixel(large, n, c, 0, 0)
    cdef const real *values
    cdef const int64_t *index
    clear_plane(p, large, plane)
    for oh in range(p.OH):
        values = pixel(small, n, c, oh, 0)
        index = index_at(&p.indices, n, c, oh, 0)
        if dense and add:
            for ow in range(p.OW):
                plane[index[ow * p.indices.w]] += values[ow * small.w]
            continue
        for ow in range(p.OW):
            at = index[ow * p.indices.w]
            if not dense:
                at = offset_of(large, p.W, at)
            plane[at] = (plane[at] if add else 0) + values[ow * small.w]


cdef void gather_row(Pool *p, const Image *large, const Image *small, Py_ssize_t job) noexcept nogil:
    """One row of `small`: the elements of `large` at its indices. Any strides."""
    cdef Py_ssize_t oh = job % p.OH, c = job // p.OH % p.C, n = job // p.OH // p.C, ow
    cdef const real *plane = pixel(large, n, c, 0, 0)
    for ow in range(p.OW):
        pixel(small, n, c, oh, ow)[0] = plane[offset_of(large, p.W, index_at(&p.indices, n, c, oh, ow)[0])]


# ---------------------------------------------------------------- backward of max pooling, indices checked on the way

cdef void scatter_dense_plane(Pool *p, Py_ssize_t job) noexcept nogil:
    """One plane of dx that is dense. Streamed planes are summed in scratch: after each row of windows, the rows that
    no later window reads are copied past the caches."""
    cdef Py_ssize_t c = job % p.C, n = job // p.C, size = p.H * p.W, oh, ow, stored = 0
    cdef real *plane = pixel(&p.dx, n, c, 0, 0)
    cdef real *sums = own_scratch(p) if p.stream else plane
    cdef const real *dy
    cdef const int64_t *index
    memset(sums, 0, size * sizeof(real))
    for oh in range(p.OH):
        dy = pixel(&p.dy, n, c, oh, 0)
        index = index_at(&p.indices, n, c, oh, 0)
        if bad_columns(p, n, c, oh):
            p.bad = True
            continue
        for ow in range(p.OW):
            sums[index[ow]] += dy[ow * p.dy.w]
        if p.stream and oh + 1 < p.OH:
            stored = stream_vectors(plane, sums, stored, p.rows[oh + 1].start * p.W)
    if p.stream:
        stream_all(plane, sums, stored, size)


cdef inline Py_ssize_t rows_reached(const Pool *p, Py_ssize_t cleared, Py_ssize_t oh) noexcept nogil:
    """One past the last row of dx that the windows up to oh read; at least `cleared`."""
    cdef Py_ssize_t h, end = cleared
    for h in range(cleared, p.H):
        if p.row_readers.ends[h] < p.row_readers.ends[h + 1] and p.row_readers.list[p.row_readers.ends[h]] <= oh:
            end = h + 1
    return end


cdef inline void clear_pixels(real *x, Py_ssize_t step, Py_ssize_t pixels, Py_ssize_t count) noexcept nogil:
    """`count` channels of neighbouring pixels, `step` elements apart, become 0."""
    cdef Py_ssize_t k
    if step == count:
        memset(x, 0, pixels * count * sizeof(real))
        return
    for k in range(pixels):
        memset(x + k * step, 0, count * sizeof(real))


cdef void scatter_pixels(Pool *p, Py_ssize_t job) noexcept nogil:
    """p.channels channels of one image of channels-last dx, whose pixels are evenly spaced. Each row is cleared when
    the first window reaches it, so that it is still in the caches when it is added to."""
    cdef Py_ssize_t parts = ceil_div(p.C, p.channels), c0 = job % parts * p.channels, n = job // parts
    cdef Py_ssize_t count = min(p.channels, p.C - c0), row = p.W * p.dx.w, oh, ow, c, cleared = 0, reached
    cdef real *dx = pixel(&p.dx, n, c0, 0, 0)
    cdef const real *dy
    cdef const int64_t *index
    for oh in range(p.OH):
        reached = rows_reached(p, cleared, oh)
        clear_pixels(dx + cleared * row, p.dx.w, (reached - cleared) * p.W, count)
        cleared = reached
        for ow in range(p.OW):
            dy = pixel(&p.dy, n, 0, oh, ow) + c0
            index = index_at(&p.indices, n, 0, oh, ow) + c0
            if bad_channels(p, n, oh, ow, c0, count):
                p.bad = True
                continue
            for c in range(count):
                dx[index[c] * p.dx.w + c] += dy[c]
    clear_pixels(dx + cleared * row, p.dx.w, (p.H - cleared) * p.W, count)
