# Planes, forward: y = f((x - center) scale + shift + residual).

cdef struct Planes:
    char *base                # NULL: absent
    Py_ssize_t outer, set, k  # steps in bytes

cdef struct Forward:
    Planes x, y, residual
    Table w, b
    Py_ssize_t B, K, P
    int activation
    bint stream

ctypedef void (*scale_activation)(const ScaleRun *r, const Coefficients *k, bint stream,
                                  const int activation) noexcept nogil
ctypedef void (*scale_flags)(const ScaleRun *r, const Coefficients *k, const int activation, const bint add,
                             const bint stream) noexcept nogil
ctypedef void (*beside_activation)(const Forward *f, Py_ssize_t job, const Beside *b, Moments *m,
                                   const int activation) noexcept nogil

cdef extern from *:
    void by_activation "DISPATCH_AMONG3" (scale_activation f, int activation, int none, int relu, int relu6,
                                          const ScaleRun *r, const Coefficients *k, bint stream) noexcept nogil
    void by_flags "DISPATCH_FLAGS2" (scale_flags f, bint add, bint stream, const ScaleRun *r, const Coefficients *k,
                                     int activation) noexcept nogil
    void beside_by_activation "DISPATCH_AMONG3" (beside_activation f, int activation, int none, int relu, int relu6,
                                                 const Forward *set, Py_ssize_t job, const Beside *b,
                                                 Moments *m) noexcept nogil


cdef Planes planes_of(const real[:, :, :, :] a) noexcept nogil:
    """The memory of a[A, B, K, P]; absent for None."""
    if a is None:
        return Planes(NULL, 0, 0, 0)
    return Planes(<char *>&a[0, 0, 0, 0], a.strides[0], a.strides[1], a.strides[2])


cdef inline real *plane(const Planes *p, Py_ssize_t a, Py_ssize_t s, Py_ssize_t k) noexcept nogil:
    """Plane k of set (a, s); NULL where there are none."""
    if p.base == NULL:
        return NULL
    return <real *>(p.base + a * p.outer + s * p.set + k * p.k)


cdef bint past_caches(const Planes *p, Py_ssize_t count, Py_ssize_t P) noexcept nogil:
    """Whether a result is large and all its vectors are aligned."""
    return (count * P * REAL_BYTES >= STREAM_NORM_BYTES and P % VL == 0
            and (<Py_ssize_t>p.base | p.outer | p.set | p.k) % (VL * REAL_BYTES) == 0)


cdef inline void set_plane(Coefficients *n, const Set *s, double w, double b) noexcept nogil:
    """The numbers of the forward pass: scale = r w, shift = b - low scale."""
    n.center, n.scale, n.shift = s.center, scale_of(s, w), shift_of(s, w, b)


