# The geometry of windows from numbers that need no look: the same as `ops/geometry.py`, which also reads lists and
# words, and says what is wrong.

cdef Py_ssize_t MOST_STEPS = <Py_ssize_t> 1 << 31  # of a kernel extent, stride, dilation or padding
cdef Py_ssize_t MOST_PIXELS = <Py_ssize_t> 1 << 40

ctypedef struct Axis:
    Py_ssize_t size, kernel, stride, dilation, pad, out


cdef bint two(object value, Py_ssize_t least, Py_ssize_t *first, Py_ssize_t *second) except -1:
    """Two integers from one or from two; False for anything else, and outside least ... 2**31."""
    cdef int overflow = 0
    if type(value) is int:
        first[0] = second[0] = PyLong_AsLongLongAndOverflow(value, &overflow)
    elif are_extents(value, 2):
        first[0], second[0] = <object> PyTuple_GET_ITEM(value, 0), <object> PyTuple_GET_ITEM(value, 1)
    else:
        return False
    return not overflow and least <= first[0] < MOST_STEPS and least <= second[0] < MOST_STEPS


cdef bint four(object value, Py_ssize_t *extents) except -1:
    """Four extents of a tuple; False for anything else, and beyond 2**40."""
    cdef int i
    if not are_extents(value, 4):
        return False
    for i in range(4):
        extents[i] = <object> PyTuple_GET_ITEM(value, i)
        if extents[i] > MOST_PIXELS:
            return False
    return True


cdef bint set_steps(Axis *h, Axis *w, object stride, object padding, object dilation) except -1:
    """Set the steps of both axes; False for numbers that need a look."""
    return (
        two(stride, 1, &h.stride, &w.stride) and two(padding, 0, &h.pad, &w.pad)
        and two(dilation, 1, &h.dilation, &w.dilation)
    )


cdef bint set_out(Axis *a, bint hangs_over) noexcept:
    """Set a.out = floor((size + 2 pad - dilation (kernel - 1) - 1) / stride) + 1, or ceil where a window may hang over."""
    cdef Py_ssize_t room = a.size + 2 * a.pad - a.dilation * (a.kernel - 1) - 1
    if room < 0 or a.size == 0:
        return False
    a.out = (room + (a.stride - 1 if hangs_over else 0)) // a.stride + 1
    if hangs_over and (a.out - 1) * a.stride >= a.size + a.pad:  # a window starts inside the image or before it
        a.out -= 1
    return True


cdef bint set_size(Axis *a) noexcept:
    """Set a.size = (out - 1) stride - 2 pad + dilation (kernel - 1) + 1."""
    a.size = (a.out - 1) * a.stride - 2 * a.pad + a.dilation * (a.kernel - 1) + 1
    return a.out > 0 and a.size > 0


cdef inline Py_ssize_t within_image(Axis *a) noexcept:
    """A stride beyond the padded image leads nowhere: one output."""
    return min(a.stride, a.size + 2 * a.pad)


cdef bint kernels_fit(Axis *h, Axis *w) noexcept:
    return 0 < h.kernel < MOST_STEPS and 0 < w.kernel < MOST_STEPS


def conv2d_numbers(x_shape, weight_shape, stride, padding, dilation, groups, precise):
    """What `Conv2dGeometry` holds; None for arguments that need a look, or are wrong."""
    cdef Axis h, w
    cdef Py_ssize_t x[4]
    cdef Py_ssize_t k[4]
    cdef Py_ssize_t g, same
    if not four(x_shape, x) or not four(weight_shape, k) or not two(groups, 1, &g, &same) or type(groups) is not int:
        return None
    if (precise is not True and precise is not False) or not set_steps(&h, &w, stride, padding, dilation):
        return None
    h.size, w.size, h.kernel, w.kernel = x[2], x[3], k[2], k[3]
    if x[1] == 0 or k[0] == 0 or x[1] % g or k[0] % g or k[1] != x[1] // g or not kernels_fit(&h, &w):
        return None
    if not set_out(&h, False) or not set_out(&w, False) or h.size + 2 * h.pad > MOST_PIXELS // (w.size + 2 * w.pad):
        return None
    return (
        x[0], x[1], h.size, w.size, k[0], h.out, w.out, h.kernel, w.kernel, within_image(&h), within_image(&w),
        h.dilation, w.dilation, h.pad, w.pad, h.pad, w.pad, g, precise
    )


def conv_transpose2d_numbers(x_shape, weight_shape, stride, padding, output_padding, groups, dilation, precise):
    """The same of the convolution whose input gradient is ``conv_transpose2d``."""
    cdef Axis h, w
    cdef Py_ssize_t x[4]
    cdef Py_ssize_t k[4]
    cdef Py_ssize_t g, same
    if not four(x_shape, x) or not four(weight_shape, k) or not two(groups, 1, &g, &same) or type(groups) is not int:
        return None
    if type(output_padding) is not int or output_padding != 0 or (precise is not True and precise is not False):
        return None
    if not set_steps(&h, &w, stride, padding, dilation):
        return None
    h.out, w.out, h.kernel, w.kernel = x[2], x[3], k[2], k[3]
    if k[0] != x[1] or x[1] % g or x[1] == 0 or k[1] == 0 or not kernels_fit(&h, &w):
        return None
    if max(h.out, w.out) > MOST_STEPS or k[1] > MOST_STEPS or not set_size(&h) or not set_size(&w):
        return None
    return (
        x[0], k[1] * g, h.size, w.size, x[1], h.out, w.out, h.kernel, w.kernel, within_image(&h), within_image(&w),
        h.dilation, w.dilation, h.pad, w.pad, h.pad, w.pad, g, precise
    )


def pool2d_numbers(x_shape, kernel_size, stride, padding, dilation, ceil_mode):
    """What `Pool2dGeometry` holds; None for arguments that need a look, or are wrong."""
    cdef Axis h, w
    cdef Py_ssize_t x[4]
    if not four(x_shape, x) or not two(kernel_size, 1, &h.kernel, &w.kernel):
        return None
    if not set_steps(&h, &w, kernel_size if stride is None else stride, padding, dilation):
        return None
    if (ceil_mode is not True and ceil_mode is not False) or h.pad > h.dilation * (h.kernel - 1):
        return None
    h.size, w.size = x[2], x[3]
    if w.pad > w.dilation * (w.kernel - 1) or not set_out(&h, ceil_mode) or not set_out(&w, ceil_mode):
        return None
    return (
        x[0], x[1], h.size, w.size, h.out, w.out, h.kernel, w.kernel, h.stride, w.stride, h.dilation, w.dilation,
        h.pad, w.pad, h.pad, w.pad
    )
