"""Softmax and log-softmax: the textbook in long double, infinities, every kind of memory."""

import inputs
import numpy as np
import pytest
from activation_cases import (
    OUTS,
    bits,
    dtype_of,
    every_dtype,
    function,
    given_out,
    gradient,
)

import fastconv


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
@pytest.mark.parametrize("classes", [1, 2, 3, 7, 10, 15, 16, 17])
@pytest.mark.parametrize("images", [2, 4, 5, 70])
def test_softmax_of_few_classes_has_the_bits_of_each_image_alone(classes, images, dtype):
    """Rows shorter than a vector are computed side by side where there are several, a row in each lane."""
    x = 5 * inputs.real(np.random.default_rng(15), (images, classes), dtype)
    for odd in (None, np.inf, -np.inf, np.nan):
        x[images // 2, classes // 2] = x[images // 2, classes // 2] if odd is None else odd
        y = fastconv.softmax(x)
        assert y.tobytes() == np.concatenate([fastconv.softmax(one[None]) for one in x]).tobytes()
        maps = np.ascontiguousarray(x.T)[None, :, None]  # (1, classes, 1, images): in one job too
        assert np.ascontiguousarray(fastconv.softmax(maps, 1)[0, :, 0].T).tobytes() == y.tobytes()
        over = x.copy()
        assert fastconv.softmax(over, out=over).tobytes() == y.tobytes()
    known = np.arange(images) != images // 2
    want = softmax_textbook(x[known].astype(np.longdouble), 1)
    bound = (4 + np.abs(np.log(want))) * np.finfo(dtype).eps * want
    assert (np.abs(y[known] - want) <= bound).all()


@every_dtype
def test_softmax_of_large_logits(dtype):
    x = np.array([[1e30, 1e30, -1e30], [-1e30, -1e30, -1e30]], dtype)
    np.testing.assert_allclose(fastconv.softmax(x), [[0.5, 0.5, 0], [1 / 3] * 3], rtol=1e-6)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 4)])
def test_softmax_of_nothing(shape):
    for axis in range(len(shape)):
        assert fastconv.softmax(np.zeros(shape), axis).shape == shape
        assert fastconv.log_softmax_backward(np.zeros(shape), np.zeros(shape), axis).shape == shape


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
    for axis in (1.0, "1", True):
        with pytest.raises(TypeError, match="axis must be an integer"):
            function(name)(x, axis)


@pytest.mark.parametrize(
    ("shape", "axis"), [((5,), 0), ((4, 5), 1), ((3, 4, 5), 0), ((2, 3, 4, 5), 1), ((2, 2, 3, 4, 5), 4)]
)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_the_axis_is_that_of_the_channels_where_none_is_given(name, shape, axis):
    """As the layers do it: the first of an image, the second of a batch of images; the last of everything else."""
    x, dy = np.random.default_rng(0).standard_normal((2, *shape))
    np.testing.assert_array_equal(function(name)(x), function(name)(x, axis))
    np.testing.assert_array_equal(gradient(name)(dy, x), gradient(name)(dy, x, axis))
    y = function(name)(x)
    np.testing.assert_array_equal(gradient(name)(dy, y=y), gradient(name)(dy, axis=axis, y=y))


def test_the_function_and_the_layer_have_one_axis():
    x = np.random.default_rng(1).standard_normal((2, 3, 4, 5))
    layer = fastconv.Network(fastconv.layers.Softmax(), (3, 4, 5), "float64")
    np.testing.assert_array_equal(fastconv.softmax(x), layer.predict(x))
