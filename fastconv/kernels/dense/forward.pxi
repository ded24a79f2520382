# y = act(x w^T + bias): a job computes some outputs of some samples, a block of I at a time.

cdef enum:
    COPY_SAMPLES = 24  # samples from which copying the weights pays
    COPY_OUTPUTS = 64  # outputs whose weights a job copies
    IN_PLACE = 16384   # weights that stay in the first cache where they lie
    SHORT = 64         # values of a row whose sums are quicker with a vector of outputs than with a vector of values,
    SHORT_WEIGHTS = 4096  # if the weights are few: they are transposed at every call


def forward(const real[:, :] x, const real[:, :] w, const real[:] bias, real[:, :] y, int activation):
    """y = act(x w^T + bias); bias may be None; activation: 0 none, 1 relu, 2 relu6."""
    cdef Forward f
    if x.shape[0] == 0:
        return
    if w.shape[1] <= SHORT and w.shape[0] * w.shape[1] <= SHORT_WEIGHTS:
        forward_short(x, w.T, bias, y, activation)
        return
    memset(&f, 0, sizeof(f))
    f.activation = activation
    try:
        if bias is not None:
            f.bias = values_of(bias)
        open_matrix(&f.x, x, True)
        open_matrix(&f.w, w, True)
        open_matrix(&f.y, y, False)
        run_forward(&f)
    finally:
        close_matrix(&f.x, False)
        close_matrix(&f.w, False)
        close_matrix(&f.y, True)
        if bias is not None and f.bias != &bias[0]:
            free(<void *>f.bias)


cdef int forward_short(const real[:, :] x, const real[:, :] wt, const real[:] bias, real[:, :] y,
                       int activation) except -1:
    """The same for short rows, by the sums of the input gradient: y = act(x wt + bias)."""
    cdef Input g
    memset(&g, 0, sizeof(g))
    g.activation = activation
    try:
        if bias is not None:
            g.bias = values_of(bias)
        open_matrix(&g.dy, x, True)
        open_matrix(&g.w, wt, True)
        open_matrix(&g.dx, y, False)
        run_input(&g)
    finally:
        close_matrix(&g.dy, False)
        close_matrix(&g.w, False)
        close_matrix(&g.dx, True)
        if bias is not None and g.bias != &bias[0]:
            free(<void *>g.bias)
    return 0


cdef const real *values_of(const real[:] bias) except NULL:
    """The biases one after the other: where they lie, or in a copy, to be freed."""
    cdef Py_ssize_t o, O = bias.shape[0]
    cdef real *copy
    if bias.strides[0] == REAL_BYTES or O == 1:
        return &bias[0]
    copy = <real *>malloc(O * REAL_BYTES)
    if copy == NULL:
        raise MemoryError(f"a copy of {O} biases")
    for o in range(O):
        copy[o] = bias[o]
    return copy


