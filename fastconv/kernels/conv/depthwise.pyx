"""Depth-wise convolution, m filters per channel (groups = C, K = m C), vectors along channels.

    forward          y[n,k,i,j]  = b[k] + sum_{r,s} x[n, k // m, i sh - top + r dh, j sw - left + s dw] w[k,0,r,s]
    input gradient   dx[n,c,i,j] = sum over filters k of channel c and taps (r,s) that reach (i,j) of dy w[k,0,r,s]
    weight gradient  dw[k,0,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, k // m, i sh - top + r dh, j sw - left + s dw]

Fast where C is the axis of unit stride and m is 1: of 3 x 3 taps, and 5 x 5 of stride 2, one vector of channels walks
along a row, pixel by pixel; else a tile is TILE neighbouring pixels of a row times one vector of channels. The last
vector overlaps the one before it. Otherwise the rows of x are first copied, each channel m times and at least a whole
vector of them, and rows of the result are computed beside it. The input gradient of a stride s
runs over s x s phases, each a stride-1 sum. Sums run over taps, in an order that never depends on N or the threads.

The pieces, from the bottom: depthwise_channels (vectors of lanes), depthwise_pixels, depthwise_between and
depthwise_walk (products of the forward pass and the input gradient), depthwise_packing (weights), depthwise_grid
(jobs), depthwise_sums (products of the weight gradient), depthwise_weight (its jobs).
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.caches cimport FAR_DEPTHWISE_REALS, FAR_DEPTHWISE_ROWS_REALS
from ..runtime.costs cimport DEPTHWISE_TAP_NS, DEPTHWISE_WEIGHT_TAP_NS
from ..runtime.sizes cimport ceil_div, on_a_line, plus, round_up, times
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.transpose cimport square_part
from ..simd.vector cimport VL, real, vf, activated, activated_one, vload, vprefetch, vstore, vzero
from .phases cimport Taps, all_taps, last_tap_first, taps_of_phase
from .view cimport View, view_of

include "window.pxi"
include "depthwise_channels.pxi"
include "depthwise_pixels.pxi"
include "depthwise_between.pxi"
include "depthwise_walk.pxi"
include "depthwise_packing.pxi"
include "depthwise_grid.pxi"
include "depthwise_sums.pxi"
include "depthwise_weight.pxi"


def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            tuple window, int activation=0, const real[:] packed=None):
    """y = f(conv2d(x, w) + b), f by its code, groups = C; any strides, fast where x, y are channels-last and K = C.

    `packed` are the weights that `pack_forward` made of w."""
    cdef Grid g
    cdef Phase f
    cdef Window v
    cdef View weights
    cdef int failed
    if y.shape[0] == 0:
        return
    set_window(&v, window)
    with nogil:
        g.x = view_of(x)
        g.y = view_of(y)
        weights = view_of(w)
        g.mh, g.mw, g.sh, g.sw = v.sh, v.sw, 1, 1
        g.K, g.mx, g.my, g.activation = weights.N, weights.N // v.groups, 1, activation
        g.copied, g.beside = g.mx > 1 or g.K < VL or g.x.c_step != 1, g.K < VL or g.y.c_step != 1
        g.phases = &f
        f.h, f.w = all_taps(weights.H, v.dh, v.top), all_taps(weights.W, v.dw, v.left)
        f.j0, f.GW = 0, g.y.W
        failed = run_packed(&g, &weights, b, &packed[0] if packed is not None else NULL)
    if failed:
        raise MemoryError()


def pack_forward(const real[:, :, :, :] w, real[:] packed):
    """Pack the weights for `forward`; with None, only the number of reals that they take is returned."""
    cdef Channels c
    cdef View v = view_of(w)
    cdef Py_ssize_t t
    c.lanes = max(v.N, <Py_ssize_t>VL)
    cut_channels(&c, NULL, True)
    if packed is not None:
        memset(&packed[0], 0, packed.shape[0] * sizeof(real))
        for t in range(v.H * v.W):
            pack_row(&c, v.data + t // v.W * v.h_step + t % v.W * v.w_step, v.n_step, v.N, &packed[0] + t * c.width)
    return v.H * v.W * c.width


def backward_input(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   tuple window, int activation=0):
    """dx = conv2d's input gradient (+ b: the transposed convolution), groups = C; any strides in memory."""
    cdef Grid g
    cdef Window v
    cdef View weights
    cdef Py_ssize_t i, j
    cdef int failed = 1
    if dx.shape[0] == 0:
        return
    set_window(&v, window)
    with nogil:
        g.x = view_of(dy)
        g.y = view_of(dx)
        weights = view_of(w)
        g.mh, g.mw, g.sh, g.sw = 1, 1, min(v.sh, g.y.H), min(v.sw, g.y.W)
        g.K, g.mx, g.my, g.activation = weights.N, 1, weights.N // v.groups, activation
        g.copied, g.beside = g.K < VL or g.x.c_step != 1, g.my > 1 or g.K < VL or g.y.c_step != 1
        g.phases = <Phase *>malloc(g.sh * g.sw * sizeof(Phase))
        if g.phases != NULL:
            for i in range(g.sh):
                for j in range(g.sw):
                    g.phases[i * g.sw + j] = input_phase(taps_of_phase(i + v.top, v.sh, v.dh, weights.H),
                                                         taps_of_phase(j + v.left, v.sw, v.dw, weights.W),
                                                         j, ceil_div(g.y.W - j, v.sw))
            failed = run_packed(&g, &weights, b, NULL)
            free(g.phases)
    if failed:
        raise MemoryError()


cdef Phase input_phase(Taps h, Taps w, Py_ssize_t j0, Py_ssize_t GW) noexcept nogil:
    """One phase of the input gradient, last tap first; without a tap along one axis no tap (r, s) reaches it."""
    cdef Phase f
    f.h, f.w, f.j0, f.GW = last_tap_first(h), last_tap_first(w), j0, GW
    f.h.source_step = max(<Py_ssize_t>1, f.h.source_step)
    f.w.source_step = max(<Py_ssize_t>1, f.w.source_step)
    if f.h.count == 0 or f.w.count == 0:
        f.h.count, f.w.count = 0, 0
    return f


def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    tuple window):
    """dw = sum over pixels of dy times the x under the tap, groups = C; any strides in memory."""
    cdef Sums g
    cdef Window v
    cdef View result
    cdef int failed
    if dy.shape[0] == 0:
        dw[...] = 0
        return
    set_window(&v, window)
    with nogil:
        g.grid.x = view_of(x)
        g.grid.y = view_of(dy)
        result = view_of(dw)
        g.grid.mh, g.grid.mw, g.grid.sh, g.grid.sw = v.sh, v.sw, 1, 1
        g.grid.K, g.grid.mx, g.grid.my = result.N, result.N // v.groups, 1
        g.phase.h, g.phase.w = all_taps(result.H, v.dh, v.top), all_taps(result.W, v.dw, v.left)
        g.phase.j0, g.phase.GW = 0, g.grid.y.W
        failed = run_weight(&g, &result)
    if failed:
        raise MemoryError()
