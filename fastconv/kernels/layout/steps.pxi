# Runs whose values lie some steps apart in x or in y: y[i] = x[i * step], or y[i * step] = x[i].
#
# With AVX-512 a vector is put together from the |step| vectors under it. Nothing beyond the first and the last value is
# read; nothing between values is written. Elsewhere, and for long steps, the values move one by one.

cdef extern from *:
    """
    #define MOST_STEP 8
    #define AHEAD 512  /* values of x that are fetched ahead of a large copy */
    #if VBYTES == 64
    #if REAL_BYTES == 4
    typedef __m512i lanes_t;
    typedef __mmask16 mask_t;
    #define set_lanes(a) _mm512_loadu_si512(a)
    #define load_lanes(m, p) _mm512_maskz_loadu_ps(m, p)
    #define move_lanes(old, m, idx, v) _mm512_mask_permutexvar_ps(old, m, idx, v)
    #define pick_lanes(idx, v) _mm512_permutexvar_ps(idx, v)
    #define pick_of_two(a, idx, b) _mm512_permutex2var_ps(a, idx, b)
    #define store_lanes(p, m, v) _mm512_mask_storeu_ps(p, m, v)
    typedef int lane_t;
    typedef __m512 wide_t;
    #define NO_LANES _mm512_setzero_ps()
    #else
    typedef __m512i lanes_t;
    typedef __mmask8 mask_t;
    #define set_lanes(a) _mm512_loadu_si512(a)
    #define load_lanes(m, p) _mm512_maskz_loadu_pd(m, p)
    #define move_lanes(old, m, idx, v) _mm512_mask_permutexvar_pd(old, m, idx, v)
    #define pick_lanes(idx, v) _mm512_permutexvar_pd(idx, v)
    #define pick_of_two(a, idx, b) _mm512_permutex2var_pd(a, idx, b)
    #define store_lanes(p, m, v) _mm512_mask_storeu_pd(p, m, v)
    typedef long long lane_t;
    typedef __m512d wide_t;
    #define NO_LANES _mm512_setzero_pd()
    #endif

    /* How y[i] = x[i * step] is put together: value l of a vector of y lies at place q = l |step| of the |step| vectors
       that start at the smallest address; for step < 0 the order is turned round. What lies between values is read
       too. */
    typedef struct {
        lanes_t from;                                /* the lanes q of the vectors, two by two */
        mask_t take[MOST_STEP];                      /* the lanes of y that each vector gives */
        lanes_t pair;                                /* of a panel: the lanes of the first PANEL values of two rows */
        mask_t near;                                 /* and what is read of each row */
        int size, back;                              /* |step|, 0 where values move one by one; step < 0 */
    } Picks;
    /* where vector k begins; the last one ends with the last value: behind loads with masks the processor fetches
       nothing ahead, and a copy of 16 MB takes up to four times as long */
    static inline Py_ssize_t start_of(const Picks *p, int k) {
        return k < p->size - 1 ? k * VL : (VL - 1) * (p->size - 1);
    }
    static Picks picks_of(Py_ssize_t step) {
        Picks p = {.back = step < 0};
        const Py_ssize_t size = step < 0 ? -step : step;
        lane_t from[VL];
        if (size < 1 || size > MOST_STEP) return p;
        p.size = (int)size;
        for (int l = 0; l < VL; l++) {
            const int q = (p.back ? VL - 1 - l : l) * p.size;
            from[l] = q / VL % 2 * VL + q - start_of(&p, q / VL);
            p.take[q / VL] |= (mask_t)(1u << l);
        }
        p.from = set_lanes(from);
        for (int l = 0; l < VL; l++) {
            const int q = (p.back ? PANEL - 1 - l % PANEL : l % PANEL) * p.size;
            from[l] = l / PANEL * VL + q % VL;
            p.near |= (mask_t)(1u << q % VL);
        }
        p.pair = set_lanes(from);
        return p;
    }
    /* the smallest address of VL values, the first at x */
    static inline const REAL *lowest(const Picks *picks, const REAL *x) {
        return picks->back ? x - (VL - 1) * picks->size : x;
    }
    /* the vector of the VL values from p = lowest on */
    static inline vf pick(const Picks *picks, const REAL *p) {
        const wide_t low = (wide_t)vload(p);
        if (picks->size == 2) return (vf)pick_of_two(low, picks->from, (wide_t)vload(p + start_of(picks, 1)));
        wide_t v = move_lanes(NO_LANES, picks->take[0], picks->from, low);
        for (int k = 1; k < picks->size && k < MOST_STEP; k++)
            v = move_lanes(v, picks->take[k], picks->from, (wide_t)vload(p + start_of(picks, k)));
        return (vf)v;
    }
    /* rows of VL values or more; `stream`: around the caches, rows of y on cache lines */
    static __attribute__((noinline))
    void gather_rows_of(const REAL *x, Py_ssize_t x_row, Py_ssize_t step, const Picks *picks, REAL *y,
                        Py_ssize_t y_row, Py_ssize_t rows, Py_ssize_t count, const int stream, const int fetch) {
        const Picks own = *picks;
        const Py_ssize_t length = count * own.size;  /* of a row of x; of short ones, later ones are fetched ahead */
        const Py_ssize_t ahead = length < AHEAD ? AHEAD / length * x_row : AHEAD, last = count - VL;
        for (Py_ssize_t row = 0; row < rows; row++, x += x_row, y += y_row)
            for (Py_ssize_t done = 0; done < count; done += VL) {
                const Py_ssize_t next = done < last ? done : last;  /* the last vector overlaps the one before */
                const Py_ssize_t i = own.back ? last - next : next;  /* x is read forwards, which the processor expects */
                const REAL *p = lowest(&own, x + i * step);
                for (int k = 0; fetch && k < own.size; k++) vprefetch(p + ahead + k * VL);
                const vf v = pick(&own, p);
                if (stream && i % VL == 0) vstream(y + i, v); else vstore(y + i, v);
            }
        if (stream) vfence();
    }
    /* y[i * y_row + j] = x[j * x_row + i * step] for i, j < VL */
    static inline void pick_square(const Picks *picks, const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row,
                                   int stream) {
        vf v[VL];
        const REAL *p = lowest(picks, x);
        _Pragma("GCC unroll 16")
        for (int r = 0; r < VL; r++) v[r] = pick(picks, p + r * x_row);
        rows_of(v, VL, y, y_row, stream);
    }
    /* the same for i < PANEL, j < VL, |step| <= 2 */
    static inline void pick_panel(const Picks *picks, const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row,
                                  int stream, int fetch) {
    #if VBYTES / REAL_BYTES > 8
        vf v[PANEL];
        const Picks own = *picks;
        const REAL *p = own.back ? x - (PANEL - 1) * own.size : x;
        for (int r = 0; fetch && r < VL; r++) vprefetch(p + (2 * VL + r) * x_row);
        _Pragma("GCC unroll 8")
        for (int r = 0; r < PANEL; r++, p += x_row)
            v[r] = (vf)pick_of_two(load_lanes(own.near, p), own.pair, load_lanes(own.near, p + PANEL * x_row));
        rows_of(v, PANEL, y, y_row, stream);
    #else
        pick_square(picks, x, x_row, y, y_row, stream);
    #endif
    }
    /* y[i * size] = x[i] */
    static __attribute__((noinline))
    void scatter_rows_of(const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row, Py_ssize_t rows, Py_ssize_t count,
                         const int size) {
        lanes_t idx[MOST_STEP];
        mask_t write[MOST_STEP] = {0};
        for (int k = 0; k < size; k++) {
            lane_t from[VL];
            for (int l = 0; l < VL; l++) {
                from[l] = (k * VL + l) / size;
                if ((k * VL + l) % size == 0) write[k] |= (mask_t)(1u << l);
            }
            idx[k] = set_lanes(from);
        }
        for (Py_ssize_t row = 0; row < rows; row++, x += x_row, y += y_row)
            for (Py_ssize_t i = 0; i < count; i += VL) {
                if (i > count - VL) i = count - VL;
                const wide_t v = (wide_t)vload(x + i);
                for (int k = 0; k < size; k++) store_lanes(y + i * size + k * VL, write[k], pick_lanes(idx[k], v));
            }
    }
    #else
    typedef struct { int size; } Picks;
    static Picks picks_of(Py_ssize_t step) { return (Picks){0}; }
    #define pick_square(picks, x, x_row, y, y_row, stream) ((void)0)
    #define pick_panel(picks, x, x_row, y, y_row, stream, fetch) ((void)0)
    #endif

    static void gather_rows(const REAL *x, Py_ssize_t x_row, Py_ssize_t step, const Picks *picks, REAL *y,
                            Py_ssize_t y_row, Py_ssize_t rows, Py_ssize_t count, const int stream, const int fetch) {
    #if VBYTES == 64
        if (count >= VL && picks->size) {
            gather_rows_of(x, x_row, step, picks, y, y_row, rows, count, stream, fetch);
            return;
        }
    #endif
        for (Py_ssize_t row = 0; row < rows; row++, x += x_row, y += y_row) {
            if (step == -1)
                for (Py_ssize_t i = 0; i < count; i++) y[i] = x[-i];
            else if (step == 2)
                for (Py_ssize_t i = 0; i < count; i++) y[i] = x[i * 2];
            else
                for (Py_ssize_t i = 0; i < count; i++) y[i] = x[i * step];
        }
    }
    static void scatter_rows(const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row, Py_ssize_t step,
                             Py_ssize_t rows, Py_ssize_t count) {
    #if VBYTES == 64
        const Py_ssize_t size = step;
        if (count >= VL && 0 < size && size <= MOST_STEP) {
            scatter_rows_of(x, x_row, y, y_row, rows, count, (int)size);
            return;
        }
    #endif
        for (Py_ssize_t row = 0; row < rows; row++, x += x_row, y += y_row)
            for (Py_ssize_t i = 0; i < count; i++) y[i * step] = x[i];
    }
    """
    Picks picks_of(Py_ssize_t step) noexcept nogil
    void pick_square(const Picks *picks, const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row,
                     int stream) noexcept nogil
    void pick_panel(const Picks *picks, const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row,
                    int stream, int fetch) noexcept nogil
    void gather_rows(const real *x, Py_ssize_t x_row, Py_ssize_t step, const Picks *picks, real *y, Py_ssize_t y_row,
                     Py_ssize_t rows, Py_ssize_t count, int stream, int fetch) noexcept nogil
    void scatter_rows(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, Py_ssize_t step, Py_ssize_t rows,
                      Py_ssize_t count) noexcept nogil