cdef int run_forward(Forward *f) except -1:
    """Copy what pays to be copied, then run the jobs: outputs first, then samples."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t N = f.x.rows, I = f.x.columns, O = f.w.rows, job, groups, blocks = ceil_div(I, DOT_BLOCK)
    cdef int packers
    cdef int threads = threads_for(<double>N * O * (I + 8 * VL) / (DENSE_PRODUCTS_PER_NS * VL)
                                   + O * I * REAL_BYTES / WEIGHT_READ_PER_NS)
    cdef bint copy_w = N >= COPY_SAMPLES and O * I > IN_PLACE and (O > DOTS or I > DOT_BLOCK)
    cdef bint copy_x = N > 1 and (copy_w or blocks > 1)
    f.outputs_at_once = COPY_OUTPUTS if copy_w else DOTS
    f.outputs = COPY_OUTPUTS if copy_w else 4 * DOTS
    f.samples = samples_per_job(N, DOT_ROWS)
    groups = ceil_div(O, f.outputs)
    if copy_x:
        f.packed = <real *>malloc(N * round_up(I, VL) * REAL_BYTES)
    if copy_w:
        f.scratch = <real *>malloc(threads * COPY_OUTPUTS * DOT_BLOCK * REAL_BYTES)
    if (f.packed == NULL and copy_x) or (f.scratch == NULL and copy_w):
        free(f.packed)
        free(f.scratch)
        raise MemoryError("the operands of a dense layer in order")
    with nogil:
        if copy_x:
            packers = min(threads, threads_for(N * I * DENSE_PACK_X_NS))
            share_out(&ranges, blocks, packers)
            for thread in prange(packers, num_threads=packers, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    pack_x(f, job)
                    job = next_job(&ranges, thread)
        share_out(&ranges, groups * ceil_div(N, f.samples), threads)
        for thread in prange(threads, num_threads=threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                forward_job(f, job % groups * f.outputs, job // groups * f.samples,
                            f.scratch + threadid() * COPY_OUTPUTS * DOT_BLOCK if f.scratch != NULL else NULL)
                job = next_job(&ranges, thread)
    free(f.packed)
    free(f.scratch)
    return 0


cdef void forward_job(const Forward *f, Py_ssize_t first, Py_ssize_t sample, real *scratch) noexcept nogil:
    """Outputs from `first` on of samples from `sample` on."""
    cdef Py_ssize_t stop = min(first + f.outputs, f.w.rows), outputs, block, samples
    samples = min(f.samples, f.x.rows - sample)
    while first < stop:
        outputs = min(f.outputs_at_once, stop - first)
        for block in range(ceil_div(f.w.columns, DOT_BLOCK)):
            if scratch == NULL:
                forward_in_place(f, block, first, outputs, sample, samples)
            else:
                forward_copied(f, block, first, outputs, sample, samples, scratch)
        first += outputs


cdef void forward_in_place(const Forward *f, Py_ssize_t block, Py_ssize_t first, Py_ssize_t outputs,
                           Py_ssize_t sample, Py_ssize_t samples) noexcept nogil:
    """One block of I, rows of w read where they lie: tiles of samples for up to DOTS outputs."""
    cdef real sums[DOT_ROWS * DOTS]
    cdef Py_ssize_t start = block * DOT_BLOCK, length = min(<Py_ssize_t>DOT_BLOCK, f.w.columns - start), n = 0, rows
    cdef Py_ssize_t x_row = f.x.step
    cdef const real *x = f.x.p + sample * x_row + start
    if f.packed != NULL:
        x_row = round_up(length, VL)
        x = f.packed + f.x.rows * start + sample * x_row
    while n < samples:
        rows = ceil_div(samples - n, ceil_div(samples - n, DOT_ROWS))
        dot(x + n * x_row, x_row, f.w.p + first * f.w.step + start, f.w.step, outputs, length // VL, length % VL, sums,
            rows)
        put(f, block, sums, sample + n, rows, first, outputs)
        n += rows


cdef void forward_copied(const Forward *f, Py_ssize_t block, Py_ssize_t first, Py_ssize_t outputs, Py_ssize_t sample,
                         Py_ssize_t samples, real *scratch) noexcept nogil:
    """One block of I: copy the rows of w, then for each tile of samples compute all outputs, DOTS at once."""
    cdef real sums[DOT_ROWS * DOTS]
    cdef Py_ssize_t start = block * DOT_BLOCK, length = min(<Py_ssize_t>DOT_BLOCK, f.w.columns - start)
    cdef Py_ssize_t whole = round_up(length, VL), n = 0, o, part, rows
    cdef const real *x = f.packed + f.x.rows * start + sample * whole
    for part in range(ceil_div(outputs, DOTS)):
        o = part * DOTS
        pack_dots(f.w.p + (first + o) * f.w.step + start, f.w.step, min(<Py_ssize_t>DOTS, outputs - o), length,
                  scratch + o * whole)
    while n < samples:
        rows = min(<Py_ssize_t>DOT_ROWS, samples - n)
        for part in range(ceil_div(outputs, DOTS)):
            o = part * DOTS
            dot_packed(x + n * whole, scratch + o * whole, whole // VL, sums,
                       next_row(f, block, first + o + n // DOT_ROWS) if n < DOTS * DOT_ROWS else scratch, rows)
            put(f, block, sums, sample + n, rows, first + o, min(<Py_ssize_t>DOTS, outputs - o))
        n += rows


cdef inline const real *next_row(const Forward *f, Py_ssize_t block, Py_ssize_t o) noexcept nogil:
    """What will be copied next after row o of w: its next block, or the first block of a row of the next job."""
    if (block + 1) * DOT_BLOCK < f.w.columns:
        return f.w.p + min(o, f.w.rows - 1) * f.w.step + (block + 1) * DOT_BLOCK
    return f.w.p + min(o + f.outputs, f.w.rows - 1) * f.w.step


cdef inline void put(const Forward *f, Py_ssize_t block, const real *sums, Py_ssize_t n, Py_ssize_t rows, Py_ssize_t o,
                     Py_ssize_t count) noexcept nogil:
    """Add the sums of a block to y, for `rows` samples from n on and `count` outputs from o on."""
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
    """y = (0 if the sum begins, else y) + sums; where it ends, act(y + bias). 0 > NaN is false, so NaN stays."""
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
