cdef type COMPILED = type(forget)


cdef class Part:
    """What one argument of a function is, or one thing that a call returns: an array as it is."""
    cdef int index

    cdef object fill(self, list arrays):
        """The same of these arrays."""
        return arrays[self.index]


@cython.final
cdef class Constant(Part):
    """A value that is the same in every call."""
    cdef object value

    cdef object fill(self, list arrays):
        return self.value


@cython.final
cdef class Number(Part):
    """An array without axes, as a scalar."""

    cdef object fill(self, list arrays):
        cdef np.ndarray whole = arrays[self.index]
        Py_INCREF(whole)  # this function takes a reference
        return PyArray_Return(whole)


@cython.final
cdef class View(Part):
    """A view of an array."""
    cdef int nd, writeable
    cdef Py_ssize_t offset
    cdef np.npy_intp shape[AXES]
    cdef np.npy_intp strides[AXES]

    cdef object fill(self, list arrays):
        return view_of(arrays[self.index], self.nd, self.shape, self.strides, self.offset, self.writeable)


@cython.final
cdef class Group(Part):
    """A tuple of parts."""
    cdef tuple parts

    cdef object fill(self, list arrays):
        cdef tuple made = PyTuple_New(PyTuple_GET_SIZE(self.parts))
        cdef int i
        for i in range(PyTuple_GET_SIZE(self.parts)):
            item = (<Part> PyTuple_GET_ITEM(self.parts, i)).fill(arrays)
            Py_INCREF(item)  # the tuple takes a reference
            PyTuple_SET_ITEM(made, i, item)
        return made


cdef Part whole(int index):
    """The part that is this array."""
    cdef Part part = Part.__new__(Part)
    part.index = index
    return part


cdef tuple WHOLE = tuple([whole(i) for i in range(2 * ARRAYS)])  # shared by all plans


@cython.final
cdef class Form:
    """The memory of a new array."""
    cdef np.dtype dtype
    cdef int nd
    cdef bint ordered  # in C order
    cdef Py_ssize_t nbytes
    cdef np.npy_intp shape[AXES]
    cdef np.npy_intp strides[AXES]

    cdef np.ndarray make(self):
        """A new array."""
        return new_array(self.dtype, self.nd, self.shape, NULL if self.ordered else self.strides, self.nbytes)


@cython.final
cdef class Plan:
    """What a call does: makes arrays, runs functions, returns."""
    cdef bint apart  # only for arrays that do not overlap: one of those given is written
    cdef int scratch  # so many of the new arrays, the last, are used by the functions alone
    cdef list forms, functions, arguments
    cdef list ready  # arguments that no call uses now; None where kernels must be given arrays
    cdef Part returned


@cython.final
cdef class Planned:
    """The result of an op, and what it did."""
    cdef readonly object result
    cdef object returned
    cdef readonly tuple calls, new
    cdef tuple shapes
    cdef bint tables, number, writes
    cdef int scratch  # of `new`, so many that only the calls use, the last


cdef int flatten(tuple calls, list each, list scratch) except -1:
    """Append the calls one by one, those that are several as one in their order, and the arrays that only these use."""
    for call in calls:
        if type(call) is partial or not hasattr(call, "scratch"):
            each.append(call)
        else:
            flatten(call.calls, each, scratch)
            scratch.extend(call.scratch)
    return 0


def planned(result, tuple new, *calls, returned=None, tuple shapes=(), bint tables=False, bint number=False, bint writes=False):
    """The result of an op that made `new` arrays, then ran these prepared calls.

    returned    what the result consists of: new arrays or views of them, where it is not the result itself
    shapes      given arrays of which nothing but the shape is read; of others that no call reads, a number may be
    tables      whether integers in less than four axes among the arguments of the calls are tables of the library
    number      whether an array without axes, the first that is returned, is given as a scalar
    writes      whether a given array is overwritten: then no two of them may overlap
    """
    cdef Planned made = Planned.__new__(Planned)
    cdef list each, scratch
    made.result, made.new, made.calls, made.scratch = result, new, calls, 0
    for call in calls:
        if type(call) is not partial:
            each, scratch = [], []
            flatten(calls, each, scratch)
            made.new, made.calls, made.scratch = (*new, *scratch), tuple(each), len(scratch)
            break
    made.returned = result if returned is None else returned
    made.shapes, made.tables, made.number, made.writes = shapes, tables, number, writes
    return made