cdef void turn(Copy *c, int axis) noexcept nogil:
    """Walk along an axis in the other direction, in both arrays."""
    c.x += (c.shape[axis] - 1) * c.xs[axis]
    c.y += (c.shape[axis] - 1) * c.ys[axis]
    c.xs[axis], c.ys[axis] = -c.xs[axis], -c.ys[axis]


cdef void forwards_in_y(Copy *c) noexcept nogil:
    """Turn the axes along which y runs backwards."""
    cdef int axis
    for axis in range(4):
        if c.ys[axis] < 0:
            turn(c, axis)


cdef void plan_steps(Copy *c) noexcept nogil:
    """The moves of x with a unit stride that is negative, or with steps, and of y with steps."""
    cdef int axis, near = 3  # the axis along which values of x lie nearest, repeated ones aside
    for axis in range(3):
        if c.shape[axis] > 1 and 0 < distance(c.xs[axis]) < distance(c.xs[near]):
            near = axis
    if near < 3 and c.ys[3] == REAL_BYTES and c.shape[3] > 1:
        if c.xs[near] < 0:
            turn(c, near)
        c.how = TRANSPOSES if c.xs[near] == REAL_BYTES else STEP_TRANSPOSES
        c.across_count, c.across_x, c.across_y = c.shape[near], c.xs[near], c.ys[near]
        c.shape[near] = 1
        c.picks = picks_of(c.across_x // REAL_BYTES)
    elif c.ys[3] == REAL_BYTES:
        c.how = GATHERS
        c.picks = picks_of(c.xs[3] // REAL_BYTES)
    elif c.xs[3] == REAL_BYTES:
        c.how = SCATTERS
