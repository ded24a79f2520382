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

cdef struct ProductsGroup:  # pixels that are walked through together
    Line dy, x, y, du
    Numbers k
    real *sums       # of du
    real *products   # of du (x - center)
    Py_ssize_t pixels

ctypedef void (*products_column)(const ProductsGroup *g, const int gate, const bint keep, Py_ssize_t c, Py_ssize_t n,
                                 const int nv) noexcept nogil
ctypedef void (*products_gate)(const Backward *f, Place p, real *sums, const int gate) noexcept nogil
ctypedef void (*products_keep)(const Backward *f, Place p, real *sums, const int gate, const bint keep) noexcept nogil

cdef extern from *:
    void products_by_gate "DISPATCH_AMONG5" (products_gate f, int gate, int none, int relu, int relu6, int relu_y,
                                             int relu6_y, const Backward *b, Place p, real *sums) noexcept nogil
    void products_by_keep "DISPATCH_AMONG2" (products_keep f, bint keep, bint yes, bint no, const Backward *b, Place p,
                                             real *sums, int gate) noexcept nogil
    void products_each "EACH_COLUMN" (products_column f, Py_ssize_t C, const ProductsGroup *g, int gate,
                                      bint keep) noexcept nogil


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
    cdef Numbers k = numbers_of(f.numbers, p.n, BACKWARD_ROWS, f.h.padded)
    cdef ProductsGroup g
    cdef Py_ssize_t i = p.first
    while i < p.stop:
        g = ProductsGroup(line(&f.dy, p.n, i), line(&f.x, p.n, i), line(&f.y, p.n, i), line(&f.du, p.n, i), k, sums,
                          sums + f.h.padded, min(f.h.group, p.stop - i))
        products_each(products_columns, f.h.C, &g, gate, keep)
        i += f.h.group


cdef inline void products_columns(const ProductsGroup *g, const int gate, const bint keep, Py_ssize_t c, Py_ssize_t n,
                                  const int nv) noexcept nogil:
    """sums += du, products += du (x - center) of a column; both terms are 0 in the lanes beyond n."""
    cdef vf center[NR]
    cdef vf scale[NR]
    cdef vf shift[NR]
    cdef vf s[NR]
    cdef vf q[NR]
    cdef vf u, du
    cdef const real *dy = g.dy.at + c
    cdef const real *x = g.x.at + c
    cdef const real *y = g.y.at + c if gate > 2 else NULL
    cdef real *kept = g.du.at + c if keep else NULL
    cdef Py_ssize_t _pixel, pixels = g.pixels, dy_step = g.dy.step, x_step = g.x.step, y_step = g.y.step
    cdef Py_ssize_t kept_step = g.du.step
    cdef int j
    for j in range(nv):
        center[j], scale[j], shift[j] = vload(g.k.center + c + j * VL), vzero, vzero
        if gate == 1 or gate == 2:
            scale[j], shift[j] = vload(g.k.scale + c + j * VL), vload(g.k.shift + c + j * VL)
        s[j], q[j] = vload(g.sums + c + j * VL), vload(g.products + c + j * VL)
    for _pixel in range(pixels):
        for j in range(nv):
            du, u = vread(dy + j * VL, n), vread_over(x + j * VL, n, center[j])
            du = gated(du, u, y, j * VL, n, center[j], scale[j], shift[j], gate)
            if keep:
                vwrite(kept + j * VL, n, du)
            s[j] = s[j] + du
            q[j] = vfma(du, u - center[j], q[j])
        dy += dy_step
        x += x_step
        if gate > 2:
            y += y_step
        if keep:
            kept += kept_step
    for j in range(nv):
        vstore(g.sums + c + j * VL, s[j])
        vstore(g.products + c + j * VL, q[j])
