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
        rolling_sums(p, x, dy, total, 3)
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
    cdef vf acc[3 * LONGEST]
    cdef vf v[LONGEST]
    cdef vf d
    cdef bint alone
    cdef lane_mask keep[LONGEST]
    cdef lane_index index[LONGEST]
    get_lanes(p.small, keep, index, k)
    for r in range(count * k):
        acc[r] = vload(total + r * VL)
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
        vstore(total + r * VL, acc[r])


cdef inline void rolling_sums(const PlaneSums *p, const real *x, const real *dy, real *total, const int k) noexcept nogil:
    """All sums where neighbouring rows of dy meet neighbouring rows of x: row q of x meets row q - r of dy under tap row r."""
    cdef const Source *source = p.source
    cdef Py_ssize_t i, r, s, OH = source.h.positions, top = first_place(&source.h)
    cdef vf acc[LONGEST * LONGEST]
    cdef vf d[LONGEST]
    cdef vf v[LONGEST]
    cdef lane_mask keep[LONGEST]
    cdef lane_index index[LONGEST]
    cdef lane_mask full = lanes(source.w.positions)
    get_lanes(p.small, keep, index, k)
    for r in range(k * k):
        acc[r] = vload(total + r * VL)
    for r in range(k):
        d[r] = vzero
    for i in range(OH + k - 1):
        for r in range(k - 1, 0, -1):
            d[r] = d[r - 1]
        d[0] = load_lanes(dy + i * p.dy.h_step, full) if i < OH else vzero
        if 0 <= i + top < source.x.H:
            tap_columns(v, p.small, source, x, i + top, True, keep, index, k, ONE)
            for r in range(k):
                for s in range(k):
                    acc[r * k + s] = acc[r * k + s] + v[s] * d[r]
    for r in range(k * k):
        vstore(total + r * VL, acc[r])
