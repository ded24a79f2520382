"""Layer norm: x[R, K], K with unit stride, with a weight for every element of a row.

A row is a set, z = (x - mean) r and r = 1 / sqrt(var + eps):

    forward    y = w z + b,  z = (x - center) r + shift,  shift = (center - mean) r
    backward   db = sum dy,  dw = sum dy z over the rows
               g = w dy,  dx = r (g - mean(g) - z mean(g z)) over the row
               = g r + (x - center) slope + offset                            derived in affine.pxd

Ba, Kiros and Hinton 2016, eq. 4.
"""
from cython.parallel cimport prange
from libc.stdlib cimport calloc, free
from fastconv.kernels.runtime.caches cimport STREAM_NORM_BYTES
from fastconv.kernels.runtime.costs cimport LAYER_NORM_BACKWARD_NS, NORM_FORWARD_NS
from fastconv.kernels.runtime.sizes cimport ceil_div, round_up
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from .affine cimport Coefficients, offset_of, scaled, slope_of, sloped
from .moments cimport RUN, Moments, inverse_deviation, moments
from .vectors cimport vread, vread_over, vsum, vwrite
from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.vector cimport REAL_BYTES, VL, real, vf, vfence, vfma, vload, vsplat, vstore, vstream, vzero


cdef bint past_caches(const real[:, :] a) noexcept nogil:
    """Whether a result is large and all its vectors are aligned."""
    return (a.shape[0] * a.shape[1] * REAL_BYTES >= STREAM_NORM_BYTES and a.shape[1] % VL == 0
            and (<Py_ssize_t>&a[0, 0] | a.strides[0]) % (VL * REAL_BYTES) == 0)


cdef inline const real *vector(const real[:] a) noexcept nogil:
    """The memory of a contiguous vector; NULL for None."""
    if a is None:
        return NULL
    return &a[0]


cdef inline const real *at(const real *p, Py_ssize_t i) noexcept nogil:
    """p + i, or NULL where the vector is absent."""
    if p == NULL:
        return NULL
    return p + i


include "rows_forward.pxi"
include "rows_backward.pxi"


def forward(const real[:, :] x, real[:, :] y, const real[:] w, const real[:] b, real[:] mean, real[:] invstd,
            double eps):
    """y = (x - mean) r w + b, with the statistics of each row, which are written to mean and invstd (r); w and b are
    contiguous, or None."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job, R = x.shape[0], K = x.shape[1], together = max(<Py_ssize_t>1, 16384 // K)  # rows of a job
    cdef Forward f = Forward(&x[0, 0], &y[0, 0], x.strides[0] // REAL_BYTES, y.strides[0] // REAL_BYTES, K, vector(w),
                             vector(b), &mean[0], &invstd[0], eps, past_caches(y) and &y[0, 0] != &x[0, 0])
    cdef int threads = threads_for(NORM_FORWARD_NS * R * K)
    share_out(&ranges, ceil_div(R, together), threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            rows_forward(&f, job * together, min((job + 1) * together, R))
            job = next_job(&ranges, thread)


def backward(const real[:, :] dy, const real[:, :] x, real[:, :] dx, const real[:] w, const real[:] mean,
             const real[:] invstd, real[:] dw, real[:] db):
    """dx (unless None), dw and db; w (or None), mean and invstd are contiguous. Rows are shared out, a few at a time so
    that they are still in the cache when their sums are known; where they are long, columns are, after the sums of all
    rows."""
    cdef Py_ssize_t R = x.shape[0], K = x.shape[1]
    cdef bint wide = K >= WIDE
    cdef Py_ssize_t together = max(max(ceil_div(R, 32), 16384 // K), <Py_ssize_t>ROWS)  # rows of a job
    cdef Backward f = Backward(&dy[0, 0], &x[0, 0], vector(w), NULL, dy.strides[0] // REAL_BYTES,
                               x.strides[0] // REAL_BYTES, 0, R, K, &mean[0], &invstd[0], NULL, False)
    cdef Jobs j = Jobs(wide, ceil_div(K, COLUMNS) if wide else ceil_div(R, together), together,
                       <Py_ssize_t>COLUMNS if wide else K, 0, NULL, NULL)
    if dx is not None:
        f.dx, f.dxs = &dx[0, 0], dx.strides[0] // REAL_BYTES
        f.stream = past_caches(dx) and f.dx != f.dy and f.dx != f.x
    j.padded = round_up(j.width, VL)
    j.parts = <double *>calloc(j.count * j.width, 2 * sizeof(double))
    j.sums = <real *>calloc(j.count * j.padded, 2 * REAL_BYTES)
    f.numbers = <Coefficients *>calloc(R, sizeof(Coefficients))
    try:
        if j.parts == NULL or j.sums == NULL or f.numbers == NULL:
            raise MemoryError(f"sums of {j.count} blocks of {j.width} values")
        run_jobs(&f, &j, threads_for(LAYER_NORM_BACKWARD_NS * R * K))
        join_parts(&j, dw, db)
    finally:
        free(j.parts)
        free(j.sums)
        free(f.numbers)
