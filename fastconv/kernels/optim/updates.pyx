"""Optimizers: one pass over the parameter, its gradient and what the rule remembers of it; sums of squares.

Vectors w, g (the gradient) and up to three more of one length, with unit stride. Every product and sum is rounded by
itself (no fused multiply-add), so that all builds give the same bits, those of the same steps in NumPy.
"""
from cython.parallel cimport prange
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from fastconv.kernels.runtime.threads cimport threads_for
from ..simd.vector cimport REAL_BYTES, VL, real

# One line a rule: w, g and the vectors u, v, z in; the numbers p[0], p[1], ... splat.
cdef extern from *:
    """
    #include <math.h>
    #if defined(__GNUC__) && !defined(__clang__)
    #define NO_FMA __attribute__((optimize("fp-contract=off")))
    #else
    #define NO_FMA
    #pragma STDC FP_CONTRACT OFF
    #endif
    #if REAL_BYTES == 4
    #define OPTIM_SQRT sqrtf
    #else
    #define OPTIM_SQRT sqrt
    #endif
    #define OPTIM_VSQRT(a, y) { vf t_ = (a); for (int j = 0; j < VL; j++) y[j] = OPTIM_SQRT(t_[j]); }
    typedef struct { REAL lr, decay, momentum, eps, a, b, c, d; int nesterov; } OptimNumbers;

    NO_FMA static void sgd_run(REAL *w, const REAL *g, REAL *u, REAL *v, REAL *z, Py_ssize_t vectors,
                               const OptimNumbers *p) {
        const OptimNumbers q = *p; /* a copy: no store can change it */
        (void)v; (void)z;
        for (Py_ssize_t i = 0; i < vectors * VL; i += VL) {
            vf W = vload(w + i), G = vload(g + i);
            if (q.decay != 0) G = W * q.decay + G;
            if (u) {
                vf V = vload(u + i) * q.momentum + G;
                vstore(u + i, V);
                if (q.nesterov) G = G + V * q.momentum;
                else G = V;
            }
            vstore(w + i, W - G * q.lr);
        }
    }
    /* u: first moment, v: second; a = 1 - beta1, b = beta2, c = sqrt(1 - beta2^t), d = 1 - lr decay (AdamW);
       lr already divided by 1 - beta1^t */
    NO_FMA static void adam_run(REAL *w, const REAL *g, REAL *u, REAL *v, REAL *z, Py_ssize_t vectors,
                                const OptimNumbers *p) {
        const OptimNumbers q = *p;
        const REAL rest = 1 - q.b;
        (void)z;
        for (Py_ssize_t i = 0; i < vectors * VL; i += VL) {
            vf W = vload(w + i) * q.d, G = vload(g + i), U = vload(u + i), V = vload(v + i), S;
            if (q.decay != 0) G = W * q.decay + G;
            U = U + (G - U) * q.a;
            V = V * q.b + G * G * rest;
            vstore(u + i, U);
            vstore(v + i, V);
            OPTIM_VSQRT(V, S)
            vstore(w + i, W - U / (S / q.c + q.eps) * q.lr);
        }
    }
    /* u: mean of squares, v: velocity or NULL, z: mean or NULL; a = 1 - alpha, b = alpha */
    NO_FMA static void rmsprop_run(REAL *w, const REAL *g, REAL *u, REAL *v, REAL *z, Py_ssize_t vectors,
                                   const OptimNumbers *p) {
        const OptimNumbers q = *p;
        for (Py_ssize_t i = 0; i < vectors * VL; i += VL) {
            vf W = vload(w + i), G = vload(g + i), S;
            if (q.decay != 0) G = W * q.decay + G;
            vf U = vload(u + i) * q.b + G * G * q.a, D = U;
            vstore(u + i, U);
            if (z) {
                vf Z = vload(z + i);
                Z = Z + (G - Z) * q.a;
                vstore(z + i, Z);
                D = vmax(vzero, U - Z * Z); /* rounding may take it below 0; NaN stays */
            }
            OPTIM_VSQRT(D, S)
            G = G / (S + q.eps);
            if (v) {
                G = vload(v + i) * q.momentum + G;
                vstore(v + i, G);
            }
            vstore(w + i, W - G * q.lr);
        }
    }
    """
    ctypedef struct Numbers "OptimNumbers":
        real lr, decay, momentum, eps, a, b, c, d
        int nesterov

ctypedef void (*rule)(real *w, const real *g, real *u, real *v, real *z, Py_ssize_t vectors,
                      const Numbers *p) noexcept nogil

cdef extern from *:
    rule sgd_run, adam_run, rmsprop_run

