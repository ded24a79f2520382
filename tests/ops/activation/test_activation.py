"""Activations, softmax and log-softmax: plain NumPy in long double, central differences, and every kind of memory."""

import inputs
import numpy as np
import pytest

import fastconv
from fastconv.ops import activation as ops
from fastconv.ops import elementwise

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


# name: (the textbook, further arguments, allowed ulp on |x| < 6, where its slope jumps)
TEXTBOOK = {
    "sigmoid": (logistic, (), 2.5, ()),
    "tanh": (np.tanh, (), 3, ()),
    "relu": (lambda x: np.maximum(x, 0), (), 0, (0,)),
    "leaky_relu": (lambda x, s: np.where(x > 0, x, x * s), (0.3,), 2, (0,)),
    "relu6": (lambda x: np.clip(x, 0, 6), (), 0, (0, 6)),
    "elu": (lambda x, a: np.where(x > 0, x, a * np.expm1(x)), (1.3,), 3, (0,)),
    "gelu": (lambda x: x * gauss(x), (), 12, ()),
    "gelu tanh": (lambda x, _: gelu_tanh(x), ("tanh",), 60, ()),
    "silu": (lambda x: x * logistic(x), (), 3.5, ()),
    "hardsigmoid": (lambda x: np.clip(x + 3, 0, 6) / 6, (), 2, (-3, 3)),
    "hardswish": (lambda x: x * np.clip(x + 3, 0, 6) / 6, (), 3, (-3, 3)),
    "softplus": (softplus, (2.2, 3.3), 16, (1.5,)),
}
every_activation = pytest.mark.parametrize("case", TEXTBOOK)


def function(case):
    return getattr(ops, case.split()[0])


def gradient(case):
    return getattr(ops, case.split()[0] + "_backward")


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


# ---------------------------------------------------------------- values


@every_dtype
@every_activation
def test_values(case, dtype):
    f, arguments, allowed, _ = TEXTBOOK[case]
    x = np.random.default_rng(2).uniform(-6, 6, 5001).astype(dtype)
    want = f(x.astype(np.longdouble), *(np.longdouble(a) if not isinstance(a, str) else a for a in arguments))
    assert ulps(function(case)(x, *arguments), want).max() <= allowed


@every_dtype
@pytest.mark.parametrize(
    ("name", "f", "allowed"),
    [("exp", np.exp, 2.5), ("sigmoid", logistic, 2.5), ("tanh", np.tanh, 3), ("elu", np.expm1, 2.5)],
)
def test_every_exponent(name, f, allowed, dtype):
    """exp and what is built on it, from subnormals to overflow: the ulp bound holds for the smallest results too."""
    x = all_exponents(dtype, 8 if dtype == "float32" else 11)
    if name == "elu":
        x = x[~(x > 0)]
    y = np.full_like(x, np.nan)
    elementwise.call(name, x, y, numbers=(1.0,) if name == "elu" else ())()
    with np.errstate(over="ignore", under="ignore"):
        assert ulps(y, f(x.astype(np.longdouble))).max() <= allowed


@every_dtype
def test_exp_around_its_thresholds(dtype):
    info = np.finfo(dtype)
    limits = np.array([info.max, info.tiny, np.longdouble(info.smallest_subnormal) / 2], np.longdouble)
    limits = np.log(limits).astype(dtype)
    steps = np.arange(-50, 51)[:, None]
    x = (limits + steps * np.spacing(limits)).astype(dtype).ravel()
    y = np.full_like(x, np.nan)
    elementwise.call("exp", x, y)()
    with np.errstate(over="ignore", under="ignore"):
        want = np.exp(x.astype(np.longdouble))
        assert ulps(y, want).max() <= 2.5
        np.testing.assert_array_equal(np.isinf(y), np.isinf(want.astype(dtype)))


