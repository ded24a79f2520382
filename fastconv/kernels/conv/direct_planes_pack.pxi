# Operands of a product of planes: a panel of pixels, and weights whose rows do not lie along C.

cdef enum:
    PLANES_AHEAD = 8    # planes between a row that is copied and one that is fetched


cdef void pack_pixels(const Planes *g, const PlaneJob *j) noexcept nogil:
    """packed[c][p] = x[n][c][first + p], zeros beyond the last pixel."""
    cdef const real *x = g.x.data + j.n * g.x.n_step + j.group * g.C * g.x.c_step
    if g.joined_x:
        copy_pixels(g, j, x + j.first)
    else:
        gather_pixels(g, j, x)


cdef void copy_pixels(const Planes *g, const PlaneJob *j, const real *x) noexcept nogil:
    """Pixels side by side."""
    cdef Py_ssize_t c, v, nv = ceil_div(j.count, VL), c_step = g.x.c_step
    cdef real *to = j.packed
    for c in range(g.C):
        for v in range(nv - 1):
            vprefetch(x + PLANES_AHEAD * c_step + v * VL)
            vstore(to + v * VL, vload(x + v * VL))
        vprefetch(x + PLANES_AHEAD * c_step + j.count - 1)
        vstore(to + (nv - 1) * VL, vread(x + (nv - 1) * VL, j.count - (nv - 1) * VL))
        to += nv * VL
        x += c_step


cdef void gather_pixels(const Planes *g, const PlaneJob *j, const real *x) noexcept nogil:
    """Pixels at any places of a plane."""
    cdef Py_ssize_t c, p, width = round_up(j.count, VL), W = g.y.W
    cdef real *to = j.packed
    for p in range(j.count):
        j.places[p] = (j.first + p) // W * g.x.h_step + (j.first + p) % W * g.x.w_step
    for c in range(g.C):
        for p in range(j.count):
            to[p] = x[j.places[p]]
        for p in range(j.count, width):
            to[p] = 0
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
            square_part(source + c * w.step, w.step, to + c, C, count, min(<Py_ssize_t>VL, C - c))
            c += VL
    else:
        for k in range(count):
            for c in range(C):
                to[k * C + c] = source[k * w.row_step + c * w.step]
