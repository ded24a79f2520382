# The tile of the weight gradient: mk filters times mt taps, whose sums over positions stay in registers.
#
# Each sum is a vector. A step adds to it PL columns of PIECES rows: lane l of a piece holds columns l, l + PL, ... of its
# row. A row whose end is no whole piece takes one more, which overlaps the one before it; a mask lets only its own lanes
# through, and none of a row that is not there:
#
#     columns  0 1 2 3 4 5 6 7 8 9      PL = 4      [0 1 2 3] [4 5 6 7]
#                                                       [. . 8 9]

cdef enum:
    MOST_STEPS = 64     # that are added while a tile is in registers: 16 KB of dy for four filters

cdef struct Step:               # one vector of x, and of the copy of dy
    const real *x[MOST_PIECES]  # the pieces under a tap of offset 0
    const real *mask            # which lanes are added; not used where it is all

cdef struct Steps:
    Py_ssize_t whole, masked    # those in front of `whole` add all lanes, those from `masked` on some
    Step step[MOST_STEPS]
    real *dy                    # [tile of filters][step][filter], each a vector, zeros where the mask is

cdef struct Positions:          # of the blocks that are summed together
    Py_ssize_t images, rows
    Py_ssize_t x_image, x_row   # from one to the next: in x, or in its copy
    Py_ssize_t GW               # columns
    # by whether a piece ends its row (1), and whether there is no second row (2)
    real masks[4][MAX_LANES]


cdef void make_masks(Positions *p) noexcept nogil:
    """The lanes of a vector that ends rows, of one without a second row, of one that is both."""
    cdef vp end = pfirst(<int>p.GW) if p.GW < PL else plast(<int>(p.GW % PL))
    cdef int i
    for i in range(4):
        pstore(p.masks[i] + (PIECES - 1) * PL, pzero if i & 2 else end if i & 1 else pfirst(PL))
        pstore(p.masks[i], end if i & 1 else pfirst(PL))


cdef inline void sum_body(const Steps *steps, const Py_ssize_t *offsets, const real *dy, real *sums, bint fresh,
                          const int mk, const int mt) noexcept nogil:
    """sums[k][t] += dy[step][k] * x[offsets[t]] over all steps; `fresh` sums begin at zero.

    The products are written twice, and the sums have two indices: GCC keeps all of them in registers only so."""
    cdef vf acc[4][6]
    cdef vf xv[6]
    cdef vf d, mask
    cdef Py_ssize_t at[6]
    cdef const real *px[MOST_PIECES]
    cdef const Step *s = steps.step
    cdef const Step *end = s + steps.whole
    cdef const real *pdy = dy
    cdef int i, k, t
    for t in range(mt):
        at[t] = offsets[t]
    for k in range(mk):
        for t in range(mt):
            acc[k][t] = vzero if fresh else vload(sums + (k * mt + t) * VL)
    while s < end:
        for i in range(PIECES):
            px[i] = s.x[i]
        for t in range(mt):
            xv[t] = pload_pieces(px, at[t])
            pkeep(xv[t])
        for k in range(mk):
            d = vload(pdy + k * VL)
            for t in range(mt):
                acc[k][t] = acc[k][t] + d * xv[t]
        pdy += mk * VL
        s += 1
    s, end, pdy = steps.step + steps.masked, steps.step + MOST_STEPS, dy + steps.masked * mk * VL
    while s < end:
        for i in range(PIECES):
            px[i] = s.x[i]
        mask = vload(s.mask)
        for t in range(mt):
            xv[t] = pmask(pload_pieces(px, at[t]), mask)
        for k in range(mk):
            d = vload(pdy + k * VL)
            for t in range(mt):
                acc[k][t] = acc[k][t] + d * xv[t]
        pdy += mk * VL
        s += 1
    for k in range(mk):
        for t in range(mt):
            vstore(sums + (k * mt + t) * VL, acc[k][t])


cdef inline void sum_filters(const Steps *steps, const Py_ssize_t *offsets, const real *dy, real *sums, bint fresh,
                             int mt, const int mk) noexcept nogil:
    """sum_body for mk filters and 1, 3, 5 or (with 4 filters) 6 taps, the widths that taps_in_tile chooses."""
    if PREGISTERS > 16 and mk == 4 and mt == 6:
        sum_body(steps, offsets, dy, sums, fresh, mk, 6)
    elif PREGISTERS > 16 and mt == 5:
        sum_body(steps, offsets, dy, sums, fresh, mk, 5)
    elif mt == 3:
        sum_body(steps, offsets, dy, sums, fresh, mk, 3)
    else:
        sum_body(steps, offsets, dy, sums, fresh, mk, 1)


cdef void sum_tile(const Steps *steps, const Py_ssize_t *offsets, const real *dy, real *sums, bint fresh, int mk,
                   int mt) noexcept nogil:
    """sum_body for 1, 3 or 4 filters, the heights that filters_in_tile chooses."""
    if mk == 4:
        sum_filters(steps, offsets, dy, sums, fresh, mt, 4)
    elif mk == 3:
        sum_filters(steps, offsets, dy, sums, fresh, mt, 3)
    else:
        sum_filters(steps, offsets, dy, sums, fresh, mt, 1)


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
