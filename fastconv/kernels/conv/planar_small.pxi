# One filter per channel on small planes, where a row of y fits into a vector (AVX-512): nothing is copied. Two loads hold
# the places of x that a tap row reads, and for every tap column one instruction picks its lanes from them, zeros where
# the tap is outside of x:
#
#     one     a row of x                          a row of y
#     pair    rows i and i + move of x            two rows of y, side by side
#     wide    both halves of a row of x           a row of y (strides above 1)

cdef enum:
    ONE, PAIR, WIDE     # the three forms
    LONGEST = 5         # taps of a row: a kernel has 3 x 3 or 5 x 5
    SMALL_PLANES = 32   # planes in a job

cdef struct Small:
    int form                    # ONE, PAIR or WIDE
    bint rolling                # rows of y read neighbouring rows of x
    Py_ssize_t rows             # of y in a vector
    lane_mask first, second     # lanes of the two loads
    lane_mask keep[LONGEST]     # lanes whose tap s is inside of x
    vi_element index[LONGEST][MAX_LANES]  # and where it is in the two loads

ctypedef void (*small_case)(const Grid *g, const Small *t, const real *x, const real *w, real bias, real *y, const int k,
                            const int form) noexcept nogil

cdef extern from *:
    void any_form "DISPATCH_AMONG3" (small_case f, int form, int one, int pair, int wide, const Grid *g, const Small *t,
                                     const real *x, const real *w, real bias, real *y, const int k) noexcept nogil


cdef bint small_fits(const Source *x, const View *y) noexcept nogil:
    """Whether this form is possible: y is the operand that has a value per position."""
    cdef Py_ssize_t k = x.w.taps.count, OW = x.w.positions
    if not PICKS or k != x.h.taps.count or (k != 3 and k != 5) or x.x.w_step != 1 or y.w_step != 1:
        return False
    if OW > VL or x.x.W > 2 * VL:
        return False
    return form_of(x) != PAIR or y.h_step == OW


cdef int form_of(const Source *x) noexcept nogil:
    """What the two loads of a tap row are."""
    if x.x.W > VL:
        return WIDE
    return PAIR if 2 * x.w.positions <= VL and x.h.positions > 1 else ONE


cdef void plan_small(Small *t, const Source *x) noexcept nogil:
    """Where each lane reads each tap."""
    cdef Py_ssize_t row, j, s, u, OW = x.w.positions
    cdef int i
    t.form = form_of(x)
    t.rows = 2 if t.form == PAIR else 1
    t.rolling = t.form == ONE and neighbours(x)
    t.first, t.second = lanes(at_most_vector(x.x.W)), lanes(at_most_vector(x.x.W - VL))
    for s in range(x.w.taps.count):
        t.keep[s] = lanes(0)
        for i in range(VL):
            row, j = i // OW, i % OW
            u = j * x.w.move + x.w.taps.source + s * x.w.taps.source_step
            t.index[s][i] = 0
            if row < t.rows and 0 <= u < x.x.W:
                t.index[s][i] = <vi_element>(u + row * VL)
                t.keep[s] = with_lane(t.keep[s], i)


cdef inline vf row_lanes(const Source *x, const real *plane, Py_ssize_t row, Py_ssize_t first, lane_mask m) noexcept nogil:
    """Values first, first + 1, ... of a row of a plane of x; zeros where there is no such row."""
    if row < 0 or row >= x.x.H:
        return vzero
    return load_lanes(plane + row * x.x.h_step + first, m)


cdef inline void tap_columns(vf *out, const Small *t, const Source *x, const real *plane, Py_ssize_t row, bint alone,
                             const lane_mask *keep, const lane_index *index, const int k, const int form) noexcept nogil:
    """What each tap of a row reads for one vector of y, whose first row reads this row of x; alone: there is no second row."""
    cdef vf a = row_lanes(x, plane, row, 0, t.first), b
    cdef int s
    if form == WIDE:
        b = row_lanes(x, plane, row, VL, t.second)
    elif form == PAIR and alone:
        b = vzero
    elif form == PAIR:
        b = row_lanes(x, plane, row + x.h.move, 0, t.first)
    for s in range(k):
        out[s] = picked_of_one(a, index[s], keep[s]) if form == ONE else picked(a, b, index[s], keep[s])


cdef inline void get_lanes(const Small *t, lane_mask *keep, lane_index *index, const int k) noexcept nogil:
    """The plan in registers."""
    keep[0], keep[1], keep[2] = t.keep[0], t.keep[1], t.keep[2]  # not a loop: it would become a copy in memory
    index[0], index[1], index[2] = vload_index(t.index[0]), vload_index(t.index[1]), vload_index(t.index[2])
    if k > 3:
        keep[3], keep[4] = t.keep[3], t.keep[4]
        index[3], index[4] = vload_index(t.index[3]), vload_index(t.index[4])


