# The transforms of Winograd's convolution by Cook and Toom's construction with the points
#
#     0, sqrt 2, -sqrt 2, 1/sqrt 2, -1/sqrt 2, infinity        y = At ((G g) * (Bt d)),   n = 6 = m + r - 1
#
# in one dimension, m = 5 outputs of a 2-tap filter, 4 of a 3-tap one or 2 of a 5-tap one; Bt is the same for all:
#
#     Bt = 1     0   -5/2    0    1   0      row a of G:  1 a a^2 ... over N(a), N = 1, 6, 6, -3/2, -3/2; last 0 .. 0 1
#          0  -1/s   -1/2    s    1   0      column a of At: 1 a a^2 ...; last 0 .. 0 1
#          0   1/s   -1/2   -s    1   0
#          0   -s     -2    1/s   1   0      s = sqrt 2
#          0    s     -2   -1/s   1   0
#          0    1      0   -5/2   0   1
#
# Two dimensions apply them to columns, then to rows. Vectors run over channels. The gradients use the transposes.
# Small patches have n = 4, with the points 0, 1, -1, infinity: m = 2 outputs of a 3-tap filter.

from ..simd.vector cimport real, vf, VL, vload, vstore, vzero, activated

cdef extern from *:
    """
    #define SQRT2 ((REAL)1.41421356237309504880)
    #define SQRT1_2 ((REAL)0.70710678118654752440)
    #define HALF ((REAL)0.5)
    #define SIXTH ((REAL)(1.0 / 6))
    #define THIRD ((REAL)(1.0 / 3))
    #define SQRT2_3 ((REAL)0.47140452079103168293)
    #define SQRT2_6 ((REAL)0.23570226039551584147)
    #define SQRT2_4 ((REAL)0.35355339059327376220)
    #define SQRT8 ((REAL)2.82842712474619009760)
    """
    real SQRT2, SQRT1_2, HALF, SIXTH, THIRD, SQRT2_3, SQRT2_6, SQRT2_4, SQRT8


cdef extern from *:
    """
    typedef REAL quad __attribute__((vector_size(4 * REAL_BYTES), aligned(REAL_BYTES), may_alias));
    #define quad_load(p) (*(const quad *)(p))
    #define quad_store(p, q) (*(quad *)(p) = (q))
    #if defined(__has_builtin)
    #if __has_builtin(__builtin_shufflevector)
    #define quad_mix __builtin_shufflevector
    #endif
    #endif
    #ifndef quad_mix
    #define quad_mix(a, b, ...) __builtin_shuffle(a, b, (vi_quad){__VA_ARGS__})
    typedef vi_element vi_quad __attribute__((vector_size(4 * REAL_BYTES)));
    #endif
    """
    ctypedef float quad
    quad quad_load(const real *p) noexcept nogil
    void quad_store(real *p, quad q) noexcept nogil
    quad quad_mix(quad a, quad b, int i, int j, int k, int l) noexcept nogil


cdef inline void transpose_4(const real *x, Py_ssize_t xs, real *y, Py_ssize_t ys) noexcept nogil:
    """y[j * ys + i] = x[i * xs + j] for i, j < 4"""
    cdef quad a = quad_load(x), b = quad_load(x + xs), c = quad_load(x + 2 * xs), d = quad_load(x + 3 * xs)
    cdef quad e = quad_mix(a, b, 0, 4, 1, 5), f = quad_mix(c, d, 0, 4, 1, 5)
    cdef quad g = quad_mix(a, b, 2, 6, 3, 7), h = quad_mix(c, d, 2, 6, 3, 7)
    quad_store(y, quad_mix(e, f, 0, 1, 4, 5))
    quad_store(y + ys, quad_mix(e, f, 2, 3, 6, 7))
    quad_store(y + 2 * ys, quad_mix(g, h, 0, 1, 4, 5))
    quad_store(y + 3 * ys, quad_mix(g, h, 2, 3, 6, 7))


# ---------------------------------------------------------------- one dimension: t[0], t[s], ... = the result

cdef inline void input_6(vf d0, vf d1, vf d2, vf d3, vf d4, vf d5, vf *t, const int s) noexcept nogil:
    """Bt d"""
    cdef vf e = d4 - <real>0.5 * d2, o = d3 - <real>0.5 * d1
    cdef vf p = d4 - <real>2 * d2, q = d3 - <real>2 * d1
    t[0] = d0 + d4 - <real>2.5 * d2
    t[s] = e + SQRT2 * o
    t[2 * s] = e - SQRT2 * o
    t[3 * s] = p + SQRT1_2 * q
    t[4 * s] = p - SQRT1_2 * q
    t[5 * s] = d1 + d5 - <real>2.5 * d3


