"""Normalisation: plain NumPy in float64, central differences, and every kind of memory."""

import sys

import child
import inputs
import numpy as np
import pytest
import reference
from guarded import between_pages

import fastconv
from fastconv.ops import norm

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
every_layout = pytest.mark.parametrize("layout", [np.array, inputs.channels_last], ids=["planar", "channels_last"])

# ---------------------------------------------------------------- the textbook


def over_channels(w, x):
    return w.reshape(-1, *(1,) * (x.ndim - 2))


def standard(x, axes, eps):
    """z, and 1 / sqrt(var + eps)"""
    mean = x.mean(axes, keepdims=True)
    invstd = 1 / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + eps)
    return (x - mean) * invstd, invstd


def slope(g, z, invstd, axes):
    return invstd * (g - g.mean(axes, keepdims=True) - z * (g * z).mean(axes, keepdims=True))


def without(axis, x):
    return tuple(i for i in range(x.ndim) if i != axis)


def batch_textbook(x, w, b, dy, eps=1e-5):
    axes = without(1, x)
    z, invstd = standard(x, axes, eps)
    w = over_channels(w, x)
    return z * w + over_channels(b, x), slope(dy * w, z, invstd, axes), (dy * z).sum(axes), dy.sum(axes)


def group_textbook(groups):
    def textbook(x, w, b, dy, eps=1e-5):
        shape = (x.shape[0], groups, -1)
        z, invstd = standard(x.reshape(shape), (2,), eps)
        dx = slope((dy * over_channels(w, x)).reshape(shape), z, invstd, (2,)).reshape(x.shape)
        z, axes = z.reshape(x.shape), without(1, x)
        y = z * over_channels(w, x) + over_channels(b, x)
        return y, dx, (dy * z).sum(axes), dy.sum(axes)

    return textbook


def layer_textbook(x, w, b, dy, eps=1e-5):
    axes = tuple(range(1, x.ndim))
    z, invstd = standard(x, axes, eps)
    return z * w + b, slope(dy * w, z, invstd, axes), (dy * z).sum(0), dy.sum(0)


