"""Batch normalisation: prediction, running statistics, variances far from zero."""

import inputs
import numpy as np
import pytest
from norm_cases import (
    SHAPES,
    assert_close,
    batch,
    batch_textbook,
    every_dtype,
    every_layout,
    operands,
    over_channels,
    terms,
    wide,
    without,
)

from fastconv.ops import norm


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
    forward = norm.batch_norm_call(strange, y, w, b, None, *saved, 0.1, 1e-5, True)
    backward = norm.batch_norm_backward_call(inputs.inside(dy), strange, dx, w, *saved, gradients, True)
    for factor in (1, 2):
        strange[...] = factor * x
        forward()
        backward()
        for g, e in zip((y, dx, *gradients), batch(factor * x, w, b, dy), strict=True):
            np.testing.assert_array_equal(g, e)


@every_dtype
@every_layout
def test_a_prediction_alone_or_in_any_batch(layout, dtype):
    x, w, b, _ = operands((7, 18, 9, 5), "batch", dtype, layout)
    m, v = np.linspace(-1, 1, 18).astype(dtype), np.linspace(0.5, 2, 18).astype(dtype)
    y = norm.batch_norm(x, m, v, w, b)
    for n in range(7):
        assert norm.batch_norm(layout(x[n : n + 1]), m, v, w, b).tobytes() == y[n : n + 1].tobytes()


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
        norm.batch_norm_call(np.ones(shape), np.ones(shape), None, None, (m, v), None, None, 0.1, 1e-5, True)
