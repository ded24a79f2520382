# The products of the weight gradient, du[f] = V[f]t Z[f] for each frequency f: rows are input channels, columns output
# channels, and the sum runs over patches. V and Z are the transformed x and dy.

from ..runtime.sizes cimport ceil_div
from ..simd cimport dispatch
from ..simd.vector cimport VL, real, vf, vload, vsplat, vstore, vzero
from .tile cimport MR, NR

cdef enum:
    SUM_PATCHES = 64    # patches summed in registers
    TALL_ROWS = 16      # rows of one vector that are summed in registers at once, where there are 32 of them

ctypedef void (*sum_case)(const real *v, Py_ssize_t stride, const real *z, Py_ssize_t patches, real *du, bint first,
                          const int rows, const int nv) noexcept nogil
cdef extern from *:
    void sum_of_size "DISPATCH_TILE" (sum_case f, Py_ssize_t rows, int nv, const real *v, Py_ssize_t stride,
                                      const real *z, Py_ssize_t patches, real *du, bint first) noexcept nogil


cdef inline void sum_body(const real *v, Py_ssize_t stride, const real *z, Py_ssize_t patches, real *du, bint first,
                          const int rows, const int nv) noexcept nogil:
    """du[i][j] = (0 or du[i][j]) + sum_t v[t][i] z[t][j]"""
    cdef vf acc[TALL_ROWS][NR]
    cdef vf zv[NR]
    cdef vf a
    cdef const real *before = &zeros[0] if first else du
    cdef Py_ssize_t step = 0 if first else nv * VL
    cdef int i, j
    for i in range(rows):
        for j in range(nv):
            acc[i][j] = vzero
    while True:  # patches is at least 1
        for j in range(nv):
            zv[j] = vload(z + j * VL)
        for i in range(rows):
            a = vsplat(v[i])
            for j in range(nv):
                acc[i][j] = acc[i][j] + a * zv[j]
        v += stride
        z += nv * VL
        patches -= 1
        if patches == 0:
            break
    for i in range(rows):
        for j in range(nv):
            vstore(du + (i * nv + j) * VL, acc[i][j] + vload(before + i * step + j * VL))


cdef Py_ssize_t sum_products(const real *v, Py_ssize_t stride, const real *z, Py_ssize_t patches, real *du, bint first,
                             Py_ssize_t rows, int nv) noexcept nogil:
    """sum_body for up to MR rows of 1 to NR vectors, or TALL_ROWS rows of one; how many rows it was."""
    if NR > 2 and nv == 1 and rows >= TALL_ROWS:
        sum_body(v, stride, z, patches, du, first, TALL_ROWS, 1)
        return TALL_ROWS
    sum_of_size(sum_body, rows, nv, v, stride, z, patches, du, first)
    return min(rows, <Py_ssize_t>MR)


cdef struct Round:
    # patches `first` to first + patches - 1, transformed
    Py_ssize_t first, patches
    real *v                     # v[f][patch][channel]
    Py_ssize_t stride           # from one patch to the next
    real *z                     # z[f][panel of NR vectors][patch][lane]
    Py_ssize_t vstep, zstep     # from one frequency to the next
    bint opens                  # this round is the first one of its sums


cdef void sum_frequency(Filters *w, Round *r, Py_ssize_t bank, Py_ssize_t chunk, Py_ssize_t f, real *du) noexcept nogil:
    """du[f] of a bank and chunk += V[f]t Z[f], SUM_PATCHES patches at a time: sums of sums round less."""
    cdef Py_ssize_t lanes = bank_width(w, bank), length = length_of(w, chunk), panel, c, width, t = 0
    cdef const real *v = r.v + f * r.vstep + chunk * w.chunk
    cdef const real *z = r.z + f * r.zstep + bank * w.width * r.patches
    du += f * odd_lines(length * lanes)
    while t < r.patches:
        for panel in range(ceil_div(lanes, NR * VL)):
            width = panel_width(lanes, panel)
            c = 0
            while c < length:
                c += sum_products(v + t * r.stride + c, r.stride, z + panel * NR * VL * r.patches + t * width,
                                  min(<Py_ssize_t>SUM_PATCHES, r.patches - t),
                                  du + panel * NR * VL * length + c * width, r.opens and t == 0, length - c,
                                  <int>(width // VL))
        t += SUM_PATCHES
