"""Random convolutions, plain and transposed: shapes, operands, and one call made on the library or the textbook."""

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import reference

import fastconv

PASSES = ("forward", "input", "weight", "bias")


class Operands(NamedTuple):
    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    dy: np.ndarray

    def replace(self, **changes):
        return self._replace(**changes)

    def float64(self):
        return Operands(*map(np.float64, self))

    def absolute(self):
        return Operands(*map(np.abs, self))


class Conv(NamedTuple):
    """One convolution: shapes, and the arguments that follow the arrays."""

    x_shape: tuple
    weight_shape: tuple
    stride: object = 1
    padding: object = 0
    dilation: object = 1
    groups: int = 1

    @property
    def window(self):
        return self[2:]

    @property
    def y_shape(self):
        taps = reference.Taps(self.x_shape[2:], self.weight_shape[2:], *self.window[:3])
        return self.x_shape[0], self.weight_shape[0], *taps.out_size

    def call(self, module, which, a, **out):
        """One pass on these operands, by fastconv or by reference."""
        if which == "forward":
            return module.conv2d(a.x, a.weight, a.bias, *self.window, **out)
        if which == "input":
            return module.conv2d_backward_input(a.dy, a.weight, a.x.shape, *self.window, **out)
        if which == "weight":
            return module.conv2d_backward_weight(a.dy, a.x, a.weight.shape, *self.window, **out)
        return module.conv2d_backward_bias(a.dy, **out)

    def terms(self, which):
        """Products in one element of the result, at most."""
        N, K, OH, OW = self.y_shape
        _, c, kh, kw = self.weight_shape
        return {
            "forward": c * kh * kw + 1,
            "input": K // self.groups * kh * kw,
            "weight": N * OH * OW,
            "bias": N * OH * OW,
        }[which]


class Transposed(NamedTuple):
    """One transposed convolution; its weight is (C, K / groups, kh, kw)."""

    x_shape: tuple
    weight_shape: tuple
    stride: object = 1
    padding: object = 0
    output_padding: object = 0
    groups: int = 1
    dilation: object = 1

    @property
    def window(self):
        return self[2:]

    @property
    def y_shape(self):
        size, _ = reference.transposed_scatter(
            self.x_shape[2:], self.weight_shape[2:], self.stride, self.padding, self.output_padding, self.dilation
        )
        return self.x_shape[0], self.weight_shape[1] * self.groups, *size

    def call(self, module, which, a, **out):
        if which == "forward":
            return module.conv_transpose2d(a.x, a.weight, a.bias, *self.window, **out)
        if which == "input":
            return module.conv_transpose2d_backward_input(a.dy, a.weight, a.x.shape, *self.window, **out)
        if which == "weight":
            return module.conv_transpose2d_backward_weight(a.dy, a.x, a.weight.shape, *self.window, **out)
        return module.conv_transpose2d_backward_bias(a.dy, **out)

    def terms(self, which):
        N, C, H, W = self.x_shape
        _, c, kh, kw = self.weight_shape
        rows = N * self.y_shape[2] * self.y_shape[3]
        return {"forward": C * kh * kw + 1, "input": c * kh * kw, "weight": N * H * W, "bias": rows}[which]


@contextmanager
def paths_off(*names):
    """These paths of the library switched off, and put back."""
    before = {name: fastconv.use_path(name, False) for name in names}
    try:
        yield
    finally:
        for name, was in before.items():
            fastconv.use_path(name, was)


def operands(problem, fill, seed, dtype="float32"):
    """x, weight, bias and dy for this problem; `fill` is inputs.whole or inputs.real."""
    rng = np.random.default_rng(seed)
    K = problem.y_shape[1]
    shapes = problem.x_shape, problem.weight_shape, (K,), problem.y_shape
    return Operands(*(fill(rng, shape, dtype) for shape in shapes))


def random_conv(rng, channels=9, size=9):
    """A convolution with any geometry: every tail, one filter per channel, single rows, asymmetric padding."""
    while True:
        C, K, groups = random_channels(rng, channels)
        window = random_step(rng), random_padding(rng, ("valid", "same", "full")), random_step(rng), groups
        shape = int(rng.integers(1, 4)), C, *random_pair(rng, 1, size)
        problem = Conv(shape, (K, C // groups, *random_pair(rng, 1, 5)), *window)
        if min(problem.y_shape) > 0:
            return problem


def random_transposed(rng, channels=7, size=5):
    while True:
        C, K, groups = random_channels(rng, channels)
        stride, dilation = random_step(rng), random_step(rng)
        padding = random_padding(rng, ("valid", "full", "multiple"))
        most = np.maximum(stride, dilation)
        extra = 0 if padding == "multiple" else tuple(int(rng.integers(0, m)) for m in np.broadcast_to(most, 2))
        shape = int(rng.integers(1, 4)), C, *random_pair(rng, 1, size)
        problem = Transposed(shape, (C, K // groups, *random_pair(rng, 1, 4)), stride, padding, extra, groups, dilation)
        if min(problem.y_shape) > 0:
            return problem


def random_channels(rng, most):
    groups = int(rng.choice([1, 1, 1, 2, 3, 5]))
    C, K = (groups * int(rng.integers(1, max(2, most // groups) + 1)) for _ in "CK")
    return C, K, groups


def random_pair(rng, least, most):
    return int(rng.integers(least, most + 1)), int(rng.integers(least, most + 1))


def random_step(rng):
    pair = random_pair(rng, 1, 3)
    return pair[0] if rng.integers(2) else pair


def random_padding(rng, names):
    kind = rng.integers(5)
    if kind == 0:
        return int(rng.integers(0, 4))
    if kind == 1:
        return random_pair(rng, 0, 3)
    if kind == 2:
        return str(rng.choice(names))
    return random_pair(rng, 0, 4), random_pair(rng, 0, 4)


def assert_rounded(result, exact, magnitude, terms):
    """Rounding only: within 8 eps sqrt(terms) of the sum of absolute products, and of the operands' dtype."""
    eps = np.finfo(result.dtype).eps
    assert result.shape == exact.shape
    assert np.all(np.abs(result - exact) <= 8 * eps * np.sqrt(terms) * magnitude)


def assert_exact(result, exact, dtype):
    """Bit for bit: whole numbers, so that every order of summation gives the same."""
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result, exact.astype(dtype), strict=True)


# tails of channels and filters around the vectors of all builds; what Winograd takes
TAILS = [
    Conv((1, C, 5, 4), (K, C, kernel, kernel), stride, 0)
    for C in (1, 3, 8, 17, 33)
    for K in (1, 8, 17, 35)
    for kernel, stride in ((1, 2), (3, 1), (2, 2))
]
DEPTHWISE = [Conv((2, C, 7, 6), (C, 1, 3, 3), stride, 1, 1, C) for C in (1, 3, 8, 17, 33) for stride in (1, 2)]
WINOGRAD = [Conv((1, 32, 8, 9), (K, 32, side, side), 1, 1) for K in (32, 37) for side in (2, 3, 5)]
WINOGRAD += [Conv((1, C, 12, 11), (K, C, 4, 4), 2, ((1, 1), (1, 2))) for C, K in ((32, 37), (48, 32))]
