# The two micro-kernels of a dense layer. Their accumulators stay in registers; extents marked `const int` are
# compile-time constants at every call.
#
#   dot    rows of x times rows of w, vectors along both: forward, without reordering either
#   outer  numbers times rows of vectors, summed one after the other: input gradient, weight gradient

from ..simd.vector cimport LINE, VL, real, vf, vload, vsplat, vstore, vstream, vzero

cdef extern from *:
    """
    #ifndef FASTCONV_DENSE
    #define FASTCONV_DENSE
    #if VBYTES == 64
    #define DENSE_ROWS 6
    #else
    #define DENSE_ROWS 3
    #endif
    #ifdef __clang__
    #define dense_mix(a, b, ...) ((vf)__builtin_shufflevector(a, b, __VA_ARGS__))
    #else
    #define dense_mix(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
    #endif
    typedef REAL dense_16 __attribute__((vector_size(16), aligned(REAL_BYTES), may_alias));

    /* the sum of the 16-byte parts of v, by halves */
    static inline dense_16 dense_fold(vf v) {
    #if VBYTES == 64 && REAL_BYTES == 4
        __m256 h = _mm512_castps512_ps256((__m512)v) + _mm512_extractf32x8_ps((__m512)v, 1);
        return (dense_16)(_mm256_castps256_ps128(h) + _mm256_extractf128_ps(h, 1));
    #elif VBYTES == 64
        __m256d h = _mm512_castpd512_pd256((__m512d)v) + _mm512_extractf64x4_pd((__m512d)v, 1);
        return (dense_16)(_mm256_castpd256_pd128(h) + _mm256_extractf128_pd(h, 1));
    #elif VBYTES == 32 && REAL_BYTES == 4
        return (dense_16)(_mm256_castps256_ps128((__m256)v) + _mm256_extractf128_ps((__m256)v, 1));
    #elif VBYTES == 32
        return (dense_16)(_mm256_castpd256_pd128((__m256d)v) + _mm256_extractf128_pd((__m256d)v, 1));
    #else
        return (dense_16)v;
    #endif
    }

    /* sums[j] = the sum of the lanes of v[j], j < 4, by a fixed tree */
    static inline void dense_sums(const vf *v, REAL *sums) {
    #if REAL_BYTES == 4
    #if VBYTES == 64
    #define EACH(L) L(0), L(4), L(8), L(12)
    #elif VBYTES == 32
    #define EACH(L) L(0), L(4)
    #else
    #define EACH(L) L(0)
    #endif
    #define LOW(o) (o), (o) + VL, (o) + 1, (o) + 1 + VL
    #define HIGH(o) (o) + 2, (o) + 2 + VL, (o) + 3, (o) + 3 + VL
    #define FIRST(o) (o), (o) + 1, (o) + VL, (o) + 1 + VL
    #define LAST(o) (o) + 2, (o) + 3, (o) + 2 + VL, (o) + 3 + VL
        vf ab = dense_mix(v[0], v[1], EACH(LOW)) + dense_mix(v[0], v[1], EACH(HIGH));
        vf cd = dense_mix(v[2], v[3], EACH(LOW)) + dense_mix(v[2], v[3], EACH(HIGH));
        *(dense_16 *)sums = dense_fold(dense_mix(ab, cd, EACH(FIRST)) + dense_mix(ab, cd, EACH(LAST)));
    #else
    #if VBYTES == 64
    #define EACH(L) L(0), L(2), L(4), L(6)
    #elif VBYTES == 32
    #define EACH(L) L(0), L(2)
    #else
    #define EACH(L) L(0)
    #endif
    #define LOW(o) (o), (o) + VL
    #define HIGH(o) (o) + 1, (o) + 1 + VL
        vf ab = dense_mix(v[0], v[1], EACH(LOW)) + dense_mix(v[0], v[1], EACH(HIGH));
        vf cd = dense_mix(v[2], v[3], EACH(LOW)) + dense_mix(v[2], v[3], EACH(HIGH));
        *(dense_16 *)sums = dense_fold(ab);
        *(dense_16 *)(sums + 2) = dense_fold(cd);
    #endif
    #undef EACH
    #undef LOW
    #undef HIGH
    #undef FIRST
    #undef LAST
    }

    /* the first `count` < VL lanes from p, zeros after; nothing behind them is read */
    static inline vf vload_part(const REAL *p, int count) {
    #if VBYTES == 64 && REAL_BYTES == 4
        return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
    #elif VBYTES == 64
        return (vf)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), p);
    #else
        REAL lanes[VL] = {0};
        for (int i = 0; i < VL - 1; i++)
            if (i < count) lanes[i] = p[i];
        return vload(lanes);
    #endif
    }
    #define dense_prefetch(p) __builtin_prefetch(p, 0, 3)
    #endif
    """
    enum: DOT_ROWS "DENSE_ROWS"       # rows of x at once in `dot`
    enum: PANEL "TILE_VECTORS"        # vectors in a row of `outer`
    void dense_sums(const vf *v, real *sums) noexcept nogil
    vf vload_part(const real *p, int count) noexcept nogil
    void dense_prefetch(const void *p) noexcept nogil

