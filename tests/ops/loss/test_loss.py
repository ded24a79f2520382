"""Losses: plain NumPy in long double, central differences, and every kind of memory."""

import inputs
import numpy as np
import pytest

import fastconv
from fastconv.ops import loss as ops

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)


# ---------------------------------------------------------------- the textbook


def squares(x, t):
    return (x - t) ** 2


def huber(x, t, delta=1.0):
    d = np.abs(x - t)
    return np.where(d <= delta, d * d / 2, delta * (d - delta / 2))


def yes_or_no(x, t, pos_weight=1.0, weight=1.0):
    """-v (w t log s + (1 - t) log(1 - s))"""
    return weight * (pos_weight * t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x))


WEIGHTS = {"pos_weight": np.array([0.5, 1.0, 3.0, 2.0, 7.0]), "weight": np.array([1.5, 0.0, 0.25, 4.0, 1.0])}


ELEMENTS = {
    "mse_loss": (squares, {}),
    "l1_loss": (lambda x, t: np.abs(x - t), {}),
    "huber_loss": (huber, {"delta": 0.7}),
    "binary_cross_entropy_with_logits": (yes_or_no, {}),
    "binary_cross_entropy_with_logits weighted yes": (yes_or_no, {"pos_weight": WEIGHTS["pos_weight"]}),
    "binary_cross_entropy_with_logits weighted": (yes_or_no, {"weight": WEIGHTS["weight"]}),
    "binary_cross_entropy_with_logits weighted both": (yes_or_no, WEIGHTS),
}
every_element = pytest.mark.parametrize("case", ELEMENTS)
every_reduction = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])


def reduced(values, reduction):
    return {"mean": values.mean(), "sum": values.sum(), "none": values, "half_sum": values.sum() / 2 / len(values)}[
        reduction
    ]


def class_loss(x, t, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0, logits=True):
    """Row by row, class by class: -sum_k g[k] log p[k]; x is (N, K, ...)."""
    K = x.shape[1]
    w = np.ones(K) if weight is None else weight.astype(np.longdouble)
    rows, divisor = [], 0
    for at in np.ndindex(x.shape[:1] + x.shape[2:]):
        row = (at[0], slice(None), *at[1:])
        log_p = x[row]
        if logits:
            top = log_p.max()
            log_p = log_p - top - np.log(np.exp(log_p - top).sum())
        if t.dtype.kind == "f":
            share, mass = t[row], 1
        elif t[at] == ignore_index:
            share, mass = None, 0
        else:
            share, mass = np.arange(K) == t[at], w[t[at]]
        divisor += mass
        rows.append(
            np.longdouble(0)
            if share is None
            else -sum(w[k] * ((1 - label_smoothing) * share[k] + label_smoothing / K) * log_p[k] for k in range(K))
        )
    rows = np.array(rows).reshape(x.shape[:1] + x.shape[2:])
    return {"none": rows, "sum": rows.sum(), "mean": rows.sum() / divisor if divisor else np.nan}[reduction]


def slope(f, x, dy=1.0, h=1e-5):
    """Central differences of sum(dy f(x)), in long double."""
    x, h = x.astype(np.longdouble), np.longdouble(h)
    d = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[at] += h
        down[at] -= h
        d[at] = np.sum(dy * (f(up) - f(down))) / (2 * h)
    return d


def loss_of(case):
    return getattr(ops, case.split()[0])


def backward_of(case):
    return getattr(ops, case.split()[0] + "_backward")


def as_dtype(arguments, dtype):
    return {name: a.astype(dtype) if isinstance(a, np.ndarray) else a for name, a in arguments.items()}


def bits(a):
    a = np.array(a, order="C")
    return a.view(f"u{a.itemsize}")


def numbers(seed, shape, dtype="float64", count=2):
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype(dtype)


# ---------------------------------------------------------------- losses of elements