cdef inline void small_plane(const Grid *g, const Small *t, const real *x, const real *w, real bias, real *y, const int k,
                             const int form) noexcept nogil:
    """One plane of y."""
    cdef const Source *source = &g.source
    cdef Py_ssize_t i = 0, r, s, OW = source.w.positions, OH = source.h.positions, rows = 2 if form == PAIR else 1
    cdef const real *tap
    cdef vf v[LONGEST]
    cdef vf acc
    cdef lane_mask keep[LONGEST]
    cdef lane_index index[LONGEST]
    cdef lane_mask full = lanes(rows * OW)
    get_lanes(t, keep, index, k)
    while i < OH:
        acc = vsplat(bias)
        for r in range(k):
            tap_columns(v, t, source, x, i * source.h.move + source.h.taps.source + r * source.h.taps.source_step, False,
                        keep, index, k, form)
            tap = w + r * g.filters.r_step
            for s in range(k):
                acc = acc + v[s] * vsplat(tap[s * g.filters.s_step])
        store_lanes(y + i * g.y.h_step, lanes(OW) if form == PAIR and i + 1 == OH else full, activated(acc, g.activation))
        i += rows


cdef inline void rolling_plane(const Grid *g, const Small *t, const real *x, const real *w, real bias, real *y,
                               const int k) noexcept nogil:
    """One plane of y where neighbouring rows of y read neighbouring rows of x: each row of x is read once.

    Row q of x is tap row r of row q - r of y; k rows of y are summed at a time."""
    cdef const Source *source = &g.source
    cdef Py_ssize_t i, r, s, row, OH = source.h.positions, top = first_place(&source.h)
    cdef bint turned = source.h.taps.source_step < 0
    cdef vf v[LONGEST]
    cdef vf acc[LONGEST + 1]
    cdef vf taps[LONGEST * LONGEST]
    cdef lane_mask keep[LONGEST]
    cdef lane_index index[LONGEST]
    cdef lane_mask full = lanes(source.w.positions)
    get_lanes(t, keep, index, k)
    for r in range(k):
        acc[r] = vsplat(bias)
        for s in range(k):
            taps[r * k + s] = vsplat(w[(k - 1 - r if turned else r) * g.filters.r_step + s * g.filters.s_step])
    for i in range(1 - k, OH):
        row = i + k - 1 + top
        acc[k] = vsplat(bias)
        if 0 <= row < source.x.H:
            tap_columns(v, t, source, x, row, True, keep, index, k, ONE)
            for s in range(k):
                for r in range(k):
                    acc[r] = acc[r] + v[s] * taps[(k - 1 - r) * k + s]
        if i >= 0:
            store_lanes(y + i * g.y.h_step, full, activated(acc[0], g.activation))
        for r in range(k):
            acc[r] = acc[r + 1]


cdef int run_small(const Grid *g) noexcept nogil:
    """All planes of y."""
    cdef int thread
    cdef Ranges ranges
    cdef Small t
    cdef const Source *x = &g.source
    cdef Py_ssize_t planes = x.x.N * x.groups, job
    cdef int threads = threads_for(plane_taps(x) * SMALL_TAP_NS)
    plan_small(&t, x)
    share_out(&ranges, ceil_div(planes, SMALL_PLANES), threads)
    with parallel(num_threads=threads):
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                small_job(g, &t, job * SMALL_PLANES, min(planes, (job + 1) * SMALL_PLANES))
                job = next_job(&ranges, thread)
    return 0


cdef void small_job(const Grid *g, const Small *t, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    """Planes first to end; plane n * groups + group."""
    cdef Py_ssize_t plane, n, c
    cdef const View *x = &g.source.x
    cdef const real *source
    cdef const real *w
    cdef real *y
    for plane in range(first, end):
        n, c = plane // g.source.groups, plane % g.source.groups
        source = x.data + n * x.n_step + c * x.c_step
        w = g.filters.w + c * g.filters.group_step
        y = g.y.data + n * g.y.n_step + c * g.y.c_step
        if t.rolling and g.source.w.taps.count == 3:
            rolling_plane(g, t, source, w, g.filters.b[c], y, 3)
        elif t.rolling:
            rolling_plane(g, t, source, w, g.filters.b[c], y, 5)
        elif g.source.w.taps.count == 3:
            any_form(small_plane, t.form, ONE, PAIR, WIDE, g, t, source, w, g.filters.b[c], y, 3)
        else:
            any_form(small_plane, t.form, ONE, PAIR, WIDE, g, t, source, w, g.filters.b[c], y, 5)
