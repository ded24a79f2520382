"""Batch and group norm over planes: x[A, B, K, P], P with unit stride; a set (a, b) of K planes shares its mean.

Batch norm: sets are channels, planes are samples. Group norm: sets are (sample, group), planes are channels.
With z = (x - mean) r and r = 1 / sqrt(var + eps), mean and var over a set:

    forward    u = w z + b + residual,  y = f(u)
               = f((x - center) scale + shift + residual)
    backward   du = dy where f let u through, else 0;  dresidual = du,  db = sum du,  dw = sum du z
               g = w du,  dx = r (g - mean(g) - z mean(g z))
               = du scale + (x - center) slope + offset                       derived in affine.pxd

Ioffe and Szegedy 2015 (batch norm), Wu and He 2018 (group norm).

A set is read for its sums and read again for the result while it is still in the cache, if it can be, together with the
sums of the next set.
"""
from cython.parallel cimport prange
from libc.stdlib cimport calloc, free, malloc
from fastconv.kernels.runtime.caches cimport STREAM_NORM_BYTES
from fastconv.kernels.runtime.costs cimport NORM_BACKWARD_NS, NORM_FORWARD_NS
from fastconv.kernels.runtime.sizes cimport ceil_div
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from .affine cimport (
    Coefficients, ScaleRun, Set, gate_of, gated, offset_of, scale_of, scale_vector, shift_of, slope_of, sloped,
)
from .moments cimport RUN, SIDE_BY_SIDE, Beside, Moments, moments, moments_beside
from .statistics cimport Statistics, Table, number, saved_set, set_of, statistics_of, table_of
from .vectors cimport vread, vread_over, vsum, vwrite
from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.vector cimport REAL_BYTES, VL, real, vf, vfence, vfma, vsplat, vstream, vzero

include "planes_forward.pxi"
include "planes_backward.pxi"


def forward(const real[:, :, :, :] x, real[:, :, :, :] y, const real[:, :, :, :] residual, const real[:, :] w,
            const real[:, :] b, saved, running, double eps, bint training, int activation, bint exact):
    """y = activation((x - mean) r w[b, k] + b[b, k] + residual); residual may be None. y None: the statistics alone.

    saved: None or (mean[A, B], low[A, B] or None, invstd[A, B]); running: None or (mean[B], var[B], momentum).
    training: the statistics of each set, which update the running ones. Otherwise (A = 1, and w and b are the same for
    every plane of a set) the running statistics; if `running` is None, the saved ones. What was used is written to
    `saved`. low: the rounding error of mean; exact=False ignores it.
    """
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t sets = x.shape[0] * x.shape[1], K = x.shape[2], P = x.shape[3]
    cdef int threads = threads_for(NORM_FORWARD_NS * sets * K * P)
    cdef Forward f = Forward(planes_of(x), planes_of(y), planes_of(residual), table_of(w), table_of(b), x.shape[1], K,
                             P, activation, False)
    cdef Statistics t = statistics_of(saved, running)
    t.eps, t.training = eps, training
    t.exact = exact and training  # a running mean is a real: nothing was rounded
    f.stream = past_caches(&f.y, sets * K, P) and f.y.base != f.x.base and f.y.base != f.residual.base
    if not training:
        scale_known(&f, &t, threads)
        return
    share_out(&ranges, sets, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        sets_in_turn(&f, &t, &ranges, thread)


def backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, const real[:, :, :, :] y, real[:, :, :, :] dx,
             real[:, :, :, :] du, const real[:, :] w, const real[:, :] b, saved, real[:] dw, real[:] db, bint training,
             int activation):
    """dw, db (one for each set, if their length is B, or one for each plane of B K) and, unless they are None, dx and
    du (the gradient of the residual).

    y: the result of `forward`, from which the mask of its activation is read; None: the mask is made again from x.
    saved: (mean, low or None, invstd) of `forward`. training: whether they are the statistics of x.
    """
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job, A = x.shape[0], B = x.shape[1], K = x.shape[2], P = x.shape[3]
    cdef int threads = threads_for(NORM_BACKWARD_NS * A * B * K * P)
    cdef bint apart = not (dw.shape[0] == B and A == 1)
    cdef Py_ssize_t each = K if apart else 1
    cdef Backward f = Backward(planes_of(dy), planes_of(x), planes_of(y), planes_of(dx), planes_of(du), table_of(w),
                               table_of(b), B, K, P, gate_of(activation, y is not None), False, apart)
    cdef Statistics t = statistics_of(saved, None)
    cdef double *sums = <double *>calloc(A * B * each + 1, 2 * sizeof(double))
    if sums == NULL:
        raise MemoryError(f"sums of {A * B * each} planes")
    t.training = training
    if activation == 0 and f.du.base == f.dy.base:
        f.du.base = NULL  # du = dy is there already
    f.stream = (f.dx.base != NULL and past_caches(&f.dx, A * B * K, P) and f.dx.base != f.dy.base
                and f.dx.base != f.x.base and f.dx.base != f.y.base)
    share_out(&ranges, A * B, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            set_backward(&f, &t, job, sums + 2 * job * each)
            job = next_job(&ranges, thread)
    join_sums(sums, A, B * each, dw, db)
    free(sums)
