"""Samples of two axes (tokens, features): Linear and LayerNorm along the last axis, and LayerNorm at each pixel."""

import numpy as np
import pytest

from fastconv import SGD, CrossEntropy, Network, concat, layers, losses, sequential, train_step
from fastconv.executor import parameter_gradients
from fastconv.layers import GELU, Affine, BatchNorm, Conv2D, Flatten, LayerNorm, Linear, Permute, ReLU, Reshape

SUM = losses.MSE("sum")
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def images(shape, n=3, dtype="float32", seed=0):
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(dtype)


def rtol(dtype):
    return 1e-5 if dtype == "float32" else 1e-12


@every_dtype
@pytest.mark.parametrize("bias", [True, False])
def test_linear_treats_each_token_alike(bias, dtype):
    """y[n,t] = W x[n,t] + b, dx[n,t] = W^T dy[n,t], dW = sum of dy[n,t] x[n,t]^T, db = sum of dy[n,t]; in float64."""
    network, x = Network(Linear(5, bias=bias, name="fc"), (4, 7), dtype, seed=0), images((4, 7), dtype=dtype)
    assert network.output_shape == (4, 5)
    w = network.parameters["fc.weight"].astype("float64")
    b = np.arange(5) if bias else np.zeros(5)
    if bias:
        network.parameters["fc.bias"][...] = b
    y = np.einsum("oi,nti->nto", w, x.astype("float64")) + b
    np.testing.assert_allclose(network.predict(x), y, rtol=0, atol=10 * rtol(dtype))
    _, gradients, dx = network.gradients(x, np.zeros_like(y, dtype), SUM, inputs=True)
    np.testing.assert_allclose(dx, np.einsum("oi,nto->nti", w, 2 * y), rtol=0, atol=50 * rtol(dtype))
    np.testing.assert_allclose(gradients["fc.weight"], np.einsum("nto,nti->oi", 2 * y, x), atol=100 * rtol(dtype))
    assert ("fc.bias" in gradients) == bias
    if bias:
        np.testing.assert_allclose(gradients["fc.bias"], (2 * y).sum((0, 1)), atol=100 * rtol(dtype))


