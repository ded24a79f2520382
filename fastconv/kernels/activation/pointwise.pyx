"""Elementwise activations and their gradients; softmax and log-softmax over the last axis.

All arrays are four-dimensional views of one shape with any strides; results may lie in the memory of an input.
"""
from cython.parallel cimport prange, threadid
from libc.math cimport log
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset
from fastconv.kernels.runtime.threads cimport threads_for
from ..simd.vector cimport REAL_BYTES, VL, real, vload, vsplat, vstore
from ..simd.elementwise cimport Job, formula, job_array, job_blocks, run_block, sum_of
from ..simd.row_views cimport MAX_LANES, Rows, below, row_dot, row_exp, row_largest, rows_close, rows_open, rows_plan
from ..simd.exp cimport vexp

# One line an operation: y = formula of the vectors a, b, c (the inputs in order) and the numbers p, q.
cdef extern from *:
    """
    #define LOOP(name, loads, formula)                                                                                 \\
        static void name##_run(const REAL *pa, const REAL *pb, const REAL *pc, REAL *y, REAL *unused,                  \\
                               Py_ssize_t vectors, REAL number0, REAL number1) {                                       \\
            const vf p = vsplat(number0), q = vsplat(number1);                                                         \\
            (void)p; (void)q; (void)pb; (void)pc; (void)unused;                                                        \\
            for (Py_ssize_t i = 0; i < vectors * VL; i += VL) { loads vstore(y + i, (formula)); }                      \\
        }
    #define LOAD1 vf a = vload(pa + i);
    #define LOAD2 LOAD1 vf b = vload(pb + i);
    #define LOAD3 LOAD2 vf c = vload(pc + i);
    #define FORMULA1(name, formula) LOOP(name, LOAD1, formula)
    #define FORMULA2(name, formula) LOOP(name, LOAD2, formula)
    #define FORMULA3(name, formula) LOOP(name, LOAD3, formula)

    /* w x, and 0 where w is 0 and x infinite: what the limit is of a slope that does not rise */
    VINLINE vf sloped(vf x, vf w) { return vpick(w == 0, vclamp(x, -REAL_MAX, REAL_MAX), x) * w; }
    VINLINE vf gelu(vf x) { vf cdf; vnormal(vclamp(x, -40, 40), &cdf); return vpick(x < -40, vsplat(-40), x) * cdf; }
    VINLINE vf gelu_slope(vf x) {  /* P(X < x) + x density(x) */
        vf cdf, c = vclamp(x, -40, 40), e = vnormal(c, &cdf);
        return c * e * (REAL)0.398942280401432678 + cdf;
    }
    /* The tanh form is x sigmoid(u), u = 2 sqrt(2 / pi) (x + 0.044715 x^3) */
    #define GELU_A ((REAL)1.59576912160573071)
    #define GELU_B ((REAL)0.0713548162726002527)
    VINLINE vf gelu_tanh(vf x) { x = vpick(x < -100, vsplat(-100), x); return x * vsigmoid(x * (x * x * GELU_B + GELU_A)); }
    VINLINE vf gelu_tanh_slope(vf x) {
        x = vclamp(x, -100, 100);
        vf u = x * (x * x * GELU_B + GELU_A), s = vsigmoid(u);
        return x * s * vsigmoid(-u) * (x * x * (3 * GELU_B) + GELU_A) + s;
    }
    VINLINE vf silu(vf x) { x = vpick(x < -1000, vsplat(-1000), x); return x * vsigmoid(x); }
    VINLINE vf silu_slope(vf x) { x = vclamp(x, -1000, 1000); return vsigmoid(x) * (x * vsigmoid(-x) + 1); }
    VINLINE vf softplus(vf x) { return vlog1p(vexp_fall(x)) + vpick(x < 0, vzero, x); }

    FORMULA1(sigmoid, vsigmoid(a))
    FORMULA2(sigmoid_backward, a * ((1 - b) * b))
    FORMULA1(tanh, vtanh(a))
    FORMULA2(tanh_backward, a * ((1 - b) * (1 + b)))
    FORMULA1(relu, vpick(a < 0, vzero, a))
    FORMULA2(relu_backward, vpick(b <= 0, vzero, a))
    FORMULA1(leaky_relu, vpick(a > 0, a, sloped(a, p)))
    FORMULA2(leaky_relu_backward, vpick(b > 0, a, a * p))
    FORMULA2(prelu, vpick(a > 0, a, sloped(a, b)))
    FORMULA3(prelu_backward, vpick(b > 0, a, a * c))
    FORMULA1(relu6, vclamp(a, 0, 6))
    FORMULA2(relu6_backward, vpick((b <= 0) | (b >= 6), vzero, a))
    FORMULA1(elu, vpick(a < 0, p * vexpm1(a), a))
    FORMULA2(elu_backward, vpick(b > 0, a, a * (p * vexp(b))))
    FORMULA1(gelu, gelu(a))
    FORMULA2(gelu_backward, a * gelu_slope(b))
    FORMULA1(gelu_tanh, gelu_tanh(a))
    FORMULA2(gelu_tanh_backward, a * gelu_tanh_slope(b))
    FORMULA1(silu, silu(a))
    FORMULA2(silu_backward, a * silu_slope(b))
    FORMULA1(hardsigmoid, vclamp(a + 3, 0, 6) / 6)
    FORMULA2(hardsigmoid_backward, vpick((b <= -3) | (b >= 3), vzero, a / 6))
    FORMULA1(hardswish, vpick(a < -3, vsplat(-3), a) * (vclamp(a + 3, 0, 6) / 6))
    FORMULA2(hardswish_backward, vpick(b <= -3, vzero, vpick(b >= 3, a, a * (b / 3 + (REAL)0.5))))
    FORMULA1(softplus, vpick(a * p > q, a, softplus(a * p) / p))
    FORMULA2(softplus_backward, vpick(b * p > q, a, a * vsigmoid(b * p)))
    FORMULA1(exp, vexp(a))
    FORMULA2(add, a + b)
    FORMULA2(add_relu, vpick(a + b < 0, vzero, a + b))
    FORMULA2(add_relu6, vclamp(a + b, 0, 6))
    """
    formula sigmoid_run, sigmoid_backward_run, tanh_run, tanh_backward_run, relu_run, relu_backward_run
    formula leaky_relu_run, leaky_relu_backward_run, prelu_run, prelu_backward_run, relu6_run, relu6_backward_run
    formula elu_run, elu_backward_run, gelu_run, gelu_backward_run, gelu_tanh_run, gelu_tanh_backward_run
    formula silu_run, silu_backward_run, hardsigmoid_run, hardsigmoid_backward_run, hardswish_run
    formula hardswish_backward_run, softplus_run, softplus_backward_run, exp_run
    formula add_run, add_relu_run, add_relu6_run



