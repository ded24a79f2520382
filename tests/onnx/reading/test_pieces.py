"""Layers that files hold in pieces, and quantized files."""

import numpy as np
import pytest
from onnx_models import images, model_of, node, reference

import fastconv
from fastconv.onnx import load

IMAGE = (4, 8, 9)


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def number(value):
    return np.array(value, "float32")


def last_layer(nodes, arrays=None, opset=17):
    """The layer of the output."""
    return load(model_of(nodes, IMAGE, arrays, opset).SerializeToString()).output.layer


@pytest.mark.parametrize("gate", ["h", "b"])
def test_hard_swish_in_pieces_is_one_layer(gate):
    nodes = [node("Add", "x three", "a"), node("Clip", "a zero six", "b"), node("Div", "b six", "h")]
    last = [node("Mul", "x h")] if gate == "h" else [node("Mul", "b x", "m"), node("Mul", "m sixth")]
    arrays = {"three": number(3), "zero": number(0), "six": number(6), "sixth": number(1 / 6)}
    model = model_of([*nodes, *last], IMAGE, arrays)
    network = load(model.SerializeToString())
    assert isinstance(network.output.layer, fastconv.HardSwish)
    assert [n.kind for n in network.nodes] == ["input", "layer"]
    x = images(2, *IMAGE)
    np.testing.assert_allclose(network.predict(x), reference(model, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("half", ["first", "last"])
def test_gelu_by_erf_is_one_layer(half):
    arrays = {"root": number(np.sqrt(2)), "one": number(1), "half": number(0.5)}
    nodes = [node("Div", "x root", "a"), node("Erf", "a", "e"), node("Add", "e one", "f")]
    if half == "first":
        nodes += [node("Mul", "x half", "h"), node("Mul", "h f")]
    else:
        nodes += [node("Mul", "x f", "g"), node("Mul", "g half")]
    model = model_of(nodes, IMAGE, arrays)
    network = load(model.SerializeToString())
    assert [repr(n.layer) for n in network.nodes[1:]] == ["GELU()"]
    x = images(2, *IMAGE)
    np.testing.assert_allclose(network.predict(x), reference(model, x), rtol=1e-5, atol=1e-6)


def test_mish_in_pieces_is_one_layer():
    nodes = [node("Softplus", "x", "s"), node("Tanh", "s", "t"), node("Mul", "t x")]
    assert isinstance(last_layer(nodes), fastconv.Mish)


def test_softsign_in_pieces_is_one_layer():
    nodes = [node("Abs", "x", "s"), node("Add", "s one", "t"), node("Div", "x t")]
    assert isinstance(last_layer(nodes, {"one": number(1)}), fastconv.Softsign)


def test_silu_in_pieces_is_one_layer():
    assert isinstance(last_layer([node("Sigmoid", "x", "s"), node("Mul", "x s")]), fastconv.SiLU)


def test_what_is_quantized_is_computed_in_floats():
    """The weights have the rounding of the file; the images only its bounds."""
    arrays = {"w": np.array(normal(6, 4, 3, 3) * 40, np.int8), "s": number(0.025), "z": np.array(0, np.int8)}
    arrays |= {"t": number(0.01), "u": np.array(128, np.uint8)}
    nodes = [node("DequantizeLinear", "w s z", "k"), node("QuantizeLinear", "x t u", "q")]
    nodes += [node("DequantizeLinear", "q t u", "r"), node("Conv", "r k")]
    model = model_of(nodes, IMAGE, arrays, opset=19)
    x = images(2, *IMAGE)
    found = load(model.SerializeToString()).predict(x)
    expected = reference(model, x)
    assert np.abs(found - expected).max() < 0.005 * 36 * 0.8  # half a step for each of 36 products
    assert np.abs(found - expected).max() > 0
    exact = np.clip(x, -1.28, 1.27)
    plain = model_of([node("Conv", "x k")], IMAGE, {"k": arrays["w"] * arrays["s"]})
    np.testing.assert_allclose(found, reference(plain, exact), rtol=1e-4, atol=1e-5)
