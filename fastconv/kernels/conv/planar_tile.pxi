# The tile of the forward pass and the input gradient: some filters times some vectors of positions, in registers.
#
# A tile has up to MR filters and NR vectors; with three filters or fewer it has FEW_TILE vectors, so that enough sums are
# under way. A row of positions is cut into pieces of vectors; the last overlaps the one before it, so that none reaches
# beyond the row. Both compute the same sums, in the same order. A vector is one piece or two, at any two places.
#
#     positions  0 1 2 3 4 5 6 7 8 9      PL = 4      [0 1 2 3] [4 5 6 7]
#                                                         [6 7 8 9]

cdef enum:
    FEW_FILTERS = 3     # of one group: the tile is a wide one, FEW_TILE

cdef struct Filters:
    # w[group * group_step + k * k_step + c * c_step + r * r_step + s * s_step] for filter k of a group
    const real *w
    Py_ssize_t K                # of one group
    Py_ssize_t group_step, k_step, c_step, r_step, s_step
    const real *b               # one per filter of all groups, zeros without bias

cdef struct Grid:
    Source source
    Filters filters
    View y
    int activation

ctypedef void (*tile_case)(const Grid *g, const real **px, real **py, Py_ssize_t yk, const real *w, const real *b,
                           const int nv, const int rows) noexcept nogil

cdef extern from *:
    enum: FEW_TILE "(2 * TILE_VECTORS / PIECES)"  # its vectors
    void tile_of_1_to_3 "DISPATCH3" (tile_case f, int rows, const Grid *g, const real **px, real **py, Py_ssize_t yk,
                                     const real *w, const real *b, int nv) noexcept nogil
    void tile_of_3_to_6 "DISPATCH4" (tile_case f, int more, const Grid *g, const real **px, real **py, Py_ssize_t yk,
                                     const real *w, const real *b, int nv) noexcept nogil


cdef inline void tile_body(const Grid *g, const real **px, real **py, Py_ssize_t yk, const real *w, const real *b,
                           const int nv, const int rows) noexcept nogil:
    """py[j][i * yk] = b[i] + sum_{c,r,s} px[j][c,r,s] w[i,c,r,s] for `rows` filters and nv vectors of PIECES places."""
    cdef vf acc[MR * 2 * NR]
    cdef vf xv[2 * NR]
    cdef vf a
    cdef const real *p[2 * NR * PIECES]
    cdef const real *pw[MR]
    cdef Py_ssize_t c, r, s, at, at_row, at_w, C = g.source.C, kh = g.source.h.taps.count, kw = g.source.w.taps.count
    cdef Py_ssize_t x_channel = g.source.at.c_step, x_row = g.source.h.taps.source_step * g.source.at.h_step
    cdef Py_ssize_t w_channel = g.filters.c_step, w_row = g.filters.r_step, w_column = g.filters.s_step
    cdef const Py_ssize_t *columns = g.source.at.columns
    cdef int i, j
    for i in range(rows):
        pw[i] = w + i * g.filters.k_step
        a = vsplat(b[i])
        for j in range(nv):
            acc[i * nv + j] = a
    for j in range(nv * PIECES):
        p[j] = px[j]
    for c in range(C):
        for r in range(kh):
            at_row = c * x_channel + r * x_row
            at_w = c * w_channel + r * w_row
            for s in range(kw):
                at = at_row + columns[s]
                for j in range(nv):
                    xv[j] = pload_pieces(p + j * PIECES, at)
                for i in range(rows):
                    a = vsplat(pw[i][at_w])
                    for j in range(nv):
                        acc[i * nv + j] = acc[i * nv + j] + a * xv[j]
                at_w += w_column
    store_tile(acc, py, yk, g.activation, nv, rows)