LIMITS = {  # case: values at -inf, +inf and their slopes
    "sigmoid": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, np.inf, 0, 1),
    "leaky_relu": (-np.inf, np.inf, 0.3, 1),
    "relu6": (0, 6, 0, 0),
    "elu": (-1.3, np.inf, 0, 1),
    "gelu": (0, np.inf, 0, 1),
    "gelu tanh": (0, np.inf, 0, 1),
    "silu": (0, np.inf, 0, 1),
    "hardsigmoid": (0, 1, 0, 0),
    "hardswish": (0, np.inf, 0, 1),
    "softplus": (0, np.inf, 0, 1),
}


@every_dtype
@every_activation
def test_infinities_and_nan(case, dtype):
    arguments = TEXTBOOK[case][1]
    low, high, slope_low, slope_high = LIMITS[case]
    for size in (3, 40):  # alone in the padded rest, and inside whole vectors
        x = np.resize(np.array([-np.inf, np.inf, np.nan], dtype), size)
        want = np.resize(np.array([low, high, np.nan], dtype), size)
        np.testing.assert_array_equal(function(case)(x, *arguments), want)
        slope = gradient(case)(np.ones_like(x), x, *arguments)
        np.testing.assert_array_equal(slope[:2], np.array([slope_low, slope_high], dtype))


@every_dtype
@every_activation
def test_huge_and_tiny_values_stay_in_range(case, dtype):
    """Nothing overflows on the way: the same as the limits, for numbers that are merely large."""
    arguments = (1.0,) if case == "softplus" else TEXTBOOK[case][1]
    low, high, _, _ = LIMITS[case]
    top = np.finfo(dtype).max
    x = np.array([-top, top, -1e-30, 1e-30], dtype)
    y = function(case)(x, *arguments)
    assert np.isfinite(y).all()
    assert y[0] == (low if np.isfinite(low) else x[0] * dtype_of(x, 0.3))
    assert y[1] == (high if np.isfinite(high) else x[1])
    assert np.isfinite(gradient(case)(np.ones_like(x), x, *arguments)).all()


def dtype_of(x, value):
    return x.dtype.type(value)


# ---------------------------------------------------------------- gradients


