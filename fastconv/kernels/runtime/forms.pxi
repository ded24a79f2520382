cdef bint run_of(np.ndarray a, int first, int end, np.npy_intp *stride) noexcept:
    """Whether the axes from `first` up to `end` are one run, and its stride."""
    cdef int i, inner = -1
    stride[0] = a.descr.itemsize
    for i in range(end - 1, first - 1, -1):
        if a.shape[i] == 1:
            continue
        if inner < 0:
            stride[0] = a.strides[i]
        elif a.strides[i] != a.strides[inner] * a.shape[inner]:
            return False
        inner = i
    return True


def run_stride(np.ndarray a not None, int first, int end):
    """The stride of the axes from `first` up to `end` read as one; None where they are not one run."""
    cdef np.npy_intp stride
    if first < 0 or end > a.ndim:
        raise ValueError("the axes must be axes of a")
    return stride if run_of(a, first, end, &stride) else None


def rows(np.ndarray a not None, int count):
    """`a` as (R, V), its first `count` axes as one and the others as one of unit stride; None where they are not runs."""
    cdef np.npy_intp shape[2]
    cdef np.npy_intp strides[2]
    cdef int i
    if count < 0 or count > a.ndim:
        raise ValueError("count must be a number of axes of a")
    if not run_of(a, 0, count, &strides[0]) or not run_of(a, count, a.ndim, &strides[1]):
        return None
    if strides[1] != a.descr.itemsize:
        return None
    shape[0] = shape[1] = 1
    for i in range(a.ndim):
        shape[0 if i < count else 1] *= a.shape[i]
    return view_of(a, 2, shape, strides, 0, PyArray_FLAGS(a) & WRITEABLE)


def matrices(*arrays):
    """Arrays (..., V) as (R, V), of any strides; None where the rows of one of them do not lie at one stride."""
    cdef list found = []
    for a in arrays:
        matrix = a if (<np.ndarray?> a).ndim == 2 else as_matrix(a)
        if matrix is None:
            return None
        found.append(matrix)
    return found


cdef object as_matrix(np.ndarray a):
    """The same of one array."""
    cdef np.npy_intp shape[2]
    cdef np.npy_intp strides[2]
    cdef int i, last = a.ndim - 1
    if last < 0:
        raise ValueError("the arrays must have a dimension")
    if not run_of(a, 0, last, &strides[0]):
        return None
    shape[0], shape[1], strides[1] = 1, a.shape[last], a.strides[last]
    for i in range(last):
        shape[0] *= a.shape[i]
    return view_of(a, 2, shape, strides, 0, PyArray_FLAGS(a) & WRITEABLE)


def planes(np.ndarray a not None):
    """`a`, of two axes at least, as (N, C, P) whose last axis has unit stride, or None."""
    cdef np.npy_intp shape[3]
    cdef np.npy_intp strides[3]
    cdef int i
    if a.ndim < 2 or not (run_of(a, 2, a.ndim, &strides[2]) or PyArray_FLAGS(a) & CARRAY):
        return None
    if not PyArray_FLAGS(a) & CARRAY and strides[2] != a.descr.itemsize:
        return None
    shape[0], shape[1], shape[2] = a.shape[0], a.shape[1], 1
    for i in range(2, a.ndim):
        shape[2] *= a.shape[i]
    strides[0], strides[1], strides[2] = a.strides[0], a.strides[1], a.descr.itemsize
    return view_of(a, 3, shape, strides, 0, PyArray_FLAGS(a) & WRITEABLE)


def sets(np.ndarray a, groups=None):
    """Planes (N, C, P) by sets that share a mean: (1, C, N, P), or (N, groups, C / groups, P); None stays."""
    cdef np.npy_intp shape[4]
    cdef np.npy_intp strides[4]
    if a is None:
        return None
    if a.ndim != 3:
        raise ValueError("a must have 3 dimensions")
    if groups is None:
        shape[0], shape[1], shape[2] = 1, a.shape[1], a.shape[0]
        strides[0], strides[1], strides[2] = 0, a.strides[1], a.strides[0]
    else:
        shape[0], shape[1] = a.shape[0], groups
        shape[2] = a.shape[1] // shape[1]
        strides[0], strides[1], strides[2] = a.strides[0], a.strides[1] * shape[2], a.strides[1]
    shape[3], strides[3] = a.shape[2], a.strides[2]
    return view_of(a, 4, shape, strides, 0, PyArray_FLAGS(a) & WRITEABLE)


def by_set(np.ndarray w, Py_ssize_t N, groups=None):
    """The channels' numbers in the order of `sets`: (C, N), or (groups, C / groups); None stays."""
    cdef np.npy_intp shape[2]
    cdef np.npy_intp strides[2]
    if w is None:
        return None
    if w.ndim != 1:
        raise ValueError("w must have 1 dimension")
    shape[0], shape[1], strides[0], strides[1] = w.shape[0], N, w.strides[0], 0
    if groups is not None:
        shape[0] = groups
        shape[1] = w.shape[0] // shape[0]
        strides[0], strides[1] = w.strides[0] * shape[1], w.strides[0]
    return view_of(w, 2, shape, strides, 0, PyArray_FLAGS(w) & WRITEABLE)
