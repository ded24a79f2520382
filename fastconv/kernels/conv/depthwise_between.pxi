# The input gradient of 3 taps with stride 2 in a row: columns 2 j of dx are reached by one tap, columns 2 j + 1 by the
# two others, and both read the same columns of dy. So both phases are computed from the same loads.


cdef inline void pixels_between(const Grid *g, const Phase *f, const real **rows, const Place *place,
                                const Target *to) noexcept nogil:
    """2 TILE pixels, of the phase f with one tap and the next with two.

    y[2 q] = b + sum_r rows[r][at + q] even_w[r],  y[2 q + 1] = b + sum_{r,s} rows[r][at + q + s] odd_w[r,s]"""
    cdef vf even[TILE]
    cdef vf odd[TILE]
    cdef vf xv[TILE + 1]
    cdef vf wv
    cdef Py_ssize_t v, c, r, kh = f.h.count, step = g.step, width = g.channels.width, at = place.at, yw = to.yw
    cdef const real *even_w = f.packed
    cdef const real *odd_w = (f + 1).packed
    cdef real *y = to.y
    cdef const real *b = to.b
    cdef int q, right = place.right, activation = to.activation
    for v in range(g.channels.vectors):
        c = channel(&g.channels, v)
        for q in range(TILE):
            even[q] = vload(b + c)
            odd[q] = vload(b + c)
        if g.far:
            fetch(rows, kh, 1, at + c, step, TILE)
        for r in range(kh):
            if rows[r] == NULL:
                continue
            load_columns(xv, rows[r] + at + c, step, 0, right, 1, TILE + 1)
            wv = vload(even_w + r * width + v * VL)
            for q in range(TILE):
                even[q] = even[q] + xv[q] * wv
            wv = vload(odd_w + 2 * r * width + v * VL)
            for q in range(TILE):
                odd[q] = odd[q] + xv[q] * wv
            wv = vload(odd_w + (2 * r + 1) * width + v * VL)
            for q in range(TILE):
                odd[q] = odd[q] + xv[q + 1] * wv
        store_pixels(even, y + c, 2 * yw, activation)
        store_pixels(odd, y + yw + c, 2 * yw, activation)


cdef bint between(const Grid *g, const Phase *f, Py_ssize_t *lo, Py_ssize_t *hi) noexcept nogil:
    """Whether the phases f and f + 1 can be computed together, and the columns lo <= j < hi that tiles may hold."""
    cdef const Phase *o = f + 1
    if g.sw != 2 or g.beside or not f.reuse or not o.reuse:
        return False
    lo[0], hi[0] = max(f.lo, o.lo), min(f.hi, o.hi)
    return (f.w.count == 1 and o.w.count == 2 and f.w.source == o.w.source and f.w.source >= 0
            and hi[0] - lo[0] >= TILE)


cdef bint row_between(const Grid *g, const Phase *f, const real **rows, real *y) noexcept nogil:
    """Both phases of a row at once, where that is possible; else False."""
    cdef const Phase *o = f + 1
    cdef Py_ssize_t j = 0, lo, hi
    cdef Place place
    cdef Target to
    if not between(g, f, &lo, &hi):
        return False
    to.b, to.yw, to.yh, to.activation = g.b, g.y.w_step, 0, g.activation
    while j < f.GW:
        if j < lo or j >= hi:
            edge_pixel(g, f, rows, j, y + 2 * j * to.yw, g.b, g.activation)
            if j < o.GW:
                edge_pixel(g, o, rows, j, y + (2 * j + 1) * to.yw, g.b, g.activation)
            j += 1
        else:
            j = min(j, hi - TILE)
            place = place_of(g, o, j, TILE, 2)
            to.y = y + 2 * j * to.yw
            pixels_between(g, f, rows, &place, &to)
            j += TILE
    return True