@every_activation
def test_gradient_against_central_differences(case):
    f, arguments, _, jumps = TEXTBOOK[case]
    x = np.random.default_rng(3).uniform(-6, 7, 999)
    for jump in jumps:
        x = x[np.abs(x - jump) > 1e-3]
    dy = np.random.default_rng(4).standard_normal(x.shape)
    h, at = np.longdouble(1e-5), x.astype(np.longdouble)
    want = dy * (f(at + h, *arguments) - f(at - h, *arguments)) / (2 * h)
    np.testing.assert_allclose(gradient(case)(dy, x, *arguments), want.astype(float), rtol=1e-8, atol=1e-9)
    single = gradient(case)(dy.astype("float32"), x.astype("float32"), *arguments)
    np.testing.assert_allclose(single, want.astype(float), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_gradient_from_the_output(name):
    x, dy = np.random.default_rng(5).standard_normal((2, 4, 5))
    backward = getattr(fastconv, name + "_backward")
    np.testing.assert_array_equal(backward(dy, x), backward(dy, y=getattr(fastconv, name)(x)))


@pytest.mark.parametrize(
    ("case", "at", "slope"),
    [("relu", 0.0, 0), ("relu", -0.0, 0), ("leaky_relu", 0.0, 0.3), ("relu6", 0.0, 0), ("relu6", 6.0, 0)],
)
def test_slope_at_a_corner(case, at, slope):
    dx = gradient(case)(np.array([2.0]), np.array([at]), *TEXTBOOK[case][1])
    assert dx[0] == 2 * slope


# ---------------------------------------------------------------- memory


@every_dtype
@every_activation
@pytest.mark.parametrize("odd", inputs.ODD)
def test_any_memory_gives_the_same_bits(odd, case, dtype):
    rng = np.random.default_rng(6)
    arguments = TEXTBOOK[case][1]
    a, b = (inputs.real(rng, (3, 4, 5, 6), dtype) for _ in range(2))
    x, dy = odd(a), odd(b)
    plain = [np.array(v, dtype, order="C") for v in (x, dy)]
    want = bits(function(case)(plain[0], *arguments))
    want_dx = bits(gradient(case)(plain[1], plain[0], *arguments))
    np.testing.assert_array_equal(bits(function(case)(x, *arguments)), want)
    np.testing.assert_array_equal(bits(gradient(case)(dy, x, *arguments)), want_dx)
    np.testing.assert_array_equal(bits(gradient(case)(dy, plain[0], *arguments)), want_dx)
    np.testing.assert_array_equal(plain, (x, dy))


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


@every_dtype
@every_activation
@pytest.mark.parametrize("odd", OUTS)
def test_out_of_any_memory(odd, case, dtype):
    rng = np.random.default_rng(7)
    arguments = TEXTBOOK[case][1]
    x, dy = (inputs.real(rng, (3, 4, 5, 6), dtype) for _ in range(2))
    out = given_out(odd, x.shape, dtype)
    assert function(case)(x, *arguments, out=out) is out
    np.testing.assert_array_equal(out, function(case)(x, *arguments))
    out = given_out(odd, x.shape, dtype)
    assert gradient(case)(dy, x, *arguments, out=out) is out
    np.testing.assert_array_equal(out, gradient(case)(dy, x, *arguments))


def test_out_leaves_its_neighbours_alone():
    wide = np.full((6, 40), 7.0)
    fastconv.sigmoid(np.zeros((4, 37)), out=wide[1:5, 2:39])
    assert (wide[1:5, 2:39] == 0.5).all()
    wide[1:5, 2:39] = 7
    assert (wide == 7).all()


@every_dtype
@every_activation
@pytest.mark.parametrize("odd", OUTS[:-1])
def test_in_place(odd, case, dtype):
    rng = np.random.default_rng(8)
    arguments = TEXTBOOK[case][1]
    a, b = (inputs.real(rng, (3, 4, 5, 6), dtype) for _ in range(2))
    want, want_dx = function(case)(a, *arguments), gradient(case)(b, a, *arguments)
    x = odd(a.copy())
    assert function(case)(x, *arguments, out=x) is x
    np.testing.assert_array_equal(x, want)
    dy = odd(b.copy())
    assert gradient(case)(dy, a, *arguments, out=dy) is dy
    np.testing.assert_array_equal(dy, want_dx)


@every_activation
def test_a_result_keeps_the_memory_order(case):
    arguments = TEXTBOOK[case][1]
    for odd in (inputs.channels_last, inputs.fortran, np.array):
        x = odd(np.random.default_rng(9).standard_normal((2, 3, 4, 5)))
        y = function(case)(x, *arguments)
        assert y.strides == x.strides
        assert not np.shares_memory(x, y)


def test_arrays_of_one_order_become_one_run():
    x, y = (inputs.channels_last(np.zeros((2, 3, 4, 5))) for _ in range(2))
    [[a, b]] = elementwise.views([x, y])
    assert a.shape == b.shape == (1, 1, 1, 120)
    [[a, b]] = elementwise.views([inputs.channel_slice(x), inputs.channel_slice(y)])
    assert a.shape == b.shape == (1, 1, 40, 3)


def test_more_than_four_axes_of_unlike_strides():
    x = np.random.default_rng(10).standard_normal((2, 3, 4, 3, 4, 3, 2))[:, ::2, ::2, ::2, ::2, ::2, ::-1]
    y = np.full(x.shape, np.nan)
    assert len(elementwise.views([x, y])) > 1
    fastconv.tanh(x, out=y)
    np.testing.assert_array_equal(y, fastconv.tanh(np.array(x)))
    np.testing.assert_array_equal(fastconv.softmax(x, 3, out=y), fastconv.softmax(np.array(x), 3))


@every_dtype
@every_activation
def test_bits_do_not_depend_on_position(case, dtype):
    """Every value of a long array is the value it has alone: vectors, their rest and blocks are the same."""
    arguments = TEXTBOOK[case][1]
    x = inputs.real(np.random.default_rng(11), 4096 + 37, dtype)
    y, dx = function(case)(x, *arguments), gradient(case)(x, x, *arguments)
    for at in (slice(0, 1), slice(5, 22), slice(4090, 4133), slice(4132, 4133), slice(1, 4100)):
        np.testing.assert_array_equal(bits(y[at]), bits(function(case)(x[at], *arguments)))
        np.testing.assert_array_equal(bits(dx[at]), bits(gradient(case)(x[at], x[at], *arguments)))


@every_dtype
@pytest.mark.parametrize("name", [*TEXTBOOK, "softmax", "log_softmax"])
def test_bits_do_not_depend_on_threads_or_batch(name, dtype, all_threads):
    arguments = TEXTBOOK[name][1] if name in TEXTBOOK else (1,)
    x = inputs.real(np.random.default_rng(12), (64, 7, 9, 11), dtype)
    for memory in (np.array, inputs.channels_last, inputs.channel_slice):
        alone = None
        for n in (1, 2, 4):
            all_threads(n)
            for N in (1, 2, 7, 64):
                given = memory(x[:N])
                y = bits(np.array(function(name)(given, *arguments)[:1]))
                dx = bits(np.array(gradient(name)(given, given, *arguments)[:1]))
                alone = (y, dx) if alone is None else alone
                np.testing.assert_array_equal(y, alone[0])
                np.testing.assert_array_equal(dx, alone[1])


# ---------------------------------------------------------------- prelu


def one_for_each_channel(weight, x):
    """The weight along the second axis of x."""
    return weight if weight.size == 1 else weight.reshape(-1, *(1,) * (x.ndim - 2))


PRELU = pytest.mark.parametrize(
    ("shape", "weights"),
    [((), 1), ((7,), 1), ((3, 5), 5), ((3, 5), 1), ((2, 17, 3, 5), 17), ((2, 17, 3, 5), 1), ((70, 3, 9, 11), 3)]
    + [((2, 5000), 1), ((2, 3, 2, 2, 2, 3), 3), ((0, 4, 2), 4), ((0, 4), 1)],
)


@every_dtype
@PRELU
def test_prelu(shape, weights, dtype):
    rng = np.random.default_rng(18)
    x, dy = (inputs.whole(rng, shape, dtype) for _ in range(2))
    weight = inputs.whole(rng, weights, dtype)
    w = one_for_each_channel(weight, x)
    np.testing.assert_array_equal(fastconv.prelu(x, weight), np.where(x > 0, x, x * w).reshape(shape))
    dx, dweight = fastconv.prelu_backward(dy, x, weight)
    np.testing.assert_array_equal(dx, np.where(x > 0, dy, dy * w).reshape(shape))
    below = np.where(x > 0, 0, dy * x)
    want = below.sum() if weights == 1 else np.moveaxis(below, 1, 0).reshape(weights, -1).sum(1)
    np.testing.assert_array_equal(dweight, np.broadcast_to(want, weights))
    assert dweight.dtype == dtype


def test_prelu_gradient_against_central_differences():
    rng = np.random.default_rng(19)
    x, dy = rng.standard_normal((2, 3, 4, 5))
    weight, h = rng.standard_normal(4), 1e-5
    dx, dweight = fastconv.prelu_backward(dy, x, weight)
    for c in range(4):
        step = h * (np.arange(4) == c)
        slope = (dy * (fastconv.prelu(x, weight + step) - fastconv.prelu(x, weight - step))).sum() / (2 * h)
        np.testing.assert_allclose(dweight[c], slope, rtol=1e-8)
    slope = dy * (fastconv.prelu(x + h, weight) - fastconv.prelu(x - h, weight)) / (2 * h)
    np.testing.assert_allclose(dx, slope, rtol=1e-8)


@every_dtype
@pytest.mark.parametrize("odd", inputs.ODD)
@pytest.mark.parametrize("weights", [1, 4])
def test_prelu_in_any_memory(weights, odd, dtype):
    rng = np.random.default_rng(20)
    x, dy = (odd(inputs.whole(rng, (3, 4, 5, 6), dtype)) for _ in range(2))
    weight = odd(inputs.whole(rng, weights, dtype))
    plain = [np.array(a, dtype, order="C") for a in (dy, x, weight)]
    want, want_dx, want_dw = fastconv.prelu(*plain[1:]), *fastconv.prelu_backward(*plain)
    np.testing.assert_array_equal(fastconv.prelu(x, weight), want)
    dx, dw = fastconv.prelu_backward(dy, x, weight)
    np.testing.assert_array_equal(dx, want_dx)
    np.testing.assert_array_equal(dw, want_dw)
    for memory in OUTS:
        out = given_out(memory, x.shape, dtype)
        assert fastconv.prelu(x, weight, out=out) is out
        np.testing.assert_array_equal(out, want)
        assert fastconv.prelu_backward(dy, x, weight, out=out)[0] is out
        np.testing.assert_array_equal(out, want_dx)


def test_prelu_of_many_unlike_axes():
    wide = np.random.default_rng(21).standard_normal((2, 2, 3, 4, 3, 4, 3, 2))
    dy, x = (a[:, ::2, ::2, ::2, ::2, ::2] for a in wide)
    weight = np.arange(2.0)
    got = fastconv.prelu_backward(dy, x, weight)
    want = fastconv.prelu_backward(np.array(dy, order="C"), np.array(x, order="C"), weight)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_allclose(got[1], want[1])


@every_dtype
@pytest.mark.parametrize("weights", [1, 18])
def test_prelu_bits_do_not_depend_on_threads(weights, dtype, all_threads):
    rng = np.random.default_rng(22)
    x, dy = (inputs.channel_slice(inputs.real(rng, (70, 18, 5, 7), dtype)) for _ in range(2))
    weight = inputs.real(rng, weights, dtype)
    results = []
    for n in (1, 2, 4):
        all_threads(n)
        results.append([bits(a) for a in (fastconv.prelu(x, weight), *fastconv.prelu_backward(dy, x, weight))])
    for result in results[1:]:
        for a, b in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(a, b)


def test_prelu_nan_and_wrong_weights():
    x = np.array([[np.nan, -1.0], [-np.inf, np.inf]])
    np.testing.assert_array_equal(fastconv.prelu(x, np.array([0.5])), [[np.nan, -0.5], [-np.inf, np.inf]])
    for wrong in (np.ones(3), np.ones(0)):
        with pytest.raises(ValueError, match=r"weight must have one element, or one for .*\(2, 2\), got shape"):
            fastconv.prelu(x, wrong)
        with pytest.raises(ValueError, match="weight must have one element"):
            fastconv.prelu_backward(x, x, wrong)
    with pytest.raises(ValueError, match="weight must have one element"):
        fastconv.prelu(x[0], np.ones(2))
    with pytest.raises(ValueError, match="weight must have 0 or 1 dimensions"):
        fastconv.prelu(x, np.ones((1, 2)))
    with pytest.raises(TypeError, match="x and weight must have the same dtype"):
        fastconv.prelu(x, np.ones(2, "float32"))
    with pytest.raises(ValueError, match=r"x must have shape \(2, 2\)"):
        fastconv.prelu_backward(x, x[:1], np.ones(2))


# ---------------------------------------------------------------- softmax


def softmax_textbook(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@every_dtype
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (2, 17, 3, 33), (1, 1, 70, 1)])
def test_softmax_values(shape, axis, dtype):
    x = 5 * inputs.real(np.random.default_rng(13), shape, dtype)
    want = softmax_textbook(x.astype(np.longdouble), axis)
    eps = np.finfo(dtype).eps
    y = fastconv.softmax(x, axis)
    assert (np.abs(y - want) <= (4 + np.abs(np.log(want))) * eps * want).all()  # x - m is rounded
    log = fastconv.log_softmax(x, axis)
    assert (np.abs(log - np.log(want)) <= 4 * eps * (1 + np.abs(np.log(want)))).all()


