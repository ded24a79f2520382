# What a network asks of each batch and does with its result: questions and copies that take less time than the
# functions of NumPy need to begin.

cdef extern from "numpy/arrayobject.h":
    int PyArray_CopyInto(np.ndarray out, np.ndarray a) except -1
    np.ndarray PyArray_NewCopy(np.ndarray a, np.NPY_ORDER order)

cdef enum:
    FEW = 16384    # bytes that are copied here
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
    copy(a, out)


cdef int copy(a, np.ndarray out) except -1:
    """The same."""
    if PyArray_CheckExact(a) and (<np.ndarray> a).descr is out.descr:
        if not copy_of_few(a, out):
            PyArray_CopyInto(out, a)
    else:
        copyto(out, a)
    return 0


ctypedef fused element:  # as many bytes as float32, or float64
    int
    int64_t


cdef bint copy_of_few(np.ndarray a, np.ndarray out) noexcept:
    """out[...] = a for small arrays of one shape and dtype that lie apart, where NumPy takes longer to begin."""
    cdef Py_ssize_t nbytes = PyArray_SIZE(out) * out.descr.itemsize
    cdef char *first[2]
    cdef char *last[2]
    cdef Py_ssize_t shape[4]
    cdef Py_ssize_t steps[2][4]
    cdef int i, axis
    if nbytes > FEW or a.ndim != out.ndim or out.ndim > 4 or not known(out.descr):
        return False
    if not (PyArray_FLAGS(out) & WRITEABLE and PyArray_FLAGS(out) & PyArray_FLAGS(a) & ALIGNED):
        return False
    for axis in range(4):
        i = axis - 4 + out.ndim
        shape[axis], steps[0][axis], steps[1][axis] = 1, 0, 0
        if i >= 0:
            if a.shape[i] != out.shape[i]:
                return False
            shape[axis], steps[0][axis], steps[1][axis] = out.shape[i], a.strides[i], out.strides[i]
    extremes(a, &first[0], &last[0])
    extremes(out, &first[1], &last[1])
    if first[0] < last[1] and first[1] < last[0]:
        return False
    if PyArray_FLAGS(a) & CARRAY and PyArray_FLAGS(out) & CARRAY:
        memcpy(np.PyArray_DATA(out), np.PyArray_DATA(a), nbytes)
    elif out.descr.itemsize == 4:
        copy_axes(<const int *> np.PyArray_DATA(a), <int *> np.PyArray_DATA(out), shape, steps[0], steps[1])
    else:
        copy_axes(<const int64_t *> np.PyArray_DATA(a), <int64_t *> np.PyArray_DATA(out), shape, steps[0], steps[1])
    return True


cdef inline void copy_axes(
    const element *a, element *out, const Py_ssize_t *shape, const Py_ssize_t *step_a, const Py_ssize_t *step
) noexcept:
    """The elements of four axes, one by one; steps in bytes."""
    cdef Py_ssize_t i, j, k, m
    cdef const char *from_
    cdef char *to
    for i in range(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                from_ = <const char *> a + i * step_a[0] + j * step_a[1] + k * step_a[2]
                to = <char *> out + i * step[0] + j * step[1] + k * step[2]
                for m in range(shape[3]):
                    (<element *> (to + m * step[3]))[0] = (<const element *> (from_ + m * step_a[3]))[0]


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
