"""Batch normalisation with a residual and an activation: the same bits as one after the other, in every memory."""

import inputs
import numpy as np
import pytest
import reference

import fastconv
from fastconv.ops import check, norm

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
every_layout = pytest.mark.parametrize("layout", [np.array, inputs.channels_last], ids=["planar", "channels_last"])
every_activation = pytest.mark.parametrize("activation", [None, "relu", "relu6"])
LIMIT = {None: None, "relu": np.inf, "relu6": 6}
MEMORY = {
    "planar": np.array,
    "channels_last": inputs.channels_last,
    "channel slice": inputs.channel_slice,
    "inside": inputs.inside,
}
SHAPES = [(5, 7), (3, 19, 5, 3), (2, 3, 40, 60), (4, 64, 7, 7), (2, 70, 9, 4), (40, 6, 1, 1), (3, 6, 5)]


class Problem:
    """Arrays of one batch norm in some memory; results start as NaN."""

    def __init__(self, shape, dtype, layout=np.array, training=True, seed=0, rows=2):
        rng = np.random.default_rng(seed)
        self.layout, self.training, self.shape, self.dtype = layout, training, shape, dtype
        self.x, self.residual, self.dy = (layout(3 * inputs.real(rng, shape, dtype) + 1) for _ in range(3))
        self.weight, self.bias, self.running_mean = (inputs.real(rng, shape[1], dtype) for _ in range(3))
        self.running_var = rng.uniform(2, 9, shape[1]).astype(dtype)
        self.mean, self.invstd = np.zeros((rows, shape[1]), dtype), np.zeros(shape[1], dtype)
        if rows == 1:
            self.mean = self.mean[0]

    def empty(self):
        return self.layout(np.full(self.shape, np.nan, self.dtype))

    def forward(self, activation=None, residual=None, y=None, x=None):
        y = self.empty() if y is None else y
        running = self.running_mean.copy(), self.running_var.copy()
        numbers = self.mean, self.invstd, 0.1, 1e-5, self.training
        x = self.x if x is None else x
        norm.batch_norm_call(x, y, self.weight, self.bias, running, *numbers, activation, residual)()
        return y

    def backward(self, dy, activation=None, y=None, dresidual=None, dx=None):
        dx = self.empty() if dx is None else dx
        gradients = np.full((2, self.shape[1]), np.nan, self.dtype)
        rest = self.weight, self.mean, self.invstd, gradients, self.training
        norm.batch_norm_backward_call(dy, self.x, dx, *rest, activation, self.bias, y, dresidual)()
        return dx, *gradients


def activated(v, activation):
    return v if activation is None else np.clip(v, 0, LIMIT[activation])


def let_through(dy, y, activation):
    return dy if activation is None else np.where((y <= 0) | (y >= LIMIT[activation]), 0, dy).astype(dy.dtype)


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)
    assert np.array(a).tobytes() == np.array(b).tobytes()


@every_dtype
@every_activation
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_bits_of_one_after_the_other(shape, memory, training, activation, dtype):
    p = Problem(shape, dtype, MEMORY[memory], training)
    plain = np.array(p.forward())
    y = p.forward(activation)
    same(y, activated(plain, activation))
    dz = let_through(np.array(p.dy), y, activation)
    want = p.backward(p.layout(dz))
    for given in (None, y):
        for got, e in zip(p.backward(p.dy, activation, given), want, strict=True):
            same(got, e)
    kept = p.empty()
    for got, e in zip(p.backward(p.dy, activation, None, kept), want, strict=True):
        same(got, e)
    same(kept, dz)


