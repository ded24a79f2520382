# Results larger than the caches are stored past them (vstream): whether a call does, and copies that do.

cdef bint beyond_caches(Pool *p) noexcept nogil:
    """Whether dx is larger than the caches."""
    return p.N * p.C * p.H * p.W * <Py_ssize_t>sizeof(real) >= STREAM_BYTES


cdef bint streams_pixels(Pool *p) noexcept nogil:
    """Whether dx is larger than the caches, and every pixel of it starts on a whole vector."""
    return beyond_caches(p) and <size_t>p.dx.data % (VL * sizeof(real)) == 0 and p.C % VL == 0 and \
        p.dx.n % VL == 0 and p.dx.h % VL == 0 and p.dx.w % VL == 0


cdef bint dense_planes(Pool *p) noexcept nogil:
    """Whether each plane of dx is H * W neighbours."""
    return p.dx.w == 1 and p.dx.h == p.W


cdef inline Py_ssize_t stream_vectors(real *to, const real *values, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    """Copy elements from `first` on up to the last whole vector before `stop`; returns the first one not copied."""
    while first < stop and <size_t>(to + first) % (VL * sizeof(real)):
        to[first] = values[first]
        first += 1
    while first + VL <= stop:
        vstream(to + first, vload(values + first))
        first += VL
    return first


cdef inline void stream_all(real *to, const real *values, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    """Copy elements first to stop - 1."""
    cdef Py_ssize_t k
    for k in range(stream_vectors(to, values, first, stop), stop):
        to[k] = values[k]
    vfence()