@every_dtype
def test_softmax_of_many_classes(dtype):
    x = inputs.real(np.random.default_rng(14), (2, 100_003), dtype)
    want = softmax_textbook(x.astype(np.longdouble), 1)
    y = fastconv.softmax(x)
    assert (np.abs(y - want) <= 16 * np.finfo(dtype).eps * want).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_gradient_against_central_differences(name, axis):
    rng = np.random.default_rng(15)
    x, dy = rng.standard_normal((2, 3, 5, 4))
    h = np.longdouble(1e-5)
    want = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        values = []
        for step in (h, -h):
            moved = x.astype(np.longdouble)
            moved[at] += step
            y = softmax_textbook(moved, axis)
            values.append((dy * (np.log(y) if name == "log_softmax" else y)).sum())
        want[at] = (values[0] - values[1]) / (2 * h)
    backward = getattr(fastconv, name + "_backward")
    np.testing.assert_allclose(backward(dy, x, axis), want, atol=1e-9)
    np.testing.assert_array_equal(backward(dy, axis=axis, y=getattr(fastconv, name)(x, axis)), backward(dy, x, axis))


@every_dtype
@pytest.mark.parametrize("axis", [0, 1, 2, 3])
@pytest.mark.parametrize("odd", inputs.ODD)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_any_memory(name, odd, axis, dtype):
    rng = np.random.default_rng(16)
    x, dy = odd(inputs.real(rng, (3, 4, 5, 18), dtype)), odd(inputs.real(rng, (3, 4, 5, 18), dtype))
    plain, plain_dy = np.array(x, dtype, order="C"), np.array(dy, dtype, order="C")
    want, want_dx = function(name)(plain, axis), gradient(name)(plain_dy, plain, axis)
    np.testing.assert_array_equal(bits(function(name)(x, axis)), bits(want))
    np.testing.assert_array_equal(bits(gradient(name)(dy, x, axis)), bits(want_dx))
    np.testing.assert_array_equal(x, plain)
    for memory in OUTS:
        out = given_out(memory, x.shape, dtype)
        assert function(name)(x, axis, out=out) is out
        np.testing.assert_array_equal(out, want)
    own = inputs.channels_last(plain)
    np.testing.assert_array_equal(function(name)(own, axis, out=own), want)
    own = inputs.channels_last(plain_dy)
    np.testing.assert_array_equal(gradient(name)(own, plain, axis, out=own), want_dx)


