"""Every layer with its settings, written as ONNX and run by the reference of onnx: what the network predicts."""

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
import onnx_reference
from onnx_cases import CASES, IMAGE, filled

import fastconv.onnx
from fastconv import concat, layers, sequential, split
from fastconv.models.convnext import LayerScale, PixelLinear
from fastconv.models.resnet_cifar import Shortcut
from fastconv.onnx.writing.table import LAYERS

NEWEST = onnx.defs.onnx_opset_version()
OF_MODELS = {Shortcut, PixelLinear, LayerScale}
OPSETS = (13, 17, 20, NEWEST)  # between them the operators that some layers use come in


def agree(network, x, path, within=1e-5, **options):
    """The file gives what the network predicts."""
    fastconv.onnx.save(network, path, **options)
    result, expected = onnx_reference.run(path, x), network.predict(x)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=within, atol=within)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(("layer", "shape"), CASES, ids=[f"{layer}-{shape}" for layer, shape in CASES])
def test_a_layer_gives_what_it_predicts(layer, shape, opset, tmp_path):
    for dtype in ("float32", "float64"):
        network, x = filled(layer, shape, dtype)
        agree(network, x, tmp_path / "layer.onnx", opset=opset)


def test_every_layer_has_a_translation_and_a_case():
    known = {getattr(layers, name) for name in layers.__all__}
    assert set(LAYERS) == known | OF_MODELS
    assert {type(layer) for layer, _ in CASES} == set(LAYERS)


@pytest.mark.parametrize("opset", range(13, NEWEST + 1))
def test_products_and_slices(opset, tmp_path):
    def model(x):
        left, right = split(x, 2)
        gate, rows = layers.AdaptiveAvgPool2D(1)(x), layers.Conv2D(1, 1)(x)
        return concat(left * right, right - left, x[1:2] * rows, x * gate * rows, 1 - x / 2)

    network, x = filled(model, IMAGE, "float32")
    agree(network, x, tmp_path / "joints.onnx", opset=opset)


@pytest.mark.parametrize("opset", range(13, NEWEST + 1))
def test_joints_and_a_layer_that_is_used_twice(opset, tmp_path):
    conv = layers.Conv2D(4, 3, padding=1)

    def model(x):
        y = conv(x)
        return concat(conv(y) + x, y, x)

    network, x = filled(model, IMAGE, "float32")
    agree(network, x, tmp_path / "joints.onnx", 1e-4, opset=opset)
    assert len(onnx.load(tmp_path / "joints.onnx").graph.initializer) == 2


@pytest.mark.parametrize(
    "model", [layers.Dropout(), lambda x: x, sequential()], ids=["dropout", "nothing", "no layers"]
)
def test_a_network_that_does_nothing(model, tmp_path):
    network, x = filled(model, IMAGE, "float32")
    agree(network, x, tmp_path / "same.onnx")
