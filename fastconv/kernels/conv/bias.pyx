"""The gradient of a bias: db[k] = sum_{n,i,j} dy[n,k,i,j]  (Zhang 2016, eqs. 45, 64).

Blocks of rows of an image are summed side by side, at most RUN values in a lane before they join sums in double; the
blocks' sums are added in their order. Memory is read in the order in which it lies, planes or pixels.
"""

from cython.parallel cimport prange
from libc.stdlib cimport calloc, free

from fastconv.kernels.runtime.threads cimport threads_for
from ..simd.row_views cimport lanes_sum
from ..simd.vector cimport VL, real, vf, vload, vzero

cdef enum:
    RUN = 128     # values of a lane that are added in the arrays' own precision
    PIXELS = 1024  # of a block

cdef struct Maps:
    const real *first
    Py_ssize_t N, K, H, W, sn, sk, sh, sw
    Py_ssize_t rows, blocks  # rows of a block, blocks of an image
    double *sums             # [image][block][k]


def backward(const real[:, :, :, :] dy, real[:] db):
    """db of dy (N, K, H, W), any strides."""
    cdef Py_ssize_t one = sizeof(real), k, part
    cdef int threads = threads_for(<double>dy.shape[0] * dy.shape[1] * (dy.shape[2] * dy.shape[3] * 0.1 + 25)), thread
    cdef Maps m
    cdef double total
    if dy.shape[0] * dy.shape[2] * dy.shape[3] == 0:
        db[:] = 0
        return
    m.first = &dy[0, 0, 0, 0]
    m.N, m.K, m.H, m.W = dy.shape[0], dy.shape[1], dy.shape[2], dy.shape[3]
    m.sn, m.sk, m.sh, m.sw = dy.strides[0] // one, dy.strides[1] // one, dy.strides[2] // one, dy.strides[3] // one
    m.rows = min(m.H, (PIXELS + m.W - 1) // m.W)
    m.blocks = (m.H + m.rows - 1) // m.rows
    m.sums = <double *>calloc(m.N * m.blocks * m.K, sizeof(double))
    if m.sums == NULL:
        raise MemoryError(f"sums of {m.N * m.blocks} blocks of {m.K} maps")
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        sum_blocks(&m, m.N * m.blocks * thread // threads, m.N * m.blocks * (thread + 1) // threads)
    for k in range(m.K):
        total = 0
        for part in range(m.N * m.blocks):
            total += m.sums[part * m.K + k]
        db[k] = <real>total
    free(m.sums)


cdef void sum_blocks(const Maps *m, Py_ssize_t part, Py_ssize_t stop) noexcept nogil:
    cdef Py_ssize_t row, rows
    cdef const real *x
    while part < stop:
        row = part % m.blocks * m.rows
        rows = min(m.rows, m.H - row)
        x = m.first + part // m.blocks * m.sn + row * m.sh
        if m.sk == 1 and m.K >= VL:
            sum_pixels(m, x, rows, m.sums + part * m.K)
        else:
            sum_planes(m, x, rows, m.sums + part * m.K)
        part += 1


# ---------------------------------------------------------------- unit stride along the channels

cdef void sum_pixels(const Maps *m, const real *x, Py_ssize_t rows, double *sums) noexcept nogil:
    """All maps of some rows; the last channels overlap the ones before, which are not added twice."""
    cdef Py_ssize_t c = 0, last = m.K - VL
    while c + 4 * VL <= m.K:
        sum_columns(m, x + c, rows, 4, 0, sums + c)
        c += 4 * VL
    while c + VL <= m.K:
        sum_columns(m, x + c, rows, 1, 0, sums + c)
        c += VL
    if c < m.K:
        sum_columns(m, x + last, rows, 1, c - last, sums + last)


cdef inline void sum_columns(const Maps *m, const real *x, Py_ssize_t rows, const int vectors, Py_ssize_t skip,
                             double *sums) noexcept nogil:
    cdef vf s[4]
    cdef Py_ssize_t i, j, end
    cdef int v
    for i in range(rows):
        j = 0
        while j < m.W:
            end = min(j + RUN, m.W)
            for v in range(vectors):
                s[v] = vzero
            while j < end:
                for v in range(vectors):
                    s[v] = s[v] + vload(x + i * m.sh + j * m.sw + v * VL)
                j += 1
            for v in range(vectors):
                add_lanes(s[v], skip, sums + v * VL)


cdef inline void add_lanes(vf s, Py_ssize_t skip, double *sums) noexcept nogil:
    cdef Py_ssize_t lane
    cdef const real *lanes = <const real *>&s
    for lane in range(skip, VL):
        sums[lane] += lanes[lane]


# ---------------------------------------------------------------- planes, or any strides

cdef void sum_planes(const Maps *m, const real *x, Py_ssize_t rows, double *sums) noexcept nogil:
    cdef Py_ssize_t k, i
    for k in range(m.K):
        if m.sw != 1:
            for i in range(rows):
                sums[k] += sum_strided(x + k * m.sk + i * m.sh, m.W, m.sw)
        elif m.sh == m.W:
            sums[k] += sum_run(x + k * m.sk, rows * m.W)
        else:
            for i in range(rows):
                sums[k] += sum_run(x + k * m.sk + i * m.sh, m.W)


cdef double sum_strided(const real *x, Py_ssize_t count, Py_ssize_t step) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t j
    for j in range(count):
        total += x[j * step]
    return total


cdef double sum_run(const real *x, Py_ssize_t count) noexcept nogil:
    cdef vf s0, s1, s2, s3
    cdef double total = 0
    cdef Py_ssize_t j = 0, end
    while j + 4 * VL <= count:
        end = min(count - 4 * VL, j + 4 * VL * (RUN - 1))
        s0 = s1 = s2 = s3 = vzero
        while j <= end:
            s0, s1 = s0 + vload(x + j), s1 + vload(x + j + VL)
            s2, s3 = s2 + vload(x + j + 2 * VL), s3 + vload(x + j + 3 * VL)
            j += 4 * VL
        total += lanes_sum((s0 + s1) + (s2 + s3))
    while j < count:
        total += x[j]
        j += 1
    return total