cdef enum:
    DOTS = 4        # rows of w at once in `dot`
    OUTER_ROWS = 6  # numbers at once in `outer`


cdef inline void dot_body(const real *x, Py_ssize_t x_row, Py_ssize_t x_step, const real *w, Py_ssize_t w_row,
                          Py_ssize_t w_step, int outputs, Py_ssize_t vectors, int tail, real *sums,
                          const real *ahead, const int rows) noexcept nogil:
    """sums[i][j] = sum_c x[i][c] w[j][c] over whole vectors and a tail; w[j] past `outputs` is the last one again.

    row: from one i or j to the next; step: from one vector of a row to the next. The row at `ahead` is fetched.
    """
    cdef vf acc[DOT_ROWS][DOTS]
    cdef vf xv[DOT_ROWS]
    cdef vf wv
    cdef const real *px[DOT_ROWS]
    cdef const real *pw[DOTS]
    cdef Py_ssize_t v
    cdef int i, j
    for i in range(rows):
        px[i] = x + i * x_row
        for j in range(DOTS):
            acc[i][j] = vzero
    for j in range(DOTS):
        pw[j] = w + min(j, outputs - 1) * w_row
    for v in range(vectors):
        for i in range(rows):
            xv[i] = vload(px[i] + v * x_step)
        for j in range(DOTS):
            wv = vload(pw[j] + v * w_step)
            for i in range(rows):
                acc[i][j] = acc[i][j] + xv[i] * wv
        dense_prefetch(ahead + v * VL)
    if tail > 0:
        for i in range(rows):
            xv[i] = vload_part(px[i] + vectors * x_step, tail)
        for j in range(DOTS):
            wv = vload_part(pw[j] + vectors * w_step, tail)
            for i in range(rows):
                acc[i][j] = acc[i][j] + xv[i] * wv
    for i in range(rows):
        dense_sums(acc[i], sums + i * DOTS)


cdef inline void dot(const real *x, Py_ssize_t x_row, const real *w, Py_ssize_t w_row, int outputs,
                     Py_ssize_t vectors, int tail, real *sums, int rows) noexcept nogil:
    """dot_body for 1 to DOT_ROWS rows of x, where they lie."""
    if rows == 1:
        dot_body(x, x_row, VL, w, w_row, VL, outputs, vectors, tail, sums, w, 1)
    elif rows == 2:
        dot_body(x, x_row, VL, w, w_row, VL, outputs, vectors, tail, sums, w, 2)
    elif rows == 3:
        dot_body(x, x_row, VL, w, w_row, VL, outputs, vectors, tail, sums, w, 3)
    elif DOT_ROWS > 3 and rows == 4:
        dot_body(x, x_row, VL, w, w_row, VL, outputs, vectors, tail, sums, w, 4)
    elif DOT_ROWS > 3 and rows == 5:
        dot_body(x, x_row, VL, w, w_row, VL, outputs, vectors, tail, sums, w, 5)
    elif DOT_ROWS > 3:
        dot_body(x, x_row, VL, w, w_row, VL, outputs, vectors, tail, sums, w, 6)