cdef inline void output_4(vf m0, vf m1, vf m2, vf m3, vf m4, vf m5, vf b, vf *t, const int s) noexcept nogil:
    """At m + b, 4 outputs"""
    cdef vf e = m1 + m2, o = m1 - m2, p = m3 + m4, q = m3 - m4
    t[0] = m0 + b + e + p
    t[s] = SQRT2 * o + (SQRT1_2 * q + b)
    t[2 * s] = <real>2 * e + (<real>0.5 * p + b)
    t[3 * s] = SQRT8 * o + (SQRT2_4 * q + (m5 + b))


cdef inline void output_2(vf m0, vf m1, vf m2, vf m3, vf m4, vf m5, vf b, vf *t, const int s) noexcept nogil:
    """At m + b, 2 outputs"""
    t[0] = m0 + b + (m1 + m2) + (m3 + m4)
    t[s] = SQRT2 * (m1 - m2) + (SQRT1_2 * (m3 - m4) + (m5 + b))


cdef inline void output_5(vf m0, vf m1, vf m2, vf m3, vf m4, vf m5, vf b, vf *t, const int s) noexcept nogil:
    """At m + b, 5 outputs"""
    cdef vf e = m1 + m2, o = m1 - m2, p = m3 + m4, q = m3 - m4
    t[0] = m0 + b + e + p
    t[s] = SQRT2 * o + (SQRT1_2 * q + b)
    t[2 * s] = <real>2 * e + (<real>0.5 * p + b)
    t[3 * s] = SQRT8 * o + (SQRT2_4 * q + b)
    t[4 * s] = <real>4 * e + (<real>0.25 * p + (m5 + b))


cdef inline void filter_2(vf g0, vf g1, vf *t, const int s) noexcept nogil:
    """G g, 2 taps"""
    t[0] = g0
    t[s] = SIXTH * g0 + SQRT2_6 * g1
    t[2 * s] = SIXTH * g0 - SQRT2_6 * g1
    t[3 * s] = -(<real>2 * THIRD * g0 + SQRT2_3 * g1)
    t[4 * s] = SQRT2_3 * g1 - <real>2 * THIRD * g0
    t[5 * s] = g1


cdef inline void filter_3(vf g0, vf g1, vf g2, vf *t, const int s) noexcept nogil:
    """G g, 3 taps"""
    cdef vf e = SIXTH * g0 + THIRD * g2, p = <real>2 * SIXTH * g2 + <real>2 * THIRD * g0
    t[0] = g0
    t[s] = e + SQRT2_6 * g1
    t[2 * s] = e - SQRT2_6 * g1
    t[3 * s] = -(p + SQRT2_3 * g1)
    t[4 * s] = SQRT2_3 * g1 - p
    t[5 * s] = g2


cdef inline void filter_5(vf g0, vf g1, vf g2, vf g3, vf g4, vf *t, const int s) noexcept nogil:
    """G g, 5 taps"""
    cdef vf e = SIXTH * g0 + (THIRD * g2 + <real>2 * THIRD * g4), o = g1 + <real>2 * g3
    cdef vf p = <real>2 * THIRD * g0 + (THIRD * g2 + SIXTH * g4), q = g1 + <real>0.5 * g3
    t[0] = g0
    t[s] = e + SQRT2_6 * o
    t[2 * s] = e - SQRT2_6 * o
    t[3 * s] = -(p + SQRT2_3 * q)
    t[4 * s] = SQRT2_3 * q - p
    t[5 * s] = g4


cdef inline void gradient_4(vf d0, vf d1, vf d2, vf d3, vf *t, const int s) noexcept nogil:
    """A d, the gradient of output_4"""
    cdef vf e = d0 + <real>2 * d2, o = d1 + <real>2 * d3, p = d0 + <real>0.5 * d2, q = d1 + <real>0.5 * d3
    t[0] = d0
    t[s] = e + SQRT2 * o
    t[2 * s] = e - SQRT2 * o
    t[3 * s] = p + SQRT1_2 * q
    t[4 * s] = p - SQRT1_2 * q
    t[5 * s] = d3


cdef inline void gradient_2(vf d0, vf d1, vf *t, const int s) noexcept nogil:
    """A d, the gradient of output_2"""
    t[0] = d0
    t[s] = d0 + SQRT2 * d1
    t[2 * s] = d0 - SQRT2 * d1
    t[3 * s] = d0 + SQRT1_2 * d1
    t[4 * s] = d0 - SQRT1_2 * d1
    t[5 * s] = d1


