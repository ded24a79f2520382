# Weights, packed to match the vectors of lanes.
#
# A packed row (one tap of all filters) is an array [vector][lane of the vector], in which a lane of two
# vectors is stored twice.


cdef real *packed_rows(Py_ssize_t size) noexcept nogil:
    """Zeros that begin at a whole cache line, to be freed; NULL if memory ran out."""
    cdef real *rows = <real *>on_a_line(times(size, sizeof(real)))
    if rows != NULL:
        memset(rows, 0, size * sizeof(real))
    return rows


cdef void pack_row(const Channels *c, const real *w, Py_ssize_t k_step, Py_ssize_t K, real *row) noexcept nogil:
    """row[vector][lane] = w[lane * k_step]; the lanes beyond filter K - 1 stay zero."""
    cdef Py_ssize_t v, first, lane
    for v in range(c.vectors):
        first = channel(c, v)
        for lane in range(min(<Py_ssize_t>VL, K - first)):
            row[v * VL + lane] = w[(first + lane) * k_step]


cdef void pack_phase(const Channels *c, const Phase *f, const View *w, real *to) noexcept nogil:
    """to[tap] = a packed row of w for each tap of the phase."""
    cdef Py_ssize_t r, s
    if in_order(f, w):
        pack_taps(c, w, f.h.step, to)
        return
    for r in range(f.h.count):
        for s in range(f.w.count):
            pack_row(c, w.data + (f.h.first + r * f.h.step) * w.h_step + (f.w.first + s * f.w.step) * w.w_step,
                     w.n_step, w.N, to)
            to += c.width


cdef bint in_order(const Phase *f, const View *w) noexcept nogil:
    """Whether the phase has all taps, in the order of memory or in the reverse of it."""
    return (w.w_step == 1 and w.h_step == w.W and f.h.count == w.H and f.w.count == w.W
            and f.h.step == f.w.step and f.h.step * f.h.step == 1
            and f.h.first == (0 if f.h.step == 1 else w.H - 1) and f.w.first == (0 if f.w.step == 1 else w.W - 1))


cdef void pack_taps(const Channels *c, const View *w, Py_ssize_t direction, real *to) noexcept nogil:
    """to[tap][vector][lane], turned in registers, backwards where the direction is -1."""
    cdef Py_ssize_t v, k, first, taps = w.H * w.W
    cdef real *start = to if direction == 1 else to + (taps - 1) * c.width
    for v in range(c.vectors):
        k = channel(c, v)
        first = 0
        while first < taps:
            square_part(w.data + k * w.n_step + first, w.n_step, start + first * direction * c.width + v * VL,
                        direction * c.width, min(<Py_ssize_t>VL, taps - first), min(<Py_ssize_t>VL, w.N - k))
            first += VL
