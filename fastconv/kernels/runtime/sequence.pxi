# Prepared calls as a network's plan runs them: arrays that stay where they are, one call after another.
#
# A kernel asks each array it is given for its memory, which takes longer than the arithmetic of a small layer. A
# memoryview has been asked already, so each array is replaced by one, once. Read-only arrays stay: only they can be
# refused where they would be written. Tables of integers have no more than two axes, and kernels only read them.

cdef extern from *:
    """
    /* Say of a memoryview which type its numbers have; kernels then take it without reading its format. */
    #define SET_TYPE(view, type, group) do { \\
        static const __Pyx_TypeInfo info = {#type, NULL, sizeof(type), {0}, 0, group, 0, 0}; \\
        ((struct __pyx_memoryview_obj *) (view))->typeinfo = &info; \\
    } while (0)
    #define SET_FLOAT32(view) SET_TYPE(view, float, 'R')
    #define SET_FLOAT64(view) SET_TYPE(view, double, 'R')
    #define SET_INT64(view) SET_TYPE(view, int64_t, 'I')
    """
    void SET_FLOAT32(memory.memoryview view)
    void SET_FLOAT64(memory.memoryview view)
    void SET_INT64(memory.memoryview view)


cdef memory.memoryview typed_view(np.ndarray a, bint readonly):
    """The memoryview of an array."""
    cdef memory.memoryview made = memory.memoryview(a, PyBUF_RECORDS_RO if readonly else PyBUF_RECORDS)
    if is_int64(a.descr):
        SET_INT64(made)
    elif a.descr.type_num == np.NPY_FLOAT32:
        SET_FLOAT32(made)
    else:
        SET_FLOAT64(made)
    return made


cdef object asked(object value):
    """An argument of a kernel: the memoryview of an array, any other value itself."""
    cdef np.ndarray a
    cdef bint table
    if type(value) is not ARRAY:
        return value
    a = value
    table = is_int64(a.descr) and a.ndim <= 2
    if not known(a.descr) or not PyArray_FLAGS(a) & ALIGNED or not (PyArray_FLAGS(a) & WRITEABLE or table):
        return a
    return typed_view(a, table)


cdef bint is_kernel(object function):
    """Whether this is a function of the compiled kernels, which take memoryviews as well as arrays."""
    return type(function) is BuiltinFunctionType and str(function.__module__).startswith("fastconv.kernels.")


@cython.final
cdef class Sequence:
    """Prepared calls, functions without arguments, that run one after another; they read `x` and write `y`."""
    cdef list functions, arguments
    cdef np.ndarray x, y
    cdef object copy_in

    def __init__(self, calls, x=None, y=None, copy_in=None):
        self.x, self.y, self.copy_in = x, y, None if copy_in is copy_into else copy_in
        self.functions, self.arguments = [], []
        for call in calls:
            function, arguments = call, ()
            if type(call) is partial and not call.keywords:
                if is_kernel(call.func):
                    function, arguments = call.func, tuple([asked(value) for value in call.args])
                elif call.func is copyto and len(call.args) == 2 and type(call.args[0]) is ARRAY:
                    function, arguments = copy_into, (call.args[1], call.args[0])
            self.functions.append(function)
            self.arguments.append(arguments)

    def __call__(self):
        """Run all calls."""
        self.run()

    def of(self, images):
        """What they make of these images, as a new array in C order."""
        if self.x is None or self.y is None:
            raise TypeError("these calls have no x and y")
        if self.copy_in is None:
            copy(images, self.x)
        else:
            self.copy_in(images, self.x)
        self.run()
        return PyArray_NewCopy(self.y, np.NPY_CORDER)

    cdef int run(self) except -1:
        cdef int i
        for i in range(len(self.functions)):
            (<object> PyList_GET_ITEM(self.functions, i))(*(<tuple> PyList_GET_ITEM(self.arguments, i)))
        return 0
