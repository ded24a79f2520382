# Planes, backward: the sums of du and of du (x - center) of a set, then dx = du scale + (x - center) slope + offset.

cdef struct Backward:
    Planes dy, x, y, dx, du  # y: NULL, or where the mask is read; du: NULL, or where it is wanted
    Table w, b
    Py_ssize_t B, K, P
    int gate     # affine.pxd
    bint stream
    bint apart   # sums for each plane, not for each set

cdef struct Part:  # values start to stop of the planes k to k + rows of set (a, s)
    Py_ssize_t a, s, k, rows, start, stop

cdef struct ProductsRun:  # values of a plane
    const real *dy
    const real *x
    const real *y
    real *du

cdef struct SlopeRun:  # `count` values of a plane; taken: du, or dy
    const real *taken
    const real *x
    const real *y
    real *dx
    Py_ssize_t count

ctypedef void (*products_gate)(const Backward *f, const Part *p, const Coefficients *n, double *sums,
                               const int gate) noexcept nogil
ctypedef void (*products_keep)(const Backward *f, const Part *p, const Coefficients *n, double *sums, const int gate,
                               const bint keep) noexcept nogil
ctypedef void (*slope_gate)(const SlopeRun *r, const Coefficients *n, bint stream, const int gate) noexcept nogil
ctypedef void (*slope_stream)(const SlopeRun *r, const Coefficients *n, const int gate,
                              const bint stream) noexcept nogil

cdef extern from *:
    void products_by_gate "DISPATCH_AMONG5" (
        products_gate f, int gate, int none, int relu, int relu6, int relu_y, int relu6_y, const Backward *b,
        const Part *p, const Coefficients *n, double *sums) noexcept nogil
    void products_by_keep "DISPATCH_AMONG2" (
        products_keep f, bint keep, bint yes, bint no, const Backward *b, const Part *p, const Coefficients *n,
        double *sums, int gate) noexcept nogil
    void slope_by_gate "DISPATCH_AMONG5" (
        slope_gate f, int gate, int none, int relu, int relu6, int relu_y, int relu6_y, const SlopeRun *r,
        const Coefficients *n, bint stream) noexcept nogil
    void slope_by_stream "DISPATCH_AMONG2" (slope_stream f, bint stream, bint yes, bint no, const SlopeRun *r,
                                            const Coefficients *n, int gate) noexcept nogil


cdef void join_sums(const double *sums, Py_ssize_t A, Py_ssize_t count, real[:] dw, real[:] db) noexcept nogil:
    """dw and db: over the A outer sets, in their order."""
    cdef Py_ssize_t a, i
    cdef double g0, g1
    for i in range(count):
        g0, g1 = 0, 0
        for a in range(A):
            g0 += sums[2 * (a * count + i)]
            g1 += sums[2 * (a * count + i) + 1]
        db[i] = <real>g0
        dw[i] = <real>g1


cdef void set_backward(const Backward *f, const Statistics *t, Py_ssize_t job, double *sums) noexcept nogil:
    """dx of a set; leaves sum du and sum du z of the set or of every plane in sums."""
    cdef Py_ssize_t a = job // f.B, s = job % f.B, k
    cdef Set own = saved_set(t, a, s)
    cdef double r = own.inverse, g0 = 0, g1 = 0, scale
    cdef Coefficients n
    cdef Table w = f.w  # a copy, which no store changes: else the compiler rounds the sums below otherwise
    set_plane(&n, &own, number(&w, s, 0, 1), number(&f.b, s, 0, 0))
    set_products(f, a, s, &n, sums)
    for k in range(f.K if f.apart else 1):
        scale = number(&w, s, k, 1)
        g0 += scale * sums[2 * k]      # sum g, g = w du
        g1 += scale * sums[2 * k + 1]  # sum g (x - center)
        sums[2 * k + 1] *= r           # z = (x - center) r
    if f.dx.base == NULL:
        return
    n.slope = slope_of(r, g1, <double>(f.K * f.P)) if t.training else 0
    n.offset = offset_of(r, g0, <double>(f.K * f.P)) if t.training else 0
    for k in range(f.K - 1, -1, -1):
        n.scale = scale_of(&own, number(&w, s, k, 1))
        plane_slope(f, a, s, k, &n)
    if f.stream:
        vfence()


