# The input gradient of stride 2 on small planes, one filter per channel: a row of dx fits into a vector. Its even and odd
# columns are reached by different taps (phases.pxd), so that a term is a vector of picked dy times a vector of taps. For
# 4 x 4 taps and a padding of 1 (3 x 3 taps have planar_woven):
#
#     first term      0,          dy[0] w[2], dy[0] w[3], dy[1] w[2], dy[1] w[3], ...
#     second term     dy[0] w[1], dy[1] w[0], dy[1] w[1], dy[2] w[0], dy[2] w[1], ...

cdef enum:
    MOST_TERMS = 3      # LONGEST taps of two phases

cdef struct SmallInput:
    const InputGradient *c
    Taps h[2]                   # which taps reach the even rows of dx, and the odd rows
    int terms
    lane_mask keep[MOST_TERMS]  # lanes that have this term
    vi_element index[MOST_TERMS][MAX_LANES]  # their column of dy
    vi_element taps[MOST_TERMS][MAX_LANES]   # and their tap

ctypedef void (*small_input_case)(const SmallInput *p, const real *dy, const real *w, real bias, real *dx,
                                  const int terms) noexcept nogil

cdef extern from *:
    void two_or_three_terms "DISPATCH_AMONG2" (small_input_case f, int terms, int two, int three, const SmallInput *p,
                                               const real *dy, const real *w, real bias, real *dx) noexcept nogil


cdef bint small_input_fits(const InputGradient *c) noexcept nogil:
    """Whether this form is possible where `pairs_pay`."""
    if not PICKS or c.dx.W > VL or c.dy.W > VL or c.w.H > LONGEST or c.w.W > LONGEST:
        return False
    return c.dy.w_step == 1 and c.dx.w_step == 1 and c.w.w_step == 1


cdef void plan_small_input(SmallInput *p, const InputGradient *c) noexcept nogil:
    """Which tap and which column of dy each lane has in each term; terms go from left to right in dy."""
    cdef Taps w[2]
    cdef Py_ssize_t t, u
    cdef int i
    cdef Taps *lane
    p.c = c
    for i in range(2):
        p.h[i] = last_tap_first(taps_of_phase(i + c.window.top, 2, 1, c.w.H))
        w[i] = last_tap_first(taps_of_phase(i + c.window.left, 2, 1, c.w.W))
    p.terms = 3 if max(w[0].count, w[1].count) > 2 else 2
    for t in range(p.terms):
        p.keep[t] = lanes(0)
        for i in range(VL):
            lane = &w[i % 2]
            u = i // 2 + lane.source + t * lane.source_step
            p.index[t][i] = p.taps[t][i] = 0
            if t < lane.count and 0 <= u < c.dy.W:
                p.index[t][i], p.taps[t][i] = <vi_element>u, <vi_element>(lane.first + t * lane.step)
                p.keep[t] = with_lane(p.keep[t], i)


cdef inline void small_input_plane(const SmallInput *p, const real *dy, const real *w, real bias, real *dx,
                                   const int terms) noexcept nogil:
    """One plane of dx."""
    cdef const InputGradient *c = p.c
    cdef Py_ssize_t i, r, row, H = c.dx.H
    cdef const Taps *h
    cdef vf taps[LONGEST][MOST_TERMS]
    cdef vf acc, v
    cdef int t
    cdef lane_mask full = lanes(c.dx.W), columns = lanes(c.dy.W)
    for r in range(c.w.H):
        v = load_lanes(w + r * c.w.h_step, lanes(c.w.W))
        for t in range(terms):
            taps[r][t] = picked_of_one(v, vload_index(p.taps[t]), p.keep[t])
    for i in range(H):
        h = &p.h[i % 2]
        acc = vsplat(bias)
        for r in range(h.count):
            row = i // 2 + h.source + r * h.source_step
            if 0 <= row < c.dy.H:
                v = load_lanes(dy + row * c.dy.h_step, columns)
                for t in range(terms):
                    acc = acc + (picked_of_one(v, vload_index(p.index[t]), p.keep[t]) *
                                 taps[h.first + r * h.step][t])
        store_lanes(dx + i * c.dx.h_step, full, activated(acc, c.activation))


cdef int run_small_input(const InputGradient *c) noexcept nogil:
    """All planes of dx."""
    cdef int thread
    cdef Ranges ranges
    cdef SmallInput p
    cdef Py_ssize_t planes = c.dx.N * c.window.groups, job
    cdef int threads = threads_for(<double>planes * c.dx.H * (c.w.H * c.w.W + 4) * SMALL_TAP_NS)
    plan_small_input(&p, c)
    share_out(&ranges, ceil_div(planes, SMALL_PLANES), threads)
    with parallel(num_threads=threads):
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                small_input_job(&p, job * SMALL_PLANES, min(planes, (job + 1) * SMALL_PLANES))
                job = next_job(&ranges, thread)
    return 0


cdef void small_input_job(const SmallInput *p, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    """Planes first to end; plane n * groups + group."""
    cdef const InputGradient *c = p.c
    cdef Py_ssize_t plane, n, k
    for plane in range(first, end):
        n, k = plane // c.window.groups, plane % c.window.groups
        two_or_three_terms(small_input_plane, p.terms, 2, 3, p, c.dy.data + n * c.dy.n_step + k * c.dy.c_step,
                           c.w.data + k * c.w.n_step, c.b[k], c.dx.data + n * c.dx.n_step + k * c.dx.c_step)
