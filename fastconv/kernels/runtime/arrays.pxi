cdef extern from "numpy/arrayobject.h":
    object PyArray_NewFromDescr(
        type subtype, np.dtype descr, int nd, np.npy_intp *dims, np.npy_intp *strides, void *data, int flags, object obj
    )
    bint PyArray_CheckExact(object op)
    object PyArray_Return(np.ndarray a)
    int PyArray_TYPE(np.ndarray a)
    np.dtype PyArray_DescrFromType(int number)
    np.npy_intp PyArray_SIZE(np.ndarray a)
    int PyArray_FLAGS(np.ndarray a)

cdef type ARRAY = np.ndarray
cdef np.dtype INTP = PyArray_DescrFromType(np.NPY_INTP)
cdef np.dtype UINT8 = PyArray_DescrFromType(np.NPY_UINT8)

cdef enum:
    CARRAY = np.NPY_ARRAY_C_CONTIGUOUS
    SEEN = (
        np.NPY_ARRAY_C_CONTIGUOUS | np.NPY_ARRAY_F_CONTIGUOUS | np.NPY_ARRAY_ALIGNED | np.NPY_ARRAY_WRITEABLE
    )
    WRITEABLE = np.NPY_ARRAY_WRITEABLE
    ALIGNED = np.NPY_ARRAY_ALIGNED


cdef inline bint known(np.dtype d):
    """Whether this is a type that kernels read, in the machine's byte order."""
    return (is_float(d) or is_int64(d)) and d.byteorder == b"="


cdef inline bint is_float(np.dtype d):
    """Whether this is float32 or float64, in any byte order."""
    return d.type_num == np.NPY_FLOAT32 or d.type_num == np.NPY_FLOAT64


cdef inline bint is_int64(np.dtype d):
    """Whether this is a signed integer of 64 bits, in any byte order."""
    return d.type_num == np.NPY_INT64 or (d.type_num == np.NPY_LONGLONG and d.itemsize == 8)


cdef np.ndarray view_of(
    np.ndarray a, int nd, np.npy_intp *shape, np.npy_intp *strides, Py_ssize_t offset, int writeable
):
    """A view of the memory of `a`; nothing is checked."""
    cdef np.dtype d = a.descr
    cdef np.ndarray v
    Py_INCREF(d)  # the constructor takes a reference
    v = PyArray_NewFromDescr(
        ARRAY, d, nd, shape, strides, <char *> np.PyArray_DATA(a) + offset, (PyArray_FLAGS(a) & ALIGNED) | writeable, None
    )
    np.set_array_base(v, a)
    return v


cdef np.ndarray new_array(np.dtype d, int nd, np.npy_intp *shape, np.npy_intp *strides, Py_ssize_t nbytes):
    """A new array; a large one starts on a cache line, so that no vector crosses two."""
    cdef np.npy_intp room = nbytes + LINE
    cdef np.ndarray raw, a
    if nbytes < SMALL:
        Py_INCREF(d)
        return PyArray_NewFromDescr(ARRAY, d, nd, shape, strides, NULL, 0, None)
    Py_INCREF(UINT8)
    raw = PyArray_NewFromDescr(ARRAY, UINT8, 1, &room, NULL, NULL, 0, None)
    Py_INCREF(d)
    a = PyArray_NewFromDescr(
        ARRAY, d, nd, shape, strides, <char *> np.PyArray_DATA(raw) + (-<uintptr_t> np.PyArray_DATA(raw)) % LINE,
        WRITEABLE | ALIGNED, None
    )
    np.set_array_base(a, raw)
    return a


def view(np.ndarray a not None, tuple shape, tuple strides):
    """The memory of `a` in this shape and with these strides; nothing is checked."""
    cdef np.npy_intp shape_[32]
    cdef np.npy_intp strides_[32]
    cdef int i, nd = len(shape)
    if nd > 32 or len(strides) != nd:
        raise ValueError("shape and strides must have one length, at most 32")
    for i in range(nd):
        shape_[i] = shape[i]
        strides_[i] = strides[i]
    return view_of(a, nd, shape_, strides_, 0, PyArray_FLAGS(a) & WRITEABLE)


