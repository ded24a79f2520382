# Which pixels along an axis each pixel of a resized image reads, and their weights: `ops/taps.py` says what a table is.

from libc.math cimport ceil, floor

cdef enum:
    BETWEEN = 4  # the two pixels beside a place; else an index of ROUNDINGS

cdef tuple ROUNDINGS = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")

ctypedef struct Resizing:
    Py_ssize_t size, out
    double shift, times, over  # pixel i of the result lies at (i + shift) times / over - shift
    float step                 # or, where this is not 0, at i step, in float32
    int rounding


cdef int set_rule(Resizing *r, object factor, object rule) except -1:
    """Set all but the extents, from a `Rule` and the factor of this axis, or None."""
    mode, coordinates, rounding, pytorch = rule
    cdef bint nearest = mode == "nearest"
    r.shift, r.times, r.over, r.step = 0, 1, 1, 0
    r.rounding = ROUNDINGS.index(rounding) if nearest else BETWEEN
    if pytorch and r.out == r.size:  # copied
        return 0
    if pytorch and nearest:  # floor(i size / out) as PyTorch computes it
        if r.out != 2 * r.size:
            r.step = <float> r.size / <float> r.out if factor is None else <float> (1 / <double> factor)
            return 0
        factor = None
    if coordinates == "align_corners":
        if r.out > 1:
            r.times, r.over = r.size - 1, r.out - 1
    elif r.out > 1 or coordinates != "pytorch_half_pixel":
        r.shift = 0 if coordinates == "asymmetric" else 0.5
        r.times, r.over = (r.size, r.out) if factor is None else (1, factor)  # a product of extents is exact
    return 0


cdef Py_ssize_t fill_taps(const Resizing *r, np.npy_intp *end, np.npy_intp *place, double *weight) noexcept:
    """Write a table; places outside of the image are moved to its border. The number of taps."""
    cdef Py_ssize_t i, total = 0
    cdef double at, first, last = r.size - 1
    for i in range(r.out):
        end[i] = total
        at = <double> (<float> i * r.step) if r.step else (i + r.shift) * r.times / r.over - r.shift
        at = min(max(at, 0.0), last)
        if r.rounding == 1:
            first = ceil(at)
        elif r.rounding == 2:
            first = ceil(at - 0.5)
        else:
            first = floor(at + 0.5 if r.rounding == 3 else at)
        place[total], weight[total] = <np.npy_intp> first, 1
        total += 1
        if r.rounding == BETWEEN and at != first:  # a weight of 0 is no tap
            weight[total - 1] = 1 - (at - first)
            place[total], weight[total] = <np.npy_intp> first + 1, at - first
            total += 1
    end[r.out] = total
    return total


def resizing_taps(Py_ssize_t size, Py_ssize_t out, factor, rule, bint transposed=False):
    """(ends, source, weight), read-only: which of `size` pixels along an axis each of the `out` pixels reads.

    rule : `Rule` of `ops/coordinates.py`
    transposed : the table of the gradient instead
    """
    cdef Resizing r
    cdef np.npy_intp *end
    cdef np.npy_intp *place
    cdef np.npy_intp *bits
    cdef Py_ssize_t room, total
    if size < 1 or out < 1:
        raise ValueError("size and out must be >= 1")
    r.size, r.out = size, out
    set_rule(&r, factor, rule)
    room = out * (2 if r.rounding == BETWEEN else 1)
    if transposed:
        scratch = table(1, out + 1 + 2 * room, 1, &end)
        place = end + out + 1
        total = fill_taps(&r, end, place, <double *> (place + room))
        return turned_taps(end, place, place + room, out, total, size)
    ends, source, weight = table(1, out + 1, 1, &end), table(1, room, 1, &place), table(1, room, 1, &bits)
    total = fill_taps(&r, end, place, <double *> bits)
    return fixed_taps(ends, source, weight, total)


def transposed_taps(np.ndarray ends not None, np.ndarray source not None, np.ndarray weight not None, Py_ssize_t size):
    """The table of the gradient: for each of the `size` places the outputs that read it, in their order."""
    cdef const np.npy_intp *last = <np.npy_intp *> np.PyArray_DATA(ends)
    cdef const np.npy_intp *read = <np.npy_intp *> np.PyArray_DATA(source)
    cdef Py_ssize_t outputs = PyArray_SIZE(ends) - 1, total = PyArray_SIZE(source), i
    for a in (ends, source, weight):
        if not is_int64((<np.ndarray> a).descr) or not PyArray_FLAGS(a) & CARRAY:
            raise ValueError("a table must be arrays of int64 in C order")
    if outputs < 0 or last[outputs] != total or PyArray_SIZE(weight) != total:
        raise ValueError("ends must end at the number of taps")
    for i in range(total):
        if not 0 <= read[i] < size:
            raise ValueError("source must hold places below size")
    return turned_taps(last, read, <np.npy_intp *> np.PyArray_DATA(weight), outputs, total, size)


cdef tuple turned_taps(
    const np.npy_intp *last, const np.npy_intp *read, const np.npy_intp *given, Py_ssize_t outputs, Py_ssize_t total,
    Py_ssize_t size
):
    """The transposed table of one of so many outputs and taps."""
    cdef np.npy_intp *end
    cdef np.npy_intp *place
    cdef np.npy_intp *bits
    cdef Py_ssize_t i, k
    ends, source, weight = table(1, size + 1, 1, &end), table(1, total, 1, &place), table(1, total, 1, &bits)
    for i in range(size + 1):
        end[i] = 0
    for i in range(total):
        end[read[i] + 1] += 1
    for i in range(size):  # end[i] is where the outputs of i begin
        end[i + 1] += end[i]
    for i in range(outputs):
        for k in range(last[i], last[i + 1]):
            place[end[read[k]]], bits[end[read[k]]] = i, given[k]
            end[read[k]] += 1
    for i in range(size, 0, -1):  # each has moved to the next one's
        end[i] = end[i - 1]
    end[0] = 0
    return fixed_taps(ends, source, weight, total)


cdef tuple fixed_taps(np.ndarray ends, np.ndarray source, np.ndarray weight, np.npy_intp total):
    """The three arrays of a table, the last two as far as they are filled, read-only."""
    cdef np.npy_intp step = sizeof(np.npy_intp)
    if total < source.shape[0]:
        source, weight = view_of(source, 1, &total, &step, 0, 0), view_of(weight, 1, &total, &step, 0, 0)
    for a in (ends, source, weight):
        PyArray_CLEARFLAGS(a, WRITEABLE)
    return ends, source, weight