@every_dtype
@every_reduction
@every_element
@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 4, 5), (5,), (3000, 5), (257, 7, 5)])
def test_elements(shape, case, reduction, dtype):
    f, arguments = ELEMENTS[case]
    x, t = numbers(1, shape, dtype)
    want = reduced(f(x.astype(np.longdouble), t.astype(np.longdouble), **arguments), reduction)
    value = loss_of(case)(x, t, reduction=reduction, **as_dtype(arguments, dtype))
    assert value.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(value, want.astype(dtype), rtol=16 * eps, atol=16 * eps)


@every_element
@every_reduction
def test_gradient_of_elements_against_central_differences(case, reduction):
    f, arguments = ELEMENTS[case]
    x, t = numbers(2, (4, 5))
    each = numbers(3, (4, 5))[0] if reduction == "none" else 1.75
    want = slope(lambda x: reduced(f(x, t, **arguments), reduction), x, each)
    dx = backward_of(case)(x, t, reduction=reduction, **arguments, dy=each)
    np.testing.assert_allclose(dx, want, rtol=1e-8, atol=1e-9)
    single = backward_of(case)(
        *(a.astype("float32") for a in (x, t)),
        reduction=reduction,
        **as_dtype(arguments, "float32"),
        dy=each.astype("float32") if reduction == "none" else each,
    )
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, want, rtol=1e-5, atol=1e-5)


@every_dtype
def test_half_sum_is_the_sources_loss(dtype):
    """Half the sum of squares of a sample (Zhang 2016, eq. 13), averaged over the batch; gradient (y - t) / N."""
    x, t = np.arange(12, dtype=dtype).reshape(4, 3), np.ones((4, 3), dtype)
    samples = [sum((x[n, i] - t[n, i]) ** 2 for i in range(3)) / 2 for n in range(4)]
    value, dx = fastconv.mse_loss(x, t, "half_sum", return_gradient=True)
    assert value == sum(samples) / 4
    np.testing.assert_array_equal(dx, (x - t) / 4)
    np.testing.assert_array_equal(fastconv.mse_loss_backward(x, t, "half_sum", dy=2.0), (x - t) / 2)
    assert fastconv.mse_loss(x[:1], t[:1], "half_sum") == samples[0]


@every_element
@every_reduction
def test_value_and_gradient_of_elements_together(case, reduction):
    arguments = ELEMENTS[case][1]
    x, t = numbers(4, (3, 4, 5))
    value, dx = loss_of(case)(x, t, reduction=reduction, **arguments, return_gradient=True)
    np.testing.assert_array_equal(value, loss_of(case)(x, t, reduction=reduction, **arguments))
    np.testing.assert_array_equal(dx, backward_of(case)(x, t, reduction=reduction, **arguments))


@every_dtype
@every_element
@every_reduction
@pytest.mark.parametrize("odd", inputs.ODD)
def test_elements_in_any_memory(odd, case, reduction, dtype):
    arguments = as_dtype(ELEMENTS[case][1], dtype)
    x, t = (odd(a) for a in numbers(5, (3, 4, 6, 5), dtype))
    plain = [np.array(a, dtype, order="C") for a in (x, t)]
    value, dx = loss_of(case)(x, t, reduction=reduction, **arguments, return_gradient=True)
    want, want_dx = loss_of(case)(*plain, reduction=reduction, **arguments, return_gradient=True)
    np.testing.assert_allclose(value, want, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(bits(dx), bits(want_dx))
    mixed = loss_of(case)(x, plain[1], reduction=reduction, **arguments, return_gradient=True)
    np.testing.assert_array_equal(bits(mixed[0]), bits(value))
    np.testing.assert_array_equal(bits(mixed[1]), bits(dx))
    np.testing.assert_array_equal(plain, (x, t))


OUTS = (
    inputs.negative,
    inputs.fortran,
    inputs.every_second,
    inputs.inside,
    inputs.channels_last,
    inputs.channel_slice,
    inputs.misaligned,
)


@every_dtype
@every_element
@pytest.mark.parametrize("odd", OUTS)
def test_results_of_elements_in_any_memory(odd, case, dtype):
    arguments = as_dtype(ELEMENTS[case][1], dtype)
    x, t = numbers(6, (3, 4, 6, 5), dtype)
    out = odd(np.full(x.shape, np.nan, dtype))
    assert backward_of(case)(x, t, **arguments, out=out) is out
    np.testing.assert_array_equal(out, backward_of(case)(x, t, **arguments))
    out = odd(np.full(x.shape, np.nan, dtype))
    assert loss_of(case)(x, t, reduction="none", **arguments, out=out) is out
    np.testing.assert_array_equal(out, loss_of(case)(x, t, reduction="none", **arguments))
    out = np.full((), np.nan, dtype)
    assert loss_of(case)(x, t, **arguments, out=out) is out
    assert out == loss_of(case)(x, t, **arguments)


def test_more_than_four_axes_of_unlike_strides():
    wide = numbers(7, (2, 3, 4, 3, 4, 3, 2))
    x, t = (a[:, ::2, ::2, ::2, ::2, ::2] for a in wide)
    want = fastconv.mse_loss(np.array(x, order="C"), np.array(t, order="C"), return_gradient=True)
    got = fastconv.mse_loss(x, t, return_gradient=True)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])
    classes = np.zeros((2, *x.shape[2:]), np.int64)
    want = fastconv.cross_entropy(np.array(x, order="C"), classes, return_gradient=True)
    got = fastconv.cross_entropy(x, classes, return_gradient=True)
    np.testing.assert_allclose(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])


