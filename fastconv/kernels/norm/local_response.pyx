"""Local response norm: each value divided by a power of its neighbours' squares along the channels.

    forward    y[c] = x[c] d[c]^-beta,  d[c] = k + share (sum of x[j]^2 over the channels j of c's window)
               share = alpha / size,  window: from c - size // 2 to c + (size - 1) // 2, cut at the ends
    backward   x[c] is in y[c] itself and in d[j] for every j whose window holds c, where dd[j] / dx[c] = 2 share x[c]:
               dx[c] = dy[c] d[c]^-beta - 2 beta share x[c] (sum of dy[j] x[j] d[j]^(-beta - 1) over those j)
               those j run from c - (size - 1) // 2 to c + size // 2

Krizhevsky 2012, section 3.3 (which writes alpha for share).

planar: x[N, C, P], P with unit stride, STRIP pixels of a channel at a time. Else x[N, P, C], C with unit stride, pixel
by pixel, whose squares lie between zeros so that every window is whole.
"""
from cython.parallel cimport prange
from libc.stdlib cimport free, malloc
from libc.string cimport memset
from fastconv.kernels.runtime.costs cimport LOCAL_RESPONSE_NS
from fastconv.kernels.runtime.sizes cimport ceil_div
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..simd.vector cimport REAL_BYTES, real

cdef extern from *:
    """
    #include <math.h>
    #if REAL_BYTES == 4
    #define RSQRT sqrtf
    #define RPOW powf
    #else
    #define RSQRT sqrt
    #define RPOW pow
    #endif
    /* d^-beta; 3/4 is everybody's beta */
    static void lrn_power(const REAL *d, REAL *y, Py_ssize_t n, double beta) {
        if (beta == 0.75)
            for (Py_ssize_t i = 0; i < n; i++) { REAL s = RSQRT(d[i]); y[i] = 1 / (s * RSQRT(s)); }
        else
            for (Py_ssize_t i = 0; i < n; i++) y[i] = RPOW(d[i], (REAL)-beta);
    }
    """
    void lrn_power(const real *d, real *y, Py_ssize_t n, double beta) noexcept nogil

cdef enum:
    STRIP = 64  # pixels of a job

cdef struct Window:
    Py_ssize_t before, after  # channels
    double share              # alpha / size
    double beta
    double k


