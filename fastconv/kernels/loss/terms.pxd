# The losses of single elements and their slopes, over whole vectors: one macro call per loss.

from ..simd.elementwise cimport formula
from ..simd.vector cimport real
from ..simd.exp cimport vexp

# LOSS(name, load, value, slope): y = value and dx = q slope, formulas of the vectors x, t, d = x - t, w (weight) and the
# number p; `load` defines further vectors that both need.
cdef extern from *:
    """
    #define LOSS(name, load, value, slope)                                                                             \\
        static void name##_run(const REAL *px, const REAL *pt, const REAL *pw, REAL *y, REAL *dx,                      \\
                               Py_ssize_t vectors, REAL p, REAL q) {                                                   \\
            (void)pw; (void)p;                                                                                         \\
            for (Py_ssize_t i = 0; i < vectors * VL; i += VL) {                                                        \\
                vf x = vload(px + i), t = vload(pt + i), d = x - t; (void)d;                                           \\
                load                                                                                                   \\
                vstore(y + i, (value));                                                                                \\
                vstore(dx + i, (slope) * q);                                                                           \\
            }                                                                                                          \\
        }
    #define WEIGHT vf w = vload(pw + i);
    /* log(1 + exp(-x)) = log(1 + e) + max(-x, 0), e = exp(-|x|). x is made finite, so that 0 x is 0; LIMIT makes the
       loss infinite again, unless it is 0 */
    #define EXP_TERM vf e = vexp_fall(x); vint far = (vint)(vabs(x) > REAL_MAX); x = vclamp(x, -REAL_MAX, REAL_MAX);
    #define LIMIT(v) vpick(far, vinfinite(v), (v))
    VINLINE vf vinfinite(vf v) { return vpick(v == 0, v, v * (REAL)INFINITY); }

    LOSS(mse, , d * d, d)  /* the caller's q holds the 2 of the slope */
    LOSS(l1, , vabs(d), vpick(d > 0, vsplat(1), vpick(d < 0, vsplat(-1), d)))
    LOSS(huber, , vpick(vabs(d) <= p, d * d * (REAL)0.5, (vabs(d) - p / 2) * p), vclamp(d, -p, p))
    LOSS(bce, EXP_TERM, LIMIT(vlog1p(e) + (vpick(x < 0, vzero, x) - x * t)),
         vpick(x < 0, e, vsplat(1)) / (e + 1) - t)
    /* w: the weight of a positive, where t = 1 */
    LOSS(bce_positive, EXP_TERM WEIGHT,
         LIMIT(((w - 1) * t + 1) * vlog1p(e) + vpick(x < 0, vpick(t == 0, vzero, -x * w * t), (1 - t) * x)),
         (1 - t) - ((w - 1) * t + 1) * (vpick(x < 0, vsplat(1), e) / (e + 1)))
    /* w: the weight of the element */
    LOSS(bce_weighted, EXP_TERM WEIGHT, LIMIT(w * (vlog1p(e) + (vpick(x < 0, vzero, x) - x * t))),
         w * (vpick(x < 0, e, vsplat(1)) / (e + 1) - t))
    /* t: the weight of yes, w: the weight of no */
    LOSS(bce_sides, EXP_TERM WEIGHT, LIMIT((t + w) * vlog1p(e) + vpick(x < 0, -x * t, x * w)),
         w * (vpick(x < 0, e, vsplat(1)) / (e + 1)) - t * (vpick(x < 0, vsplat(1), e) / (e + 1)))
    """
    formula mse_run, l1_run, huber_run, bce_run, bce_positive_run, bce_weighted_run, bce_sides_run
