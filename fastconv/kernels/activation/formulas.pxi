# The formulas of the elementwise operations, one line per formula: y = formula of the vectors a, b, c (the inputs in
# their order) and the numbers p, q. An input, its gradient dx: a = dy, b = x, or b = y where a comment says so.
# F2(mish_backward, SMOOTH_NS, ...): a formula of two inputs that takes so many nanoseconds per element.

cdef extern from *:
    """
    #define LOAD1 vf a = vload(pa + i);
    #define LOAD2 LOAD1 vf b = vload(pb + i);
    #define LOAD3 LOAD2 vf c = vload(pc + i);
    #define LOOP(name, loads, formula)                                                                                 \\
        static void name##_run(const REAL *pa, const REAL *pb, const REAL *pc, REAL *y, REAL *unused,                  \\
                               Py_ssize_t vectors, REAL number0, REAL number1) {                                       \\
            const vf p = vsplat(number0), q = vsplat(number1);                                                         \\
            (void)p; (void)q; (void)pb; (void)pc; (void)unused;                                                        \\
            for (Py_ssize_t i = 0; i < vectors * VL; i += VL) { loads vstore(y + i, (formula)); }                      \\
        }

    /* w x, and 0 where w = 0 and x is infinite: the limit of 0 x as x grows */
    VINLINE vf sloped(vf x, vf w) { return vpick(w == 0, vclamp(x, -REAL_MAX, REAL_MAX), x) * w; }
    /* sigmoid(x), and sigmoid(-x) = 1 / (e + 1), e = exp(x), in *rest */
    VINLINE vf sigmoids(vf x, vf *rest) {
        vf e = vexp_within(vclamp(x, EXP_LOW, -EXPM1_LOW));
        *rest = 1 / (e + 1);
        return e * *rest;
    }
    /* x P(X < x), X standard normal: max(x, 0) - a P(X > a), a = |x|; from a = 40 on the tail is 0 */
    VINLINE vf gelu(vf x) {
        vf e, a = vmin(vsplat(40), vabs(x)), tail = vnormal_tail(a, &e);
        return vlarger(vzero, x) - a * tail;
    }
    /* P(X < x) + x exp(-x^2 / 2) / sqrt(2 pi): q below 0 and 1 - q above, q = P(X > a) - a exp(-a^2 / 2) / sqrt(2 pi) */
    VINLINE vf gelu_slope(vf x) {
        vf e, a = vmin(vsplat(40), vabs(x)), tail = vnormal_tail(a, &e), q = tail - a * (REAL)0.398942280401432678 * e;
        return vpick(x < 0, q, 1 - q);
    }
    /* The tanh form is x sigmoid(u), u = 2 sqrt(2 / pi) (x + 0.044715 x^3) = x (A + B x^2) */
    #define GELU_A ((REAL)1.59576912160573071)
    #define GELU_B ((REAL)0.0713548162726002527)
    VINLINE vf gelu_tanh(vf x) {
        x = vlarger(vsplat(-100), x);
        return x * vsigmoid(x * (x * x * GELU_B + GELU_A));
    }
    /* sigmoid(u) (1 + x sigmoid(-u) (A + 3 B x^2)) */
    VINLINE vf gelu_tanh_slope(vf x) {
        x = vclamp(x, -100, 100);
        vf rest, s = sigmoids(x * (x * x * GELU_B + GELU_A), &rest);
        return s * (x * rest * (x * x * (3 * GELU_B) + GELU_A) + 1);
    }
    /* x sigmoid(x), and its slope sigmoid(x) (1 + x sigmoid(-x)) */
    VINLINE vf silu(vf x) {
        x = vlarger(vsplat(EXP_LOW), x);
        vf e = vexp_within(vmin(vsplat(-EXPM1_LOW), x));
        return x * (e / (e + 1));
    }
    VINLINE vf silu_slope(vf x) {
        x = vclamp(x, -1000, 1000);
        vf rest, s = sigmoids(x, &rest);
        return s * (x * rest + 1);
    }
    /* log(1 + exp(x)) = log(1 + exp(-|x|)) + max(x, 0) */
    VINLINE vf softplus(vf x) { return vlog1p(vexp_fall(x)) + vlarger(vzero, x); }
    /* x tanh(log(1 + e)) = x n / (n + 2), e = exp(x), n = e (e + 2); above the clamp n / (n + 2) is 1 */
    #define MISH_HIGH (EXPM1_LOW * (REAL)-0.5)
    VINLINE vf mish(vf x) {
        x = vlarger(vsplat(EXP_LOW), x);
        vf e = vexp_within(vmin(vsplat(MISH_HIGH), x)), n = e * (e + 2);
        return x * (n / (n + 2));
    }
    /* n / (n + 2) + 4 x e (e + 1) / (n + 2)^2 */
    VINLINE vf mish_slope(vf x) {
        x = vclamp(x, -1000, 1000);
        vf e = vexp_within(vclamp(x, EXP_LOW, MISH_HIGH)), n = e * (e + 2), r = 1 / (n + 2);
        return (n + x * (e * (e + 1) * r * 4)) * r;
    }
    /* x / (1 + |x|); 1 at infinity */
    VINLINE vf softsign(vf x) { x = vclamp(x, -REAL_MAX, REAL_MAX); return x / (vabs(x) + 1); }
    /* dy / (1 + |x|)^2 */
    VINLINE vf softsign_backward(vf dy, vf x) { vf r = 1 / (vabs(x) + 1); return dy * r * r; }

    #define FORMULAS(F1, F2, F3) \\
        F1(sigmoid, EXP_NS, vsigmoid(a))                                                                       \\
        F2(sigmoid_backward, EXP_NS, a * ((1 - b) * b))  /* b = y */                                           \\
        F1(tanh, EXP_NS, vtanh(a))                                                                             \\
        F2(tanh_backward, EXP_NS, a * ((1 - b) * (1 + b)))  /* b = y */                                        \\
        F1(relu, RECTIFIER_NS, vlarger(vzero, a))                                                              \\
        F1(threshold, RECTIFIER_NS, vpick(a <= p, q, a))                                                       \\
        F2(threshold_backward, RECTIFIER_NS, vpick(b <= p, vzero, a))  /* of relu too */                       \\
        F1(leaky_relu, RECTIFIER_NS, vpick(a > 0, a, sloped(a, p)))                                            \\
        F2(leaky_relu_backward, RECTIFIER_NS, vpick(b > 0, a, a * p))                                          \\
        F2(prelu, RECTIFIER_NS, vpick(a > 0, a, sloped(a, b)))                                                 \\
        F3(prelu_backward, RECTIFIER_NS, vpick(b > 0, a, a * c))  /* c = w */                                  \\
        F1(hardtanh, RECTIFIER_NS, vmin(q, vmax(p, a)))                                                        \\
        F2(hardtanh_backward, RECTIFIER_NS, vpick((b <= p) | (b >= q), vzero, a))  /* b = x or y */            \\
        F1(elu, EXP_NS, vpick(a < 0, p * vexpm1(a), q * a))  /* selu too */                                    \\
        F2(elu_backward, EXP_NS, a * vpick(b > 0, q, p * vexp(b)))                                             \\
        F1(celu, EXP_NS, vpick(a < 0, p * vexpm1(a / p), a))                                                   \\
        F2(celu_backward, EXP_NS, vpick(b > 0, a, a * vexp(b / p)))                                            \\
        F1(gelu, SMOOTH_NS, gelu(a))                                                                           \\
        F2(gelu_backward, SMOOTH_NS, a * gelu_slope(b))                                                        \\
        F1(gelu_tanh, SMOOTH_NS, gelu_tanh(a))                                                                 \\
        F2(gelu_tanh_backward, SMOOTH_NS, a * gelu_tanh_slope(b))                                              \\
        F1(silu, SILU_NS, silu(a))                                                                             \\
        F2(silu_backward, SILU_NS, a * silu_slope(b))                                                          \\
        F1(mish, SILU_NS, mish(a))                                                                             \\
        F2(mish_backward, SILU_NS, a * mish_slope(b))                                                          \\
        F1(softsign, RECTIFIER_NS, softsign(a))                                                                \\
        F2(softsign_backward, RECTIFIER_NS, softsign_backward(a, b))                                           \\
        F1(hardsigmoid, RECTIFIER_NS, vclamp(a + 3, 0, 6) / 6)                                                 \\
        F2(hardsigmoid_backward, RECTIFIER_NS, vpick((b <= -3) | (b >= 3), vzero, a / 6))                      \\
        F1(hardswish, RECTIFIER_NS, vlarger(vsplat(-3), a) * (vclamp(a + 3, 0, 6) / 6))                        \\
        F2(hardswish_backward, RECTIFIER_NS, vpick(b <= -3, vzero, vpick(b >= 3, a, a * (b / 3 + (REAL)0.5)))) \\
        F1(softplus, SMOOTH_NS, vpick(a * p > q, a, softplus(a * p) / p))  /* logsigmoid too */                \\
        F2(softplus_backward, SMOOTH_NS, vpick(b * p > q, a, a * vsigmoid(b * p)))                             \\
        F1(exp, EXP_NS, vexp(a))                                                                               \\
        F1(sqrt, RECTIFIER_NS, vroot(a))                                                                       \\
        F2(sqrt_backward, RECTIFIER_NS, a / (b + b))  /* b = y */                                              \\
        F1(reciprocal, RECTIFIER_NS, 1 / a)                                                                    \\
        F2(reciprocal_backward, RECTIFIER_NS, -a * (b * b))  /* b = y */                                       \\
        F2(multiply, ADD_NS, a * b)                                                                            \\
        F2(add, ADD_NS, a + b)                                                                                 \\
        F2(add_relu, ADD_NS, vlarger(vzero, a + b))                                                            \\
        F2(add_relu6, ADD_NS, vclamp(a + b, 0, 6))

    #define RUN1(name, cost, formula) LOOP(name, LOAD1, formula)
    #define RUN2(name, cost, formula) LOOP(name, LOAD2, formula)
    #define RUN3(name, cost, formula) LOOP(name, LOAD3, formula)
    FORMULAS(RUN1, RUN2, RUN3)

    typedef void (*formula_run)(const REAL *, const REAL *, const REAL *, REAL *, REAL *, Py_ssize_t, REAL, REAL);
    typedef struct { const char *name; formula_run run; double cost; int inputs; } Formula;
    #define ROW1(name, cost, formula) {#name, name##_run, cost, 1},
    #define ROW2(name, cost, formula) {#name, name##_run, cost, 2},
    #define ROW3(name, cost, formula) {#name, name##_run, cost, 3},
    static const Formula TABLE[] = {FORMULAS(ROW1, ROW2, ROW3)};
    #define FORMULA_COUNT ((int)(sizeof(TABLE) / sizeof(TABLE[0])))
    """
    ctypedef struct Formula:
        const char *name
        formula run
        double cost  # nanoseconds of an element
        int inputs
    const Formula TABLE[1]
    const int FORMULA_COUNT
