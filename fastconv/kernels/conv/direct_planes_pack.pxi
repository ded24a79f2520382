# Operands of a product of planes: a panel of pixels, and weights whose rows do not lie along C.

cdef enum:
    PLANES_AHEAD = 8    # planes between a row that is copied and one that is fetched
    PACKED_ROWS = 64    # rows of weights packed at a time: whole cache lines are read and written


cdef void pack_pixels(const Planes *g, const PlaneJob *j) noexcept nogil:
    """packed[c][lane] = channel c of the job's pixels, zeros beyond the last one."""
    cdef const real *x = g.x.data + j.group * g.C * g.x.c_step
    cdef Py_ssize_t lane = 0, c, width = round_up(j.count, VL)
    cdef Piece piece
    if j.count < width:
        for c in range(g.C):
            vstore(j.packed + (c + 1) * width - VL, vzero)
    if not g.joined_x:
        gather_pixels(g, j, x, width)
        return
    while lane < j.count:
        piece = piece_from(g, j, lane)
        copy_pixels(x + piece.n * g.x.n_step + piece.first, g.x.c_step, g.C, piece.count, width, j.packed + lane)
        lane += piece.count


cdef void copy_pixels(const real *x, Py_ssize_t c_step, Py_ssize_t channels, Py_ssize_t count, Py_ssize_t width,
                      real *to) noexcept nogil:
    """to[c][p] = x[c][p], pixels side by side."""
    cdef Py_ssize_t c, v, whole = count // VL * VL
    for c in range(channels):
        vprefetch(x + PLANES_AHEAD * c_step + count - 1)
        v = 0
        while v < whole:
            vprefetch(x + PLANES_AHEAD * c_step + v)
            vstore(to + v, vload(x + v))
            v += VL
        if v < count:
            vwrite(to + v, count - v, vread(x + v, count - v))
        to += width
        x += c_step


cdef void gather_pixels(const Planes *g, const PlaneJob *j, const real *x, Py_ssize_t width) noexcept nogil:
    """Pixels at any places."""
    cdef Py_ssize_t c, lane, n, p, W = g.y.W
    cdef real *to = j.packed
    for lane in range(j.count):
        n, p = (j.first + lane) // g.pixels, (j.first + lane) % g.pixels
        j.places[lane] = n * g.x.n_step + p // W * g.x.h_step + p % W * g.x.w_step
    for c in range(g.C):
        for lane in range(j.count):
            to[lane] = x[j.places[lane]]
        to += width
        x += g.x.c_step


cdef real *pack_rows(Planes *g) noexcept nogil:
    """rows[group][k][c] = w[group][k][c], which g.w then shows; to be freed. NULL if memory ran out.

    A cache line lies between two rows: at a distance of a power of two, the rows of a tile would evict each other.
    """
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t blocks = ceil_div(g.K, PACKED_ROWS), job
    cdef Rows source = g.w
    cdef real *rows = <real *>on_a_line(times(times(g.groups * g.K, g.C + LINE), sizeof(real)))
    cdef int threads = threads_for(<double>g.groups * g.K * g.C * DIRECT_PACK_NS)
    g.w = Rows(rows, g.K * (g.C + LINE), g.C + LINE, 1)
    if rows != NULL:
        share_out(&ranges, g.groups * blocks, threads)
        for thread in prange(threads, num_threads=threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                pack_some_rows(g, &source, job // blocks, job % blocks * PACKED_ROWS, rows)
                job = next_job(&ranges, thread)
    return rows


cdef void pack_some_rows(const Planes *g, const Rows *w, Py_ssize_t group, Py_ssize_t k0, real *rows) noexcept nogil:
    """PACKED_ROWS rows from k0 on, VL channels at a time."""
    cdef Py_ssize_t end = min(k0 + PACKED_ROWS, g.K), c = 0, k, i
    cdef const real *source = w.w + group * w.group_step
    cdef real *to = rows + group * g.w.group_step
    while c < g.C:
        k = k0
        if w.row_step == 1:
            for i in range(c + VL, min(c + 2 * VL, g.C)):
                k = k0
                while k < end:
                    vprefetch(source + i * w.step + k)
                    k += LINE
        k = k0
        while k < end:
            pack_rows_square(w, source + k * w.row_step + c * w.step, to + k * g.w.row_step + c, g.w.row_step,
                             min(<Py_ssize_t>VL, end - k), min(<Py_ssize_t>VL, g.C - c))
            k += VL
        c += VL


cdef void pack_rows_square(const Rows *w, const real *source, real *to, Py_ssize_t row, Py_ssize_t rows,
                           Py_ssize_t channels) noexcept nogil:
    """to[k][c] = source[k][c]; transposed in registers where the rows lie side by side."""
    cdef Py_ssize_t k, c
    if w.row_step != 1:
        for k in range(rows):
            for c in range(channels):
                to[k * row + c] = source[k * w.row_step + c * w.step]
    elif rows == VL and channels == VL:
        square(source, w.step, to, row, 0)
    else:
        square_part(source, w.step, to, row, rows, channels)
