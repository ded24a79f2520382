# A four-dimensional array as a kernel reads it: extents, and the distance to the next element along each axis.

from ..simd.vector cimport real

cdef struct View:
    real *data                  # element (n, c, h, w) is data[n * n_step + c * c_step + h * h_step + w * w_step]
    Py_ssize_t N, C, H, W
    Py_ssize_t n_step, c_step, h_step, w_step


cdef inline View view_of(const real *data, const Py_ssize_t *shape, const Py_ssize_t *strides) noexcept nogil:
    """The view of a memoryview's first element, shape and strides (in bytes). An array that is only read stays const
    to its reader."""
    cdef View view
    cdef Py_ssize_t one = sizeof(real)
    view.data = <real *>data
    view.N, view.C, view.H, view.W = shape[0], shape[1], shape[2], shape[3]
    view.n_step, view.c_step = strides[0] // one, strides[1] // one
    view.h_step, view.w_step = strides[2] // one, strides[3] // one
    return view
