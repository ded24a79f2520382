# The rules, over whole vectors: w and the kept vectors u, v, z (NULL: absent) are updated from the gradient g. The
# equations stand above each function; in its loop W, G, U, V, Z are vectors of w, g, u, v, z, and q holds the numbers.

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
    /* y[j] = sqrt(a[j]), each rounded correctly */
    #define OPTIM_VSQRT(a, y) { vf t_ = (a); for (int j = 0; j < VL; j++) y[j] = OPTIM_SQRT(t_[j]); }
    typedef struct {
        REAL lr, decay, momentum, eps;
        REAL fresh;       /* the share of the new gradient in a mean: 1 - beta1, 1 - alpha */
        REAL kept;        /* the share of the old mean of squares: beta2, alpha */
        REAL correction;  /* sqrt(1 - beta2^t) */
        REAL shrink;      /* the factor of w before the step: 1 - lr decay for AdamW, else 1 */
        int nesterov;
    } OptimNumbers;

    /* SGD with momentum (Polyak 1964; Nesterov 1983), u: velocity or NULL
           g' = g + decay w,   u <- momentum u + g',   step = u, or (nesterov) g' + momentum u, or (no u) g'
           w <- w - lr step */
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
    /* Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), u: first moment, v: second
           w' = shrink w,   g' = g + decay w'
           u <- u + (1 - beta1) (g' - u),   v <- beta2 v + (1 - beta2) g'^2
           w <- w' - lr u / (sqrt(v) / correction + eps),   lr already divided by 1 - beta1^t */
    NO_FMA static void adam_run(REAL *w, const REAL *g, REAL *u, REAL *v, REAL *z, Py_ssize_t vectors,
                                const OptimNumbers *p) {
        const OptimNumbers q = *p;
        const REAL rest = 1 - q.kept;
        (void)z;
        for (Py_ssize_t i = 0; i < vectors * VL; i += VL) {
            vf W = vload(w + i) * q.shrink, G = vload(g + i), U = vload(u + i), V = vload(v + i), S;
            if (q.decay != 0) G = W * q.decay + G;
            U = U + (G - U) * q.fresh;
            V = V * q.kept + G * G * rest;
            vstore(u + i, U);
            vstore(v + i, V);
            OPTIM_VSQRT(V, S)
            vstore(w + i, W - U / (S / q.correction + q.eps) * q.lr);
        }
    }
    /* RMSProp (Tieleman and Hinton 2012; centered: Graves 2013); u: mean of squares, v: velocity, z: mean, or NULL
           g' = g + decay w,   u <- alpha u + (1 - alpha) g'^2,   z <- z + (1 - alpha) (g' - z)
           step = g' / (sqrt(u) + eps), or (z) g' / (sqrt(u - z^2) + eps),   (v) v <- momentum v + step, step = v
           w <- w - lr step */
    NO_FMA static void rmsprop_run(REAL *w, const REAL *g, REAL *u, REAL *v, REAL *z, Py_ssize_t vectors,
                                   const OptimNumbers *p) {
        const OptimNumbers q = *p;
        for (Py_ssize_t i = 0; i < vectors * VL; i += VL) {
            vf W = vload(w + i), G = vload(g + i), S;
            if (q.decay != 0) G = W * q.decay + G;
            vf U = vload(u + i) * q.kept + G * G * q.fresh, D = U;
            vstore(u + i, U);
            if (z) {
                vf Z = vload(z + i);
                Z = Z + (G - Z) * q.fresh;
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
        real lr, decay, momentum, eps, fresh, kept, correction, shrink
        int nesterov

ctypedef void (*rule)(real *w, const real *g, real *u, real *v, real *z, Py_ssize_t vectors,
                      const Numbers *p) noexcept nogil

cdef extern from *:
    rule sgd_run, adam_run, rmsprop_run
