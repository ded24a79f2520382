# What the files of pooling share: helpers of vectors with indices, the kinds, the arrays of one call.

from ..simd.lanes cimport vread, vwrite
from ..simd.vector cimport VL, real, vf

cdef extern from *:
    """
    #ifndef FASTCONV_POOL
    #define FASTCONV_POOL
    #include <math.h>
    #include <stdint.h>
    /* v takes the place of a: it is larger, or the first NaN */
    #define vbetter(v, a) (((v) > (a)) | (((v) != (v)) & ((a) == (a))))
    #define vpick(m, a, b) vselect(m, a, b)
    #define ipick(m, a, b) (((a) & (m)) | ((b) & ~(m)))
    #define iboth(a, b) ((a) & (b))
    #define isplat(i) ((vi_element)(i) - (vi){0})
    #define iload(p) (*(const vi *)(p))
    #define istore(p, v) (*(vi *)(p) = (v))
    /* as vbetter, or as good and of a smaller index */
    #define vfirst(v, iv, a, ia) (vbetter(v, a) | ((((v) == (a)) | (((v) != (v)) & ((a) != (a)))) & ((iv) < (ia))))
    #define LANE_SAME(i) i
    #define LANE_TWICE_LOW(i) ((i) / 2)
    #define LANE_TWICE_HIGH(i) (VL / 2 + (i) / 2)
    #define LANE_EVEN(i) (2 * (i))
    #define LANE_EVEN_SPAN(i) (2 * (i) < VL ? 2 * (i) : 2 * (i) + 1)
    #define LANE_LOW(i) ((i) / 2 + (i) % 2 * VL)
    #define LANE_HIGH(i) (VL / 2 + (i) / 2 + (i) % 2 * VL)
    #define ilanes ((vi){LANES(LANE_SAME)})
    /* p[0], p[2], p[4], ...: reads nothing beyond the last of them */
    #define veven(p) SHUFFLE(vload(p), vload((p) + VL - 1), LANE_EVEN_SPAN)
    #define ieven(p) SHUFFLE(iload(p), iload((p) + VL - 1), LANE_EVEN_SPAN)
    /* v[0], 0, v[1], 0, ... */
    #define vspread_low(v) SHUFFLE(v, vzero, LANE_LOW)
    #define vspread_high(v) SHUFFLE(v, vzero, LANE_HIGH)
    /* v[0], v[0], v[1], v[1], ... */
    #define vtwice_low(v) SHUFFLE(v, v, LANE_TWICE_LOW)
    #define vtwice_high(v) SHUFFLE(v, v, LANE_TWICE_HIGH)
    typedef int64_t vlong __attribute__((vector_size(VL * 8), aligned(8), may_alias));
    static inline void iwrite(int64_t *p, Py_ssize_t n, vi v) {
        if (n >= VL) *(vlong *)p = __builtin_convertvector(v, vlong);
        else for (Py_ssize_t i = 0; i < n; i++) p[i] = v[i];
    }
    static inline vi iread(const int64_t *p, Py_ssize_t n) {
        vi v = {0};
        #if REAL_BYTES == 4  /* little-endian: the low halves of the indices */
        if (n >= VL) return SHUFFLE(iload(p), iload((const vi_element *)p + VL), LANE_EVEN);
        #else
        if (n >= VL) return iload(p);
        #endif
        for (Py_ssize_t i = 0; i < n; i++) v[i] = (vi_element)p[i];
        return v;
    }
    #define vtaken(i, at, v) ((vf)((vi)(v) & ((i) == (at))))
    #define vratio(dy, x, y) ((vf)((vi)((dy) * ((x) / (y))) & ((y) != vzero)))
    #if REAL_BYTES == 4
    #define ROOT sqrtf
    #define L2_LOW 0x1p-40f
    #define L2_HIGH 0x1p60f
    #define LANE_MAX INT32_MAX
    #else
    #define ROOT sqrt
    #define L2_LOW 0x1p-450
    #define L2_HIGH 0x1p500
    #define LANE_MAX INT64_MAX
    #endif
    #if defined(__AVX512F__) && VBYTES == 64 && REAL_BYTES == 4
    #define vroot(v) ((vf)_mm512_sqrt_ps((__m512)(v)))
    #elif defined(__AVX512F__) && VBYTES == 64
    #define vroot(v) ((vf)_mm512_sqrt_pd((__m512d)(v)))
    #else
    static inline vf vroot(vf v) {
        for (int i = 0; i < VL; i++) v[i] = ROOT(v[i]);
        return v;
    }
    #endif
    /* lanes below n that lie where squares neither overflow nor vanish, and all others */
    #define iordinary(v, n) ((((v) >= vsplat(L2_LOW)) & ((v) <= vsplat(L2_HIGH))) | (ilanes >= isplat(n)))
    static inline int iall(vi good) {
        vi_element all = -1;
        for (int i = 0; i < VL; i++) all &= good[i];
        return all != 0;
    }
    /* y = sqrt(y); whether all are ordinary */
    static inline int roots(REAL *y, Py_ssize_t count) {
        vi good = isplat(-1);
        for (Py_ssize_t i = 0; i < count; i += VL) {
            vf v = vroot(vread(y + i, count - i));
            vwrite(y + i, count - i, v);
            good &= iordinary(v, count - i);
        }
        return iall(good);
    }
    #endif
    """
    ctypedef long long int64_t
    ctypedef int vi_element
    ctypedef int vi
    vi vbetter(vf v, vf a) noexcept nogil
    vi vfirst(vf v, vi iv, vf a, vi ia) noexcept nogil
    vf vpick(vi m, vf a, vf b) noexcept nogil
    vi ipick(vi m, vi a, vi b) noexcept nogil
    vi isplat(Py_ssize_t i) noexcept nogil
    vi iload(const vi_element *p) noexcept nogil
    void istore(vi_element *p, vi v) noexcept nogil
    vi ilanes
    vf veven(const real *p) noexcept nogil
    vi ieven(const vi_element *p) noexcept nogil
    vf vspread_low(vf v) noexcept nogil
    vf vspread_high(vf v) noexcept nogil
    vf vtwice_low(vf v) noexcept nogil
    vf vtwice_high(vf v) noexcept nogil
    vi iread(const int64_t *p, Py_ssize_t n) noexcept nogil
    void iwrite(int64_t *p, Py_ssize_t n, vi v) noexcept nogil
    vf vtaken(vi i, vi at, vf v) noexcept nogil
    vf vratio(vf dy, vf x, vf y) noexcept nogil
    vf vroot(vf v) noexcept nogil
    real ROOT(real v) noexcept nogil
    vi iordinary(vf v, Py_ssize_t n) noexcept nogil
    vi iboth(vi a, vi b) noexcept nogil
    int iall(vi good) noexcept nogil
    int roots(real *y, Py_ssize_t count) noexcept nogil
    const real L2_LOW
    const real L2_HIGH
    const Py_ssize_t LANE_MAX

