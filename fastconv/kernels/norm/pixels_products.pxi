# Backward, first pass: sum du and sum du (x - center) of every channel, and from them slope and offset of every set.

cdef enum:
    SUM_ROWS = 2  # of padded channels, for every block: sums of du, then of du (x - center)

cdef struct Backward:
    Pixels dy, x, y, dx, du  # y: NULL, or where the mask is read; du: NULL, or where it is wanted
    Shape h
    real *numbers   # BACKWARD_ROWS of every sample
    real *scratch   # SUM_ROWS of every block
    double *parts   # of every block: the sums, C of each
    int gate        # affine.pxd
    bint stream

ctypedef void (*products_gate)(const Backward *f, Place p, real *sums, const int gate) noexcept nogil
ctypedef void (*products_keep)(const Backward *f, Place p, real *sums, const int gate, const bint keep) noexcept nogil

cdef extern from *:
    void products_by_gate "DISPATCH_AMONG5" (products_gate f, int gate, int none, int relu, int relu6, int relu_y,
                                             int relu6_y, const Backward *b, Place p, real *sums) noexcept nogil
    void products_by_keep "DISPATCH_AMONG2" (products_keep f, bint keep, bint yes, bint no, const Backward *b, Place p,
                                             real *sums, int gate) noexcept nogil


cdef void all_forward_numbers(const Backward *f, const Statistics *t, const Table *w, const Table *b) noexcept nogil:
    """Center, scale and shift of every sample and channel, as the forward pass had them."""
    cdef Py_ssize_t n, c, width = f.h.C // f.h.G
    cdef Numbers k
    cdef Set s
    for n in range(f.h.N):
        k = numbers_of(f.numbers, n, BACKWARD_ROWS, f.h.padded)
        for c in range(f.h.C):
            s = saved_set(t, n, c // width)
            set_channel(&k, c, &s, w, b)


cdef void all_slopes(const Backward *f, const Statistics *t, const Table *w, double *total) noexcept nogil:
    """Slope and offset of every sample and channel; leaves db = sum du and dw = sum du z, of all samples, in rows 2 and
    3 of total, and uses rows 0 and 1 for the sums of a sample."""
    cdef Py_ssize_t n, g
    for n in range(f.h.N):
        join_products(f, n, total)
        for g in range(f.h.G):
            set_slopes(f, t, w[0], n, g, total)


cdef void join_products(const Backward *f, Py_ssize_t n, double *total) noexcept nogil:
    """The sums of sample n: of its blocks, in their order."""
    cdef Py_ssize_t _block, c, C = f.h.C
    cdef const double *part = f.parts + 2 * n * f.h.blocks * C
    memset(total, 0, 2 * C * sizeof(double))
    for _block in range(f.h.blocks):
        for c in range(2 * C):
            total[c] += part[c]
        part += 2 * C


cdef void set_slopes(const Backward *f, const Statistics *t, Table w, Py_ssize_t n, Py_ssize_t g,
                     double *total) noexcept nogil:
    """slope = -r^3 mean(g (x - center)), offset = -r mean(g) for the channels of a group, g = w du; 0 unless training.
    The group's sums join db and dw in the same loop, and w is a copy: else the compiler rounds the sums otherwise (it
    fuses other multiplications with additions), and bits of float64 change."""
    cdef Py_ssize_t c, C = f.h.C, width = C // f.h.G
    cdef double sums = 0, products = 0, count = <double>(width * f.h.P), r = number(&t.inverse, n, g, 0), scale
    cdef Numbers k = numbers_of(f.numbers, n, BACKWARD_ROWS, f.h.padded)
    for c in range(g * width, (g + 1) * width):
        scale = number(&w, 0, c, 1)
        sums += scale * total[c]
        products += scale * total[C + c]
        total[2 * C + c] += total[c]
        total[3 * C + c] += total[C + c] * r  # z = (x - center) r
    for c in range(g * width, (g + 1) * width):
        k.slope[c] = slope_of(r, products, count) if t.training else 0
        k.offset[c] = offset_of(r, sums, count) if t.training else 0


cdef void block_products(const void *backward, Py_ssize_t job) noexcept nogil:
    """The sums of a block; TOGETHER pixels are summed in vectors before they join sums in double."""
    cdef const Backward *f = <const Backward *>backward
    cdef Place p = place_of(&f.h, job)
    cdef Py_ssize_t stop = p.stop
    cdef real *sums = f.scratch + job * SUM_ROWS * f.h.padded
    while p.first < stop:
        p.stop = min(p.first + TOGETHER, stop)
        products_by_gate(products_gated, f.gate, 0, 1, 2, 3, 4, f, p, sums)
        flush(sums, f.parts + 2 * job * f.h.C, f.h.C)
        flush(sums + f.h.padded, f.parts + (2 * job + 1) * f.h.C, f.h.C)
        p.first = p.stop


cdef inline void products_gated(const Backward *f, Place p, real *sums, const int gate) noexcept nogil:
    """The sums of some pixels through one gate."""
    products_by_keep(products, f.du.base != NULL, True, False, f, p, sums, gate)


cdef inline void products(const Backward *f, Place p, real *sums, const int gate, const bint keep) noexcept nogil:
    """The same; keep: du is stored."""
    cdef Py_ssize_t i, fours = (p.stop - p.first) // ROWS if f.h.rows == ROWS else 0
    for i in range(fours):
        products_rows(f, p.n, p.first + ROWS * i, ROWS, sums, gate, keep)
    for i in range(p.first + fours * ROWS, p.stop):
        products_rows(f, p.n, i, 1, sums, gate, keep)


cdef struct ProductsRows:  # a few pixels side by side
    Line dy, x, y, du
    Numbers k
    real *sums       # of du
    real *products   # of du (x - center)


cdef inline void products_rows(const Backward *f, Py_ssize_t n, Py_ssize_t i, const int rows, real *sums,
                               const int gate, const bint keep) noexcept nogil:
    """The same of a few pixels side by side, from pixel i on."""
    cdef ProductsRows r = ProductsRows(line(&f.dy, n, i), line(&f.x, n, i), line(&f.y, n, i), line(&f.du, n, i),
                                       numbers_of(f.numbers, n, BACKWARD_ROWS, f.h.padded), sums, sums + f.h.padded)
    cdef Py_ssize_t v, vectors = f.h.C // VL, rest = f.h.C % VL
    for v in range(vectors):
        products_column(&r, v * VL, VL, rows, gate, keep)
    if rest:
        products_column(&r, vectors * VL, rest, rows, gate, keep)


cdef inline void products_column(const ProductsRows *r, Py_ssize_t c, Py_ssize_t n, const int rows, const int gate,
                                 const bint keep) noexcept nogil:
    """sums += du, products += du (x - center) of n <= VL channels from c on; both terms are 0 in the lanes beyond."""
    cdef vf center = vload(r.k.center + c), scale = vzero, shift = vzero, x, du
    cdef vf s = vload(r.sums + c), q = vload(r.products + c)
    cdef int j
    if gate == 1 or gate == 2:
        scale, shift = vload(r.k.scale + c), vload(r.k.shift + c)
    for j in range(rows):
        du, x = vread(r.dy.at + j * r.dy.step + c, n), vread_over(r.x.at + j * r.x.step + c, n, center)
        du = gated(du, x, r.y.at, j * r.y.step + c, n, center, scale, shift, gate)
        if keep:
            vwrite(r.du.at + j * r.du.step + c, n, du)
        s = s + du
        q = vfma(du, x - center, q)
    vstore(r.sums + c, s)
    vstore(r.products + c, q)
