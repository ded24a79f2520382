# The formulas of the elementwise operations, one line per formula: y = formula of the vectors a, b, c (the inputs in
# their order) and the numbers p, q. FORMULA2(sigmoid_backward, ...) defines `sigmoid_backward_run` with two inputs.

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

    /* w x, and 0 where w = 0 and x is infinite: the limit of 0 x as x grows */
    VINLINE vf sloped(vf x, vf w) { return vpick(w == 0, vclamp(x, -REAL_MAX, REAL_MAX), x) * w; }
    /* x P(X < x), X standard normal; from -40 down it is 0 */
    VINLINE vf gelu(vf x) { vf cdf; vnormal(vclamp(x, -40, 40), &cdf); return vpick(x < -40, vsplat(-40), x) * cdf; }
    /* P(X < x) + x exp(-x^2 / 2) / sqrt(2 pi) */
    VINLINE vf gelu_slope(vf x) {
        vf cdf, c = vclamp(x, -40, 40), e = vnormal(c, &cdf);
        return c * e * (REAL)0.398942280401432678 + cdf;
    }
    /* The tanh form is x sigmoid(u), u = 2 sqrt(2 / pi) (x + 0.044715 x^3) = x (A + B x^2) */
    #define GELU_A ((REAL)1.59576912160573071)
    #define GELU_B ((REAL)0.0713548162726002527)
    VINLINE vf gelu_tanh(vf x) {
        x = vpick(x < -100, vsplat(-100), x);
        return x * vsigmoid(x * (x * x * GELU_B + GELU_A));
    }
    /* sigmoid(u) + x sigmoid(u) sigmoid(-u) (A + 3 B x^2) */
    VINLINE vf gelu_tanh_slope(vf x) {
        x = vclamp(x, -100, 100);
        vf u = x * (x * x * GELU_B + GELU_A), s = vsigmoid(u);
        return x * s * vsigmoid(-u) * (x * x * (3 * GELU_B) + GELU_A) + s;
    }
    /* x sigmoid(x), and its slope sigmoid(x) (1 + x sigmoid(-x)) */
    VINLINE vf silu(vf x) { x = vpick(x < -1000, vsplat(-1000), x); return x * vsigmoid(x); }
    VINLINE vf silu_slope(vf x) { x = vclamp(x, -1000, 1000); return vsigmoid(x) * (x * vsigmoid(-x) + 1); }
    /* log(1 + exp(x)) = log(1 + exp(-|x|)) + max(x, 0) */
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
    FORMULA2(multiply, a * b)
    FORMULA2(add, a + b)
    FORMULA2(add_relu, vpick(a + b < 0, vzero, a + b))
    FORMULA2(add_relu6, vclamp(a + b, 0, 6))
    """
    formula multiply_run, sigmoid_run, sigmoid_backward_run, tanh_run, tanh_backward_run, relu_run, relu_backward_run
    formula leaky_relu_run, leaky_relu_backward_run, prelu_run, prelu_backward_run, relu6_run, relu6_backward_run
    formula elu_run, elu_backward_run, gelu_run, gelu_backward_run, gelu_tanh_run, gelu_tanh_backward_run
    formula silu_run, silu_backward_run, hardsigmoid_run, hardsigmoid_backward_run, hardswish_run
    formula hardswish_backward_run, softplus_run, softplus_backward_run, exp_run
    formula add_run, add_relu_run, add_relu6_run
