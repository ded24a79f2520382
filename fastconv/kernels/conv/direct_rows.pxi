# The tables of a job: for each output pixel the address under each tap, in y and in the residual.

cdef struct Pixel:      # of the grid: row i, column j of image n
    Py_ssize_t n, i, j


cdef inline Pixel pixel(const Grid *g, Py_ssize_t p) noexcept nogil:
    """p = (n * GH + i) * GW + j"""
    return Pixel(p // g.GW // g.GH, p // g.GW % g.GH, p % g.GW)


cdef inline void next_row(const Grid *g, Pixel *at) noexcept nogil:
    """The first pixel of the row after this one."""
    at.j = 0
    at.i += 1
    if at.i == g.GH:
        at.i = 0
        at.n += 1


cdef void point(const Grid *g, Job *j) noexcept nogil:
    """rows[tile][tap][i] = x[n][i step_h + h[tap]][j step_w + w[tap]] and out[tile][i] = y[n][i][j], as addresses.

    Where all pixels are in line, so are the tables. Else, where a whole tile lies in one row and reads no padding, its
    taps are filled in at once.
    """
    cdef Pixel at = pixel(g, j.at.first)
    cdef Py_ssize_t p = 0, m = 0, high = height(&j.cut, 0), i = 0, done, last  # pixel i of the `high` ones of tile m
    cdef Py_ssize_t taps = g.taps.count, count = j.at.count, x_step = g.step_w * g.x.w_step, y_step = g.y.w_step, t
    cdef const real **rows = j.rows
    cdef const real *x = input_of(g, &j.at, &at)
    cdef real *y = output_of(g, &j.at, &at)
    cdef bint inside = inside_row(g, &at)
    if in_line(g):
        for p in range(count):
            j.rows[p] = x + p * x_step
        for p in range(count):
            j.out[p] = y + p * y_step
        point_at_junk(g, j, rows, count, j.cut.rows)
        return
    while p < count:
        done, last = 1, at.j + high - 1
        if inside and i == 0 and last < min(g.GW, at.j + count - p) and inside_columns(g, at.j, last):
            done = high
            if high == MR:
                point_tile(rows, g.taps.at, taps, x, x_step, MR)
            else:
                point_tile(rows, g.taps.at, taps, x, x_step, MR - 1)
        elif inside and inside_columns(g, at.j, at.j):
            for t in range(taps):
                rows[t * high + i] = x + g.taps.at[t]
        else:
            point_at_edge(g, rows + i, high, x, at.i * g.step_h, at.j * g.step_w)
        for t in range(done):
            j.out[p + t] = y
            y += y_step
        p += done
        x += done * x_step
        at.j += done
        i += done
        if i == high:
            rows += taps * high
            m += 1
            high, i = height(&j.cut, m), 0
        if at.j == g.GW:
            next_row(g, &at)
            x, y, inside = input_of(g, &j.at, &at), output_of(g, &j.at, &at), inside_row(g, &at)
    point_at_junk(g, j, rows, i, high)


cdef inline bint in_line(const Grid *g) noexcept nogil:
    """Whether there is one tap, of a 1 x 1 kernel, and all pixels of x and of y follow each other at the same distance."""
    return g.taps.count == 1 and g.taps.h[0] == g.taps.w[0] == 0 and g.step_h == g.step_w == 1 and \
        g.x.W == g.GW and g.x.H == g.GH and one_distance(g, &g.x) and one_distance(g, &g.y)


cdef inline bint one_distance(const Grid *g, const View *a) noexcept nogil:
    """Whether the pixels of the grid follow each other in `a` at the same distance."""
    return (a.h_step == g.GW * a.w_step or g.GH == 1) and (a.n_step == g.GH * g.GW * a.w_step or a.N == 1)


cdef inline const real *input_of(const Grid *g, const Place *job, const Pixel *at) noexcept nogil:
    """x[n][i step_h][j step_w], from which the taps of a pixel are counted: the first channel of the job's group."""
    return g.x.data + at.n * g.x.n_step + at.i * g.step_h * g.x.h_step + at.j * g.step_w * g.x.w_step + job.group * g.C


cdef inline real *output_of(const Grid *g, const Place *job, const Pixel *at) noexcept nogil:
    """y[n][i][j]: the first channel of the job's first panel."""
    return g.y.data + at.n * g.y.n_step + at.i * g.y.h_step + at.j * g.y.w_step + job.group * g.K + job.panel * NR * VL


cdef inline bint inside_row(const Grid *g, const Pixel *at) noexcept nogil:
    """Whether no tap of the pixel's row lies above or below the image."""
    return g.taps.top <= at.i * g.step_h < g.taps.bottom


cdef inline bint inside_columns(const Grid *g, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Whether no tap of the pixels from column `first` to `last` lies left or right of the image."""
    return g.taps.left <= first * g.step_w and last * g.step_w < g.taps.right


cdef inline void point_tile(const real **rows, const Py_ssize_t *at, Py_ssize_t taps, const real *x,
                            Py_ssize_t step, const int mr) noexcept nogil:
    """All taps of mr pixels side by side that read no padding."""
    cdef Py_ssize_t t
    cdef const real *p
    cdef int i
    for t in range(taps):
        p = x + at[t]
        for i in range(mr):
            rows[i] = p + i * step
        rows += mr


cdef void point_at_edge(const Grid *g, const real **row, Py_ssize_t step, const real *x, Py_ssize_t h,
                        Py_ssize_t w) noexcept nogil:
    """A pixel with some taps outside the image: these read zeros."""
    cdef Py_ssize_t t
    for t in range(g.taps.count):
        if 0 <= h + g.taps.h[t] < g.x.H and 0 <= w + g.taps.w[t] < g.x.W:
            row[t * step] = x + g.taps.at[t]
        else:
            row[t * step] = g.panels.zeros


cdef void point_at_junk(const Grid *g, Job *j, const real **rows, Py_ssize_t i, Py_ssize_t high) noexcept nogil:
    """The rows of the last tiles, from row i of one on, that have no pixel: zeros in, junk out."""
    cdef Py_ssize_t p, t
    for p in range(j.at.count, j.cut.rows):
        j.out[p] = j.junk
        for t in range(g.taps.count):
            rows[t * high + i] = g.panels.zeros
        i += 1
        if i == high:
            rows += g.taps.count * high
            i = 0


cdef void point_at_residual(const Grid *g, Job *j) noexcept nogil:
    """add[tile][i] = r[n][i][j]: the residual of each pixel; rows without a pixel read junk."""
    cdef Pixel at = pixel(g, j.at.first)
    cdef Py_ssize_t p, k0 = j.at.group * g.K + j.at.panel * NR * VL
    memset(j.junk, 0, NR * VL * sizeof(real))
    for p in range(j.at.count):
        j.add[p] = g.r.data + at.n * g.r.n_step + at.i * g.r.h_step + at.j * g.r.w_step + k0
        at.j += 1
        if at.j == g.GW:
            next_row(g, &at)
    for p in range(j.at.count, j.cut.rows):
        j.add[p] = j.junk
