# How a pooling call is described: what it computes, its arrays, the tables of its windows. All pieces share this.

from ..simd.vector cimport real
from .index_vectors cimport int64_t

cdef enum:                  # what a loop computes; each loop is compiled once for each kind
    MAX
    ARGMAX                  # forward: the largest value and its index; backward: by indices
    MEAN
    SUM                     # backward of a mean whose windows all have one divisor: divided once, at the end
    L2                      # L_p with p = 2
    LP

cdef enum:                  # parts that jobs are made of
    BAND = 16               # rows of a plane
    SQUARE_ROWS = 64        # rows of all planes, with windows of 2 x 2
    CHANNELS = 64           # channels
    PLANE_BYTES = 256 << 10  # of the largest plane of dx that a thread sums up in scratch

cdef struct Image:          # an array (N, C, H, W), and how many elements lie between neighbours along each axis
    real *data              # NULL where a pass has no such array
    Py_ssize_t n, c, h, w

cdef struct Indices:        # an array (N, C, OH, OW) of positions h * W + w in a plane (H, W)
    int64_t *data
    Py_ssize_t n, c, h, w

cdef struct Line:           # one output row reads the input rows start + k * step, k < count; columns alike
    Py_ssize_t start, count, step
    Py_ssize_t divisor      # a mean divides by rows[oh].divisor * cols[ow].divisor

cdef struct Readers:        # input row i is read by the output rows list[ends[i]] ... list[ends[i + 1] - 1], ascending
    const Py_ssize_t *ends
    const Py_ssize_t *list

cdef struct EvenRun:        # the unclipped windows of an output row that follow each other evenly, with one divisor
    Py_ssize_t lo, hi       # outputs lo to hi - 1; none where a vector cannot load their taps
    Py_ssize_t taps, step   # output ow reads the columns first + ow * spacing + k * step, k < taps
    Py_ssize_t first, spacing
    bint everywhere         # every other window of the row is a window of this kind, clipped
    bint pairs              # all outputs read the columns 2 ow and 2 ow + 1

cdef struct Blocks:         # pixels of dx in blocks of 2 x 2 (blocks_2x2.pxd)
    bint wide               # windows of 3 x 3, else of 2 x 2
    Py_ssize_t top, left    # padding of the windows

cdef struct Neighbours:     # windows whose columns are neighbours (step 1), for the check of indices
    int64_t *start          # first column of each output; NULL where the columns are no neighbours
    int64_t *count          # and how many columns it reads

cdef struct Scratch:        # memory for the threads, zeros at first
    char *memory
    Py_ssize_t part         # bytes of each thread

cdef struct Pool:
    Py_ssize_t N, C
    Py_ssize_t H, W         # of x and dx; unpooling: of the larger array
    Py_ssize_t OH, OW       # of y, dy and the indices
    Image x, y, dx, dy
    Indices indices
    const Line *rows        # OH lines
    const Line *cols        # OW lines
    Readers row_readers     # of H rows
    Readers col_readers     # of W columns
    EvenRun even
    Blocks blocks
    Neighbours neighbours
    double exponent         # p of L_p
    real divisor            # of SUM
    Py_ssize_t channels     # of a job that scatters
    bint stream             # dx is stored past the caches
    bint bad                # an index is in no window
    Scratch scratch


cdef inline real *pixel(const Image *a, Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, Py_ssize_t w) noexcept nogil:
    """The address of a[n, c, h, w]."""
    return a.data + n * a.n + c * a.c + h * a.h + w * a.w


cdef inline int64_t *index_at(const Indices *i, Py_ssize_t n, Py_ssize_t c, Py_ssize_t oh,
                              Py_ssize_t ow) noexcept nogil:
    """The address of i[n, c, oh, ow]."""
    return i.data + n * i.n + c * i.c + oh * i.h + ow * i.w


cdef inline real divisor_of(const Pool *p, Py_ssize_t oh, Py_ssize_t ow) noexcept nogil:
    """What the mean over window (oh, ow) divides by."""
    return <real>(p.rows[oh].divisor * p.cols[ow].divisor)
