# The bias as kernels read it: side by side, in whole vectors.

from libc.stdlib cimport calloc
from libc.string cimport memcpy
from ..runtime.sizes cimport round_up
from ..simd.vector cimport VL, real


cdef inline bint is_bias_row(const real[:] b, Py_ssize_t K, Py_ssize_t repeats) noexcept nogil:
    """Whether b already is what `bias_row` would make: nothing is copied, which another thread would have to fetch."""
    return b is not None and repeats == 1 and K % VL == 0 and b.strides[0] == sizeof(real)


cdef inline real *bias_row(const real[:] b, Py_ssize_t K, Py_ssize_t groups, Py_ssize_t repeats) noexcept nogil:
    """row[group][i] = b[group * K + i % K] for i < K * repeats, then zeros to whole vectors; all zeros for None.

    To be freed. NULL if memory ran out.
    """
    cdef Py_ssize_t g, k, r, width = round_up(K * repeats, VL)
    cdef real *row = <real *>calloc(max(<Py_ssize_t>1, groups * width), sizeof(real))
    if row != NULL and b is not None:
        for g in range(groups):
            for r in range(repeats):
                if b.strides[0] == sizeof(real):
                    memcpy(row + g * width + r * K, &b[g * K], K * sizeof(real))
                else:
                    for k in range(K):
                        row[g * width + r * K + k] = b[g * K + k]
    return row
