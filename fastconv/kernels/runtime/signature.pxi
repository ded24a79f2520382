cdef struct Seen:
    char signature[BYTES]
    Py_ssize_t used
    PyObject *arrays[ARRAYS]
    int count
    bint has_out  # the caller gave an array for the result

cdef long epoch = 0  # counts the turns of switches


def forget():
    """Plans made so far are not used again: a switch was turned that may change the way of a call."""
    global epoch
    epoch += 1


cdef inline bint put(Seen *seen, const void *source, Py_ssize_t nbytes) noexcept:
    """Add these bytes; False where there is no room."""
    if seen.used + nbytes > BYTES:
        return False
    memcpy(seen.signature + seen.used, source, nbytes)
    seen.used += nbytes
    return True


cdef inline bint tag(Seen *seen, char kind, char count) noexcept:
    """Add the kind of what follows."""
    cdef char both[2]
    both[0], both[1] = kind, count
    return put(seen, both, 2)


cdef bint put_array(Seen *seen, np.ndarray a) noexcept:
    """Add dtype, flags and shape of an array, and strides where the flags do not tell them; False for other dtypes."""
    cdef int nd = a.ndim, flags = PyArray_FLAGS(a) & SEEN
    cdef Py_ssize_t nbytes = nd * sizeof(np.npy_intp)
    if not known(a.descr) or nd > AXES or seen.count == ARRAYS:
        return False
    seen.arrays[seen.count] = <PyObject *> a
    seen.count += 1
    flags = flags * 256 + PyArray_TYPE(a)
    return (
        tag(seen, b"a", nd) and put(seen, &flags, sizeof(flags)) and put(seen, a.shape, nbytes)
        and put(seen, a.strides, 0 if PyArray_FLAGS(a) & CARRAY else nbytes)
    )


cdef bint put_text(Seen *seen, object text) except -1:
    """Add a str."""
    cdef Py_ssize_t nbytes
    cdef const char *source = PyUnicode_AsUTF8AndSize(text, &nbytes)
    return nbytes < 64 and tag(seen, b"s", nbytes) and put(seen, source, nbytes)


cdef bint put_value(Seen *seen, object value) except -1:
    """Add an argument; False for what has more to it than memory, numbers and words."""
    cdef type kind = type(value)
    cdef long long number
    cdef double real
    cdef int i, overflow = 0, arrays = seen.count
    if kind is ARRAY:
        return put_array(seen, value)
    if value is None or value is True or value is False:
        return tag(seen, b"n", 0 if value is None else 1 if value is True else 2)
    if kind is int:
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        return not overflow and tag(seen, b"i", 0) and put(seen, &number, sizeof(number))
    if kind is float:
        real = value
        return tag(seen, b"f", 0) and put(seen, &real, sizeof(real))
    if kind is str:
        return put_text(seen, value)
    if kind is list:
        return put(seen, b"l", 1) and put_value(seen, tuple(value)) and seen.count == arrays  # numbers alone
    if kind is not tuple or PyTuple_GET_SIZE(value) > AXES or not tag(seen, b"t", PyTuple_GET_SIZE(value)):
        return False
    for i in range(PyTuple_GET_SIZE(value)):
        if not put_value(seen, <object> PyTuple_GET_ITEM(value, i)):
            return False
    return True


cdef bint look_at(Seen *seen, tuple args, dict options) except -1:
    """Make the signature of a call; False where it has none."""
    cdef int i
    seen.used = seen.count = seen.has_out = 0
    if not put(seen, &epoch, sizeof(epoch)) or not tag(seen, b"(", PyTuple_GET_SIZE(args) & 127):
        return False
    for i in range(PyTuple_GET_SIZE(args)):
        if not put_value(seen, <object> PyTuple_GET_ITEM(args, i)):
            return False
    for name, value in options.items():
        if not put_text(seen, name) or not put_value(seen, value):
            return False
        seen.has_out |= name == "out" and value is not None
    return True
