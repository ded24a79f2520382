# The weight gradient of one filter per channel on small planes (planar_small): a vector of dy times the lanes that each tap
# picks. All taps of 3 x 3 kernels are summed together, of larger kernels one row of taps after the other.

ctypedef void (*small_sums_case)(const PlaneSums *p, const real *x, const real *dy, Py_ssize_t first, real *total,
                                 const int k, const int count, const int form) noexcept nogil

cdef extern from *:
    void any_form_of_sums "DISPATCH_AMONG3" (small_sums_case f, int form, int one, int pair, int wide, const PlaneSums *p,
                                             const real *x, const real *dy, Py_ssize_t first, real *total, const int k,
                                             const int count) noexcept nogil


cdef void sum_small_plane(const PlaneSums *p, const real *x, const real *dy, real *total) noexcept nogil:
    """total[tap] += the sums of one plane, each a vector."""
    cdef Py_ssize_t r
    if p.source.w.taps.count == 3 and p.small.rolling:
        rolling_sums(p, x, dy, total)
    elif p.source.w.taps.count == 3:
        any_form_of_sums(small_sums, p.small.form, ONE, PAIR, WIDE, p, x, dy, 0, total, 3, 3)
    else:
        for r in range(5):
            any_form_of_sums(small_sums, p.small.form, ONE, PAIR, WIDE, p, x, dy, r, total + r * 5 * VL, 5, 1)


cdef inline void small_sums(const PlaneSums *p, const real *x, const real *dy, Py_ssize_t first, real *total, const int k,
                            const int count, const int form) noexcept nogil:
    """The sums of `count` rows of taps, from row `first` on."""
    cdef const Source *source = p.source
    cdef Py_ssize_t i = 0, r, s, OH = source.h.positions, OW = source.w.positions, rows = 2 if form == PAIR else 1
    cdef Py_ssize_t row = source.h.taps.source + first * source.h.taps.source_step
    cdef vf acc[9]
    cdef vf v[LONGEST]
    cdef vf d
    cdef bint alone
    cdef lane_mask keep[LONGEST]
    cdef lane_index index[LONGEST]
    get_lanes(p.small, keep, index, k)
    nine_zeros(acc)
    while i < OH:
        alone = form != PAIR or i + 1 == OH
        d = load_lanes(dy + i * p.dy.h_step, lanes(OW if alone else 2 * OW))
        for r in range(count):
            tap_columns(v, p.small, source, x, i * source.h.move + row + r * source.h.taps.source_step, alone, keep, index,
                        k, form)
            for s in range(k):
                acc[r * k + s] = acc[r * k + s] + v[s] * d
        i += rows
    for r in range(count * k):
        vstore(total + r * VL, vload(total + r * VL) + acc[r])


cdef inline void nine_zeros(vf *v) noexcept nogil:
    """Not a loop: it would become a call that fills memory."""
    v[0] = v[1] = v[2] = v[3] = v[4] = v[5] = v[6] = v[7] = v[8] = vzero


cdef inline lane_mask row_of_dy(const PlaneSums *p, Py_ssize_t i) noexcept nogil:
    """The lanes of row i; none where there is no such row."""
    return lanes(p.source.w.positions) if 0 <= i < p.source.h.positions else lanes(0)


cdef inline void rolling_sums(const PlaneSums *p, const real *x, const real *dy, real *total) noexcept nogil:
    """All sums of 3 x 3 taps; row i + top of x meets row i - r of dy under tap row r, where there is one."""
    cdef const Source *source = p.source
    cdef Py_ssize_t top = first_place(&source.h), i = max(<Py_ssize_t>0, -top)
    cdef Py_ssize_t end = min(source.h.positions + 2, source.x.H - top), r, s
    cdef vf acc[9]
    cdef vf v[LONGEST]
    cdef vf one, two, three
    cdef lane_mask keep[LONGEST]
    cdef lane_index index[LONGEST]
    cdef lane_mask in_one = row_of_dy(p, i - 1), in_two = row_of_dy(p, i - 2), in_three
    get_lanes(p.small, keep, index, 3)
    nine_zeros(acc)
    one, two = load_lanes(dy + (i - 1) * p.dy.h_step, in_one), load_lanes(dy + (i - 2) * p.dy.h_step, in_two)
    while i < end:
        three, in_three = two, in_two
        two, in_two = one, in_one
        in_one = row_of_dy(p, i)
        one = load_lanes(dy + i * p.dy.h_step, in_one)
        tap_columns(v, p.small, source, x, i + top, True, keep, index, 3, ONE)
        for s in range(3):
            acc[s] = add_product(acc[s], v[s], one, in_one)
            acc[3 + s] = add_product(acc[3 + s], v[s], two, in_two)
            acc[6 + s] = add_product(acc[6 + s], v[s], three, in_three)
        i += 1
    for r in range(9):
        vstore(total + r * VL, vload(total + r * VL) + acc[r])
