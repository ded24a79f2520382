"""Copies between any two layouts of one shape, at the speed of memory.

The axes are put into the order of y's memory and merged where both arrays allow it. What is left is a set of runs
(the unit strides lie on one axis), of transposes (on two axes), or, for other strides, of single values.
"""
from cython.parallel cimport prange
from libc.string cimport memcpy
from fastconv.kernels.runtime.threads cimport threads_for
from ..simd.vector cimport REAL_BYTES, VL, real, vfence, vload, vstore, vstream
from ..simd.lanes cimport PAST_CACHES, square, square_part, vread, vwrite

cdef enum:
    LONG = 1024        # a tile: neighbours where rows lie far apart
    SHORT = 16         # and where they lie close together
    PIXELS = 256       # of a tile that is read in long runs
    RUN = 16384        # values of a run in a job

cdef extern from *:
    """
    /* a few channels, of dense pixels: y[i * n + j] = x[j * row + i], and back; GCC makes interleaving vectors of these */
    #define FEW(n)                                                                                                     \\
        static void weave##n(const REAL *restrict x, Py_ssize_t row, REAL *restrict y, Py_ssize_t count) {             \\
            for (Py_ssize_t i = 0; i < count; i++)                                                                     \\
                for (int j = 0; j < n; j++) y[i * n + j] = x[j * row + i];                                             \\
        }                                                                                                              \\
        static void unweave##n(const REAL *restrict x, REAL *restrict y, Py_ssize_t row, Py_ssize_t count) {           \\
            for (Py_ssize_t j = 0; j < count; j++)                                                                     \\
                for (int i = 0; i < n; i++) y[i * row + j] = x[j * n + i];                                             \\
        }
    FEW(2) FEW(3) FEW(4)
    """
    void weave2(const real *x, Py_ssize_t row, real *y, Py_ssize_t count) noexcept nogil
    void weave3(const real *x, Py_ssize_t row, real *y, Py_ssize_t count) noexcept nogil
    void weave4(const real *x, Py_ssize_t row, real *y, Py_ssize_t count) noexcept nogil
    void unweave2(const real *x, real *y, Py_ssize_t row, Py_ssize_t count) noexcept nogil
    void unweave3(const real *x, real *y, Py_ssize_t row, Py_ssize_t count) noexcept nogil
    void unweave4(const real *x, real *y, Py_ssize_t row, Py_ssize_t count) noexcept nogil

cdef enum:             # how the values of a job move
    RUNS
    TILES
    VALUES

cdef struct Copy:      # strides in bytes; the axes 0, 1, 2 are outer, `across` is x's unit axis, 3 is y's
    const char *x
    char *y
    Py_ssize_t shape[4]
    Py_ssize_t xs[4]
    Py_ssize_t ys[4]
    Py_ssize_t across_count, across_x, across_y   # of a transpose: its other axis, taken from the outer ones
    Py_ssize_t pieces_across, pieces_along, along   # jobs of one outer index
    Py_ssize_t pieces_rows, rows                    # short runs: so many of axis 2 in a job
    int how
    bint stream


