# The weight gradient from the sums of its parts.

cdef void add_parts(const Sums *g, const View *dw) noexcept nogil:
    """dw[k,c,r,s] = the sums of all parts, in order."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job, blocks = ceil_div(g.C, VL), tiles = g.blocks.tiles_of_group
    cdef int threads = threads_for(<double>g.parts.size * g.parts.count * DIRECT_ADD_NS)
    share_out(&ranges, g.groups * tiles * blocks, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            add_block(g, dw, job // blocks // tiles, job // blocks % tiles, job % blocks * VL)
            job = next_job(&ranges, thread)


cdef void add_block(const Sums *g, const View *dw, Py_ssize_t group, Py_ssize_t tile, Py_ssize_t c0) noexcept nogil:
    """VL channels of one tile of columns, transposed in registers, since dw is written along its rows."""
    cdef Py_ssize_t k0 = tile * NR * VL, lanes = min(<Py_ssize_t>(NR * VL), g.K - k0), width = round_up(lanes, VL)
    cdef Py_ssize_t count = min(<Py_ssize_t>VL, g.C - c0), r, s, c, part
    cdef const real *sums = g.parts.sums + group * g.parts.group + k0 * g.kh * g.kw * g.C + c0 * width
    cdef const real *row
    cdef real *first
    cdef vf total[VL]
    for c in range(VL):
        total[c] = vzero
    while lanes > 0:
        first = dw.data + (group * g.K + k0) * dw.n_step + c0 * dw.c_step
        for r in range(g.kh):
            for s in range(g.kw):
                row = sums + (r * g.kw + s) * g.C * width
                for c in range(count):
                    total[c] = vload(row)
                    for part in range(1, g.parts.count):
                        total[c] = total[c] + vload(row + part * g.parts.size)
                    row += width
                vtranspose(total)
                store_rows(<const real *>total, min(lanes, <Py_ssize_t>VL), count,
                           first + r * dw.h_step + s * dw.w_step, dw)
        sums += VL
        k0 += VL
        lanes -= VL


cdef inline void store_rows(const real *values, Py_ssize_t lanes, Py_ssize_t count, real *first,
                            const View *dw) noexcept nogil:
    """dw[k0 + lane, c0 + c, r, s] = values[lane][c], where `first` is dw[k0, c0, r, s]."""
    cdef Py_ssize_t lane, c
    for lane in range(lanes):
        if dw.c_step == 1 and count == VL:
            vstore(first, vload(values))
        else:
            for c in range(count):
                first[c * dw.c_step] = values[c]
        values += VL
        first += dw.n_step
