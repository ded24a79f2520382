"""What the tests of activations share: the textbook in long double, with the error that each is allowed."""

import inputs
import numpy as np
import pytest

from fastconv.ops import activation as ops

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def gauss(x):
    """P(X < x) of the standard normal X: a series around 0, a continued fraction in the tails."""
    small = np.where(np.abs(x) < 2.5, x, 0)
    term = total = small
    for n in range(1, 100):
        term = term * small * small / (2 * n + 1)
        total = total + term
    density = np.exp(-x * x / 2) / np.sqrt(2 * np.longdouble(np.pi))
    far = fraction = np.where(np.abs(x) < 2.5, 3, np.abs(x)).astype(np.longdouble)
    for n in range(300, 0, -1):
        fraction = far + n / fraction
    tail = density / fraction
    return np.where(np.abs(x) < 2.5, 0.5 + total * density, np.where(x < 0, tail, 1 - tail))


def gelu_tanh(x):
    return x * logistic(2 * np.sqrt(2 / np.longdouble(np.pi)) * (x + np.longdouble("0.044715") * x**3))


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(x * beta > threshold, x, np.log1p(np.exp(x * beta)) / beta)


# scale and alpha of selu
SELU = np.longdouble("1.0507009873554804934193349852946"), np.longdouble("1.6732632423543772848170429916717")

# name: (the textbook, further arguments, allowed ulp on |x| < 6, where its slope jumps)
TEXTBOOK = {
    "sigmoid": (logistic, (), 2.5, ()),
    "tanh": (np.tanh, (), 3, ()),
    "relu": (lambda x: np.maximum(x, 0), (), 0, (0,)),
    "leaky_relu": (lambda x, s: np.where(x > 0, x, x * s), (0.3,), 2, (0,)),
    "threshold": (lambda x, t, v: np.where(x > t, x, v), (0.7, -0.4), 0, (0.7,)),
    "hardtanh": (lambda x, low, high: np.clip(x, low, high), (-1.25, 2.5), 0, (-1.25, 2.5)),
    "relu6": (lambda x: np.clip(x, 0, 6), (), 0, (0, 6)),
    "elu": (lambda x, a: np.where(x > 0, x, a * np.expm1(x)), (1.3,), 3, (0,)),
    "selu": (lambda x: SELU[0] * np.where(x > 0, x, SELU[1] * np.expm1(x)), (), 4, (0,)),
    "celu": (lambda x, a: np.where(x > 0, x, a * np.expm1(x / a)), (0.6,), 4, ()),
    "gelu": (lambda x: x * gauss(x), (), 12, ()),
    "gelu tanh": (lambda x, _: gelu_tanh(x), ("tanh",), 60, ()),
    "silu": (lambda x: x * logistic(x), (), 3.5, ()),
    "hardsigmoid": (lambda x: np.clip(x + 3, 0, 6) / 6, (), 2, (-3, 3)),
    "hardswish": (lambda x: x * np.clip(x + 3, 0, 6) / 6, (), 3, (-3, 3)),
    "mish": (lambda x: x * np.tanh(np.log1p(np.exp(x))), (), 5, ()),
    "softsign": (lambda x: x / (1 + np.abs(x)), (), 2, ()),
    "logsigmoid": (lambda x: -np.log1p(np.exp(-x)), (), 16, ()),
    "softplus": (softplus, (2.2, 3.3), 16, (1.5,)),
}
every_activation = pytest.mark.parametrize("case", TEXTBOOK)


def function(case):
    return getattr(ops, case.split()[0])


def gradient(case):
    backward = getattr(ops, case.split()[0] + "_backward")
    if case == "threshold":  # whose gradient does not read the other value
        return lambda dy, x, threshold, value, **options: backward(dy, x, threshold, **options)
    return backward


def ulps(got, want):
    """Distance in units of the last place of the rounded truth; 0 where both are the same NaN or infinity."""
    rounded = want.astype(got.dtype)
    with np.errstate(invalid="ignore"):
        distance = np.abs(got.astype(np.longdouble) - want) / np.spacing(np.abs(rounded))
    return np.where((got == rounded) | (np.isnan(got) & np.isnan(rounded)), 0, distance)


def all_exponents(dtype, top):
    """Numbers of both signs from the smallest subnormal to 2^top, several for each exponent."""
    rng = np.random.default_rng(1)
    info = np.finfo(dtype)
    exponents = np.arange(info.minexp - info.nmant, top)
    x = np.ldexp(rng.uniform(1, 2, (40, len(exponents))), exponents).astype(dtype).ravel()
    return np.concatenate([x, -x, np.array([0.0, -0.0, np.nan, np.inf, -np.inf], dtype)])


def bits(a):
    return np.ascontiguousarray(a).view(f"u{a.itemsize}")


LIMITS = {  # case: values at -inf, +inf and their slopes
    "sigmoid": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, np.inf, 0, 1),
    "leaky_relu": (-np.inf, np.inf, 0.3, 1),
    "threshold": (-0.4, np.inf, 0, 1),
    "hardtanh": (-1.25, 2.5, 0, 0),
    "relu6": (0, 6, 0, 0),
    "elu": (-1.3, np.inf, 0, 1),
    "selu": (-float(SELU[0] * SELU[1]), np.inf, 0, float(SELU[0])),
    "celu": (-0.6, np.inf, 0, 1),
    "gelu": (0, np.inf, 0, 1),
    "gelu tanh": (0, np.inf, 0, 1),
    "silu": (0, np.inf, 0, 1),
    "hardsigmoid": (0, 1, 0, 0),
    "hardswish": (0, np.inf, 0, 1),
    "mish": (0, np.inf, 0, 1),
    "softsign": (-1, 1, 0, 0),
    "logsigmoid": (-np.inf, 0, 1, 0),
    "softplus": (0, np.inf, 0, 1),
}


def dtype_of(x, value):
    return x.dtype.type(value)


OUTS = (
    inputs.negative,
    inputs.negative_rows,
    inputs.fortran,
    inputs.every_second,
    inputs.inside,
    inputs.channels_last,
    inputs.channel_slice,
    inputs.misaligned,
)


def given_out(odd, shape, dtype):
    """An array of NaN in this kind of memory."""
    return odd(np.full(shape, np.nan, dtype))
