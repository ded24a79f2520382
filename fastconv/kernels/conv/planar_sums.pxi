# The tile of the weight gradient: mk filters times mt taps, whose sums over positions stay in registers.
#
# Each sum is a vector, of PIECES rows at a time: lane l of a piece adds the positions of column l, l + PL, ... of its
# row. A row whose end is no whole piece takes one more, which overlaps the one before it; a mask lets only its own lanes
# through, and none of a row that is not there:
#
#     columns  0 1 2 3 4 5 6 7 8 9      PL = 4      [0 1 2 3] [4 5 6 7]
#                                                       [. . 8 9]

cdef struct Masked:             # steps that do not add all lanes
    Py_ssize_t count
    Py_ssize_t x, dy            # of the first one, from the beginning of an image
    Py_ssize_t x_step, dy_step  # from one to the next
    Py_ssize_t x_piece, dy_piece  # from the first piece to the second
    real mask[MAX_LANES]

cdef struct Positions:          # of the blocks that are summed together
    Py_ssize_t images, rows
    Py_ssize_t x_image, x_row   # from one to the next: in x, or in its copy
    Py_ssize_t dy_image, dy_row, dy_filter  # the same of dy
    Py_ssize_t GW               # columns
    Masked masked[3]
    int masks                   # how many of them there are