def forward(const real[:, :, :] x, real[:, :, :] y, Py_ssize_t size, double alpha, double beta, double k, bint planar):
    """y = x d^-beta"""
    run(None, x, y, Window(size // 2, (size - 1) // 2, alpha / size, beta, k), planar)


def backward(const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] dx, Py_ssize_t size, double alpha,
             double beta, double k, bint planar):
    """dx"""
    run(dy, x, dx, Window(size // 2, (size - 1) // 2, alpha / size, beta, k), planar)


cdef int run(const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] y, Window v, bint planar) except -1:
    """y, or (where dy is not None) dx into y; the strips are shared out."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t N = x.shape[0], P = x.shape[2] if planar else x.shape[1], C = x.shape[1] if planar else x.shape[2]
    cdef Py_ssize_t job, strips = ceil_div(P, STRIP)
    cdef int threads = threads_for(LOCAL_RESPONSE_NS * N * P * C)
    cdef bint failed = False
    v.before, v.after = min(v.before, C), min(v.after, C)
    share_out(&ranges, N * strips, threads)
    for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            failed |= strip(&v, dy, x, y, job // strips, job % strips * STRIP, planar)
            job = next_job(&ranges, thread)
    if failed:
        raise MemoryError(f"a strip of {C} channels")
    return 0


cdef bint strip(const Window *v, const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] y, Py_ssize_t n,
                Py_ssize_t first, bint planar) noexcept nogil:
    """STRIP pixels, as rows of channels (planar) or pixel by pixel; True if there is no memory.

    Scratch, in rows of STRIP (planar) or of C and a window: forward d and d^-beta; backward d, d^-beta, the ratios
    dy x d^(-beta - 1) and their sum.
    """
    cdef Py_ssize_t C = x.shape[1] if planar else x.shape[2], P = x.shape[2] if planar else x.shape[1], i
    cdef Py_ssize_t count = min(<Py_ssize_t>STRIP, P - first), outer = C if planar else C + v.before + v.after
    cdef real *scratch = <real *>malloc(4 * outer * (STRIP if planar else 1) * REAL_BYTES)
    if scratch == NULL:
        return True
    if planar:
        if dy is None:
            strip_forward(v, x, y, n, first, count, scratch)
        else:
            strip_backward(v, dy, x, y, n, first, count, scratch)
    else:
        for i in range(first, first + count):
            if dy is None:
                pixel_forward(v, &x[n, i, 0], &y[n, i, 0], C, scratch)
            else:
                pixel_backward(v, &dy[n, i, 0], &x[n, i, 0], &y[n, i, 0], C, scratch)
    free(scratch)
    return False


cdef void window_sums(const Window *v, const real[:, :, :] x, Py_ssize_t n, Py_ssize_t c, Py_ssize_t first,
                      Py_ssize_t count, real *d) noexcept nogil:
    """d = k + share (sum of x^2 over the window) of channel c, for a strip."""
    cdef Py_ssize_t i, other
    cdef const real *at
    cdef real share = <real>v.share, k = <real>v.k
    memset(d, 0, count * REAL_BYTES)
    for other in range(max(<Py_ssize_t>0, c - v.before), min(x.shape[1], c + v.after + 1)):
        at = &x[n, other, first]
        for i in range(count):
            d[i] += at[i] * at[i]
    for i in range(count):
        d[i] = k + share * d[i]


cdef void strip_forward(const Window *v, const real[:, :, :] x, real[:, :, :] y, Py_ssize_t n, Py_ssize_t first,
                        Py_ssize_t count, real *scratch) noexcept nogil:
    """y = x d^-beta of a strip, channel by channel."""
    cdef Py_ssize_t c, i
    cdef real *power = scratch + STRIP
    cdef const real *at
    cdef real *to
    for c in range(x.shape[1]):
        window_sums(v, x, n, c, first, count, scratch)
        lrn_power(scratch, power, count, v.beta)
        at, to = &x[n, c, first], &y[n, c, first]
        for i in range(count):
            to[i] = at[i] * power[i]


cdef void strip_backward(const Window *v, const real[:, :, :] dy, const real[:, :, :] x, real[:, :, :] dx,
                         Py_ssize_t n, Py_ssize_t first, Py_ssize_t count, real *scratch) noexcept nogil:
    """dx[c] = dy[c] d[c]^-beta - 2 beta share x[c] (sum of the ratios of the channels whose window holds c)"""
    cdef Py_ssize_t c, i, other, C = x.shape[1]
    cdef real *d = scratch
    cdef real *power = scratch + C * STRIP
    cdef real *ratio = scratch + 2 * C * STRIP
    cdef real *total = scratch + 3 * C * STRIP
    cdef const real *at
    cdef const real *dat
    cdef real *to
    cdef real factor = <real>(2 * v.beta * v.share)
    for c in range(C):
        window_sums(v, x, n, c, first, count, d)
        lrn_power(d, power + c * STRIP, count, v.beta)
        at, dat = &x[n, c, first], &dy[n, c, first]
        for i in range(count):
            ratio[c * STRIP + i] = dat[i] * at[i] * power[c * STRIP + i] / d[i]  # dy x d^(-beta - 1)
    for c in range(C):
        memset(total, 0, count * REAL_BYTES)
        for other in range(max(<Py_ssize_t>0, c - v.after), min(C, c + v.before + 1)):
            for i in range(count):
                total[i] += ratio[other * STRIP + i]
        at, dat, to = &x[n, c, first], &dy[n, c, first], &dx[n, c, first]
        for i in range(count):
            to[i] = dat[i] * power[c * STRIP + i] - factor * at[i] * total[i]


cdef void pixel_forward(const Window *v, const real *x, real *y, Py_ssize_t C, real *scratch) noexcept nogil:
    """y = x d^-beta of a pixel."""
    cdef Py_ssize_t wide = C + v.before + v.after, c
    cdef real *d = scratch + wide
    pixel_window(v, x, C, scratch, d)
    lrn_power(d, scratch, C, v.beta)
    for c in range(C):
        y[c] = x[c] * scratch[c]


cdef void pixel_window(const Window *v, const real *x, Py_ssize_t C, real *squares, real *d) noexcept nogil:
    """d = k + share (sum of x^2 over the window) of every channel; squares: room for the squares between zeros."""
    cdef Py_ssize_t wide = C + v.before + v.after, c, j
    cdef real share = <real>v.share, k = <real>v.k
    memset(squares, 0, wide * REAL_BYTES)
    memset(d, 0, C * REAL_BYTES)
    for c in range(C):
        squares[v.before + c] = x[c] * x[c]
    for j in range(v.before + v.after + 1):
        for c in range(C):
            d[c] += squares[c + j]
    for c in range(C):
        d[c] = k + share * d[c]


cdef void pixel_backward(const Window *v, const real *dy, const real *x, real *dx, Py_ssize_t C,
                         real *scratch) noexcept nogil:
    """dx[c] = dy[c] d[c]^-beta - 2 beta share x[c] (sum of the ratios of the channels whose window holds c)"""
    cdef Py_ssize_t wide = C + v.before + v.after, c, j
    cdef real *d = scratch + wide
    cdef real *power = scratch + 2 * wide
    cdef real *total = scratch + 3 * wide
    cdef real factor = <real>(2 * v.beta * v.share)
    pixel_window(v, x, C, scratch, d)
    lrn_power(d, power, C, v.beta)
    memset(scratch, 0, wide * REAL_BYTES)
    memset(total, 0, C * REAL_BYTES)
    for c in range(C):
        scratch[v.after + c] = dy[c] * x[c] * power[c] / d[c]  # dy x d^(-beta - 1)
    for j in range(v.before + v.after + 1):
        for c in range(C):
            total[c] += scratch[c + j]
    for c in range(C):
        dx[c] = dy[c] * power[c] - factor * x[c] * total[c]