cdef enum:
    BLOCK = 16384  # elements of a job
    MAX_LANES = 16


def sgd(real[:] w, const real[:] g, real[:] velocity, double lr, double momentum, double decay, bint nesterov):
    """w <- w - lr step, step = g + decay w, or (velocity not None) the velocity after that"""
    cdef Numbers p
    memset(&p, 0, sizeof(Numbers))
    p.lr, p.momentum, p.decay, p.nesterov = <real>lr, <real>momentum, <real>decay, nesterov
    each(sgd_run, &p, 0.35, w, g, velocity, None, None)


def adam(real[:] w, const real[:] g, real[:] first, real[:] second, double lr, double beta1, double beta2, double eps,
         double decay, double keep, double correction1, double correction2):
    """keep: what of w is left before the step (AdamW); corrections 1 - beta1^t and sqrt(1 - beta2^t)"""
    cdef Numbers p
    memset(&p, 0, sizeof(Numbers))
    p.lr, p.decay, p.eps, p.a, p.b = <real>(lr / correction1), <real>decay, <real>eps, <real>(1 - beta1), <real>beta2
    p.c, p.d = <real>correction2, <real>keep
    each(adam_run, &p, 0.6, w, g, first, second, None)


def rmsprop(real[:] w, const real[:] g, real[:] squares, real[:] velocity, real[:] mean, double lr, double alpha,
            double eps, double decay, double momentum):
    cdef Numbers p
    memset(&p, 0, sizeof(Numbers))
    p.lr, p.decay, p.eps, p.momentum = <real>lr, <real>decay, <real>eps, <real>momentum
    p.a, p.b = <real>(1 - alpha), <real>alpha
    each(rmsprop_run, &p, 0.6, w, g, squares, velocity, mean)


cdef int each(rule run, const Numbers *p, double nanoseconds, real[:] w, const real[:] g, real[:] u, real[:] v,
              real[:] z) except -1:
    cdef Py_ssize_t size = w.shape[0], job, blocks = (size + BLOCK - 1) // BLOCK
    cdef int threads = threads_for(nanoseconds * size)
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
    for job in prange(blocks, nogil=True, num_threads=threads, schedule="static"):
        block(run, p, pw, pg, pu, pv, pz, job * BLOCK, min(<Py_ssize_t>BLOCK, size - job * BLOCK))
    return 0


cdef void block(rule run, const Numbers *p, real *w, const real *g, real *u, real *v, real *z, Py_ssize_t start,
                Py_ssize_t length) noexcept nogil:
    """Whole vectors where they lie, the rest through a padded copy."""
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


cdef real *at(real *p, Py_ssize_t start) noexcept nogil:
    return NULL if p == NULL else p + start


def sum_of_squares(const real[:] g):
    """sum g^2 in double, over fixed blocks in their order"""
    cdef Py_ssize_t size = g.shape[0], job, blocks = (size + BLOCK - 1) // BLOCK
    cdef int threads = threads_for(0.2 * size)
    cdef double total = 0
    cdef double *parts
    if size == 0:
        return 0.0
    parts = <double *>malloc(blocks * sizeof(double))
    if parts == NULL:
        raise MemoryError(f"sums of {blocks} blocks")
    for job in prange(blocks, nogil=True, num_threads=threads, schedule="static"):
        parts[job] = squares(&g[job * BLOCK], min(<Py_ssize_t>BLOCK, size - job * BLOCK))
    for job in range(blocks):
        total += parts[job]
    free(parts)
    return total


cdef double squares(const real *g, Py_ssize_t length) noexcept nogil:
    """In sixteen interleaved sums."""
    cdef double s[16]
    cdef double total = 0
    cdef Py_ssize_t i, j
    for j in range(16):
        s[j] = 0
    for i in range(length // 16):
        for j in range(16):
            s[j] += <double>g[16 * i + j] * g[16 * i + j]
    for i in range(length - length % 16, length):
        s[i % 16] += <double>g[i] * g[i]
    for j in range(16):
        total += s[j]
    return total


def scale(real[:] g, double factor):
    """g <- factor g"""
    cdef Py_ssize_t size = g.shape[0], job, blocks = (size + BLOCK - 1) // BLOCK
    cdef int threads = threads_for(0.2 * size)
    if size == 0:
        return
    for job in prange(blocks, nogil=True, num_threads=threads, schedule="static"):
        scale_block(&g[job * BLOCK], min(<Py_ssize_t>BLOCK, size - job * BLOCK), <real>factor)


cdef void scale_block(real *g, Py_ssize_t length, real factor) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(length):
        g[i] = g[i] * factor
