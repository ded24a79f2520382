# The arguments of a plan's kernels as memoryviews that are kept. A kernel asks each array for its memory, which takes
# longer than the arithmetic of a small call; a memoryview has been asked. Shapes, strides and types of a plan's arrays
# are those of its signature, so only addresses are new in a call.
#
# A set of arguments serves one call at a time: a call takes one, or makes one where another thread has it.


@cython.final
cdef class Address:
    """A memoryview, and where it finds its memory: so many bytes into one of the arrays of a call."""
    cdef memory.memoryview view
    cdef int index
    cdef Py_ssize_t offset


@cython.final
cdef class Ready:
    """The arguments of the functions of a plan."""
    cdef list arguments  # a tuple for each function; None: it is no kernel, and takes arrays
    cdef list addresses


cdef bint all_aligned(list arrays):
    """Whether kernels can be given memoryviews of all these arrays."""
    for a in arrays:
        if not PyArray_FLAGS(a) & ALIGNED:
            return False
    return True


cdef Ready taken_arguments(Plan plan, list arrays):
    """A set of arguments that nobody uses, for these arrays."""
    cdef Ready ready
    cdef Address at
    cdef int i
    try:
        ready = plan.ready.pop()
    except IndexError:
        ready = arguments_of(plan, arrays)
    for i in range(len(ready.addresses)):
        at = <Address> PyList_GET_ITEM(ready.addresses, i)
        at.view.view.buf = <char *> np.PyArray_DATA(<np.ndarray> PyList_GET_ITEM(arrays, at.index)) + at.offset
    return ready


cdef Ready arguments_of(Plan plan, list arrays):
    """A new set of arguments, made after these arrays; it holds none of them."""
    cdef Ready ready = Ready.__new__(Ready)
    cdef int i
    ready.arguments, ready.addresses = [], []
    for i in range(len(plan.functions)):
        if is_kernel(plan.functions[i]):
            ready.arguments.append(as_views(plan.arguments[i], arrays, ready.addresses))
        else:
            ready.arguments.append(None)
    return ready


cdef object as_views(Part part, list arrays, list addresses):
    """What `part` stands for, with memoryviews, which are appended to `addresses`, in place of arrays."""
    cdef np.ndarray a
    cdef View view
    if type(part) is Constant:
        return asked((<Constant> part).value)
    if type(part) is Group:
        return tuple([as_views(each, arrays, addresses) for each in (<Group> part).parts])
    a = arrays[part.index]
    if type(part) is View:
        view = part
        return address_of(a, view.nd, view.shape, view.strides, view.offset, view.writeable, view.index, addresses)
    return address_of(a, a.ndim, a.shape, a.strides, 0, PyArray_FLAGS(a) & WRITEABLE, part.index, addresses)


cdef memory.memoryview address_of(np.ndarray a, int nd, np.npy_intp *shape, np.npy_intp *strides, Py_ssize_t offset,
                                  int writeable, int index, list addresses):
    """A memoryview of the memory of `a`, which it does not keep alive; appended to `addresses`."""
    cdef Address at = Address.__new__(Address)
    cdef np.dtype d = a.descr
    cdef np.ndarray own
    Py_INCREF(d)  # the constructor takes a reference
    own = PyArray_NewFromDescr(
        ARRAY, d, nd, shape, strides, <char *> np.PyArray_DATA(a) + offset, ALIGNED | writeable, None
    )
    at.view, at.index, at.offset = typed_view(own, not writeable), index, offset
    addresses.append(at)
    return at.view
