# Backward, second pass: dx = du scale + (x - center) slope + offset, which is r (g - mean(g) - z mean(g z)).

cdef struct SlopeGroup:  # pixels that are walked through together
    Line taken, x, y, dx
    Numbers k
    Py_ssize_t pixels

ctypedef void (*slope_column)(const SlopeGroup *g, const int gate, const bint stream, Py_ssize_t c, Py_ssize_t n,
                              const int nv) noexcept nogil
ctypedef void (*slope_gate)(const Backward *f, const Pixels *taken, Place p, const int gate) noexcept nogil
ctypedef void (*slope_stream)(const Backward *f, const Pixels *taken, Place p, const int gate,
                              const bint stream) noexcept nogil

cdef extern from *:
    void slope_by_gate "DISPATCH_AMONG5" (slope_gate f, int gate, int none, int relu, int relu6, int relu_y,
                                          int relu6_y, const Backward *b, const Pixels *taken, Place p) noexcept nogil
    void slope_by_stream "DISPATCH_AMONG2" (slope_stream f, bint stream, bint yes, bint no, const Backward *b,
                                            const Pixels *taken, Place p, int gate) noexcept nogil
    void slope_each "EACH_COLUMN" (slope_column f, Py_ssize_t C, const SlopeGroup *g, int gate,
                                   bint stream) noexcept nogil


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
    cdef Numbers k = numbers_of(f.numbers, p.n, BACKWARD_ROWS, f.h.padded)
    cdef SlopeGroup g
    cdef Py_ssize_t i = p.first
    while i < p.stop:
        g = SlopeGroup(line(taken, p.n, i), line(&f.x, p.n, i), line(&f.y, p.n, i), line(&f.dx, p.n, i), k,
                       min(f.h.group, p.stop - i))
        slope_each(slope_columns, f.h.C, &g, gate, stream)
        i += f.h.group


cdef inline void slope_columns(const SlopeGroup *g, const int gate, const bint stream, Py_ssize_t c, Py_ssize_t n,
                               const int nv) noexcept nogil:
    """dx of a column: dx = du scale + (x - center) slope + offset"""
    cdef vf center[NR]
    cdef vf scale[NR]
    cdef vf shift[NR]
    cdef vf slope[NR]
    cdef vf offset[NR]
    cdef vf u, du
    cdef const real *taken = g.taken.at + c
    cdef const real *x = g.x.at + c
    cdef const real *y = g.y.at + c if gate > 2 else NULL
    cdef real *dx = g.dx.at + c
    cdef Py_ssize_t _pixel, pixels = g.pixels, step = g.taken.step, x_step = g.x.step, y_step = g.y.step
    cdef Py_ssize_t dx_step = g.dx.step
    cdef int j
    for j in range(nv):
        center[j], scale[j] = vload(g.k.center + c + j * VL), vload(g.k.scale + c + j * VL)
        shift[j] = vload(g.k.shift + c + j * VL) if gate == 1 or gate == 2 else vzero
        slope[j], offset[j] = vload(g.k.slope + c + j * VL), vload(g.k.offset + c + j * VL)
    for _pixel in range(pixels):
        for j in range(nv):
            du, u = vread(taken + j * VL, n), vread_over(x + j * VL, n, center[j])
            du = gated(du, u, y, j * VL, n, center[j], scale[j], shift[j], gate)
            du = sloped(du, u, center[j], scale[j], slope[j], offset[j])
            if stream:
                vstream(dx + j * VL, du)
            else:
                vwrite(dx + j * VL, n, du)
        taken += step
        x += x_step
        dx += dx_step
        if gate > 2:
            y += y_step
