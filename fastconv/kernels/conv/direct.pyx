"""Direct convolution on channels-last memory, without an im2col buffer.

    forward          y[n,k,i,j]  = b[k] + sum_{c,r,s} x[n, c, i sh - top + r dh, j sw - left + s dw] w[k,c,r,s],
                     then + a residual of y's shape and an activation (Zhang 2016, eqs. 7, 8, whose kernel is rotated)
    input gradient   dx[n,c,i,j] = sum over the taps (r,s) that reach (i,j) of dy w[k,c,r,s]: the full convolution with
                     the rotated kernel (Zhang 2016, eqs. 50, 51); a stride s gives s x s phases, each of stride 1
    weight gradient  dw[k,c,r,s] = sum_{n,i,j} dy[n,k,i,j] x[n, c, i sh - top + r dh, j sw - left + s dw]
                     (Zhang 2016, eqs. 39, 58)

The first two are one loop: a grid of output pixels, a list of taps, and a table with the address of the input pixel
under each tap (a row of zeros where that is padding). Sums run over taps, then channels, in an order that depends on
the shape of w only: never on N, on the threads or on the place of a pixel. The third sums over pixels, in parts that
depend on the shapes alone and are added in order.
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from fastconv.kernels.runtime.threads cimport threads_for
from .view cimport View, view_of
from .padded_rows cimport merges, pad_row
from ..runtime.caches cimport STREAM_CONV_REALS
from ..runtime.costs cimport (
    DIRECT_ADD_NS, DIRECT_PACK_NS, DIRECT_PAD_NS, DIRECT_PRODUCT_NS, POINTWISE_PRODUCT_NS, POINTWISE_WEIGHT_NS,
    WEIGHT_READ_PER_NS,
)
from ..runtime.sizes cimport ceil_div, on_a_line, plus, round_up, times
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..simd.partial cimport vread, vwrite
from ..simd.transpose cimport square, square_part, vtranspose
from ..simd.vector cimport (
    LINE, REAL_BYTES, VL, activated, real, vf, vfence, vload, vprefetch, vsplat, vstore, vzero,
)
from ..simd.weave cimport weave
from .bias_row cimport bias_row, is_bias_row
from .phases cimport Taps, all_taps, last_tap_first, phase_under, taps_of_phase
from .tile cimport MR, NR, Runs, Terms, add_row, in_register, tile, tile_tn

include "window.pxi"
include "direct_grid.pxi"
include "direct_job.pxi"
include "direct_rows.pxi"
include "direct_store.pxi"
include "direct_pack.pxi"
include "direct_run.pxi"
include "direct_input.pxi"
include "direct_cells.pxi"
include "direct_spread.pxi"
include "direct_weight.pxi"
include "direct_weight_runs.pxi"
include "direct_weight_blocks.pxi"
include "direct_weight_parts.pxi"
include "direct_planes.pxi"
include "direct_planes_pack.pxi"
include "direct_planes_weight.pxi"


cdef inline const real *first_of(const real[:] packed) noexcept nogil:
    """Where packed weights begin; NULL for None."""
    return NULL if packed is None else &packed[0]


# ---------------------------------------------------------------- forward

def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            tuple window, int activation=0, bint narrow=True, const real[:] packed=None,
            const real[:, :, :, :] r=None):
    """y = f(conv2d(x, w) + b + r), f by its code; x, y and r channels-last, r perhaps y itself, w any strides.

    b and r may be None; of a packed w only the shape is read.
    """
    cdef int failed = 1
    cdef Grid g
    cdef Filters f
    cdef Window v
    cdef View weight = view_of(w)
    if y.shape[0] == 0:
        return
    set_window(&v, window)
    with nogil:
        if forward_taps(&weight, &v, &g, &f):
            g.x, g.y, g.r, g.activation = view_of(x), view_of(y), view_of(r), activation
            g.GH, g.GW = g.y.H, g.y.W
            failed = run_packed(&g, &f, first_of(packed), b, weight.W if v.dw == 1 and narrow else 1)
        free(f.offsets)
    if failed:
        raise MemoryError()


def pack_forward(const real[:, :, :, :] w, real[:] packed, Py_ssize_t groups):
    """The packed weights of `forward`, in packed_size(w.shape, groups) reals."""
    cdef Grid g
    cdef Filters f
    cdef Window v = Window(1, 1, 1, 1, 0, 0, groups)
    cdef View weight = view_of(w)
    if not forward_taps(&weight, &v, &g, &f):
        raise MemoryError()
    with nogil:
        pack(&g, &f, &packed[0])
        free(f.offsets)


def packed_size(Py_ssize_t K, Py_ssize_t C, Py_ssize_t kh, Py_ssize_t kw, Py_ssize_t groups):
    """Reals in the packed form of a weight with K outputs of C inputs each (per group), forward or backward."""
    return groups * round_up(K, VL) * C * kh * kw


def reads_planar(Py_ssize_t groups, Py_ssize_t C, Py_ssize_t kw, Py_ssize_t dw):
    """Whether forward and backward_weight take an x of any layout: they copy it, padded, anyway."""
    return merges(groups, C // groups, kw if dw == 1 else 1)


cdef bint forward_taps(const View *w, const Window *v, Grid *g, Filters *f) noexcept nogil:
    """Taps, channels and weights of the grid; False if memory ran out. f.offsets is to be freed."""
    cdef Taps rows = all_taps(w.H, v.dh, v.top), columns = all_taps(w.W, v.dw, v.left)
    g.step_h, g.step_w = v.sh, v.sw
    g.groups, g.C, g.K = v.groups, w.C, w.N // v.groups
    g.cell = Cell(0, 0, 0)
    f[0] = Filters(w.data, w.n_step, w.c_step, w.n_step * g.K, tap_table(w))
    if f.offsets == NULL:
        return False
    list_taps(g, f, w, &rows, &columns)
    return True


# ---------------------------------------------------------------- input gradient

def backward_input(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   tuple window, int activation=0, bint narrow=True, const real[:] packed=None,
                   const real[:, :, :, :] r=None):
    """dx = conv2d's input gradient + r (with b and an activation: the transposed convolution); dy, dx and r
    channels-last (without r any, where it `spreads`), r perhaps dx itself, b and r perhaps None."""
    cdef int failed
    cdef InputGradient d
    if dx.shape[0] == 0:
        return
    set_window(&d.window, window)
    with nogil:
        d.dy, d.dx, d.w, d.r = view_of(dy), view_of(dx), view_of(w), view_of(r)
        d.narrow, d.activation, d.packed = narrow, activation, first_of(packed)
        if packed is None and r is None and narrow and spread_pays(&d.window, d.w.N, d.w.C, d.w.H * d.w.W):
            failed = run_spread(&d, b)
        elif packed is None and r is None and in_cells(&d):
            failed = run_cells(&d, b)
        else:
            failed = run_phases(&d, b)
    if failed:
        raise MemoryError()


def spreads(tuple window, Py_ssize_t K, Py_ssize_t C, Py_ssize_t taps):
    """Whether backward_input takes a dy and a dx of any layout, given a weight that is not packed and no r."""
    cdef Window v
    set_window(&v, window)
    return spread_pays(&v, K, C, taps)


def pack_input(const real[:, :, :, :] w, real[:] packed, Py_ssize_t sh, Py_ssize_t sw, Py_ssize_t dh, Py_ssize_t dw,
               Py_ssize_t top, Py_ssize_t left, Py_ssize_t groups):
    """The packed weights of `backward_input`, phase after phase."""
    cdef int failed
    cdef InputGradient d
    with nogil:
        d.w, d.window = view_of(w), Window(sh, sw, dh, dw, top, left, groups)
        failed = pack_phases(&d, &packed[0])
    if failed:
        raise MemoryError()


# ---------------------------------------------------------------- weight gradient

def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    tuple window, bint narrow=True):
    """dw = sum over pixels of dy times the x under the tap; dw any strides.

    dy and x channels-last; of few channels any strides, fast where dy is planar.
    """
    cdef Sums g
    cdef View result
    cdef int failed = 0
    if dy.shape[0] == 0:
        dw[...] = 0
        return
    set_window(&g.window, window)
    with nogil:
        result = view_of(dw)
        g.x, g.dy, g.groups = view_of(x), view_of(dy), g.window.groups
        g.kh, g.kw, g.C, g.K = result.H, result.W, result.C, result.N // g.groups
        join_rows(&g)
        cut_sums(&g, merges(g.groups, g.C, g.kw if g.window.dw == 1 and narrow else 1))
        g.parts.sums = <real *>malloc(times(g.parts.count * g.parts.size, sizeof(real)))
        failed = g.parts.sums == NULL
        if not failed:
            failed = sum_parts(&g)
        if not failed:
            add_parts(&g, &result)
        free(g.parts.sums)
    if failed:
        raise MemoryError()


# ---------------------------------------------------------------- 1 x 1 kernels on planes

def forward_planes(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
                   tuple window, int activation=0):
    """`forward` of a 1 x 1 kernel without padding, with the same bits, any strides; fast on planar memory."""
    cdef Planes g
    cdef Window v
    cdef View weight = view_of(w)
    cdef int failed
    if y.shape[0] == 0:
        return
    set_window(&v, window)
    with nogil:
        g.x, g.y, g.activation = view_of(x), view_of(y), activation
        g.x.h_step, g.x.w_step = g.x.h_step * v.sh, g.x.w_step * v.sw
        g.groups, g.C, g.K = v.groups, weight.C, weight.N // v.groups
        g.w = Rows(weight.data, g.K * weight.n_step, weight.n_step, weight.c_step)
        failed = run_planes(&g, b)
    if failed:
        raise MemoryError()


def backward_input_planes(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b,
                          real[:, :, :, :] dx, tuple window, int activation=0):
    """`backward_input` of a 1 x 1 kernel of stride 1 without padding, with the same bits, any strides."""
    cdef Planes g
    cdef Window v
    cdef View weight = view_of(w)
    cdef int failed
    if dx.shape[0] == 0:
        return
    set_window(&v, window)
    with nogil:
        g.x, g.y, g.activation = view_of(dy), view_of(dx), activation
        g.groups, g.C, g.K = v.groups, weight.N // v.groups, weight.C
        g.w = Rows(weight.data, g.C * weight.n_step, weight.c_step, weight.n_step)
        failed = run_planes(&g, b)
    if failed:
        raise MemoryError()


def backward_weight_planes(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw, tuple window):
    """`backward_weight` of a 1 x 1 kernel without padding, given the pixels of x that it reads.

    Planes of dy, and of x where it has more channels, are one run of memory.
    """
    cdef PlaneSums g
    cdef Window v
    cdef View result = view_of(dw)
    cdef int failed
    if dy.shape[0] == 0:
        dw[...] = 0
        return
    set_window(&v, window)
    with nogil:
        g.groups = v.groups
        failed = run_plane_sums(&g, view_of(dy), view_of(x), &result)
    if failed:
        raise MemoryError()
