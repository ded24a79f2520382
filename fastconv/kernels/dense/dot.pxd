# The micro-kernel of the forward pass: rows of x times rows of w, vectors along both, so that neither is reordered. Its
# DOT_ROWS x DOTS accumulators stay in registers; `const int rows` is a compile-time constant at every call.

from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.partial cimport vread_tail
from ..simd.vector cimport VL, real, vf, vload, vprefetch, vzero
from .lane_sums cimport dense_sums

cdef extern from *:
    """
    #ifndef FASTCONV_DENSE_DOT
    #define FASTCONV_DENSE_DOT
    #if VBYTES == 64
    #define DOT_ROWS 6
    #define DISPATCH_DOT_ROWS DISPATCH6
    #else
    #define DOT_ROWS 3
    #define DISPATCH_DOT_ROWS DISPATCH3
    #endif
    #endif
    """
    enum: DOT_ROWS  # rows of x at once

cdef enum:
    DOTS = 4        # rows of w at once

ctypedef void (*dot_case)(const real *x, Py_ssize_t x_row, const real *w, Py_ssize_t w_row, int outputs,
                          Py_ssize_t vectors, int tail, real *sums, const int rows) noexcept nogil
ctypedef void (*packed_case)(const real *x, const real *w, Py_ssize_t vectors, real *sums, const real *ahead,
                             const int rows) noexcept nogil

cdef extern from *:
    void each_dot "DISPATCH_DOT_ROWS" (dot_case f, int rows, const real *x, Py_ssize_t x_row, const real *w,
                                       Py_ssize_t w_row, int outputs, Py_ssize_t vectors, int tail,
                                       real *sums) noexcept nogil
    void each_packed "DISPATCH_DOT_ROWS" (packed_case f, int rows, const real *x, const real *w, Py_ssize_t vectors,
                                          real *sums, const real *ahead) noexcept nogil


cdef inline void dot_body(const real *x, Py_ssize_t x_row, Py_ssize_t x_step, const real *w, Py_ssize_t w_row,
                          Py_ssize_t w_step, int outputs, Py_ssize_t vectors, int tail, real *sums,
                          const real *ahead, const int rows) noexcept nogil:
    """sums[i][j] = sum_c x[i][c] w[j][c], over whole vectors and a tail of less than one.

    i < rows and j < DOTS; w[j] from `outputs` on is the last row again. x_row, w_row: from one i or j to the next;
    x_step, w_step: from one vector of a row to the next. The row at `ahead` is prefetched.
    """
    cdef vf acc[DOT_ROWS][DOTS]
    cdef vf xv[DOT_ROWS]
    cdef vf wv
    cdef const real *px[DOT_ROWS]
    cdef const real *pw[DOTS]
    cdef Py_ssize_t v
    cdef int i, j
    for i in range(rows):
        px[i] = x + i * x_row
        for j in range(DOTS):
            acc[i][j] = vzero
    for j in range(DOTS):
        pw[j] = w + min(j, outputs - 1) * w_row
    for v in range(vectors):
        for i in range(rows):
            xv[i] = vload(px[i] + v * x_step)
        for j in range(DOTS):
            wv = vload(pw[j] + v * w_step)
            for i in range(rows):
                acc[i][j] = acc[i][j] + xv[i] * wv
        vprefetch(ahead + v * VL)
    if tail > 0:
        for i in range(rows):
            xv[i] = vread_tail(px[i] + vectors * x_step, tail)
        for j in range(DOTS):
            wv = vread_tail(pw[j] + vectors * w_step, tail)
            for i in range(rows):
                acc[i][j] = acc[i][j] + xv[i] * wv
    for i in range(rows):
        dense_sums(acc[i], sums + i * DOTS)


cdef inline void dot_rows(const real *x, Py_ssize_t x_row, const real *w, Py_ssize_t w_row, int outputs,
                          Py_ssize_t vectors, int tail, real *sums, const int rows) noexcept nogil:
    """dot_body for rows where they lie."""
    dot_body(x, x_row, VL, w, w_row, VL, outputs, vectors, tail, sums, w, rows)


cdef inline void packed_rows(const real *x, const real *w, Py_ssize_t vectors, real *sums, const real *ahead,
                             const int rows) noexcept nogil:
    """dot_body for packed rows."""
    dot_body(x, VL, rows * VL, w, VL, DOTS * VL, DOTS, vectors, 0, sums, ahead, rows)


cdef inline void dot(const real *x, Py_ssize_t x_row, const real *w, Py_ssize_t w_row, int outputs,
                     Py_ssize_t vectors, int tail, real *sums, int rows) noexcept nogil:
    """sums[i][j] = sum_c x[i][c] w[j][c] for 1 to DOT_ROWS rows of x and 1 to DOTS outputs, where they lie."""
    each_dot(dot_rows, rows, x, x_row, w, w_row, outputs, vectors, tail, sums)


cdef inline void dot_packed(const real *x, const real *w, Py_ssize_t vectors, real *sums, const real *ahead,
                            int rows) noexcept nogil:
    """The same for packed rows, x[vector][i] and w[vector][j], padded to whole vectors and DOTS outputs."""
    each_packed(packed_rows, rows, x, w, vectors, sums, ahead)