@every_dtype
def test_softmax_of_infinities(dtype):
    inf, nan = np.inf, np.nan
    for extra in (0, 1, 40):  # -inf elsewhere changes nothing
        x = np.full((5, 3 + extra), -inf, dtype)
        x[:, :3] = [[-inf, -inf, -inf], [0, inf, 0], [0, nan, 0], [0, -inf, 0], [-inf, 3, -inf]]
        want = [[nan] * 3, [0, 1, 0], [nan] * 3, [0.5, 0, 0.5], [0, 1, 0]]
        np.testing.assert_array_equal(fastconv.softmax(x)[:, :3], want)
        want[1] = [-inf, 0, -inf]
        want[3:] = [[-np.log(dtype_of(x, 2)), -inf, -np.log(dtype_of(x, 2))], [-inf, 0, -inf]]
        np.testing.assert_allclose(fastconv.log_softmax(x)[:, :3], want, rtol=1e-6)


@every_dtype
def test_softmax_of_large_logits(dtype):
    x = np.array([[1e30, 1e30, -1e30], [-1e30, -1e30, -1e30]], dtype)
    np.testing.assert_allclose(fastconv.softmax(x), [[0.5, 0.5, 0], [1 / 3] * 3], rtol=1e-6)


# ---------------------------------------------------------------- empty, single and wrong


