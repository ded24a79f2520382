"""Optimizers: one pass over the parameter, its gradient and the vectors that the rule keeps; sums of squares.

Vectors w, g (the gradient) and up to three more of one length, with unit stride. Every product and sum is rounded by
itself (no fused multiply-add), so that all builds give the same bits, those of the same steps in NumPy. The pieces:
rules.pxi (the rules, in C), gradients.pxi (sums of squares and scaling of gradients).
"""
from cython.parallel cimport prange
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..runtime.costs cimport GRADIENT_NS, MOMENTS_NS, SGD_NS
from ..runtime.sizes cimport ceil_div
from ..simd.vector cimport MAX_LANES, REAL_BYTES, VL, real

include "rules.pxi"

cdef enum:
    ELEMENTS_PER_JOB = 16384


def sgd(real[:] w, const real[:] g, real[:] velocity, double lr, double momentum, double decay, bint nesterov):
    """w <- w - lr step, step = g + decay w

    With a velocity: velocity <- momentum velocity + step, then step = velocity, or (nesterov) step + momentum velocity.
    """
    cdef Numbers p
    memset(&p, 0, sizeof(Numbers))
    p.lr, p.momentum, p.decay, p.nesterov = <real>lr, <real>momentum, <real>decay, nesterov
    each(sgd_run, &p, SGD_NS, w, g, velocity, None, None)


def adam(real[:] w, const real[:] g, real[:] first, real[:] second, double lr, double beta1, double beta2, double eps,
         double decay, double keep, double correction1, double correction2):
    """w <- keep w - lr / correction1 first / (sqrt(second) / correction2 + eps)

    first and second: means of g + decay keep w and of its square, updated first, with the shares beta1 and beta2 of the
    old. keep: 1 - lr decay for AdamW, else 1; correction1 = 1 - beta1^t, correction2 = sqrt(1 - beta2^t).
    """
    cdef Numbers p
    memset(&p, 0, sizeof(Numbers))
    p.lr, p.decay, p.eps, p.shrink = <real>(lr / correction1), <real>decay, <real>eps, <real>keep
    p.fresh, p.kept, p.correction = <real>(1 - beta1), <real>beta2, <real>correction2
    each(adam_run, &p, MOMENTS_NS, w, g, first, second, None)


def rmsprop(real[:] w, const real[:] g, real[:] squares, real[:] velocity, real[:] mean, double lr, double alpha,
            double eps, double decay, double momentum):
    """w <- w - lr step, step = g' / (sqrt(squares) + eps), g' = g + decay w

    squares: mean of g'^2, updated first, with the share alpha of the old. Unless None: mean, the mean of g', whose
    square is taken from squares; velocity <- momentum velocity + step, then step = velocity.
    """
    cdef Numbers p
    memset(&p, 0, sizeof(Numbers))
    p.lr, p.decay, p.eps, p.momentum = <real>lr, <real>decay, <real>eps, <real>momentum
    p.fresh, p.kept = <real>(1 - alpha), <real>alpha
    each(rmsprop_run, &p, MOMENTS_NS, w, g, squares, velocity, mean)


cdef int each(rule run, const Numbers *p, double cost, real[:] w, const real[:] g, real[:] u, real[:] v,
              real[:] z) except -1:
    """Apply a rule to vectors of one length; u, v, z may be None. cost: ns per parameter."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t size = w.shape[0], job, jobs = ceil_div(size, ELEMENTS_PER_JOB)
    cdef int threads = threads_for(cost * size)
    cdef real *pw = NULL
    cdef const real *pg = NULL
    cdef real *pu = NULL
    cdef real *pv = NULL
    cdef real *pz = NULL
    if size == 0:
        return 0
    pw, pg = &w[0], &g[0]
    if u is not None:
        pu = &u[0]
    if v is not None:
        pv = &v[0]
    if z is not None:
        pz = &z[0]
    share_out(&ranges, jobs, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            run_job(run, p, pw, pg, pu, pv, pz, job * ELEMENTS_PER_JOB, job_length(size, job))
            job = next_job(&ranges, thread)
    return 0


cdef void run_job(rule run, const Numbers *p, real *w, const real *g, real *u, real *v, real *z, Py_ssize_t start,
                  Py_ssize_t length) noexcept nogil:
    """A rule on `length` elements from `start`: whole vectors where they lie, the rest in copies padded with zeros."""
    cdef real lanes[5][MAX_LANES]
    cdef real *own[3]
    cdef Py_ssize_t whole = length // VL, rest = length % VL, i
    own[0], own[1], own[2] = at(u, start), at(v, start), at(z, start)
    run(w + start, g + start, own[0], own[1], own[2], whole, p)
    if rest == 0:
        return
    start += whole * VL
    memset(lanes, 0, sizeof(lanes))
    memcpy(lanes[0], w + start, rest * REAL_BYTES)
    memcpy(lanes[1], g + start, rest * REAL_BYTES)
    own[0], own[1], own[2] = u, v, z
    for i in range(3):
        if own[i] != NULL:
            memcpy(lanes[2 + i], own[i] + start, rest * REAL_BYTES)
    run(lanes[0], lanes[1], NULL if u == NULL else lanes[2], NULL if v == NULL else lanes[3],
        NULL if z == NULL else lanes[4], 1, p)
    memcpy(w + start, lanes[0], rest * REAL_BYTES)
    for i in range(3):
        if own[i] != NULL:
            memcpy(own[i] + start, lanes[2 + i], rest * REAL_BYTES)


cdef inline Py_ssize_t job_length(Py_ssize_t size, Py_ssize_t job) noexcept nogil:
    """The elements of a job: as many as the others, or, in the last one, the rest."""
    return min(<Py_ssize_t>ELEMENTS_PER_JOB, size - job * ELEMENTS_PER_JOB)


cdef real *at(real *p, Py_ssize_t start) noexcept nogil:
    """p + start, and NULL for an absent vector."""
    return NULL if p == NULL else p + start


include "gradients.pxi"
