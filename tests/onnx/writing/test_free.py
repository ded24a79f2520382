"""H and W left free: the file gives what networks of other sizes with the same weights predict; or layers are named."""

import numpy as np
import pytest

pytest.importorskip("onnx")

import graphs
import onnx
import onnx_reference
from onnx_cases import CASES, filled

import fastconv.onnx
from fastconv import Network, concat, layers, models, sequential
from fastconv.onnx import OnnxError


def shape_of(value):
    return [extent.dim_param or extent.dim_value or None for extent in value.type.tensor_type.shape.dim]


def at(model, network, shape):
    """The network for images of another size."""
    other = Network(model, shape, network.dtype)
    other.load(network.arrays())
    return other


def agrees(model, network, path, shape):
    x = 5 + np.random.default_rng(2).standard_normal((2, *shape)).astype(network.dtype)  # above 0, for square roots
    expected = at(model, network, shape).predict(x)
    result = onnx_reference.run(path, x)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
    assert fastconv.onnx.load(path, shape, dtype=network.dtype).predict(x).tobytes() == expected.tobytes()


def attempt(network, path, **options):
    """Writes the file; what the error says, where it is refused."""
    try:
        fastconv.onnx.save(network, path, free_size=True, **options)
    except OnnxError as error:
        return str(error)
    return ""


def other(shape):
    """Larger, and as divisible."""
    return (shape[0], *(n + 12 * (k + 1) for k, n in enumerate(shape[1:])))


@pytest.mark.parametrize("opset", [17, 21])
@pytest.mark.parametrize(("layer", "shape"), CASES, ids=[f"{layer}-{shape}" for layer, shape in CASES])
def test_a_layer_is_right_at_another_size_or_refused(layer, shape, opset, tmp_path):
    network, _ = filled(layer, shape, "float32")
    why = attempt(network, tmp_path / "layer.onnx", opset=opset)
    if why:
        assert f"({type(layer).__name__})" in why or "of no other size" in why
    else:
        agrees(layer, network, tmp_path / "layer.onnx", other(shape))


FREE = {
    "fully convolutional": sequential(
        layers.Conv2D(4, 3, stride=2, padding=1), layers.BatchNorm(), layers.ReLU(), layers.GroupNorm(2)
    ),
    "pooled": sequential(layers.Conv2D(4, 3), layers.AdaptiveAvgPool2D(1), layers.Flatten(), layers.Linear(3)),
    "shuffled": sequential(layers.Conv2D(4, 1), layers.ChannelShuffle(2), layers.GlobalMaxPool2D()),
    "joints": lambda x: concat(x * layers.AdaptiveAvgPool2D(1)(x), layers.Upsample(2)(layers.MaxPool2D(2)(x)), x[1:2]),
    "resnet18": models.resnet18(num_classes=4),
    "shufflenet": models.shufflenet_v2_x0_5(num_classes=4),
    "unet": models.unet(num_classes=2),
}


@pytest.mark.parametrize("name", FREE)
def test_a_network_is_right_at_other_sizes(name, tmp_path):
    network, path = Network(FREE[name], (3, 32, 32), seed=0), tmp_path / "free.onnx"
    fastconv.onnx.save(network, path, free_size=True)
    graph = onnx.load(path).graph
    assert shape_of(graph.input[0]) == ["N", 3, "H", "W"]
    expected = ["N", *(None if n > 1 and k else n for k, n in enumerate(network.output_shape))]
    assert shape_of(graph.output[0]) == expected
    for shape in ((3, 32, 32), (3, 64, 48), (3, 32, 80)):
        agrees(FREE[name], network, path, shape)


REFUSED = {
    "flatten1": (lambda x: layers.Linear(2)(layers.Flatten()(x)), r"linear1 \(Linear\)"),
    "pool": (layers.AdaptiveAvgPool2D(2), r"AdaptiveAvgPool2D"),
    "ceil": (layers.MaxPool2D(2, ceil_mode=True), r"MaxPool2D"),
    "same": (layers.Conv2D(4, 3, stride=2, padding="same"), r"Conv2D"),
    "size": (layers.Upsample(size=(9, 9)), r"Upsample"),
    "reshape": (layers.Reshape((-1, 3)), r"Reshape"),
    "norm": (layers.LayerNorm(), r"LayerNorm"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_layers_that_hold_the_size_are_named_and_nothing_is_written(name, tmp_path):
    model, message = REFUSED[name]
    with pytest.raises(OnnxError, match=f"free_size=True: .*{message}"):
        fastconv.onnx.save(Network(model, (3, 8, 8)), tmp_path / "a.onnx", free_size=True)
    assert list(tmp_path.iterdir()) == []


def test_inputs_of_several_and_vectors(tmp_path):
    def model(x):
        return {"a": layers.Conv2D(2, 3)(x["image"]), "b": layers.Linear(2)(x["row"])}

    network = Network(model, {"image": (3, 8, 8), "row": (5,)}, seed=0)
    fastconv.onnx.save(network, tmp_path / "a.onnx", free_size=True)
    graph = onnx.load(tmp_path / "a.onnx").graph
    assert [shape_of(value) for value in (*graph.input, *graph.output)] == [
        ["N", 3, None, None],
        ["N", 5],
        ["N", 2, None, None],
        ["N", 2],
    ]


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_are_right_or_refused(seed, tmp_path):
    case = graphs.Case(seed)
    network = case.network("float32")
    why = attempt(network, tmp_path / "a.onnx")
    if why:
        assert why.startswith("free_size=True: ")
    else:
        x = case.images(dtype=network.dtype)
        assert np.allclose(onnx_reference.run(tmp_path / "a.onnx", x), network.predict(x), rtol=1e-3, atol=1e-3)
