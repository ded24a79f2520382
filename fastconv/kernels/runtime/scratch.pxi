# Memory for what only the calls of a plan use. It is kept for the next call: memory that is given back to the system
# costs a page fault for each of its pages when it is used again.

cdef enum:
    MOST_BLOCKS = 8
    MOST_BYTES = 1 << 26  # of all blocks that are kept

cdef list blocks = []  # arrays of one axis; the one that was used last is at the end


cdef np.ndarray taken(Form form, list used):
    """An array of this form, in C order, in a block that is kept or new; the block is appended to `used`."""
    cdef np.ndarray block = None
    cdef int i
    for i in reversed(range(len(blocks))):
        if fits(blocks[i], form):
            block = blocks.pop(i)
            break
    if block is None or not fits(block, form):  # another thread may have taken it meanwhile
        block = new_array(form.dtype, 1, [form.nbytes // form.dtype.itemsize], NULL, form.nbytes)
    used.append(block)
    return view_of(block, form.nd, form.shape, form.strides, 0, WRITEABLE)


cdef bint fits(np.ndarray block, Form form):
    """Whether a block is large enough for an array of this form, and not much too large."""
    cdef Py_ssize_t nbytes = PyArray_SIZE(block) * block.descr.itemsize
    return PyArray_TYPE(block) == form.dtype.type_num and form.nbytes <= nbytes <= 4 * form.nbytes


cdef int put_back(list used) except -1:
    """Keep these blocks for later calls, and let the oldest go where there are too many."""
    cdef np.ndarray block
    cdef Py_ssize_t nbytes = 0
    cdef int i
    blocks.extend(used)
    for i in reversed(range(len(blocks))):
        block = blocks[i]
        nbytes += PyArray_SIZE(block) * block.descr.itemsize
        if nbytes > MOST_BYTES or len(blocks) - i > MOST_BLOCKS:
            del blocks[: i + 1]
            break
    return 0
