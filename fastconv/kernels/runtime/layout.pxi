PLANAR, CHANNELS_LAST = "planar", "channels_last"
MAX_ELEMENTS = 2**40  # a broadcast view can claim any size; beyond this a call would not end

cdef enum:
    MOST_AXES = 64  # of any array of NumPy

cdef type DTYPE = np.dtype


cdef inline bint runs_along(np.ndarray a, int axis) except -1:
    """Whether neighbours along this axis of images, if there are any, lie side by side in memory."""
    if a.ndim != 4:
        raise ValueError("images must have 4 dimensions")
    return a.strides[axis] == a.descr.itemsize or a.shape[axis] == 1


cdef bint all_run_along(tuple images, int axis) except -1:
    """The same of all these images."""
    for a in images:
        if not runs_along(a, axis):
            return False
    return True


def in_planes(*images):
    """Whether each row of a plane, along W, is one run of memory, in all these arrays (N, C, H, W)."""
    return all_run_along(images, 3)


def channels_together(*images):
    """Whether the channels of each pixel are one run of memory, in all these arrays (N, C, H, W)."""
    return all_run_along(images, 1)


def all_channels_last(*images):
    """Whether the memory of all these is channels-last, True, or planar, False; None where they differ.

    Where it is both, because an extent is 1, the longer runs decide.
    """
    cdef bint last = all_run_along(images, 1), planar = all_run_along(images, 3)
    cdef np.npy_intp longest = 0
    if last and planar:
        for a in images:
            longest = max(longest, (<np.ndarray> a).shape[3])
        return (<np.ndarray> images[0]).shape[1] > longest
    return last if last or planar else None


cdef inline bint has_unit_axis(np.ndarray x) noexcept:
    """Whether the W or the C axis of a four-dimensional array has unit stride."""
    cdef Py_ssize_t one = x.descr.itemsize
    return PyArray_FLAGS(x) & CARRAY or (x.ndim == 4 and (x.strides[3] == one or x.strides[1] == one))


cdef inline bint in_columns(np.ndarray x) noexcept:
    """Whether the pixels of a channels-last array (N, C, H, W) follow each other along H."""
    if x.strides[3] == x.descr.itemsize or x.shape[1] == 1 or x.shape[2] == 1 or x.shape[3] == 1:
        return False
    return abs(x.strides[3]) > abs(x.strides[2])


def layout_of(np.ndarray x not None):
    """Where the unit stride of a four-dimensional array is: along W ("planar") or along C ("channels_last")."""
    cdef Py_ssize_t one = x.descr.itemsize
    if x.ndim != 4 or PyArray_FLAGS(x) & CARRAY or x.strides[1] != one or (x.strides[3] == one and x.shape[3] > 1):
        return PLANAR
    return CHANNELS_LAST


def is_batch(x):
    """Whether kernels read `x` as images (N, C, H, W) as it is: plain, unit stride along W or C, not in columns."""
    return is_plain(x) and (<np.ndarray> x).ndim == 4 and has_unit_axis(x) and not in_columns(x) and within_limit(x)


cdef inline bint within_limit(np.ndarray a) noexcept:
    return PyArray_SIZE(a) <= (<Py_ssize_t> 1 << 40)  # MAX_ELEMENTS


def are_alike(dict arrays not None):
    """Whether these arrays are plain and have one shape and dtype."""
    cdef np.ndarray first = None
    cdef np.ndarray a
    for x in arrays.values():
        if not is_plain(x) or not within_limit(x):
            return False
        a = x
        if first is None:
            first = a
        elif PyArray_TYPE(a) != PyArray_TYPE(first) or not same_shape(a, first):
            return False
    return True


cdef inline bint same_shape(np.ndarray a, np.ndarray b) noexcept:
    cdef int i
    if a.ndim != b.ndim:
        return False
    for i in range(a.ndim):
        if a.shape[i] != b.shape[i]:
            return False
    return True


def are_like(dict arrays not None, np.ndarray x not None, tuple shape not None):
    """Whether these arrays (None is skipped) are plain and have the dtype of the plain array `x` and this shape."""
    cdef np.npy_intp extents[MOST_AXES]
    cdef np.ndarray a
    cdef int i
    if PyTuple_GET_SIZE(shape) > MOST_AXES:
        return False
    for i in range(PyTuple_GET_SIZE(shape)):
        extents[i] = <object> PyTuple_GET_ITEM(shape, i)
    for each in arrays.values():
        if each is None:
            continue
        if not is_plain(each):
            return False
        a = each
        if PyArray_TYPE(a) != PyArray_TYPE(x) or a.ndim != PyTuple_GET_SIZE(shape):
            return False
        for i in range(a.ndim):
            if a.shape[i] != extents[i]:
                return False
    return True


def are_writeable_in_order(list arrays not None):
    """Whether these are arrays in C order that may be written."""
    for a in arrays:
        if not PyArray_CheckExact(a) or not PyArray_FLAGS(a) & CARRAY or not PyArray_FLAGS(a) & WRITEABLE:
            return False
    return True


