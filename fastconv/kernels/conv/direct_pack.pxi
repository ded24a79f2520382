# Weights in the order in which tiles read them.

cdef enum:
    LINES = 8           # channels packed at a time, so that reads run along memory

cdef struct Filters:    # the weights of a grid where they lie: first[lane * out + channel * inner + offsets[tap]]
    const real *first
    Py_ssize_t out, inner, group    # strides from lane to lane, from channel to channel, from group to group
    Py_ssize_t *offsets             # of each tap


cdef Py_ssize_t packed_reals(const Grid *g) noexcept nogil:
    """Packed weights of all groups."""
    return times(times(g.groups * round_up(g.K, VL), g.taps.count), g.taps.length)


cdef void pack(const Grid *g, const Filters *f, real *packed) noexcept nogil:
    """packed[group][panel][tap][channel][lane]"""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t steps = g.taps.count * g.taps.length, size = round_up(g.K, VL) * steps, job, k0
    cdef Py_ssize_t panels = ceil_div(g.K, NR * VL)
    cdef int threads = threads_for(<double>g.groups * size * DIRECT_PACK_NS)
    if size == 0:
        return
    share_out(&ranges, g.groups * panels, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            k0 = job % panels * NR * VL
            pack_panel(f, f.first + job // panels * f.group + k0 * f.out, g.taps.count, g.taps.length,
                       min(<Py_ssize_t>(NR * VL), g.K - k0), packed + job // panels * size + k0 * steps)
            job = next_job(&ranges, thread)


cdef void pack_panel(const Filters *f, const real *w, Py_ssize_t taps, Py_ssize_t length, Py_ssize_t lanes,
                     real *packed) noexcept nogil:
    """packed[tap][c][lane] = w[lane * out + c * inner + offsets[tap]], zeros beyond the last lane."""
    cdef Py_ssize_t width = round_up(lanes, VL), c0 = 0
    if f.inner == taps and in_order(f.offsets, taps):
        pack_transposed(w, f.out, taps, length, lanes, packed)
        return
    memset(packed, 0, taps * length * width * sizeof(real) if lanes < width else 0)
    while c0 < length:
        if f.out < f.inner:
            pack_by_lanes(f, w, taps, length, lanes, c0, packed)
        else:
            pack_by_taps(f, w, taps, length, lanes, c0, packed)
        c0 += LINES


cdef inline void pack_by_lanes(const Filters *f, const real *w, Py_ssize_t taps, Py_ssize_t length, Py_ssize_t lanes,
                               Py_ssize_t c0, real *packed) noexcept nogil:
    """LINES channels from c0 on, the lanes innermost: their stride is the smaller one."""
    cdef Py_ssize_t c, t, lane
    cdef real *row
    cdef const real *source
    for c in range(c0, min(c0 + <Py_ssize_t>LINES, length)):
        for t in range(taps):
            row = packed + (t * length + c) * round_up(lanes, VL)
            source = w + c * f.inner + f.offsets[t]
            if f.out == 1:
                memcpy(row, source, lanes * sizeof(real))
            else:
                for lane in range(lanes):
                    row[lane] = source[lane * f.out]


cdef inline void pack_by_taps(const Filters *f, const real *w, Py_ssize_t taps, Py_ssize_t length, Py_ssize_t lanes,
                              Py_ssize_t c0, real *packed) noexcept nogil:
    """LINES channels from c0 on, the taps innermost."""
    cdef Py_ssize_t c, t, lane, width = round_up(lanes, VL)
    cdef real *row
    cdef const real *source
    for lane in range(lanes):
        for c in range(c0, min(c0 + <Py_ssize_t>LINES, length)):
            source = w + lane * f.out + c * f.inner
            row = packed + c * width + lane
            for t in range(taps):
                row[t * length * width] = source[f.offsets[t]]


cdef void pack_transposed(const real *w, Py_ssize_t out, Py_ssize_t taps, Py_ssize_t length, Py_ssize_t lanes,
                          real *packed) noexcept nogil:
    """packed[t][c][lane] = w[lane * out + c * taps + t], VL x VL values at a time transposed in registers."""
    cdef Py_ssize_t width = round_up(lanes, VL), lane, first = 0, count, size = taps * length, row, r
    cdef vf v[VL]
    while first < size:
        count = min(<Py_ssize_t>VL, size - first)
        lane = 0
        while lane < lanes:
            for r in range(VL):
                v[r] = vread(w + (lane + r) * out + first, count) if lane + r < lanes else vzero
            vtranspose(v)
            for r in range(count):
                row = (first + r) % taps * length + (first + r) // taps
                vstore(packed + row * width + lane, v[r])
            lane += VL
        first += VL


cdef bint in_order(const Py_ssize_t *offsets, Py_ssize_t taps) noexcept nogil:
    """Whether the taps of a channel follow each other in memory."""
    cdef Py_ssize_t t
    for t in range(taps):
        if offsets[t] != t:
            return False
    return True
