# Transposes of VL x VL elements in registers: y[j, i] = x[i, j]; and of panels, which have at most 8 rows of y. Where rows
# of y lie a multiple of 4 KB apart, they share one set of the first cache, 8 or 12 lines: of 16 rows stored together,
# lines would be evicted before they are written.
#
# log2(VL) steps of shuffles. Step s = 1, 2, 4, ... swaps, for every pair of rows r and r + s (bit s of r is zero), the
# lanes of row r whose number has bit s with the lanes of row r + s whose number has not.

from .partial cimport vread, vwrite
from .vector cimport real, vf, vload, vstore, vstream, vzero

cdef extern from *:
    """
    #ifndef FASTCONV_TRANSPOSE
    #define FASTCONV_TRANSPOSE
    /* the rules of a step for SHUFFLE: what row r keeps and takes, and what row r + s takes and keeps */
    #define LOWER(i, s) ((i) & (s) ? VL + (i) - (s) : (i))
    #define UPPER(i, s) ((i) & (s) ? VL + (i) : (i) + (s))
    #define LOWER1(i) LOWER(i, 1)
    #define LOWER2(i) LOWER(i, 2)
    #define LOWER4(i) LOWER(i, 4)
    #define LOWER8(i) LOWER(i, 8)
    #define UPPER1(i) UPPER(i, 1)
    #define UPPER2(i) UPPER(i, 2)
    #define UPPER4(i) UPPER(i, 4)
    #define UPPER8(i) UPPER(i, 8)
    #define TRANSPOSE_STEP(v, rows, s)                                                                                  \\
        _Pragma("GCC unroll 16")                                                                                       \\
        for (int r = 0; r < rows; r++)                                                                                 \\
            if (!(r & s)) {                                                                                            \\
                vf a = v[r], b = v[r + s];                                                                             \\
                v[r] = SHUFFLE(a, b, LOWER##s);                                                                        \\
                v[r + s] = SHUFFLE(a, b, UPPER##s);                                                                    \\
            }
    /* VL vectors, in place: lane j of v[i] and lane i of v[j] are exchanged; of rows < VL vectors, this in each block of
       `rows` lanes */
    static inline __attribute__((always_inline)) void vtranspose_rows(vf *v, const int rows) {
        TRANSPOSE_STEP(v, rows, 1)
    #if VBYTES / REAL_BYTES > 2
        if (rows > 2) TRANSPOSE_STEP(v, rows, 2)
    #endif
    #if VBYTES / REAL_BYTES > 4
        if (rows > 4) TRANSPOSE_STEP(v, rows, 4)
    #endif
    #if VBYTES / REAL_BYTES > 8
        if (rows > 8) TRANSPOSE_STEP(v, rows, 8)
    #endif
    }
    static inline __attribute__((always_inline)) void vtranspose(vf *v) { vtranspose_rows(v, VL); }
    /* the rows of y, so many of them, from what was read; `stream`: stored around the caches, y on a cache line */
    static inline __attribute__((always_inline)) void rows_of(vf *v, const int rows, REAL *y, Py_ssize_t y_row,
                                                              int stream) {
        vtranspose_rows(v, rows);
        if (stream) {
            _Pragma("GCC unroll 16")
            for (int r = 0; r < rows; r++) vstream(y + r * y_row, v[r]);
        } else {
            _Pragma("GCC unroll 16")
            for (int r = 0; r < rows; r++) vstore(y + r * y_row, v[r]);
        }
    }
    /* y[i * y_row + j] = x[j * x_row + i] for i, j < VL */
    static inline void square(const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row, int stream) {
        vf v[VL];
        _Pragma("GCC unroll 16")
        for (int r = 0; r < VL; r++) v[r] = vload(x + r * x_row);
        rows_of(v, VL, y, y_row, stream);
    }
    #define PANEL (VBYTES / REAL_BYTES > 8 ? 8 : VBYTES / REAL_BYTES)
    /* the same for i < PANEL, j < VL */
    static inline void panel(const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row, int stream) {
    #if VBYTES / REAL_BYTES > 8
        vf v[PANEL];
        _Pragma("GCC unroll 8")
        for (int r = 0; r < PANEL; r++) {
            const __m256 low = _mm256_loadu_ps(x + r * x_row), high = _mm256_loadu_ps(x + (r + PANEL) * x_row);
            v[r] = (vf)_mm512_mask_broadcast_f32x8(_mm512_castps256_ps512(low), 0xff00, high);
        }
        rows_of(v, PANEL, y, y_row, stream);
    #else
        square(x, x_row, y, y_row, stream);
    #endif
    }
    /* the same for i < ni, j < nj, at most VL each; nothing else is read or written */
    static inline void square_part(const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row, Py_ssize_t ni,
                                   Py_ssize_t nj) {
        vf v[VL];
        _Pragma("GCC unroll 16")
        for (int r = 0; r < VL; r++) v[r] = r < nj ? vread(x + r * x_row, ni) : vzero;
        vtranspose(v);
        _Pragma("GCC unroll 16")
        for (int r = 0; r < VL; r++) if (r < ni) vwrite(y + r * y_row, nj, v[r]);
    }
    #endif
    """
    void vtranspose(vf *v) noexcept nogil
    void square(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, int stream) noexcept nogil
    enum: PANEL
    void panel(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, int stream) noexcept nogil
    void square_part(const real *x, Py_ssize_t x_row, real *y, Py_ssize_t y_row, Py_ssize_t ni,
                     Py_ssize_t nj) noexcept nogil
