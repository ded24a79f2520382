# Few channels: a padded copy of a row of x, in which the values under a row of the kernel are one run of kw * C.
from libc.string cimport memcpy, memset

from ..simd.vector cimport real
from ..simd.weave cimport weave
from .view cimport View

cdef enum:
    MERGE = 16  # channels, at most


cdef inline bint merges(Py_ssize_t groups, Py_ssize_t C, Py_ssize_t in_row) noexcept nogil:
    """Whether a row of in_row taps is read as one run."""
    return groups == 1 and C <= MERGE and in_row > 1


cdef inline void pad_row(const View *x, Py_ssize_t n, Py_ssize_t h, Py_ssize_t w0, real *copy,
                         Py_ssize_t PW) noexcept nogil:
    """copy[j][c] = x[n][c][h][w0 + j] for j < PW, zeros outside the image."""
    cdef Py_ssize_t lo = min(max(<Py_ssize_t>0, -w0), PW), hi = max(lo, min(PW, x.W - w0)), C = x.C, j, c
    cdef const real *row = x.data + n * x.n_step + h * x.h_step
    if not 0 <= h < x.H:
        lo = hi = 0
    memset(copy, 0, lo * C * sizeof(real))
    memset(copy + hi * C, 0, (PW - hi) * C * sizeof(real))
    if x.w_step == C and x.c_step == 1 and hi > lo:
        memcpy(copy + lo * C, row + (w0 + lo) * x.w_step, (hi - lo) * C * sizeof(real))
        return
    if x.w_step == 1 and 2 <= C <= 4:
        weave(C, row + w0 + lo, x.c_step, copy + lo * C, hi - lo)
        return
    for c in range(C):
        for j in range(lo, hi):
            copy[j * C + c] = row[(w0 + j) * x.w_step + c * x.c_step]
