"""Copies between planar and channels-last memory."""
from cython.parallel cimport prange
from fastconv.kernels.threads cimport threads_for
from .vector cimport real



def copy(const real[:, :, :, :] x, real[:, :, :, :] y):
    """y[n,c,h,w] = x[n,c,h,w], between any two layouts of the same shape."""
    cdef Py_ssize_t n, N = x.shape[0], C = x.shape[1], H = x.shape[2], W = x.shape[3], job
    cdef int threads = threads_for(<double>N * C * H * W * 0.3)
    if N == 0 or C == 0 or H == 0 or W == 0:
        return
    for job in prange(N * H, nogil=True, num_threads=threads, schedule="static"):
        copy_row(&x[job // H, 0, job % H, 0], x.strides[1], x.strides[3],
                 &y[job // H, 0, job % H, 0], y.strides[1], y.strides[3], C, W)


cdef void copy_row(const real *x, Py_ssize_t xc, Py_ssize_t xw, real *y, Py_ssize_t yc, Py_ssize_t yw,
                   Py_ssize_t C, Py_ssize_t W) noexcept nogil:
    """One row of all channels, in 16 x 16 blocks that stay in the first cache whatever the strides (in bytes)."""
    cdef Py_ssize_t c0, w0, c, w
    cdef const char *px
    cdef char *py
    for c0 in range(0, C, 16):
        for w0 in range(0, W, 16):
            for c in range(c0, min(c0 + 16, C)):
                px = <const char *>x + c * xc
                py = <char *>y + c * yc
                for w in range(w0, min(w0 + 16, W)):
                    (<real *>(py + w * yw))[0] = (<const real *>(px + w * xw))[0]