@every_dtype
def test_large_logits_of_yes_or_no(dtype):
    x = np.array([-1e4, -60, 60, 1e4, -60, 60], dtype)
    t = np.array([0, 0, 1, 1, 1, 0], dtype)
    want = np.array([0, np.exp(-60.0), np.exp(-60.0), 0, 60, 60])
    one = np.ones(1, dtype)
    for arguments in ({}, {"pos_weight": one}, {"weight": one}, {"pos_weight": one, "weight": one}):
        value = fastconv.binary_cross_entropy_with_logits(x, t, "none", **arguments)
        np.testing.assert_allclose(value, want, rtol=1e-6)
        dx = fastconv.binary_cross_entropy_with_logits_backward(x, t, "sum", **arguments)
        np.testing.assert_allclose(dx, [0, 0, 0, 0, -1, 1], atol=1e-7)


@every_element
def test_nan_reaches_value_and_gradient(case):
    arguments = ELEMENTS[case][1]
    x, t = numbers(8, (40, 5))
    x[17, 3] = np.nan
    value, dx = loss_of(case)(x, t, **arguments, return_gradient=True)
    assert np.isnan(value)
    assert np.argwhere(np.isnan(dx)).tolist() == [[17, 3]]


def test_sums_stay_right_over_a_million_elements():
    x = np.full(1_000_003, 0.1, "float32")
    assert fastconv.mse_loss(x, np.zeros_like(x), "sum") == np.float32(np.sum(x.astype(float) ** 2))


# ---------------------------------------------------------------- losses of classes

CLASS_SHAPES = [(4, 5), (1, 1), (7, 33), (2, 6, 3, 4), (3, 17, 2), (2, 3, 2, 2, 2)]


def classes_for(seed, shape, ignore=None):
    rng = np.random.default_rng(seed)
    t = rng.integers(0, shape[1], shape[:1] + shape[2:])
    if ignore is not None:
        t.ravel()[::3] = ignore
    return t


def shares_for(seed, shape, dtype="float64"):
    t = np.random.default_rng(seed).uniform(0, 1, shape)
    return (t / t.sum(1, keepdims=True)).astype(dtype)


WEIGHTED = pytest.mark.parametrize("weighted", [False, True])
SMOOTHING = pytest.mark.parametrize("label_smoothing", [0.0, 0.3, 1.0])


