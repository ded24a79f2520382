# Backward, second pass: dx = du scale + (x - center) slope + offset, which is r (g - mean(g) - z mean(g z)).

ctypedef void (*slope_gate)(const Backward *f, const Pixels *taken, Place p, const int gate) noexcept nogil
ctypedef void (*slope_stream)(const Backward *f, const Pixels *taken, Place p, const int gate,
                              const bint stream) noexcept nogil

cdef extern from *:
    void slope_by_gate "DISPATCH_AMONG5" (slope_gate f, int gate, int none, int relu, int relu6, int relu_y,
                                          int relu6_y, const Backward *b, const Pixels *taken, Place p) noexcept nogil
    void slope_by_stream "DISPATCH_AMONG2" (slope_stream f, bint stream, bint yes, bint no, const Backward *b,
                                            const Pixels *taken, Place p, int gate) noexcept nogil


cdef void block_slope(const void *backward, Py_ssize_t job) noexcept nogil:
    """dx of a block; du is read where the first pass stored it, else made from dy again."""
    cdef const Backward *f = <const Backward *>backward
    cdef bint stored = f.du.base != NULL
    slope_by_gate(slope_gated, 0 if stored else f.gate, 0, 1, 2, 3, 4, f, &f.du if stored else &f.dy,
                  place_of(&f.h, job))
    if f.stream:
        vfence()


cdef inline void slope_gated(const Backward *f, const Pixels *taken, Place p, const int gate) noexcept nogil:
    """The same through one gate; taken: du or dy."""
    slope_by_stream(slope_pixels, f.stream, True, False, f, taken, p, gate)


cdef inline void slope_pixels(const Backward *f, const Pixels *taken, Place p, const int gate,
                              const bint stream) noexcept nogil:
    """The same, into the caches or past them."""
    cdef Py_ssize_t i, fours = (p.stop - p.first) // ROWS if f.h.rows == ROWS else 0
    for i in range(fours):
        slope_rows(f, taken, p.n, p.first + ROWS * i, ROWS, gate, stream)
    for i in range(p.first + fours * ROWS, p.stop):
        slope_rows(f, taken, p.n, i, 1, gate, stream)


cdef struct SlopeRows:  # a few pixels side by side
    Line taken, x, y, dx
    Numbers k


cdef inline void slope_rows(const Backward *f, const Pixels *taken, Py_ssize_t n, Py_ssize_t i, const int rows,
                            const int gate, const bint stream) noexcept nogil:
    """dx of a few pixels side by side, from pixel i on."""
    cdef SlopeRows r = SlopeRows(line(taken, n, i), line(&f.x, n, i), line(&f.y, n, i), line(&f.dx, n, i),
                                 numbers_of(f.numbers, n, BACKWARD_ROWS, f.h.padded))
    cdef Py_ssize_t v, vectors = f.h.C // VL, rest = f.h.C % VL
    for v in range(vectors):
        slope_column(&r, v * VL, VL, rows, gate, stream)
    if rest:
        slope_column(&r, vectors * VL, rest, rows, gate, False)


cdef inline void slope_column(const SlopeRows *r, Py_ssize_t c, Py_ssize_t n, const int rows, const int gate,
                              const bint stream) noexcept nogil:
    """dx of n <= VL channels from c on: dx = du scale + (x - center) slope + offset"""
    cdef vf center = vload(r.k.center + c), scale = vload(r.k.scale + c), shift = vload(r.k.shift + c)
    cdef vf slope = vload(r.k.slope + c), offset = vload(r.k.offset + c), x, du, dx
    cdef int j
    for j in range(rows):
        du, x = vread(r.taken.at + j * r.taken.step + c, n), vread_over(r.x.at + j * r.x.step + c, n, center)
        du = gated(du, x, r.y.at, j * r.y.step + c, n, center, scale, shift, gate)
        dx = sloped(du, x, center, scale, slope, offset)
        if stream:
            vstream(r.dx.at + j * r.dx.step + c, dx)
        else:
            vwrite(r.dx.at + j * r.dx.step + c, n, dx)
