# Planes with a border of their own pixels: each row of y is a row of x with some of its values before and behind it.

cdef enum:
    BORDER_VALUES = 8192   # of y in a job

cdef struct Border:
    const char *x
    char *y
    Py_ssize_t xs[3]        # strides in bytes along N, C, H
    Py_ssize_t ys[3]
    Py_ssize_t C, OH, W, left, right
    Py_ssize_t band         # rows of y in a job
    const Py_ssize_t *rows
    const Py_ssize_t *columns


def border(const real[:, :, :, :] x, real[:, :, :, :] y, const Py_ssize_t[::1] rows, const Py_ssize_t[::1] columns,
           Py_ssize_t left):
    """y[n,c,h,w] = x[n,c,rows[h],columns[w]], both with unit stride along W; columns[left + w] = w for w < W."""
    cdef int thread, axis
    cdef Ranges ranges
    cdef Border b
    cdef Py_ssize_t job, bands
    cdef int threads
    if y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3] == 0:
        return
    b.x, b.y = <const char *>&x[0, 0, 0, 0], <char *>&y[0, 0, 0, 0]
    for axis in range(3):
        b.xs[axis], b.ys[axis] = x.strides[axis], y.strides[axis]
    b.C, b.OH, b.W, b.left, b.right = y.shape[1], y.shape[2], x.shape[3], left, y.shape[3] - x.shape[3] - left
    b.rows, b.columns = &rows[0], &columns[0]
    b.band = min(max(<Py_ssize_t>1, BORDER_VALUES // y.shape[3]), b.OH)
    bands = ceil_div(b.OH, b.band)
    threads = threads_for(COPY_NS * y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3])
    share_out(&ranges, y.shape[0] * y.shape[1] * bands, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            border_rows(&b, job // bands, job % bands * b.band)
            job = next_job(&ranges, thread)


cdef void border_rows(const Border *b, Py_ssize_t plane, Py_ssize_t first) noexcept nogil:
    """Up to `band` rows of a plane of y."""
    cdef Py_ssize_t n = plane // b.C, c = plane % b.C, h, w
    cdef const Py_ssize_t *behind = b.columns + b.left + b.W
    cdef const real *x
    cdef real *y
    for h in range(first, min(first + b.band, b.OH)):
        x = <const real *>(b.x + n * b.xs[0] + c * b.xs[1] + b.rows[h] * b.xs[2])
        y = <real *>(b.y + n * b.ys[0] + c * b.ys[1] + h * b.ys[2])
        for w in range(b.left):
            y[w] = x[b.columns[w]]
        y += b.left
        copy_runs(x, 0, y, 0, 1, b.W, False)
        for w in range(b.right):
            y[b.W + w] = x[behind[w]]
