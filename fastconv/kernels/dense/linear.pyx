"""Dense layers: y = act(x W^T + b), dx = dy W, dW = dy^T x, db = sum_n dy[n]; x (N, I), w (O, I), y (N, O).

No sum depends on N or on the number of threads: forward adds blocks of I, each a sum of vectors whose lanes are added
by a fixed tree; the input gradient adds blocks of O, each one term after the other, whether rows of w are read where
they lie (few samples) or from a panel. Arrays may have any strides; without unit stride along a row they are copied.
"""
from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from fastconv.kernels.runtime.threads cimport threads_for
from ..simd.vector cimport LINE, REAL_BYTES, VL, real, vf, vload, vsplat, vstore, vfence, vzero
from .tile cimport DOT_ROWS, DOTS, OUTER_ROWS, PANEL, dense_prefetch, dot, dot_packed, outer, vload_part

cdef extern from *:
    """
    #define DOT_BLOCK (3072 / REAL_BYTES)
    #define WIDTH (TILE_VECTORS * VL)
    #define AHEAD (4096 / REAL_BYTES)
    #define COLUMNS (131072 / REAL_BYTES)
    """
    enum: DOT_BLOCK  # terms of a sum of `forward`: six rows of them are half of the first cache
    enum: WIDTH      # columns of a panel
    enum: AHEAD      # rows of w that are read once are fetched so far ahead
    enum: COLUMNS    # sums of a job that reads w where it lies: of whole rows, where they can be

cdef enum:
    OUTER_BLOCK = 256    # terms of a sum of the gradients
    GROUP = 64           # outputs whose weights a job of `forward` copies
    SAMPLES = 384        # most samples in a job
    COPIED = 24          # rows from which copying the weights pays
    FEW = 3              # rows up to which the input gradient reads w where it lies
    PANELS = 4           # panels of w in a job of the input gradient
    WEIGHT_ROWS = 96     # rows of dw in a job of many samples
    BIASES = 512         # columns of dy in a job
    STREAMED = 8 << 20   # bytes of dw too many to be found in a cache later


# ---------------------------------------------------------------- operands

cdef struct Matrix:
    real *p           # rows of unit stride
    Py_ssize_t step   # from row to row
    Py_ssize_t rows, columns
    real *own         # the copy, or NULL
    real *given
    Py_ssize_t given_step, given_along


cdef int matrix(Matrix *m, const real *p, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t step, Py_ssize_t along,
                bint read) except -1:
    """Rows of unit stride: where they are, or in a copy. Strides in bytes."""
    cdef Py_ssize_t i, j
    m.rows, m.columns, m.own, m.given = rows, columns, NULL, <real *>p
    m.given_step, m.given_along = step // REAL_BYTES, along // REAL_BYTES
    m.p, m.step = m.given, m.given_step
    if m.given_along == 1 or columns == 1:
        return 0
    m.own = <real *>malloc(rows * columns * REAL_BYTES)
    if m.own == NULL:
        raise MemoryError(f"a copy of a matrix {rows} x {columns}")
    m.p, m.step = m.own, columns
    if read:
        for i in range(rows):
            for j in range(columns):
                m.own[i * columns + j] = m.given[i * m.given_step + j * m.given_along]
    return 0


cdef void close(Matrix *m, bint write) noexcept nogil:
    """Free the copy, after writing it back if it was a result."""
    cdef Py_ssize_t i, j
    if m.own == NULL:
        return
    if write:
        for i in range(m.rows):
            for j in range(m.columns):
                m.given[i * m.given_step + j * m.given_along] = m.own[i * m.columns + j]
    free(m.own)
    m.own = NULL


cdef Py_ssize_t parts(Py_ssize_t whole, Py_ssize_t part) noexcept nogil:
    return (whole + part - 1) // part


cdef Py_ssize_t shared(Py_ssize_t N, Py_ssize_t rows) noexcept nogil:
    """The samples of a job: whole tiles, as many in each."""
    return parts(parts(N, parts(N, SAMPLES)), rows) * rows


cdef Py_ssize_t padded(Py_ssize_t columns) noexcept nogil:
    """Rounded up to whole vectors."""
    return parts(columns, VL) * VL


