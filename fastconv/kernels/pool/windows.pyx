"""Pooling: max, mean and L_p, forward and backward, and unpooling by indices, on planar and channels-last memory.

    max    y = max x              dx = sum of dy over the windows whose first largest value is here
    mean   y = (sum x) / m        dx = sum dy / m                                            (Zhang 2016, eqs. 6, 32)
    L_p    y = (sum |x|^p)^(1/p)  dx = sum dy sign(x) (|x| / y)^(p-1);  L2: dy x / y;  0 where y = 0

`rows` and `cols` have one line (start, count, step, m) per output row and column; `row_ends`, `row_list`, `col_ends`,
`col_list` are their inverse. `last`: all arrays are channels-last, else planar. How the files share the work is said in
__init__.pxd.
"""

from cython.parallel cimport prange, threadid
from libc.math cimport fabs, frexp, ldexp, pow, sqrt
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..runtime.caches cimport STREAM_BYTES
from ..runtime.costs cimport (
    POOL_BACKWARD_NS, POOL_BACKWARD_L2_NS, POOL_BACKWARD_LP_NS, POOL_FORWARD_NS, POOL_FORWARD_LP_NS, POOL_INDEX_CHECK_NS,
    UNPOOL_BACKWARD_NS, UNPOOL_FORWARD_NS, WEIGHTED_TAP_NS,
)
from ..runtime.sizes cimport ceil_div, on_a_line, plus, round_up, times
from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.lanes cimport (
    PICKS, at_most_vector, evens, lane_mask, lanes, load_lanes, odds, picked, store_lanes, vi_element as lane_element,
    vload_index, with_lane,
)
from ..simd.partial cimport vread, vwrite
from ..simd.root cimport ROOT, vroot
from ..simd.vector cimport (
    LINE, MAX_LANES, VL, real, vf, veven, vfence, vfma, vload, vmax, vsplat, vstore, vstream, vzero,
)
from .blocks_2x2 cimport block_rows, blocks_back, find_blocks
from .every_second cimport ieven, vspread_high, vspread_low, vtwice_high, vtwice_low
from .index_checks cimport bad_channels, bad_columns
from .index_vectors cimport (
    LANE_MAX, better, ilanes, iload, int64_t, ipick, isplat, istore, iwrite, no_nan, vbetter, vfirst, vi,
    vi_element, vpick,
)
from .roots cimport iall, iboth, iordinary, ordinary, vratio
from .shares cimport Reader, set_reader, share, vshare
from .window cimport (
    ARGMAX, BAND, CHANNELS, L2, LP, MAX, MEAN, PLANE_BYTES, SQUARE_ROWS, SUM, EvenRun, Image, Line, Pool, divisor_of,
    index_at, pixel,
)

include "setup.pxi"
include "stream.pxi"
include "one_window.pxi"
include "bad_index.pxi"
include "forward_channels.pxi"
include "forward_planes.pxi"
include "forward_rows.pxi"
include "forward.pxi"
include "backward_channels.pxi"
include "backward_rows.pxi"
include "backward_planes.pxi"
include "backward.pxi"
include "scatter.pxi"
include "max_backward.pxi"
include "weighted.pxi"
include "weighted_rows.pxi"
include "weighted_columns.pxi"


# ---------------------------------------------------------------- max

def max_forward(const real[:, :, :, :] x, real[:, :, :, :] y, const Py_ssize_t[:, ::1] rows,
                const Py_ssize_t[:, ::1] cols, bint last):
    """y = the largest value of each window, NaN if there is one."""
    cdef Pool p = pool_of(x, y)
    run_forward(&p, MAX, last, x, y, rows, cols)


def max_forward_indices(const real[:, :, :, :] x, real[:, :, :, :] y, long long[:, :, :, :] indices,
                        const Py_ssize_t[:, ::1] rows, const Py_ssize_t[:, ::1] cols, bint last):
    """As max_forward; indices = h * W + w of the first largest value, or of the first NaN, in its plane (H, W)."""
    cdef Pool p = pool_of(x, y)
    set_indices(&p, indices)
    run_forward(&p, ARGMAX, last, x, y, rows, cols)


def max_backward(const real[:, :, :, :] dy, const long long[:, :, :, :] indices, real[:, :, :, :] dx,
                 const Py_ssize_t[:, ::1] rows, const Py_ssize_t[:, ::1] cols,
                 const Py_ssize_t[::1] row_ends, const Py_ssize_t[::1] row_list,
                 const Py_ssize_t[::1] col_ends, const Py_ssize_t[::1] col_list, bint last):
    """dx = the sum of dy over the windows whose index is here.

    Returns where, in C order, the first index is that is not in its window, or -1. If there is one, dx is no gradient.
    """
    cdef Pool p = pool_of(dx, dy)
    cdef Py_ssize_t bad
    if p.N * p.C == 0:
        return -1
    p.dx, p.dy = image_of(dx), image_of(dy)
    set_windows(&p, rows, cols)
    set_indices(&p, indices)
    set_readers(&p, row_ends, row_list, col_ends, col_list)
    set_neighbours(&p)
    try:
        with nogil:
            bad = run_max_backward(&p, last)
    finally:
        free(p.neighbours.start)
    return bad


# ---------------------------------------------------------------- mean

def mean_forward(const real[:, :, :, :] x, real[:, :, :, :] y, const Py_ssize_t[:, ::1] rows,
                 const Py_ssize_t[:, ::1] cols, bint last):
    """y = the sum of each window over its divisor."""
    cdef Pool p = pool_of(x, y)
    run_forward(&p, MEAN, last, x, y, rows, cols)


