# The products of matrices M[f] = V[f] U[f], one per frequency f (Lavin and Gray 2016): their micro-kernel, and the loop
# over frequencies. The rows of V are patches, the columns of U output channels, and the sum runs over input channels.

from ..simd cimport dispatch
from ..simd.vector cimport LINE, VL, real, vf, vload, vprefetch, vsplat, vstore, vzero
from .tile cimport MR, NR

ctypedef void (*product_case)(const real *v, Py_ssize_t stride, const real *u, real *m, Py_ssize_t mstride,
                              Py_ssize_t length, bint first, const real *ahead, Py_ssize_t ahead_step, const int rows,
                              const int nv) noexcept nogil
cdef extern from *:
    void product_of_size "DISPATCH_TILE" (product_case f, Py_ssize_t rows, int nv, const real *v, Py_ssize_t stride,
                                          const real *u, real *m, Py_ssize_t mstride, Py_ssize_t length, bint first,
                                          const real *ahead, Py_ssize_t ahead_step) noexcept nogil


cdef inline void product_body(const real *v, Py_ssize_t stride, const real *u, real *m, Py_ssize_t mstride,
                              Py_ssize_t length, bint first, const real *ahead, Py_ssize_t ahead_step, const int rows,
                              const int nv) noexcept nogil:
    """m[i][j] = (0 or m[i][j]) + sum_c v[i][c] u[c][j]; each c fetches a line: ahead, ahead + ahead_step, ..."""
    cdef vf acc[MR][NR]
    cdef vf uv[NR]
    cdef vf a
    cdef const real *before = &zeros[0] if first else m
    cdef Py_ssize_t step = 0 if first else mstride
    cdef int i, j
    for i in range(rows):
        for j in range(nv):
            acc[i][j] = vzero
    while True:  # length is at least 1
        for j in range(nv):
            uv[j] = vload(u + j * VL)
        for i in range(rows):
            a = vsplat(v[i * stride])
            for j in range(nv):
                acc[i][j] = acc[i][j] + a * uv[j]
        vprefetch(ahead)
        ahead += ahead_step
        v += 1
        u += nv * VL
        length -= 1
        if length == 0:
            break
    for i in range(rows):
        for j in range(nv):
            vstore(m + i * mstride + j * VL, acc[i][j] + vload(before + i * step + j * VL))


cdef void product(const real *v, Py_ssize_t stride, const real *u, real *m, Py_ssize_t mstride, Py_ssize_t length,
                  bint first, const real *ahead, Py_ssize_t ahead_step, Py_ssize_t rows, int nv) noexcept nogil:
    """product_body for 1 to MR rows (MR, if there are more) of 1 to NR vectors."""
    product_of_size(product_body, rows, nv, v, stride, u, m, mstride, length, first, ahead, ahead_step)


cdef void multiply(Filters *w, Py_ssize_t bank, Py_ssize_t chunk, const real *v, Py_ssize_t vstep, Py_ssize_t stride,
                   Py_ssize_t patches, const real *u, real *m, Py_ssize_t mstep) noexcept nogil:
    """m[f] += v[f] u[f] for the channels of one chunk; the first chunk sets m.

    Meanwhile the next panel of filters is fetched: one cache line per input channel and tile of patches.
    """
    cdef Py_ssize_t lanes = bank_width(w, bank), length = length_of(w, chunk), step = odd_lines(length * lanes)
    cdef Py_ssize_t f, panel, t, k, fetched
    cdef const real *own
    cdef const real *next_panel
    cdef int nv
    v += chunk * w.chunk
    for f in range(w.frequencies):
        for panel in range(ceil_div(lanes, NR * VL)):
            k = panel * NR * VL
            nv = <int>(panel_width(lanes, panel) // VL)
            own = u + f * step + k * length
            next_panel = own + nv * VL * length if k + nv * VL < lanes else u + (f + 1) * step
            t = fetched = 0
            while t < patches:
                product(v + f * vstep + t * stride, stride, own, m + f * mstep + t * lanes + k, lanes, length,
                        chunk == 0, next_panel + fetched, LINE if fetched < nv * VL * length else 0, patches - t, nv)
                fetched += LINE * length
                t += MR