cdef void copy_rows(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t columns, real *to,
                    Py_ssize_t to_step) noexcept nogil:
    """Rows of `columns` to rows of `to_step`, zeros behind."""
    cdef Py_ssize_t i
    for i in range(rows):
        memcpy(to + i * to_step, x + i * step, columns * REAL_BYTES)
        if to_step > columns:
            memset(to + i * to_step + columns, 0, (to_step - columns) * REAL_BYTES)


# ---------------------------------------------------------------- forward

cdef struct Forward:
    Matrix x, w, y
    const real *bias
    int activation        # 0: none, 1: relu, 2: relu6
    real *packed          # x, block after block of I, rows padded to whole vectors; or NULL
    real *scratch         # the weights of a job, of each thread; or NULL
    Py_ssize_t at_once    # outputs between two walks over the samples
    Py_ssize_t group      # outputs of a job
    Py_ssize_t samples    # samples of a job


def forward(const real[:, :] x, const real[:, :] w, const real[:] bias, real[:, :] y, int activation):
    """y = act(x w^T + bias); bias may be None"""
    cdef Forward f
    cdef real[256] few
    cdef real *b = NULL
    cdef Py_ssize_t N = x.shape[0], I = x.shape[1], O = w.shape[0], o
    if N == 0:
        return
    memset(&f, 0, sizeof(f))
    f.activation = activation
    if bias is not None:
        f.bias = &bias[0]
        if bias.strides[0] != REAL_BYTES and O > 1:
            b = few
            if O > 256:
                b = <real *>malloc(O * REAL_BYTES)
            if b == NULL:
                raise MemoryError(f"a copy of {O} biases")
            for o in range(O):
                b[o] = bias[o]
            f.bias = b
    try:
        matrix(&f.x, &x[0, 0], N, I, x.strides[0], x.strides[1], True)
        matrix(&f.w, &w[0, 0], O, I, w.strides[0], w.strides[1], True)
        matrix(&f.y, &y[0, 0], N, O, y.strides[0], y.strides[1], False)
        run_forward(&f)
    finally:
        close(&f.x, False)
        close(&f.w, False)
        close(&f.y, True)
        if b != few:
            free(b)


cdef int run_forward(Forward *f) except -1:
    cdef Py_ssize_t N = f.x.rows, I = f.x.columns, O = f.w.rows, job, groups, blocks = parts(I, DOT_BLOCK)
    cdef int threads = threads_for(<double>N * O * (I + 8 * VL) / (2.5 * VL) + O * I * REAL_BYTES / 20.0)
    cdef bint copied = N >= COPIED and (O > DOTS or I > DOT_BLOCK)
    f.at_once = GROUP if copied else DOTS
    f.group = GROUP if copied else 4 * DOTS
    f.samples = shared(N, DOT_ROWS)
    groups = parts(O, f.group)
    with nogil:
        if N > 1 and (copied or blocks > 1):
            f.packed = <real *>malloc(N * padded(I) * REAL_BYTES)
        if copied:
            f.scratch = <real *>malloc(threads * GROUP * DOT_BLOCK * REAL_BYTES)
        if (f.packed == NULL and N > 1 and (copied or blocks > 1)) or (f.scratch == NULL and copied):
            free(f.packed)
            free(f.scratch)
            with gil:
                raise MemoryError("the operands of a dense layer in order")
        if f.packed != NULL:
            for job in prange(blocks, num_threads=min(threads, threads_for(N * I * 0.3)), schedule="static"):
                pack_x(f, job)
        for job in prange(groups * parts(N, f.samples), num_threads=threads, schedule="dynamic"):
            forward_job(f, job % groups * f.group, job // groups * f.samples,
                        f.scratch + threadid() * GROUP * DOT_BLOCK if f.scratch != NULL else NULL)
        free(f.packed)
        free(f.scratch)
    return 0


cdef void pack_x(const Forward *f, Py_ssize_t block) noexcept nogil:
    """One block of I of x: rows as they are, or, for copied weights, tiles of rows in step."""
    cdef Py_ssize_t start = block * DOT_BLOCK, length = min(<Py_ssize_t>DOT_BLOCK, f.x.columns - start), n
    cdef real *to = f.packed + f.x.rows * start
    if f.scratch == NULL:
        copy_rows(f.x.p + start, f.x.step, f.x.rows, length, to, padded(length))
        return
    for n in range(f.x.rows):
        if n % DOT_ROWS == 0:
            pack_step(f.x.p + n * f.x.step + start, f.x.step, min(<Py_ssize_t>DOT_ROWS, f.x.rows - n), length,
                      to + n * padded(length))


