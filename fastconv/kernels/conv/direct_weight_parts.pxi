# The weight gradient from the sums of its parts.

cdef void add_parts(const Sums *g, const Array4 *dw) noexcept nogil:
    """dw[k,c,r,s] = the sums of all parts, in order."""
    cdef Py_ssize_t job, blocks = ceil_div(g.C, VL), tiles = g.blocks.tiles_of_group
    cdef int threads = threads_for(<double>g.parts.size * g.parts.count * COST_DIRECT_ADD)
    for job in prange(g.groups * tiles * blocks, num_threads=threads, schedule="static"):
        add_block(g, dw, job // blocks // tiles, job // blocks % tiles, job % blocks * VL)


cdef void add_block(const Sums *g, const Array4 *dw, Py_ssize_t group, Py_ssize_t tile, Py_ssize_t c0) noexcept nogil:
    """VL channels of one tile of columns, transposed in registers, since dw is written along its rows."""
    cdef Py_ssize_t k0 = tile * NR * VL, lanes = min(<Py_ssize_t>(NR * VL), g.K - k0), width = columns(lanes)
    cdef Py_ssize_t count = min(<Py_ssize_t>VL, g.C - c0), r, s, c, part
    cdef const real *sums = g.parts.sums + group * g.parts.group + k0 * g.kh * g.kw * g.C + c0 * width
    cdef const real *row
    cdef real *first
    cdef vf total[VL]
    for c in range(VL):
        total[c] = vzero
    while lanes > 0:
        first = dw.first + (group * g.K + k0) * dw.n + c0 * dw.c
        for r in range(g.kh):
            for s in range(g.kw):
                row = sums + (r * g.kw + s) * g.C * width
                for c in range(count):
                    total[c] = vload(row)
                    for part in range(1, g.parts.count):
                        total[c] = total[c] + vload(row + part * g.parts.size)
                    row += width
                vtranspose(total)
                store_rows(<const real *>total, min(lanes, <Py_ssize_t>VL), count, first + r * dw.h + s * dw.w, dw)
        sums += VL
        k0 += VL
        lanes -= VL


cdef inline void store_rows(const real *values, Py_ssize_t lanes, Py_ssize_t count, real *first,
                            const Array4 *dw) noexcept nogil:
    """dw[k0 + lane, c0 + c, r, s] = values[lane][c], where `first` is dw[k0, c0, r, s]."""
    cdef Py_ssize_t lane, c
    for lane in range(lanes):
        if dw.c == 1 and count == VL:
            vstore(first, vload(values))
        else:
            for c in range(count):
                first[c * dw.c] = values[c]
        values += VL
        first += dw.n
