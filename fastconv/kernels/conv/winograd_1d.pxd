# Winograd's minimal filtering in one dimension, F(m, r): m outputs y of an r-tap filter g from n = m + r - 1 inputs d,
#
#     y = At ((G g) * (Bt d))                          * element by element: n products instead of m r.
#
# Winograd 1980 (Arithmetic Complexity of Computations) proves that n products are the fewest, and builds At, G and Bt
# from n - 1 points and infinity, as Toom and Cook multiply polynomials: G g are the values of the filter's polynomial
# at the points, At is the transpose of evaluation, and Bt the transpose of interpolation. F(5, 2), F(4, 3) and F(2, 5)
# share their six points, and so Bt:
#
#     0, s, -s, 1/s, -1/s, infinity with s = sqrt 2    n = 6
#
#     Bt = 1     0   -5/2    0    1   0      G, row of the point a:      1 a a^2 ... over N(a); last row 0 .. 0 1
#          0  -1/s   -1/2    s    1   0      At, column of the point a:  1 a a^2 ...;         last column 0 .. 0 1
#          0   1/s   -1/2   -s    1   0
#          0   -s     -2    1/s   1   0      N = 1, 6, 6, -3/2, -3/2
#          0    s     -2   -1/s   1   0
#          0    1      0   -5/2   0   1
#
# The small transforms are those of F(2, 3) with the points 0, 1, -1 and infinity, n = 4, whose matrices Lavin and Gray
# 2016 (Fast Algorithms for Convolutional Neural Networks, CVPR) write out.
#
# The gradients of these linear maps use the transposed matrices: A for dy, Gt for the gradient of the filter.
#
# Every function reads n, m or r numbers and writes the result to t; each number is a `vf`, that of VL channels at once.
# Points come in pairs a, -a, whose rows differ in the sign of the odd powers alone: e and o are the even and the odd
# part for sqrt 2, p and q those for 1/sqrt 2.

from ..simd.vector cimport real, vf

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

ctypedef void (*transform_1d)(const vf *d, vf *t) noexcept nogil
ctypedef void (*output_1d)(const vf *m, vf b, vf *t) noexcept nogil


# ---------------------------------------------------------------- six inputs: F(5, 2), F(4, 3), F(2, 5)

cdef inline void input_6(const vf *d, vf *t) noexcept nogil:
    """Bt d"""
    cdef vf e = d[4] - <real>0.5 * d[2], o = d[3] - <real>0.5 * d[1]
    cdef vf p = d[4] - <real>2 * d[2], q = d[3] - <real>2 * d[1]
    t[0] = d[0] + d[4] - <real>2.5 * d[2]
    t[1] = e + SQRT2 * o
    t[2] = e - SQRT2 * o
    t[3] = p + SQRT1_2 * q
    t[4] = p - SQRT1_2 * q
    t[5] = d[1] + d[5] - <real>2.5 * d[3]


cdef inline void filter_2(const vf *g, vf *t) noexcept nogil:
    """G g, 2 taps"""
    t[0] = g[0]
    t[1] = SIXTH * g[0] + SQRT2_6 * g[1]
    t[2] = SIXTH * g[0] - SQRT2_6 * g[1]
    t[3] = -(<real>2 * THIRD * g[0] + SQRT2_3 * g[1])
    t[4] = SQRT2_3 * g[1] - <real>2 * THIRD * g[0]
    t[5] = g[1]


cdef inline void filter_3(const vf *g, vf *t) noexcept nogil:
    """G g, 3 taps"""
    cdef vf e = SIXTH * g[0] + THIRD * g[2], p = <real>2 * SIXTH * g[2] + <real>2 * THIRD * g[0]
    t[0] = g[0]
    t[1] = e + SQRT2_6 * g[1]
    t[2] = e - SQRT2_6 * g[1]
    t[3] = -(p + SQRT2_3 * g[1])
    t[4] = SQRT2_3 * g[1] - p
    t[5] = g[2]


cdef inline void filter_5(const vf *g, vf *t) noexcept nogil:
    """G g, 5 taps"""
    cdef vf e = SIXTH * g[0] + (THIRD * g[2] + <real>2 * THIRD * g[4]), o = g[1] + <real>2 * g[3]
    cdef vf p = <real>2 * THIRD * g[0] + (THIRD * g[2] + SIXTH * g[4]), q = g[1] + <real>0.5 * g[3]
    t[0] = g[0]
    t[1] = e + SQRT2_6 * o
    t[2] = e - SQRT2_6 * o
    t[3] = -(p + SQRT2_3 * q)
    t[4] = SQRT2_3 * q - p
    t[5] = g[4]


cdef inline void output_5(const vf *m, vf b, vf *t) noexcept nogil:
    """At m + b, 5 outputs"""
    cdef vf e = m[1] + m[2], o = m[1] - m[2], p = m[3] + m[4], q = m[3] - m[4]
    t[0] = m[0] + b + e + p
    t[1] = SQRT2 * o + (SQRT1_2 * q + b)
    t[2] = <real>2 * e + (<real>0.5 * p + b)
    t[3] = SQRT8 * o + (SQRT2_4 * q + b)
    t[4] = <real>4 * e + (<real>0.25 * p + (m[5] + b))