cdef void pack_step(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t length, real *to) noexcept nogil:
    """[row][vector] to [vector][row], zeros behind the last."""
    cdef Py_ssize_t v, i, whole = length // VL
    cdef int tail = length % VL
    for v in range(whole):
        for i in range(rows):
            vstore(to + (v * rows + i) * VL, vload(x + i * step + v * VL))
            dense_prefetch(x + (rows + i) * step + v * VL)
    if tail > 0:
        for i in range(rows):
            vstore(to + (whole * rows + i) * VL, vload_part(x + i * step + whole * VL, tail))


cdef void forward_job(const Forward *f, Py_ssize_t first, Py_ssize_t sample, real *scratch) noexcept nogil:
    """A group of outputs of a group of samples."""
    cdef Py_ssize_t stop = min(first + f.group, f.w.rows), outputs, block, samples
    samples = min(f.samples, f.x.rows - sample)
    while first < stop:
        outputs = min(f.at_once, stop - first)
        for block in range(parts(f.w.columns, DOT_BLOCK)):
            if scratch == NULL:
                forward_block(f, block, first, outputs, sample, samples)
            else:
                forward_copied(f, block, first, outputs, sample, samples, scratch)
        first += outputs


cdef void forward_block(const Forward *f, Py_ssize_t block, Py_ssize_t first, Py_ssize_t outputs, Py_ssize_t sample,
                        Py_ssize_t samples) noexcept nogil:
    """One block of I, rows of w where they lie: tiles of samples for up to four outputs."""
    cdef real sums[DOT_ROWS * DOTS]
    cdef Py_ssize_t start = block * DOT_BLOCK, length = min(<Py_ssize_t>DOT_BLOCK, f.w.columns - start), n = 0, rows
    cdef Py_ssize_t x_row = f.x.step
    cdef const real *x = f.x.p + sample * x_row + start
    if f.packed != NULL:
        x_row = padded(length)
        x = f.packed + f.x.rows * start + sample * x_row
    while n < samples:
        rows = parts(samples - n, parts(samples - n, DOT_ROWS))
        dot(x + n * x_row, x_row, f.w.p + first * f.w.step + start, f.w.step, outputs, length // VL, length % VL, sums,
            rows)
        put(f, block, sums, sample + n, rows, first, outputs)
        n += rows


