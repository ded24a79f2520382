# Whether indices lie in their windows: the loops over neighbouring channels or columns that are vectorised.

from ..simd cimport dispatch
from .index_vectors cimport int64_t
from .window cimport Pool, index_at

cdef extern from *:
    """
    #ifndef FASTCONV_INDEX_CHECKS
    #define FASTCONV_INDEX_CHECKS
    /* bad = whether some i[j], j < n, is in no row of its window. The window's first row holds the indices
       first + start[j * step] + k, k < count[j * step]; each further row lies `below` later. step is 0 or 1. */
    static inline __attribute__((always_inline)) void outside_rows(
            int *bad, const int64_t *i, Py_ssize_t n, const int64_t *start, const int64_t *count, int64_t first,
            int64_t below, int step, Py_ssize_t rows) {
        int64_t any = 0;
        for (Py_ssize_t j = 0; j < n; j++) {
            int64_t at = i[j] - first - start[j * step], inside = 0;
            uint64_t width = (uint64_t)count[j * step];
            for (Py_ssize_t r = 0; r < rows; r++) inside |= (uint64_t)(at - r * below) < width;
            any |= !inside;
        }
        *bad = any != 0;
    }
    static int outside(const int64_t *i, Py_ssize_t n, const int64_t *start, const int64_t *count, int step,
                       int64_t first, int64_t below, Py_ssize_t rows) {
        int bad;
        if (step) DISPATCH_ANY2(outside_rows, rows, 2, 3, &bad, i, n, start, count, first, below, 1);
        else DISPATCH_ANY2(outside_rows, rows, 2, 3, &bad, i, n, start, count, first, below, 0);
        return bad;
    }
    #endif
    """
    int outside(const int64_t *i, Py_ssize_t n, const int64_t *start, const int64_t *count, int step, int64_t first,
                int64_t below, Py_ssize_t rows) noexcept nogil


cdef inline bint bad_channels(const Pool *p, Py_ssize_t n, Py_ssize_t oh, Py_ssize_t ow, Py_ssize_t c,
                              Py_ssize_t count) noexcept nogil:
    """Whether an index of `count` channels of output (oh, ow) is not in its window. Needs channels-last indices."""
    cdef Py_ssize_t start = p.rows[oh].start, step = p.rows[oh].step, rows = p.rows[oh].count
    return outside(index_at(&p.indices, n, c, oh, ow), count, p.neighbours.start + ow, p.neighbours.count + ow, 0,
                   start * p.W, step * p.W, rows)


cdef inline bint bad_columns(const Pool *p, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh) noexcept nogil:
    """Whether an index of output row oh is not in its window. Needs planar indices."""
    cdef Py_ssize_t start = p.rows[oh].start, step = p.rows[oh].step, rows = p.rows[oh].count
    return outside(index_at(&p.indices, n, c, oh, 0), p.OW, p.neighbours.start, p.neighbours.count, 1,
                   start * p.W, step * p.W, rows)
