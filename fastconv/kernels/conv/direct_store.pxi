# Results for a y whose channels lie apart, as in plain NCHW memory: a panel of a job's pixels is computed beside y, in
# the first cache, and from there goes to the planes of y, transposed in registers.


cdef bint can_stream_planes(const Grid *g, Py_ssize_t pixels) noexcept nogil:
    """Whether y is larger than the caches, and all its planes begin at the same distance from a whole vector."""
    cdef const View *y = &g.y
    return pixels * g.groups * g.K >= STREAM_CONV_REALS and <size_t>y.data % sizeof(real) == 0 and \
        y.n_step % VL == 0 and y.c_step % VL == 0 and y.w_step == 1 and y.h_step == g.GW and g.GH * g.GW % VL == 0


cdef inline Py_ssize_t past_vector(const real *y) noexcept nogil:
    """How many values y lies behind the last whole vector of memory."""
    return <Py_ssize_t>(<size_t>y // sizeof(real) % VL)


cdef void store_planes(const Grid *g, const Job *j, Py_ssize_t panel) noexcept nogil:
    """y[n][c][h][w] = beside[pixel][c] for the panel, one run of pixels that follow each other in y at a time."""
    cdef Py_ssize_t p = 0, lanes = lanes_of(g, panel), width = round_up(lanes, VL), count, c
    cdef bint joined = g.y.h_step == g.GW * g.y.w_step
    cdef Pixel at
    cdef real *y
    while p < j.at.count:
        at = pixel(g, j.at.first + p)
        count = min(j.at.count - p, (g.GH - at.i) * g.GW - at.j if joined else g.GW - at.j)
        c = j.at.group * g.K + panel * NR * VL
        y = g.y.data + at.n * g.y.n_step + c * g.y.c_step + at.i * g.y.h_step + at.j * g.y.w_step
        if g.jobs.stream and past_vector(y):
            count = min(count, VL - past_vector(y))
        if g.y.w_step == 1:
            transpose_run(j.beside + p * width, width, y, g.y.c_step, lanes, count, g.jobs.stream)
        else:
            scatter_run(j.beside + p * width, width, &g.y, y, lanes, count)
        p += count


cdef void transpose_run(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, Py_ssize_t lanes, Py_ssize_t count,
                        bint stream) noexcept nogil:
    """y[c * y_row + p] = x[p * x_row + c] for c < lanes, p < count, in squares of VL x VL."""
    cdef Py_ssize_t c = 0, p
    while c < lanes:
        p = 0
        while p < count:
            if c + VL <= lanes and p + VL <= count:
                square(x + p * x_row + c, x_row, y + c * y_row + p, y_row, stream)
            else:
                square_part(x + p * x_row + c, x_row, y + c * y_row + p, y_row, min(lanes - c, <Py_ssize_t>VL),
                            min(count - p, <Py_ssize_t>VL))
            p += VL
        c += VL


cdef void scatter_run(const real *x, Py_ssize_t x_row, const View *to, real *y, Py_ssize_t lanes,
                      Py_ssize_t count) noexcept nogil:
    """The same one by one, where neighbouring pixels lie apart in y too."""
    cdef Py_ssize_t c, p
    for c in range(lanes):
        for p in range(count):
            y[c * to.c_step + p * to.w_step] = x[p * x_row + c]