def have_one_dtype(dict arrays not None):
    """Whether these arrays (None is skipped) have one dtype, in the machine's byte order; False says nothing."""
    cdef np.dtype first = None
    for x in arrays.values():
        if x is None:
            continue
        if not PyArray_CheckExact(x):
            return False
        if first is None:
            first = (<np.ndarray> x).descr
        elif (<np.ndarray> x).descr is not first:
            return False
    return True


def is_shape(value, Py_ssize_t length):
    """Whether this is a tuple of so many integers >= 0."""
    return are_extents(value, length)


cdef bint are_extents(object value, Py_ssize_t length) except -1:
    cdef Py_ssize_t i
    cdef int overflow = 0
    if type(value) is not tuple or PyTuple_GET_SIZE(value) != length:
        return False
    for i in range(length):
        item = <object> PyTuple_GET_ITEM(value, i)
        if type(item) is not int or PyLong_AsLongLongAndOverflow(item, &overflow) < 0 or overflow:
            return False
    return True


def in_four_axes(np.ndarray a not None):
    """`a`, of at most four axes, with as many leading axes of extent 1 as it takes to have four."""
    cdef np.npy_intp shape[4]
    cdef np.npy_intp strides[4]
    cdef int i, more = 4 - a.ndim
    if more < 0:
        raise ValueError("a must have at most 4 dimensions")
    for i in range(4):
        shape[i] = 1 if i < more else a.shape[i - more]
        strides[i] = 0 if i < more else a.strides[i - more]
    return view_of(a, 4, shape, strides, 0, PyArray_FLAGS(a) & WRITEABLE)


cdef np.dtype dtype_of(object dtype):
    return dtype if isinstance(dtype, np.dtype) else DTYPE(dtype)


cdef Py_ssize_t bytes_of(tuple shape, np.dtype d, np.npy_intp *extents) except -1:
    """Bytes of an array of this shape, whose extents are given back; ValueError where they overflow."""
    cdef Py_ssize_t nbytes = d.itemsize
    cdef long long extent
    cdef int i, overflow = 0
    if PyTuple_GET_SIZE(shape) > MOST_AXES:
        raise ValueError("shape must have at most 64 extents")
    for i in range(PyTuple_GET_SIZE(shape)):
        extent = PyLong_AsLongLongAndOverflow(shape[i], &overflow)
        extents[i] = SIZE_LIMIT if overflow else extent
        if extents[i] < 0:
            raise ValueError("shape must hold integers >= 0")
    for i in range(PyTuple_GET_SIZE(shape)):
        if extents[i] == 0:
            return 0
    for i in range(PyTuple_GET_SIZE(shape)):
        nbytes = times(nbytes, extents[i])
    if nbytes == SIZE_LIMIT:
        raise ValueError(f"an array of shape {shape} and dtype {d} is too large for this machine")
    return nbytes


def repeated(np.ndarray a not None, int axis, Py_ssize_t extent):
    """`a` with one more axis, at this place, along which it is repeated without memory; writable if `a` is."""
    cdef np.npy_intp shape[MOST_AXES]
    cdef np.npy_intp strides[MOST_AXES]
    cdef int i
    if a.ndim >= MOST_AXES or axis < 0 or axis > a.ndim or extent < 0:
        raise ValueError("axis must be a place among at most 64 axes, and extent >= 0")
    for i in range(a.ndim + 1):
        shape[i] = extent if i == axis else a.shape[i - (i > axis)]
        strides[i] = 0 if i == axis else a.strides[i - (i > axis)]
    return view_of(a, a.ndim + 1, shape, strides, 0, PyArray_FLAGS(a) & WRITEABLE)


def ordered_like(np.ndarray a not None):
    """A new array of the shape and dtype of `a`, which is in C order; None where it is not."""
    if not PyArray_FLAGS(a) & CARRAY:
        return None
    return new_array(a.descr, a.ndim, a.shape, NULL, PyArray_SIZE(a) * a.descr.itemsize)


def size(shape, dtype):
    """Bytes of an array; ValueError where they overflow."""
    cdef np.npy_intp extents[MOST_AXES]
    return bytes_of(tuple(shape), dtype_of(dtype), extents)


def empty(shape, dtype, layout=None):
    """A new array; four-dimensional shapes may be asked for in channels-last memory.

    Large ones start on a cache line, so that no vector crosses two.
    """
    cdef tuple wanted = shape if type(shape) is tuple else tuple(shape)
    cdef np.dtype d = dtype_of(dtype)
    cdef np.npy_intp extents[MOST_AXES]
    cdef np.npy_intp strides[4]
    cdef Py_ssize_t nbytes = bytes_of(wanted, d, extents)
    if layout != CHANNELS_LAST:
        return new_array(d, PyTuple_GET_SIZE(wanted), extents, NULL, nbytes)
    if PyTuple_GET_SIZE(wanted) != 4:
        raise ValueError("shape must have 4 extents in channels-last memory")
    strides[1] = d.itemsize  # C
    strides[3] = strides[1] * max(extents[1], 1)
    strides[2] = strides[3] * max(extents[3], 1)
    strides[0] = strides[2] * max(extents[2], 1)
    return new_array(d, 4, extents, strides, nbytes)