cdef inline void gradient_5(vf d0, vf d1, vf d2, vf d3, vf d4, vf *t, const int s) noexcept nogil:
    """A d, the gradient of output_5"""
    cdef vf e = d0 + (<real>2 * d2 + <real>4 * d4), o = d1 + <real>2 * d3
    cdef vf p = d0 + (<real>0.5 * d2 + <real>0.25 * d4), q = d1 + <real>0.5 * d3
    t[0] = d0
    t[s] = e + SQRT2 * o
    t[2 * s] = e - SQRT2 * o
    t[3 * s] = p + SQRT1_2 * q
    t[4 * s] = p - SQRT1_2 * q
    t[5 * s] = d4


cdef inline void filter_gradient_2(vf u0, vf u1, vf u2, vf u3, vf u4, vf u5, vf *t, const int s) noexcept nogil:
    """Gt u, the gradient of filter_2"""
    t[0] = u0 + SIXTH * (u1 + u2) - <real>2 * THIRD * (u3 + u4)
    t[s] = u5 + SQRT2_6 * (u1 - u2) + SQRT2_3 * (u4 - u3)


cdef inline void filter_gradient_3(vf u0, vf u1, vf u2, vf u3, vf u4, vf u5, vf *t, const int s) noexcept nogil:
    """Gt u, the gradient of filter_3"""
    cdef vf e = u1 + u2, o = u1 - u2, p = u3 + u4, q = u4 - u3
    t[0] = u0 + SIXTH * e - <real>2 * THIRD * p
    t[s] = SQRT2_6 * o + SQRT2_3 * q
    t[2 * s] = u5 + THIRD * e - THIRD * p


cdef inline void filter_gradient_5(vf u0, vf u1, vf u2, vf u3, vf u4, vf u5, vf *t, const int s) noexcept nogil:
    """Gt u, the gradient of filter_5"""
    cdef vf e = u1 + u2, o = u1 - u2, p = u3 + u4, q = u4 - u3
    t[0] = u0 + SIXTH * e - <real>2 * THIRD * p
    t[s] = SQRT2_6 * o + SQRT2_3 * q
    t[2 * s] = THIRD * e - THIRD * p
    t[3 * s] = <real>2 * SQRT2_6 * o + <real>0.5 * SQRT2_3 * q
    t[4 * s] = u5 + <real>2 * THIRD * e - SIXTH * p


# ---------------------------------------------------------------- two dimensions

cdef inline void input_column(const real *x, Py_ssize_t xh, vf *t) noexcept nogil:
    input_6(vload(x), vload(x + xh), vload(x + 2 * xh), vload(x + 3 * xh), vload(x + 4 * xh), vload(x + 5 * xh), t, 6)


cdef inline void store_6(real *v, Py_ssize_t step, vf *t) noexcept nogil:
    vstore(v, t[0])
    vstore(v + step, t[1])
    vstore(v + 2 * step, t[2])
    vstore(v + 3 * step, t[3])
    vstore(v + 4 * step, t[4])
    vstore(v + 5 * step, t[5])


cdef inline void input_row(vf *t, real *v, Py_ssize_t step) noexcept nogil:
    cdef vf r[6]
    input_6(t[0], t[1], t[2], t[3], t[4], t[5], r, 1)
    store_6(v, step, r)


cdef inline void transform_input(const real *x, Py_ssize_t xh, Py_ssize_t xw, real *v, Py_ssize_t step,
                                 Py_ssize_t vectors) noexcept nogil:
    """v[f * step] = (Bt x B)[f] for the 36 frequencies f, on whole vectors of channels."""
    cdef vf t[36]
    cdef Py_ssize_t c
    for c in range(vectors):
        input_column(x, xh, t)
        input_column(x + xw, xh, t + 1)
        input_column(x + 2 * xw, xh, t + 2)
        input_column(x + 3 * xw, xh, t + 3)
        input_column(x + 4 * xw, xh, t + 4)
        input_column(x + 5 * xw, xh, t + 5)
        input_row(t, v, step)
        input_row(t + 6, v + 6 * step, step)
        input_row(t + 12, v + 12 * step, step)
        input_row(t + 18, v + 18 * step, step)
        input_row(t + 24, v + 24 * step, step)
        input_row(t + 30, v + 30 * step, step)
        x += VL
        v += VL


cdef inline void finish(vf v, const real *add, Py_ssize_t at, real *y, int activation) noexcept nogil:
    """y = f(v + add[at]); `add` may be NULL."""
    if add != NULL:
        v = v + vload(add + at)
    vstore(y, activated(v, activation))


