# The weight gradient of one job: a block of pixels is copied to panels, then summed tile by tile.

cdef enum:
    AHEAD = 16          # pixels between a line of x that is copied and one that is fetched


cdef void fill(const Sums *g, SumJob *j, Py_ssize_t *row, Py_ssize_t end, Py_ssize_t *column) noexcept nogil:
    """The next block of pixels, from (row, column) on: runs of pixels of one output row each."""
    cdef Py_ssize_t n, i, h, w, count
    cdef const real *x
    cdef const real *dy
    j.runs.count = j.pixels = j.ahead.call = 0
    while row[0] < end and j.pixels < g.reading.pixels:
        n, i = row[0] // g.dy.H, row[0] % g.dy.H
        h, w = i * g.window.sh - g.window.top + j.r * g.window.dh, column[0] * g.window.sw - g.window.left
        if 0 <= h < g.x.H:
            count = min(g.reading.pixels - j.pixels, j.hi - column[0])
            x = g.x.data + n * g.x.n_step + h * g.x.h_step + (w + j.s * g.window.dw) * g.x.w_step + j.group * g.C
            dy = g.dy.data + n * g.dy.n_step + i * g.dy.h_step + column[0] * g.dy.w_step + j.group * g.K + j.k0
            add_run(g, j, x, dy, count)
            column[0] += count
        else:
            column[0] = j.hi
        if column[0] == j.hi:
            row[0] += 1
            column[0] = j.lo
    if g.reading.pack_x and j.pixels:
        pack_x(g, j)


cdef void add_run(const Sums *g, SumJob *j, const real *x, const real *dy, Py_ssize_t count) noexcept nogil:
    """One more run of pixels, in x and dy from these places on."""
    cdef Py_ssize_t run = j.runs.count
    j.x[run], j.dy[run], j.counts[run] = x, dy, count
    j.ahead.x, j.ahead.dy = x + j.c0 + count * g.reading.step, dy + count * g.dy.w_step
    if g.reading.planes:
        pack_planes(g, j, dy, count)
    elif g.reading.pack_dy:
        pack_dy(g, j, dy, count)
    j.runs.count += 1
    j.pixels += count


cdef void pack_dy(const Sums *g, const SumJob *j, const real *dy, Py_ssize_t count) noexcept nogil:
    """Some pixels into the panels of all tiles, PIXELS x width each; zeros beyond the last column."""
    cdef Py_ssize_t tile, p, v, lanes, width
    cdef real *panel
    cdef const real *source
    for tile in range(j.tiles):
        width = width_of(j, tile)
        lanes = min(width, j.columns - tile * NR * VL)
        panel = j.panel_dy + tile * NR * VL * PIXELS + j.pixels * width
        source = dy + tile * NR * VL
        if lanes == NR * VL:
            for p in range(count):
                for v in range(NR):
                    vstore(panel + v * VL, vload(source + v * VL))
                panel += NR * VL
                source += g.dy.w_step
        else:
            for p in range(count):
                memcpy(panel, source, lanes * sizeof(real))
                memset(panel + lanes, 0, (width - lanes) * sizeof(real))
                panel += width
                source += g.dy.w_step


