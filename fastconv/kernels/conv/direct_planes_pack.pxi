# Operands of a product of planes: a panel of pixels, and weights whose rows do not lie along C.

cdef enum:
    PLANES_AHEAD = 8    # planes between a row that is copied and one that is fetched


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
    """rows[group][k][c] = w[group][k][c], which g.w then shows; to be freed. NULL if memory ran out."""
    cdef Py_ssize_t blocks = ceil_div(g.K, VL), job
    cdef Rows source = g.w
    cdef real *rows = <real *>on_a_line(times(times(g.groups * g.K, g.C), sizeof(real)))
    cdef int threads = threads_for(<double>g.groups * g.K * g.C * DIRECT_PACK_NS)
    g.w = Rows(rows, g.K * g.C, g.C, 1)
    if rows != NULL:
        for job in prange(g.groups * blocks, num_threads=threads, schedule="static"):
            pack_some_rows(&source, job // blocks, job % blocks * VL, g.K, g.C, rows)
    return rows


cdef void pack_some_rows(const Rows *w, Py_ssize_t group, Py_ssize_t k0, Py_ssize_t K, Py_ssize_t C,
                         real *rows) noexcept nogil:
    """VL rows from k0 on; transposed in registers where the rows lie side by side."""
    cdef const real *source = w.w + group * w.group_step + k0 * w.row_step
    cdef real *to = rows + (group * K + k0) * C
    cdef Py_ssize_t count = min(<Py_ssize_t>VL, K - k0), c = 0, k
    if w.row_step == 1:
        while c < C:
            if count == VL and c + VL <= C:
                square(source + c * w.step, w.step, to + c, C, 0)
            else:
                square_part(source + c * w.step, w.step, to + c, C, count, min(<Py_ssize_t>VL, C - c))
            c += VL
    else:
        for k in range(count):
            for c in range(C):
                to[k * C + c] = source[k * w.row_step + c * w.step]