cdef extern from *:
    """
    /* whether an index is in no row of its window: start[j step] + width[j step] neighbours in each row */
    static inline int outside_rows(const int64_t *i, Py_ssize_t n, const int64_t *start, const int64_t *width, int step,
                                   int64_t first, int64_t below, Py_ssize_t rows) {
        int64_t bad = 0;
        for (Py_ssize_t j = 0; j < n; j++) {
            int64_t at = i[j] - first - start[j * step], inside = 0;
            uint64_t w = (uint64_t)width[j * step];
            for (Py_ssize_t r = 0; r < rows; r++) inside |= (uint64_t)(at - r * below) < w;
            bad |= !inside;
        }
        return bad != 0;
    }
    static int outside(const int64_t *i, Py_ssize_t n, const int64_t *start, const int64_t *width, int step,
                       int64_t first, int64_t below, Py_ssize_t rows) {
        if (step == 0 && rows == 2) return outside_rows(i, n, start, width, 0, first, below, 2);
        if (step == 0 && rows == 3) return outside_rows(i, n, start, width, 0, first, below, 3);
        if (step == 1 && rows == 2) return outside_rows(i, n, start, width, 1, first, below, 2);
        if (step == 1 && rows == 3) return outside_rows(i, n, start, width, 1, first, below, 3);
        return outside_rows(i, n, start, width, step, first, below, rows);
    }
    /* means of 2 x 2 windows side by side: the two rows, then the two columns, as in `windows` */
    static void mean_pairs(const REAL *a, const REAL *b, REAL *y, Py_ssize_t n) {
        REAL s[64];
        for (Py_ssize_t j = 0; j < n; j += 32) {
            Py_ssize_t count = n - j < 32 ? n - j : 32;
            for (Py_ssize_t k = 0; k < 2 * count; k++) s[k] = a[2 * j + k] + b[2 * j + k];
            for (Py_ssize_t k = 0; k < count; k++) y[j + k] = (s[2 * k] + s[2 * k + 1]) * (REAL)0.25;
        }
    }
    """
    void mean_pairs(const real *a, const real *b, real *y, Py_ssize_t n) noexcept nogil
    int outside(const int64_t *i, Py_ssize_t n, const int64_t *start, const int64_t *width, int step, int64_t first,
                int64_t below, Py_ssize_t rows) noexcept nogil