@every_dtype
@pytest.mark.parametrize(("tokens", "inputs", "outputs"), [(256, 33, 32), (300, 40, 49), (257, 7, 100)])
def test_many_tokens_are_the_pixels_of_an_image(tokens, inputs, outputs, dtype):
    """Which is quicker; the results are those of the matrix, with the bits of an image alone."""

    def model(x):
        return ReLU()(Linear(outputs, name="a")(x)) + Linear(outputs, name="b")(
            concat(x, x)[tokens // 2 : -tokens // 2]
        )

    network, x = Network(model, (tokens, inputs), dtype, seed=0), images((tokens, inputs), dtype=dtype)
    p = {name: array.astype("float64") for name, array in network.parameters.items()}
    moved = np.concatenate([x, x], axis=1)[:, tokens // 2 : -tokens // 2]
    y = np.maximum(x @ p["a.weight"].T + p["a.bias"], 0) + moved @ p["b.weight"].T + p["b.bias"]
    for predict in (network.predict, network.freeze().predict):
        np.testing.assert_allclose(predict(x), y, rtol=0, atol=30 * rtol(dtype))
        assert predict(x[1:2]).tobytes() == predict(x)[1:2].tobytes()
    _, gradients = network.gradients(x, np.zeros_like(y, dtype), SUM)
    dy = 2 * np.where(x @ p["a.weight"].T + p["a.bias"] > 0, y, 0)
    np.testing.assert_allclose(gradients["a.bias"], dy.sum((0, 1)), rtol=0, atol=1e4 * rtol(dtype))


def test_multiply_adds_count_every_token():
    assert layers.Linear(5).multiply_adds((4, 7), (4, 5)) == 4 * 7 * 5
    assert layers.Linear(5).multiply_adds((7,), (5,)) == 35


def test_some_tokens_of_a_concatenation():
    """Tokens inside a longer array do not lie at one distance: linear layers read and write copies of them."""

    def model(x):
        both = concat(Linear(6, name="a")(x), Linear(6, name="b")(x))
        return Linear(2, name="c")(both) + Linear(2, name="d")(both)

    network, x = Network(model, (3, 6), "float64", seed=0), images((3, 6), dtype="float64")
    p = network.parameters
    both = np.concatenate([x @ p[f"{k}.weight"].T + p[f"{k}.bias"] for k in "ab"], axis=1)
    y = sum(both @ p[f"{k}.weight"].T + p[f"{k}.bias"] for k in "cd")
    np.testing.assert_allclose(network.predict(x), y, rtol=1e-12, atol=1e-12)
    dboth = 2 * y @ (p["c.weight"] + p["d.weight"])
    _, gradients, dx = network.gradients(x, np.zeros_like(y), SUM, inputs=True)
    np.testing.assert_allclose(gradients["b.weight"], np.einsum("nto,nti->oi", dboth[:, 3:], x), rtol=1e-10)
    np.testing.assert_allclose(gradients["a.bias"], dboth[:, :3].sum((0, 1)), rtol=1e-10)
    np.testing.assert_allclose(dx, dboth[:, :3] @ p["a.weight"] + dboth[:, 3:] @ p["b.weight"], rtol=1e-10)


@pytest.mark.parametrize("then", [BatchNorm, lambda: Affine([1, 2, 3, 4], 0.5)], ids=["batch norm", "affine"])
@pytest.mark.parametrize("outputs", [4, 6])
def test_a_norm_of_the_tokens_is_not_folded_into_the_weight(then, outputs):
    """Its numbers are those of the first axis, the tokens; the weight's those of the last."""
    network = Network(sequential(Linear(outputs), then(), ReLU()), (4, 7), seed=0)
    for name, array in network.arrays().items():
        if name.startswith("bn1.") and array.ndim:
            array[...] = np.random.default_rng(1).uniform(0.5, 2, array.shape)
    x = images((4, 7))
    np.testing.assert_allclose(network.freeze().predict(x), network.predict(x), rtol=0, atol=1e-5)


def textbook(x, w, b, axis, eps=1e-5):
    """y and what its backward needs, in float64."""
    mean = x.mean(axis, keepdims=True)
    z = (x - mean) / np.sqrt(((x - mean) ** 2).mean(axis, keepdims=True) + eps)
    return z, z * w + b


AXES = {
    "pixels": ("channels", (6, 5, 4), 1),
    "pixels, channels last": ("channels", (20, 5, 4), 1),
    "positions": ("channels", (6, 9), 1),
    "vectors": ("channels", (7,), 1),
    "tokens": ("last", (4, 7), 2),
    "rows": ("last", (3, 4, 5), 3),
    "features": ("last", (7,), 1),
}


@every_dtype
@pytest.mark.parametrize("case", AXES)
def test_layer_norm_along_one_axis(case, dtype):
    """y = z w + b, and the gradients from the equations, summed in float64."""
    axis, shape, place = AXES[case]
    model = LayerNorm(axis=axis, name="n")
    if case == "pixels, channels last":  # a convolution before it chooses the memory
        model = sequential(Conv2D(20, 1, bias=False, name="c"), model)
    network, x = Network(model, shape, dtype, seed=0), images(shape, dtype=dtype)
    if case == "pixels, channels last":
        network.parameters["c.weight"][...] = np.eye(20)[..., None, None]
        assert network.executor.channels_last
    count, rng = shape[place - 1], np.random.default_rng(1)
    along = [1] * (len(shape) + 1)
    along[place] = count
    numbers = {}
    for key in ("weight", "bias"):
        assert network.parameters[f"n.{key}"].shape == (count,)
        network.parameters[f"n.{key}"][...] = rng.normal(size=count)
        numbers[key] = network.parameters[f"n.{key}"].astype("float64").reshape(along)
    exact = x.astype("float64")
    z, y = textbook(exact, numbers["weight"], numbers["bias"], place)
    np.testing.assert_allclose(network.predict(x), y, rtol=0, atol=20 * rtol(dtype))
    _, gradients, dx = network.gradients(x, np.zeros_like(x), SUM, inputs=True)
    others = tuple(i for i in range(x.ndim) if i != place)
    np.testing.assert_allclose(gradients["n.weight"], (2 * y * z).sum(others), rtol=0, atol=500 * rtol(dtype))
    np.testing.assert_allclose(gradients["n.bias"], (2 * y).sum(others), rtol=0, atol=500 * rtol(dtype))
    g, deviation = 2 * y * numbers["weight"], np.sqrt(exact.var(place, keepdims=True) + 1e-5)
    expected = (g - g.mean(place, keepdims=True) - z * (g * z).mean(place, keepdims=True)) / deviation
    np.testing.assert_allclose(dx, expected, rtol=0, atol=100 * rtol(dtype))


def test_layer_norm_of_pixels_is_that_of_permuted_tokens():
    x = images((20, 5, 4))
    by_hand = sequential(Permute((1, 2, 0)), LayerNorm(axis="last"), Permute((2, 0, 1)))
    one, other = (Network(model, (20, 5, 4)).predict(x) for model in (LayerNorm(axis="channels"), by_hand))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("axis", [0, -1, "rows", True])
def test_axes_that_are_none(axis):
    with pytest.raises(ValueError, match=f"axis must be one of 'channels', 'last', got {axis!r}"):
        LayerNorm(axis=axis)


def test_images_are_no_tokens():
    with pytest.raises(ValueError, match=r"needs vectors \(features,\) or tokens \(tokens, features\), got shape"):
        Network(Linear(3), (3, 4, 4))


def mixer(x):
    """Tokens of patches, mixed by linear layers along both axes (Tolstikhin 2021)."""
    x = Permute((1, 0))(Reshape((12, -1))(Conv2D(12, 2, stride=2)(x)))
    y = Permute((1, 0))(LayerNorm(axis="last")(x))
    x = x + Permute((1, 0))(Linear(16)(GELU()(Linear(8)(y))))
    x = x + Linear(12)(GELU()(Linear(24)(LayerNorm(axis="last")(x))))
    return Linear(3)(Flatten()(x))


def test_a_large_weight_is_updated_by_rows(monkeypatch):
    """In lean training, a few rows of the gradient at a time, each over all tokens."""
    monkeypatch.setattr(parameter_gradients, "ROWS", 64)
    x, labels, pair = images((1, 8, 8), 12), np.arange(12) % 3, []
    for lean in (False, True):
        network = Network(mixer, (1, 8, 8), seed=0)
        train_step(network, x, labels, SGD(0.1), CrossEntropy(), lean=lean)
        pair.append(network.parameters.flat.tobytes())
    assert pair[0] == pair[1]


@pytest.mark.parametrize("lean", [False, True])
def test_a_network_of_tokens_trains_to_the_same_bits_on_any_threads(lean, all_threads):
    x, labels, results = images((1, 8, 8), 12), np.arange(12) % 3, []
    for threads in (1, 2):
        all_threads(threads)
        network, optimizer = Network(mixer, (1, 8, 8), seed=0), SGD(0.1, momentum=0.9)
        values = [train_step(network, x, labels, optimizer, CrossEntropy(), lean=lean) for _ in range(12)]
        assert values[-1] < 0.5 * values[0]
        results.append((values, network.predict(x).tobytes()))
    assert results[0] == results[1]