cdef void set_products(const Backward *f, Py_ssize_t a, Py_ssize_t s, const Coefficients *n,
                       double *sums) noexcept nogil:
    """sums += (sum du, sum du (x - center)), by RUN values: whole planes together where they are short and their sums
    are not wanted one by one."""
    cdef Py_ssize_t together = 1 if f.apart else max(<Py_ssize_t>1, RUN // f.P), length = RUN if together == 1 else f.P
    cdef Part p
    p.a, p.s, p.k = a, s, 0
    while p.k < f.K:
        p.rows = min(together, f.K - p.k)
        p.start = 0
        while p.start < f.P:
            p.stop = min(f.P, p.start + length)
            products_by_gate(products_gated, f.gate, 0, 1, 2, 3, 4, f, &p, n, sums + 2 * p.k if f.apart else sums)
            p.start = p.stop
        p.k += together


cdef inline void products_gated(const Backward *f, const Part *p, const Coefficients *n, double *sums,
                                const int gate) noexcept nogil:
    """The sums of a part through one gate."""
    products_by_keep(products, f.du.base != NULL, True, False, f, p, n, sums, gate)


cdef inline void products(const Backward *f, const Part *p, const Coefficients *n, double *sums, const int gate,
                          const bint keep) noexcept nogil:
    """The same; keep: du is stored. Four sums side by side, so that one addition need not wait for the one before."""
    cdef vf s[SIDE_BY_SIDE]
    cdef vf q[SIDE_BY_SIDE]
    cdef vf c = vsplat(n.center), a = vsplat(n.scale), t = vsplat(n.shift)
    cdef Py_ssize_t i, row, vectors = (p.stop - p.start) // VL, rest = (p.stop - p.start) % VL
    cdef ProductsRun r
    cdef int j
    for j in range(SIDE_BY_SIDE):
        s[j] = q[j] = vzero
    for row in range(p.k, p.k + p.rows):
        r.dy, r.x = plane(&f.dy, p.a, p.s, row) + p.start, plane(&f.x, p.a, p.s, row) + p.start
        r.y = plane(&f.y, p.a, p.s, row) + p.start if gate > 2 else NULL
        r.du = plane(&f.du, p.a, p.s, row) + p.start if keep else NULL
        i = 0
        while i + SIDE_BY_SIDE <= vectors:
            for j in range(SIDE_BY_SIDE):
                add_products(&r, (i + j) * VL, VL, c, a, t, s + j, q + j, gate, keep)
            i += SIDE_BY_SIDE
        while i < vectors:
            add_products(&r, i * VL, VL, c, a, t, s, q, gate, keep)
            i += 1
        if rest:
            add_products(&r, vectors * VL, rest, c, a, t, s + 1, q + 1, gate, keep)
    sums[0] += vsum((s[0] + s[1]) + (s[2] + s[3]))
    sums[1] += vsum((q[0] + q[1]) + (q[2] + q[3]))


cdef inline void add_products(const ProductsRun *r, Py_ssize_t i, Py_ssize_t n, vf center, vf scale, vf shift,
                              vf *sums, vf *products, const int gate, const bint keep) noexcept nogil:
    """sums += du, products += du (x - center) of n <= VL values from i on; both terms are 0 in the lanes beyond."""
    cdef vf x = vread_over(r.x + i, n, center)
    cdef vf du = gated(vread(r.dy + i, n), x, r.y, i, n, center, scale, shift, gate)
    if keep:
        vwrite(r.du + i, n, du)
    sums[0] = sums[0] + du
    products[0] = vfma(du, x - center, products[0])


cdef inline void plane_slope(const Backward *f, Py_ssize_t a, Py_ssize_t s, Py_ssize_t k,
                             const Coefficients *n) noexcept nogil:
    """dx of one plane; du is read where it was stored, else made from dy again."""
    cdef bint stored = f.du.base != NULL
    cdef SlopeRun r = SlopeRun(plane(&f.du if stored else &f.dy, a, s, k), plane(&f.x, a, s, k), plane(&f.y, a, s, k),
                               plane(&f.dx, a, s, k), f.P)
    slope_by_gate(slope_gated, 0 if stored else f.gate, 0, 1, 2, 3, 4, &r, n, f.stream)


cdef inline void slope_gated(const SlopeRun *r, const Coefficients *n, bint stream, const int gate) noexcept nogil:
    """The same through one gate."""
    slope_by_stream(slope_run, stream, True, False, r, n, gate)


cdef inline void slope_run(const SlopeRun *r, const Coefficients *n, const int gate, const bint stream) noexcept nogil:
    """The same, into the caches or past them."""
    cdef SlopeRun own = SlopeRun(r.taken, r.x, r.y, r.dx, r.count)
    cdef vf c = vsplat(n.center), a = vsplat(n.scale), t = vsplat(n.shift), k = vsplat(n.slope), e = vsplat(n.offset)
    cdef Py_ssize_t i, vectors = own.count // VL, rest = own.count % VL
    for i in range(vectors):
        slope_vector(&own, i * VL, VL, c, a, t, k, e, gate, stream)
    if rest:
        slope_vector(&own, vectors * VL, rest, c, a, t, k, e, gate, False)


cdef inline void slope_vector(const SlopeRun *r, Py_ssize_t i, Py_ssize_t n, vf center, vf scale, vf shift, vf slope,
                              vf offset, const int gate, const bint stream) noexcept nogil:
    """n <= VL values from i on: dx = du scale + (x - center) slope + offset"""
    cdef vf x = vread_over(r.x + i, n, center), dx
    dx = sloped(gated(vread(r.taken + i, n), x, r.y, i, n, center, scale, shift, gate), x, center, scale, slope, offset)
    if stream:
        vstream(r.dx + i, dx)
    else:
        vwrite(r.dx + i, n, dx)