cdef inline void output_4_column(const real *m, Py_ssize_t step, vf *t) noexcept nogil:
    output_4(vload(m), vload(m + 6 * step), vload(m + 12 * step), vload(m + 18 * step), vload(m + 24 * step),
             vload(m + 30 * step), vzero, t, 6)


cdef inline void output_4_row(vf *t, vf b, const real *add, Py_ssize_t at, Py_ssize_t aw, real *y, Py_ssize_t yw,
                              int activation) noexcept nogil:
    cdef vf r[4]
    output_4(t[0], t[1], t[2], t[3], t[4], t[5], b, r, 1)
    finish(r[0], add, at, y, activation)
    finish(r[1], add, at + aw, y + yw, activation)
    finish(r[2], add, at + 2 * aw, y + 2 * yw, activation)
    finish(r[3], add, at + 3 * aw, y + 3 * yw, activation)


cdef inline void transform_output_4(const real *m, Py_ssize_t step, const real *b, const real *add, Py_ssize_t ah,
                                    Py_ssize_t aw, real *y, Py_ssize_t yh, Py_ssize_t yw, Py_ssize_t vectors,
                                    int activation) noexcept nogil:
    """y = f(At m A + b + add), 4 x 4 outputs."""
    cdef vf t[24]
    cdef vf bias
    cdef Py_ssize_t k
    for k in range(vectors):
        bias = vload(b)
        output_4_column(m, step, t)
        output_4_column(m + step, step, t + 1)
        output_4_column(m + 2 * step, step, t + 2)
        output_4_column(m + 3 * step, step, t + 3)
        output_4_column(m + 4 * step, step, t + 4)
        output_4_column(m + 5 * step, step, t + 5)
        output_4_row(t, bias, add, 0, aw, y, yw, activation)
        output_4_row(t + 6, bias, add, ah, aw, y + yh, yw, activation)
        output_4_row(t + 12, bias, add, 2 * ah, aw, y + 2 * yh, yw, activation)
        output_4_row(t + 18, bias, add, 3 * ah, aw, y + 3 * yh, yw, activation)
        m += VL
        b += VL
        if add != NULL:
            add += VL
        y += VL


cdef inline void output_2_column(const real *m, Py_ssize_t step, vf *t) noexcept nogil:
    output_2(vload(m), vload(m + 6 * step), vload(m + 12 * step), vload(m + 18 * step), vload(m + 24 * step),
             vload(m + 30 * step), vzero, t, 6)


cdef inline void output_2_row(vf *t, vf b, const real *add, Py_ssize_t at, Py_ssize_t aw, real *y, Py_ssize_t yw,
                              int activation) noexcept nogil:
    cdef vf r[2]
    output_2(t[0], t[1], t[2], t[3], t[4], t[5], b, r, 1)
    finish(r[0], add, at, y, activation)
    finish(r[1], add, at + aw, y + yw, activation)


cdef inline void transform_output_2(const real *m, Py_ssize_t step, const real *b, const real *add, Py_ssize_t ah,
                                    Py_ssize_t aw, real *y, Py_ssize_t yh, Py_ssize_t yw, Py_ssize_t vectors,
                                    int activation) noexcept nogil:
    """y = f(At m A + b + add), 2 x 2 outputs."""
    cdef vf t[12]
    cdef vf bias
    cdef Py_ssize_t k
    for k in range(vectors):
        bias = vload(b)
        output_2_column(m, step, t)
        output_2_column(m + step, step, t + 1)
        output_2_column(m + 2 * step, step, t + 2)
        output_2_column(m + 3 * step, step, t + 3)
        output_2_column(m + 4 * step, step, t + 4)
        output_2_column(m + 5 * step, step, t + 5)
        output_2_row(t, bias, add, 0, aw, y, yw, activation)
        output_2_row(t + 6, bias, add, ah, aw, y + yh, yw, activation)
        m += VL
        b += VL
        if add != NULL:
            add += VL
        y += VL


cdef inline void output_5_column(const real *m, Py_ssize_t step, vf *t) noexcept nogil:
    output_5(vload(m), vload(m + 6 * step), vload(m + 12 * step), vload(m + 18 * step), vload(m + 24 * step),
             vload(m + 30 * step), vzero, t, 6)


cdef inline void output_5_row(vf *t, vf b, const real *add, Py_ssize_t at, Py_ssize_t aw, real *y, Py_ssize_t yw,
                              int activation) noexcept nogil:
    cdef vf r[5]
    output_5(t[0], t[1], t[2], t[3], t[4], t[5], b, r, 1)
    finish(r[0], add, at, y, activation)
    finish(r[1], add, at + aw, y + yw, activation)
    finish(r[2], add, at + 2 * aw, y + 2 * yw, activation)
    finish(r[3], add, at + 3 * aw, y + 3 * yw, activation)
    finish(r[4], add, at + 4 * aw, y + 4 * yw, activation)


