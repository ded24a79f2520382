"""Convolution on plain NCHW planes, for networks with few channels: vectors along W, filters in rows.

    forward          y[n,k,i,j]  = b[k] + sum_{c,r,s} x[n, c, i sh - top + r dh, j sw - left + s dw] w[k,c,r,s]
    input gradient   dx = the full convolution of dy with the rotated kernel (Zhang 2016, eqs. 50, 51), by s x s phases
    weight gradient  dw[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, c, i sh - top + r dh, j sw - left + s dw]  (eqs. 39, 58)

An output row is cut into vectors, the last of which overlaps the one before it; a tile is up to MR filters times NV
vectors of one or more rows. Weights are read where they are. Where there is padding, a horizontal stride or a row
shorter than a vector, the rows of a job are first copied between zeros, columns of one phase side by side.
Sums run over channels, then taps: never in an order that depends on N, on the threads or on the place of a pixel.

The pieces, from the bottom: planar_rows (blocks of x and their copies), planar_tile (products of the forward pass),
planar_grid (its jobs), planar_spread and planar_input (input gradient), planar_sums (products of the weight gradient),
planar_weight (its jobs).
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.costs cimport PLANAR_PRODUCT, PLANAR_SPREAD_PRODUCT
from ..runtime.sizes cimport SIZE_LIMIT, ceil_div, plus, round_up, times
from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.vector cimport real
from .phases cimport Taps, all_taps, taps_of_phase
from .planar_vector cimport (
    PL, PREGISTERS, pactivated, pfirst, pkeep, plast, pload, pmask, psplat, pstore, psums, pzero, vp,
)
from .tile cimport MR, NR
from .view cimport View, view_of

include "planar_rows.pxi"
include "planar_tile.pxi"
include "planar_grid.pxi"
include "planar_input.pxi"
include "planar_spread.pxi"
include "planar_sums.pxi"
include "planar_weight.pxi"


def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
            Py_ssize_t groups, int activation=0):
    """y = f(conv2d(x, w) + b), f by its code; any strides, fast where the last axis of x and y has a unit stride."""
    cdef Grid g
    cdef View filters
    cdef int failed = 1
    cdef real *bias
    if y.shape[0] == 0:
        return
    with nogil:
        g.source.x = view_of(&x[0, 0, 0, 0], x.shape, x.strides)
        g.y = view_of(&y[0, 0, 0, 0], y.shape, y.strides)
        filters = view_of(&w[0, 0, 0, 0], w.shape, w.strides)
        g.source.h = axis_of(x.shape[2], y.shape[2], sh, all_taps(w.shape[2], dh, top))
        g.source.w = axis_of(x.shape[3], y.shape[3], sw, all_taps(w.shape[3], dw, left))
        g.source.groups, g.source.C = groups, w.shape[1]
        bias = bias_row(b, w.shape[0])
        set_filters(&g.filters, &filters, bias, groups)
        g.activation = activation
        if bias != NULL:
            failed = run_grid(&g)
        free(bias)
    if failed:
        raise MemoryError()


cdef void set_filters(Filters *f, const View *w, const real *b, Py_ssize_t groups) noexcept nogil:
    """The filters of the forward pass, read where they are."""
    f.K, f.w, f.b = w.N // groups, w.data, b
    f.group_step, f.k_step, f.c_step = f.K * w.n_step, w.n_step, w.c_step
    f.r_step, f.s_step = w.h_step, w.w_step


def backward_input(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw, Py_ssize_t top, Py_ssize_t left,
                   Py_ssize_t groups, int activation=0):
    """dx = conv2d's input gradient (+ b: the transposed convolution); any strides in memory."""
    cdef Gradient c
    cdef int failed = 1
    cdef real *bias
    if dx.shape[0] == 0:
        return
    with nogil:
        c.dy = view_of(&dy[0, 0, 0, 0], dy.shape, dy.strides)
        c.w = view_of(&w[0, 0, 0, 0], w.shape, w.strides)
        c.dx = view_of(&dx[0, 0, 0, 0], dx.shape, dx.strides)
        c.sh, c.sw, c.dh, c.dw, c.top, c.left, c.groups = sh, sw, dh, dw, top, left, groups
        bias = bias_row(b, dx.shape[1])
        c.b, c.activation = bias, activation
        if bias != NULL:
            failed = run_input(&c)
        free(bias)
    if failed:
        raise MemoryError()


def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dilation_h, Py_ssize_t dilation_w,
                    Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups):
    """dw = sum over positions of dy times the x under the tap; any strides in memory."""
    cdef Sums g
    cdef View result
    cdef int failed
    if dy.shape[0] == 0:
        dw[...] = 0
        return
    with nogil:
        g.source.x = view_of(&x[0, 0, 0, 0], x.shape, x.strides)
        g.dy = view_of(&dy[0, 0, 0, 0], dy.shape, dy.strides)
        result = view_of(&dw[0, 0, 0, 0], dw.shape, dw.strides)
        g.source.h = axis_of(x.shape[2], dy.shape[2], sh, all_taps(dw.shape[2], dilation_h, top))
        g.source.w = axis_of(x.shape[3], dy.shape[3], sw, all_taps(dw.shape[3], dilation_w, left))
        g.source.groups, g.source.C, g.tiles.K = groups, dw.shape[1], dw.shape[0] // groups
        failed = run_weight(&g, &result)
    if failed:
        raise MemoryError()