cdef void forward_copied(const Forward *f, Py_ssize_t block, Py_ssize_t first, Py_ssize_t outputs, Py_ssize_t sample,
                         Py_ssize_t samples, real *scratch) noexcept nogil:
    """One block of I: rows of w in step, then tiles of samples, for each all outputs, four at once."""
    cdef real sums[DOT_ROWS * DOTS]
    cdef Py_ssize_t start = block * DOT_BLOCK, length = min(<Py_ssize_t>DOT_BLOCK, f.w.columns - start)
    cdef Py_ssize_t whole = padded(length), n = 0, o, four, rows
    cdef const real *x = f.packed + f.x.rows * start + sample * whole
    for four in range(parts(outputs, DOTS)):
        o = four * DOTS
        pack_four(f.w.p + (first + o) * f.w.step + start, f.w.step, min(<Py_ssize_t>DOTS, outputs - o), length,
                  scratch + o * whole)
    while n < samples:
        rows = min(<Py_ssize_t>DOT_ROWS, samples - n)
        for four in range(parts(outputs, DOTS)):
            o = four * DOTS
            dot_packed(x + n * whole, scratch + o * whole, whole // VL, sums,
                       next_row(f, block, first + o + n // DOT_ROWS) if n < DOTS * DOT_ROWS else scratch, rows)
            put(f, block, sums, sample + n, rows, first + o, min(<Py_ssize_t>DOTS, outputs - o))
        n += rows


cdef inline const real *next_row(const Forward *f, Py_ssize_t block, Py_ssize_t o) noexcept nogil:
    """What will be copied next of row o of w: the next block, or the first of a row further on."""
    if (block + 1) * DOT_BLOCK < f.w.columns:
        return f.w.p + min(o, f.w.rows - 1) * f.w.step + (block + 1) * DOT_BLOCK
    return f.w.p + min(o + f.group, f.w.rows - 1) * f.w.step


cdef void pack_four(const real *w, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t length, real *to) noexcept nogil:
    """pack_step for DOTS rows; what is missing is zeros."""
    cdef Py_ssize_t v, i
    if rows == DOTS:
        pack_step(w, step, DOTS, length, to)
        return
    memset(to, 0, DOTS * padded(length) * REAL_BYTES)
    for i in range(rows):
        for v in range(length):
            to[(v // VL * DOTS + i) * VL + v % VL] = w[i * step + v]


cdef inline void put(const Forward *f, Py_ssize_t block, const real *sums, Py_ssize_t n, Py_ssize_t rows, Py_ssize_t o,
                     Py_ssize_t count) noexcept nogil:
    """Add the sums of a block to y."""
    cdef Py_ssize_t i
    cdef bint begins = block == 0, ends = (block + 1) * DOT_BLOCK >= f.w.columns
    cdef const real *bias = f.bias + o if f.bias != NULL else NULL
    cdef real *y = f.y.p + n * f.y.step + o
    for i in range(rows):
        if count == DOTS:
            put_body(sums + i * DOTS, y + i * f.y.step, bias, DOTS, begins, ends, f.activation)
        else:
            put_body(sums + i * DOTS, y + i * f.y.step, bias, count, begins, ends, f.activation)


cdef inline void put_body(const real *sums, real *y, const real *bias, Py_ssize_t count, bint begins, bint ends,
                          int activation) noexcept nogil:
    """y = (y unless the sum begins) + sums; at its end + bias and activation: 0 > NaN is false, so NaN stays."""
    cdef real s
    cdef Py_ssize_t j
    for j in range(count):
        s = sums[j] if begins else y[j] + sums[j]
        if ends:
            if bias != NULL:
                s = s + bias[j]
            if activation > 0:
                s = <real>0 if <real>0 > s else s
            if activation > 1:
                s = <real>6 if <real>6 < s else s
        y[j] = s


# ---------------------------------------------------------------- input gradient

cdef struct Input:
    Matrix dy, w, dx
    real *scratch
    Py_ssize_t size  # of the scratch of a thread
    Py_ssize_t columns, samples  # of a job


def backward_input(const real[:, :] dy, const real[:, :] w, real[:, :] dx):
    """dx = dy w"""
    cdef Input g
    cdef Py_ssize_t N = dy.shape[0], O = w.shape[0], I = w.shape[1]
    if N == 0:
        return
    memset(&g, 0, sizeof(g))
    try:
        matrix(&g.dy, &dy[0, 0], N, O, dy.strides[0], dy.strides[1], True)
        matrix(&g.w, &w[0, 0], O, I, w.strides[0], w.strides[1], True)
        matrix(&g.dx, &dx[0, 0], N, I, dx.strides[0], dx.strides[1], False)
        run_input(&g)
    finally:
        close(&g.dy, False)
        close(&g.w, False)
        close(&g.dx, True)


cdef int run_input(Input *g) except -1:
    cdef Py_ssize_t N = g.dy.rows, O = g.w.rows, I = g.w.columns, job, groups
    cdef int threads = threads_for(<double>N * O * I / (2.5 * VL) + O * I * REAL_BYTES / 20.0)
    g.size = COLUMNS if N <= FEW else (OUTER_BLOCK * PANELS + OUTER_ROWS) * WIDTH
    g.columns = PANELS * WIDTH
    g.samples = shared(N, OUTER_ROWS)
    if N <= FEW:
        g.columns = max(min(COLUMNS // N, parts(I, threads)), <Py_ssize_t>512) // VL * VL
        g.columns = min(g.columns, COLUMNS // N // VL * VL)
    groups = parts(I, g.columns)
    with nogil:
        g.scratch = <real *>malloc(threads * g.size * REAL_BYTES)
        if g.scratch == NULL:
            with gil:
                raise MemoryError("the operands of a dense layer in order")
        if N <= FEW:
            for job in prange(groups, num_threads=threads, schedule="dynamic"):
                input_few(g, job * g.columns, g.scratch + threadid() * g.size)
        else:
            for job in prange(groups * parts(N, g.samples), num_threads=threads, schedule="dynamic"):
                input_job(g, job % groups * g.columns, job // groups * g.samples, g.scratch + threadid() * g.size)
        free(g.scratch)
    return 0


cdef void input_few(const Input *g, Py_ssize_t column, real *sums) noexcept nogil:
    """Some columns of few samples: rows of w once, where they lie, into sums in the first cache."""
    cdef Py_ssize_t O = g.w.rows, N = g.dy.rows, block, start, stop, o, n, i
    cdef Py_ssize_t columns = min(g.columns, g.w.columns - column)
    cdef const real *w
    cdef const real *dy
    cdef real *dx
    for block in range(parts(O, OUTER_BLOCK)):
        start = block * OUTER_BLOCK
        stop = min(start + OUTER_BLOCK, O)
        for n in range(N):
            memset(sums + n * g.columns, 0, padded(columns) * REAL_BYTES)
        o = start
        while o < stop:
            w, dy = g.w.p + o * g.w.step + column, g.dy.p + o
            if stop - o >= 4:
                add_rows(w, g.w.step, dy, g.dy.step, sums, g.columns, columns, N, 4)
                o += 4
            else:
                add_rows(w, g.w.step, dy, g.dy.step, sums, g.columns, columns, N, 1)
                o += 1
        for n in range(N):
            dx = g.dx.p + n * g.dx.step + column
            for i in range(columns):
                dx[i] = sums[n * g.columns + i] if start == 0 else dx[i] + sums[n * g.columns + i]


cdef inline void add_rows(const real *w, Py_ssize_t w_step, const real *a, Py_ssize_t a_step, real *sums,
                          Py_ssize_t sums_step, Py_ssize_t columns, Py_ssize_t N, const int rows) noexcept nogil:
    """sums[n] = sums[n] + a[n, 0] w[0] + a[n, 1] w[1] + ..."""
    if N == 1:
        add_rows_body(w, w_step, a, a_step, sums, sums_step, columns, rows, 1)
    elif N == 2:
        add_rows_body(w, w_step, a, a_step, sums, sums_step, columns, rows, 2)
    else:
        add_rows_body(w, w_step, a, a_step, sums, sums_step, columns, rows, 3)


cdef inline void add_rows_body(const real *w, Py_ssize_t w_step, const real *a, Py_ssize_t a_step, real *sums,
                               Py_ssize_t sums_step, Py_ssize_t columns, const int rows, const int width) noexcept nogil:
    cdef vf s
    cdef vf wv[4]
    cdef vf av[FEW][4]
    cdef Py_ssize_t v, whole = columns // VL
    cdef int i, n, tail = columns % VL
    for n in range(width):
        for i in range(rows):
            av[n][i] = vsplat(a[n * a_step + i])
    for v in range(whole):
        for i in range(rows):
            wv[i] = vload(w + i * w_step + v * VL)
            dense_prefetch(w + i * w_step + v * VL + AHEAD)
        for n in range(width):
            s = vload(sums + n * sums_step + v * VL)
            for i in range(rows):
                s = s + av[n][i] * wv[i]
            vstore(sums + n * sums_step + v * VL, s)
    if tail > 0:
        for i in range(rows):
            wv[i] = vload_part(w + i * w_step + whole * VL, tail)
        for n in range(width):
            s = vload(sums + n * sums_step + whole * VL)
            for i in range(rows):
                s = s + av[n][i] * wv[i]
            vstore(sums + n * sums_step + whole * VL, s)


cdef void input_job(const Input *g, Py_ssize_t column, Py_ssize_t sample, real *scratch) noexcept nogil:
    """Some panels of a group of samples: each block of O copied, then read by all of them."""
    cdef Py_ssize_t O = g.w.rows, block, start, length, n, rows, panel, ahead
    cdef const real *w
    cdef Py_ssize_t stop = min(sample + g.samples, g.dy.rows), columns = min(g.columns, g.w.columns - column)
    cdef real *own = scratch + OUTER_BLOCK * PANELS * WIDTH
    for block in range(parts(O, OUTER_BLOCK)):
        start = block * OUTER_BLOCK
        length = min(<Py_ssize_t>OUTER_BLOCK, O - start)
        w = g.w.p + min(start + OUTER_BLOCK, O - 1) * g.w.step + column
        pack_panels(g.w.p + start * g.w.step + column, g.w.step, length, columns, scratch, OUTER_BLOCK * WIDTH)
        for panel in range(parts(columns, WIDTH)):
            n = sample
            while n < stop:
                rows = parts(stop - n, parts(stop - n, OUTER_ROWS))
                ahead = (n - sample) // OUTER_ROWS * 2 * LINE  # lines of the next block, two by two
                outer_part(g.dy.p + n * g.dy.step + start, g.dy.step, 1, scratch + panel * OUTER_BLOCK * WIDTH, length,
                           g.dx.p + n * g.dx.step + column + panel * WIDTH, g.dx.step, start > 0, False,
                           w + panel * WIDTH + ahead if ahead < WIDTH else scratch, g.w.step if ahead < WIDTH else 0,
                           rows, min(<Py_ssize_t>WIDTH, columns - panel * WIDTH), own)
                n += rows


cdef void pack_panels(const real *w, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t columns, real *to,
                      Py_ssize_t size) noexcept nogil:
    """Rows of w as panels of WIDTH columns, zeros behind the last."""
    cdef Py_ssize_t t, c, whole = columns // WIDTH, rest = columns % WIDTH
    cdef int j
    for t in range(rows):
        for c in range(whole):
            for j in range(PANEL):
                vstore(to + c * size + t * WIDTH + j * VL, vload(w + t * step + c * WIDTH + j * VL))
                dense_prefetch(w + (t + 2) * step + c * WIDTH + j * VL)
        if rest > 0:
            copy_rows(w + t * step + whole * WIDTH, 0, 1, rest, to + whole * size + t * WIDTH, padded(rest))


cdef inline void outer_part(const real *a, Py_ssize_t a_row, Py_ssize_t a_step, const real *w, Py_ssize_t steps,
                            real *y, Py_ssize_t y_step, bint add, bint stream, const real *ahead,
                            Py_ssize_t ahead_step, Py_ssize_t rows, Py_ssize_t columns, real *own) noexcept nogil:
    """`outer` for any number of columns up to a panel, through `own` where they are no whole vectors."""
    cdef Py_ssize_t i, j
    if columns % VL == 0:
        outer(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, rows, columns // VL)
        return
    outer(a, a_row, a_step, w, steps, own, WIDTH, False, False, ahead, ahead_step, rows, padded(columns) // VL)
    for i in range(rows):
        for j in range(columns):
            y[i * y_step + j] = y[i * y_step + j] + own[i * WIDTH + j] if add else own[i * WIDTH + j]


# ---------------------------------------------------------------- weight and bias gradient

cdef struct Weight:
    Matrix dy, x, dw
    real *numbers    # dy, OUTER_ROWS outputs after OUTER_ROWS outputs, [o][n][OUTER_ROWS]
    real *panels     # x, panel after panel, [i][n][WIDTH]
    real *own
    Py_ssize_t start, length  # the block of samples
    Py_ssize_t group, across  # rows and panels of dw in a job
    bint stream


def backward_weight(const real[:, :] dy, const real[:, :] x, real[:, :] dw):
    """dw = dy^T x"""
    cdef Weight g
    cdef Py_ssize_t N = dy.shape[0], O = dy.shape[1], I = x.shape[1]
    if N == 0:
        dw[:, :] = 0
        return
    memset(&g, 0, sizeof(g))
    try:
        matrix(&g.dy, &dy[0, 0], N, O, dy.strides[0], dy.strides[1], True)
        matrix(&g.x, &x[0, 0], N, I, x.strides[0], x.strides[1], True)
        matrix(&g.dw, &dw[0, 0], O, I, dw.strides[0], dw.strides[1], False)
        run_weight(&g)
    finally:
        close(&g.dy, False)
        close(&g.x, False)
        close(&g.dw, True)


cdef int run_weight(Weight *g) except -1:
    cdef Py_ssize_t N = g.dy.rows, O = g.dw.rows, I = g.dw.columns, job, groups, across
    cdef Py_ssize_t block = min(N, <Py_ssize_t>OUTER_BLOCK), tiles = parts(O, OUTER_ROWS), panels = parts(I, WIDTH)
    cdef int threads = threads_for(<double>N * O * I / (2.5 * VL) + O * I * REAL_BYTES / 10.0)
    cdef int packers = threads_for(N * (I * 0.2 + O * 0.5))
    g.group = OUTER_ROWS if N <= 16 else WEIGHT_ROWS
    g.across = panels if N <= 16 else 16
    groups, across = parts(O, g.group), parts(panels, g.across)
    g.stream = (O * I * REAL_BYTES >= STREAMED and N <= OUTER_BLOCK and g.dw.step % VL == 0 and I % VL == 0
                and <size_t>g.dw.p % (VL * REAL_BYTES) == 0)
    with nogil:
        g.numbers = <real *>malloc(tiles * OUTER_ROWS * block * REAL_BYTES)
        g.panels = <real *>malloc(panels * WIDTH * block * REAL_BYTES)
        g.own = <real *>malloc(threads * OUTER_ROWS * WIDTH * REAL_BYTES)
        if g.numbers == NULL or g.panels == NULL or g.own == NULL:
            free(g.numbers)
            free(g.panels)
            free(g.own)
            with gil:
                raise MemoryError("the operands of a dense layer in order")
        while g.start < N:
            g.length = min(<Py_ssize_t>OUTER_BLOCK, N - g.start)
            for job in prange(parts(g.length, 16), num_threads=packers, schedule="static"):
                pack_samples(g, job * 16, min(job * 16 + 16, g.length))
            for job in prange(groups * across, num_threads=threads, schedule="dynamic"):
                weight_job(g, job // across * g.group, job % across * g.across,
                           g.own + threadid() * OUTER_ROWS * WIDTH)
            g.start += OUTER_BLOCK
        free(g.numbers)
        free(g.panels)
        free(g.own)
    return 0


cdef void pack_samples(const Weight *g, Py_ssize_t n, Py_ssize_t stop) noexcept nogil:
    cdef Py_ssize_t O = g.dw.rows, o, tile
    cdef const real *dy
    cdef real *to
    pack_panels(g.x.p + (g.start + n) * g.x.step, g.x.step, stop - n, g.x.columns, g.panels + n * WIDTH,
                g.length * WIDTH)
    while n < stop:
        dy = g.dy.p + (g.start + n) * g.dy.step
        for tile in range(parts(O, OUTER_ROWS)):
            o = tile * OUTER_ROWS
            to = g.numbers + o * g.length + n * OUTER_ROWS
            if O - o >= OUTER_ROWS:
                memcpy(to, dy + o, OUTER_ROWS * REAL_BYTES)
            else:
                copy_rows(dy + o, 0, 1, O - o, to, OUTER_ROWS)
        n += 1


cdef void weight_job(const Weight *g, Py_ssize_t first, Py_ssize_t panel, real *own) noexcept nogil:
    cdef Py_ssize_t O = g.dw.rows, I = g.dw.columns, stop = min(first + g.group, O), o, tile
    cdef Py_ssize_t last = min(panel + g.across, parts(I, WIDTH))
    while panel < last:
        for tile in range(parts(stop - first, OUTER_ROWS)):
            o = first + tile * OUTER_ROWS
            outer_part(g.numbers + o * g.length, 1, OUTER_ROWS, g.panels + panel * g.length * WIDTH, g.length,
                       g.dw.p + o * g.dw.step + panel * WIDTH, g.dw.step, g.start > 0, g.stream, g.numbers, 0,
                       min(<Py_ssize_t>OUTER_ROWS, stop - o), min(<Py_ssize_t>WIDTH, I - panel * WIDTH), own)
        panel += 1
    if g.stream:
        vfence()


def backward_bias(const real[:, :] dy, real[:] db):
    """db = sum_n dy[n], one sample after the other in blocks"""
    cdef Py_ssize_t N = dy.shape[0], O = dy.shape[1], job
    cdef Matrix m
    if N == 0:
        db[:] = 0
        return
    matrix(&m, &dy[0, 0], N, O, dy.strides[0], dy.strides[1], True)
    for job in prange(parts(O, BIASES), num_threads=threads_for(N * O * 0.1), nogil=True, schedule="static"):
        sum_rows(&m, job * BIASES, &db[0], db.strides[0] // REAL_BYTES)
    close(&m, False)


cdef void sum_rows(const Matrix *m, Py_ssize_t column, real *db, Py_ssize_t along) noexcept nogil:
    cdef real sums[2][BIASES]
    cdef Py_ssize_t columns = min(<Py_ssize_t>BIASES, m.columns - column), n, i, block, start
    cdef const real *dy
    memset(sums[1], 0, sizeof(sums[1]))
    for block in range(parts(m.rows, OUTER_BLOCK)):
        start = block * OUTER_BLOCK
        memset(sums[0], 0, sizeof(sums[0]))
        for n in range(start, min(start + OUTER_BLOCK, m.rows)):
            dy = m.p + n * m.step + column
            for i in range(columns):
                sums[0][i] += dy[i]
        for i in range(columns):
            sums[1][i] += sums[0][i]
    for i in range(columns):
        db[(column + i) * along] = sums[1][i]