@every_dtype
@every_activation
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_bits_with_a_residual(shape, memory, training, activation, dtype):
    p = Problem(shape, dtype, MEMORY[memory], training)
    want = activated(np.array(p.forward()) + np.array(p.residual), activation)
    y = p.forward(activation, p.residual)
    same(y, want)
    in_place = p.layout(np.array(p.residual))
    same(p.forward(activation, in_place, in_place), want)
    dz = let_through(np.array(p.dy), y, activation)
    want, kept, over_dy = p.backward(p.layout(dz)), p.empty(), p.layout(np.array(p.dy))
    for got in (
        p.backward(p.dy, activation, y, kept),
        p.backward(over_dy, activation, y, over_dy),
        p.backward(p.dy, activation, y),
    ):
        for g, e in zip(got, want, strict=True):
            same(g, e)
    same(kept, dz)
    same(over_dy, dz)


@every_dtype
@every_activation
@pytest.mark.parametrize("memory", ["planar", "channels_last"])
def test_in_place(memory, activation, dtype):
    """y over x, dx over dy (with dresidual elsewhere, too)."""
    p = Problem((3, 19, 6, 5), dtype, MEMORY[memory])
    want = p.forward(activation, p.residual)
    x = p.layout(np.array(p.x))
    same(p.forward(activation, p.residual, x, x), want)
    gradients = p.backward(p.dy, activation, want)
    for kept in (None, p.empty()):
        dy = p.layout(np.array(p.dy))
        for g, e in zip(p.backward(dy, activation, want, kept, dy), gradients, strict=True):
            same(g, e)


def on_lines(memory):
    """A function that copies an array to memory that starts on a cache line, without which nothing is streamed."""

    def copied(a):
        y = check.empty(a.shape, a.dtype, memory)
        y[...] = a
        return y

    return copied


@pytest.mark.parametrize("shape", [(5, 64, 112, 112), (67, 41, 28, 28)])
@pytest.mark.parametrize("memory", [None, "channels_last"])
def test_large_results(memory, shape):
    """Those are stored past the caches; in planar memory beside the sums of the next channel, and not so in place."""
    p = Problem(shape, "float32", on_lines(memory))
    plain = np.array(p.forward())
    over_x = p.layout(np.array(p.x))
    same(p.forward(None, None, over_x, over_x), plain)
    y = p.forward("relu", p.residual)
    same(y, activated(plain + np.array(p.residual), "relu"))
    whole = np.array(p.backward(p.dy, "relu", y)[0])
    over_dy = p.layout(np.array(p.dy))
    same(p.backward(over_dy, "relu", y, None, over_dy)[0], whole)


@every_dtype
@pytest.mark.parametrize("activation", ["relu", "relu6"])
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("memory", ["planar", "channels_last"])
def test_the_mask_is_that_of_the_forward_pass(memory, rows, activation, dtype):
    """Few values, far from 0, so that many results are 0 or 6 but for their rounding."""
    p = Problem((7, 37, 23, 11), dtype, MEMORY[memory], rows=rows)
    rng = np.random.default_rng(5)
    p.x = p.layout((8192 + rng.integers(-8, 9, p.shape) / 8 + rng.integers(0, 9, (37, 1, 1))).astype(dtype))
    mean = np.array(p.x, "float64").mean((0, 2, 3))
    grid = np.array(p.x, "float64")[0, :, 0, 0]
    invstd = 1 / np.sqrt(np.array(p.x, "float64").var((0, 2, 3)) + 1e-5)
    p.bias = (-(grid - mean) * invstd * p.weight + 6 * (np.arange(37) % 2)).astype(dtype)
    y = np.array(p.forward(activation))
    near = np.minimum(abs(y), abs(y - 6)) < 1e-5
    assert near.mean() > 0.01
    kept, ones = p.empty(), p.layout(np.ones(p.shape, dtype))
    p.backward(ones, activation, None, kept)
    same(kept, let_through(np.ones_like(y), y, activation))
    exact = np.array(p.forward())
    np.testing.assert_allclose(y, activated(exact, activation), rtol=0, atol=(2e-7 if rows == 2 else 2e-3))


