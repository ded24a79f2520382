# What the normalisations share. Means and variances: sums of d and d^2, d = x - c for a c near the mean, so that
# nothing cancels, in vectors over at most RUN values; these join in double, in their order. c is the mean of what was
# read before (of the first run: that run's own, which is read twice from the cache).
# y = (x - mean) scale + shift, with what rounding took from the mean put into the shift. Its activation, and the gate
# that the backward pass makes from the same numbers, are the same instructions everywhere: their bits agree.

from libc.math cimport sqrt
from ..simd.vector cimport REAL_BYTES, REAL_MAX, VL, real, vf, vload, vsplat, vzero

cdef extern from *:
    """
    #ifndef FASTCONV_RUNS
    #define FASTCONV_RUNS
    #include <string.h>
    #define RUNS_INLINE static inline __attribute__((always_inline))
    /* a * b + c, rounded once where the build has it */
    #if VBYTES == 64 && REAL_BYTES == 4
    #define vfma(a, b, c) ((vf)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
    #elif VBYTES == 64
    #define vfma(a, b, c) ((vf)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
    #elif VBYTES == 32 && REAL_BYTES == 4
    #define vfma(a, b, c) ((vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
    #elif VBYTES == 32
    #define vfma(a, b, c) ((vf)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
    #else
    #define vfma(a, b, c) ((a) * (b) + (c))
    #endif
    /* the first n < VL lanes in memory; the others are those of fill, and are not written */
    #if VBYTES == 64 && REAL_BYTES == 4
    #define vload_part(p, n, fill) ((vf)_mm512_mask_loadu_ps((__m512)(fill), (__mmask16)((1u << (n)) - 1), p))
    #define vstore_part(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), (__m512)(v))
    #elif VBYTES == 64
    #define vload_part(p, n, fill) ((vf)_mm512_mask_loadu_pd((__m512d)(fill), (__mmask8)((1u << (n)) - 1), p))
    #define vstore_part(p, v, n) _mm512_mask_storeu_pd(p, (__mmask8)((1u << (n)) - 1), (__m512d)(v))
    #else
    RUNS_INLINE vf vload_part(const REAL *p, Py_ssize_t n, vf fill) { memcpy(&fill, p, n * REAL_BYTES); return fill; }
    RUNS_INLINE void vstore_part(REAL *p, vf v, Py_ssize_t n) { memcpy(p, &v, n * REAL_BYTES); }
    #endif
    /* relu (1) and relu6 (2), and g where they let y through, else 0; NaN comes through */
    RUNS_INLINE vf vactivate(vf v, int activation) {
        if (activation) v = vmax(vzero, v);
        return activation == 2 ? vmin(vsplat(6), v) : v;
    }
    RUNS_INLINE vf vgate(vf g, vf y, int activation) {
        if (!activation) return g;
    #if VBYTES == 64 && REAL_BYTES == 4
        __mmask16 m = _mm512_cmp_ps_mask((__m512)y, _mm512_setzero_ps(), _CMP_NLE_UQ);
        if (activation == 2) m &= _mm512_cmp_ps_mask((__m512)y, (__m512)vsplat(6), _CMP_NGE_UQ);
        return (vf)_mm512_maskz_mov_ps(m, (__m512)g);
    #elif VBYTES == 64
        __mmask8 m = _mm512_cmp_pd_mask((__m512d)y, _mm512_setzero_pd(), _CMP_NLE_UQ);
        if (activation == 2) m &= _mm512_cmp_pd_mask((__m512d)y, (__m512d)vsplat(6), _CMP_NGE_UQ);
        return (vf)_mm512_maskz_mov_pd(m, (__m512d)g);
    #else
        vi shut = (vi)(y <= vzero);
        if (activation == 2) shut |= (vi)(y >= vsplat(6));
        return (vf)((vi)g & ~shut);
    #endif
    }
    /* the sum of all lanes, in double */
    RUNS_INLINE double vsum(vf v) {
    #if VBYTES == 64 && REAL_BYTES == 4
        __m256 low = _mm512_castps512_ps256((__m512)v), high = _mm512_extractf32x8_ps((__m512)v, 1);
        return _mm512_reduce_add_pd(_mm512_add_pd(_mm512_cvtps_pd(low), _mm512_cvtps_pd(high)));
    #elif VBYTES == 64
        return _mm512_reduce_add_pd((__m512d)v);
    #else
        double s[4] = {0, 0, 0, 0};
        for (int i = 0; i < VL; i++) s[i % 4] += v[i];
        return (s[0] + s[1]) + (s[2] + s[3]);
    #endif
    }
    #endif
    """
    vf vfma(vf a, vf b, vf c) noexcept nogil
    vf vload_part(const real *p, Py_ssize_t n, vf fill) noexcept nogil
    void vstore_part(real *p, vf v, Py_ssize_t n) noexcept nogil
    vf vactivate(vf v, int activation) noexcept nogil
    vf vgate(vf g, vf y, int activation) noexcept nogil
    double vsum(vf v) noexcept nogil

cdef enum:
    RUN = 2048             # values summed in vectors before they join sums in double
    PAST_CACHES = 1 << 23  # bytes of a result from which it is stored past the caches

cdef struct Moments:
    double count
    double mean
    double squares  # sum (x - mean)^2


