# An array of four axes as C sees it: where it begins, its extents, and its strides in elements. All paths use this
# struct. Images are (N, C, H, W). Weights are (K, C, kh, kw): their K, kh and kw are called N, H and W here.

from ..simd.vector cimport real

cdef struct View:
    real *data                  # an array that is only read is only read through it; NULL for None
    Py_ssize_t N, C, H, W       # extents
    Py_ssize_t n_step, c_step, h_step, w_step  # element (n, c, h, w): data[n * n_step + c * c_step + h * h_step + ...]


cdef inline View view_of(const real[:, :, :, :] a) noexcept nogil:
    """The struct of a memoryview; all zeros for None."""
    cdef Py_ssize_t one = sizeof(real)
    if a is None:
        return View(NULL, 0, 0, 0, 0, 0, 0, 0, 0)
    return View(
        <real *>&a[0, 0, 0, 0], a.shape[0], a.shape[1], a.shape[2], a.shape[3],
        a.strides[0] // one, a.strides[1] // one, a.strides[2] // one, a.strides[3] // one)
