# One job of a copy: runs, a block of a transpose, or single values.

cdef void run_job(const Copy *c, Py_ssize_t job) noexcept nogil:
    """job = ((lead * jobs_rows + row block) * jobs_across + block across) * jobs_along + block along

    lead: the index over axes 0 and 1.
    """
    cdef Py_ssize_t j0 = job % c.jobs_along * c.along, i0 = job // c.jobs_along % c.jobs_across * c.across
    cdef Py_ssize_t outer = job // c.jobs_along // c.jobs_across
    cdef Py_ssize_t first = outer % c.jobs_rows * c.rows, lead = outer // c.jobs_rows, row
    cdef Py_ssize_t rows = min(c.rows, c.shape[2] - first), along = min(c.along, c.shape[3] - j0)
    cdef const char *x = c.x + lead // c.shape[1] * c.xs[0] + lead % c.shape[1] * c.xs[1] + first * c.xs[2]
    cdef char *y = c.y + lead // c.shape[1] * c.ys[0] + lead % c.shape[1] * c.ys[1] + first * c.ys[2]
    if c.how == RUNS:
        copy_runs(<const real *>x + j0, c.xs[2], <real *>y + j0, c.ys[2], rows, along, c.stream)
    elif c.how == SINGLES:
        copy_singles(c, x + j0 * c.xs[3], y + j0 * c.ys[3], rows, along)
    elif c.how == GATHERS:
        gather_rows(<const real *>(x + j0 * c.xs[3]), c.xs[2] // REAL_BYTES, c.xs[3] // REAL_BYTES, &c.picks,
                    <real *>y + j0, c.ys[2] // REAL_BYTES, rows, along, c.stream, c.fetch)
    elif c.how == SCATTERS:
        scatter_rows(<const real *>x + j0, c.xs[2] // REAL_BYTES, <real *>(y + j0 * c.ys[3]), c.ys[2] // REAL_BYTES,
                     c.ys[3] // REAL_BYTES, rows, along)
    elif i0 < c.across_count:
        for row in range(rows):
            transpose(c, x, y, i0, min(c.across, c.across_count - i0), j0, along)
            x += c.xs[2]
            y += c.ys[2]
        if c.stream:
            vfence()


cdef void copy_singles(const Copy *c, const char *x, char *y, Py_ssize_t rows, Py_ssize_t along) noexcept nogil:
    """y[row, k] = x[row, k] along axes 2 and 3"""
    cdef Py_ssize_t row, k
    for row in range(rows):
        for k in range(along):
            (<real *>(y + row * c.ys[2] + k * c.ys[3]))[0] = (<const real *>(x + row * c.xs[2] + k * c.xs[3]))[0]


cdef void copy_runs(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, Py_ssize_t rows, Py_ssize_t count,
                    bint stream) noexcept nogil:
    """Runs of `count` values whose starts lie x_row and y_row bytes apart."""
    cdef Py_ssize_t row, i
    for row in range(rows):
        if stream:
            for i in range(count // VL):
                vstream(y + i * VL, vload(x + i * VL))
        elif count >= LONG_RUN:
            memcpy(y, x, count * REAL_BYTES)
        else:
            for i in range(count // VL):
                vstore(y + i * VL, vload(x + i * VL))
        if (stream or count < LONG_RUN) and count % VL:
            i = count // VL * VL
            vwrite(y + i, count - i, vread(x + i, count - i))
        x = <const real *>(<const char *>x + x_row)
        y = <real *>(<char *>y + y_row)
    if stream:
        vfence()


cdef void transpose(const Copy *c, const char *x, char *y, Py_ssize_t i0, Py_ssize_t across, Py_ssize_t j0,
                    Py_ssize_t along) noexcept nogil:
    """y[i, j] = x[j, i] for i0 <= i < i0 + across and j0 <= j < j0 + along

    x is across_x bytes from i to i + 1. In panels where the rows of y lie farther apart than those of x, else in
    squares; two to four dense channels are woven.
    """
    cdef Py_ssize_t x_row = c.xs[3] // REAL_BYTES, y_row = c.across_y // REAL_BYTES, step = c.across_x // REAL_BYTES
    cdef bint far = distance(y_row) > distance(x_row)
    cdef Py_ssize_t side = PANEL if far and c.picks.size <= 2 else VL
    cdef Py_ssize_t blocks_i = ceil_div(across, side), blocks_j = ceil_div(along, VL), block, i, j
    cdef const real *px = <const real *>x + i0 * step + j0 * x_row
    cdef real *py = <real *>y + i0 * y_row + j0
    if step == 1 and c.shape[3] == y_row and 2 <= y_row <= 4:
        weave(y_row, px, x_row, py, across)
        return
    if step == 1 and c.across_count == x_row and 2 <= x_row <= 4:
        unweave(x_row, px, py, y_row, along)
        return
    for block in range(blocks_i * blocks_j):  # along the nearer rows
        i, j = (block // blocks_j, block % blocks_j) if far else (block % blocks_i, block // blocks_i)
        i, j = i * side, j * VL
        transpose_block(c, px + i * step + j * x_row, x_row, step, py + i * y_row + j, y_row, side,
                        min(side, across - i), min(<Py_ssize_t>VL, along - j))


cdef inline void transpose_block(const Copy *c, const real *x, Py_ssize_t x_row, Py_ssize_t step, real *y,
                                 Py_ssize_t y_row, Py_ssize_t side, Py_ssize_t ni, Py_ssize_t nj) noexcept nogil:
    """y[i * y_row + j] = x[j * x_row + i * step] for i < ni <= side, j < nj <= VL"""
    cdef real rows[MAX_LANES * MAX_LANES]
    cdef bint whole = ni == side and nj == VL
    if whole and step == 1:
        if side < VL:
            panel(x, x_row, y, y_row, c.stream)
        else:
            square(x, x_row, y, y_row, c.stream)
    elif whole and c.picks.size:
        if side < VL:
            pick_panel(&c.picks, x, x_row, y, y_row, c.stream, c.fetch)
        else:
            pick_square(&c.picks, x, x_row, y, y_row, c.stream)
    elif step == 1:
        square_part(x, x_row, y, y_row, ni, nj)
    else:
        gather_rows(x, x_row, step, &c.picks, rows, VL, nj, ni, False, False)
        square_part(rows, VL, y, y_row, ni, nj)
