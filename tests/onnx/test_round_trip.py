"""A network that is written as ONNX and read again: the same names and the same bits."""

import numpy as np
import pytest

pytest.importorskip("onnx")

from onnx_cases import CASES, filled

import fastconv.onnx
from fastconv import Network, layers, models
from fastconv.models.resnet_cifar import Shortcut
from fastconv.onnx import OnnxError

IN_PIECES = (  # what ONNX has no operator for, at least in opset 17 or with all settings: refused, or equal to rounding
    *(layers.AdaptiveAvgPool2D, layers.AdaptiveMaxPool2D, layers.AvgPool2D, layers.LpPool2D, layers.MaxPool2D),
    *(layers.GroupNorm, layers.LayerNorm, layers.LocalResponseNorm, layers.Affine, layers.InstanceNorm),
    *(layers.CELU, layers.Hardtanh, layers.LogSigmoid, layers.Mish, layers.SELU, layers.Softsign, layers.Threshold),
    *(layers.GELU, layers.Softplus, layers.Reshape, layers.Permute, layers.Flatten, layers.Upsample),
    *(layers.MainHead, Shortcut),
)
OTHER_NAMES = (layers.SeparableConv2D,)  # two convolutions there


def again(network, path, **options):
    """The network that comes back."""
    fastconv.onnx.save(network, path, **options)
    return fastconv.onnx.load(path, dtype=network.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layer", "shape"), CASES, ids=[f"{layer}-{shape}" for layer, shape in CASES])
def test_a_layer_comes_back(layer, shape, dtype, tmp_path):
    network, x = filled(layer, shape, dtype)
    try:
        other = again(network, tmp_path / "layer.onnx")
    except OnnxError:
        assert isinstance(layer, IN_PIECES)
        return
    expected, result = network.predict(x), other.predict(x)
    if isinstance(layer, IN_PIECES):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    else:
        assert result.tobytes() == expected.tobytes()
    if network.parameters and not isinstance(layer, OTHER_NAMES):
        assert other.parameters.keys() == network.parameters.keys()


MODELS = {
    "nielsen": (models.nielsen(pool="l2"), (1, 28, 28)),
    "lenet5": (models.lenet5(), (1, 28, 28)),
    "resnet18": (models.resnet18(num_classes=5), (3, 64, 64)),
    "squeezenet1_1": (models.squeezenet1_1(num_classes=5), (3, 64, 64)),
    "densenet121": (models.densenet121(num_classes=5), (3, 64, 64)),
    "mobilenet_v1": (models.mobilenet_v1(num_classes=5), (3, 64, 64)),
    "mobilenet_v2": (models.mobilenet_v2(num_classes=5), (3, 64, 64)),
    "googlenet": (models.googlenet(num_classes=5), (3, 64, 64)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_bit_for_bit(name, tmp_path):
    model, shape = MODELS[name]
    network, rng = Network(model, shape, seed=0), np.random.default_rng(1)
    for buffer, array in network.buffers.items():
        if buffer.endswith(("running_mean", "running_var")):
            array[...] = rng.uniform(0.5, 1.5, array.shape)
    x = rng.standard_normal((2, *shape)).astype("float32")
    other = again(network, tmp_path / "model.onnx")
    assert other.predict(x).tobytes() == network.predict(x).tobytes()
    assert list(other.parameters) == list(network.parameters)
    for key, array in network.parameters.items():
        np.testing.assert_array_equal(other.parameters[key], array)


def test_what_came_back_is_written_alike(tmp_path):
    network = Network(models.lenet5(), (1, 28, 28), seed=0)
    other = again(network, tmp_path / "first.onnx")
    again(other, tmp_path / "second.onnx")
    first, second = ((tmp_path / f"{name}.onnx").read_bytes() for name in ("first", "second"))
    assert len(first) == pytest.approx(len(second), abs=100)  # the name of the graph
