# The micro-kernel of the gradients: numbers times rows of vectors, a sum of outer products. Its OUTER_ROWS x
# PANEL_VECTORS accumulators stay in registers; `const int rows` and `const int nv` are constants at every call.

from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.vector cimport LINE, VL, real, vf, vload, vprefetch, vsplat, vstore, vstream, vzero

cdef extern from *:
    """
    #ifndef FASTCONV_DENSE_OUTER
    #define FASTCONV_DENSE_OUTER
    #define PANEL_WIDTH (TILE_VECTORS * VL)
    #endif
    """
    enum: PANEL_VECTORS "TILE_VECTORS"  # vectors in a row of a panel
    enum: PANEL_WIDTH                   # and values

cdef enum:
    OUTER_ROWS = 6  # numbers of a step: rows of y

# y[i][j] = (y[i][j] if add) + sum_t a[i, t] w[t][j] for t < steps
cdef struct Product:
    const real *a          # a[i, t] lies at a[i * a_row + t * a_step]
    Py_ssize_t a_row, a_step
    const real *w          # a panel: PANEL_VECTORS vectors per step,
    Py_ssize_t w_step      # so far apart
    Py_ssize_t steps
    real *y
    Py_ssize_t y_row
    bint add
    bint stream            # y is stored around the caches
    const real *ahead      # prefetched for the next panel: two cache lines with each step,
    Py_ssize_t ahead_step  # so far apart

ctypedef void (*rows_case)(const Product *p, int nv, const int rows) noexcept nogil
ctypedef void (*panel_case)(const Product *p, const int rows, const int nv) noexcept nogil

cdef extern from *:
    void each_rows "DISPATCH6" (rows_case f, int rows, const Product *p, int nv) noexcept nogil
    void each_nv "DISPATCH_VECTORS" (panel_case f, int nv, const Product *p, int rows) noexcept nogil


cdef inline void outer_body(const Product *product, const int rows, const int nv) noexcept nogil:
    """The product for `rows` rows of y and nv vectors of each, one step after the other."""
    cdef vf acc[OUTER_ROWS][PANEL_VECTORS]
    cdef vf wv[PANEL_VECTORS]
    cdef vf s
    cdef const real *p[OUTER_ROWS]
    cdef const real *w = product.w
    cdef const real *ahead = product.ahead
    cdef real *y = product.y
    cdef Py_ssize_t a_step = product.a_step, w_step = product.w_step, ahead_step = product.ahead_step, y_row = product.y_row, t
    cdef bint add = product.add, stream = product.stream
    cdef int i, j
    for i in range(rows):
        p[i] = product.a + i * product.a_row
        for j in range(nv):
            acc[i][j] = vzero
    for t in range(product.steps):
        for j in range(nv):
            wv[j] = vload(w + j * VL)
        for i in range(rows):
            s = vsplat(p[i][t * a_step])
            for j in range(nv):
                acc[i][j] = acc[i][j] + s * wv[j]
        vprefetch(ahead)
        vprefetch(ahead + LINE)
        w += w_step
        ahead += ahead_step
    if add:
        for i in range(rows):
            for j in range(nv):
                vstore(y + i * y_row + j * VL, vload(y + i * y_row + j * VL) + acc[i][j])
    elif stream:
        for i in range(rows):
            for j in range(nv):
                vstream(y + i * y_row + j * VL, acc[i][j])
    else:
        for i in range(rows):
            for j in range(nv):
                vstore(y + i * y_row + j * VL, acc[i][j])


cdef inline void outer_rows(const Product *p, int nv, const int rows) noexcept nogil:
    """outer_body for 1 to PANEL_VECTORS vectors."""
    each_nv(outer_body, nv, p, rows)


cdef inline void outer(const Product *p, int rows, int nv) noexcept nogil:
    """The product for 1 to OUTER_ROWS rows and 1 to PANEL_VECTORS vectors."""
    each_rows(outer_rows, rows, p, nv)