@every_dtype
@every_reduction
@WEIGHTED
@SMOOTHING
@pytest.mark.parametrize("shape", CLASS_SHAPES)
@pytest.mark.parametrize("kind", ["classes", "some ignored", "probabilities"])
def test_cross_entropy(kind, shape, label_smoothing, weighted, reduction, dtype):
    x = 3 * numbers(10, shape, dtype, 1)[0]
    t = shares_for(11, shape, dtype) if kind == "probabilities" else classes_for(11, shape)
    arguments = {"reduction": reduction, "label_smoothing": label_smoothing}
    if kind == "some ignored" and t.size > 1:
        arguments["ignore_index"] = -7
        t.ravel()[::3] = -7
    if weighted:
        arguments["weight"] = np.linspace(0.5, 2, shape[1]).astype(dtype)
    want = class_loss(x.astype(np.longdouble), t, **arguments)
    value = fastconv.cross_entropy(x, t, **arguments)
    assert value.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(value, np.asarray(want, dtype), rtol=30 * eps, atol=30 * eps)


@every_reduction
@WEIGHTED
@SMOOTHING
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2, 2)])
@pytest.mark.parametrize("kind", ["classes", "some ignored", "probabilities"])
def test_gradient_of_cross_entropy_against_central_differences(kind, shape, label_smoothing, weighted, reduction):
    x = numbers(12, shape, count=1)[0]
    t = shares_for(13, shape) if kind == "probabilities" else classes_for(13, shape)
    arguments = {"reduction": reduction, "label_smoothing": label_smoothing}
    if kind == "some ignored":
        arguments["ignore_index"] = 1
    if weighted:
        arguments["weight"] = np.linspace(0.5, 2, shape[1])
    dy = numbers(14, shape[:1] + shape[2:], count=1)[0] if reduction == "none" else 1.75
    want = slope(lambda x: class_loss(x, t, **arguments), x, dy)
    np.testing.assert_allclose(fastconv.cross_entropy_backward(x, t, **arguments, dy=dy), want, rtol=1e-8, atol=1e-9)
    if weighted:
        arguments["weight"] = arguments["weight"].astype("float32")
    x, dy = x.astype("float32"), dy.astype("float32") if reduction == "none" else dy
    t = t.astype("float32") if kind == "probabilities" else t
    single = fastconv.cross_entropy_backward(x, t, **arguments, dy=dy)
    np.testing.assert_allclose(single, want, rtol=1e-5, atol=1e-6)


