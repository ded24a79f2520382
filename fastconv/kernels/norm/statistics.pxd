# Where the mean and deviation of a set come from, and where they are kept: of its own values (training), the running
# ones of its channel, or the saved ones of an earlier call.

from ..simd.vector cimport real
from .affine cimport Set
from .moments cimport Moments, inverse_deviation, inverse_root

cdef struct Table:    # numbers a[i, j] with any strides
    char *base        # NULL: absent
    Py_ssize_t i, j   # steps in bytes

cdef struct Statistics:
    Table mean, low, inverse          # saved, of every set [i, j]; low: mean less the mean as it was rounded
    Table running_mean, running_var   # of every channel [0, j]
    double momentum
    double eps
    bint training
    bint exact                        # low is taken from y; else y ignores it (and saved it is 0)


cdef inline Table table_of(const real[:, :] a) noexcept nogil:
    """a[i, j], or nothing for None."""
    if a is None:
        return Table(NULL, 0, 0)
    return Table(<char *>&a[0, 0], a.strides[0], a.strides[1])


cdef inline Table vector_of(const real[:] a) noexcept nogil:
    """The same of a vector: a[j] for every i."""
    if a is None:
        return Table(NULL, 0, 0)
    return Table(<char *>&a[0], 0, a.strides[0])


cdef inline real number(const Table *t, Py_ssize_t i, Py_ssize_t j, real absent) noexcept nogil:
    """t[i, j], or `absent` where there is no table."""
    return absent if t.base == NULL else (<real *>(t.base + i * t.i + j * t.j))[0]


cdef inline void keep(const Table *t, Py_ssize_t i, Py_ssize_t j, real value) noexcept nogil:
    """t[i, j] = value, where there is a table."""
    if t.base != NULL:
        (<real *>(t.base + i * t.i + j * t.j))[0] = value


cdef inline Statistics statistics_of(saved, running) except *:
    """From the tuples (mean, low, invstd) and (running mean, running variance, momentum), either None; low may be None.
    The arrays must outlive the result."""
    cdef Statistics t
    cdef Table absent = Table(NULL, 0, 0)
    t.mean = t.low = t.inverse = t.running_mean = t.running_var = absent
    t.momentum, t.eps, t.training, t.exact = 0, 0, False, False
    if saved is not None:
        t.mean, t.low, t.inverse = table_of(saved[0]), table_of(saved[1]), table_of(saved[2])
    if running is not None:
        t.running_mean, t.running_var, t.momentum = vector_of(running[0]), vector_of(running[1]), running[2]
    return t


cdef inline Set set_of(const Statistics *t, Moments *m, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """Mean and deviation of set (i, j), which are saved too; m: its moments, in training."""
    cdef Set s
    cdef double mean
    if not t.training and t.running_mean.base == NULL:
        return saved_set(t, i, j)
    if t.training:
        mean = m.mean
        s.inverse = <real>inverse_deviation(m, t.eps)
        remember(t, m, j)
    else:
        mean = number(&t.running_mean, 0, j, 0)
        s.inverse = <real>inverse_root(number(&t.running_var, 0, j, 0), t.eps)
    s.center = <real>mean
    s.low = <real>(mean - s.center) if t.exact else 0
    keep(&t.mean, i, j, s.center)
    keep(&t.low, i, j, s.low)
    keep(&t.inverse, i, j, s.inverse)
    return s


cdef inline Set saved_set(const Statistics *t, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """Mean and deviation of set (i, j) as an earlier call saved them."""
    return Set(number(&t.mean, i, j, 0), number(&t.low, i, j, 0), number(&t.inverse, i, j, 0))


cdef inline void remember(const Statistics *t, const Moments *m, Py_ssize_t j) noexcept nogil:
    """running = (1 - momentum) running + momentum batch, with the unbiased variance sum (x - mean)^2 / (m - 1)."""
    if t.running_mean.base == NULL:
        return
    keep(&t.running_mean, 0, j, <real>mixed(number(&t.running_mean, 0, j, 0), m.mean, t.momentum))
    keep(&t.running_var, 0, j,
         <real>mixed(number(&t.running_var, 0, j, 0), m.squares / (m.count - 1), t.momentum))


cdef inline double mixed(double old, double new, double momentum) noexcept nogil:
    """(1 - momentum) old + momentum new; momentum 0 and 1 give one of them, whatever the other is."""
    if momentum == 0:
        return old
    if momentum == 1:
        return new
    return (1 - momentum) * old + momentum * new
