cdef extern from "numpy/arrayobject.h":
    void PyArray_CLEARFLAGS(np.ndarray a, int flags)


cdef np.ndarray table(int nd, Py_ssize_t rows, Py_ssize_t columns, np.npy_intp **data):
    """A new table of integers, and where it is."""
    cdef np.npy_intp shape[2]
    cdef np.ndarray a
    shape[0], shape[1] = rows, columns
    a = new_array(INTP, nd, shape, NULL, rows * columns * sizeof(np.npy_intp))
    data[0] = <np.npy_intp *> np.PyArray_DATA(a)
    return a


cdef inline Py_ssize_t steps_to(Py_ssize_t distance, Py_ssize_t step) noexcept:
    """ceil(distance / step)."""
    return (distance + step - 1) // step if distance > 0 else -(-distance // step)


def sliding_windows(
    Py_ssize_t size, Py_ssize_t out, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t before,
    after=None, m=None
):
    """(out, 4), read-only: first, count, step, m of each window along an axis, clipped to the plane of this size.

    m, unless it is given, counts the padding up to `after`, or (None) none.
    """
    return windows_along(
        size, out, kernel, stride, dilation, before, -1 if after is None else size + after, m is not None,
        0 if m is None else m
    )


cdef np.ndarray windows_along(
    Py_ssize_t size, Py_ssize_t out, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t before,
    Py_ssize_t end, bint is_given, Py_ssize_t given
):
    """The same; `end` of the padding that m counts, or -1."""
    cdef np.npy_intp *line
    cdef np.ndarray lines = table(2, out, 4, &line)
    cdef Py_ssize_t i, start, skipped
    cdef Py_ssize_t reach = (kernel - 1) * dilation
    for i in range(out):
        start = i * stride - before
        if start >= 0 and start + reach < size:
            line[0], line[1] = start, kernel
        else:
            skipped = max(steps_to(-start, dilation), 0)
            line[0] = start + skipped * dilation
            line[1] = min(steps_to(size - start, dilation), kernel) - skipped
        line[2] = dilation
        line[3] = given if is_given else line[1] if end < 0 else min(start + kernel, end) - start
        line += 4
    PyArray_CLEARFLAGS(lines, WRITEABLE)
    return lines


def sharing_windows(Py_ssize_t size, Py_ssize_t out):
    """The same of windows that share out an axis: from floor(i size / out) up to ceil((i + 1) size / out)."""
    cdef np.npy_intp *line
    cdef np.ndarray lines = table(2, out, 4, &line)
    cdef Py_ssize_t i
    for i in range(out):
        line[0] = i * size // out
        line[1] = line[3] = steps_to((i + 1) * size, out) - line[0]
        line[2] = 1
        line += 4
    PyArray_CLEARFLAGS(lines, WRITEABLE)
    return lines


def window_tables(g, bint padded=False, m=None):
    """`sliding_windows` along H and along W of a `Pool2dGeometry`; `padded`: m counts the padding. m: of every window."""
    cdef Py_ssize_t n[16]
    cdef Py_ssize_t given = 0 if m is None else m
    cdef bint is_given = m is not None
    cdef int i
    if not isinstance(g, tuple) or PyTuple_GET_SIZE(g) != 16:
        raise TypeError("g must be a Pool2dGeometry")
    for i in range(16):
        n[i] = <object> PyTuple_GET_ITEM(g, i)
    return (
        windows_along(n[2], n[4], n[6], n[8], n[10], n[12], n[2] + n[14] if padded else -1, is_given, given),
        windows_along(n[3], n[5], n[7], n[9], n[11], n[13], n[3] + n[15] if padded else -1, is_given, 1),
    )


def with_covers(tuple tables not None, tuple x_shape not None):
    """Two tables, of the windows along H and along W, and the `cover` of each."""
    return tables + cover(tables[0], x_shape[2]) + cover(tables[1], x_shape[3])


cdef tuple cover(np.ndarray lines, Py_ssize_t size):
    """(ends, outputs): outputs[ends[i] : ends[i + 1]] are the windows that read position i, in order."""
    cdef np.npy_intp *line = <np.npy_intp *> np.PyArray_DATA(lines)
    cdef np.npy_intp *end
    cdef np.npy_intp *output
    cdef Py_ssize_t windows = lines.shape[0], i, tap, total = 0
    cdef np.ndarray ends = table(1, size + 1, 1, &end), outputs
    for i in range(size + 1):
        end[i] = 0
    for i in range(windows):
        for tap in range(line[4 * i + 1]):
            end[line[4 * i] + tap * line[4 * i + 2]] += 1
    for i in range(size + 1):  # now end[i] is where the windows of i begin
        total += end[i]
        end[i] = total - end[i]
    outputs = table(1, total, 1, &output)
    for i in range(windows):
        for tap in range(line[4 * i + 1]):
            output[end[line[4 * i] + tap * line[4 * i + 2]]] = i
            end[line[4 * i] + tap * line[4 * i + 2]] += 1
    for i in range(size, 0, -1):  # each has moved to the next one's
        end[i] = end[i - 1]
    end[0] = 0
    return ends, outputs
