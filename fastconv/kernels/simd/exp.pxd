# exp and the functions built on it, on vectors: vexp, vexpm1 (x <= 0), vlog1p (0 <= x <= 1), vsigmoid, vtanh, vnormal_tail.
#
# exp(x) = 2^n (1 + r + r^2 q(r)), n = round(x / ln 2), r = x - n ln 2 in two steps, q a polynomial; 2^n in two factors,
# so that overflow gives inf and underflow is gradual. Clamps are written so that a NaN passes through them.
# Needs no fast-math, and breaks under it.

from .vector cimport real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_VEXP
    #define FASTCONV_VEXP
    #define VINLINE static inline __attribute__((always_inline))
    #if REAL_BYTES == 4
    typedef int vint __attribute__((vector_size(VBYTES), aligned(4), may_alias));
    #define EXP_LOW (-104.0f)
    #define EXP_HIGH 89.0f
    #define EXPM1_LOW (-40.0f)
    #define LOG2E 1.44269504088896341f
    #define LN2_HIGH 0.693359375f
    #define LN2_LOW (-2.12194440e-4f)
    #define ROUND 12582912.0f      /* 1.5 * 2^23: adding it rounds to an integer */
    #define SIGNIFICAND 23
    #define BIAS 127
    #define SIGN_BIT ((int)0x80000000)
    #define HALF_SIGNIFICAND ((int)0xfffff000)
    static const REAL exp_q[] = {1.38144333616e-3f, 8.36879668139e-3f, 4.16683957916e-2f, 1.66665199735e-1f,
                                 4.99999934034e-1f};
    static const REAL log_r[] = {0.24279078841f, 0.28498786688f, 0.40000972152f, 0.66666662693f};
    #define TAIL_K 3.0f
    static const REAL normal_tail[] = {
        1.849729057e-5f, 4.444131807e-5f, -8.15697736e-5f, -0.000344825517f, 0.0003413857748f, 0.002323306717f,
        -0.003487429656f, -0.01575425397f, 0.07667255889f, -0.1697773296f, 0.2430278969f};
    #else
    typedef long long vint __attribute__((vector_size(VBYTES), aligned(8), may_alias));
    #define EXP_LOW (-746.0)
    #define EXP_HIGH 710.0
    #define EXPM1_LOW (-80.0)
    #define LOG2E 1.44269504088896341
    #define LN2_HIGH 6.93147180369123816490e-01
    #define LN2_LOW 1.90821492927058770002e-10
    #define ROUND 6755399441055744.0
    #define SIGNIFICAND 52
    #define BIAS 1023
    #define SIGN_BIT ((long long)0x8000000000000000)
    #define HALF_SIGNIFICAND ((long long)0xfffffffff8000000)
    static const REAL exp_q[] = {
        2.49999407038894349e-8, 2.7630411978916723e-7, 2.75575875904523996e-6, 2.48014926766111281e-5,
        1.98412695042999319e-4, 1.38888889439977345e-3, 8.33333333349592242e-3, 4.16666666665289393e-2,
        0.166666666666664096, 0.500000000000001075};
    static const REAL log_r[] = {1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1,
                                 2.222219843214978396e-1, 2.857142874366239149e-1, 3.999999999940941908e-1,
                                 6.666666666666735130e-1};
    #define TAIL_K 5.0
    static const REAL normal_tail[] = {
        -3.17549376549467308e-11, 3.50609680281646396e-10, 1.53261436015200821e-9, -1.86271219886521183e-9,
        -1.31884433249544461e-8, 8.45499874801306968e-9, 8.66282071372516991e-8, -6.73230736202494234e-8,
        -5.53853419199486049e-7, 7.96180431573608224e-7, 3.33624274840841229e-6, -9.95256285411716103e-6,
        -1.18751456019831727e-5, 1.08979812954625979e-4, -1.59573879693214021e-4, -5.98675354101708488e-4,
        4.15901335997663593e-3, -1.38237277412620327e-2, 3.30040732340769436e-2, -6.27066313342609089e-2,
        9.90611231939952827e-2, -1.3307650057801134e-1, 1.53838609950012592e-1};
    #endif

    /* m ? a : b in each lane; m is a comparison of vectors */
    #define vpick(m, a, b) vpick_bits((vint)(m), (a), (b))
    VINLINE vf vpick_bits(vint m, vf a, vf b) { return (vf)(((vint)a & m) | ((vint)b & ~m)); }
    VINLINE vf vabs(vf x) { return (vf)((vint)x & ~SIGN_BIT); }
    /* |x| with the sign of `sign` */
    VINLINE vf vsign_of(vf sign, vf x) { return (vf)(((vint)sign & SIGN_BIT) | ((vint)x & ~SIGN_BIT)); }
    /* max(a, b), and b where either is NaN */
    VINLINE vf vlarger(vf a, vf b) { return vmax(a, b); }
    /* min(max(x, low), high); NaN stays */
    VINLINE vf vclamp(vf x, REAL low, REAL high) { return vmin(vsplat(high), vmax(vsplat(low), x)); }
    /* c[0] t^(n-1) + ... + c[n-1], two terms at a time: half as long a chain of operations */
    VINLINE vf vpoly_n(const REAL *c, int n, vf t) {
        vf v = n % 2 ? vsplat(c[0]) : t * c[0] + c[1], square = t * t;
        #pragma GCC unroll 32
        for (int i = 2 - n % 2; i < n; i += 2) v = v * square + (t * c[i] + c[i + 1]);
        return v;
    }
    #define vpoly(c, t) vpoly_n(c, sizeof(c) / sizeof(c[0]), t)
    /* 2^n, written into the exponent; the result is a normal number */
    VINLINE vf vpower_of_2(vint n) { return (vf)((n + BIAS) << SIGNIFICAND); }

    /* p 2^n for whole n, rounded once */
    #if VBYTES == 64 && REAL_BYTES == 4
    #define vscale(p, n) ((vf)_mm512_scalef_ps((__m512)(p), (__m512)(n)))
    #elif VBYTES == 64
    #define vscale(p, n) ((vf)_mm512_scalef_pd((__m512d)(p), (__m512d)(n)))
    #else
    VINLINE vf vscale(vf p, vf n) {
        vf half = n * (REAL)0.5 + ROUND;
        vint i = (vint)(n + ROUND) - (vint)vsplat(ROUND), i1 = (vint)half - (vint)vsplat(ROUND);
        return p * vpower_of_2(i1) * vpower_of_2(i - i1);
    }
    #endif
    /* exp(n ln 2 + r) */
    VINLINE vf vexp_reduced(vf n, vf r) { return vscale((r * r * vpoly(exp_q, r) + r) + 1, n); }
    /* exp((h + l) / -2) for h >= 0, |l| small; no clamp where `vscale` takes any n */
    VINLINE vf vexp_half(vf h, vf l) {
        h = h * (REAL)-0.5;
    #if VBYTES != 64
        h = vmax(vsplat(EXP_LOW), h);
    #endif
        vf n = (h * LOG2E + ROUND) - ROUND;
        return vexp_reduced(n, l * (REAL)-0.5 + ((h - n * LN2_HIGH) - n * LN2_LOW));
    }
    /* exp(x) for EXP_LOW <= x <= EXP_HIGH */
    VINLINE vf vexp_within(vf x) {
        vf n = (x * LOG2E + ROUND) - ROUND;
        return vexp_reduced(n, (x - n * LN2_HIGH) - n * LN2_LOW);
    }
    /* exp(x) */
    VINLINE vf vexp(vf x) { return vexp_within(vclamp(x, EXP_LOW, EXP_HIGH)); }
    /* exp(-|x|) */
    VINLINE vf vexp_fall(vf x) { return vexp_within(vmax(vsplat(EXP_LOW), -vabs(x))); }

    /* exp(x) - 1 for EXPM1_LOW <= x <= 0, with its relative accuracy near 0 */
    VINLINE vf vexpm1_within(vf x) {
        vf t = x * LOG2E + ROUND, n = t - ROUND;
        vf r = (x - n * LN2_HIGH) - n * LN2_LOW;
        vf p = r * r * vpoly(exp_q, r) + r, s = vpower_of_2((vint)t - (vint)vsplat(ROUND));
        return p * s + (s - 1);
    }
    /* exp(x) - 1 for x <= 0; a larger x counts as 0 */
    VINLINE vf vexpm1(vf x) { return vexpm1_within(vclamp(x, EXPM1_LOW, 0)); }

    /* log(1 + x) for 0 <= x <= 1: with f = x, or (x - 1) / 2 and a ln 2, log(1 + f) = f - (h - s (h + R(s^2))),
       h = f^2 / 2, s = f / (2 + f) (R is the polynomial of fdlibm's log). */
    VINLINE vf vlog1p(vf x) {
        vint big = (vint)(x > (REAL)0.41421356237);
        vf f = vpick(big, (x - 1) * (REAL)0.5, x), s = f / (f + 2), z = s * s, h = f * f * (REAL)0.5;
        vf y = f - (h - s * (h + z * vpoly(log_r, z)));
        return vpick(big, y + (REAL)0.693147180559945309, y);
    }

    /* 1 / (1 + exp(-x)) as e / (e + 1), e = exp(x): no overflow, and full accuracy down to the smallest results */
    VINLINE vf vsigmoid(vf x) {
        vf e = vexp_within(vclamp(x, EXP_LOW, -EXPM1_LOW));
        return e / (e + 1);
    }
    /* tanh |x| = -m / (m + 2), m = exp(-2|x|) - 1 */
    VINLINE vf vtanh(vf x) {
        vf m = vexpm1_within(vmax(vsplat(EXPM1_LOW), vabs(x) * -2));
        return vsign_of(x, m / (m + 2));
    }

    /* The upper tail of the standard normal distribution, P(X > a) for 0 <= a <= 40, and exp(-a^2 / 2) in *e:
       P(X > a) = exp(-a^2 / 2) (k / (a + k)) f(t), t = 1 - 2 k / (a + k), f a polynomial.
       The square is the sum of two numbers, so that its rounding error does not grow in the exponent. */
    VINLINE vf vnormal_tail(vf a, vf *e) {
        vf s = TAIL_K / (a + TAIL_K);
    #if VBYTES >= 32
        vf h = a * a, l = vfma(a, a, -h);  /* what rounding took from h */
    #else
        vf b = (vf)((vint)a & HALF_SIGNIFICAND), h = b * b, l = (a - b) * (a + b);
    #endif
        *e = vexp_half(h, l);
        return *e * (s * vpoly(normal_tail, s * -2 + 1));
    }
    #endif
    """
    vf vexp(vf x) noexcept nogil
    vf vlarger(vf a, vf b) noexcept nogil
