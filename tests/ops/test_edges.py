"""Values at the edge, on every build: NaN, infinities, kinks, signed zeros, the largest and the smallest numbers."""

import math

import inputs
import numpy as np
import pytest

import fastconv
from fastconv import Network, layers

inf, nan = np.inf, np.nan
every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
pytestmark = pytest.mark.usefixtures("each_build")
SIZES = (1, 3, 16, 17, 33)  # alone in the padded rest, in whole vectors, in both


def resized(values, size, dtype):
    """At least `size` numbers, in whole repetitions of rows of `size`."""
    return np.resize(np.array(values, dtype), (-(-len(values) // size), size))


# ---------------------------------------------------------------- activations


def logistic(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x)


def below(x):
    """P(X < x) of the standard normal X"""
    return math.erfc(-x / math.sqrt(2)) / 2


def density(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi) if abs(x) < 1e100 else 0.0


def tanh_form(x):
    """u of gelu's tanh form, and du/dx"""
    x, a = max(min(x, 1e3), -1e3), 2 * math.sqrt(2 / math.pi)
    return a * (x + 0.044715 * x**3), a * (1 + 0.134145 * x * x)


def times(x, factor):
    """x factor; 0 where the factor is 0, whatever x is."""
    return x * factor if factor else 0.0


def gelu_tanh_slope(x):
    u, slope = tanh_form(x)
    return logistic(u) + times(max(min(x, 1e3), -1e3), logistic(u) * logistic(-u)) * slope


def softsign(x):
    return x / (1 + abs(x)) if abs(x) < inf else math.copysign(1, x)


def mish(x):
    return times(x, math.tanh(math.log1p(math.exp(x)))) if x < 30 else x


def mish_slope(x):
    if x >= 30:
        return 1.0
    t = math.tanh(math.log1p(math.exp(x)))
    return t + times(x, (1 - t * t) * logistic(x))


SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772  # of selu

# case: (arguments, f, f', kinks); f and f' of a Python float that is no NaN
ACTIVATIONS = {
    "sigmoid": ((), logistic, lambda x: logistic(x) * logistic(-x), ()),
    "tanh": ((), math.tanh, lambda x: 1 - math.tanh(x) ** 2, ()),
    "relu": ((), lambda x: max(x, 0.0), lambda x: float(x > 0), (0,)),
    "relu6": ((), lambda x: min(max(x, 0.0), 6.0), lambda x: float(0 < x < 6), (0, 6)),
    "leaky_relu": ((0.25,), lambda x: x if x > 0 else x / 4, lambda x: 1.0 if x > 0 else 0.25, (0,)),
    "leaky_relu 0": ((0.0,), lambda x: max(x, 0.0), lambda x: float(x > 0), (0,)),
    "leaky_relu 1": ((1.0,), lambda x: x, lambda x: 1.0, (0,)),
    "leaky_relu -2": ((-2.0,), lambda x: x if x > 0 else -2 * x, lambda x: 1.0 if x > 0 else -2.0, (0,)),
    "elu": ((1.5,), lambda x: x if x > 0 else 1.5 * math.expm1(x), lambda x: 1 if x > 0 else 1.5 * math.exp(x), (0,)),
    "elu 0": ((0.0,), lambda x: max(x, 0.0), lambda x: float(x > 0), (0,)),
    "elu -0.5": (
        (-0.5,),
        lambda x: x if x > 0 else -math.expm1(x) / 2,
        lambda x: 1 if x > 0 else -math.exp(x) / 2,
        (0,),
    ),
    "selu": (
        (),
        lambda x: SCALE * (x if x > 0 else ALPHA * math.expm1(x)),
        lambda x: SCALE * (1 if x > 0 else ALPHA * math.exp(x)),
        (0,),
    ),
    "celu": ((2.0,), lambda x: x if x > 0 else 2 * math.expm1(x / 2), lambda x: 1 if x > 0 else math.exp(x / 2), (0,)),
    "gelu": ((), lambda x: times(x, below(x)), lambda x: below(x) + times(x, density(x)), (-40, 40)),
    "gelu tanh": (("tanh",), lambda x: times(x, logistic(tanh_form(x)[0])), gelu_tanh_slope, (-100, 100)),
    "silu": (
        (),
        lambda x: times(x, logistic(x)),
        lambda x: logistic(x) + times(x, logistic(x) * logistic(-x)),
        (-1000, 1000),
    ),
    "mish": ((), mish, mish_slope, (20, 40, -1000, 1000)),
    "softsign": ((), softsign, lambda x: (1 + abs(x)) ** -2, ()),
    "logsigmoid": ((), lambda x: min(x, 0.0) - math.log1p(math.exp(-abs(x))), lambda x: logistic(-x), ()),
    "hardtanh": ((-0.5, 2.0), lambda x: min(max(x, -0.5), 2.0), lambda x: float(-0.5 < x < 2), (-0.5, 2)),
    "hardtanh below": ((-inf, 2.0), lambda x: min(x, 2.0), lambda x: float(-inf < x < 2), (2,)),
    "hardtanh of all": ((-inf, inf), lambda x: x, lambda x: float(-inf < x < inf), ()),
    "threshold": ((0.5, -7.0), lambda x: x if x > 0.5 else -7.0, lambda x: float(x > 0.5), (0.5,)),
    "hardsigmoid": ((), lambda x: min(max(x + 3, 0), 6) / 6, lambda x: (-3 < x < 3) / 6, (-3, 3)),
    "hardswish": (
        (),
        lambda x: times(x, min(max(x + 3, 0), 6) / 6),
        lambda x: 0.0 if x <= -3 else 1.0 if x >= 3 else x / 3 + 0.5,
        (-3, 3),
    ),
    "softplus": (
        (1.0, 20.0),
        lambda x: x if x > 20 else math.log1p(math.exp(x)),
        lambda x: 1.0 if x > 20 else logistic(x),
        (20,),
    ),
}
PASSES_NAN = ("relu", "relu6")  # the slope of NaN is 1
every_activation = pytest.mark.parametrize("case", ACTIVATIONS)


def both(case):
    """The function and its gradient, with the arguments of this case."""
    name, arguments = case.split()[0], ACTIVATIONS[case][0]
    forward, backward = getattr(fastconv, name), getattr(fastconv, name + "_backward")
    slope_of = arguments[:1] if name == "threshold" else arguments  # its other value has no slope
    return lambda x: forward(x, *arguments), lambda dy, x: backward(dy, x, *slope_of)


def edges(kinks, dtype):
    info, one = np.finfo(dtype), np.dtype(dtype).type
    values = [0.0, 1, inf, info.max, info.tiny, info.smallest_subnormal, 100, 1e4, 88.7, 89, 103, 104]
    if dtype == "float64":
        values += [708, 709.7, 710, 744, 745, 746]
    values += [-v for v in values]
    for kink in kinks:
        values += [kink, np.nextafter(one(kink), one(inf)), np.nextafter(one(kink), one(-inf))]
    return np.array(values, dtype)


@every_dtype
@every_activation
def test_activations_and_slopes_at_the_edge(case, dtype):
    _, f, slope, kinks = ACTIVATIONS[case]
    forward, backward = both(case)
    x = edges(kinks, dtype)
    want, slopes = (np.array([g(float(v)) for v in x]) for g in (f, slope))
    with np.errstate(over="ignore"):
        want = want.astype(dtype)
    info = np.finfo(dtype)
    tiny = 256 * float(info.smallest_subnormal)
    for size in SIZES:
        rows = resized(x, size, dtype)
        y = np.concatenate([forward(row) for row in rows])[: len(x)]
        np.testing.assert_allclose(y, want, rtol=64 * info.eps, atol=tiny)
        for dy in (1.0, 0.0, -0.0, -2.0):
            dx = np.concatenate([backward(np.full_like(row, dy), row) for row in rows])[: len(x)]
            np.testing.assert_allclose(dx, dy * slopes, rtol=64 * info.eps, atol=abs(dy) * 16 * info.eps + tiny)
        for dy in (inf, nan):
            dx = np.concatenate([backward(np.full_like(row, dy), row) for row in rows])[: len(x)]
            np.testing.assert_array_equal(dx[slopes >= 0.25], dy)


@every_dtype
@every_activation
def test_activations_of_nan(case, dtype):
    """NaN gives NaN; its slope is NaN too, or 1 where that of a number is 0 or 1, or that below the kink."""
    arguments = ACTIVATIONS[case][0]
    forward, backward = both(case)
    for size in SIZES:
        x, dy = np.full(size, nan, dtype), np.full(size, 3, dtype)
        assert np.isnan(forward(x)).all()
        want = {"relu": 3, "relu6": 3, "leaky_relu": 3 * arguments[0] if arguments else 3, "hardsigmoid": 0.5}
        want |= {"hardtanh": 3, "threshold": 3}
        want = want.get(case.split()[0], nan)
        np.testing.assert_array_equal(backward(dy, x), np.full(size, want, dtype))


@every_dtype
@every_activation
def test_zero_keeps_its_sign_where_the_function_passes_through_it(case, dtype):
    arguments, f, _, _ = ACTIVATIONS[case]
    if f(0.0) != 0 or arguments[:1] == (-2.0,):
        return
    y = getattr(fastconv, case.split()[0])(np.array([0.0, -0.0], dtype), *arguments)
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_array_equal(np.signbit(y), [False, True])


@every_dtype
@pytest.mark.parametrize("weight", [0.25, 0.0, -2.0, 1.0])
def test_prelu_is_leaky_relu(weight, dtype):
    x = np.append(edges((0,), dtype), np.array(nan, dtype))
    w, dy = np.full(1, weight, dtype), np.full_like(x, 3)
    np.testing.assert_array_equal(fastconv.prelu(x, w), fastconv.leaky_relu(x, weight))
    np.testing.assert_array_equal(fastconv.prelu_backward(dy, x, w)[0], fastconv.leaky_relu_backward(dy, x, weight))
    x = x[np.isfinite(x)]
    finite = x[np.abs(x) < 1e30]
    want = 3 * finite[finite < 0].astype(float).sum()
    np.testing.assert_allclose(fastconv.prelu_backward(3 * np.ones_like(finite), finite, w)[1], [want], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:the prediction of image")
@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_every_form_of_an_activation_agrees(activation):
    """The function, the layer, the epilogue of conv2d and of add; in training, in prediction and frozen."""
    x = np.append(edges((0, 6), "float32"), np.float32(nan))
    x = x[~np.isinf(x)]  # 0 inf is no number in a convolution
    f, df = getattr(fastconv, activation), getattr(fastconv, activation + "_backward")
    want = f(x)
    images = np.broadcast_to(x[:, None, None, None], (len(x), 1, 1, 3))
    one = np.ones((1, 1, 1, 1), "float32")
    np.testing.assert_array_equal(fastconv.conv2d(images, one, activation=activation)[:, 0, 0, 1], want)
    np.testing.assert_array_equal(fastconv.add(x, np.zeros_like(x), activation=activation), want)
    layer = {"relu": layers.ReLU, "relu6": layers.ReLU6}[activation]
    network = Network(lambda x: layer()(layers.Conv2D(1, 1, bias=False, name="conv")(x)), (1, 1, 3))
    network.parameters["conv.weight"][...] = 1
    for model in (network, network.freeze()):
        np.testing.assert_array_equal(model.predict(images)[:, 0, 0, 1], want)
    alone = Network(layer(), (1, 1, 3))
    np.testing.assert_array_equal(alone.predict(images)[:, 0, 0, 1], want)
    dx = df(np.ones_like(x), x)
    np.testing.assert_array_equal(df(np.ones_like(x), **{"y" if activation == "relu" else "x": want}), dx)


# ---------------------------------------------------------------- softmax


@every_dtype
@pytest.mark.parametrize("K", [2, 3, 9, 17, 70])
def test_softmax_as_one_logit_grows_to_infinity(K, dtype):
    """y = 1 there and 0 elsewhere; several infinities, or -inf alone, have no limit."""
    x, dy = np.random.default_rng(1).standard_normal((2, K)).astype(dtype)
    for other in (0.5, -inf, np.finfo(dtype).max):
        x[0], x[-1] = other, inf
        one = np.arange(K) == K - 1
        np.testing.assert_array_equal(fastconv.softmax(x), one)
        np.testing.assert_array_equal(fastconv.log_softmax(x), np.where(one, 0, -inf))
        np.testing.assert_array_equal(fastconv.softmax_backward(dy, x), np.zeros(K))
        np.testing.assert_allclose(fastconv.log_softmax_backward(dy, x), dy - one * dy.sum(), atol=1e-4)
        np.testing.assert_array_equal(fastconv.softmax(x, out=x.copy()), one)
    for value in (inf, nan):
        x[0] = value
        for f in (fastconv.softmax, fastconv.log_softmax):
            assert np.isnan(f(x)).all()
    for f in (fastconv.softmax, fastconv.log_softmax):
        assert np.isnan(f(np.full(K, -inf, dtype))).all()
    np.testing.assert_allclose(fastconv.softmax(np.full(K, 1e38, dtype)), np.full(K, 1 / K), rtol=1e-6)


# ---------------------------------------------------------------- losses over classes


def shares(K, t, weight, smoothing):
    return ((1 - smoothing) * (np.arange(K) == t) + smoothing / K) * weight


@every_dtype
@pytest.mark.parametrize("smoothing", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("K", [2, 3, 9, 17, 70])
def test_cross_entropy_at_infinite_logits(K, smoothing, dtype):
    rng = np.random.default_rng(2)
    for high, low, zero in ((K - 1, None, None), (None, 0, None), (K - 1, 0, None), (None, 0, 0), (0, None, K - 1)):
        x, w = rng.standard_normal((1, K)).astype(dtype), rng.uniform(0.5, 1, K).astype(dtype)
        if zero is not None:
            w[zero] = 0
        if low is not None:
            x[0, low] = -inf
        if high is not None:
            x[0, high] = inf
            log_p = np.where(np.arange(K) == high, 0, -inf)
        else:
            wide = x[0].astype(np.longdouble)
            log_p = wide - np.log(np.exp(wide).sum())
        for t in {0, 1, K - 1}:
            g = shares(K, t, w.astype(float), smoothing)
            want = -sum(g[k] * log_p[k] for k in range(K) if g[k])
            soft = (np.arange(K)[None] == t).astype(dtype)
            for targets in (np.array([t]), soft):
                value, dx = fastconv.cross_entropy(
                    x, targets, w, reduction="sum", label_smoothing=smoothing, return_gradient=True
                )
                np.testing.assert_allclose(value, float(want), rtol=1e-5, atol=1e-6)
                np.testing.assert_allclose(dx[0], (np.exp(log_p) * g.sum() - g).astype(float), atol=2e-6)
            if not smoothing:
                y = fastconv.log_softmax(x)
                np.testing.assert_allclose(
                    fastconv.nll_loss(y, np.array([t]), w, reduction="sum"), float(want), 1e-5, 1e-6
                )


@every_dtype
@pytest.mark.parametrize("K", [3, 33])
def test_a_bad_row_leaves_the_gradients_of_the_others(K, dtype):
    x = np.random.default_rng(3).standard_normal((4, K)).astype(dtype)
    t = np.array([0, 1, 2, 0])
    want = fastconv.cross_entropy_backward(x, t)
    for bad in (nan, inf, -inf):
        x[1] = bad
        dx = fastconv.cross_entropy_backward(x, t)
        np.testing.assert_array_equal(dx[[0, 2, 3]], want[[0, 2, 3]])
        assert np.isnan(dx[1]).all()
        t_ignored = np.where(t == 1, -100, t)
        value, dx = fastconv.cross_entropy(x, t_ignored, return_gradient=True)
        assert np.isfinite(value)
        np.testing.assert_array_equal(dx[1], 0)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_a_mean_over_no_weight_has_no_value_and_gradient_0(name):
    x, w = -np.ones((2, 3), "float32"), np.array([1, 0, 1], "float32")
    for t, weight in (([1, 1], w), ([-100, -100], None), ([], None)):
        rows = x[: len(t)]
        value, dx = getattr(fastconv, name)(rows, np.array(t, int), weight, return_gradient=True)
        assert np.isnan(value)
        np.testing.assert_array_equal(dx, np.zeros_like(rows))
        assert getattr(fastconv, name)(rows, np.array(t, int), weight, reduction="sum") == 0


# ---------------------------------------------------------------- losses of elements


def question(x, t, yes, v):
    """v (yes t log(1 + exp(-x)) + (1 - t) log(1 + exp(x))), its slope; a factor of 0 costs nothing"""
    cost = [max(s * x, 0.0) + math.log1p(math.exp(-abs(x))) for s in (-1, 1)]
    p = logistic(x)
    value = (v * yes * t and v * yes * t * cost[0]) + (v * (1 - t) and v * (1 - t) * cost[1])
    return value, v * ((1 - t) * p - yes * t * (1 - p))


@every_dtype
@pytest.mark.parametrize("weights", [(), ("pos_weight",), ("weight",), ("pos_weight", "weight")], ids="-".join)
def test_yes_or_no_at_infinite_logits(weights, dtype):
    big = float(np.finfo(dtype).max / 8)
    logits, targets = (inf, -inf, big, -big, 0.0, -0.0), (0.0, 1.0, 0.5, 0.125)
    for factor in (1.0, 2.0, 0.0):
        given = {name: np.full(1, factor, dtype) for name in weights}
        yes, v = (factor if name in weights else 1.0 for name in ("pos_weight", "weight"))
        for x in logits:
            want = np.array([question(x, t, yes, v) for t in targets]).T
            for size in SIZES:
                t = resized(targets, size, dtype).ravel()
                value, dx = fastconv.binary_cross_entropy_with_logits(
                    np.full_like(t, x), t, "none", return_gradient=True, **given
                )
                np.testing.assert_allclose(value[:4], want[0][: len(t)], rtol=1e-6)
                np.testing.assert_allclose(dx[:4], want[1][: len(t)], rtol=1e-6, atol=1e-7)


@every_dtype
def test_losses_of_differences_at_the_edge(dtype):
    big, tiny = float(np.finfo(dtype).max), float(np.finfo(dtype).smallest_subnormal)
    d = np.array([0.0, -0.0, 0.5, -0.5, np.nextafter(0.5, 1), 1, big, inf, -inf, tiny, nan], dtype)
    zero = np.zeros_like(d)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_array_equal(fastconv.mse_loss(d, zero, "none"), d * d)
        want = np.where(np.abs(d) <= 0.5, d * d / 2, (np.abs(d) - d.dtype.type(0.25)) / 2)
    np.testing.assert_array_equal(fastconv.l1_loss(d, zero, "none"), np.abs(d))
    np.testing.assert_array_equal(fastconv.l1_loss_backward(d, zero, "sum"), np.sign(d))
    np.testing.assert_array_equal(fastconv.huber_loss(d, zero, "none", 0.5), want)
    np.testing.assert_array_equal(fastconv.huber_loss_backward(d, zero, "sum", 0.5), np.clip(d, -0.5, 0.5))
    # a slope is scaled before it can overflow, and so is a sum
    d = np.full(64, big / 4 * 3, dtype)
    np.testing.assert_array_equal(fastconv.mse_loss_backward(d, np.zeros_like(d)), d / 32)
    assert fastconv.l1_loss(d, np.zeros_like(d)) == (d[0] if dtype == "float32" else inf)


# ---------------------------------------------------------------- what cannot be negative


@every_dtype
@pytest.mark.parametrize("scale", [1e-6, 1.0, 30.0, 1e6])
def test_what_cannot_be_negative_is_not(scale, dtype):
    rng, eps = np.random.default_rng(4), np.finfo(dtype).eps
    for K in (2, 3, 17):
        x = (rng.standard_normal((3000, K)) * scale).astype(dtype)
        x[::2] = x[::2, :1] * (1 + eps * rng.integers(-3, 4, x[::2].shape)).astype(dtype)  # nearly equal
        for targets in (x.argmax(1), rng.integers(0, K, len(x)), fastconv.softmax(x)):
            for smoothing in (0, 0.1):
                assert (fastconv.cross_entropy(x, targets, reduction="none", label_smoothing=smoothing) >= 0).all()
        assert (fastconv.log_softmax(x) <= 0).all()
        assert ((fastconv.softmax(x) >= 0) & (fastconv.softmax(x) <= 1)).all()
    x, t, w = (rng.standard_normal(20000) * scale).astype(dtype), rng.random(20000), rng.uniform(-8, 8, 20000)
    for targets in (t, np.round(t), t * eps, 1 - t * eps):
        for names in ((), ("pos_weight",), ("weight",), ("pos_weight", "weight")):
            given = {name: (10**w).astype(dtype) for name in names}
            value = fastconv.binary_cross_entropy_with_logits(x, targets.astype(dtype), "none", **given)
            assert (value >= 0).all()
    for delta in (1e-8, 0.3, 1e8):
        at = np.nextafter(np.full_like(x, delta), x)
        assert (fastconv.huber_loss(np.concatenate([x, at]), np.zeros(40000, dtype), "none", delta) >= 0).all()
    for y in (fastconv.softplus(x), fastconv.softplus(x, 0.3, 50), fastconv.sigmoid(x), fastconv.elu(x) + 1):
        assert (y >= 0).all()
    assert (np.abs(fastconv.tanh(x)) <= 1).all()
    assert (fastconv.lp_pool2d(x.reshape(1, 100, 200), 2, 2) >= 0).all()


@every_dtype
@pytest.mark.parametrize("mean", [0.0, 1.0, 1e4, 1e30])
@pytest.mark.parametrize("shape", [(7, 3, 5, 7), (9, 17, 1, 1), (33, 17)])
def test_the_variance_of_nearly_equal_values_is_not_negative(shape, mean, dtype):
    rng, eps = np.random.default_rng(5), np.finfo(dtype).eps
    for _ in range(20):
        x = (mean * (1 + eps * rng.integers(-2, 3, shape))).astype(dtype)
        running_mean, running_var = np.zeros((2, shape[1]), dtype)
        y = fastconv.batch_norm(x, running_mean, running_var, training=True, momentum=1.0)
        assert (running_var >= 0).all()
        assert np.isfinite(y).all()
        assert np.isfinite(fastconv.group_norm(x, 1)).all()
        assert np.isfinite(fastconv.layer_norm(x, shape[1:])).all()


# ---------------------------------------------------------------- normalisations


LAYOUTS = {"planar": lambda a: a, "channels_last": inputs.channels_last}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scale", [1e19, 1e20, 1e30, 4e37])
@pytest.mark.parametrize("shape", [(4, 5, 6, 7), (40, 33, 1, 1), (2, 16, 40, 40)])
def test_deviations_whose_squares_overflow(shape, scale, layout):
    """One channel of large values, beside ordinary ones."""
    x = np.random.default_rng(6).standard_normal(shape)
    x[:, 2] *= scale
    x = LAYOUTS[layout](x.astype("float32"))
    wide = x.astype(float)

    def textbook(axes):
        return (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + 1e-5)

    y = fastconv.batch_norm(x, None, None, training=True)
    np.testing.assert_allclose(y, textbook((0, 2, 3)), rtol=2e-6, atol=3e-6)
    np.testing.assert_allclose(fastconv.group_norm(x, 1), textbook((1, 2, 3)), rtol=2e-6, atol=3e-6)
    np.testing.assert_allclose(fastconv.layer_norm(x, shape[1:]), textbook((1, 2, 3)), rtol=2e-6, atol=3e-6)


@every_dtype
@pytest.mark.parametrize("layout", LAYOUTS)
def test_momentum_0_and_1_give_one_of_both(layout, dtype):
    x = LAYOUTS[layout](np.random.default_rng(7).standard_normal((3, 5, 4, 4)).astype(dtype))
    x[0, 1, 0, 0], x[0, 2, 0, 0] = nan, inf
    mean, var = np.full(5, 2, dtype), np.full(5, 3, dtype)
    fastconv.batch_norm(x, mean, var, training=True, momentum=0)
    np.testing.assert_array_equal((mean, var), (np.full(5, 2), np.full(5, 3)))
    mean[...], var[...] = nan, inf
    fastconv.batch_norm(x[1:], mean, var, training=True, momentum=1)
    np.testing.assert_allclose(mean, x[1:].mean((0, 2, 3), dtype=float), atol=1e-6)
    np.testing.assert_allclose(var, x[1:].var((0, 2, 3), dtype=float, ddof=1), rtol=1e-5)


@every_dtype
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_constant_channel_gives_the_bias_however_small_eps_is(layout, dtype):
    x = LAYOUTS[layout](np.full((3, 5, 4, 4), 0.5, dtype))
    bias = np.arange(5, dtype=dtype)
    want = np.broadcast_to(bias[:, None, None], x.shape)
    for eps in (1e-5, 1e-100, 1e-300):
        mean, var = np.zeros(5, dtype), np.ones(5, dtype)
        np.testing.assert_array_equal(fastconv.batch_norm(x, mean, var, None, bias, True, 1.0, eps), want)
        np.testing.assert_array_equal(fastconv.batch_norm(x, mean, var, None, bias, False, eps=eps), want)
        np.testing.assert_array_equal(fastconv.group_norm(x, 5, None, bias, eps), want)
        np.testing.assert_array_equal(fastconv.layer_norm(x, (5, 4, 4), eps=eps), np.zeros_like(x))


# ---------------------------------------------------------------- pooling


@every_dtype
@pytest.mark.parametrize("columns", [2, 3, 16, 35])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_first_of_equal_maxima_takes_the_gradient(layout, columns, dtype):
    for window, first in (
        ([0.0, -0.0], 0),
        ([-0.0, 0.0], 0),
        ([-inf, -inf], 0),
        ([nan, nan], 0),
        ([inf, nan], 1),
        ([nan, inf], 0),
        ([-inf, nan], 1),
    ):
        x = LAYOUTS[layout](np.tile(np.array(window, dtype), (2, 3, 2, columns)))
        y, indices = fastconv.max_pool2d(x, (1, 2), return_indices=True)
        np.testing.assert_array_equal(y, np.full_like(y, window[first]))
        np.testing.assert_array_equal(np.signbit(y[y == 0]), np.signbit(window[first]))
        np.testing.assert_array_equal(indices % 2, first)
        dx = fastconv.max_pool2d_backward(np.ones_like(y), x, (1, 2))
        np.testing.assert_array_equal(dx, np.tile(np.arange(2) == first, (2, 3, 2, columns)))


@every_dtype
@pytest.mark.parametrize("p", [0.5, 1, 2, 3, 100])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_lp_pooling_at_the_edge(layout, p, dtype):
    tiny = float(np.finfo(dtype).smallest_subnormal)
    windows = [[0.0, -0.0], [tiny, 0], [3.0, -4.0], [inf, 1.0], [-inf, 2.0], [nan, 0.0], [nan, inf]]
    x = np.array(windows, dtype).reshape(1, 1, len(windows), 2)
    x = LAYOUTS[layout](np.tile(x, (2, 19, 1, 1)))
    y = fastconv.lp_pool2d(x, p, (1, 2))[..., 0]
    want = [0, tiny, (3.0**p + 4.0**p) ** (1 / p), inf, inf, nan, nan]
    np.testing.assert_allclose(y, np.broadcast_to(np.array(want, dtype), y.shape), rtol=1e-6)
    dx = fastconv.lp_pool2d_backward(np.ones((2, 19, len(windows), 1), dtype), x, p, (1, 2))
    np.testing.assert_array_equal(dx[:, :, 0], 0)
    np.testing.assert_array_equal(dx[:, :, 1], np.broadcast_to([1, 0], dx[:, :, 1].shape))
    if p >= 1:
        slopes = np.sign([3, -4]) * (np.array([3.0, 4]) / want[2]) ** (p - 1)
        np.testing.assert_allclose(dx[:, :, 2], np.broadcast_to(slopes, dx[:, :, 2].shape), rtol=1e-4)
    assert np.isnan(dx[:, :, 5:, 0]).all()  # NaN takes NaN
    if p == 1:
        np.testing.assert_array_equal(dx[:, :, 3:5], np.broadcast_to([[1, 1], [-1, 1]], dx[:, :, 3:5].shape))


def test_means_of_infinities():
    x = np.array([[[inf, 1, -inf, inf, -inf, 0, nan, 2]]], "float32")
    np.testing.assert_array_equal(fastconv.avg_pool2d(x, (1, 2)), [[[inf, nan, -inf, nan]]])
    dx = fastconv.avg_pool2d_backward(np.ones((1, 1, 4), "float32"), x.shape, (1, 2))
    np.testing.assert_array_equal(dx, np.full_like(x, 0.5))
