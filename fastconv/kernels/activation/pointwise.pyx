"""Elementwise activations and their gradients; softmax and log-softmax over the last axis.

All arrays are four-dimensional views of one shape with any strides; results may lie in the memory of an input. The
pieces: formulas.pxi (TABLE of the elementwise formulas), softmax.pxi (row by row), prelu_weight.pxi (the weight gradient),
products.pxi (sums of products).
"""
from cython.parallel cimport prange, threadid
from libc.math cimport log
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..runtime.costs cimport ADD_NS, PRELU_WEIGHT_NS, SOFTMAX_NS
from ..simd.elementwise cimport Elementwise, formula, plan_jobs, run_job, set_array, sum_of
from ..simd.exp cimport vexp, vlarger
from ..simd.root cimport vroot  # no-cython-lint: in formulas.pxi
from ..simd.row_views cimport (
    Rows, below, lanes_largest, row_dot, row_exp, row_largest, rows_close, rows_open, rows_plan,
)
from ..simd.transpose cimport square_part
from ..simd.vector cimport MAX_LANES, REAL_BYTES, REAL_MAX, VL, real, vf, vload, vsplat, vstore

include "formulas.pxi"


def one(int code, const real[:, :, :, :] x, real[:, :, :, :] y, double p=0, double q=0):
    """y = f(x; p, q), f = TABLE[code]"""
    each(code, x, x, x, y, p, q)


def two(int code, const real[:, :, :, :] a, const real[:, :, :, :] b, real[:, :, :, :] y, double p=0, double q=0):
    """y = f(a, b; p, q)"""
    each(code, a, b, a, y, p, q)


def three(int code, const real[:, :, :, :] a, const real[:, :, :, :] b, const real[:, :, :, :] c, real[:, :, :, :] y):
    """y = f(a, b, c)"""
    each(code, a, b, c, y, 0, 0)


cdef int each(int code, const real[:, :, :, :] a, const real[:, :, :, :] b, const real[:, :, :, :] c,
              real[:, :, :, :] y, real p, real q) except -1:
    """y = f(a, b, c; p, q), f = TABLE[code], element by element; only the inputs of f are read."""
    cdef int thread
    cdef Ranges ranges
    cdef Elementwise e
    cdef Py_ssize_t job, axis
    cdef int threads
    e.total = y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3]
    if e.total == 0:
        return 0
    e.run, e.p, e.q = TABLE[code].run, p, q
    for axis in range(4):
        e.shape[axis] = y.shape[axis]
    set_array(&e, 0, &a[0, 0, 0, 0], a.strides)
    set_array(&e, 1, &b[0, 0, 0, 0] if TABLE[code].inputs > 1 else NULL, b.strides)
    set_array(&e, 2, &c[0, 0, 0, 0] if TABLE[code].inputs > 2 else NULL, c.strides)
    set_array(&e, 3, &y[0, 0, 0, 0], y.strides)
    set_array(&e, 4, NULL, y.strides)
    threads = threads_for(TABLE[code].cost * e.total)
    share_out(&ranges, plan_jobs(&e), threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            run_job(&e, job)
            job = next_job(&ranges, thread)
    return 0


include "softmax.pxi"
include "prelu_weight.pxi"
include "products.pxi"

KERNELS = {  # name -> the kernel, and what it takes before its arrays
    "softmax": (softmax,),
    "softmax_backward": (softmax_backward,),
    "log_softmax": (log_softmax,),
    "log_softmax_backward": (log_softmax_backward,),
}
for number in range(FORMULA_COUNT):
    KERNELS[TABLE[number].name.decode()] = ((one, two, three)[TABLE[number].inputs - 1], number)
