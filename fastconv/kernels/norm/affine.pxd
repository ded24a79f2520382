# The equations of the norms as the code uses them: one affine function of x for each set, or each channel of a set.
#
# Forward: y = f(w z + b + residual), z = (x - mean) r, is
#
#     y = f((x - center) scale + shift + residual)
#     center = mean as it is rounded to a real,  low = mean - center,  scale = r w,  shift = b - low scale
#
# Backward. Over the m values of a set, mean = sum x / m, var = sum (x - mean)^2 / m and r = (var + eps)^(-1/2), so
# d mean / dx_i = 1 / m and dr / dx_i = -r^3 (x_i - mean) / m = -r^2 z_i / m. With z_j = (x_j - mean) r:
#
#     dz_j / dx_i = r ([i = j] - 1 / m) + (x_j - mean) (-r^2 z_i / m) = r ([i = j] - 1 / m - z_i z_j / m)
#     dx_i = sum_j g_j dz_j / dx_i = r (g_i - mean(g) - z_i mean(g z)),  g = w du
#
# and with z = (x - center) r (what rounding took from the mean is far below the error of the sums):
#
#     dx = du scale + (x - center) slope + offset
#     scale = r w,  slope = -r^3 mean(g (x - center)),  offset = -r mean(g)
#
# Where mean and var are constants (the running ones), slope = offset = 0.
# The forward pass, and the gate that the backward pass makes from the same numbers, are the same instructions in every
# kernel, so that their bits agree.

from ..simd.vector cimport activated, real, vf, vfma, vstream
from .vectors cimport vgate, vread, vread_over, vwrite

cdef struct Coefficients:
    real center, scale, shift  # forward
    real slope, offset         # backward

cdef struct Set:  # the statistics of a set
    real center   # the mean, as a real
    real low      # mean - center
    real inverse  # r


cdef inline real scale_of(const Set *s, double w) noexcept nogil:
    """scale = r w"""
    return <real>(<double>s.inverse * w)


cdef inline real shift_of(const Set *s, double w, double b) noexcept nogil:
    """shift = b - low r w"""
    return <real>(b - <double>s.low * (<double>s.inverse * w))


cdef inline real slope_of(double r, double products, double count) noexcept nogil:
    """slope = -r^3 mean(g (x - center)), from the sum over a set of `count` values."""
    return <real>(-r * r * r * products / count)


cdef inline real offset_of(double r, double sums, double count) noexcept nogil:
    """offset = -r mean(g), from the sum over a set of `count` values."""
    return <real>(-r * sums / count)


cdef inline vf scaled(vf x, vf center, vf scale, vf shift) noexcept nogil:
    """(x - center) scale + shift"""
    return vfma(x - center, scale, shift)


cdef inline vf sloped(vf du, vf x, vf center, vf scale, vf slope, vf offset) noexcept nogil:
    """du scale + (x - center) slope + offset"""
    return vfma(du, scale, vfma(x - center, slope, offset))


# A gate says how du is made from dy: 0 du = dy; 1 and 2 relu and relu6 of u = (x - center) scale + shift, made again
# from x as the forward pass made it; 3 and 4 the same two where y = f(u) is read.

cdef inline int gate_of(int activation, bint reads_y) noexcept nogil:
    """The gate of an activation (the codes of ops/epilogue.py)."""
    return activation + 2 if activation and reads_y else activation


cdef inline vf gated(vf dy, vf x, const real *y, Py_ssize_t at, Py_ssize_t n, vf center, vf scale, vf shift,
                     const int gate) noexcept nogil:
    """du in n <= VL lanes; y[at] is read by the gates 3 and 4 only, for the others y may be NULL."""
    if gate == 0:
        return dy
    if gate > 2:
        return vgate(dy, vread(y + at, n), gate - 2)
    return vgate(dy, scaled(x, center, scale, shift), gate)


cdef struct ScaleRun:  # `count` values, neighbours
    const real *x
    const real *residual
    real *y
    Py_ssize_t count


cdef inline void scale_vector(const ScaleRun *r, Py_ssize_t i, Py_ssize_t n, vf center, vf scale, vf shift,
                              const int activation, const bint add, const bint stream) noexcept nogil:
    """n <= VL values from i on: y = f((x - center) scale + shift + residual)"""
    cdef vf u = scaled(vread_over(r.x + i, n, center), center, scale, shift)
    if add:
        u = u + vread(r.residual + i, n)
    if stream:
        vstream(r.y + i, activated(u, activation))
    else:
        vwrite(r.y + i, n, activated(u, activation))
