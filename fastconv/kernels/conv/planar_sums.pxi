# The tile of the weight gradient: mk filters times mt taps, whose sums over positions stay in registers.
#
# Each sum is a vector: lane l adds the positions of column l, l + PL, ... of a row. A row whose end is no whole vector
# takes one more, which overlaps the one before it; a mask lets only its own lanes through:
#
#     columns  0 1 2 3 4 5 6 7 8 9      PL = 4      [0 1 2 3] [4 5 6 7]
#                                                       [. . 8 9]

cdef struct Positions:          # of the blocks that are summed together
    Py_ssize_t images, rows
    Py_ssize_t x_image, x_row   # from one to the next: in x, or in its copy
    Py_ssize_t dy_image, dy_row, dy_filter  # the same of dy
    Py_ssize_t GW               # columns
    real mask[PL]               # which lanes the last vector of a row adds


cdef inline void sum_body(const Positions *p, const real *x, const Py_ssize_t *offsets, const real *dy, real *sums,
                          bint fresh, const int mk, const int mt) noexcept nogil:
    """sums[k][t] += dy[k] * x[offsets[t]] over images, rows and vectors of columns; `fresh` sums begin at zero.

    The products are written twice, and the sums have two indices: GCC keeps all of them in registers only so."""
    cdef vp acc[4][6]
    cdef vp xv[6]
    cdef vp d, mask
    cdef Py_ssize_t at[6]
    cdef Py_ssize_t n, i, v, full = p.GW // PL, k_step = p.dy_filter, inner, inner_x, inner_dy, outer, outer_x, outer_dy
    cdef const real *px
    cdef const real *pdy
    cdef int k, t
    for t in range(mt):
        at[t] = offsets[t]
    for k in range(mk):
        for t in range(mt):
            acc[k][t] = pzero if fresh else pload(sums + (k * mt + t) * PL)
    if p.rows > full:  # the longer loop inside
        inner, inner_x, inner_dy, outer, outer_x, outer_dy = p.rows, p.x_row, p.dy_row, full, PL, PL
    else:
        inner, inner_x, inner_dy, outer, outer_x, outer_dy = full, PL, PL, p.rows, p.x_row, p.dy_row
    for n in range(p.images):
        for i in range(outer):
            px = x + n * p.x_image + i * outer_x
            pdy = dy + n * p.dy_image + i * outer_dy
            for v in range(inner):
                for t in range(mt):
                    xv[t] = pload(px + at[t])
                    pkeep(xv[t])
                for k in range(mk):
                    d = pload(pdy + k * k_step)
                    for t in range(mt):
                        acc[k][t] = acc[k][t] + d * xv[t]
                px += inner_x
                pdy += inner_dy
        if full * PL < p.GW:
            i = max(<Py_ssize_t>0, p.GW - PL)  # column of the last vector
            px = x + n * p.x_image + i
            pdy = dy + n * p.dy_image + i
            mask = pload(p.mask)
            for v in range(p.rows):
                for t in range(mt):
                    xv[t] = pmask(pload(px + at[t]), mask)
                for k in range(mk):
                    d = pmask(pload(pdy + k * k_step), mask)
                    for t in range(mt):
                        acc[k][t] = acc[k][t] + d * xv[t]
                px += p.x_row
                pdy += p.dy_row
    for k in range(mk):
        for t in range(mt):
            pstore(sums + (k * mt + t) * PL, acc[k][t])


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