cdef inline void store_tile(vf *acc, real **py, Py_ssize_t yk, int activation, const int nv,
                            const int rows) noexcept nogil:
    """py[j][i * yk] = f(acc[i][j]), f by its code."""
    cdef int i, j
    if activation:
        for i in range(rows):
            for j in range(nv):
                acc[i * nv + j] = activated(acc[i * nv + j], activation)
    for j in range(nv):
        for i in range(rows):
            pstore_pieces(py + j * PIECES, i * yk, acc[i * nv + j])


cdef inline void tall_tile(const Grid *g, const real **px, real **py, Py_ssize_t yk, const real *w, const real *b,
                           const int nv, const int more) noexcept nogil:
    """tile_body for more + 2 filters: where a group has more than three, tiles have three to MR."""
    tile_body(g, px, py, yk, w, b, nv, more + 2)


cdef void tile(const Grid *g, const real **px, real **py, Py_ssize_t yk, const real *w, const real *b,
               int rows) noexcept nogil:
    """The tile of `rows` filters: FEW_TILE vectors where a group has few of them, else NR."""
    if g.filters.K <= FEW_FILTERS:
        tile_of_1_to_3(tile_body, rows, g, px, py, yk, w, b, FEW_TILE)
    else:
        tile_of_3_to_6(tall_tile, rows - 2, g, px, py, yk, w, b, NR)


cdef void run_tiles(const Grid *g, const real *x, const real *w, const real *b, real *y,
                    Py_ssize_t rows) noexcept nogil:
    """Some rows of all filters of one group, the places of a tile at a time; beyond the last place it is taken again."""
    cdef Py_ssize_t GW = g.source.w.positions, vectors = ceil_div(GW, PL), row = 0, v = 0, j, at, done = 0
    cdef Py_ssize_t places = (FEW_TILE if g.filters.K <= FEW_FILTERS else NR) * PIECES
    cdef const real *px[2 * NR * PIECES]
    cdef real *py[2 * NR * PIECES]
    while done < rows * vectors:
        for j in range(places):
            at = v * PL
            if v == vectors - 1 and GW >= PL:
                at = GW - PL
            px[j] = x + row * g.source.h.move * g.source.at.h_step + at
            py[j] = y + row * g.y.h_step + at * g.y.w_step
            if done + j + 1 < rows * vectors:
                v += 1
                if v == vectors:
                    v = 0
                    row += 1
        run_filters(g, px, py, w, b, places)
        done += places


cdef void run_filters(const Grid *g, const real **px, real **py, const real *w, const real *b,
                      Py_ssize_t places) noexcept nogil:
    """All filters of one group at these places, in tiles of MR filters or less, of equal size or one apart."""
    cdef Py_ssize_t tiles = ceil_div(g.filters.K, MR), f, j, rows, k = 0
    cdef bint scatter = g.source.w.positions < PL or g.y.w_step != 1
    cdef real *into[2 * NR * PIECES]
    cdef real spare[2 * NR * MR * VL]
    for j in range(places):
        into[j] = &spare[j * MR * PL] if scatter else py[j]
    for f in range(tiles):
        rows = g.filters.K // tiles + (f < g.filters.K % tiles)
        tile(g, px, into, PL if scatter else g.y.c_step, w + k * g.filters.k_step, b + k, <int>rows)
        if scatter:
            scatter_tile(g, spare, py, k, rows, places)
        else:
            for j in range(places):
                into[j] += rows * g.y.c_step
        k += rows


cdef void scatter_tile(const Grid *g, const real *spare, real **py, Py_ssize_t k, Py_ssize_t rows,
                       Py_ssize_t places) noexcept nogil:
    """Store the lanes of filters k to k + rows one by one: rows of y that are short or have gaps."""
    cdef Py_ssize_t i, j, lane, lanes = min(g.source.w.positions, <Py_ssize_t>PL)
    for j in range(places):
        for i in range(rows):
            for lane in range(lanes):
                py[j][(k + i) * g.y.c_step + lane * g.y.w_step] = spare[(j * MR + i) * PL + lane]