def local_textbook(size, alpha, beta, k):
    """Channel by channel; dx through the whole Jacobian of each pixel."""

    def textbook(x, w, b, dy):
        C = x.shape[1]
        window = [range(max(0, c - size // 2), min(C, c + (size - 1) // 2 + 1)) for c in range(C)]
        d = np.stack([k + alpha / size * (x[:, list(window[c])] ** 2).sum(1) for c in range(C)], 1)
        dx = dy * d**-beta
        for c in range(C):
            for j in window[c]:
                dx[:, j] -= 2 * alpha * beta / size * dy[:, c] * x[:, c] * d[:, c] ** (-beta - 1) * x[:, j]
        return x * d**-beta, dx

    return textbook


def batch(x, w, b, dy, out=None, dout=None):
    m, v = np.zeros(x.shape[1], x.dtype), np.zeros(x.shape[1], x.dtype)
    y, *saved = norm.batch_norm(x, m, v, w, b, training=True, return_saved=True, out=out)
    return y, *norm.batch_norm_backward(dy, x, *saved, w, out=dout)


def group(groups):
    def run(x, w, b, dy, out=None, dout=None):
        y, *saved = norm.group_norm(x, groups(x.shape[1]), w, b, return_saved=True, out=out)
        return y, *norm.group_norm_backward(dy, x, *saved, w, out=dout)

    return run


def layer(x, w, b, dy, out=None, dout=None):
    y, *saved = norm.layer_norm(x, x.shape[1:], w, b, return_saved=True, out=out)
    return y, *norm.layer_norm_backward(dy, x, *saved, w, out=dout)


def local(*numbers):
    def run(x, w, b, dy, out=None, dout=None):
        y = norm.local_response_norm(x, *numbers, out=out)
        return y, norm.local_response_norm_backward(dy, x, *numbers, out=dout)

    return run


def a_divisor(C):
    return next(n for n in (3, 2, 5, 1) if C % n == 0)


# name: (y and gradients of ours, the same of the textbook)
CASES = {
    "batch": (batch, batch_textbook),
    "group": (group(a_divisor), lambda x, *rest: group_textbook(a_divisor(x.shape[1]))(x, *rest)),
    "instance": (group(lambda C: C), lambda x, *rest: group_textbook(x.shape[1])(x, *rest)),
    "one group": (group(lambda C: 1), group_textbook(1)),
    "layer": (layer, layer_textbook),
    "local": (local(5, 0.3, 0.75, 1.0), local_textbook(5, 0.3, 0.75, 1.0)),
    "local, even": (local(4, 2.0, 0.6, 1.5), local_textbook(4, 2.0, 0.6, 1.5)),
    "local, 2": (local(2, 0.5, 0.75, 0.5), local_textbook(2, 0.5, 0.75, 0.5)),
    "local, all": (local(200, 3.0, 1.0, 2.0), local_textbook(200, 3.0, 1.0, 2.0)),
}
every_case = pytest.mark.parametrize("case", CASES)
OF_ONE_SAMPLE = [case for case in CASES if case != "batch"]
SHAPES = [(5, 6), (3, 18, 2, 1), (2, 5, 4, 3), (3, 72, 7, 5), (2, 3, 40, 60), (2, 36, 30, 20), (4, 6, 1, 1), (3, 6, 5)]


def operands(shape, case, dtype="float64", layout=np.array, fill=inputs.real, seed=0):
    rng = np.random.default_rng(seed)
    vector = shape[1:] if case == "layer" else shape[1:2]
    x, w, b, dy = (fill(rng, s, dtype) for s in (shape, vector, vector, shape))
    return layout(2 * x + 3), w, b, layout(dy)


def wide(*arrays):
    return [a.astype("float64") for a in arrays]


def assert_close(got, want, dtype, names=("y", "dx", "dweight", "dbias"), factor=1.0):
    for name, a, e in zip(names, got, want, strict=False):
        assert a.dtype == dtype
        limit = factor * (3e-6 if dtype == "float32" else 2e-14) * max(np.abs(e).max(), 1)
        np.testing.assert_allclose(a, e, rtol=0, atol=limit, err_msg=name)
    assert len(got) == len(want)


def terms(shape):
    return 1 + np.prod(shape) ** 0.5 / 8


# ---------------------------------------------------------------- values and gradients


@every_dtype
@every_layout
@every_case
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients(shape, case, layout, dtype):
    if case == "instance" and shape[2:] in ((), (1, 1)):
        shape = (*shape[:2], 3, 1)  # one value has no variance
    ours, textbook = CASES[case]
    a = operands(shape, case, dtype, layout)
    x_shape, dy = shape, a[3]
    out, dout = (layout(np.full(x_shape, np.nan, dtype)) for _ in range(2))
    got = ours(*a, out, dout)
    assert (got[0] is out, got[1] is dout) == (True, True)
    few = 20 if 2 in (shape[0], np.prod(shape[2:], dtype=int)) else 1  # small deviations magnify rounding
    assert_close(got, textbook(*wide(*a)), dtype, factor=few * terms(x_shape))
    assert dy is a[3]


@every_layout
@every_case
@pytest.mark.parametrize("shape", [(4, 3), (2, 6, 3, 2), (2, 18, 1, 2)])
def test_gradients_against_central_differences(shape, case, layout):
    if case == "instance" and len(shape) == 2:
        shape = (*shape, 3, 1)
    ours, _ = CASES[case]
    x, w, b, dy = operands(shape, case, "float64", layout, seed=3)
    _, dx, *parameters = ours(x, w, b, dy)
    numbers = reference.central_difference(lambda v: ours(v, w, b, dy)[0], x, dy)
    np.testing.assert_allclose(dx, numbers, rtol=1e-6, atol=1e-7)
    if parameters:
        for gradient, f, at in (
            (parameters[0], lambda v: ours(x, v, b, dy)[0], w),
            (parameters[1], lambda v: ours(x, w, v, dy)[0], b),
        ):
            np.testing.assert_allclose(gradient, reference.central_difference(f, at, dy), rtol=1e-6, atol=1e-7)


@every_dtype
@every_layout
@pytest.mark.parametrize("case", ["batch", "group", "layer"])
def test_without_weight_and_bias(case, layout, dtype):
    ours, textbook = CASES[case]
    x, w, b, dy = operands((3, 6, 4, 5), case, dtype, layout)
    assert_close(ours(x, None, None, dy), textbook(*wide(x, np.ones_like(w), np.zeros_like(b), dy)), dtype, factor=3)
    assert_close(ours(x, w, None, dy), textbook(*wide(x, w, np.zeros_like(b), dy)), dtype, factor=3)


@every_dtype
@every_layout
@pytest.mark.parametrize("shape", SHAPES)
def test_prediction(shape, layout, dtype):
    """y = (x - m) / sqrt(v + eps) w + b, and its gradient, with the statistics given."""
    x, w, b, dy = operands(shape, "batch", dtype, layout)
    rng = np.random.default_rng(1)
    m, v = inputs.real(rng, shape[1], dtype), rng.uniform(0.5, 2, shape[1]).astype(dtype)
    before = m.copy(), v.copy()
    out, dout = (layout(np.full(shape, np.nan, dtype)) for _ in range(2))
    y, mean, invstd = norm.batch_norm(x, m, v, w, b, eps=0.1, return_saved=True, out=out)
    got = y, *norm.batch_norm_backward(dy, x, mean, invstd, w, training=False, out=dout)
    X, W, B, DY, M, V = wide(x, w, b, dy, m, v)
    r = 1 / np.sqrt(V + 0.1)
    z = (X - over_channels(M, X)) * over_channels(r, X)
    axes = without(1, X)
    wanted = (
        z * over_channels(W, X) + over_channels(B, X),
        DY * over_channels(W * r, X),
        (DY * z).sum(axes),
        DY.sum(axes),
    )
    assert_close(got, wanted, dtype, factor=4 * terms(shape))
    assert_close((mean, invstd), (M, r), dtype)
    assert (m.tobytes(), v.tobytes()) == tuple(a.tobytes() for a in before)


@every_dtype
@every_layout
@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_running_statistics(momentum, layout, dtype):
    x, *_ = operands((3, 20, 5, 7), "batch", dtype, layout)
    m, v = np.full(20, 2, dtype), np.full(20, 5, dtype)
    _, mean, invstd = norm.batch_norm(x, m, v, training=True, momentum=momentum, return_saved=True)
    (X,) = wide(x)
    batch_mean, batch_var = X.mean((0, 2, 3)), X.var((0, 2, 3), ddof=1)
    assert_close((m, v), ((1 - momentum) * 2 + momentum * batch_mean, (1 - momentum) * 5 + momentum * batch_var), dtype)
    assert_close((mean, invstd), (batch_mean, 1 / np.sqrt(X.var((0, 2, 3)) + 1e-5)), dtype)


@every_layout
@pytest.mark.parametrize("shape", [(8, 5, 12, 11), (4, 33, 30, 30), (500, 7)])
@pytest.mark.parametrize("case", ["batch", "group", "layer"])
def test_variance_far_from_zero(case, shape, layout):
    """Mean 1e4, deviation 1 in float32: E[x^2] - E[x]^2 would lose everything (flax#1491, caffe#3963)."""
    ours, textbook = CASES[case]
    x, w, b, dy = operands(shape, case, "float32", layout)
    x = layout((x - 3) / 2 + np.float32(1e4))
    got, want = ours(x, w, b, dy)[0], textbook(*wide(x, w, b, dy))[0]
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)
    m, v = np.zeros(shape[1], "float32"), np.zeros(shape[1], "float32")
    norm.batch_norm(x, m, v, training=True, momentum=1.0)
    np.testing.assert_allclose(m, wide(x)[0].mean(without(1, x)), rtol=1e-7)
    np.testing.assert_allclose(v, wide(x)[0].var(without(1, x), ddof=1), rtol=1e-5)


@every_layout
@pytest.mark.parametrize("first", [0.0, 2e4])
@pytest.mark.parametrize("shape", [(4, 33, 40, 40), (2, 3, 90, 110), (900, 5)])
def test_variance_where_the_first_values_are_unlike_the_rest(shape, first, layout):
    """Sums are taken around a mean of the first values: a black border must not spoil them."""
    x, w, b, dy = operands(shape, "batch", "float32", layout)
    x = layout((x - 3) / 2 + np.float32(1e4))
    if len(shape) == 2:
        x[:8] = first
    else:
        x[0, :, 0] = first
    m, v = np.zeros(shape[1], "float32"), np.zeros(shape[1], "float32")
    y = norm.batch_norm(x, m, v, w, b, training=True, momentum=1.0)
    np.testing.assert_allclose(m, wide(x)[0].mean(without(1, x)), rtol=1e-7)
    np.testing.assert_allclose(v, wide(x)[0].var(without(1, x), ddof=1), rtol=1e-5)
    np.testing.assert_allclose(y, batch_textbook(*wide(x, w, b, dy))[0], rtol=5e-6, atol=1e-5)


@every_dtype
@every_layout
def test_a_constant_channel_has_no_variance(layout, dtype):
    x = layout(np.full((3, 5, 9, 7), 0.1, dtype) * np.arange(1, 6, dtype=dtype)[:, None, None])
    bias = np.arange(5, dtype=dtype)
    v = np.ones(5, dtype)
    y = norm.batch_norm(x, np.zeros(5, dtype), v, None, bias, training=True, momentum=1.0)
    assert (v >= 0).all()
    np.testing.assert_allclose(v, 0, atol=(4 * np.finfo(dtype).eps) ** 2)
    np.testing.assert_allclose(y, np.broadcast_to(bias[:, None, None], y.shape), atol=1e-4)


@every_layout
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_stays_with_what_shares_its_statistics(bad, layout):
    x, w, b, dy = operands((3, 18, 5, 4), "batch", "float32", layout)
    x[1, 4, 2, 3] = bad
    y, dx, dw, _ = batch(x, w, b, dy)
    for result in (y, dx):
        assert np.isnan(result[:, 4]).all()
        assert np.isfinite(np.delete(result, 4, 1)).all()
    assert np.flatnonzero(np.isnan(dw)).tolist() == [4]
    y, dx, *_ = group(lambda C: 6)(x, w, b, dy)
    for result in (y, dx):
        assert np.isnan(result[1, 3:6]).all()
        result[1, 3:6] = 0
        assert np.isfinite(result).all()
    with np.errstate(invalid="ignore"):
        y = norm.local_response_norm(x, 3)
    assert np.isnan(y[1, 4, 2, 3])
    assert np.isfinite(np.delete(y, [3, 4, 5], 1)).all()


def test_local_response_norm_of_one_channel_each_way():
    """size 2 reaches down, not up, as PyTorch's window does."""
    x = np.array([[1.0, 10.0, 100.0]])
    y = norm.local_response_norm(x, 2, alpha=2.0, beta=1.0, k=0.0)
    np.testing.assert_allclose(y, [[1 / 1, 10 / 101, 100 / 10100]])


@pytest.mark.parametrize("shape", [(16400, 128), (24, 90112)])
def test_layer_norm_of_large_arrays(shape):
    """Results that are stored past the caches."""
    x, w, b, dy = operands(shape, "layer", "float32")
    y, dx, dw, db = layer(x, w, b, dy)
    rows = [0, 1, shape[0] - 1]
    want = layer_textbook(*wide(x[rows], w, b, dy[rows]))
    assert_close((y[rows], dx[rows]), want[:2], "float32", factor=4)
    np.testing.assert_allclose(db, wide(dy)[0].sum(0), rtol=0, atol=1e-3)
    np.testing.assert_allclose(dw, (wide(dy)[0] * standard(wide(x)[0], (1,), 1e-5)[0]).sum(0), rtol=0, atol=2e-3)


def test_group_norm_of_a_group_a_channel_is_batch_norm_of_each_sample():
    x, w, b, dy = operands((3, 5, 4, 6), "batch")
    whole = group(lambda C: C)(x, w, b, dy)
    parts = [batch(x[n : n + 1], w, b, dy[n : n + 1]) for n in range(3)]
    for i in (0, 1):
        np.testing.assert_allclose(whole[i], np.concatenate([p[i] for p in parts]), rtol=1e-12, atol=1e-13)
    for i in (2, 3):
        np.testing.assert_allclose(whole[i], sum(p[i] for p in parts), rtol=1e-12)


@pytest.mark.parametrize("rows", [(), (7,), (3, 4)])
@pytest.mark.parametrize("last", [(5,), (19,), (2, 3), (2500,), (20011,), (4, 4096)])
def test_layer_norm_over_the_last_axes(rows, last):
    rng = np.random.default_rng(2)
    x, dy, w, b = (rng.standard_normal(shape) for shape in ((*rows, *last), (*rows, *last), last, last))
    y, mean, invstd = norm.layer_norm(x, last if len(last) > 1 else last[0], w, b, return_saved=True)
    assert mean.shape == invstd.shape == rows
    got = y, *norm.layer_norm_backward(dy, x, mean, invstd, w)
    flat = [a.reshape(-1, *last) for a in (x, dy)]
    want = layer_textbook(flat[0], w, b, flat[1])
    for g, e in zip(got, want, strict=True):
        np.testing.assert_allclose(g, e.reshape(g.shape), rtol=0, atol=1e-12)


# ---------------------------------------------------------------- memory


@every_dtype
@every_case
@pytest.mark.parametrize("odd", inputs.ODD)
@pytest.mark.parametrize("shape", [(4, 6, 5, 3), (4, 6, 5)])
def test_any_memory(shape, odd, case, dtype):
    ours, _ = CASES[case]
    a = operands(shape, case, dtype)
    plain = [np.array(odd(v)) for v in a]
    got = ours(*map(odd, a))
    for g, e in zip(got, ours(*(v.astype(dtype) for v in plain)), strict=True):
        np.testing.assert_allclose(g, e, rtol=0, atol=2e-4 if dtype == "float32" else 1e-11)


@every_dtype
@every_case
@pytest.mark.parametrize("odd", [inputs.negative, inputs.every_second, inputs.inside, inputs.misaligned])
def test_out_of_any_memory(odd, case, dtype):
    ours, _ = CASES[case]
    a = operands((3, 6, 5, 4), case, dtype)
    out, dout = (odd(np.full((3, 6, 5, 4), np.nan, dtype)) for _ in range(2))
    got = ours(*a, out, dout)
    assert got[0] is out
    assert got[1] is dout
    for g, e in zip(got, ours(*a), strict=True):
        np.testing.assert_array_equal(g, e)


@every_case
@pytest.mark.parametrize("size", [6, 19])
def test_channels_of_a_larger_buffer(size, case):
    """As inside a concatenation: the same bits, and the neighbours stay as they are."""
    ours, _ = CASES[case]
    a = operands((3, size, 5, 4), case, "float32")
    for layout in (inputs.channels_last, np.array):
        x, w, b, dy = layout(a[0]), *a[1:3], layout(a[3])
        whole = layout(np.full((3, size + 5, 5, 4), np.nan, "float32"))
        x_in, dy_in, out, dout = (whole.copy("K")[:, 2:-3] for _ in range(4))
        x_in[...], dy_in[...] = x, dy
        got = ours(x_in, w, b, dy_in, out, dout)
        for g, e in zip(got, ours(x, w, b, dy), strict=True):
            assert g.tobytes() == e.tobytes()
        for result in (out, dout):
            assert np.isnan(result.base).sum() == 3 * 5 * 4 * 5


@every_dtype
@every_layout
@pytest.mark.parametrize("case", ["batch", "group", "layer"])
def test_in_place(case, layout, dtype):
    ours, _ = CASES[case]
    x, w, b, dy = operands((3, 6, 5, 4), case, dtype, layout)
    want = ours(x, w, b, dy)
    dout = dy.copy("K")
    assert ours(x, w, b, dout, None, dout)[1].tobytes() == want[1].tobytes()
    out = x.copy("K")
    y = {
        "batch": lambda: norm.batch_norm(out, None, None, w, b, training=True, out=out),
        "group": lambda: norm.group_norm(out, a_divisor(6), w, b, out=out),
        "layer": lambda: norm.layer_norm(out, out.shape[1:], w, b, out=out),
    }[case]()
    assert y is out
    assert out.tobytes() == want[0].tobytes()


@every_case
def test_inputs_stay_as_they_are(case):
    ours, _ = CASES[case]
    a = operands((3, 6, 5, 4), case)
    before = [v.tobytes() for v in a]
    first = [r.tobytes() for r in ours(*a)]
    assert [v.tobytes() for v in a] == before
    assert [r.tobytes() for r in ours(*a)] == first


@pytest.mark.parametrize("odd", [inputs.negative, inputs.every_second, inputs.misaligned, inputs.swapped])
def test_running_statistics_in_any_memory(odd):
    x, *_ = operands((3, 6, 5, 4), "batch", "float32")
    plain, strange = [np.zeros(6, "float32"), np.ones(6, "float32")], [odd(a) for a in np.eye(2, 6, dtype="float32")]
    strange[0][...], strange[1][...] = 0, 1
    norm.batch_norm(x, *plain, training=True)
    norm.batch_norm(x, *strange, training=True)
    for p, s in zip(plain, strange, strict=True):
        np.testing.assert_array_equal(s, p)
    np.testing.assert_array_equal(norm.batch_norm(x, *strange), norm.batch_norm(x, *plain))


def test_a_prepared_call_copies_strange_memory_each_time():
    x, w, b, dy = operands((3, 6, 5, 4), "batch")
    strange, y, dx = (inputs.inside(np.zeros_like(x)) for _ in range(3))
    saved, gradients = np.zeros((2, 6)), np.zeros((2, 6))
    forward = norm.batch_norm_call(strange, y, w, b, None, None, *saved, 0.1, 1e-5, True)
    backward = norm.batch_norm_backward_call(inputs.inside(dy), strange, dx, w, *saved, *gradients, True)
    for factor in (1, 2):
        strange[...] = factor * x
        forward()
        backward()
        for g, e in zip((y, dx, *gradients), batch(factor * x, w, b, dy), strict=True):
            np.testing.assert_array_equal(g, e)


@every_layout
def test_gradients_of_parameters_without_dx(layout):
    x, _, _, dy = operands((3, 6, 5, 4), "batch", layout=layout)
    for backward, saved, shape in (
        (lambda *a: norm.batch_norm_backward_call(*a, True), (6,), (6,)),
        (norm.group_norm_backward_call, (3, 2), (6,)),
        (norm.layer_norm_backward_call, (3,), x.shape[1:]),
    ):
        mean, invstd = np.full(saved, 0.5), np.full(saved, 2.0)
        weight = np.ones(shape)
        with_dx, alone = np.full((2, *shape), np.nan), np.full((2, *shape), np.nan)
        backward(dy, x, np.empty_like(x), weight, mean, invstd, *with_dx)()
        backward(dy, x, None, weight, mean, invstd, *alone)()
        np.testing.assert_array_equal(alone, with_dx)


# ---------------------------------------------------------------- the same bits


@every_dtype
@every_layout
@every_case
@pytest.mark.parametrize("shape", [(5, 36, 9, 11), (300, 6)])
@pytest.mark.usefixtures("all_threads")
def test_bits_do_not_depend_on_threads(shape, case, layout, dtype):
    ours, _ = CASES[case]
    a = operands(shape, case, dtype, layout)
    results = []
    for threads in (1, 2, 4):
        fastconv.set_num_threads(threads)
        results.append([r.tobytes() for r in ours(*a)])
    assert results[1:] == results[:1] * 2


@every_dtype
@every_layout
@pytest.mark.parametrize("case", OF_ONE_SAMPLE)
def test_a_sample_alone_or_in_any_batch(case, layout, dtype):
    ours, _ = CASES[case]
    x, w, b, dy = operands((7, 18, 9, 5), case, dtype, layout)
    y, dx, *_ = ours(x, w, b, dy)
    for part in (slice(0, 1), slice(6, 7), slice(2, 5)):
        alone = ours(layout(x[part]), w, b, layout(dy[part]))
        assert alone[0].tobytes() == y[part].tobytes()
        assert alone[1].tobytes() == dx[part].tobytes()


@every_dtype
@every_layout
def test_a_prediction_alone_or_in_any_batch(layout, dtype):
    x, w, b, _ = operands((7, 18, 9, 5), "batch", dtype, layout)
    m, v = np.linspace(-1, 1, 18).astype(dtype), np.linspace(0.5, 2, 18).astype(dtype)
    y = norm.batch_norm(x, m, v, w, b)
    for n in range(7):
        assert norm.batch_norm(layout(x[n : n + 1]), m, v, w, b).tobytes() == y[n : n + 1].tobytes()


# ---------------------------------------------------------------- nothing, and what is refused


@every_dtype
@every_case
@pytest.mark.parametrize("shape", [(0, 6, 3, 4), (0, 6), (3, 6, 0, 4)])
def test_empty(shape, case, dtype):
    if case == "layer" and 0 in shape[1:]:
        shape = (0, 6, 3, 4)
    ours, _ = CASES[case]
    y, dx, *gradients = ours(*operands(shape, case, dtype))
    assert y.shape == dx.shape == shape
    for g in gradients:
        assert g.dtype == dtype
        assert not g.any()


def test_an_empty_batch_leaves_the_running_statistics():
    """pytorch#12013: running_mean = NaN"""
    m, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    norm.batch_norm(np.zeros((0, 2, 3, 3)), m, v, training=True)
    np.testing.assert_array_equal([m, v], [[1, 2], [3, 4]])


@pytest.mark.parametrize("shape", [(1, 4), (1, 4, 1, 1), (1, 4, 1)])
def test_one_value_per_channel_is_refused(shape):
    """FluxML/Flux.jl#2716: NaN in the running variance."""
    m, v = np.zeros(4), np.ones(4)
    with pytest.raises(ValueError, match=r"x must have more than one value per channel in training, got shape \(1, 4"):
        norm.batch_norm(np.ones(shape), m, v, training=True)
    assert not m.any()
    assert norm.batch_norm(np.ones(shape), m, v, eps=1e-9).shape == shape
    with pytest.raises(ValueError, match="more than one value"):
        norm.batch_norm_call(np.ones(shape), np.ones(shape), None, None, m, v, None, None, 0.1, 1e-5, True)


X, V4 = np.zeros((2, 4, 3, 3), "float32"), np.ones(4, "float32")
WRONG = [
    (lambda: norm.batch_norm(X, V4[:3], V4), ValueError, r"running_mean must have shape \(4,\).*got \(3,\)"),
    (lambda: norm.batch_norm(X, V4, V4[None]), ValueError, r"running_var must have shape \(4,\)"),
    (lambda: norm.batch_norm(X, V4, V4, V4[:2]), ValueError, r"weight must have shape \(4,\)"),
    (lambda: norm.batch_norm(X, V4, V4, None, V4[:2]), ValueError, r"bias must have shape \(4,\)"),
    (lambda: norm.batch_norm(X, None, None), ValueError, "must be given unless training=True"),
    (lambda: norm.batch_norm(X, V4, None), ValueError, "must both be given or both be None"),
    (lambda: norm.batch_norm(X, V4, V4.astype("float64")), TypeError, "x and running_var must have the same dtype"),
    (lambda: norm.batch_norm(X, V4, V4, eps=0), ValueError, "eps must be > 0, got 0"),
    (lambda: norm.batch_norm(X, V4, V4, eps=np.nan), ValueError, "eps must be > 0, got nan"),
    (lambda: norm.batch_norm(X, V4, V4, momentum=1.5), ValueError, "momentum must be from 0 to 1, got 1.5"),
    (lambda: norm.batch_norm(X, V4, V4, momentum=None), TypeError, "momentum must be a number"),
    (lambda: norm.batch_norm(X[0, 0, 0], V4, V4), ValueError, r"x must have shape \(N, C\)"),
    (lambda: norm.batch_norm(X.astype(int), V4, V4), TypeError, "x must be float32 or float64"),
    (lambda: norm.batch_norm(X, [1.0] * 4, [1.0] * 4, training=True), TypeError, "running_mean must be a numpy"),
    (lambda: norm.batch_norm(X, inputs.readonly(V4), V4, training=True), ValueError, "running_mean must be writable"),
    (
        lambda: norm.batch_norm(X, V4, V4, training=True),
        ValueError,
        "running_mean must not share memory with running_v",
    ),
    (
        lambda: norm.batch_norm(X, V4 + 1, X[0, :, 0, 0], training=True),
        ValueError,
        "running_var must not share.*with x",
    ),
    (lambda: norm.batch_norm(X, V4 + 1, V4, V4, training=True), ValueError, "running_var must not share.*with weight"),
    (lambda: norm.batch_norm(X, V4, V4 + 1, out=X[:1]), ValueError, "out must have shape"),
    (lambda: norm.batch_norm(X[:1, :, :2, :2], V4, V4, out=V4.reshape(1, 4, 1, 1)), ValueError, "out must have shape"),
    (lambda: norm.batch_norm_backward(X, X[:1], V4, V4), ValueError, r"x must have shape \(2, 4, 3, 3\)"),
    (lambda: norm.batch_norm_backward(X, X, V4[:2], V4), ValueError, r"mean must have shape \(4,\)"),
    (lambda: norm.batch_norm_backward(X, X, V4, None), TypeError, "invstd must be an array, got None"),
    (lambda: norm.group_norm(X, 3), ValueError, r"num_groups must divide the channels.*got 3"),
    (lambda: norm.group_norm(X, 0), ValueError, "num_groups must be >= 1, got 0"),
    (lambda: norm.group_norm(X, 2.0), TypeError, "num_groups must be an integer"),
    (lambda: norm.group_norm(X, 2, V4[:2]), ValueError, r"weight must have shape \(4,\)"),
    (lambda: norm.group_norm_backward(X, X, V4, V4), ValueError, r"mean must have shape \(N, num_groups\)"),
    (lambda: norm.group_norm_backward(X, X, *X[:, :3, :, 0].reshape(3, 2, 3)[:2]), ValueError, "mean must have"),
    (lambda: norm.layer_norm(X, (3, 4)), ValueError, r"normalized_shape must be the extents.*got \(3, 4\)"),
    (lambda: norm.layer_norm(X, ()), ValueError, "normalized_shape must be the extents"),
    (lambda: norm.layer_norm(X, (2, 2, 4, 3, 3)), ValueError, "normalized_shape must be the extents"),
    (lambda: norm.layer_norm(X, 3.0), TypeError, "normalized_shape must be an integer or a tuple"),
    (lambda: norm.layer_norm(X, 3, V4), ValueError, r"weight must have shape \(3,\)"),
    (lambda: norm.layer_norm_backward(X, X, V4, V4), ValueError, "mean must have the shape of the first axes"),
    (lambda: norm.layer_norm_backward(X, X, X, X), ValueError, "mean must have the shape of the first axes"),
    (lambda: norm.local_response_norm(X, 0), ValueError, "size must be >= 1, got 0"),
    (lambda: norm.local_response_norm(X, 2**62), ValueError, "size must be below"),
    (lambda: norm.local_response_norm(X, 1.0), TypeError, "size must be an integer"),
    (lambda: norm.local_response_norm(X, 3, alpha="much"), TypeError, "alpha must be a number"),
    (lambda: norm.local_response_norm(X, 3, out=X), ValueError, "out must not share memory with x"),
    (lambda: norm.local_response_norm_backward(X[:1], X, 3), ValueError, "x must have shape"),
    (lambda: norm.local_response_norm_backward(V4, V4, 3), ValueError, r"x must have shape \(N, C\)"),
]


@pytest.mark.parametrize(("call", "error", "said"), WRONG)
def test_what_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()
    assert (V4 == 1).all()


# ---------------------------------------------------------------- nothing is touched beyond an operand


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
def test_no_access_beyond_an_operand():
    """A fault would end the process, so this runs in another one."""
    child.run(__file__, OMP_NUM_THREADS="1")


def beside_forbidden_pages():
    shapes = [(2, 1, 3, 3), (3, 18, 2, 1), (2, 35, 3, 5), (5, 6), (2, 3, 5, 7), (3, 72, 1, 1)]
    for seed, shape in enumerate(shapes * 2):
        dtype, layout = inputs.DTYPES[seed % 2], (np.array, inputs.channels_last)[seed // len(shapes)]
        for case in CASES:
            if case == "instance" and shape[2:] in ((), (1, 1)):
                continue
            a = operands(shape, case, dtype, layout)
            expected = CASES[case][0](*a)
            for at_end in (True, False):
                out, dout = (between_pages(np.full_like(a[0], np.nan), at_end) for _ in range(2))
                got = CASES[case][0](*(between_pages(v, at_end) for v in a), out, dout)
                for g, e in zip(got, expected, strict=True):
                    np.testing.assert_array_equal(g, e)


if __name__ == "__main__":
    beside_forbidden_pages()