cdef int scale_known(const Forward *f, const Statistics *t, int threads) except -1:
    """y by statistics that are known before; jobs are some channels of a sample (plane k of some sets)."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job, together = max(<Py_ssize_t>1, 16384 // f.P), cuts = ceil_div(f.B, together)
    cdef Coefficients *numbers = <Coefficients *>malloc(f.B * sizeof(Coefficients))
    cdef Set s
    if numbers == NULL:
        raise MemoryError(f"numbers of {f.B} channels")
    for job in range(f.B):
        s = set_of(t, NULL, 0, job)
        set_plane(numbers + job, &s, number(&f.w, job, 0, 1), number(&f.b, job, 0, 0))
    share_out(&ranges, f.K * cuts, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            sample_forward(f, numbers, job // cuts, job % cuts * together, together)
            job = next_job(&ranges, thread)
    free(numbers)
    return 0


cdef void sample_forward(const Forward *f, const Coefficients *numbers, Py_ssize_t k, Py_ssize_t first,
                         Py_ssize_t together) noexcept nogil:
    """Some channels of a sample."""
    cdef Py_ssize_t s
    for s in range(first, min(first + together, f.B)):
        plane_scale(f, 0, s, k, numbers + s)
    if f.stream:
        vfence()


cdef void sets_in_turn(const Forward *f, const Statistics *t, Ranges *ranges, int thread) noexcept nogil:
    """The sets of a thread by their own moments. Where y is stored around the caches and a set has one weight and bias,
    its second pass and the first one of the set that follows are one: reads from memory go on meanwhile."""
    cdef Py_ssize_t job = next_job(ranges, thread), following
    cdef bint beside = f.stream and f.w.j == 0 and f.b.j == 0
    cdef Moments m = Moments(0, 0, 0)
    cdef Set own
    if job >= 0:
        set_moments(f, job, &m)
    while job >= 0:
        own = set_of(t, &m, job // f.B, job % f.B)
        following = next_job(ranges, thread)
        m = Moments(0, 0, 0)
        if following >= 0 and beside:
            set_beside(f, job, &own, following, &m)
        else:
            set_forward(f, job, &own)
            if following >= 0:
                set_moments(f, following, &m)
        job = following
    if f.stream:
        vfence()


cdef void set_moments(const Forward *f, Py_ssize_t job, Moments *m) noexcept nogil:
    """The moments of a set."""
    moments(plane(&f.x, job // f.B, job % f.B, 0), f.x.k // REAL_BYTES, f.K, f.P, m)


cdef void set_beside(const Forward *f, Py_ssize_t job, const Set *own, Py_ssize_t following,
                     Moments *m) noexcept nogil:
    """y of a set, and the moments of the set that follows."""
    cdef Py_ssize_t a = job // f.B, s = job % f.B
    cdef Beside b
    b.first = ScaleRun(plane(&f.x, a, s, 0), plane(&f.residual, a, s, 0), plane(&f.y, a, s, 0), f.P)
    b.x, b.residual, b.y = f.x.k // REAL_BYTES, f.residual.k // REAL_BYTES, f.y.k // REAL_BYTES
    set_plane(&b.numbers, own, number(&f.w, s, 0, 1), number(&f.b, s, 0, 0))
    beside_by_activation(beside_activated, f.activation, 0, 1, 2, f, following, &b, m)


cdef inline void beside_activated(const Forward *f, Py_ssize_t job, const Beside *b, Moments *m,
                                  const int activation) noexcept nogil:
    """The same for one activation."""
    cdef const real *x = plane(&f.x, job // f.B, job % f.B, 0)
    if b.first.residual != NULL:
        moments_beside(x, f.x.k // REAL_BYTES, f.K, f.P, m, b, activation, True)
    else:
        moments_beside(x, f.x.k // REAL_BYTES, f.K, f.P, m, b, activation, False)


cdef void set_forward(const Forward *f, Py_ssize_t job, const Set *own) noexcept nogil:
    """y of a set, from its end, which is still in the cache."""
    cdef Py_ssize_t a = job // f.B, s = job % f.B, k
    cdef Coefficients n
    if f.y.base == NULL:
        return
    for k in range(f.K - 1, -1, -1):
        set_plane(&n, own, number(&f.w, s, k, 1), number(&f.b, s, k, 0))
        plane_scale(f, a, s, k, &n)


cdef inline void plane_scale(const Forward *f, Py_ssize_t a, Py_ssize_t s, Py_ssize_t k,
                             const Coefficients *n) noexcept nogil:
    """y of a plane."""
    cdef ScaleRun r = ScaleRun(plane(&f.x, a, s, k), plane(&f.residual, a, s, k), plane(&f.y, a, s, k), f.P)
    by_activation(scale_activated, f.activation, 0, 1, 2, &r, n, f.stream)


cdef inline void scale_activated(const ScaleRun *r, const Coefficients *n, bint stream,
                                 const int activation) noexcept nogil:
    """The same for one activation."""
    by_flags(scale_run, r.residual != NULL, stream, r, n, activation)


cdef inline void scale_run(const ScaleRun *r, const Coefficients *n, const int activation, const bint add,
                           const bint stream) noexcept nogil:
    """The same, with or without a residual, into the caches or past them."""
    cdef ScaleRun own = ScaleRun(r.x, r.residual, r.y, r.count)
    cdef vf c = vsplat(n.center), s = vsplat(n.scale), t = vsplat(n.shift)
    cdef Py_ssize_t i, vectors = own.count // VL, rest = own.count % VL
    for i in range(vectors):
        scale_vector(&own, i * VL, VL, c, s, t, activation, add, stream)
    if rest:
        scale_vector(&own, vectors * VL, rest, c, s, t, activation, add, False)
