# Arrays of one shape as few axes: neighbours are merged, in the memory order of one of the arrays.

cdef struct Merging:
    int count                     # of the axes that are left
    np.npy_intp shape[MOST_AXES]  # theirs
    int inner[MOST_AXES]          # of the axes that are merged into one, the last
    int turn[MOST_AXES]           # of each axis of the arrays: -1 where it is read backwards, else 1


cdef void sort_axes(np.ndarray a, int *order) noexcept:
    """The axes from the largest stride to the smallest; one of stride 0 stays behind the axis before it."""
    cdef int i, k, place, count = 0
    for i in range(a.ndim):
        if a.strides[i] == 0:
            continue
        place = count
        while place > 0 and abs(a.strides[order[place - 1]]) < abs(a.strides[i]):
            order[place] = order[place - 1]
            place -= 1
        order[place] = i
        count += 1
    for i in range(a.ndim):
        if a.strides[i] != 0:
            continue
        place = 0
        while i > 0 and order[place] != i - 1:
            place += 1
        place += i > 0
        for k in range(count, place, -1):
            order[k] = order[k - 1]
        order[place] = i
        count += 1


def memory_order(np.ndarray a not None):
    """The axes from the largest stride to the smallest; one of stride 0 stays behind the axis before it."""
    cdef int order[MOST_AXES]
    cdef int i
    sort_axes(a, order)
    return [order[i] for i in range(a.ndim)]


def merged(list arrays not None, axis=None, Py_ssize_t model=-1):
    """Views, of four dimensions or more, of arrays of one shape (None stays).

    The axes stand in the memory order of the array `model`, and are read forwards there; neighbours are merged wherever
    every array allows it: arrays that are dense in any one order become one run. `axis` comes last and stays alone.
    Where more than four axes are left, the shortest of those before the last come first, until four remain.
    """
    cdef np.ndarray y
    cdef Merging m
    cdef int order[MOST_AXES]
    cdef int i, k, own = -1
    model += len(arrays) if model < 0 else 0
    if not 0 <= model < len(arrays):
        raise ValueError("model must be the index of an array")
    y = arrays[model]
    if y is None or not are_of_rank(arrays, y.ndim):
        raise ValueError("arrays must have one number of dimensions, and the model must be one")
    if axis is not None:
        own = axis
        own += y.ndim if own < 0 else 0
        if not 0 <= own < y.ndim:
            raise ValueError("axis must be an axis of the arrays")
    sort_axes(y, order)
    m.count = 0
    for k in range(y.ndim):
        i = order[k]
        m.turn[i] = -1 if y.strides[i] < 0 and y.shape[i] > 1 and i != own else 1
        if y.shape[i] == 1 or i == own:
            continue
        if m.count and all_merge(arrays, &m, i):
            m.shape[m.count - 1] *= y.shape[i]
        else:
            m.shape[m.count] = y.shape[i]
            m.count += 1
        m.inner[m.count - 1] = i
    if own >= 0:
        m.shape[m.count], m.inner[m.count] = y.shape[own], own
        m.count += 1
    shortest_first(&m)
    return [None if a is None else merged_view(a, &m) for a in arrays]


cdef void shortest_first(Merging *m) noexcept:
    """Move all axes but four to the front: the shortest, in their order, but not the last."""
    cdef np.npy_intp extent
    cdef int first, k, axis, least
    for first in range(m.count - 4):
        least = first
        for k in range(first + 1, m.count - 1):
            if m.shape[k] < m.shape[least]:
                least = k
        extent, axis = m.shape[least], m.inner[least]
        for k in range(least, first, -1):
            m.shape[k], m.inner[k] = m.shape[k - 1], m.inner[k - 1]
        m.shape[first], m.inner[first] = extent, axis


cdef bint are_of_rank(list arrays, int nd) except -1:
    """Whether these (None is skipped) are arrays of so many dimensions."""
    cdef np.ndarray a
    for x in arrays:
        a = x
        if x is not None and a.ndim != nd:
            return False
    return True


cdef bint all_merge(list arrays, Merging *m, int i) except -1:
    """Whether the last of the axes that are left and axis i are one run in all these arrays."""
    cdef int outer = m.inner[m.count - 1]
    cdef np.ndarray a
    for x in arrays:
        if x is None:
            continue
        a = x
        if m.turn[outer] * a.strides[outer] != m.turn[i] * a.strides[i] * a.shape[i]:
            return False
    return True


cdef np.ndarray merged_view(np.ndarray a, Merging *m):
    """A view with these axes, and as many leading axes of extent 1 as it takes to have four."""
    cdef np.npy_intp shape[MOST_AXES]
    cdef np.npy_intp strides[MOST_AXES]
    cdef Py_ssize_t offset = 0
    cdef int i, more = max(4 - m.count, 0)
    for i in range(more):
        shape[i], strides[i] = 1, a.descr.itemsize
    for i in range(m.count):
        shape[more + i] = m.shape[i]
        strides[more + i] = m.turn[m.inner[i]] * a.strides[m.inner[i]]
    for i in range(a.ndim):
        if m.turn[i] < 0:
            offset += a.strides[i] * (a.shape[i] - 1)
    return view_of(a, more + m.count, shape, strides, offset, PyArray_FLAGS(a) & WRITEABLE)
