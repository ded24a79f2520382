# Forward, second pass: y = f((x - center) scale + shift + residual).

cdef struct ScaleGroup:  # pixels that are walked through together
    Line x, y, residual
    Numbers k
    Py_ssize_t pixels

ctypedef void (*scale_column)(const ScaleGroup *g, const int activation, const bint add, const bint stream,
                              Py_ssize_t c, Py_ssize_t n, const int nv) noexcept nogil
ctypedef void (*scale_activation)(const Forward *f, Place p, const int activation) noexcept nogil
ctypedef void (*scale_flags)(const Forward *f, Place p, const int activation, const bint add,
                             const bint stream) noexcept nogil

cdef extern from *:
    void by_activation "DISPATCH_AMONG3" (scale_activation f, int activation, int none, int relu, int relu6,
                                          const Forward *forward, Place p) noexcept nogil
    void by_flags "DISPATCH_FLAGS2" (scale_flags f, bint add, bint stream, const Forward *forward, Place p,
                                     int activation) noexcept nogil
    void scale_each "EACH_COLUMN" (scale_column f, Py_ssize_t C, const ScaleGroup *g, int activation, bint add,
                                   bint stream) noexcept nogil


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
        for g in range(FORWARD_ROWS):
            repeat_numbers(&f.h, k.center + g * f.h.padded)


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


cdef inline void scale_pixels(const Forward *f, Place p, const int activation, const bint add,
                              const bint stream) noexcept nogil:
    """The same, with or without a residual, into the caches or past them."""
    cdef Line x = line(&f.x, p.n, p.first), y = line(&f.y, p.n, p.first), residual = line(&f.residual, p.n, p.first)
    cdef Numbers k = numbers_of(f.numbers, p.n, FORWARD_ROWS, f.h.padded)
    cdef Py_ssize_t C = f.h.C, stop = p.stop - p.first, wide = whole_vectors(&f.h, stop, x, y, residual), i = 0, pixels
    cdef ScaleGroup g
    while i < stop:
        if i < wide:  # `side` pixels are taken as one, then what is left one by one
            C = f.h.side * f.h.C
            pixels = min(group_of(C), (wide - i) // f.h.side)
            g = ScaleGroup(ahead(x, i, C), ahead(y, i, C), ahead(residual, i, C), k, pixels)
            i += pixels * f.h.side
        else:
            C = f.h.C
            pixels = min(f.h.group, stop - i)
            g = ScaleGroup(ahead(x, i, x.step), ahead(y, i, y.step), ahead(residual, i, residual.step), k, pixels)
            i += pixels
        scale_each(scale_columns, C, &g, activation, add, stream)


cdef inline void scale_columns(const ScaleGroup *g, const int activation, const bint add, const bint stream,
                               Py_ssize_t c, Py_ssize_t n, const int nv) noexcept nogil:
    """y of a column: y = f((x - center) scale + shift + residual)"""
    cdef vf center[NR]
    cdef vf scale[NR]
    cdef vf shift[NR]
    cdef vf u
    cdef const real *x = g.x.at + c
    cdef const real *residual = g.residual.at + c if add else NULL
    cdef real *y = g.y.at + c
    cdef Py_ssize_t _pixel, pixels = g.pixels, x_step = g.x.step, y_step = g.y.step, step = g.residual.step
    cdef int j
    for j in range(nv):
        center[j], scale[j] = vload(g.k.center + c + j * VL), vload(g.k.scale + c + j * VL)
        shift[j] = vload(g.k.shift + c + j * VL)
    for _pixel in range(pixels):
        for j in range(nv):
            u = scaled(vread_over(x + j * VL, n, center[j]), center[j], scale[j], shift[j])
            if add:
                u = u + vread(residual + j * VL, n)
            if stream:
                vstream(y + j * VL, activated(u, activation))
            else:
                vwrite(y + j * VL, n, activated(u, activation))
        x += x_step
        y += y_step
        if add:
            residual += step
