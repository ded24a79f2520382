"""The textbook in plain loops and float64: what every op is compared with.

Slow and obvious on purpose, and independent of the library: nothing here imports fastconv. Channels are summed by a
small matrix product, everything else is an explicit loop over output positions and kernel positions.
"""

from itertools import product

import numpy as np


def pair(value):
    return (value, value) if np.ndim(value) == 0 else tuple(value)


def pads(padding, size, kernel, stride, dilation):
    """((top, bottom), (left, right)) of any padding that conv2d accepts."""
    if isinstance(padding, str):
        return tuple(named_pads(padding, *axis) for axis in zip(size, kernel, stride, dilation, strict=True))
    return tuple(pair(p) for p in pair(padding))


def named_pads(padding, size, kernel, stride, dilation):
    reach = dilation * (kernel - 1)
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return reach, reach
    outputs = (size + stride - 1) // stride  # "same": the extra row and column at the bottom and right
    total = max(0, (outputs - 1) * stride + reach + 1 - size)
    return total // 2, total - total // 2


def double(a):
    """As a float64 array; np.float64 makes a number of one value in NumPy 2.0."""
    return np.asarray(a, np.float64)


class Taps:
    """Which input element each kernel position of each output position reads; padding is skipped."""

    def __init__(self, size, kernel, stride=1, padding=0, dilation=1):
        stride, dilation = pair(stride), pair(dilation)
        before_after = pads(padding, size, kernel, stride, dilation)
        self.axes = [Axis(*numbers) for numbers in zip(size, kernel, stride, before_after, dilation, strict=True)]
        self.out_size = tuple(axis.outputs for axis in self.axes)

    def __iter__(self):
        rows, columns = self.axes
        for (oh, i, ih), (ow, j, iw) in product(list(rows), list(columns)):
            yield oh, ow, i, j, ih, iw


class Axis:
    def __init__(self, size, kernel, stride, before_after, dilation):
        self.size, self.kernel, self.stride, self.dilation = size, kernel, stride, dilation
        self.before, after = before_after
        self.outputs = (size + self.before + after - dilation * (kernel - 1) - 1) // stride + 1

    def __iter__(self):
        for o, r in product(range(self.outputs), range(self.kernel)):
            i = o * self.stride + r * self.dilation - self.before
            if 0 <= i < self.size:
                yield o, r, i