def copy(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y[n,c,h,w] = x[n,c,h,w], for any strides."""
    cdef Copy c
    cdef Py_ssize_t job, jobs, total = y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3]
    cdef int axis
    if total == 0:
        return
    c.x, c.y = <const char *>&x[0, 0, 0, 0], <char *>&y[0, 0, 0, 0]
    for axis in range(4):
        c.shape[axis], c.xs[axis], c.ys[axis] = y.shape[axis], x.strides[axis], y.strides[axis]
    with nogil:
        in_memory_order(&c)
        merge(&c)
        choose(&c, total)
        jobs = c.shape[0] * c.shape[1] * c.pieces_rows * c.pieces_across * c.pieces_along
        for job in prange(jobs, num_threads=threads_for((0.4 if c.how != VALUES else 0.8) * total), schedule="static"):
            copy_piece(&c, job)


cdef inline Py_ssize_t size(Py_ssize_t stride) noexcept nogil:
    return stride if stride >= 0 else -stride


cdef void exchange(Copy *c, int a, int b) noexcept nogil:
    c.shape[a], c.shape[b] = c.shape[b], c.shape[a]
    c.xs[a], c.xs[b] = c.xs[b], c.xs[a]
    c.ys[a], c.ys[b] = c.ys[b], c.ys[a]


cdef void in_memory_order(Copy *c) noexcept nogil:
    """Axes by falling strides of y; those of extent 1 first."""
    cdef int i, j
    for i in range(1, 4):
        for j in range(i, 0, -1):
            if c.shape[j - 1] != 1 and (c.shape[j] == 1 or size(c.ys[j]) > size(c.ys[j - 1])):
                exchange(c, j, j - 1)


cdef void merge(Copy *c) noexcept nogil:
    """Neighbours become one axis where both arrays allow it; the axis left over has extent 1 and goes to the front."""
    cdef int i, j
    for i in range(3, 0, -1):
        while c.shape[i - 1] != 1 and c.xs[i - 1] == c.xs[i] * c.shape[i] and c.ys[i - 1] == c.ys[i] * c.shape[i]:
            c.shape[i] *= c.shape[i - 1]
            for j in range(i - 1, 0, -1):
                c.shape[j], c.xs[j], c.ys[j] = c.shape[j - 1], c.xs[j - 1], c.ys[j - 1]
            c.shape[0] = 1


cdef void choose(Copy *c, Py_ssize_t total) noexcept nogil:
    cdef int axis, best = -1
    cdef Py_ssize_t across
    c.across_count, c.across_x, c.across_y = 1, 0, 0
    c.pieces_across, c.along = 1, RUN
    c.how = VALUES
    if c.ys[3] == REAL_BYTES and (c.xs[3] == REAL_BYTES or c.shape[3] == 1):
        c.how = RUNS
    elif c.ys[3] == REAL_BYTES:
        for axis in range(3):
            if c.shape[axis] > 1 and c.xs[axis] == REAL_BYTES:
                best = axis
        if best >= 0:
            c.how = TILES
            c.across_count, c.across_x, c.across_y = c.shape[best], c.xs[best], c.ys[best]
            c.shape[best] = 1
            across, c.along = PIXELS, PIXELS
            if size(c.across_y) > size(c.xs[3]):  # few rows at a time are written, in long runs
                across, c.along = SHORT, LONG
            if c.across_count <= 4:
                c.along = RUN // 4
            elif c.shape[3] <= 4:
                across = RUN // 4
            c.pieces_across = (c.across_count + across - 1) // across
    c.pieces_along = (c.shape[3] + c.along - 1) // c.along
    c.rows = 1
    if c.how != TILES and c.shape[3] < RUN:
        c.rows = RUN // c.shape[3]
    c.pieces_rows = (c.shape[2] + c.rows - 1) // c.rows
    c.stream = VL * REAL_BYTES == 64 and total * REAL_BYTES >= PAST_CACHES and <Py_ssize_t>c.y % 64 == 0
    for axis in range(3):
        c.stream = c.stream and (c.shape[axis] == 1 or c.ys[axis] % 64 == 0)
    c.stream = c.stream and c.how != TILES


cdef void copy_piece(const Copy *c, Py_ssize_t job) noexcept nogil:
    cdef Py_ssize_t j0 = job % c.pieces_along * c.along, part = job // c.pieces_along % c.pieces_across
    cdef Py_ssize_t outer = job // c.pieces_along // c.pieces_across, i0, share, row, k
    cdef Py_ssize_t first = outer % c.pieces_rows * c.rows, lead = outer // c.pieces_rows
    cdef const char *x = c.x + lead // c.shape[1] * c.xs[0] + lead % c.shape[1] * c.xs[1] + first * c.xs[2]
    cdef char *y = c.y + lead // c.shape[1] * c.ys[0] + lead % c.shape[1] * c.ys[1] + first * c.ys[2]
    cdef Py_ssize_t along = min(c.along, c.shape[3] - j0), rows = min(c.rows, c.shape[2] - first)
    if c.how == RUNS:
        copy_runs(<const real *>x + j0, c.xs[2], <real *>y + j0, c.ys[2], rows, along, c.stream)
    elif c.how == VALUES:
        for row in range(rows):
            for k in range(j0, j0 + along):
                (<real *>(y + row * c.ys[2] + k * c.ys[3]))[0] = (<const real *>(x + row * c.xs[2] + k * c.xs[3]))[0]
    else:
        share = (c.across_count + c.pieces_across - 1) // c.pieces_across
        share = (share + VL - 1) // VL * VL
        i0 = part * share
        if i0 < c.across_count:
            transpose(c, x, y, i0, min(share, c.across_count - i0), j0, along)


cdef void copy_runs(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, Py_ssize_t rows, Py_ssize_t count,
                    bint stream) noexcept nogil:
    """Runs whose starts lie x_row and y_row bytes apart."""
    cdef Py_ssize_t row, i
    for row in range(rows):
        if stream:
            for i in range(count // VL):
                vstream(y + i * VL, vload(x + i * VL))
        elif count >= RUN // 4:
            memcpy(y, x, count * REAL_BYTES)
        else:
            for i in range(count // VL):
                vstore(y + i * VL, vload(x + i * VL))
        if (stream or count < RUN // 4) and count % VL:
            i = count // VL * VL
            vwrite(y + i, count - i, vread(x + i, count - i))
        x = <const real *>(<const char *>x + x_row)
        y = <real *>(<char *>y + y_row)
    if stream:
        vfence()


cdef void transpose(const Copy *c, const char *x, char *y, Py_ssize_t i0, Py_ssize_t across, Py_ssize_t j0,
                    Py_ssize_t along) noexcept nogil:
    """y[i, j] = x[j, i] for across x along values, rows of x at xs[3], of y at across_y."""
    cdef Py_ssize_t x_row = c.xs[3] // REAL_BYTES, y_row = c.across_y // REAL_BYTES, i, j
    cdef const real *px = <const real *>x + i0 + j0 * x_row
    cdef real *py = <real *>y + i0 * y_row + j0
    if c.shape[3] == y_row and 2 <= y_row <= 4:
        if y_row == 2:
            weave2(px, x_row, py, across)
        elif y_row == 3:
            weave3(px, x_row, py, across)
        else:
            weave4(px, x_row, py, across)
        return
    if c.across_count == x_row and 2 <= x_row <= 4:
        if x_row == 2:
            unweave2(px, py, y_row, along)
        elif x_row == 3:
            unweave3(px, py, y_row, along)
        else:
            unweave4(px, py, y_row, along)
        return
    for j in range(along // VL):
        for i in range(across // VL):
            square(px + i * VL + j * VL * x_row, x_row, py + i * VL * y_row + j * VL, y_row, c.stream)
        if across % VL:
            i = across // VL * VL
            square_part(px + i + j * VL * x_row, x_row, py + i * y_row + j * VL, y_row, across - i, VL)
    if along % VL:
        j = along // VL * VL
        for i in range((across + VL - 1) // VL):
            square_part(px + i * VL + j * x_row, x_row, py + i * VL * y_row + j, y_row,
                        min(<Py_ssize_t>VL, across - i * VL), along - j)
    if c.stream:
        vfence()
