"""The gradient of a bias: db[k] = sum_{n,i,j} dy[n,k,i,j]  (Zhang 2016, eqs. 45, 64).

Blocks of rows of an image are summed side by side, at most RUN values in a lane before they join sums in double; the
blocks' sums are added in their order. Memory is read in the order in which it lies, planes or pixels.
"""

from cython.parallel cimport prange
from libc.stdlib cimport calloc, free

from fastconv.kernels.runtime.threads cimport threads_for
from .view cimport View, view_of
from ..runtime.costs cimport BIAS_MAP_NS, BIAS_VALUE_NS
from ..runtime.sizes cimport ceil_div
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..simd.row_views cimport lanes_sum
from ..simd.vector cimport VL, real, vf, vload, vzero

cdef enum:
    RUN = 128               # values of a lane that are added in the arrays' own precision
    BLOCK_PIXELS = 1024     # pixels of a block

cdef struct Maps:
    View dy
    Py_ssize_t rows, blocks  # rows of a block, blocks of an image
    double *sums             # [image][block][k]


def backward(const real[:, :, :, :] dy, real[:] db):
    """db of dy (N, K, H, W), any strides."""
    cdef Py_ssize_t K = dy.shape[1], pixels = dy.shape[2] * dy.shape[3], blocks, k, part
    cdef double work = <double>dy.shape[0] * K * (pixels * BIAS_VALUE_NS + BIAS_MAP_NS)
    cdef int threads = threads_for(work), thread
    cdef Ranges ranges
    cdef Maps m
    cdef double total
    if dy.shape[0] * pixels == 0:
        db[:] = 0
        return
    m.dy = view_of(dy)
    m.rows = min(m.dy.H, ceil_div(BLOCK_PIXELS, m.dy.W))
    m.blocks = ceil_div(m.dy.H, m.rows)
    blocks = m.dy.N * m.blocks
    m.sums = <double *>calloc(blocks * K, sizeof(double))
    if m.sums == NULL:
        raise MemoryError(f"sums of {blocks} blocks of {K} maps")
    share_out(&ranges, blocks, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        part = next_job(&ranges, thread)
        while part >= 0:
            sum_blocks(&m, part, part + 1)
            part = next_job(&ranges, thread)
    for k in range(K):
        total = 0
        for part in range(blocks):
            total += m.sums[part * K + k]
        db[k] = <real>total
    free(m.sums)


cdef void sum_blocks(const Maps *m, Py_ssize_t part, Py_ssize_t stop) noexcept nogil:
    """The sums of the blocks from `part` to `stop` - 1."""
    cdef Py_ssize_t row, rows
    cdef const real *x
    while part < stop:
        row = part % m.blocks * m.rows
        rows = min(m.rows, m.dy.H - row)
        x = m.dy.data + part // m.blocks * m.dy.n_step + row * m.dy.h_step
        if m.dy.c_step == 1 and m.dy.C >= VL:
            sum_pixels(&m.dy, x, rows, m.sums + part * m.dy.C)
        else:
            sum_planes(&m.dy, x, rows, m.sums + part * m.dy.C)
        part += 1


# ---------------------------------------------------------------- unit stride along the channels

cdef void sum_pixels(const View *dy, const real *x, Py_ssize_t rows, double *sums) noexcept nogil:
    """All channels of some rows; the last channels overlap the ones before, which are not added twice."""
    cdef Py_ssize_t c = 0, last = dy.C - VL
    while c + 4 * VL <= dy.C:
        sum_columns(dy, x + c, rows, 4, 0, sums + c)
        c += 4 * VL
    while c + VL <= dy.C:
        sum_columns(dy, x + c, rows, 1, 0, sums + c)
        c += VL
    if c < dy.C:
        sum_columns(dy, x + last, rows, 1, c - last, sums + last)


cdef inline void sum_columns(const View *dy, const real *x, Py_ssize_t rows, const int vectors, Py_ssize_t skip,
                             double *sums) noexcept nogil:
    """`vectors` vectors of channels of some rows, without the first `skip` channels."""
    cdef vf s[4]
    cdef Py_ssize_t i, j, end
    cdef int v
    for i in range(rows):
        j = 0
        while j < dy.W:
            end = min(j + RUN, dy.W)
            for v in range(vectors):
                s[v] = vzero
            while j < end:
                for v in range(vectors):
                    s[v] = s[v] + vload(x + i * dy.h_step + j * dy.w_step + v * VL)
                j += 1
            for v in range(vectors):
                add_lanes(s[v], skip, sums + v * VL)


cdef inline void add_lanes(vf s, Py_ssize_t skip, double *sums) noexcept nogil:
    """sums[lane] += s[lane] for lanes from `skip` on."""
    cdef Py_ssize_t lane
    cdef const real *lanes = <const real *>&s
    for lane in range(skip, VL):
        sums[lane] += lanes[lane]


# ---------------------------------------------------------------- planes, or any strides

cdef void sum_planes(const View *dy, const real *x, Py_ssize_t rows, double *sums) noexcept nogil:
    """All channels of some rows, one after another."""
    cdef Py_ssize_t k, i
    for k in range(dy.C):
        if dy.w_step != 1:
            for i in range(rows):
                sums[k] += sum_strided(x + k * dy.c_step + i * dy.h_step, dy.W, dy.w_step)
        elif dy.h_step == dy.W:
            sums[k] += sum_run(x + k * dy.c_step, rows * dy.W)
        else:
            for i in range(rows):
                sums[k] += sum_run(x + k * dy.c_step + i * dy.h_step, dy.W)


cdef double sum_strided(const real *x, Py_ssize_t count, Py_ssize_t step) noexcept nogil:
    """The sum of `count` values that lie `step` apart."""
    cdef double total = 0
    cdef Py_ssize_t j
    for j in range(count):
        total += x[j * step]
    return total


cdef double sum_run(const real *x, Py_ssize_t count) noexcept nogil:
    """The sum of `count` neighbours, four vectors at a time."""
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