def group_slices(C, K, groups):
    """(channels, filters) of each group."""
    c, k = C // groups, K // groups
    return [(slice(g * c, (g + 1) * c), slice(g * k, (g + 1) * k)) for g in range(groups)]


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """y[n,k,oh,ow] = b[k] + sum_{c,i,j} x[n, c, oh sh + i dh - top, ow sw + j dw - left] w[k,c,i,j]"""
    x, weight = double(x), double(weight)
    taps = Taps(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y = np.zeros((len(x), len(weight), *taps.out_size))
    if bias is not None:
        y += double(bias)[None, :, None, None]
    for cs, ks in group_slices(x.shape[1], len(weight), groups):
        for oh, ow, i, j, ih, iw in taps:
            y[:, ks, oh, ow] += x[:, cs, ih, iw] @ weight[ks, :, i, j].T
    return y


def conv2d_backward_input(dy, weight, input_shape, stride=1, padding=0, dilation=1, groups=1):
    dy, weight = double(dy), double(weight)
    dx = np.zeros(input_shape)
    taps = Taps(dx.shape[2:], weight.shape[2:], stride, padding, dilation)
    for cs, ks in group_slices(dx.shape[1], len(weight), groups):
        for oh, ow, i, j, ih, iw in taps:
            dx[:, cs, ih, iw] += dy[:, ks, oh, ow] @ weight[ks, :, i, j]
    return dx


def conv2d_backward_weight(dy, x, weight_shape, stride=1, padding=0, dilation=1, groups=1):
    dy, x = double(dy), double(x)
    dw = np.zeros(weight_shape)
    taps = Taps(x.shape[2:], dw.shape[2:], stride, padding, dilation)
    for cs, ks in group_slices(x.shape[1], len(dw), groups):
        for oh, ow, i, j, ih, iw in taps:
            dw[ks, :, i, j] += dy[:, ks, oh, ow].T @ x[:, cs, ih, iw]
    return dw


def conv2d_backward_bias(dy):
    return double(dy).sum((0, 2, 3))


def transposed_scatter(size, kernel, stride, padding, output_padding, dilation):
    """Output size, and (input row, input column, kernel row, kernel column, output row, output column)."""
    stride, dilation, extra = pair(stride), pair(dilation), list(pair(output_padding))
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if padding == "multiple":  # output = stride * size, plus 1 where kernel - stride is odd
        wanted = [s * n + (r + 1 - s) % 2 for s, n, r in zip(stride, size, reach, strict=True)]
        surplus = [r + 1 - s for s, r in zip(stride, reach, strict=True)]
        cut = [(max(0, s) // 2,) * 2 for s in surplus]
    else:
        cut = pads(padding, size, kernel, stride, dilation)
        wanted = [
            (n - 1) * s - sum(p) + r + e + 1 for n, s, p, r, e in zip(size, stride, cut, reach, extra, strict=True)
        ]
    axes = [
        [(i, r, i * s + r * d - p[0]) for i, r in product(range(n), range(k)) if 0 <= i * s + r * d - p[0] < out]
        for n, k, s, d, p, out in zip(size, kernel, stride, dilation, cut, wanted, strict=True)
    ]
    return tuple(wanted), [(ih, iw, i, j, oh, ow) for (ih, i, oh), (iw, j, ow) in product(*axes)]


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """y[n, :, ih sh + i dh - top, iw sw + j dw - left] += x[n,c,ih,iw] w[c,:,i,j]; weight (C, K / groups, kh, kw)."""
    x, weight = double(x), double(weight)
    size, moves = transposed_scatter(x.shape[2:], weight.shape[2:], stride, padding, output_padding, dilation)
    K = weight.shape[1] * groups
    y = np.zeros((len(x), K, *size))
    if bias is not None:
        y += double(bias)[None, :, None, None]
    for cs, ks in group_slices(x.shape[1], K, groups):
        for ih, iw, i, j, oh, ow in moves:
            y[:, ks, oh, ow] += x[:, cs, ih, iw] @ weight[cs, :, i, j]
    return y


def conv_transpose2d_backward_input(
    dy, weight, input_shape, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    dy, weight = double(dy), double(weight)
    dx = np.zeros(input_shape)
    _, moves = transposed_scatter(input_shape[2:], weight.shape[2:], stride, padding, output_padding, dilation)
    for cs, ks in group_slices(input_shape[1], dy.shape[1], groups):
        for ih, iw, i, j, oh, ow in moves:
            dx[:, cs, ih, iw] += dy[:, ks, oh, ow] @ weight[cs, :, i, j].T
    return dx


def conv_transpose2d_backward_weight(dy, x, weight_shape, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    dy, x = double(dy), double(x)
    dw = np.zeros(weight_shape)
    _, moves = transposed_scatter(x.shape[2:], weight_shape[2:], stride, padding, output_padding, dilation)
    for cs, ks in group_slices(x.shape[1], dy.shape[1], groups):
        for ih, iw, i, j, oh, ow in moves:
            dw[cs, :, i, j] += x[:, cs, ih, iw].T @ dy[:, ks, oh, ow]
    return dw


conv_transpose2d_backward_bias = conv2d_backward_bias


def rot180(k):
    return k[..., ::-1, ::-1]


def convolve2d(x, k, mode="full"):
    """True convolution of two planes, y(i, j) = sum_{u,v} x(i - u, j - v) k(u, v), cut as scipy.signal does."""
    (H, W), (kh, kw) = x.shape, k.shape
    full = np.zeros((H + kh - 1, W + kw - 1))
    for i, j, u, v in product(range(H), range(W), range(kh), range(kw)):
        full[i + u, j + v] += float(x[i, j]) * float(k[u, v])
    if mode == "full":
        return full
    if mode == "same":  # centred on the first input
        top, left = (kh - 1) // 2, (kw - 1) // 2
        return full[top : top + H, left : left + W]
    return full[kh - 1 : H, kw - 1 : W]  # "valid": nothing outside the image was read


def convolve2d_maps(x, k, mode="full"):
    """The same for x (N, C, H, W) and k (K, C, kh, kw), summed over C."""
    planes = [[sum(convolve2d(a, b, mode) for a, b in zip(maps, filters, strict=True)) for filters in k] for maps in x]
    return np.array(planes)


def linear(x, weight, bias=None):
    """y[n,o] = b[o] + sum_i x[n,i] w[o,i]"""
    y = np.zeros((len(x), len(weight)))
    for n, o in np.ndindex(*y.shape):
        y[n, o] = sum(float(a) * float(b) for a, b in zip(x[n], weight[o], strict=True))
        y[n, o] += 0.0 if bias is None else float(bias[o])
    return y


def linear_backward(dy, x, weight):
    """(dx, dw, db) of linear."""
    dx, dw, db = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(len(weight))
    for n, o in np.ndindex(*dy.shape):
        dx[n] += float(dy[n, o]) * np.float64(weight[o])
        dw[o] += float(dy[n, o]) * np.float64(x[n])
        db[o] += float(dy[n, o])
    return dx, dw, db


def central_difference(f, x, dy, step=1e-6):
    """d sum(dy * f(x)) / dx, one element at a time; x float64."""
    x = np.array(x, np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        before = x[index]
        x[index] = before + step
        above = np.sum(dy * f(x))
        x[index] = before - step
        below = np.sum(dy * f(x))
        x[index] = before
        gradient[index] = (above - below) / (2 * step)
    return gradient
