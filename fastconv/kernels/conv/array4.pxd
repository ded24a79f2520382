# An array of four axes as a C struct: where it begins, its extents, and its strides in elements. Images are
# (N, C, H, W), weights (K, C, kh, kw): a weight's K, kh, kw are called N, H, W here.

from ..simd.vector cimport real

cdef struct Array4:
    real *first             # an argument that is only read is only read through it; NULL for None
    Py_ssize_t N, C, H, W   # extents
    Py_ssize_t n, c, h, w   # strides: element (n', c', h', w') is first[n' n + c' c + h' h + w' w]


cdef inline Array4 array4(const real[:, :, :, :] x) noexcept nogil:
    """The struct of a memoryview; all zeros for None."""
    cdef Py_ssize_t one = sizeof(real)
    if x is None:
        return Array4(NULL, 0, 0, 0, 0, 0, 0, 0, 0)
    return Array4(
        <real *>&x[0, 0, 0, 0], x.shape[0], x.shape[1], x.shape[2], x.shape[3],
        x.strides[0] // one, x.strides[1] // one, x.strides[2] // one, x.strides[3] // one)