@every_dtype
@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3, 4, 5), (2, 0, 3), (1, 1, 1, 1), (2, 3, 1, 2, 1, 5)])
@every_activation
def test_any_rank(case, shape, dtype):
    arguments = TEXTBOOK[case][1]
    x = inputs.real(np.random.default_rng(17), shape, dtype)
    y, dx = function(case)(x, *arguments), gradient(case)(x, x, *arguments)
    assert y.shape == dx.shape == shape
    assert y.dtype == dx.dtype == dtype
    if y.size:
        np.testing.assert_array_equal(y.ravel(), function(case)(np.array(x.ravel()), *arguments))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 4)])
def test_softmax_of_nothing(shape):
    for axis in range(len(shape)):
        assert fastconv.softmax(np.zeros(shape), axis).shape == shape
        assert fastconv.log_softmax_backward(np.zeros(shape), np.zeros(shape), axis).shape == shape


@every_activation
def test_wrong_arrays(case):
    f, df, arguments = function(case), gradient(case), TEXTBOOK[case][1]
    x = np.zeros((2, 3))
    for wrong in (np.zeros(3, int), np.zeros(3, complex), np.zeros(3, "float16"), [None], ["a"]):
        with pytest.raises(TypeError, match=r"x must be float32 or float64, got .*astype"):
            f(wrong, *arguments)
    with pytest.raises(TypeError, match=r"same dtype, got float64 and float32"):
        df(x, x.astype("float32"), *arguments)
    with pytest.raises(ValueError, match=r"must have shape \(2, 3\) .*got \(3, 2\)"):
        df(x, x.T, *arguments)
    with pytest.raises(ValueError, match=r"out must have shape \(2, 3\)"):
        f(x, *arguments, out=np.zeros((3, 2)))
    with pytest.raises(TypeError, match=r"out must have dtype float64, got float32"):
        f(x, *arguments, out=np.zeros((2, 3), "float32"))
    with pytest.raises(ValueError, match="out must be writable"):
        f(x, *arguments, out=inputs.readonly(x))
    with pytest.raises(ValueError, match="out must not share memory with x"):
        f(x[:, :2], *arguments, out=x[:, 1:])
    with pytest.raises(ValueError, match="out must not overlap itself"):
        f(x, *arguments, out=np.lib.stride_tricks.as_strided(np.zeros(9), (2, 3), (8, 8)))


