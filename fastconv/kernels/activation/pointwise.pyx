"""Elementwise activations and their gradients; softmax and log-softmax over the last axis.

All arrays are four-dimensional views of one shape with any strides; results may lie in the memory of an input. The
pieces: formulas.pxi (the elementwise formulas), softmax.pxi (row by row), prelu_weight.pxi (the weight gradient), products.pxi (sums
of products).
"""
from cython.parallel cimport prange, threadid
from libc.math cimport log
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..runtime.costs cimport (
    ADD_NS, EXP_NS, PRELU_WEIGHT_NS, RECTIFIER_NS, SILU_NS, SMOOTH_NS, SOFTMAX_NS,
)
from ..simd.elementwise cimport Elementwise, formula, plan_jobs, run_job, set_array, sum_of
from ..simd.exp cimport vexp
from ..simd.row_views cimport Rows, below, row_dot, row_exp, row_largest, rows_close, rows_open, rows_plan
from ..simd.vector cimport MAX_LANES, REAL_BYTES, VL, real, vload, vsplat, vstore

include "formulas.pxi"


def sigmoid(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = 1 / (1 + exp(-x))"""
    each(sigmoid_run, EXP_NS, 1, x, x, x, y, 0, 0)


def sigmoid_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    """dx = dy y (1 - y)"""
    each(sigmoid_backward_run, EXP_NS, 2, dy, y, dy, dx, 0, 0)


def tanh(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = tanh x"""
    each(tanh_run, EXP_NS, 1, x, x, x, y, 0, 0)


def tanh_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    """dx = dy (1 - y) (1 + y)"""
    each(tanh_backward_run, EXP_NS, 2, dy, y, dy, dx, 0, 0)


def relu(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = max(x, 0)"""
    each(relu_run, RECTIFIER_NS, 1, x, x, x, y, 0, 0)


def relu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    """dx = dy where y > 0, else 0; y may be x"""
    each(relu_backward_run, RECTIFIER_NS, 2, dy, y, dy, dx, 0, 0)


def leaky_relu(const real[:, :, :, :] x, real[:, :, :, :] y, double negative_slope):
    """y = x where x > 0, else negative_slope x"""
    each(leaky_relu_run, RECTIFIER_NS, 1, x, x, x, y, negative_slope, 0)


def leaky_relu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x,
                        real[:, :, :, :] dx, double negative_slope):
    """dx = dy where x > 0, else negative_slope dy"""
    each(leaky_relu_backward_run, RECTIFIER_NS, 2, dy, x, dy, dx, negative_slope, 0)


def prelu(const real[:, :, :, :] x, const real[:, :, :, :] w, real[:, :, :, :] y):
    """y = x where x > 0, else w x"""
    each(prelu_run, RECTIFIER_NS, 2, x, w, x, y, 0, 0)


def prelu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, const real[:, :, :, :] w,
                   real[:, :, :, :] dx):
    """dx = dy where x > 0, else w dy"""
    each(prelu_backward_run, RECTIFIER_NS, 3, dy, x, w, dx, 0, 0)


def relu6(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = min(max(x, 0), 6)"""
    each(relu6_run, RECTIFIER_NS, 1, x, x, x, y, 0, 0)


def relu6_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    """dx = dy where 0 < x < 6, else 0; x may be y"""
    each(relu6_backward_run, RECTIFIER_NS, 2, dy, x, dy, dx, 0, 0)


def elu(const real[:, :, :, :] x, real[:, :, :, :] y, double alpha):
    """y = x where x >= 0, else alpha (exp(x) - 1)"""
    each(elu_run, EXP_NS, 1, x, x, x, y, alpha, 0)


def elu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx, double alpha):
    """dx = dy where x > 0, else dy alpha exp(x)"""
    each(elu_backward_run, EXP_NS, 2, dy, x, dy, dx, alpha, 0)


def gelu(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = x P(X < x), X standard normal (Hendrycks and Gimpel 2016)"""
    each(gelu_run, SMOOTH_NS, 1, x, x, x, y, 0, 0)


def gelu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    """dx = dy (P(X < x) + x exp(-x^2 / 2) / sqrt(2 pi))"""
    each(gelu_backward_run, SMOOTH_NS, 2, dy, x, dy, dx, 0, 0)


def gelu_tanh(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel 2016)"""
    each(gelu_tanh_run, SMOOTH_NS, 1, x, x, x, y, 0, 0)


def gelu_tanh_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    """dx = dy y'(x), y as in `gelu_tanh`"""
    each(gelu_tanh_backward_run, SMOOTH_NS, 2, dy, x, dy, dx, 0, 0)


def silu(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = x sigmoid(x)"""
    each(silu_run, SILU_NS, 1, x, x, x, y, 0, 0)


def silu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    """dx = dy sigmoid(x) (1 + x sigmoid(-x))"""
    each(silu_backward_run, SILU_NS, 2, dy, x, dy, dx, 0, 0)


def hardsigmoid(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = min(max(x + 3, 0), 6) / 6"""
    each(hardsigmoid_run, RECTIFIER_NS, 1, x, x, x, y, 0, 0)


def hardsigmoid_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    """dx = dy / 6 where -3 < x < 3, else 0"""
    each(hardsigmoid_backward_run, RECTIFIER_NS, 2, dy, x, dy, dx, 0, 0)


def hardswish(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = x min(max(x + 3, 0), 6) / 6 (Howard 2019)"""
    each(hardswish_run, RECTIFIER_NS, 1, x, x, x, y, 0, 0)


def hardswish_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    """dx = 0 where x <= -3, dy where x >= 3, else dy (x / 3 + 1 / 2)"""
    each(hardswish_backward_run, RECTIFIER_NS, 2, dy, x, dy, dx, 0, 0)


def softplus(const real[:, :, :, :] x, real[:, :, :, :] y, double beta, double threshold):
    """y = log(1 + exp(beta x)) / beta; x where beta x > threshold"""
    each(softplus_run, SMOOTH_NS, 1, x, x, x, y, beta, threshold)


def softplus_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x,
                      real[:, :, :, :] dx, double beta, double threshold):
    """dx = dy sigmoid(beta x); dy where beta x > threshold"""
    each(softplus_backward_run, SMOOTH_NS, 2, dy, x, dy, dx, beta, threshold)


def exp(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y = exp(x)"""
    each(exp_run, EXP_NS, 1, x, x, x, y, 0, 0)


def add(const real[:, :, :, :] a, const real[:, :, :, :] b, real[:, :, :, :] y, int activation):
    """y = act(a + b); activation: 0 none, 1 relu, 2 relu6."""
    cdef formula run = add_run if activation == 0 else add_relu_run if activation == 1 else add_relu6_run
    each(run, ADD_NS, 2, a, b, a, y, 0, 0)


def multiply(const real[:, :, :, :] a, const real[:, :, :, :] b, real[:, :, :, :] y):
    """y = a b; an axis along which b is repeated has stride 0"""
    each(multiply_run, ADD_NS, 2, a, b, a, y, 0, 0)


cdef int each(formula run, double cost, int inputs, const real[:, :, :, :] a, const real[:, :, :, :] b,
              const real[:, :, :, :] c, real[:, :, :, :] y, real p, real q) except -1:
    """y = run(a, b, c), element by element; only the first `inputs` are read. cost: ns per element."""
    cdef int thread
    cdef Ranges ranges
    cdef Elementwise e
    cdef Py_ssize_t job, axis
    cdef int threads
    e.total = y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3]
    if e.total == 0:
        return 0
    e.run, e.p, e.q = run, p, q
    for axis in range(4):
        e.shape[axis] = y.shape[axis]
    set_array(&e, 0, &a[0, 0, 0, 0], a.strides)
    set_array(&e, 1, &b[0, 0, 0, 0] if inputs > 1 else NULL, b.strides)
    set_array(&e, 2, &c[0, 0, 0, 0] if inputs > 2 else NULL, c.strides)
    set_array(&e, 3, &y[0, 0, 0, 0], y.strides)
    set_array(&e, 4, NULL, y.strides)
    threads = threads_for(cost * e.total)
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