cdef inline void output_4(const vf *m, vf b, vf *t) noexcept nogil:
    """At m + b, 4 outputs"""
    cdef vf e = m[1] + m[2], o = m[1] - m[2], p = m[3] + m[4], q = m[3] - m[4]
    t[0] = m[0] + b + e + p
    t[1] = SQRT2 * o + (SQRT1_2 * q + b)
    t[2] = <real>2 * e + (<real>0.5 * p + b)
    t[3] = SQRT8 * o + (SQRT2_4 * q + (m[5] + b))


cdef inline void output_2(const vf *m, vf b, vf *t) noexcept nogil:
    """At m + b, 2 outputs"""
    t[0] = m[0] + b + (m[1] + m[2]) + (m[3] + m[4])
    t[1] = SQRT2 * (m[1] - m[2]) + (SQRT1_2 * (m[3] - m[4]) + (m[5] + b))


# ---------------------------------------------------------------- their gradients

cdef inline void output_gradient_5(const vf *d, vf *t) noexcept nogil:
    """A d, the gradient of output_5"""
    cdef vf e = d[0] + (<real>2 * d[2] + <real>4 * d[4]), o = d[1] + <real>2 * d[3]
    cdef vf p = d[0] + (<real>0.5 * d[2] + <real>0.25 * d[4]), q = d[1] + <real>0.5 * d[3]
    t[0] = d[0]
    t[1] = e + SQRT2 * o
    t[2] = e - SQRT2 * o
    t[3] = p + SQRT1_2 * q
    t[4] = p - SQRT1_2 * q
    t[5] = d[4]


cdef inline void output_gradient_4(const vf *d, vf *t) noexcept nogil:
    """A d, the gradient of output_4"""
    cdef vf e = d[0] + <real>2 * d[2], o = d[1] + <real>2 * d[3], p = d[0] + <real>0.5 * d[2], q = d[1] + <real>0.5 * d[3]
    t[0] = d[0]
    t[1] = e + SQRT2 * o
    t[2] = e - SQRT2 * o
    t[3] = p + SQRT1_2 * q
    t[4] = p - SQRT1_2 * q
    t[5] = d[3]


cdef inline void output_gradient_2(const vf *d, vf *t) noexcept nogil:
    """A d, the gradient of output_2"""
    t[0] = d[0]
    t[1] = d[0] + SQRT2 * d[1]
    t[2] = d[0] - SQRT2 * d[1]
    t[3] = d[0] + SQRT1_2 * d[1]
    t[4] = d[0] - SQRT1_2 * d[1]
    t[5] = d[1]


cdef inline void filter_gradient_2(const vf *u, vf *t) noexcept nogil:
    """Gt u, the gradient of filter_2"""
    t[0] = u[0] + SIXTH * (u[1] + u[2]) - <real>2 * THIRD * (u[3] + u[4])
    t[1] = u[5] + SQRT2_6 * (u[1] - u[2]) + SQRT2_3 * (u[4] - u[3])


cdef inline void filter_gradient_3(const vf *u, vf *t) noexcept nogil:
    """Gt u, the gradient of filter_3"""
    cdef vf e = u[1] + u[2], o = u[1] - u[2], p = u[3] + u[4], q = u[4] - u[3]
    t[0] = u[0] + SIXTH * e - <real>2 * THIRD * p
    t[1] = SQRT2_6 * o + SQRT2_3 * q
    t[2] = u[5] + THIRD * e - THIRD * p


cdef inline void filter_gradient_5(const vf *u, vf *t) noexcept nogil:
    """Gt u, the gradient of filter_5"""
    cdef vf e = u[1] + u[2], o = u[1] - u[2], p = u[3] + u[4], q = u[4] - u[3]
    t[0] = u[0] + SIXTH * e - <real>2 * THIRD * p
    t[1] = SQRT2_6 * o + SQRT2_3 * q
    t[2] = THIRD * e - THIRD * p
    t[3] = <real>2 * SQRT2_6 * o + <real>0.5 * SQRT2_3 * q
    t[4] = u[5] + <real>2 * THIRD * e - SIXTH * p


# ---------------------------------------------------------------- four inputs: F(2, 3)

cdef inline void small_input_4(const vf *d, vf *t) noexcept nogil:
    """Bt d"""
    t[0] = d[0] - d[2]
    t[1] = d[1] + d[2]
    t[2] = d[2] - d[1]
    t[3] = d[1] - d[3]


cdef inline void small_filter_3(const vf *g, vf *t) noexcept nogil:
    """G g, 3 taps"""
    cdef vf even = (g[0] + g[2]) * HALF
    t[0] = g[0]
    t[1] = even + g[1] * HALF
    t[2] = even - g[1] * HALF
    t[3] = g[2]


cdef inline void small_output_2(const vf *m, vf b, vf *t) noexcept nogil:
    """At m + b, 2 outputs"""
    t[0] = m[0] + m[1] + m[2] + b
    t[1] = m[1] - m[2] - m[3] + b
