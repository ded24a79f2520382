# Weighted sums along W in planar memory: a vector holds VL pixels of a row of y, and needs for each of its taps VL values
# from anywhere in the line. How they are fetched is found once per call:
#
#     RUN     neighbours: one load
#     PICK    lane by lane from two vectors (AVX-512)
#     EACH    one by one

cdef enum:
    RUN
    PICK
    EACH


cdef Py_ssize_t slots_of(const Taps *t, Py_ssize_t o, Py_ssize_t end) noexcept nogil:
    """The most taps that one of the outputs o to end - 1 has."""
    cdef Py_ssize_t i, most = 0
    for i in range(o, end):
        most = max(most, t.ends[i + 1] - t.ends[i])
    return most


cdef void set_slot(Slot *s, const Taps *t, Py_ssize_t o, Py_ssize_t end, Py_ssize_t k) noexcept nogil:
    """Tap k of the outputs o to end - 1, at most VL; one of them at least has it."""
    cdef Py_ssize_t i, at, low = -1, high = 0
    cdef bint run = True
    for i in range(o, end):
        at = t.ends[i] + k
        if at < t.ends[i + 1]:
            low, high = t.source[at] if low < 0 else min(low, t.source[at]), max(high, t.source[at])
    s.base, s.keep = low, lanes(0)
    for i in range(VL):
        s.weight[i], s.index[i] = 0, -1
        at = t.ends[o + i] + k if o + i < end else 0
        if o + i < end and at < t.ends[o + i + 1]:
            s.weight[i], s.index[i] = t.weight[at], <lane_element>(t.source[at] - low)
            s.keep = with_lane(s.keep, <int>i)
        run = run and (o + i >= end or s.index[i] == i)
    s.how = RUN if run else PICK if PICKS and high - low < 2 * VL else EACH


cdef int set_slots(Weighted *p) except -1:
    """The slots of all vectors of a row of y; MemoryError where there is no room for them."""
    cdef Py_ssize_t vectors = ceil_div(p.OW, VL), v, k, end, count = 0
    p.slot_ends = <Py_ssize_t *>malloc(vectors * sizeof(Py_ssize_t))
    if p.slot_ends == NULL:
        raise MemoryError
    for v in range(vectors):
        count += slots_of(&p.cols, v * VL, min((v + 1) * VL, p.OW))
        p.slot_ends[v] = count
    p.slots = <Slot *>on_a_line(times(max(count, <Py_ssize_t>1), sizeof(Slot)))
    if p.slots == NULL:
        raise MemoryError
    count = 0
    for v in range(vectors):
        end = min((v + 1) * VL, p.OW)
        for k in range(p.slot_ends[v] - count):
            set_slot(p.slots + count + k, &p.cols, v * VL, end, k)
        count = p.slot_ends[v]
    return 0


cdef vf one_by_one(const Slot *s, const real *line) noexcept nogil:
    """The values of a slot, 0 where an output has no tap."""
    cdef real values[MAX_LANES]
    cdef int i
    for i in range(VL):
        values[i] = line[s.base + s.index[i]] if s.index[i] >= 0 else 0
    return vload(values)


cdef inline vf fetched(const Slot *s, const real *line) noexcept nogil:
    """The values of a slot. The line goes on for two vectors; what lies there is not stored in the end."""
    cdef const real *x = line + s.base
    if s.how == RUN:
        return vload(x)
    if s.how == PICK:
        return picked(vload(x), vload(x + VL), vload_index(s.index), s.keep)
    return one_by_one(s, line)


cdef void weighted_columns(const Weighted *p, const real *line, real *y) noexcept nogil:
    """A row of y from its line: y[ow] = sum of weight line[source] over the taps of ow."""
    cdef Py_ssize_t v, k = 0, ow
    cdef const Slot *s
    cdef vf sum_of_taps
    for v in range(ceil_div(p.OW, VL)):
        ow, s = v * VL, p.slots + k
        sum_of_taps = vzero
        if k < p.slot_ends[v]:
            sum_of_taps = vload(s.weight) * fetched(s, line)
            k += 1
        while k < p.slot_ends[v]:
            s = p.slots + k
            sum_of_taps = vfma(vload(s.weight), fetched(s, line), sum_of_taps)
            k += 1
        if p.stream:
            vstream(y + ow, sum_of_taps)
        else:
            vwrite(y + ow, p.OW - ow, sum_of_taps)
