# Winograd's transforms in two dimensions: y = L x Lt, for each matrix L of winograd_1d.pxd. Lavin and Gray 2016 nest the
# one-dimensional algorithm in itself like this: L is applied to each column of x, then to each row of the result t.
# Every element of these matrices is a vector of VL channels.
#
# What TRANSFORM does, in two lines:
#
#     for j in range(n):  t[:, j] = L(x[:, j])          x is n x n, t is m x n
#     for i in range(m):  y[i, :] = L(t[i, :])          y is m x m
#
# It is a macro, because its loops are written out: only then do t, the columns and the rows lie in registers, and the
# strides, which are constants or multiples of one another, fold into the addresses.

from ..simd.vector cimport real, vf, VL, vload, vstore, activated
from .winograd_1d cimport output_1d, transform_1d

cdef struct Outputs:
    # y[i][j] = f(result + bias + add[i][j]) on one vector of channels, f by the code of an activation
    real *y                     # y[i][j] at y + i * yh + j * yw
    Py_ssize_t yh, yw
    const real *add             # likewise; or NULL
    Py_ssize_t ah, aw
    const real *bias            # one vector for all i, j
    int activation

ctypedef void (*put_output)(vf v, const Outputs *to, int i, int j) noexcept nogil

cdef extern from *:
    """
    /* the statements once for each i = 0, 1, ... n - 1, where n <= 6 and i are constants */
    #define ONE(i, value, n, ...) if (value < n) { enum { i = value }; __VA_ARGS__; }
    #define EACH(i, n, ...) \\
        ONE(i, 0, n, __VA_ARGS__) ONE(i, 1, n, __VA_ARGS__) ONE(i, 2, n, __VA_ARGS__) \\
        ONE(i, 3, n, __VA_ARGS__) ONE(i, 4, n, __VA_ARGS__) ONE(i, 5, n, __VA_ARGS__)

    /* y = L x Lt; x[i][j] lies at x + i * xh + j * xw, and y[i][j] at y + i * yh + j * yw */
    #define TRANSFORM(L, n, m, x, xh, xw, y, yh, yw) \\
        do { \\
            vf t[m][n]; \\
            EACH(j, n, const REAL *source = (x) + j * (xw); vf column[n]; vf result[m]; \\
                 EACH(i, n, column[i] = vload(source + i * (xh))) \\
                 L(column, result); \\
                 EACH(i, m, t[i][j] = result[i])) \\
            EACH(i, m, REAL *target = (y) + i * (yh); vf result[m]; \\
                 L(t[i], result); \\
                 EACH(j, m, vstore(target + j * (yw), result[j]))) \\
        } while (0)

    /* put(y[i][j]) for y = L x Lt + bias; x[i][j] lies at x + (i * n + j) * step. L itself adds the bias, to the results
       of each row; to those of a column it adds 0. */
    #define TRANSFORM_OUTPUTS(L, put, n, m, x, step, to) \\
        do { \\
            vf t[m][n]; \\
            const vf bias = vload((to)->bias); \\
            EACH(j, n, const REAL *source = (x) + j * (step); vf column[n]; vf result[m]; \\
                 EACH(i, n, column[i] = vload(source + i * n * (step))) \\
                 L(column, vzero, result); \\
                 EACH(i, m, t[i][j] = result[i])) \\
            EACH(i, m, vf result[m]; \\
                 L(t[i], bias, result); \\
                 EACH(j, m, put(result[j], to, i, j))) \\
        } while (0)
    """
    void transform "TRANSFORM" (transform_1d L, int n, int m, const real *x, Py_ssize_t xh, Py_ssize_t xw,
                                real *y, Py_ssize_t yh, Py_ssize_t yw) noexcept nogil
    void transform_outputs "TRANSFORM_OUTPUTS" (output_1d L, put_output put, int n, int m, const real *x,
                                                Py_ssize_t step, const Outputs *to) noexcept nogil


cdef inline void put(vf v, const Outputs *to, int i, int j) noexcept nogil:
    """y[i][j] = f(v + add[i][j])"""
    if to.add != NULL:
        v = v + vload(to.add + i * to.ah + j * to.aw)
    vstore(to.y + i * to.yh + j * to.yw, activated(v, to.activation))


cdef inline void next_vector(Outputs *to) noexcept nogil:
    """On to the next vector of channels."""
    to.y += VL
    to.bias += VL
    if to.add != NULL:
        to.add += VL
