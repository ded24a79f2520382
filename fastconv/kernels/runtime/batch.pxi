# What a network asks of each batch and does with its result: questions and copies that take less time than the
# functions of NumPy need to begin.

cdef extern from "numpy/arrayobject.h":
    int PyArray_CopyInto(np.ndarray out, np.ndarray a) except -1

cdef enum:
    TOGETHER = 64  # numbers that are looked at before the first question


def is_batch_of(x, tuple shape, np.dtype dtype):
    """Whether `x` is an array (N, *shape) of this dtype in C order."""
    cdef np.ndarray a
    cdef int i
    if not PyArray_CheckExact(x):
        return False
    a = x
    if not PyArray_FLAGS(a) & CARRAY or not PyArray_FLAGS(a) & ALIGNED or a.ndim != 1 + len(shape):
        return False
    for i in range(len(shape)):
        if a.shape[1 + i] != <Py_ssize_t> shape[i]:
            return False
    return a.descr is dtype or a.descr == dtype


def copy_into(a, np.ndarray out not None):
    """out[...] = a, as numpy.copyto(out, a) does it"""
    if PyArray_CheckExact(a) and (<np.ndarray> a).descr is out.descr:
        PyArray_CopyInto(out, a)
    else:
        copyto(out, a)


def all_writeable(arrays):
    """Whether all these arrays are."""
    for a in arrays:
        if not PyArray_FLAGS(a) & WRITEABLE:
            return False
    return True


def first_nan(np.ndarray a not None):
    """The index of the first NaN of an array of float32 or float64 in C order; -1 if there is none."""
    if not PyArray_FLAGS(a) & CARRAY or not is_float(a.descr) or not known(a.descr):
        raise TypeError("a must be float32 or float64 in C order")
    if a.descr.type_num == np.NPY_FLOAT32:
        return first_nan_of(<const float *> np.PyArray_DATA(a), PyArray_SIZE(a))
    return first_nan_of(<const double *> np.PyArray_DATA(a), PyArray_SIZE(a))


ctypedef fused floating:
    float
    double


cdef Py_ssize_t first_nan_of(const floating *a, Py_ssize_t size) noexcept:
    """The index of the first NaN, or -1."""
    cdef Py_ssize_t i, start = 0
    cdef int found
    while start + TOGETHER <= size:
        found = 0
        for i in range(TOGETHER):
            found |= a[start + i] != a[start + i]
        if found:
            break
        start += TOGETHER
    for i in range(start, size):
        if a[i] != a[i]:
            return i
    return -1