def is_plain(x):
    """Whether `x` is an array that kernels read as it is: float32 or float64, aligned, strides of whole elements."""
    cdef np.ndarray a
    cdef int i
    if not PyArray_CheckExact(x):
        return False
    a = x
    if not is_float(a.descr) or a.descr.byteorder != b"=" or not PyArray_FLAGS(a) & ALIGNED:
        return False
    if PyArray_FLAGS(a) & CARRAY:
        return True
    for i in range(a.ndim):
        if a.strides[i] % (4 if a.descr.type_num == np.NPY_FLOAT32 else 8):
            return False
    return True


cdef void extremes(np.ndarray a, char **first, char **last) noexcept:
    """The first byte of the memory of `a`, and the one after its last; equal for an empty array."""
    cdef int i
    cdef Py_ssize_t reach
    first[0] = <char *> np.PyArray_DATA(a)
    last[0] = first[0] + a.descr.itemsize
    for i in range(a.ndim):
        if a.shape[i] == 0:
            last[0] = first[0]
            return
        reach = a.strides[i] * (a.shape[i] - 1)
        if reach < 0:
            first[0] += reach
        else:
            last[0] += reach


def outside(np.ndarray a not None, low, high, besides=None):
    """0 where a value of `a` is not in low <= value <= high, nor `besides`; -1 where there is none.

    a : float32, float64 or int64 in any strides. NaN is in every range.
    """
    cdef bint found
    if PyArray_FLAGS(a) & CARRAY:
        found = outside_part(a, <char *> np.PyArray_DATA(a), -1, PyArray_SIZE(a), a.descr.itemsize, low, high, besides)
    elif a.ndim:
        found = outside_part(a, <char *> np.PyArray_DATA(a), 0, a.shape[0], a.strides[0], low, high, besides)
    else:
        found = outside_part(a, <char *> np.PyArray_DATA(a), -1, 1, 0, low, high, besides)
    return 0 if found else -1


cdef bint outside_part(
    np.ndarray a, char *at, int axis, Py_ssize_t count, Py_ssize_t step, low, high, besides
) except -1:
    """`outside` of the part of `a` at `at`: one run of values (axis -1), or those of this axis and later ones."""
    cdef Py_ssize_t i
    if axis >= 0 and axis < a.ndim - 1:
        for i in range(count):
            if outside_part(a, at + i * step, axis + 1, a.shape[axis + 1], a.strides[axis + 1], low, high, besides):
                return True
        return False
    if not known(a.descr):
        raise TypeError("a must be float32, float64 or int64")
    if is_int64(a.descr):
        return whole_outside(at, count, step, low, high, low if besides is None else besides)
    if a.descr.type_num == np.NPY_FLOAT32:
        return singles_outside(at, count, step, low, high)
    return doubles_outside(at, count, step, low, high)


cdef bint whole_outside(
    const char *at, Py_ssize_t count, Py_ssize_t step, int64_t low, int64_t high, int64_t besides
) noexcept:
    cdef Py_ssize_t i
    cdef int64_t v
    cdef bint found = False
    for i in range(count):
        v = (<const int64_t *> (at + i * step))[0]
        found |= (v < low or v > high) and v != besides
    return found


cdef bint singles_outside(const char *at, Py_ssize_t count, Py_ssize_t step, double low, double high) noexcept:
    cdef Py_ssize_t i
    cdef float v, least = low, most = high
    cdef bint found = False
    for i in range(count):
        v = (<const float *> (at + i * step))[0]
        found |= (v < least) | (v > most)
    return found


cdef bint doubles_outside(const char *at, Py_ssize_t count, Py_ssize_t step, double low, double high) noexcept:
    cdef Py_ssize_t i
    cdef double v
    cdef bint found = False
    for i in range(count):
        v = (<const double *> (at + i * step))[0]
        found |= (v < low) | (v > high)
    return found


def overlap(np.ndarray a not None, np.ndarray b not None):
    """Whether the memory of one, from its first byte to its last, reaches into that of the other."""
    cdef char *first
    cdef char *last
    cdef char *start
    cdef char *end
    extremes(a, &first, &last)
    extremes(b, &start, &end)
    return first < end and start < last
