"""Batch and group norm over pixels: x[N, P, C], C with unit stride (channels-last memory); batch norm has N = 1.

With z = (x - mean) r and r = 1 / sqrt(var + eps), mean and var over a set (a group of channels of a sample):

    forward    u = w z + b + residual,  y = f(u)
               = f((x - center) scale + shift + residual)                     numbers of each sample and channel
    backward   du = dy where f let u through, else 0;  dresidual = du,  db = sum du,  dw = sum du z
               g = w du,  dx = r (g - mean(g) - z mean(g z))
               = du scale + (x - center) slope + offset                       derived in affine.pxd

Ioffe and Szegedy 2015 (batch norm), Wu and He 2018 (group norm).

Both directions are two passes: pixels_moments.pxi and pixels_scale.pxi forward, pixels_products.pxi and
pixels_slope.pxi backward. The pixels of a sample are cut into blocks, whose sums join in their order. A group of pixels
is walked through column by column, a column being a few vectors of channels, whose numbers and sums stay in registers.
"""
from cython.parallel cimport prange
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from fastconv.kernels.runtime.caches cimport STREAM_NORM_BYTES
from fastconv.kernels.runtime.costs cimport NORM_BACKWARD_NS, NORM_FORWARD_NS
from fastconv.kernels.runtime.sizes cimport ceil_div, round_up
from fastconv.kernels.runtime.threads cimport record_section, threads_for
from .affine cimport Set, gate_of, gated, offset_of, scale_of, scaled, shift_of, slope_of, sloped
from .moments cimport Moments, far_sums, finite, join
from .statistics cimport Statistics, Table, number, saved_set, set_of, statistics_of, vector_of
from .vectors cimport vread, vread_over, vwrite
from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.vector cimport REAL_BYTES, VL, activated, real, vf, vfence, vfma, vload, vstore, vstream, vzero

include "pixels_shape.pxi"
include "pixels_moments.pxi"
include "pixels_scale.pxi"
include "pixels_products.pxi"
include "pixels_slope.pxi"


def forward(const real[:, :, :] x, real[:, :, :] y, const real[:, :, :] residual, const real[:] w, const real[:] b,
            saved, running, double eps, bint training, int activation, bint exact):
    """y = activation((x - mean) r w + b + residual); residual may be None. y None: the statistics alone.

    saved: None or (mean[N, G], low[N, G] or None, invstd[N, G]) for G groups of channels; None: each channel is one.
    running: None or (mean[C], var[C], momentum).
    training: the statistics of each sample and group, which update the running ones. Otherwise the running statistics;
    if `running` is None, the saved ones. What was used is written to `saved`.
    low: the rounding error of mean; exact=False ignores it.
    """
    cdef Shape h = shape_of(x.shape[0], x.shape[1], x.shape[2], x.shape[2] if saved is None else saved[0].shape[1])
    cdef Py_ssize_t jobs = h.N * h.blocks, measured = jobs if training else 0
    cdef int threads = threads_for(NORM_FORWARD_NS * h.N * h.P * h.C)
    cdef Statistics t = statistics_of(saved, running)
    cdef Table tw = vector_of(w), tb = vector_of(b)
    cdef double *parts = <double *>calloc((measured + 1) * h.C, 2 * sizeof(double))
    cdef real *numbers = <real *>calloc((h.N * FORWARD_ROWS + measured * MOMENT_ROWS) * h.padded, REAL_BYTES)
    cdef Forward f = Forward(pixels_of(x), pixels_of(y), pixels_of(residual), h, numbers,
                             numbers + h.N * FORWARD_ROWS * h.padded, parts, activation, False)
    if parts == NULL or numbers == NULL:
        free(parts)
        free(numbers)
        raise MemoryError(f"sums of {jobs} blocks of {h.C} channels")
    t.eps, t.training, t.exact = eps, training, exact
    f.stream = past_caches(&f.y, &h) and f.y.base != f.x.base and f.y.base != f.residual.base
    if training:
        share_blocks(block_moments, &f, jobs, threads, False)
    all_sets(&f, &t, &tw, &tb, parts + 2 * measured * h.C)
    if y is not None:
        share_blocks(block_scale, &f, jobs, threads, True)
    free(parts)
    free(numbers)


def backward(const real[:, :, :] dy, const real[:, :, :] x, const real[:, :, :] y, real[:, :, :] dx,
             real[:, :, :] du, const real[:] w, const real[:] b, saved, real[:] dw, real[:] db, bint training,
             int activation):
    """dw, db and, unless they are None, dx and du (the gradient of the residual).

    y: the result of `forward`, from which the mask of its activation is read; None: the mask is made again from x.
    saved: (mean, low or None, invstd) of `forward`. training: whether they are the statistics of x.
    """
    cdef Shape h = shape_of(x.shape[0], x.shape[1], x.shape[2], saved[0].shape[1])
    cdef Py_ssize_t c, jobs = h.N * h.blocks
    cdef int threads = threads_for(NORM_BACKWARD_NS * h.N * h.P * h.C)
    cdef Statistics t = statistics_of(saved, None)
    cdef Table tw = vector_of(w), tb = vector_of(b)
    cdef double *parts = <double *>calloc((jobs + 2) * h.C, 2 * sizeof(double))
    cdef double *total = parts + 2 * jobs * h.C
    cdef real *numbers = <real *>calloc((h.N * BACKWARD_ROWS + jobs * SUM_ROWS) * h.padded, REAL_BYTES)
    cdef Backward f = Backward(pixels_of(dy), pixels_of(x), pixels_of(y), pixels_of(dx), pixels_of(du), h, numbers,
                               numbers + h.N * BACKWARD_ROWS * h.padded, parts, gate_of(activation, y is not None),
                               False)
    if parts == NULL or numbers == NULL:
        free(parts)
        free(numbers)
        raise MemoryError(f"sums of {jobs} blocks of {h.C} channels")
    t.training = training
    if activation == 0 and f.du.base == f.dy.base:
        f.du.base = NULL  # du = dy is there already
    f.stream = (f.dx.base != NULL and past_caches(&f.dx, &h) and f.dx.base != f.dy.base and f.dx.base != f.x.base
                and f.dx.base != f.y.base)
    all_forward_numbers(&f, &t, &tw, &tb)
    share_blocks(block_products, &f, jobs, threads, False)
    all_slopes(&f, &t, &tw, total)
    for c in range(h.C):
        db[c] = <real>total[2 * h.C + c]
        dw[c] = <real>total[3 * h.C + c]
    if dx is not None:
        share_blocks(block_slope, &f, jobs, threads, True)
    free(parts)
    free(numbers)