@pytest.mark.parametrize("memory", ["planar", "channels_last"])
@pytest.mark.parametrize(("activation", "bias"), [("relu", 0.0), ("relu6", 0.0), ("relu6", 6.0)])
def test_nothing_passes_at_the_ends(memory, activation, bias):
    p = Problem((2, 3, 5, 4), "float64", MEMORY[memory])
    p.x = p.layout(np.resize([-1.0, 0.0, 1.0, 0.0], p.shape))
    p.weight, p.bias = np.ones(3), np.full(3, bias)
    y, kept = np.array(p.forward(activation)), p.empty()
    assert (y == bias).sum() >= 60
    p.backward(p.layout(np.ones(p.shape)), activation, None, kept)
    assert not kept[y == bias].any()


@every_dtype
@pytest.mark.parametrize("activation", ["relu", "relu6"])
@pytest.mark.parametrize("memory", ["planar", "channels_last"])
@pytest.mark.parametrize("given", [False, True])
def test_nan_comes_through(given, memory, activation, dtype):
    p = Problem((2, 21, 5, 4), dtype, MEMORY[memory], training=False)
    p.x[1, 3, 2, 1] = p.x[0, 20, 4, 3] = np.nan
    if given:
        p.residual[0, 5, 0, 0] = np.nan
    y, kept = p.forward(activation, p.residual if given else None), p.empty()
    assert np.isnan(y).sum() == 2 + given
    p.backward(p.dy, activation, y if given else None, kept)
    same(kept[np.isnan(y)], p.dy[np.isnan(y)])


@every_activation
@every_layout
@pytest.mark.parametrize("training", [True, False])
def test_gradients_against_central_differences(training, layout, activation):
    p = Problem((3, 5, 4, 3), "float64", layout, training)
    y, dresidual = p.forward(activation, p.residual), p.empty()
    dx, dweight, dbias = p.backward(p.dy, activation, y, dresidual)

    def value(name):
        def run(v):
            before, result = getattr(p, name), None
            setattr(p, name, v)
            result = p.forward(activation, p.residual)
            setattr(p, name, before)
            return result

        return run

    for name, gradient in (("x", dx), ("residual", dresidual), ("weight", dweight), ("bias", dbias)):
        numbers = reference.central_difference(value(name), getattr(p, name), p.dy)
        np.testing.assert_allclose(gradient, numbers, rtol=1e-6, atol=1e-7, err_msg=name)


@every_dtype
@every_layout
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 36, 9, 11), (300, 6), (2, 5, 70, 60)])
@pytest.mark.usefixtures("all_threads")
def test_bits_do_not_depend_on_threads(shape, training, layout, dtype):
    results = []
    for threads in (1, 2, 3):
        fastconv.set_num_threads(threads)
        p = Problem(shape, dtype, layout, training)
        y, kept = p.forward("relu", p.residual), p.empty()
        arrays = y, kept, p.forward("relu6"), *p.backward(p.dy, "relu", y, kept), *p.backward(p.dy, "relu6"), p.mean
        results.append([np.array(a).tobytes() for a in arrays])
    assert results[1:] == results[:1] * 2


def test_parameters_alone():
    """dx is not wanted; nor are weight and bias there."""
    p = Problem((3, 6, 5, 4), "float64")
    y = p.forward("relu", p.residual)
    want, kept = p.backward(p.dy, "relu", y), p.empty()
    gradients = np.full((2, 6), np.nan)
    rest = p.weight, p.mean, p.invstd, gradients, True
    norm.batch_norm_backward_call(p.dy, p.x, None, *rest, "relu", None, y, kept)()
    same(gradients, np.array(want[1:]))
    same(kept, let_through(p.dy, y, "relu"))
    p.weight = p.bias = None
    y = p.forward("relu")
    same(p.backward(p.dy, "relu")[0], p.backward(p.dy, "relu", y)[0])


def test_an_empty_batch():
    p = Problem((0, 6, 5, 4), "float32")
    assert p.forward("relu", p.residual).shape == (0, 6, 5, 4)
    _, dweight, dbias = p.backward(p.dy, "relu", p.empty(), p.empty())
    assert not dweight.any()
    assert not dbias.any()
