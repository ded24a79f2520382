"""Winograd's convolution on channels-last memory: F(5x5, 2x2), F(4x4, 3x3) and F(2x2, 5x5), stride 1.

    forward          y  = At [sum_c (G w Gt) * (Bt x B)] A + b     on each patch of 6 x 6 inputs
    input gradient   the same with the rotated kernel, K and C swapped (Zhang 2016, eqs. 50, 51)
    weight gradient  dw = Gt [sum over patches of (Bt x B) * (A dy At)] G

Winograd 1980 (Arithmetic Complexity of Computations) gives the algorithm in one dimension, with the fewest products:
its matrices are in winograd_1d.pxd. Lavin and Gray 2016 (Fast Algorithms for Convolutional Neural Networks, CVPR) nest
it in two dimensions, sum over channels before the transform back, and so turn the sums into products of matrices: for
each of the 36 frequencies, which are the elements of a transformed patch, M[f] = V[f] U[f] is patches x K, the product
of the transformed inputs V[f], patches x C, and the transformed filters U[f], C x K.

Packed filters may also be made for F(2x2, 3x3), with patches of 4 x 4 inputs and 16 frequencies: less than half as many
bytes, which is faster where few patches use each filter.

Kernel 2s, stride s: space-to-depth turns it into a convolution of 2 x 2 taps and stride 1 with s * s * C channels. A
cell of s x s pixels is read as one pixel, whose channels are the pairs (phase, c): the phase is the place of a pixel in
its cell. Nothing is copied: only reading x, writing dx and the offsets of the taps differ. C must be a multiple of
STRIP, so that neither a vector nor a strip mixes two phases.

How the work is cut (winograd_filters.pxi): K into banks, C into chunks, so that one frequency of a bank and chunk stays
in the first cache. The cut depends on C and K alone. So the bits of a result do not depend on N, on the threads or on
the place of a patch, and the bits of a weight gradient do not depend on the threads. Sums of sums round less than one
long sum.

    bank    up to LANES output channels; a panel is as many of them as the micro-kernel takes, NR vectors
    chunk   about CHUNK input channels; a strip is STRIP of them, whose filters are transformed together
    job     what one thread does at a time: up to JOB_PATCHES patches, or one bank
    round   the patches whose transforms a weight gradient holds at once (winograd_gradient.pxi)

A NaN of x reaches the whole patch.
"""

from ..runtime.sizes cimport ceil_div, on_a_line, times
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..simd.vector cimport LINE, real

cdef enum:
    SIDE = 6                # inputs along a side of a patch, unless it is a small one
    FREQUENCIES = 36        # SIDE * SIDE
    OUTPUTS = 25            # outputs of a patch, at most
    CHUNK = 64
    LANES = 64
    STRIP = 16
    JOB_PATCHES = 24
    SHARED_PATCHES = 128    # up to so many patches may be transformed once and shared by all banks

cdef real zeros[LANES]


cdef Py_ssize_t odd_lines(Py_ssize_t n) noexcept nogil:
    """n reals rounded up to an odd number of cache lines: 36 streams at this distance share no cache set."""
    return (ceil_div(n, LINE) | 1) * LINE


cdef void *allocate(Py_ssize_t reals) noexcept nogil:
    """Memory for so many reals, from a cache line on; to be freed. NULL if there is none."""
    return on_a_line(times(reals, sizeof(real)))


include "window.pxi"
include "winograd_filters.pxi"
include "winograd_taps.pxi"
include "winograd_patches.pxi"
include "winograd_products.pxi"
include "winograd_forward.pxi"
include "winograd_sums.pxi"
include "winograd_gradient.pxi"


def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            tuple window, int activation=0, const real[:, :, :, :] r=None):
    """y = f(conv2d(x, w) + b + r), f by its code; x, y and r channels-last, r perhaps y itself, b and r perhaps None.

    w is of any strides: 2x2, 3x3 or 5x5 with stride s = 1, or 2s x 2s.
    """
    cdef Plan g
    if y.shape[0] == 0:
        return
    set_forward(&g.p, x, y, window)
    convolve(&g, w, None, b, r, w.shape[2], activation, False)


def backward_input(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   tuple window, int activation=0, const real[:, :, :, :] r=None):
    """dx = the input gradient (+ b) of forward with this window; for a stride > 1 every pixel of dx is read.

    For stride 1 + r, perhaps dx itself.
    """
    cdef Plan g
    if dx.shape[0] == 0:
        return
    set_backward(&g.p, dy, dx, w.shape[2], window)
    convolve(&g, w, None, b, r, w.shape[2], activation, True)