cdef inline void transform_output_5(const real *m, Py_ssize_t step, const real *b, const real *add, Py_ssize_t ah,
                                    Py_ssize_t aw, real *y, Py_ssize_t yh, Py_ssize_t yw, Py_ssize_t vectors,
                                    int activation) noexcept nogil:
    """y = f(At m A + b + add), 5 x 5 outputs."""
    cdef vf t[30]
    cdef vf bias
    cdef Py_ssize_t k
    for k in range(vectors):
        bias = vload(b)
        output_5_column(m, step, t)
        output_5_column(m + step, step, t + 1)
        output_5_column(m + 2 * step, step, t + 2)
        output_5_column(m + 3 * step, step, t + 3)
        output_5_column(m + 4 * step, step, t + 4)
        output_5_column(m + 5 * step, step, t + 5)
        output_5_row(t, bias, add, 0, aw, y, yw, activation)
        output_5_row(t + 6, bias, add, ah, aw, y + yh, yw, activation)
        output_5_row(t + 12, bias, add, 2 * ah, aw, y + 2 * yh, yw, activation)
        output_5_row(t + 18, bias, add, 3 * ah, aw, y + 3 * yh, yw, activation)
        output_5_row(t + 24, bias, add, 4 * ah, aw, y + 4 * yh, yw, activation)
        m += VL
        b += VL
        if add != NULL:
            add += VL
        y += VL


cdef inline void filter_2_row(vf *t, real *u, Py_ssize_t step) noexcept nogil:
    cdef vf r[6]
    filter_2(t[0], t[1], r, 1)
    store_6(u, step, r)


cdef inline void transform_filter_2(const real *g, real *u, Py_ssize_t step) noexcept nogil:
    """u[f * step] = (G g Gt)[f]; g[tap] are 4 vectors in a row."""
    cdef vf t[12]
    filter_2(vload(g), vload(g + 2 * VL), t, 2)
    filter_2(vload(g + VL), vload(g + 3 * VL), t + 1, 2)
    filter_2_row(t, u, step)
    filter_2_row(t + 2, u + 6 * step, step)
    filter_2_row(t + 4, u + 12 * step, step)
    filter_2_row(t + 6, u + 18 * step, step)
    filter_2_row(t + 8, u + 24 * step, step)
    filter_2_row(t + 10, u + 30 * step, step)


cdef inline void filter_3_row(vf *t, real *u, Py_ssize_t step) noexcept nogil:
    cdef vf r[6]
    filter_3(t[0], t[1], t[2], r, 1)
    store_6(u, step, r)


cdef inline void transform_filter_3(const real *g, real *u, Py_ssize_t step) noexcept nogil:
    """u[f * step] = (G g Gt)[f]; g[tap] are 9 vectors in a row."""
    cdef vf t[18]
    filter_3(vload(g), vload(g + 3 * VL), vload(g + 6 * VL), t, 3)
    filter_3(vload(g + VL), vload(g + 4 * VL), vload(g + 7 * VL), t + 1, 3)
    filter_3(vload(g + 2 * VL), vload(g + 5 * VL), vload(g + 8 * VL), t + 2, 3)
    filter_3_row(t, u, step)
    filter_3_row(t + 3, u + 6 * step, step)
    filter_3_row(t + 6, u + 12 * step, step)
    filter_3_row(t + 9, u + 18 * step, step)
    filter_3_row(t + 12, u + 24 * step, step)
    filter_3_row(t + 15, u + 30 * step, step)


cdef inline void filter_5_column(const real *g, vf *t) noexcept nogil:
    filter_5(vload(g), vload(g + 5 * VL), vload(g + 10 * VL), vload(g + 15 * VL), vload(g + 20 * VL), t, 5)


cdef inline void filter_5_row(vf *t, real *u, Py_ssize_t step) noexcept nogil:
    cdef vf r[6]
    filter_5(t[0], t[1], t[2], t[3], t[4], r, 1)
    store_6(u, step, r)