cdef void find_masked(Positions *p) noexcept nogil:
    """The ends of rows; the last row, where it has no second one; and its end."""
    cdef Py_ssize_t last = max(<Py_ssize_t>0, p.GW - PL), full = p.GW // PL, row = p.rows - 1
    cdef vp end = pfirst(<int>p.GW) if p.GW < PL else plast(<int>(p.GW % PL))
    p.masks = 0
    if p.GW % PL and p.rows >= PIECES:
        add_masked(p, p.rows // PIECES, last, last, PIECES * p.x_row, PIECES * p.dy_row, end, end, 1)
    if p.rows % PIECES and full:
        add_masked(p, full, row * p.x_row, row * p.dy_row, PL, PL, pfirst(PL), pzero, 0)
    if p.rows % PIECES and p.GW % PL:
        add_masked(p, 1, row * p.x_row + last, row * p.dy_row + last, 0, 0, end, pzero, 0)


cdef void add_masked(Positions *p, Py_ssize_t count, Py_ssize_t x, Py_ssize_t dy, Py_ssize_t x_step, Py_ssize_t dy_step,
                     vp first, vp second, Py_ssize_t rows) noexcept nogil:
    """One more kind of steps, with a mask for each piece; the second piece lies so many rows behind the first."""
    cdef Masked *m = &p.masked[p.masks]
    m.count, m.x, m.dy, m.x_step, m.dy_step = count, x, dy, x_step, dy_step
    m.x_piece, m.dy_piece = rows * p.x_row, rows * p.dy_row
    pstore(m.mask + (PIECES - 1) * PL, second)
    pstore(m.mask, first)
    p.masks += 1


cdef inline void point_at_pieces(const real **p, const real *first, Py_ssize_t piece) noexcept nogil:
    """The places of a vector's pieces: one, or two that lie `piece` apart."""
    p[PIECES - 1] = first + piece
    p[0] = first


cdef inline void move_pieces(const real **p, Py_ssize_t step) noexcept nogil:
    """All of them by `step`."""
    cdef int i
    for i in range(PIECES):
        p[i] += step


cdef inline void sum_body(const Positions *p, const real *x, const Py_ssize_t *offsets, const real *dy, real *sums,
                          bint fresh, const int mk, const int mt) noexcept nogil:
    """sums[k][t] += dy[k] * x[offsets[t]] over images, rows and pieces of columns; `fresh` sums begin at zero.

    The products are written twice, and the sums have two indices: GCC keeps all of them in registers only so."""
    cdef vf acc[4][6]
    cdef vf xv[6]
    cdef vf d, mask
    cdef Py_ssize_t at[6]
    cdef Py_ssize_t n, i, v, full = p.GW // PL, groups = p.rows // PIECES, x_group = PIECES * p.x_row
    cdef Py_ssize_t dy_group = PIECES * p.dy_row, k_step = p.dy_filter
    cdef Py_ssize_t inner = full, inner_x = PL, inner_dy = PL, outer = groups, outer_x = x_group, outer_dy = dy_group
    cdef const real *px[PIECES]
    cdef const real *pdy[PIECES]
    cdef const Masked *m
    cdef int k, t
    for t in range(mt):
        at[t] = offsets[t]
    for k in range(mk):
        for t in range(mt):
            acc[k][t] = vzero if fresh else vload(sums + (k * mt + t) * VL)
    if groups > full:  # the longer loop inside
        inner, inner_x, inner_dy, outer, outer_x, outer_dy = groups, x_group, dy_group, full, PL, PL
    for n in range(p.images):
        for i in range(outer):
            point_at_pieces(px, x + n * p.x_image + i * outer_x, p.x_row)
            point_at_pieces(pdy, dy + n * p.dy_image + i * outer_dy, p.dy_row)
            for v in range(inner):
                for t in range(mt):
                    xv[t] = pload_pieces(px, at[t])
                    pkeep(xv[t])
                for k in range(mk):
                    d = pload_pieces(pdy, k * k_step)
                    for t in range(mt):
                        acc[k][t] = acc[k][t] + d * xv[t]
                move_pieces(px, inner_x)
                move_pieces(pdy, inner_dy)
        for i in range(p.masks):
            m = &p.masked[i]
            point_at_pieces(px, x + n * p.x_image + m.x, m.x_piece)
            point_at_pieces(pdy, dy + n * p.dy_image + m.dy, m.dy_piece)
            mask = vload(m.mask)
            for v in range(m.count):
                for t in range(mt):
                    xv[t] = pmask(pload_pieces(px, at[t]), mask)
                for k in range(mk):
                    d = pmask(pload_pieces(pdy, k * k_step), mask)
                    for t in range(mt):
                        acc[k][t] = acc[k][t] + d * xv[t]
                move_pieces(px, m.x_step)
                move_pieces(pdy, m.dy_step)
    for k in range(mk):
        for t in range(mt):
            vstore(sums + (k * mt + t) * VL, acc[k][t])


cdef inline void sum_filters(const Positions *p, const real *x, const Py_ssize_t *offsets, const real *dy, real *sums,
                             bint fresh, int mt, const int mk) noexcept nogil:
    """sum_body for mk filters and 1, 3, 5 or (with 4 filters) 6 taps, the widths that taps_in_tile chooses."""
    if PREGISTERS > 16 and mk == 4 and mt == 6:
        sum_body(p, x, offsets, dy, sums, fresh, mk, 6)
    elif PREGISTERS > 16 and mt == 5:
        sum_body(p, x, offsets, dy, sums, fresh, mk, 5)
    elif mt == 3:
        sum_body(p, x, offsets, dy, sums, fresh, mk, 3)
    else:
        sum_body(p, x, offsets, dy, sums, fresh, mk, 1)


cdef void sum_tile(const Positions *p, const real *x, const Py_ssize_t *offsets, const real *dy, real *sums, bint fresh,
                   int mk, int mt) noexcept nogil:
    """sum_body for 1, 3 or 4 filters, the heights that filters_in_tile chooses."""
    if mk == 4:
        sum_filters(p, x, offsets, dy, sums, fresh, mt, 4)
    elif mk == 3:
        sum_filters(p, x, offsets, dy, sums, fresh, mt, 3)
    else:
        sum_filters(p, x, offsets, dy, sums, fresh, mt, 1)


cdef int filters_in_tile(Py_ssize_t K) noexcept nogil:
    """4; 3 where 3 divides K and 4 does not: the last tile overlaps the one before it, and would sum a filter twice. 1
    where not even 3 filters fit."""
    if K < 3:
        return 1
    return 3 if K % 3 == 0 and K % 4 else 4


cdef int taps_in_tile(Py_ssize_t taps, int mk) noexcept nogil:
    """A tile needs mk * mt registers for sums, mt for x and one for dy. 4 x 3 fill 16 registers, 4 x 6 fill 31 of 32.

    With 32 registers: 6 where they divide the taps of a filter, else 5 where the last tile repeats no more taps than
    tiles of 3 would. 1 where not even 3 taps fit."""
    if taps < 3:
        return 1
    if PREGISTERS == 16:
        return 3
    if mk == 4 and taps % 6 == 0:
        return 6
    return 5 if taps >= 5 and round_up(taps, 5) <= round_up(taps, 3) else 3
