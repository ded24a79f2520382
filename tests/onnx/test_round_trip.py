"""A network that is written as ONNX and read again: the same names and the same bits."""

import json
import os

import numpy as np
import pytest

pytest.importorskip("onnx")

import graphs
import onnx
from onnx_cases import CASES, filled

import fastconv.onnx
from fastconv import Network, layers, models, sequential
from fastconv.onnx import OnnxError, records

COUNT = int(os.environ.get("FASTCONV_RANDOM_GRAPHS", "40"))


def again(network, path, **options):
    """The network that comes back."""
    fastconv.onnx.save(network, path, **options)
    return fastconv.onnx.load(path, dtype=network.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layer", "shape"), CASES, ids=[f"{layer}-{shape}" for layer, shape in CASES])
def test_a_layer_comes_back(layer, shape, dtype, tmp_path):
    network, x = filled(layer, shape, dtype)
    other = again(network, tmp_path / "layer.onnx")
    assert other.predict(x).tobytes() == network.predict(x).tobytes()
    assert list(other.parameters) == list(network.parameters)
    for key, array in network.parameters.items():
        assert layer_is_rotated(layer) or array.tobytes() == other.parameters[key].tobytes()


def layer_is_rotated(layer):
    """Whether the file holds the filters as they slide over the image."""
    return getattr(layer, "rotate", False)


MODELS = {
    "zhang2016": (models.zhang2016(), (1, 28, 28)),
    "nielsen": (models.nielsen(pool="l2"), (1, 28, 28)),
    "lenet5": (models.lenet5(), (1, 28, 28)),
    "resnet8": (models.resnet8(), (3, 32, 32)),
    "resnet18": (models.resnet18(num_classes=5), (3, 48, 48)),
    "squeezenet1_1": (models.squeezenet1_1(num_classes=5), (3, 48, 48)),
    "densenet121": (models.densenet121(num_classes=5), (3, 48, 48)),
    "mobilenet_v1": (models.mobilenet_v1(num_classes=5), (3, 48, 48)),
    "mobilenet_v2": (models.mobilenet_v2(num_classes=5), (3, 48, 48)),
    "googlenet": (models.googlenet(num_classes=5, aux_logits=True), (3, 48, 48)),
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


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_random_network_comes_back_bit_for_bit(seed, tmp_path):
    """`graphs.Case(seed)` gives the same network again."""
    case = graphs.Case(seed)
    network = case.network(("float32", "float64")[seed % 2])
    x = case.images(dtype=network.dtype)
    other = again(network, tmp_path / "random.onnx", opset=13 + seed % 6)
    assert other.predict(x).tobytes() == network.predict(x).tobytes()
    assert other.parameters.keys() == network.parameters.keys()


def group_norm(path):
    """A network that ends with a layer in pieces, the file's nodes, and the record."""
    network, x = filled(sequential(layers.Conv2D(4, 3), layers.GroupNorm(2)), (3, 6, 6), "float32")
    fastconv.onnx.save(network, path)
    model = onnx.load(path)
    (record,) = model.graph.node[-1].metadata_props
    assert record.key == records.KEY
    return network, x, model, record


def test_a_record_says_the_layer_and_what_it_reads(tmp_path):
    *_, record = group_norm(tmp_path / "norm.onnx")
    assert json.loads(record.value) == RECORD


RECORD = {
    "layer": "GroupNorm",
    "arguments": {"num_groups": 2, "eps": 1e-5, "affine": True},
    "reads": "conv1",
    "arrays": {"weight": "norm1.weight", "bias": "norm1.bias"},
}
DAMAGED = [
    "",
    "[]",
    "{",
    "[" * 50_000,
    '{"layer": "GroupNorm"}',
    json.dumps(RECORD | {"layer": 3}),
    json.dumps(RECORD | {"layer": "open"}),
    json.dumps(RECORD | {"layer": ["GroupNorm"]}),
    json.dumps(RECORD | {"arguments": [2]}),
    json.dumps(RECORD | {"reads": "gone"}),
    json.dumps(RECORD | {"reads": ["conv1"]}),
    json.dumps(RECORD | {"arrays": {"weight": "gone"}}),
    json.dumps(RECORD | {"arrays": {"weight": 3}}),
    json.dumps(RECORD) + " " * 100_000,
]
OTHERS = [
    {"arguments": {"num_groups": 3}},
    {"arguments": {"num_groups": 2, "no_such": 1}},
    {"arguments": {}},
    {"arrays": {}},
    {"arrays": {"other": "norm1.weight", "bias": "norm1.bias"}},
    {"arrays": {"weight": "conv1.weight", "bias": "norm1.bias"}},
    {"reads": "conv1.weight"},
    {"layer": "Linear", "arguments": {"outputs": 3}},
]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_where_a_record_is_damaged_or_names_have_changed_the_operators_count(text, tmp_path):
    network, x, model, record = group_norm(tmp_path / "norm.onnx")
    record.value = text
    other = fastconv.onnx.load(model.SerializeToString())
    np.testing.assert_allclose(other.predict(x), network.predict(x), rtol=1e-4, atol=1e-5)
    assert [type(node.layer) for node in other.nodes] != [type(node.layer) for node in network.nodes]


@pytest.mark.parametrize("change", OTHERS, ids=range(len(OTHERS)))
def test_a_record_of_another_layer_is_refused(change, tmp_path):
    *_, model, record = group_norm(tmp_path / "norm.onnx")
    record.value = json.dumps(RECORD | change)
    with pytest.raises(OnnxError, match="fastconv 'output': "):
        fastconv.onnx.load(model.SerializeToString())


def test_layers_of_ones_own_and_folded_ones_have_no_record(tmp_path):
    class Own(layers.GroupNorm):
        """Another name."""

    norm = sequential(layers.Conv2D(4, 3), Own(2))
    folded = sequential(layers.Conv2D(4, 3), layers.Affine(2, 3))
    for model, options in ((norm, {}), (folded, {"freeze": True})):
        fastconv.onnx.save(Network(model, (3, 6, 6)), tmp_path / "own.onnx", **options)
        assert not any(node.metadata_props for node in onnx.load(tmp_path / "own.onnx").graph.node)


def test_what_came_back_is_written_alike(tmp_path):
    network = Network(models.lenet5(), (1, 28, 28), seed=0)
    other = again(network, tmp_path / "first.onnx")
    again(other, tmp_path / "second.onnx")
    first, second = ((tmp_path / f"{name}.onnx").read_bytes() for name in ("first", "second"))
    assert len(first) == pytest.approx(len(second), abs=100)  # the name of the graph
