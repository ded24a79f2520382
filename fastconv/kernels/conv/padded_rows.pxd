# Few channels: a padded copy of a row of x, in which the values under a row of the kernel are one run of kw * C.
from libc.string cimport memcpy, memset

from ..simd.vector cimport real

cdef enum:
    MERGE = 16  # up to this many channels


cdef inline bint merges(Py_ssize_t groups, Py_ssize_t C, Py_ssize_t in_row) noexcept nogil:
    """Whether a row of in_row taps is read as one run."""
    return groups == 1 and C <= MERGE and in_row > 1


cdef inline void pad_row(const real *x, Py_ssize_t xw, Py_ssize_t xc, bint inside, Py_ssize_t W, Py_ssize_t C, real *copy,
                         Py_ssize_t PW, Py_ssize_t w0) noexcept nogil:
    """copy[j][c] = row w0 + j of x, zeros outside the image."""
    cdef Py_ssize_t lo = min(max(<Py_ssize_t>0, -w0), PW), hi = max(lo, min(PW, W - w0)), j, c
    if not inside:
        lo = hi = 0
    memset(copy, 0, lo * C * sizeof(real))
    memset(copy + hi * C, 0, (PW - hi) * C * sizeof(real))
    if xw == C and xc == 1 and hi > lo:
        memcpy(copy + lo * C, x + (w0 + lo) * xw, (hi - lo) * C * sizeof(real))
        return
    for c in range(C):
        for j in range(lo, hi):
            copy[j * C + c] = x[(w0 + j) * xw + c * xc]
