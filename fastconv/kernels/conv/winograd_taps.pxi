# Filters read from a weight, and gradients written to one: vectors over output channels, whatever the strides of w are.
# The usual weight is (K, C, taps) in memory: its taps lie side by side, and squares of 4 outputs x 4 taps are turned
# over at a time. Any other weight is read and written element by element.

from libc.string cimport memset
from ..simd.vector cimport VL, real

cdef extern from *:
    """
    typedef REAL quad __attribute__((vector_size(4 * REAL_BYTES), aligned(REAL_BYTES), may_alias));
    #define quad_load(p) (*(const quad *)(p))
    #define quad_store(p, q) (*(quad *)(p) = (q))
    #if defined(__has_builtin)
    #if __has_builtin(__builtin_shufflevector)
    #define quad_mix __builtin_shufflevector
    #endif
    #endif
    #ifndef quad_mix
    #define quad_mix(a, b, ...) __builtin_shuffle(a, b, (vi_quad){__VA_ARGS__})
    typedef vi_element vi_quad __attribute__((vector_size(4 * REAL_BYTES)));
    #endif
    """
    ctypedef float quad
    quad quad_load(const real *p) noexcept nogil
    void quad_store(real *p, quad q) noexcept nogil
    quad quad_mix(quad a, quad b, int i, int j, int k, int l) noexcept nogil


cdef inline void transpose_4(const real *x, Py_ssize_t xs, real *y, Py_ssize_t ys) noexcept nogil:
    """y[j * ys + i] = x[i * xs + j] for i, j < 4"""
    cdef quad a = quad_load(x), b = quad_load(x + xs), c = quad_load(x + 2 * xs), d = quad_load(x + 3 * xs)
    cdef quad e = quad_mix(a, b, 0, 4, 1, 5), f = quad_mix(c, d, 0, 4, 1, 5)
    cdef quad g = quad_mix(a, b, 2, 6, 3, 7), h = quad_mix(c, d, 2, 6, 3, 7)
    quad_store(y, quad_mix(e, f, 0, 1, 4, 5))
    quad_store(y + ys, quad_mix(e, f, 2, 3, 6, 7))
    quad_store(y + 2 * ys, quad_mix(g, h, 0, 1, 4, 5))
    quad_store(y + 3 * ys, quad_mix(g, h, 2, 3, 6, 7))


cdef inline void copy_lanes(const real *x, Py_ssize_t xs, real *y, Py_ssize_t ys, Py_ssize_t lanes) noexcept nogil:
    """y[lane * ys] = x[lane * xs]"""
    cdef Py_ssize_t lane
    for lane in range(lanes):
        y[lane * ys] = x[lane * xs]


cdef Py_ssize_t side_by_side(Weight *w, Py_ssize_t count) noexcept nogil:
    """How many taps, of `count` channels in all, lie side by side (backwards if offsets fall); 0 if they do not."""
    cdef Py_ssize_t t, direction = w.offsets[1] - w.offsets[0]
    for t in range(w.taps):
        if w.offsets[t] != w.offsets[0] + t * direction or direction * direction != 1:
            return 0
    return count * w.taps if direction == 1 and w.sc == w.taps else w.taps


cdef void gather_taps(Filters *f, Py_ssize_t k0, Py_ssize_t c0, Py_ssize_t count, real *taps) noexcept nogil:
    """taps[c][tap][lane] = w[k0 + lane, c0 + c, tap], zeros beyond K."""
    cdef Weight *w = &f.w
    cdef Py_ssize_t lanes = min(<Py_ssize_t>VL, f.K - k0), run = side_by_side(w, count), lane, c, t
    cdef Py_ssize_t last = 0, step = VL
    cdef const real *source = start_of(w, k0, c0)
    if lanes < VL:
        memset(taps, 0, count * w.taps * VL * sizeof(real))
    if run and w.offsets[0] > w.offsets[1]:  # the last tap comes first in memory
        last, step = w.taps - 1, -VL
    for lane in range(0, lanes, 4):
        if run and lane + 4 <= lanes:
            for c in range(count * w.taps // run):
                gather_run(source + w.offsets[last] + lane * w.sk + c * w.sc, w.sk, run,
                           taps + (c * w.taps + last) * VL + lane, step)
        else:
            for c in range(count):
                for t in range(w.taps):
                    copy_lanes(source + w.offsets[t] + lane * w.sk + c * w.sc, w.sk,
                               taps + (c * w.taps + t) * VL + lane, 1, min(<Py_ssize_t>4, lanes - lane))


cdef inline void gather_run(const real *w, Py_ssize_t sk, Py_ssize_t run, real *taps, Py_ssize_t step) noexcept nogil:
    """taps[t * step + lane] = w[lane * sk + t] for 4 lanes and t < run."""
    cdef Py_ssize_t t = 0
    while t + 4 <= run:
        transpose_4(w + t, sk, taps + t * step, step)
        t += 4
    while t < run:
        copy_lanes(w + t, sk, taps + t * step, 1, 4)
        t += 1


cdef void scatter_taps(Filters *f, Py_ssize_t k0, Py_ssize_t c0, Py_ssize_t count, const real *taps) noexcept nogil:
    """w[k0 + lane, c0 + c, tap] = taps[c][tap][lane], not beyond K."""
    cdef Weight *w = &f.w
    cdef Py_ssize_t lanes = min(<Py_ssize_t>VL, f.K - k0), run = side_by_side(w, count), lane, c, t
    cdef real *target = start_of(w, k0, c0)
    if w.offsets[0] > w.offsets[1]:
        run = 0
    for lane in range(0, lanes, 4):
        if run and lane + 4 <= lanes:
            for c in range(count * w.taps // run):
                scatter_run(taps + c * w.taps * VL + lane, run, target + lane * w.sk + c * w.sc, w.sk)
        else:
            for c in range(count):
                for t in range(w.taps):
                    copy_lanes(taps + (c * w.taps + t) * VL + lane, 1, target + w.offsets[t] + lane * w.sk + c * w.sc,
                               w.sk, min(<Py_ssize_t>4, lanes - lane))


cdef inline void scatter_run(const real *taps, Py_ssize_t run, real *w, Py_ssize_t sk) noexcept nogil:
    """w[lane * sk + t] = taps[t * VL + lane] for 4 lanes and t < run."""
    cdef Py_ssize_t t = 0
    while t + 4 <= run:
        transpose_4(taps + t * VL, VL, w + t, sk)
        t += 4
    while t < run:
        copy_lanes(taps + t * VL, 1, w + t, sk, 4)
        t += 1
