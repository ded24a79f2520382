# Forward: operands in the order in which the micro-kernel reads them.

cdef extern from *:
    """
    #define DOT_BLOCK (3072 / REAL_BYTES)
    """
    enum: DOT_BLOCK  # terms of a sum of `forward`: six rows of them are half of the first cache

cdef struct Forward:
    Matrix x, w, y
    const real *bias
    int activation            # 0: none, 1: relu, 2: relu6
    real *packed              # x, block after block of I, rows padded to whole vectors; or NULL
    real *scratch             # the weights of a job, for each thread; or NULL: rows of w are read where they lie
    Py_ssize_t outputs_at_once  # between two walks over the samples
    Py_ssize_t outputs        # of a job
    Py_ssize_t samples        # of a job


cdef void pack_x(const Forward *f, Py_ssize_t block) noexcept nogil:
    """One block of I of x: rows as they are, or, where weights are copied, tiles of rows as by `pack_tile`."""
    cdef Py_ssize_t start = block * DOT_BLOCK, length = min(<Py_ssize_t>DOT_BLOCK, f.x.columns - start), n
    cdef real *to = f.packed + f.x.rows * start
    if f.scratch == NULL:
        copy_rows(f.x.p + start, f.x.step, f.x.rows, length, to, round_up(length, VL))
        return
    for n in range(f.x.rows):
        if n % DOT_ROWS == 0:
            pack_tile(f.x.p + n * f.x.step + start, f.x.step, min(<Py_ssize_t>DOT_ROWS, f.x.rows - n), length,
                      to + n * round_up(length, VL))


cdef void pack_tile(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t length, real *to) noexcept nogil:
    """[row][vector] to [vector][row], with zeros at the end of the last vector of each row."""
    cdef Py_ssize_t v, i, whole = length // VL
    cdef int tail = length % VL
    for v in range(whole):
        for i in range(rows):
            vstore(to + (v * rows + i) * VL, vload(x + i * step + v * VL))
            vprefetch(x + (rows + i) * step + v * VL)
    if tail > 0:
        for i in range(rows):
            vstore(to + (whole * rows + i) * VL, vread_tail(x + i * step + whole * VL, tail))


cdef void pack_dots(const real *w, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t length, real *to) noexcept nogil:
    """pack_tile for DOTS rows, of which `rows` are there; the others are zeros."""
    cdef Py_ssize_t v, i
    if rows == DOTS:
        pack_tile(w, step, DOTS, length, to)
        return
    memset(to, 0, DOTS * round_up(length, VL) * REAL_BYTES)
    for i in range(rows):
        for v in range(length):
            to[(v // VL * DOTS + i) * VL + v % VL] = w[i * step + v]