cdef inline void transform_filter_5(const real *g, real *u, Py_ssize_t step) noexcept nogil:
    """u[f * step] = (G g Gt)[f]; g[tap] are 25 vectors in a row."""
    cdef vf t[30]
    filter_5_column(g, t)
    filter_5_column(g + VL, t + 1)
    filter_5_column(g + 2 * VL, t + 2)
    filter_5_column(g + 3 * VL, t + 3)
    filter_5_column(g + 4 * VL, t + 4)
    filter_5_row(t, u, step)
    filter_5_row(t + 5, u + 6 * step, step)
    filter_5_row(t + 10, u + 12 * step, step)
    filter_5_row(t + 15, u + 18 * step, step)
    filter_5_row(t + 20, u + 24 * step, step)
    filter_5_row(t + 25, u + 30 * step, step)


cdef inline void gradient_4_column(const real *y, Py_ssize_t yh, vf *t) noexcept nogil:
    gradient_4(vload(y), vload(y + yh), vload(y + 2 * yh), vload(y + 3 * yh), t, 4)


cdef inline void gradient_4_row(vf *t, real *z, Py_ssize_t step) noexcept nogil:
    cdef vf r[6]
    gradient_4(t[0], t[1], t[2], t[3], r, 1)
    store_6(z, step, r)


cdef inline void transform_gradient_4(const real *y, Py_ssize_t yh, Py_ssize_t yw, real *z,
                                      Py_ssize_t step) noexcept nogil:
    """z[f * step] = (A y At)[f], one vector of channels of 4 x 4 output gradients."""
    cdef vf t[24]
    gradient_4_column(y, yh, t)
    gradient_4_column(y + yw, yh, t + 1)
    gradient_4_column(y + 2 * yw, yh, t + 2)
    gradient_4_column(y + 3 * yw, yh, t + 3)
    gradient_4_row(t, z, step)
    gradient_4_row(t + 4, z + 6 * step, step)
    gradient_4_row(t + 8, z + 12 * step, step)
    gradient_4_row(t + 12, z + 18 * step, step)
    gradient_4_row(t + 16, z + 24 * step, step)
    gradient_4_row(t + 20, z + 30 * step, step)


cdef inline void gradient_2_row(vf *t, real *z, Py_ssize_t step) noexcept nogil:
    cdef vf r[6]
    gradient_2(t[0], t[1], r, 1)
    store_6(z, step, r)


cdef inline void transform_gradient_2(const real *y, Py_ssize_t yh, Py_ssize_t yw, real *z,
                                      Py_ssize_t step) noexcept nogil:
    """z[f * step] = (A y At)[f], one vector of channels of 2 x 2 output gradients."""
    cdef vf t[12]
    gradient_2(vload(y), vload(y + yh), t, 2)
    gradient_2(vload(y + yw), vload(y + yh + yw), t + 1, 2)
    gradient_2_row(t, z, step)
    gradient_2_row(t + 2, z + 6 * step, step)
    gradient_2_row(t + 4, z + 12 * step, step)
    gradient_2_row(t + 6, z + 18 * step, step)
    gradient_2_row(t + 8, z + 24 * step, step)
    gradient_2_row(t + 10, z + 30 * step, step)


cdef inline void gradient_5_column(const real *y, Py_ssize_t yh, vf *t) noexcept nogil:
    gradient_5(vload(y), vload(y + yh), vload(y + 2 * yh), vload(y + 3 * yh), vload(y + 4 * yh), t, 5)


cdef inline void gradient_5_row(vf *t, real *z, Py_ssize_t step) noexcept nogil:
    cdef vf r[6]
    gradient_5(t[0], t[1], t[2], t[3], t[4], r, 1)
    store_6(z, step, r)


cdef inline void transform_gradient_5(const real *y, Py_ssize_t yh, Py_ssize_t yw, real *z,
                                      Py_ssize_t step) noexcept nogil:
    """z[f * step] = (A y At)[f], one vector of channels of 5 x 5 output gradients."""
    cdef vf t[30]
    gradient_5_column(y, yh, t)
    gradient_5_column(y + yw, yh, t + 1)
    gradient_5_column(y + 2 * yw, yh, t + 2)
    gradient_5_column(y + 3 * yw, yh, t + 3)
    gradient_5_column(y + 4 * yw, yh, t + 4)
    gradient_5_row(t, z, step)
    gradient_5_row(t + 5, z + 6 * step, step)
    gradient_5_row(t + 10, z + 12 * step, step)
    gradient_5_row(t + 15, z + 18 * step, step)
    gradient_5_row(t + 20, z + 24 * step, step)
    gradient_5_row(t + 25, z + 30 * step, step)


cdef inline void filter_gradient_2_column(const real *u, Py_ssize_t step, vf *t) noexcept nogil:
    filter_gradient_2(vload(u), vload(u + 6 * step), vload(u + 12 * step), vload(u + 18 * step), vload(u + 24 * step),
                      vload(u + 30 * step), t, 6)