@every_dtype
@every_reduction
@WEIGHTED
@pytest.mark.parametrize("shape", CLASS_SHAPES)
def test_nll(shape, weighted, reduction, dtype):
    x = -np.abs(numbers(15, shape, dtype, 1)[0])
    t = classes_for(16, shape)
    arguments = {"reduction": reduction}
    if weighted:
        arguments["weight"] = np.linspace(0.5, 2, shape[1]).astype(dtype)
    if t.size > 1:
        arguments["ignore_index"] = t.flat[0]
    value, dx = fastconv.nll_loss(x, t, **arguments, return_gradient=True)
    want = class_loss(x.astype(np.longdouble), t, **arguments, logits=False)
    np.testing.assert_allclose(value, np.asarray(want, dtype), rtol=8 * np.finfo(dtype).eps)
    if x.size < 100:
        f = lambda x: class_loss(x, t, **arguments, logits=False)  # noqa: E731
        np.testing.assert_allclose(dx, slope(f, x), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(dx, fastconv.nll_loss_backward(x, t, **arguments))


def test_cross_entropy_is_nll_of_log_softmax():
    x, t = numbers(17, (5, 9), count=1)[0], classes_for(18, (5, 9))
    np.testing.assert_allclose(fastconv.cross_entropy(x, t), fastconv.nll_loss(fastconv.log_softmax(x), t), rtol=1e-14)
    chained = fastconv.log_softmax_backward(fastconv.nll_loss_backward(fastconv.log_softmax(x), t), x)
    np.testing.assert_allclose(fastconv.cross_entropy_backward(x, t), chained, atol=1e-15)


def test_one_hot_probabilities_are_classes():
    x, t = numbers(19, (6, 5, 3), count=1)[0], classes_for(20, (6, 5, 3))
    shares = (np.arange(5)[:, None] == t[:, None]).astype(float)
    for smoothing in (0.0, 0.2):
        a = fastconv.cross_entropy(x, t, label_smoothing=smoothing, return_gradient=True)
        b = fastconv.cross_entropy(x, shares, label_smoothing=smoothing, return_gradient=True)
        np.testing.assert_allclose(a[0], b[0], rtol=1e-14)
        np.testing.assert_allclose(a[1], b[1], atol=1e-16)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_one_row_without_a_batch(name):
    x = numbers(21, (5,), count=1)[0]
    value, dx = getattr(fastconv, name)(x, 3, return_gradient=True)
    batch, batch_dx = getattr(fastconv, name)(x[None], np.array([3]), return_gradient=True)
    assert value == batch
    np.testing.assert_array_equal(dx, batch_dx[0])
    assert getattr(fastconv, name)(x, 3, reduction="none").shape == ()


@every_dtype
@pytest.mark.parametrize("integer", ["int8", "uint8", "int32", ">i4", "uint64"])
def test_any_integers(integer, dtype):
    x, t = numbers(22, (4, 5), dtype, 1)[0], classes_for(23, (4, 5))
    want = fastconv.cross_entropy(x, t)
    assert fastconv.cross_entropy(x, t.astype(integer)) == want
    assert fastconv.cross_entropy(x, t.tolist()) == want
    assert fastconv.cross_entropy(x, np.repeat(t, 2)[::2]) == want


PADDED = (inputs.every_second, inputs.inside, inputs.channel_slice)  # they put NaN around, which integers cannot hold


@every_dtype
@every_reduction
@pytest.mark.parametrize("odd", inputs.ODD)
@pytest.mark.parametrize("kind", ["classes", "probabilities", "nll"])
def test_classes_in_any_memory(kind, odd, reduction, dtype):
    shape = (3, 18, 4, 5)
    x = odd(numbers(24, shape, dtype, 1)[0])
    if kind == "probabilities":
        t = odd(shares_for(25, shape, dtype))
    else:
        t = odd(classes_for(25, shape)) if odd not in PADDED else classes_for(25, (6, 18, 8, 10))[::2, ::2, ::2]
    weight = odd(np.linspace(0.5, 2, 18).astype(dtype))
    name = "nll_loss" if kind == "nll" else "cross_entropy"
    plain = np.array(x, dtype, order="C")
    plain_t = np.array(t, dtype if kind == "probabilities" else np.int64, order="C")
    plain_weight = np.array(weight, dtype, order="C")
    value, dx = getattr(fastconv, name)(x, t, weight, reduction=reduction, return_gradient=True)
    want = getattr(fastconv, name)(plain, plain_t, plain_weight, reduction=reduction, return_gradient=True)
    np.testing.assert_allclose(value, want[0], rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(dx, want[1], rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)
    if reduction == "none":
        np.testing.assert_array_equal(bits(value), bits(want[0]))
        np.testing.assert_array_equal(bits(dx), bits(want[1]))
    np.testing.assert_array_equal(plain, x)
    np.testing.assert_array_equal(plain_t, t)
    for memory in OUTS:
        out = memory(np.full(shape, np.nan, dtype))
        backward = getattr(fastconv, name + "_backward")
        assert backward(x, t, weight, reduction=reduction, out=out) is out
        np.testing.assert_array_equal(out, dx)


@pytest.mark.parametrize("odd", [inputs.negative, inputs.fortran, inputs.every_second, inputs.inside])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_losses_of_rows_in_any_memory(name, odd):
    x, t = numbers(26, (3, 7, 4, 5), count=1)[0], classes_for(27, (3, 7, 4, 5))
    out = odd(np.full(t.shape, np.nan))
    assert getattr(fastconv, name)(x, t, reduction="none", out=out) is out
    np.testing.assert_array_equal(out, getattr(fastconv, name)(x, t, reduction="none"))


@every_dtype
def test_logits_of_any_size(dtype):
    x = np.array([[1e4, 0, -1e4], [1e30, -1e30, 0], [-1e30, -1e30, -1e30]], dtype)
    t = np.array([1, 0, 2])
    value, dx = fastconv.cross_entropy(x, t, reduction="none", return_gradient=True)
    np.testing.assert_allclose(value, [1e4, 0, np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(dx, [[1, -1, 0], [0, 0, 0], [1 / 3, 1 / 3, -2 / 3]], atol=1e-7)


@every_dtype
def test_nan_and_infinite_logits(dtype):
    inf, nan = np.inf, np.nan
    x = np.array([[nan, 0, 0], [-inf, -inf, -inf], [0, inf, 0], [-inf, 0, 0], [0, 0, -inf]], dtype)
    t = np.array([1, 1, 1, 0, 0])
    value, dx = fastconv.cross_entropy(x, t, reduction="none", return_gradient=True)
    np.testing.assert_allclose(value, [nan, nan, 0, inf, np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(dx[2:], [[0, 0, 0], [-1, 0.5, 0.5], [-0.5, 0.5, 0]], rtol=1e-6)
    assert np.isnan(dx[:2]).all()
    shares = np.array([[0, 0.5, 0.5]], dtype)  # an impossible class that has no share costs nothing
    np.testing.assert_allclose(fastconv.cross_entropy(x[3:4], shares), np.log(2), rtol=1e-6)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_ignored_rows_count_for_nothing(name):
    x, t = numbers(28, (6, 5), count=1)[0], classes_for(29, (6, 5))
    t[[1, 4]] = -100
    x[1] = np.nan
    value, dx = getattr(fastconv, name)(x, t, return_gradient=True)
    keep = t != -100
    want, want_dx = getattr(fastconv, name)(x[keep], t[keep], return_gradient=True)
    np.testing.assert_allclose(value, want, rtol=1e-15)
    np.testing.assert_allclose(dx[keep], want_dx, rtol=1e-15)
    assert (dx[~keep] == 0).all()
    assert getattr(fastconv, name)(x, t, reduction="none")[1] == 0


# ---------------------------------------------------------------- threads, empty, wrong


@every_dtype
@pytest.mark.parametrize("case", [*ELEMENTS, "cross_entropy", "cross_entropy shares", "nll_loss"])
@pytest.mark.parametrize("memory", [np.array, inputs.channels_last, inputs.channel_slice])
def test_bits_do_not_depend_on_threads(memory, case, dtype, all_threads):
    shape = (64, 9, 11, 5)
    x, t = (memory(a) for a in numbers(30, shape, dtype))
    arguments = as_dtype(ELEMENTS[case][1], dtype) if case in ELEMENTS else {}
    if case not in ELEMENTS:
        t = memory(shares_for(31, shape, dtype)) if "shares" in case else classes_for(31, shape)
    results = []
    for n in (1, 2, 4, 4):
        all_threads(n)
        results.append([bits(a) for a in loss_of(case)(x, t, **arguments, return_gradient=True)])
    for value, dx in results[1:]:
        np.testing.assert_array_equal(value, results[0][0])
        np.testing.assert_array_equal(dx, results[0][1])
    alone, alone_dx = loss_of(case)(x[:1], t[:1], reduction="none", **arguments, return_gradient=True)
    for N in (2, 7, 64):  # a sample alone or in any batch
        value, dx = loss_of(case)(x[:N], t[:N], reduction="none", **arguments, return_gradient=True)
        np.testing.assert_array_equal(bits(value[:1]), bits(alone))
        np.testing.assert_array_equal(bits(dx[:1]), bits(alone_dx))


@every_dtype
@every_element
def test_empty_batch_of_elements(case, dtype):
    x = np.zeros((0, 5), dtype)
    arguments = as_dtype(ELEMENTS[case][1], dtype)
    value, dx = loss_of(case)(x, x, **arguments, return_gradient=True)
    assert np.isnan(value)
    assert dx.shape == (0, 5)
    assert loss_of(case)(x, x, reduction="sum", **arguments) == 0
    assert loss_of(case)(x, x, reduction="none", **arguments).shape == (0, 5)
    assert backward_of(case)(x, x, **arguments).shape == (0, 5)


@every_dtype
@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2, 2), (2, 3, 0)])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_empty_batch_of_classes(name, shape, dtype):
    x, t = np.zeros(shape, dtype), np.zeros(shape[:1] + shape[2:], int)
    value, dx = getattr(fastconv, name)(x, t, return_gradient=True)
    assert np.isnan(value)
    assert dx.shape == shape
    assert getattr(fastconv, name)(x, t, reduction="sum") == 0
    assert getattr(fastconv, name)(x, t, reduction="none").shape == t.shape
    if name == "cross_entropy":
        assert np.isnan(fastconv.cross_entropy(x, x))


def test_half_sum_of_nothing():
    assert np.isnan(fastconv.mse_loss(np.zeros((0, 3)), np.zeros((0, 3)), "half_sum"))
    assert fastconv.mse_loss(np.zeros((2, 0)), np.zeros((2, 0)), "half_sum") == 0


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_all_rows_ignored(name):
    x, t = numbers(32, (3, 4), count=1)[0], np.full(3, -100)
    value, dx = getattr(fastconv, name)(x, t, return_gradient=True)
    assert np.isnan(value)
    assert (dx == 0).all()
    assert getattr(fastconv, name)(x, t, reduction="sum") == 0


@every_element
def test_single_numbers(case):
    arguments = ELEMENTS[case][1]
    if "weighted" in case:
        arguments = {name: np.array(value[2]) for name, value in arguments.items()}
    want = ELEMENTS[case][0](0.5, 0.25, **arguments)
    value, dx = loss_of(case)(np.array(0.5), np.array(0.25), **arguments, return_gradient=True)
    np.testing.assert_allclose(value, want, rtol=1e-14)
    assert dx.shape == ()


@every_element
def test_wrong_arguments_of_elements(case):
    f, df, arguments = loss_of(case), backward_of(case), ELEMENTS[case][1]
    x = np.zeros((3, 5))
    for g in (f, df):
        with pytest.raises(TypeError, match="x must be float32 or float64, got int64"):
            g(x.astype(int), x, **dict.fromkeys(arguments) if "weighted" in case else arguments)
        with pytest.raises(TypeError, match="must have the same dtype, got float64 and float32"):
            g(x, x.astype("float32"), **arguments)
        with pytest.raises(ValueError, match=r"targets must have shape \(3, 5\) \(the shape of x\), got \(5,\)"):
            g(x, x[0], **arguments)
        with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum', 'none'"):
            g(x, x, reduction="average", **arguments)
        with pytest.raises(ValueError, match="out must have shape"):
            g(x, x, **arguments, out=np.zeros(2))
        with pytest.raises(TypeError, match="out must have dtype float64"):
            g(x, x, **arguments, out=np.zeros(x.shape if g is df else (), "float32"))
    for out in (x, x[::-1]):
        with pytest.raises(ValueError, match="out must not share memory with x"):
            df(x, x + 1, **arguments, out=out)
    with pytest.raises(ValueError, match=r"dy must have shape \(3, 5\) \(the shape of the loss\), got \(5,\)"):
        df(x, x, reduction="none", **arguments, dy=x[0])
    with pytest.raises(TypeError, match="dy must be a number"):
        df(x, x, **arguments, dy="1")
    with pytest.raises(TypeError, match="dy must be a number"):
        df(x, x, **arguments, dy=x)


def test_wrong_numbers_of_elements():
    x = np.zeros((3, 5))
    for delta in (0, -1.0, np.nan):
        with pytest.raises(ValueError, match="delta must be > 0, got"):
            fastconv.huber_loss(x, x, delta=delta)
    with pytest.raises(ValueError, match=r"pos_weight must broadcast to the shape of x, \(3, 5\), got shape \(4,\)"):
        fastconv.binary_cross_entropy_with_logits(x, x, pos_weight=np.ones(4))
    with pytest.raises(TypeError, match="x and pos_weight must have the same dtype"):
        fastconv.binary_cross_entropy_with_logits(x, x, pos_weight=np.ones(5, "float32"))
    with pytest.raises(ValueError, match=r"weight must broadcast to the shape of x, \(3, 5\), got shape \(3,\)"):
        fastconv.binary_cross_entropy_with_logits(x, x, weight=np.ones(3))
    with pytest.raises(TypeError, match="x and weight must have the same dtype"):
        fastconv.binary_cross_entropy_with_logits(x, x, weight=np.ones(5, "float32"))


def test_weights_of_elements_and_their_mean():
    """The mean divides by the number of elements, whatever their weights."""
    x, t = np.array([[0.5, -1.0], [2.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    for weight in (np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[2.0], [5.0]]), np.array(3.0)):
        want = (yes_or_no(x, t) * weight).sum() / 4
        value = fastconv.binary_cross_entropy_with_logits(x, t, weight=weight)
        np.testing.assert_allclose(value, want, rtol=1e-14)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "cross_entropy_backward", "nll_loss_backward"])
def test_wrong_arguments_of_classes(name):
    f, x, t = getattr(fastconv, name), np.zeros((3, 5)), np.zeros(3, int)
    out = np.full((3, 5) if "backward" in name else (), 7.0)
    for wrong in (5, -1, 2**40, -(2**62)):
        with pytest.raises(ValueError, match=rf"class indices from 0 to 4, or -100 \(ignored\), got {wrong}"):
            f(x, np.array([0, wrong, 1]), out=out)
    with pytest.raises(ValueError, match=r"class indices from 0 to 4, .* got 18446744073709551615"):
        f(x, np.full(3, 2**64 - 1, np.uint64), out=out)
    assert (out == 7).all()
    with pytest.raises(ValueError, match=r"got -100"):
        f(x, np.array([0, -100, 1]), ignore_index=-1)
    with pytest.raises(ValueError, match=r"targets must have shape \(3,\) .*got \(2,\)"):
        f(x, t[:2])
    with pytest.raises(ValueError, match=r"targets must have shape"):
        f(np.zeros((3, 5, 2)), t)
    with pytest.raises(TypeError, match=r"targets must be integers .*got bool"):
        f(x, np.zeros(3, bool))
    with pytest.raises(TypeError, match="must be float32 or float64"):
        f(x.astype(int), t)
    for shape in ((), (3, 0), (0,)):
        with pytest.raises(ValueError, match="must have at least one dimension and one class"):
            f(np.zeros(shape), t)
    with pytest.raises(ValueError, match=r"weight must have shape \(5,\)"):
        f(x, t, np.ones(4))
    with pytest.raises(ValueError, match="weight must have 1 dimensions"):
        f(x, t, np.ones((5, 1)))
    with pytest.raises(TypeError, match="same dtype"):
        f(x, t, np.ones(5, "float32"))
    with pytest.raises(ValueError, match="reduction must be one of"):
        f(x, t, reduction="half_sum")
    with pytest.raises(TypeError, match="ignore_index must be an integer"):
        f(x, t, ignore_index=None)
    with pytest.raises(ValueError, match="out must have shape"):
        f(x, t, out=np.zeros(2))


def test_wrong_probabilities_and_smoothing():
    x = np.zeros((3, 5))
    with pytest.raises(ValueError, match=r"targets must have shape \(3, 5\) .*probabilities"):
        fastconv.cross_entropy(x, np.zeros(3))
    with pytest.raises(TypeError, match="same dtype"):
        fastconv.cross_entropy(x, x.astype("float32"))
    with pytest.raises(TypeError, match=r"targets must be integers"):
        fastconv.nll_loss(x, x)
    for smoothing in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="label_smoothing must be from 0 to 1, got"):
            fastconv.cross_entropy(x, np.zeros(3, int), label_smoothing=smoothing)
    with pytest.raises(ValueError, match="out must not share memory with logits"):
        fastconv.cross_entropy_backward(x, np.zeros(3, int), out=x)


def test_a_prepared_call_refuses_a_class_out_of_range():
    """Targets change between the steps of a training: the kernel itself never reads outside."""
    x, t, value, dx = np.zeros((3, 5)), np.zeros(3, np.int64), np.zeros(()), np.full((3, 5), 7.0)
    run = ops.cross_entropy_call(x, t, value, dx)
    run()
    np.testing.assert_allclose(value, np.log(5))
    for wrong in (5, -1, 2**62):
        t[2] = wrong
        dx[...] = 7
        with pytest.raises(ValueError, match=rf"class indices from 0 to 4 or -100 \(ignored\), got {wrong}"):
            run()
        assert (dx == 7).all()