def forward_packed(const real[:, :, :, :] x, const real[:] packed, const real[:] b, real[:, :, :, :] y,
                   tuple window, int activation, Py_ssize_t kernel, Py_ssize_t side=SIDE,
                   const real[:, :, :, :] r=None):
    """forward with what `pack` made, for patches of this side, of a kernel x kernel weight."""
    cdef Plan g
    if y.shape[0] == 0:
        return
    set_forward(&g.p, x, y, window)
    convolve(&g, None, packed, b, r, kernel, activation, False, side)


def backward_input_packed(const real[:, :, :, :] dy, const real[:] packed, const real[:] b, real[:, :, :, :] dx,
                          tuple window, int activation, Py_ssize_t kernel, Py_ssize_t side=SIDE,
                          const real[:, :, :, :] r=None):
    """backward_input with what `pack_rotated` made, for patches of this side, of a kernel x kernel weight."""
    cdef Plan g
    if dx.shape[0] == 0:
        return
    set_backward(&g.p, dy, dx, kernel, window)
    convolve(&g, None, packed, b, r, kernel, activation, True, side)


cdef int set_forward(Patches *p, const real[:, :, :, :] x, const real[:, :, :, :] y, tuple window) except -1:
    """The convolution from x to y; its stride is the side of a cell of x."""
    cdef Window v
    set_window(&v, window)
    set_input(p, x, v.sh, v.top, v.left)
    set_output(p, y, 1, 0, 0)
    return 0


cdef int set_backward(Patches *p, const real[:, :, :, :] dy, real[:, :, :, :] dx, Py_ssize_t kernel,
                      tuple window) except -1:
    """The input gradient as a convolution from dy to dx; whole cells of dx's padding move the window on dy."""
    cdef Window v
    set_window(&v, window)
    set_input(p, dy, 1, kernel // v.sh - 1 - v.top // v.sh, kernel // v.sh - 1 - v.left // v.sh)
    set_output(p, dx, v.sh, v.top % v.sh, v.left % v.sh)
    return 0


cdef int convolve(Plan *g, const real[:, :, :, :] w, const real[:] packed, const real[:] b,
                  const real[:, :, :, :] r, Py_ssize_t kernel, int activation, bint rotated,
                  Py_ssize_t side=SIDE) except -1:
    """The convolution of g's input to its output, of a kernel x kernel weight."""
    cdef Py_ssize_t s = g.p.s * g.p.ys
    cdef int failed
    with nogil:
        set_patches(&g.p, kernel // s, side)
        g.e.activation = activation
        g.e.add = view_of(r)
        if packed is not None:
            g.packed = &packed[0]
            g.f.w.taps = 0
            cut_filters(&g.f, g.p.ys * g.p.ys * g.p.y.C, g.p.s * g.p.s * g.p.x.C, s, side)
        else:
            g.packed = NULL
            point_filters(&g.f, w, s, rotated, side)
        failed = run_plan(g, b)
    if failed:
        raise MemoryError()
    return 0


def packed_size(Py_ssize_t K, Py_ssize_t C, Py_ssize_t s=1, Py_ssize_t side=SIDE):
    """Reals in the packed form of a weight with K outputs and C inputs (the other way round for pack_rotated)."""
    cdef Filters f
    cut_filters(&f, K, C, s, side)
    return size_of(&f)


def pack(const real[:, :, :, :] w, real[:] packed, Py_ssize_t s=1, Py_ssize_t side=SIDE):
    """The transformed filters of w (K, C, kh, kw) for forward_packed, in packed_size(K, s * s * C, s, side) reals.

    `packed` should start on a cache line: every row of filters then does.
    A side of 4, instead of 6, is for kernels of 3 x 3.
    """
    pack_any(w, packed, s, False, side)


def pack_rotated(const real[:, :, :, :] w, real[:] packed, Py_ssize_t s=1, Py_ssize_t side=SIDE):
    """The same for backward_input_packed, in packed_size(s * s * C, K, s, side) reals."""
    pack_any(w, packed, s, True, side)


cdef int pack_any(const real[:, :, :, :] w, real[:] packed, Py_ssize_t s, bint rotated,
                  Py_ssize_t side) except -1:
    """pack, or pack_rotated."""
    cdef Filters f
    cdef int failed
    with nogil:
        point_filters(&f, w, s, rotated, side)
        failed = pack_filters(&f, &packed[0])
    if failed:
        raise MemoryError()
    return 0


def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    tuple window):
    """dw = the weight gradient of forward; dy and x channels-last, dw of any strides."""
    cdef WeightGradient g
    cdef int failed
    if dy.shape[0] == 0:
        dw[...] = 0
        return
    set_forward(&g.p, x, dy, window)
    with nogil:
        set_patches(&g.p, dw.shape[2] // g.p.s)
        point_filters(&g.f, dw, g.p.s, False)
        failed = run_weight(&g)
    if failed:
        raise MemoryError()