cdef inline void dot_packed(const real *x, const real *w, Py_ssize_t vectors, real *sums, const real *ahead,
                            int rows) noexcept nogil:
    """dot_body for rows in step, [vector][row], padded to whole vectors: one stream each."""
    if rows == 1:
        dot_body(x, VL, VL, w, VL, DOTS * VL, DOTS, vectors, 0, sums, ahead, 1)
    elif rows == 2:
        dot_body(x, VL, 2 * VL, w, VL, DOTS * VL, DOTS, vectors, 0, sums, ahead, 2)
    elif rows == 3:
        dot_body(x, VL, 3 * VL, w, VL, DOTS * VL, DOTS, vectors, 0, sums, ahead, 3)
    elif DOT_ROWS > 3 and rows == 4:
        dot_body(x, VL, 4 * VL, w, VL, DOTS * VL, DOTS, vectors, 0, sums, ahead, 4)
    elif DOT_ROWS > 3 and rows == 5:
        dot_body(x, VL, 5 * VL, w, VL, DOTS * VL, DOTS, vectors, 0, sums, ahead, 5)
    elif DOT_ROWS > 3:
        dot_body(x, VL, 6 * VL, w, VL, DOTS * VL, DOTS, vectors, 0, sums, ahead, 6)


cdef inline void outer_body(const real *a, Py_ssize_t a_row, Py_ssize_t a_step, const real *w, Py_ssize_t steps,
                            real *y, Py_ssize_t y_step, bint add, bint stream, const real *ahead,
                            Py_ssize_t ahead_step, const int rows, const int nv) noexcept nogil:
    """y[i][j] = (y[i][j] if add) + sum_t a[i, t] w[t][j], w a panel of PANEL vectors a step.

    With each step two cache lines are fetched from `ahead`, what the next panel will be made of.
    """
    cdef vf acc[OUTER_ROWS][PANEL]
    cdef vf wv[PANEL]
    cdef vf s
    cdef const real *p[OUTER_ROWS]
    cdef Py_ssize_t t
    cdef int i, j
    for i in range(rows):
        p[i] = a + i * a_row
        for j in range(nv):
            acc[i][j] = vzero
    for t in range(steps):
        for j in range(nv):
            wv[j] = vload(w + j * VL)
        for i in range(rows):
            s = vsplat(p[i][t * a_step])
            for j in range(nv):
                acc[i][j] = acc[i][j] + s * wv[j]
        dense_prefetch(ahead)
        dense_prefetch(ahead + LINE)
        w += PANEL * VL
        ahead += ahead_step
    for i in range(rows):
        for j in range(nv):
            if add:
                vstore(y + i * y_step + j * VL, vload(y + i * y_step + j * VL) + acc[i][j])
            elif stream:
                vstream(y + i * y_step + j * VL, acc[i][j])
            else:
                vstore(y + i * y_step + j * VL, acc[i][j])


cdef inline void outer_rows(const real *a, Py_ssize_t a_row, Py_ssize_t a_step, const real *w, Py_ssize_t steps,
                            real *y, Py_ssize_t y_step, bint add, bint stream, const real *ahead,
                            Py_ssize_t ahead_step, const int rows, int nv) noexcept nogil:
    if nv == 1:
        outer_body(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, rows, 1)
    elif nv == 2:
        outer_body(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, rows, 2)
    elif PANEL > 2 and nv == 3:
        outer_body(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, rows, 3)
    elif PANEL > 2:
        outer_body(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, rows, 4)


cdef inline void outer(const real *a, Py_ssize_t a_row, Py_ssize_t a_step, const real *w, Py_ssize_t steps, real *y,
                       Py_ssize_t y_step, bint add, bint stream, const real *ahead, Py_ssize_t ahead_step, int rows,
                       int nv) noexcept nogil:
    """outer_body for 1 to OUTER_ROWS rows and 1 to PANEL vectors."""
    if rows == 1:
        outer_rows(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, 1, nv)
    elif rows == 2:
        outer_rows(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, 2, nv)
    elif rows == 3:
        outer_rows(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, 3, nv)
    elif rows == 4:
        outer_rows(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, 4, nv)
    elif rows == 5:
        outer_rows(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, 5, nv)
    else:
        outer_rows(a, a_row, a_step, w, steps, y, y_step, add, stream, ahead, ahead_step, 6, nv)