cdef inline void filter_gradient_2_row(vf *t, real *g) noexcept nogil:
    cdef vf r[2]
    filter_gradient_2(t[0], t[1], t[2], t[3], t[4], t[5], r, 1)
    vstore(g, r[0])
    vstore(g + VL, r[1])


cdef inline void transform_filter_gradient_2(const real *u, Py_ssize_t step, real *g) noexcept nogil:
    """g = Gt u G, 4 vectors in a row."""
    cdef vf t[12]
    filter_gradient_2_column(u, step, t)
    filter_gradient_2_column(u + step, step, t + 1)
    filter_gradient_2_column(u + 2 * step, step, t + 2)
    filter_gradient_2_column(u + 3 * step, step, t + 3)
    filter_gradient_2_column(u + 4 * step, step, t + 4)
    filter_gradient_2_column(u + 5 * step, step, t + 5)
    filter_gradient_2_row(t, g)
    filter_gradient_2_row(t + 6, g + 2 * VL)


cdef inline void filter_gradient_3_column(const real *u, Py_ssize_t step, vf *t) noexcept nogil:
    filter_gradient_3(vload(u), vload(u + 6 * step), vload(u + 12 * step), vload(u + 18 * step), vload(u + 24 * step),
                      vload(u + 30 * step), t, 6)


cdef inline void filter_gradient_3_row(vf *t, real *g) noexcept nogil:
    cdef vf r[3]
    filter_gradient_3(t[0], t[1], t[2], t[3], t[4], t[5], r, 1)
    vstore(g, r[0])
    vstore(g + VL, r[1])
    vstore(g + 2 * VL, r[2])


cdef inline void transform_filter_gradient_3(const real *u, Py_ssize_t step, real *g) noexcept nogil:
    """g = Gt u G, 9 vectors in a row."""
    cdef vf t[18]
    filter_gradient_3_column(u, step, t)
    filter_gradient_3_column(u + step, step, t + 1)
    filter_gradient_3_column(u + 2 * step, step, t + 2)
    filter_gradient_3_column(u + 3 * step, step, t + 3)
    filter_gradient_3_column(u + 4 * step, step, t + 4)
    filter_gradient_3_column(u + 5 * step, step, t + 5)
    filter_gradient_3_row(t, g)
    filter_gradient_3_row(t + 6, g + 3 * VL)
    filter_gradient_3_row(t + 12, g + 6 * VL)


cdef inline void filter_gradient_5_column(const real *u, Py_ssize_t step, vf *t) noexcept nogil:
    filter_gradient_5(vload(u), vload(u + 6 * step), vload(u + 12 * step), vload(u + 18 * step), vload(u + 24 * step),
                      vload(u + 30 * step), t, 6)


cdef inline void filter_gradient_5_row(vf *t, real *g) noexcept nogil:
    cdef vf r[5]
    filter_gradient_5(t[0], t[1], t[2], t[3], t[4], t[5], r, 1)
    vstore(g, r[0])
    vstore(g + VL, r[1])
    vstore(g + 2 * VL, r[2])
    vstore(g + 3 * VL, r[3])
    vstore(g + 4 * VL, r[4])


cdef inline void transform_filter_gradient_5(const real *u, Py_ssize_t step, real *g) noexcept nogil:
    """g = Gt u G, 25 vectors in a row."""
    cdef vf t[30]
    filter_gradient_5_column(u, step, t)
    filter_gradient_5_column(u + step, step, t + 1)
    filter_gradient_5_column(u + 2 * step, step, t + 2)
    filter_gradient_5_column(u + 3 * step, step, t + 3)
    filter_gradient_5_column(u + 4 * step, step, t + 4)
    filter_gradient_5_column(u + 5 * step, step, t + 5)
    filter_gradient_5_row(t, g)
    filter_gradient_5_row(t + 6, g + 5 * VL)
    filter_gradient_5_row(t + 12, g + 10 * VL)
    filter_gradient_5_row(t + 18, g + 15 * VL)
    filter_gradient_5_row(t + 24, g + 20 * VL)


# ---------------------------------------------------------------- small patches: 4 x 4 inputs, 2 x 2 outputs

cdef inline void input_4(vf d0, vf d1, vf d2, vf d3, vf *t, const int s) noexcept nogil:
    """Bt d"""
    t[0] = d0 - d2
    t[s] = d1 + d2
    t[2 * s] = d2 - d1
    t[3 * s] = d1 - d3


cdef inline void small_filter_3(vf g0, vf g1, vf g2, vf *t, const int s) noexcept nogil:
    """G g, 3 taps"""
    cdef vf even = (g0 + g2) * HALF
    t[0] = g0
    t[s] = even + g1 * HALF
    t[2 * s] = even - g1 * HALF
    t[3 * s] = g2