def test_wrong_numbers():
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"beta must be > 0, got -1\.0"):
        fastconv.softplus(x, -1)
    with pytest.raises(ValueError, match="beta must be > 0, got nan"):
        fastconv.softplus_backward(x, x, np.nan)
    with pytest.raises(ValueError, match="approximate must be one of 'none', 'tanh', got 'erf'"):
        fastconv.gelu(x, "erf")
    with pytest.raises(ValueError, match="approximate must be one of"):
        fastconv.gelu_backward(x, x, None)
    with pytest.raises(TypeError, match="negative_slope must be a number, got 'a'"):
        fastconv.leaky_relu(x, "a")
    with pytest.raises(TypeError, match="alpha must be a number"):
        fastconv.elu(x, None)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_wrong_axis(name):
    x = np.zeros((2, 3))
    for axis in (2, -3, 2**70):
        with pytest.raises(ValueError, match=rf"axis must be an axis of x, .*shape \(2, 3\), got {axis}"):
            function(name)(x, axis)
        with pytest.raises(ValueError, match="axis must be an axis of dy"):
            gradient(name)(x, axis=axis, y=x)
    with pytest.raises(ValueError, match="axis"):
        function(name)(np.array(1.0), 0)
    for axis in (1.0, None, "1", True):
        with pytest.raises(TypeError, match="axis must be an integer"):
            function(name)(x, axis)