cdef bint fixed(object value):
    """Whether this is a number, a word or a function, or a tuple of such: nothing that can hold an array of a caller."""
    cdef type kind = type(value)
    cdef int i
    if value is None or kind is int or kind is bool or kind is float or kind is str or kind is COMPILED:
        return True
    if kind is BuiltinFunctionType:
        return value.__self__ is None or type(value.__self__) is ModuleType
    if kind is FunctionType:
        return value.__closure__ is None and value.__defaults__ is None
    if kind is not tuple:
        return False
    for i in range(PyTuple_GET_SIZE(value)):
        if not fixed(<object> PyTuple_GET_ITEM(value, i)):
            return False
    return True


cdef Part constant(object value):
    """The part that is this value."""
    cdef Constant part = Constant.__new__(Constant)
    part.value = value
    return part


cdef Part part_of_array(np.ndarray a, list arrays, unsigned int *used):
    """One of these arrays, or a view of one; None for memory of its own."""
    cdef View part
    cdef np.ndarray whole
    cdef char *first
    cdef char *last
    cdef char *start
    cdef char *end
    cdef int i
    for i in range(len(arrays)):
        if arrays[i] is a:
            used[0] |= 1 << i
            return WHOLE[i]
    if a.ndim > AXES:
        return None
    extremes(a, &start, &end)
    for i in range(len(arrays)):
        whole = arrays[i]
        extremes(whole, &first, &last)
        if start >= first and end <= last and PyArray_TYPE(whole) == PyArray_TYPE(a) and PyArray_FLAGS(a) & ALIGNED:
            part = View.__new__(View)
            part.writeable = PyArray_FLAGS(a) & WRITEABLE
            part.index, part.nd = i, a.ndim
            used[0] |= 1 << i
            part.offset = <char *> np.PyArray_DATA(a) - <char *> np.PyArray_DATA(whole)
            memcpy(part.shape, a.shape, a.ndim * sizeof(np.npy_intp))
            memcpy(part.strides, a.strides, a.ndim * sizeof(np.npy_intp))
            return part
    return None


cdef bint is_one_of(object value, tuple some):
    """Whether `value` is one of these objects."""
    for each in some:
        if each is value:
            return True
    return False


cdef Part part_of(object value, list arrays, bint tables, unsigned int *used):
    """What `value` is; None where that cannot be said of another call."""
    cdef Part part
    cdef Group group
    cdef int i
    if PyArray_CheckExact(value):
        part = part_of_array(value, arrays, used)
        if part is None and tables and (<np.ndarray> value).ndim < 4 and is_int64((<np.ndarray> value).descr):
            part = constant(value)
        return part
    if fixed(value):
        return constant(value)
    if type(value) is not tuple:
        return None
    group = Group.__new__(Group)
    group.parts = PyTuple_New(PyTuple_GET_SIZE(value))
    for i in range(PyTuple_GET_SIZE(value)):
        part = part_of(<object> PyTuple_GET_ITEM(value, i), arrays, tables, used)
        if part is None:
            return None
        Py_INCREF(part)  # the tuple takes a reference
        PyTuple_SET_ITEM(group.parts, i, part)
    return group


cdef Part as_number(Part part):
    """The first array of these results, as a scalar."""
    cdef Number number = Number.__new__(Number)
    cdef Group group
    if type(part) is Group:
        group = part
        group.parts = (as_number(group.parts[0]), *group.parts[1:])
        return group
    number.index = part.index
    return number


cdef Form form_of(np.ndarray a):
    """The memory of an array; None unless it is dense, in C order or with axes exchanged."""
    cdef Form form = Form.__new__(Form)
    cdef Py_ssize_t size = PyArray_SIZE(a)
    cdef char *first
    cdef char *last
    extremes(a, &first, &last)
    if not known(a.descr) or a.ndim > AXES or last - first != size * a.descr.itemsize or first != np.PyArray_DATA(a):
        return None
    form.dtype, form.nd, form.nbytes = PyArray_DescrFromType(PyArray_TYPE(a)), a.ndim, last - first
    form.ordered = PyArray_FLAGS(a) & CARRAY
    memcpy(form.shape, a.shape, a.ndim * sizeof(np.npy_intp))
    memcpy(form.strides, a.strides, a.ndim * sizeof(np.npy_intp))
    return form


