# Forward, second pass: y = f((x - center) scale + shift + residual).

ctypedef void (*scale_activation)(const Forward *f, Place p, const int activation) noexcept nogil
ctypedef void (*scale_flags)(const Forward *f, Place p, const int activation, const bint add,
                             const bint stream) noexcept nogil

cdef extern from *:
    void by_activation "DISPATCH_AMONG3" (scale_activation f, int activation, int none, int relu, int relu6,
                                          const Forward *forward, Place p) noexcept nogil
    void by_flags "DISPATCH_FLAGS2" (scale_flags f, bint add, bint stream, const Forward *forward, Place p,
                                     int activation) noexcept nogil


cdef void all_sets(const Forward *f, const Statistics *t, const Table *w, const Table *b,
                   double *total) noexcept nogil:
    """Center, scale and shift of every sample and channel; total: room for the moments of the channels of a sample."""
    cdef Py_ssize_t n, g, c, C = f.h.C, width = C // f.h.G
    cdef Moments m
    cdef Set s
    cdef Numbers k
    for n in range(f.h.N):
        k = numbers_of(f.numbers, n, FORWARD_ROWS, f.h.padded)
        if t.training:
            join_blocks(&f.h, f.parts + 2 * n * f.h.blocks * C, total)
        for g in range(f.h.G):
            m = Moments(0, 0, 0)
            if t.training:
                for c in range(g * width, (g + 1) * width):
                    join(&m, <double>f.h.P, total[c], total[C + c])
            s = set_of(t, &m, n, g)
            for c in range(g * width, (g + 1) * width):
                set_channel(&k, c, &s, w, b)


cdef inline void set_channel(Numbers *k, Py_ssize_t c, const Set *s, const Table *w, const Table *b) noexcept nogil:
    """The numbers of the forward pass for channel c, of set s: scale = r w, shift = b - low scale."""
    k.center[c] = s.center
    k.scale[c] = scale_of(s, number(w, 0, c, 1))
    k.shift[c] = shift_of(s, number(w, 0, c, 1), number(b, 0, c, 0))


cdef void block_scale(const void *forward, Py_ssize_t job) noexcept nogil:
    """y of a block."""
    cdef const Forward *f = <const Forward *>forward
    by_activation(scale_activated, f.activation, 0, 1, 2, f, place_of(&f.h, job))
    if f.stream:
        vfence()


cdef inline void scale_activated(const Forward *f, Place p, const int activation) noexcept nogil:
    """The same for one activation."""
    by_flags(scale_pixels, f.residual.base != NULL, f.stream, f, p, activation)


cdef struct ScaleRows:  # a few pixels side by side
    Line x, y, residual
    Numbers k
    Py_ssize_t ahead


cdef inline void scale_pixels(const Forward *f, Place p, const int activation, const bint add,
                              const bint stream) noexcept nogil:
    """The same, with or without a residual, into the caches or past them."""
    cdef ScaleRows r = ScaleRows(line(&f.x, p.n, p.first), line(&f.y, p.n, p.first), line(&f.residual, p.n, p.first),
                                 numbers_of(f.numbers, p.n, FORWARD_ROWS, f.h.padded), f.h.ahead)
    cdef Py_ssize_t C = f.h.C, i, fours = (p.stop - p.first) // ROWS if f.h.rows == ROWS else 0
    for i in range(fours):
        scale_rows(&r, C, ROWS, activation, add, stream)
    for i in range(p.first + fours * ROWS, p.stop):
        scale_rows(&r, C, 1, activation, add, stream)


cdef inline void scale_rows(ScaleRows *r, Py_ssize_t C, const int rows, const int activation, const bint add,
                            const bint stream) noexcept nogil:
    """y of a few pixels side by side; then r is those that follow."""
    cdef Py_ssize_t v, vectors = C // VL, rest = C % VL
    for v in range(vectors):
        scale_column(r, v * VL, VL, rows, activation, add, stream)
    if rest:
        scale_column(r, vectors * VL, rest, rows, activation, add, False)
    r.x.at += rows * r.x.step
    r.y.at += rows * r.y.step
    if add:
        r.residual.at += rows * r.residual.step


cdef inline void scale_column(const ScaleRows *r, Py_ssize_t c, Py_ssize_t n, const int rows, const int activation,
                              const bint add, const bint stream) noexcept nogil:
    """y of n <= VL channels from c on: y = f((x - center) scale + shift + residual)"""
    cdef vf center = vload(r.k.center + c), scale = vload(r.k.scale + c), shift = vload(r.k.shift + c), u
    cdef int j
    for j in range(rows):
        if n == VL:
            vprefetch(r.x.at + j * r.x.step + c + r.ahead)
        u = scaled(vread_over(r.x.at + j * r.x.step + c, n, center), center, scale, shift)
        if add:
            u = u + vread(r.residual.at + j * r.residual.step + c, n)
        if stream:
            vstream(r.y.at + j * r.y.step + c, activated(u, activation))
        else:
            vwrite(r.y.at + j * r.y.step + c, n, activated(u, activation))