cdef inline void small_output_2(vf m0, vf m1, vf m2, vf m3, vf b, vf *t, const int s) noexcept nogil:
    """At m + b, 2 outputs"""
    t[0] = m0 + m1 + m2 + b
    t[s] = m1 - m2 - m3 + b


cdef inline void store_4(real *v, Py_ssize_t step, vf *t) noexcept nogil:
    vstore(v, t[0])
    vstore(v + step, t[1])
    vstore(v + 2 * step, t[2])
    vstore(v + 3 * step, t[3])


cdef inline void small_input_column(const real *x, Py_ssize_t xh, vf *t) noexcept nogil:
    input_4(vload(x), vload(x + xh), vload(x + 2 * xh), vload(x + 3 * xh), t, 4)


cdef inline void small_input_row(vf *t, real *v, Py_ssize_t step) noexcept nogil:
    cdef vf r[4]
    input_4(t[0], t[1], t[2], t[3], r, 1)
    store_4(v, step, r)


cdef inline void transform_small_input(const real *x, Py_ssize_t xh, Py_ssize_t xw, real *v, Py_ssize_t step,
                                       Py_ssize_t vectors) noexcept nogil:
    """v[f * step] = (Bt x B)[f] for the 16 frequencies f, on whole vectors of channels."""
    cdef vf t[16]
    cdef Py_ssize_t c
    for c in range(vectors):
        small_input_column(x, xh, t)
        small_input_column(x + xw, xh, t + 1)
        small_input_column(x + 2 * xw, xh, t + 2)
        small_input_column(x + 3 * xw, xh, t + 3)
        small_input_row(t, v, step)
        small_input_row(t + 4, v + 4 * step, step)
        small_input_row(t + 8, v + 8 * step, step)
        small_input_row(t + 12, v + 12 * step, step)
        x += VL
        v += VL


cdef inline void small_filter_row(vf *t, real *u, Py_ssize_t step) noexcept nogil:
    cdef vf r[4]
    small_filter_3(t[0], t[1], t[2], r, 1)
    store_4(u, step, r)


cdef inline void transform_small_filter(const real *g, real *u, Py_ssize_t step) noexcept nogil:
    """u[f * step] = (G g Gt)[f]; g[tap] are 9 vectors in a row."""
    cdef vf t[12]
    small_filter_3(vload(g), vload(g + 3 * VL), vload(g + 6 * VL), t, 3)
    small_filter_3(vload(g + VL), vload(g + 4 * VL), vload(g + 7 * VL), t + 1, 3)
    small_filter_3(vload(g + 2 * VL), vload(g + 5 * VL), vload(g + 8 * VL), t + 2, 3)
    small_filter_row(t, u, step)
    small_filter_row(t + 3, u + 4 * step, step)
    small_filter_row(t + 6, u + 8 * step, step)
    small_filter_row(t + 9, u + 12 * step, step)


cdef inline void small_output_column(const real *m, Py_ssize_t step, vf *t) noexcept nogil:
    small_output_2(vload(m), vload(m + 4 * step), vload(m + 8 * step), vload(m + 12 * step), vzero, t, 4)


cdef inline void small_output_row(vf *t, vf b, const real *add, Py_ssize_t at, Py_ssize_t aw, real *y, Py_ssize_t yw,
                                  int activation) noexcept nogil:
    cdef vf r[2]
    small_output_2(t[0], t[1], t[2], t[3], b, r, 1)
    finish(r[0], add, at, y, activation)
    finish(r[1], add, at + aw, y + yw, activation)


cdef inline void transform_small_output(const real *m, Py_ssize_t step, const real *b, const real *add, Py_ssize_t ah,
                                        Py_ssize_t aw, real *y, Py_ssize_t yh, Py_ssize_t yw, Py_ssize_t vectors,
                                        int activation) noexcept nogil:
    """y = f(At m A + b + add), 2 x 2 outputs."""
    cdef vf t[8]
    cdef vf bias
    cdef Py_ssize_t k
    for k in range(vectors):
        bias = vload(b)
        small_output_column(m, step, t)
        small_output_column(m + step, step, t + 1)
        small_output_column(m + 2 * step, step, t + 2)
        small_output_column(m + 3 * step, step, t + 3)
        small_output_row(t, bias, add, 0, aw, y, yw, activation)
        small_output_row(t + 4, bias, add, ah, aw, y + yh, yw, activation)
        m += VL
        b += VL
        if add != NULL:
            add += VL
        y += VL
