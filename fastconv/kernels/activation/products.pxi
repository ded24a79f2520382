# Sums of products, the gradient of a factor that is repeated: s[n, k] = sum over r of a[n, k, r] b[n, k, r].

cdef enum:
    PRODUCTS_K = 64     # sums of one job
    PRODUCTS_R = 128    # products that are added in the arrays' type before the sum joins one in double
    PRODUCTS_LANES = 32

cdef struct Products:
    const char *a
    const char *b
    Py_ssize_t stride_a[3]  # in bytes
    Py_ssize_t stride_b[3]
    Py_ssize_t K, R, blocks


def sums_of_products(const real[:, :, :] a, const real[:, :, :] b, real[:, :] s):
    """s[n, k] = sum over r of a[n, k, r] b[n, k, r]; either k or r has unit stride in both."""
    cdef int thread, axis, threads
    cdef Ranges ranges
    cdef Products p
    cdef Py_ssize_t job, N = a.shape[0]
    p.K, p.R = a.shape[1], a.shape[2]
    p.blocks = (p.K + PRODUCTS_K - 1) // PRODUCTS_K
    if N * p.K == 0:
        return
    if p.R == 0:
        s[:, :] = 0
        return
    p.a, p.b = <const char *>&a[0, 0, 0], <const char *>&b[0, 0, 0]
    for axis in range(3):
        p.stride_a[axis], p.stride_b[axis] = a.strides[axis], b.strides[axis]
    threads = threads_for(ADD_NS * N * p.K * p.R)
    share_out(&ranges, N * p.blocks, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            product_block(&p, job, &s[job // p.blocks, 0], s.strides[1])
            job = next_job(&ranges, thread)


cdef void product_block(const Products *p, Py_ssize_t job, real *s, Py_ssize_t step) noexcept nogil:
    """The sums of PRODUCTS_K neighbours of one image."""
    cdef double total[PRODUCTS_K]
    cdef Py_ssize_t n = job // p.blocks, first = job % p.blocks * PRODUCTS_K, k
    cdef Py_ssize_t count = min(p.K - first, <Py_ssize_t>PRODUCTS_K)
    cdef const char *a = p.a + n * p.stride_a[0] + first * p.stride_a[1]
    cdef const char *b = p.b + n * p.stride_b[0] + first * p.stride_b[1]
    if p.stride_a[2] == REAL_BYTES and p.stride_b[2] == REAL_BYTES:
        for k in range(count):
            total[k] = product_run(<const real *>(a + k * p.stride_a[1]), <const real *>(b + k * p.stride_b[1]), p.R)
    else:
        product_rows(p, a, b, total, count)
    for k in range(count):
        (<real *>(<char *>s + (first + k) * step))[0] = <real>total[k]


cdef double product_run(const real *a, const real *b, Py_ssize_t length) noexcept nogil:
    """sum of a[i] b[i], as PRODUCTS_LANES sums."""
    cdef real lane[PRODUCTS_LANES]
    cdef double total = 0
    cdef Py_ssize_t i, j, first, groups = length // PRODUCTS_LANES
    for first in range((groups + PRODUCTS_R - 1) // PRODUCTS_R):
        for j in range(PRODUCTS_LANES):
            lane[j] = 0
        for i in range(first * PRODUCTS_R, min((first + 1) * PRODUCTS_R, groups)):
            for j in range(PRODUCTS_LANES):
                lane[j] += a[i * PRODUCTS_LANES + j] * b[i * PRODUCTS_LANES + j]
        for j in range(PRODUCTS_LANES):
            total += lane[j]
    for i in range(groups * PRODUCTS_LANES, length):
        total += <double>a[i] * b[i]
    return total


cdef void product_rows(const Products *p, const char *a, const char *b, double *total, Py_ssize_t count) noexcept nogil:
    """total[k] of `count` neighbours that lie side by side, row after row."""
    cdef real some[PRODUCTS_K]
    cdef Py_ssize_t k, r, first
    for k in range(count):
        total[k] = 0
    for first in range((p.R + PRODUCTS_R - 1) // PRODUCTS_R):
        for k in range(count):
            some[k] = 0
        for r in range(first * PRODUCTS_R, min((first + 1) * PRODUCTS_R, p.R)):
            add_products(<const real *>(a + r * p.stride_a[2]), <const real *>(b + r * p.stride_b[2]), some, count)
        for k in range(count):
            total[k] += some[k]


cdef inline void add_products(const real *a, const real *b, real *s, Py_ssize_t count) noexcept nogil:
    """s[k] += a[k] b[k]"""
    cdef Py_ssize_t k
    for k in range(count):
        s[k] += a[k] * b[k]
