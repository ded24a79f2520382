"""Pooling as the textbook says it, in plain loops and float64; independent of the library."""

from itertools import product

import numpy as np


def pair(value):
    return (value, value) if np.ndim(value) == 0 else tuple(value)


class Pooling:
    """Which positions each window holds. Axis by axis: window o reads o * stride - before + r * dilation."""

    def __init__(self, size, kernel, stride=None, padding=0, dilation=1, ceil_mode=False):
        self.size, self.kernel = tuple(size), pair(kernel)
        self.stride = self.kernel if stride is None else pair(stride)
        self.pads = [pair(p) for p in pair(padding)]
        self.dilation = pair(dilation)
        self.out = tuple(self.outputs(axis, ceil_mode) for axis in range(2))

    def outputs(self, axis, ceil_mode):
        before, after = self.pads[axis]
        reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        count = 0
        while True:
            start = count * self.stride[axis] - before
            hangs_over = start + reach > self.size[axis] + after
            if hangs_over and not (ceil_mode and start < self.size[axis] and self.previous_ends_early(axis, start)):
                return count
            count += 1

    def previous_ends_early(self, axis, start):
        """Whether something of the padded plane was left over by the window before this one."""
        reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        return start - self.stride[axis] + reach < self.size[axis] + self.pads[axis][1]

    def line(self, axis, o):
        first = o * self.stride[axis] - self.pads[axis][0]
        taps = [first + r * self.dilation[axis] for r in range(self.kernel[axis])]
        return [i for i in taps if 0 <= i < self.size[axis]]

    def window(self, oh, ow):
        """Positions in row-major order."""
        return list(product(self.line(0, oh), self.line(1, ow)))

    def padded_count(self, oh, ow):
        """Positions of a window with its padding, without what hangs over."""
        count = 1
        for axis, o in enumerate((oh, ow)):
            first = o * self.stride[axis] - self.pads[axis][0]
            count *= sum(first + r < self.size[axis] + self.pads[axis][1] for r in range(self.kernel[axis]))
        return count


class Adaptive:
    """Window o of O reads from floor(o size / O) up to ceil((o + 1) size / O)."""

    def __init__(self, size, out):
        self.size, self.out = tuple(size), pair(out)

    def line(self, axis, o):
        size, out = self.size[axis], self.out[axis]
        return range(int(np.floor(o * size / out)), int(np.ceil((o + 1) * size / out)))

    def window(self, oh, ow):
        return list(product(self.line(0, oh), self.line(1, ow)))


def outputs(x_shape, pooling):
    return product(range(x_shape[0]), range(x_shape[1]), range(pooling.out[0]), range(pooling.out[1]))


def max_pool(x, pooling):
    """y, indices: the first maximum in row-major order; the first NaN where there is one."""
    y = np.zeros((*x.shape[:2], *pooling.out))
    indices = np.zeros(y.shape, np.int64)
    for n, c, oh, ow in outputs(x.shape, pooling):
        values = [float(x[n, c, h, w]) for h, w in pooling.window(oh, ow)]
        nans = [k for k, v in enumerate(values) if v != v]
        best = nans[0] if nans else values.index(max(values))
        h, w = pooling.window(oh, ow)[best]
        y[n, c, oh, ow], indices[n, c, oh, ow] = values[best], h * x.shape[3] + w
    return y, indices


def max_pool_backward(dy, x, pooling):
    _, indices = max_pool(x, pooling)
    dx = np.zeros(x.shape)
    for n, c, oh, ow in outputs(x.shape, pooling):
        h, w = divmod(int(indices[n, c, oh, ow]), x.shape[3])
        dx[n, c, h, w] += dy[n, c, oh, ow]
    return dx


def divisor(pooling, oh, ow, count_include_pad, divisor_override):
    if divisor_override is not None:
        return divisor_override
    return pooling.padded_count(oh, ow) if count_include_pad else len(pooling.window(oh, ow))


def mean_pool(x, pooling, count_include_pad=False, divisor_override=None):
    y = np.zeros((*x.shape[:2], *pooling.out))
    for n, c, oh, ow in outputs(x.shape, pooling):
        total = sum(float(x[n, c, h, w]) for h, w in pooling.window(oh, ow))
        y[n, c, oh, ow] = total / divisor(pooling, oh, ow, count_include_pad, divisor_override)
    return y


def mean_pool_backward(dy, x_shape, pooling, count_include_pad=False, divisor_override=None):
    dx = np.zeros(x_shape)
    for n, c, oh, ow in outputs(x_shape, pooling):
        for h, w in pooling.window(oh, ow):
            dx[n, c, h, w] += dy[n, c, oh, ow] / divisor(pooling, oh, ow, count_include_pad, divisor_override)
    return dx


def lp_pool(x, pooling, p=2):
    y = np.zeros((*x.shape[:2], *pooling.out))
    for n, c, oh, ow in outputs(x.shape, pooling):
        values = np.longdouble([abs(x[n, c, h, w]) for h, w in pooling.window(oh, ow)])
        y[n, c, oh, ow] = np.sum(values ** np.longdouble(p)) ** (1 / np.longdouble(p))
    return y


def lp_pool_backward(dy, x, pooling, p=2):
    y = lp_pool(x, pooling, p)
    dx = np.zeros(x.shape)
    for n, c, oh, ow in outputs(x.shape, pooling):
        for h, w in pooling.window(oh, ow):
            v = float(x[n, c, h, w])
            if v != 0 and y[n, c, oh, ow] != 0:
                dx[n, c, h, w] += dy[n, c, oh, ow] * np.sign(v) * (abs(v) / y[n, c, oh, ow]) ** (p - 1)
    return dx
