# The window of a convolution, as the functions of every path take it from Python: one tuple of seven numbers. It is
# included, not cimported, so that each module has one copy of the function and not one per call.

cdef struct Window:
    Py_ssize_t sh, sw           # stride
    Py_ssize_t dh, dw           # dilation
    Py_ssize_t top, left        # padding; what is below and to the right follows from the extents of x and y
    Py_ssize_t groups


cdef int set_window(Window *v, tuple window) except -1:
    """Fill the struct from (sh, sw, dh, dw, top, left, groups)."""
    v.sh, v.sw, v.dh, v.dw, v.top, v.left, v.groups = window
    return 0