cdef void pack_planes(const Sums *g, const SumJob *j, const real *dy, Py_ssize_t count) noexcept nogil:
    """The same from the planes of dy, in squares of VL pixels x VL columns."""
    cdef Py_ssize_t k = 0, p, width, lanes
    cdef real *panel
    cdef const real *source
    while k < j.columns:
        width = width_of(j, k // (NR * VL))
        panel = j.panel_dy + k // (NR * VL) * NR * VL * PIXELS + j.pixels * width + k % (NR * VL)
        source = dy + k * g.dy.c_step
        lanes = min(<Py_ssize_t>VL, j.columns - k)
        p = 0
        while p < count:
            pack_square(source + p * g.dy.w_step, &g.dy, panel + p * width, width, lanes,
                        min(<Py_ssize_t>VL, count - p))
            p += VL
        k += VL


cdef inline void pack_square(const real *dy, const View *of, real *panel, Py_ssize_t width, Py_ssize_t lanes,
                             Py_ssize_t count) noexcept nogil:
    """panel[p * width + k] = dy[k * c_step + p * w_step], zeros from `lanes` to VL; fetches the next block of dy."""
    cdef Py_ssize_t p, k
    for k in range(lanes):
        vprefetch(dy + k * of.c_step + PIXELS)
    if of.w_step == 1 and lanes == VL and count == VL:
        square(dy, of.c_step, panel, width, False)
        return
    for p in range(count):
        vstore(panel + p * width, vzero)
    if of.w_step == 1:
        square_part(dy, of.c_step, panel, width, count, lanes)
        return
    for p in range(count):
        for k in range(lanes):
            panel[p * width + k] = dy[k * of.c_step + p * of.w_step]


cdef void pack_x(const Sums *g, const SumJob *j) noexcept nogil:
    """Panels of MR channels, PIXELS x MR each; the last MR overlap the ones before them."""
    cdef Py_ssize_t run, p, i, panels = ceil_div(j.channels, MR), count = lines(j.channels)
    cdef Py_ssize_t last = min((panels - 1) * MR, g.reading.length - MR - j.c0), step = g.reading.step
    cdef real *panel = j.panel_x
    cdef const real *x
    for run in range(j.runs.count):
        x = j.x[run] + j.c0
        for p in range(j.counts[run]):
            for i in range(count):
                vprefetch(x + AHEAD * step + i * LINE)
            for i in range(panels - 1):
                memcpy(panel + i * PIXELS * MR, x + i * MR, MR * sizeof(real))
            memcpy(panel + (panels - 1) * PIXELS * MR, x + last, MR * sizeof(real))
            panel += MR
            x += step


# ---------------------------------------------------------------- sums

cdef void add_channels(const Sums *g, SumJob *j) noexcept nogil:
    """MR values of a tap at a time; the last MR overlap the ones before them, whose sums are not stored twice."""
    cdef Py_ssize_t panel, c, first
    if g.reading.length < MR:
        for c in range(j.channels):
            add_columns(g, j, NULL, c, 0, 1)
        return
    for panel in range(ceil_div(j.channels, MR)):
        c = j.c0 + panel * MR
        first = min(c, g.reading.length - MR)
        add_columns(g, j, j.panel_x + panel * PIXELS * MR, first, <int>(c - first), MR)


cdef void add_columns(const Sums *g, SumJob *j, const real *panel, Py_ssize_t c, int skip, int rows) noexcept nogil:
    """`rows` values from c on times all tiles of columns; the first `skip` are not stored."""
    cdef Py_ssize_t tile, width, ahead_step
    cdef const real *ahead
    j.runs.x, j.runs.dy, j.runs.pixels = j.x, j.dy, j.counts
    j.runs.x_step = g.reading.step
    if g.reading.pack_x:
        j.runs.x_step = MR
        point_at_runs(j, j.x, panel, MR)
    for tile in range(j.tiles):
        width = width_of(j, tile)
        j.runs.dy_step = g.dy.w_step
        if g.reading.pack_dy:
            j.runs.dy_step = width
            point_at_runs(j, j.dy, j.panel_dy + tile * NR * VL * PIXELS, width)
        ahead = next_line(g, j, &ahead_step)
        if g.reading.merged and rows == MR:
            at_of_columns(tile_at_body, <int>(width // VL), &j.runs, j.offsets + c, sums_of(g, j, tile, c), width, skip,
                          ahead, ahead_step)
        else:
            tile_tn(&j.runs, 0 if g.reading.pack_x else j.offsets[c] if g.reading.merged else c,
                    sums_of(g, j, tile, c), width, skip, rows, <int>(width // VL), ahead, ahead_step)


cdef void point_at_runs(const SumJob *j, const real **runs, const real *panel, Py_ssize_t step) noexcept nogil:
    """The first pixel of each run in a panel, in which the runs lie one behind the other."""
    cdef Py_ssize_t run
    for run in range(j.runs.count):
        runs[run] = panel
        panel += j.counts[run] * step


cdef const real *next_line(const Sums *g, SumJob *j, Py_ssize_t *step) noexcept nogil:
    """A cache line of the first pixel of the next block, and its distance from the same line of the next pixel."""
    cdef Ahead *ahead = &j.ahead
    cdef Py_ssize_t call = ahead.call, line = call // ahead.every, of_dy = lines(j.columns)
    step[0] = 0
    ahead.call += 1
    if g.reading.merged and j.columns == g.dy.w_step:  # few tiles, and dy lies in one piece: each fetches its part of it
        step[0] = g.dy.w_step // ahead.calls + 1
        return ahead.dy + call * j.pixels * g.dy.w_step // ahead.calls
    if call % ahead.every:
        return ahead.dy
    if line < of_dy:
        step[0] = g.dy.w_step
        return ahead.dy + line * LINE
    if not g.reading.merged and line < of_dy + lines(j.channels):
        step[0] = g.reading.step
        return ahead.x + (line - of_dy) * LINE
    return ahead.dy
