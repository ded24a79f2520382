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
planar_weight (its jobs). One filter per channel: planar_depthwise (forward), planar_between and planar_woven (input
gradient of stride 2), planar_plane_sums (weight gradient); on small planes planar_small, planar_small_input and
planar_small_sums.
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.costs cimport (
    PLANAR_PRODUCT_NS, PLANAR_SPREAD_PRODUCT_NS, PLANE_TAP_NS, PLANE_WEIGHT_TAP_NS, SMALL_TAP_NS,
)
from ..runtime.sizes cimport SIZE_LIMIT, ceil_div, on_a_line, plus, round_up, times
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.vector cimport MAX_LANES, VL, real, vf, activated, vload, vsplat, vstore, vzero
from .bias_row cimport bias_row
from .phases cimport Taps, all_taps, last_tap_first, taps_of_phase
from ..simd.lanes cimport (
    PICKS, add_product, at_most_vector, evens, keep_lanes, lane_index, lane_mask, lanes, load_lanes, odds, picked,
    picked_of_one, store_lanes, vi_element, vload_index, with_lane, zip_high, zip_low,
)
from .planar_vector cimport (
    MOST_PIECES, PIECES, PL, PREGISTERS, pactivated, pfirst, pkeep, plast, pload, pload_pieces, pmask, psplat, pstore,
    pstore_pieces, psums, pzero, vp, vsums,
)
from .tile cimport MR, NR
from .view cimport View, view_of

include "window.pxi"
include "planar_rows.pxi"
include "planar_tile.pxi"
include "planar_depthwise.pxi"
include "planar_small.pxi"
include "planar_grid.pxi"
include "planar_input.pxi"
include "planar_small_input.pxi"
include "planar_between.pxi"
include "planar_woven.pxi"
include "planar_spread.pxi"
include "planar_plane_sums.pxi"
include "planar_small_sums.pxi"
include "planar_sums.pxi"
include "planar_weight.pxi"


def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            tuple window, int activation=0):
    """y = f(conv2d(x, w) + b), f by its code; any strides, fast where the last axis of x and y has a unit stride."""
    cdef Grid g
    cdef Window v
    cdef View filters
    cdef int failed = 1
    cdef real *bias
    if y.shape[0] == 0:
        return
    set_window(&v, window)
    with nogil:
        g.source.x = view_of(x)
        g.y = view_of(y)
        filters = view_of(w)
        g.source.h = axis_of(g.source.x.H, g.y.H, v.sh, all_taps(filters.H, v.dh, v.top))
        g.source.w = axis_of(g.source.x.W, g.y.W, v.sw, all_taps(filters.W, v.dw, v.left))
        g.source.groups, g.source.C = v.groups, filters.C
        bias = bias_row(b, filters.N, 1, 1)
        set_filters(&g.filters, &filters, bias, v.groups)
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
                   tuple window, int activation=0):
    """dx = conv2d's input gradient (+ b: the transposed convolution); any strides in memory."""
    cdef InputGradient c
    cdef int failed = 1
    cdef real *bias
    if dx.shape[0] == 0:
        return
    set_window(&c.window, window)
    with nogil:
        c.dy = view_of(dy)
        c.w = view_of(w)
        c.dx = view_of(dx)
        bias = bias_row(b, c.dx.C, 1, 1)
        c.b, c.activation = bias, activation
        if bias != NULL:
            failed = run_input(&c)
        free(bias)
    if failed:
        raise MemoryError()


def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    tuple window):
    """dw = sum over positions of dy times the x under the tap; any strides in memory."""
    cdef Sums g
    cdef Window v
    cdef View result
    cdef int failed
    if dy.shape[0] == 0:
        dw[...] = 0
        return
    set_window(&v, window)
    with nogil:
        g.source.x = view_of(x)
        g.dy = view_of(dy)
        result = view_of(dw)
        g.source.h = axis_of(g.source.x.H, g.dy.H, v.sh, all_taps(result.H, v.dh, v.top))
        g.source.w = axis_of(g.source.x.W, g.dy.W, v.sw, all_taps(result.W, v.dw, v.left))
        g.source.groups, g.source.C, g.tiles.K = v.groups, result.C, result.N // v.groups
        failed = run_weight(&g, &result)
    if failed:
        raise MemoryError()