def sigmoid(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(sigmoid_run, 0.5, 1, x, x, x, y, 0, 0)


def sigmoid_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    each(sigmoid_backward_run, 0.5, 2, dy, y, dy, dx, 0, 0)


def tanh(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(tanh_run, 0.5, 1, x, x, x, y, 0, 0)


def tanh_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    each(tanh_backward_run, 0.5, 2, dy, y, dy, dx, 0, 0)


def relu(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(relu_run, 0.2, 1, x, x, x, y, 0, 0)


def relu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    each(relu_backward_run, 0.2, 2, dy, y, dy, dx, 0, 0)


def leaky_relu(const real[:, :, :, :] x, real[:, :, :, :] y, double negative_slope):
    each(leaky_relu_run, 0.2, 1, x, x, x, y, negative_slope, 0)


def leaky_relu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x,
                        real[:, :, :, :] dx, double negative_slope):
    each(leaky_relu_backward_run, 0.2, 2, dy, x, dy, dx, negative_slope, 0)


def prelu(const real[:, :, :, :] x, const real[:, :, :, :] w, real[:, :, :, :] y):
    each(prelu_run, 0.2, 2, x, w, x, y, 0, 0)


def prelu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, const real[:, :, :, :] w,
                   real[:, :, :, :] dx):
    each(prelu_backward_run, 0.2, 3, dy, x, w, dx, 0, 0)


def relu6(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(relu6_run, 0.2, 1, x, x, x, y, 0, 0)


def relu6_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    each(relu6_backward_run, 0.2, 2, dy, x, dy, dx, 0, 0)


def elu(const real[:, :, :, :] x, real[:, :, :, :] y, double alpha):
    each(elu_run, 0.5, 1, x, x, x, y, alpha, 0)


def elu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx, double alpha):
    each(elu_backward_run, 0.5, 2, dy, x, dy, dx, alpha, 0)


def gelu(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(gelu_run, 1.0, 1, x, x, x, y, 0, 0)


def gelu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    each(gelu_backward_run, 1.0, 2, dy, x, dy, dx, 0, 0)


def gelu_tanh(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(gelu_tanh_run, 1.0, 1, x, x, x, y, 0, 0)


def gelu_tanh_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    each(gelu_tanh_backward_run, 1.0, 2, dy, x, dy, dx, 0, 0)


def silu(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(silu_run, 0.6, 1, x, x, x, y, 0, 0)


def silu_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    each(silu_backward_run, 0.6, 2, dy, x, dy, dx, 0, 0)


def hardsigmoid(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(hardsigmoid_run, 0.2, 1, x, x, x, y, 0, 0)


def hardsigmoid_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    each(hardsigmoid_backward_run, 0.2, 2, dy, x, dy, dx, 0, 0)


def hardswish(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(hardswish_run, 0.2, 1, x, x, x, y, 0, 0)


def hardswish_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dx):
    each(hardswish_backward_run, 0.2, 2, dy, x, dy, dx, 0, 0)


def softplus(const real[:, :, :, :] x, real[:, :, :, :] y, double beta, double threshold):
    each(softplus_run, 1.0, 1, x, x, x, y, beta, threshold)


def softplus_backward(const real[:, :, :, :] dy, const real[:, :, :, :] x,
                      real[:, :, :, :] dx, double beta, double threshold):
    each(softplus_backward_run, 1.0, 2, dy, x, dy, dx, beta, threshold)


def exp(const real[:, :, :, :] x, real[:, :, :, :] y):
    each(exp_run, 0.5, 1, x, x, x, y, 0, 0)


def add(const real[:, :, :, :] a, const real[:, :, :, :] b, real[:, :, :, :] y, int activation):
    """y = act(a + b); activation: 0 none, 1 relu, 2 relu6."""
    each(add_run if activation == 0 else add_relu_run if activation == 1 else add_relu6_run, 0.25, 2, a, b, a, y, 0, 0)


cdef int each(formula run, double nanoseconds, int inputs, const real[:, :, :, :] a, const real[:, :, :, :] b,
              const real[:, :, :, :] c, real[:, :, :, :] y, real p, real q) except -1:
    """y = run(a, b, c), element by element; only the first `inputs` are read."""
    cdef Job job
    cdef Py_ssize_t number, axis
    cdef int threads
    job.total = y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3]
    if job.total == 0:
        return 0
    job.run, job.p, job.q = run, p, q
    for axis in range(4):
        job.shape[axis] = y.shape[axis]
    job_array(&job, 0, &a[0, 0, 0, 0], a.strides)
    job_array(&job, 1, &b[0, 0, 0, 0] if inputs > 1 else NULL, b.strides)
    job_array(&job, 2, &c[0, 0, 0, 0] if inputs > 2 else NULL, c.strides)
    job_array(&job, 3, &y[0, 0, 0, 0], y.strides)
    job_array(&job, 4, NULL, y.strides)
    threads = threads_for(nanoseconds * job.total)
    for number in prange(job_blocks(&job), nogil=True, num_threads=threads, schedule="static"):
        run_block(&job, number)
    return 0


ctypedef void (*row_formula)(const real *, const real *, real *, Py_ssize_t) noexcept nogil


def softmax(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y[k] = exp(x[k] - m) / sum_j exp(x[j] - m), m = max x, along the last axis."""
    each_row(softmax_row, x, None, y)


def softmax_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    """dx[k] = y[k] (dy[k] - sum_j dy[j] y[j])"""
    each_row(softmax_backward_row, dy, y, dx)


def log_softmax(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y[k] = x[k] - m - log sum_j exp(x[j] - m), m = max x, along the last axis."""
    each_row(log_softmax_row, x, None, y)


def log_softmax_backward(const real[:, :, :, :] dy, const real[:, :, :, :] y, real[:, :, :, :] dx):
    """dx[k] = dy[k] - exp(y[k]) sum_j dy[j]"""
    each_row(log_softmax_backward_row, dy, y, dx)


cdef void softmax_row(const real *x, const real *unused, real *y, Py_ssize_t K) noexcept nogil:
    cdef double total = row_exp(x, row_largest(x, K), y, K)
    cdef real factor = <real>(1 / total)
    cdef Py_ssize_t k
    for k in range(K):
        y[k] = y[k] * factor


cdef void log_softmax_row(const real *x, const real *unused, real *y, Py_ssize_t K) noexcept nogil:
    cdef real m = row_largest(x, K), shift = <real>log(row_exp(x, m, NULL, K))
    cdef Py_ssize_t k
    for k in range(K):
        y[k] = below(x[k], m) - shift


cdef void softmax_backward_row(const real *dy, const real *y, real *dx, Py_ssize_t K) noexcept nogil:
    cdef real s = <real>row_dot(dy, y, K)
    cdef Py_ssize_t k
    for k in range(K):
        dx[k] = y[k] * (dy[k] - s)


cdef void log_softmax_backward_row(const real *dy, const real *y, real *dx, Py_ssize_t K) noexcept nogil:
    cdef real s = <real>sum_of(dy, K)
    cdef real pad[MAX_LANES]
    cdef Py_ssize_t k, full = K - K % VL
    cdef int i
    for k in range(K // VL):
        vstore(dx + k * VL, vload(dy + k * VL) - vexp(vload(y + k * VL)) * vsplat(s))
    if full < K:
        memset(pad, 0, sizeof(pad))
        memcpy(pad, y + full, (K - full) * REAL_BYTES)
        vstore(pad, vexp(vload(pad)))
        for k in range(full, K):
            dx[k] = dy[k] - pad[k - full] * s


cdef int each_row(row_formula run, const real[:, :, :, :] a, const real[:, :, :, :] b,
                  real[:, :, :, :] y) except -1:
    """y = run(a, b) for every row along the last axis; b may be None."""
    cdef Rows r
    cdef Py_ssize_t job, axis
    cdef int threads
    cdef real *scratch
    if y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3] == 0:
        return 0
    r.base[0], r.base[1], r.base[2] = <char *>&a[0, 0, 0, 0], NULL, <char *>&y[0, 0, 0, 0]
    if b is not None:
        r.base[1] = <char *>&b[0, 0, 0, 0]
    for axis in range(4):
        r.shape[axis], r.stride[0][axis], r.stride[2][axis] = y.shape[axis], a.strides[axis], y.strides[axis]
        r.stride[1][axis] = b.strides[axis] if b is not None else 0
    rows_plan(&r)
    threads = threads_for(1.0 * y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3])
    scratch = <real *>malloc(threads * r.scratch * REAL_BYTES + 1)
    if scratch == NULL:
        raise MemoryError(f"scratch of {threads * r.scratch} values")
    for job in prange(r.jobs, nogil=True, num_threads=threads, schedule="static"):
        row_job(&r, run, job, scratch + threadid() * r.scratch)
    free(scratch)
    return 0


cdef void row_job(const Rows *r, row_formula run, Py_ssize_t job, real *scratch) noexcept nogil:
    """Neighbouring rows: each array's rows where they lie, or gathered in scratch."""
    cdef real *row[3]
    cdef Py_ssize_t step[3]
    cdef Py_ssize_t j, count = rows_open(r, job, scratch, row, step)
    for j in range(count):
        run(row[0] + j * step[0], row[1] + j * step[1], row[2] + j * step[2], r.shape[3])
    rows_close(r, job, row)


# ---------------------------------------------------------------- the weight gradient of prelu

cdef enum:
    GROUPS = 64  # the rows are cut into so many sums, whatever the number of threads


def prelu_backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:] dw):
    """dw[k] = sum of dy[k] x[k] over the rows along the last axis where x[k] <= 0; one weight takes all sums."""
    cdef Rows r
    cdef Py_ssize_t k, axis, group, K = x.shape[3], rows = x.shape[0] * x.shape[1] * x.shape[2]
    cdef int threads
    cdef real *scratch
    cdef double *partial
    cdef double total = 0
    dw[:] = 0
    if rows == 0 or K == 0:
        return
    r.base[0], r.base[1], r.base[2] = <char *>&dy[0, 0, 0, 0], <char *>&x[0, 0, 0, 0], NULL
    for axis in range(4):
        r.shape[axis], r.stride[0][axis], r.stride[1][axis] = x.shape[axis], dy.strides[axis], x.strides[axis]
        r.stride[2][axis] = 0
    rows_plan(&r)
    threads = threads_for(0.8 * rows * K)
    partial = <double *>calloc(GROUPS * K, sizeof(double))
    scratch = <real *>malloc(threads * r.scratch * REAL_BYTES + 1)
    if partial == NULL or scratch == NULL:
        free(partial)
        free(scratch)
        raise MemoryError(f"scratch of {threads * r.scratch} values")
    for group in prange(GROUPS, nogil=True, num_threads=threads, schedule="static"):
        prelu_group(&r, group, partial + group * K, scratch + threadid() * r.scratch)
    for k in range(K):
        if dw.shape[0] > 1:
            total = 0
        for group in range(GROUPS):
            total += partial[group * K + k]
        dw[k if dw.shape[0] > 1 else 0] = <real>total
    free(partial)
    free(scratch)


cdef void prelu_group(const Rows *r, Py_ssize_t group, double *sums, real *scratch) noexcept nogil:
    cdef real *row[3]
    cdef Py_ssize_t step[3]
    cdef Py_ssize_t job, j
    for job in range(r.jobs * group // GROUPS, r.jobs * (group + 1) // GROUPS):
        for j in range(rows_open(r, job, scratch, row, step)):
            prelu_row(row[0] + j * step[0], row[1] + j * step[1], sums, r.shape[3])


cdef void prelu_row(const real *dy, const real *x, double *sums, Py_ssize_t K) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(K):
        sums[k] += 0 if x[k] > 0 else <double>dy[k] * x[k]