cdef enum:                  # what a loop is compiled for
    MAX
    ARGMAX
    MEAN
    SUM                     # a mean, on its way back, whose windows have all one divisor: divided once, at the end
    L2
    LP

cdef enum:
    COVER = 16              # windows over a pixel that are looked up once for all its channels
    BAND = 16               # rows of a map in a job
    PLANES = 64             # channels in a job
    SLOTS = 8               # rows of windows kept
    PLANE = 256 << 10       # bytes of a map that a thread sums up in a place of its own

cdef struct Map:            # an array (N, C, H, W): elements from one neighbour to the next
    real *p
    Py_ssize_t n, c, h, w

cdef struct Pool:
    Py_ssize_t N, C, H, W, OH, OW
    Map x                   # x, or dx
    Map x0                  # x, where x is dx
    Map y                   # y, or dy
    Map y0                  # y, where y is dy
    int64_t *i              # indices, flat in the plane (H, W)
    Py_ssize_t i_n, i_c, i_h, i_w
    const Py_ssize_t *rows
    const Py_ssize_t *cols
    const Py_ssize_t *row_ends
    const Py_ssize_t *row_list
    const Py_ssize_t *col_ends
    const Py_ssize_t *col_list
    double p
    real m                  # of SUM
    Py_ssize_t lo, hi       # outputs lo to hi - 1 of a row read whole windows, evenly spaced, of one divisor
    Py_ssize_t first, spacing, taps, step   # where output 0 would start without clipping, and so on
    bint even               # all windows of a row are those, clipped
    bint pairs              # they are all two columns wide, side by side
    Py_ssize_t planes       # channels of a job
    bint stream             # dx is large and on whole vectors: stored past the caches
    bint wide               # squares: windows of 3 x 3, and their padding
    Py_ssize_t top, left
    int64_t *starts         # the first column of each window, then how many it has; NULL where they are not neighbours
    bint bad                # an index was in no window
    char *scratch           # one part for each thread
    Py_ssize_t part


cdef inline bint bad_indices(Pool *g, Py_ssize_t n, Py_ssize_t oh, Py_ssize_t ow, Py_ssize_t c,
                             Py_ssize_t count) noexcept nogil:
    """Whether an index of some channels at (n, oh, ow) is not in its window; the channels are neighbours."""
    cdef const Py_ssize_t *row = g.rows + 4 * oh
    return outside(g.i + n * g.i_n + oh * g.i_h + ow * g.i_w + c, count, g.starts + ow, g.starts + g.OW + ow, 0,
                   row[0] * g.W, row[2] * g.W, row[1])


cdef inline bint bad_row(Pool *g, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh) noexcept nogil:
    """Whether any index of a row is not in its window; the columns are neighbours."""
    cdef const Py_ssize_t *row = g.rows + 4 * oh
    return outside(g.i + n * g.i_n + c * g.i_c + oh * g.i_h, g.OW, g.starts, g.starts + g.OW, 1,
                   row[0] * g.W, row[2] * g.W, row[1])