cdef inline void join(Moments *m, double count, double mean, double squares) noexcept nogil:
    """The moments of both together (Chan, Golub and LeVeque 1983)."""
    cdef double total = m.count + count, delta = mean - m.mean
    m.squares += squares + delta * delta * (m.count * count / total)
    m.mean += delta * (count / total)
    m.count = total


cdef inline double inverse_deviation(Moments *m, double eps) noexcept nogil:
    """1 / sqrt(var + eps); rounding may leave a sum of squares just below 0."""
    if m.squares < 0:
        m.squares = 0
    return inverse_root(m.squares / m.count, eps)


cdef inline double inverse_root(double var, double eps) noexcept nogil:
    """1 / sqrt(var + eps), kept finite: a channel of one value stays 0, however small eps is."""
    cdef double inverse = 1 / sqrt(var + eps)
    return REAL_MAX if inverse > REAL_MAX else inverse


cdef inline void remember(const Moments *m, real *mean, real *var, double momentum) noexcept nogil:
    """The running statistics: (1 - momentum) old + momentum new, with the unbiased variance."""
    mean[0] = <real>mixed(mean[0], m.mean, momentum)
    var[0] = <real>mixed(var[0], m.squares / (m.count - 1), momentum)


cdef inline double mixed(double old, double new, double momentum) noexcept nogil:
    """(1 - momentum) old + momentum new; momentum 0 and 1 give one of them, whatever the other is."""
    if momentum == 0:
        return old
    if momentum == 1:
        return new
    return (1 - momentum) * old + momentum * new


cdef inline real scale_of(real invstd, double w) noexcept nogil:
    return <real>(<double>invstd * w)


cdef inline real shift_of(real invstd, double w, double b, real low) noexcept nogil:
    """b - low scale; low: the mean less the mean as it was rounded"""
    return <real>(b - <double>low * (<double>invstd * w))


cdef inline vf scaled(vf x, vf center, vf scale, vf shift) noexcept nogil:
    return vfma(x - center, scale, shift)


cdef inline vf sloped(vf g, vf x, vf center, vf a, vf k, vf e) noexcept nogil:
    """g a + (x - center) k + e"""
    return vfma(g, a, vfma(x - center, k, e))


cdef inline void moments(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t count, Moments *m) noexcept nogil:
    """The moments of some rows of `count` values join m, by RUN values: whole rows together where they are short."""
    cdef Py_ssize_t together = max(<Py_ssize_t>1, RUN // count), row = 0, start
    while row < rows:
        if together > 1:
            run_moments(x + row * step, step, min(together, rows - row), count, m)
        else:
            start = 0
            while start < count:
                run_moments(x + row * step + start, 0, 1, min(<Py_ssize_t>RUN, count - start), m)
                start += RUN
        row += together


cdef inline void run_moments(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t count,
                             Moments *m) noexcept nogil:
    cdef double sums[2]
    cdef double number = <double>(rows * count), mean
    cdef real center = <real>m.mean
    if m.count == 0:
        run_sums(x, step, rows, count, x[0], sums)
        if not finite(sums[0]):
            far_sums(x, step, rows, count, x[0], sums)
        center = <real>(x[0] + sums[0] / number)
    run_sums(x, step, rows, count, center, sums)
    if not finite(sums[1]) and finite(center):
        far_sums(x, step, rows, count, center, sums)
    mean = sums[0] / number
    join(m, number, center + mean, sums[1] - mean * sums[0])


cdef inline bint finite(double v) noexcept nogil:
    return v - v == 0


cdef inline void far_sums(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t count, double center,
                   double *sums) noexcept nogil:
    """As `run_sums`, in double, for values whose squares overflow float32."""
    cdef Py_ssize_t row, i
    cdef double d
    sums[0], sums[1] = 0, 0
    for row in range(rows):
        for i in range(count):
            d = x[row * step + i] - center
            sums[0] += d
            sums[1] += d * d


cdef inline void run_sums(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t count, real center,
                          double *sums) noexcept nogil:
    """The sums of d and of d^2, d = x - center."""
    cdef vf s0 = vzero, s1 = vzero, s2 = vzero, s3 = vzero, q0 = vzero, q1 = vzero, q2 = vzero, q3 = vzero
    cdef vf c = vsplat(center), d0, d1, d2, d3
    cdef Py_ssize_t row, i, fours = count // (4 * VL), vectors = count // VL, rest = count % VL
    cdef const real *at
    for row in range(rows):
        at = x + row * step
        for i in range(fours):
            d0 = vload(at + 4 * i * VL) - c
            d1 = vload(at + (4 * i + 1) * VL) - c
            d2 = vload(at + (4 * i + 2) * VL) - c
            d3 = vload(at + (4 * i + 3) * VL) - c
            s0 = s0 + d0
            s1 = s1 + d1
            s2 = s2 + d2
            s3 = s3 + d3
            q0 = q0 + d0 * d0
            q1 = q1 + d1 * d1
            q2 = q2 + d2 * d2
            q3 = q3 + d3 * d3
        for i in range(4 * fours, vectors):
            d0 = vload(at + i * VL) - c
            s0 = s0 + d0
            q0 = q0 + d0 * d0
        if rest:
            d1 = vload_part(at + vectors * VL, rest, c) - c
            s1 = s1 + d1
            q1 = q1 + d1 * d1
    sums[0] = vsum((s0 + s1) + (s2 + s3))
    sums[1] = vsum((q0 + q1) + (q2 + q3))