cdef bint apart(list arrays):
    """Whether no two of these arrays lie in each other's memory, and none is empty."""
    cdef char *first[2 * ARRAYS]
    cdef char *last[2 * ARRAYS]
    cdef int i, j
    for i in range(len(arrays)):
        extremes(arrays[i], &first[i], &last[i])
        if first[i] == last[i]:
            return False
        for j in range(i):
            if first[i] < last[j] and first[j] < last[i]:
                return False
    return True


def are_apart(list arrays not None):
    """Whether these (None is skipped) are arrays, none of them empty, and no two lie in each other's memory."""
    cdef list present = []
    for a in arrays:
        if a is None:
            continue
        if not PyArray_CheckExact(a) or len(present) == 2 * ARRAYS:
            return False
        present.append(a)
    return apart(present)


cdef Plan plan_of(list arrays, Planned planned):
    """The plan of a call that was given these arrays; None where it did more than a plan can say."""
    cdef Plan plan = Plan.__new__(Plan)
    cdef Part part
    cdef Form form
    cdef unsigned int used = 0  # a bit for each array; one that no function reads may have been read as a number
    cdef unsigned int ignored = 0
    cdef int i
    for i in range(len(arrays)):
        used |= is_one_of(arrays[i], planned.shapes) << i
    plan.apart, plan.scratch = planned.writes, planned.scratch
    plan.forms, plan.functions, plan.arguments = [], [], []
    plan.ready = [] if all_aligned(arrays) else None
    for a in planned.new:
        if not PyArray_CheckExact(a) or len(arrays) == 2 * ARRAYS:
            return None
        if part_of_array(a, arrays, &ignored) is not None:  # of the array that the caller gave for the result
            continue
        form = form_of(a)
        if form is None:
            return None
        plan.forms.append(form)
        arrays.append(a)
    if not apart(arrays):
        return None
    for call in planned.calls:
        if type(call) is not partial or call.keywords or not fixed(call.func):
            return None
        part = part_of(call.args, arrays, planned.tables, &used)
        if part is None:
            return None
        plan.functions.append(call.func)
        plan.arguments.append(part)
    plan.returned = part_of(planned.returned, arrays, False, &ignored)
    if plan.returned is None or used != (1 << len(arrays)) - 1:
        return None
    if planned.number:
        plan.returned = as_number(plan.returned)
    return plan


def keep(dict plans, bytes signature, tuple args, dict options, Planned planned not None):
    """Keep what a call did, if that can be said of other calls; of the first of its signature only that it was made.

    A plan takes a third of the time of a call, which pays where a shape comes back. signature: as `again` gave it, or
    None.
    """
    cdef Seen seen
    if signature is None or signature in plans:
        if not look_at(&seen, args, options):
            return
        signature = PyBytes_FromStringAndSize(seen.signature, seen.used)
    if signature in plans:
        plans[signature] = plan_of([<object> seen.arrays[i] for i in range(seen.count)], planned)
        return
    if len(plans) >= MOST:
        plans.clear()
    plans[signature] = None


def again(dict plans, tuple args, dict options):
    """The result of a call seen before, else its signature, as bytes; None where it has none."""
    cdef Seen seen
    cdef Plan plan
    cdef Ready ready = None
    cdef bytes signature
    cdef list arrays, used = []
    cdef int i
    if not look_at(&seen, args, options):
        return None
    signature = PyBytes_FromStringAndSize(seen.signature, seen.used)
    plan = plans.get(signature)
    if plan is None:
        return signature
    arrays = []
    for i in range(seen.count):
        arrays.append(<object> seen.arrays[i])
    if (plan.apart or seen.has_out) and not apart(arrays):
        return signature
    for i in range(len(plan.forms) - plan.scratch):
        arrays.append((<Form> plan.forms[i]).make())
    for i in range(len(plan.forms) - plan.scratch, len(plan.forms)):
        arrays.append(taken(plan.forms[i], used))
    if plan.ready is not None:
        ready = taken_arguments(plan, arrays)
    for i in range(len(plan.functions)):
        given = <object> PyList_GET_ITEM(ready.arguments, i) if ready is not None else None
        if given is None:
            given = (<Part> PyList_GET_ITEM(plan.arguments, i)).fill(arrays)
        found = (<object> PyList_GET_ITEM(plan.functions, i))(*(<tuple> given))
        if found is not None and found != -1:  # a place of something wrong, which the checks describe
            return signature
    if ready is not None:
        plan.ready.append(ready)
    if used:
        put_back(used)
    return plan.returned.fill(arrays)