def mean_backward(const real[:, :, :, :] dy, real[:, :, :, :] dx, const Py_ssize_t[:, ::1] rows,
                  const Py_ssize_t[:, ::1] cols, const Py_ssize_t[::1] row_ends, const Py_ssize_t[::1] row_list,
                  const Py_ssize_t[::1] col_ends, const Py_ssize_t[::1] col_list, bint last):
    """dx = the sum of dy / m over the windows that hold this input."""
    cdef Pool p = pool_of(dx, dy)
    if p.N * p.C == 0:
        return
    p.dx, p.dy = image_of(dx), image_of(dy)
    set_windows(&p, rows, cols)
    set_readers(&p, row_ends, row_list, col_ends, col_list)
    find_even_run(&p)
    with nogil:
        backward(&p, SUM if one_divisor(&p) else MEAN, last, POOL_BACKWARD_NS)


# ---------------------------------------------------------------- L_p

def lp_forward(const real[:, :, :, :] x, real[:, :, :, :] y, const Py_ssize_t[:, ::1] rows,
               const Py_ssize_t[:, ::1] cols, double p, bint last):
    """y = (sum |x|^p)^(1/p) of each window."""
    cdef Pool pool = pool_of(x, y)
    pool.exponent = p
    run_forward(&pool, L2 if p == 2 else LP, last, x, y, rows, cols)


def lp_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, const real[:, :, :, :] y, real[:, :, :, :] dx,
                const Py_ssize_t[:, ::1] rows, const Py_ssize_t[:, ::1] cols,
                const Py_ssize_t[::1] row_ends, const Py_ssize_t[::1] row_list,
                const Py_ssize_t[::1] col_ends, const Py_ssize_t[::1] col_list, double p, bint last):
    """dx = sum dy sign(x) (|x| / y)^(p-1), 0 where y = 0."""
    cdef Pool pool = pool_of(dx, dy)
    if pool.N * pool.C == 0:
        return
    pool.exponent = p
    pool.x, pool.y, pool.dx, pool.dy = image_of(x), image_of(y), image_of(dx), image_of(dy)
    set_windows(&pool, rows, cols)
    set_readers(&pool, row_ends, row_list, col_ends, col_list)
    find_even_run(&pool)
    with nogil:
        backward(&pool, L2 if p == 2 else LP, last, POOL_BACKWARD_L2_NS if p == 2 else POOL_BACKWARD_LP_NS)


# ---------------------------------------------------------------- weighted sums along H and W

def weighted_sums(const real[:, :, :, :] x, real[:, :, :, :] y, const Py_ssize_t[::1] row_ends,
                  const Py_ssize_t[::1] row_source, const long long[::1] row_weight, const Py_ssize_t[::1] col_ends,
                  const Py_ssize_t[::1] col_source, const long long[::1] col_weight, bint last):
    """y = the sum of weighted pixels of x that the tables name for each row and column; see weighted.pxi."""
    cdef Weighted p
    if y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3] == 0:
        return
    memset(&p, 0, sizeof(p))
    p.x, p.y, p.last = image_of(x), image_of(y), last
    p.N, p.C, p.H, p.W, p.OH, p.OW = x.shape[0], x.shape[1], x.shape[2], x.shape[3], y.shape[2], y.shape[3]
    try:
        set_taps(&p.rows, row_ends, row_source, row_weight)
        set_taps(&p.cols, col_ends, col_source, col_weight)
        if not last:
            set_slots(&p)
        set_sizes(&p)
        with nogil:
            run_weighted(&p)
    finally:
        free(p.rows.weight)
        free(p.cols.weight)
        free(p.slots)
        free(p.slot_ends)


# ---------------------------------------------------------------- unpooling and indices

def unpool_forward(const real[:, :, :, :] x, const long long[:, :, :, :] indices, real[:, :, :, :] y):
    """y = zeros, with the values of x at their indices in the plane of y; where two meet, the later stays."""
    cdef int thread
    cdef Ranges ranges
    cdef Pool p = pool_of(y, x)
    cdef Image large, small
    cdef Py_ssize_t job
    cdef int threads
    if p.N * p.C == 0:
        return
    large, small = image_of(y), image_of(x)
    set_indices(&p, indices)
    threads = threads_for(UNPOOL_FORWARD_NS * p.N * p.C * p.H * p.W)
    share_out(&ranges, p.N * p.C, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            scatter_plane(&p, &large, &small, job, False)
            job = next_job(&ranges, thread)


def unpool_backward(const real[:, :, :, :] dy, const long long[:, :, :, :] indices, real[:, :, :, :] dx):
    """dx = dy at the indices."""
    cdef int thread
    cdef Ranges ranges
    cdef Pool p = pool_of(dy, dx)
    cdef Image large, small
    cdef Py_ssize_t job
    cdef int threads
    if p.N * p.C == 0:
        return
    large, small = image_of(dy), image_of(dx)
    set_indices(&p, indices)
    threads = threads_for(UNPOOL_BACKWARD_NS * p.N * p.C * p.OH * p.OW)
    share_out(&ranges, p.N * p.C * p.OH, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            gather_row(&p, &large, &small, job)
            job = next_job(&ranges, thread)


def first_bad_index(const long long[:, :, :, :] indices, Py_ssize_t H, Py_ssize_t W):
    """Where, in C order, the first index is that is not in [0, H W); else -1."""
    cdef Pool p
    cdef Py_ssize_t bad
    memset(&p, 0, sizeof(p))
    p.N, p.C, p.OH, p.OW = indices.shape[0], indices.shape[1], indices.shape[2], indices.shape[3]
    p.H, p.W = H, W
    if p.N * p.C * p.OH * p.OW == 0:
        return -1
    set_indices(&p, indices)
    with nogil:
        bad = first_bad(&p)
    return bad
