# Which taps of a kernel reach a pixel, along one axis: pure integer arithmetic.
#
# A convolution of stride S, dilation D and padding P reads pixel p = j S - P + t D of x for pixel j of y under tap t.
# Its input gradient turns this round:
#
#     dx[p] = sum over the taps t with (p + P - t D) % S == 0 of dy[(p + P - t D) / S] w[t]
#
# Pixels p = q, q + S, q + 2 S, ... are the phase q of the stride. The same taps reach all of them, and pixel number i
# of the phase is read from i places further on in dy. The taps of a phase are evenly spaced: t, t + m, t + 2 m, ...
# with m = S / gcd(S, D), and each reads m D / S places before the tap in front of it. S = 2, D = 1, P = 1 and 3 taps:
#
#     phase 0 (p = 0, 2, ...)    tap 1          dx[2 i]     = dy[i] w[1]
#     phase 1 (p = 1, 3, ...)    taps 0 and 2   dx[2 i + 1] = dy[i + 1] w[0] + dy[i] w[2]

cdef struct Taps:               # position i reads place i * move + source + n * source_step under tap first + n * step
    Py_ssize_t count            # n < count
    Py_ssize_t first, step
    Py_ssize_t source, source_step


cdef inline Taps all_taps(Py_ssize_t kernel, Py_ssize_t dilation, Py_ssize_t padding) noexcept nogil:
    """Every tap of a kernel, as the forward pass reads x (position i moves by the stride)."""
    cdef Taps taps
    taps.count, taps.first, taps.step = kernel, 0, 1
    taps.source, taps.source_step = -padding, dilation
    return taps


cdef inline Taps taps_of_phase(Py_ssize_t at, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t kernel) noexcept nogil:
    """The taps t < kernel with (at - t D) % S == 0, where at = q + P: those that reach phase q, the first tap first."""
    cdef Taps taps
    cdef Py_ssize_t t, last = 0
    taps.count, taps.first, taps.step = 0, 0, 1
    for t in range(kernel):
        if (at - t * dilation) % stride == 0:
            if taps.count == 0:
                taps.first = t
            else:
                taps.step = t - last
            last = t
            taps.count += 1
    taps.source = (at - taps.first * dilation) // stride if taps.count else 0
    taps.source_step = -(taps.step * dilation // stride)
    return taps


cdef inline Py_ssize_t phase_under(Py_ssize_t tap, Py_ssize_t padding, Py_ssize_t stride,
                                   Py_ssize_t dilation) noexcept nogil:
    """The phase that a tap reaches: (t D - P) % S, from 0 to S - 1."""
    cdef Py_ssize_t phase = (tap * dilation - padding) % stride
    return phase + stride if phase < 0 else phase


cdef inline Taps last_tap_first(Taps taps) noexcept nogil:
    """The same taps the other way round, so that the taps of a phase read dy from left to right."""
    cdef Py_ssize_t steps = max(<Py_ssize_t>0, taps.count - 1)
    taps.first += steps * taps.step
    taps.source += steps * taps.source_step
    taps.step = -taps.step
    taps.source_step = -taps.source_step
    return taps
