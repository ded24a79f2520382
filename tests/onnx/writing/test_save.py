"""What a file of ONNX says: names, shapes, opset, dtype; preprocessing, folded norms, layers of one's own; errors."""

import os

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
import onnx_reference
from onnx import numpy_helper, shape_inference

import fastconv.onnx
from fastconv import Layer, Network, Spec, layers, sequential
from fastconv.data import transforms
from fastconv.onnx import OnnxError
from fastconv.saved import SavedNetwork

IMAGE = (3, 8, 8)
MODEL = sequential(layers.Conv2D(4, 3), layers.BatchNorm(), layers.ReLU(), layers.Flatten(), layers.Linear(5))


class Square(Layer):
    """y = x^2"""

    kind = "square"

    def spec(self, x_shape, dtype):
        return Spec(x_shape)

    def forward(self, b):
        return [lambda: np.multiply(b.x, b.x, b.y)]


class Wide(layers.Conv2D):
    """Another constructor alone."""

    def __init__(self, channels):
        super().__init__(channels, 5, padding=2)


class Halved(layers.ReLU):
    """Another result."""

    def forward(self, b):
        return [lambda: np.multiply(np.maximum(b.x, 0), 0.5, b.y)]


@pytest.fixture
def network():
    made, rng = Network(MODEL, IMAGE, seed=0), np.random.default_rng(0)
    for array in (*made.buffers.values(), *made.parameters.values()):
        if array.dtype.kind == "f":
            array[...] = rng.uniform(0.5, 1.5, array.shape)
    return made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "network.onnx"


def written(network, path, **options):
    fastconv.onnx.save(network, path, **options)
    return onnx.load(path)


def shape_of(value):
    return [extent.dim_param or extent.dim_value for extent in value.type.tensor_type.shape.dim]


def test_arrays_and_values_have_the_names_and_shapes_of_the_network(network, path):
    model = written(network, path)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert stored.keys() == network.arrays().keys() - {"bn1.num_batches_tracked"}
    for name, array in stored.items():
        np.testing.assert_array_equal(array, network.arrays()[name])
    shapes = {value.name: shape_of(value) for value in model.graph.value_info}
    assert shapes == {node.name: ["N", *node.shape] for node in network.nodes[1:-1]}
    (read,), (given,) = model.graph.input, model.graph.output
    assert (read.name, shape_of(read)) == ("input", ["N", *IMAGE])
    assert (given.name, shape_of(given)) == ("output", ["N", 5])
    assert [node.name for node in model.graph.node] == ["conv1", "bn1", "relu1", "flatten1", "output"]


def test_the_shapes_are_those_that_onnx_infers(network, path):
    model = written(network, path)
    bare = onnx.ModelProto.FromString(model.SerializeToString())
    del bare.graph.value_info[:]
    inferred = shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
    said = {value.name: shape_of(value) for value in model.graph.value_info}
    assert {value.name: shape_of(value) for value in inferred.graph.value_info} == said


@pytest.mark.parametrize("opset", [13, 17, onnx.defs.onnx_opset_version()])
def test_the_opset_is_that_asked_for_and_the_format_no_newer_than_it_needs(network, path, opset):
    model = written(network, path, opset=opset)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", opset)]
    assert model.ir_version == onnx.helper.find_min_ir_version_for(list(model.opset_import))


def test_names_and_batch_are_those_asked_for(network, path):
    model = written(network, path, batch=2, input_names=["image"], output_names="scores")
    (read,), (given,) = model.graph.input, model.graph.output
    assert (read.name, shape_of(read), given.name, shape_of(given)) == ("image", [2, *IMAGE], "scores", [2, 5])
    x = np.ones((2, *IMAGE), "float32")
    np.testing.assert_allclose(onnx_reference.run(path, x), network.predict(x), rtol=1e-5)


def test_names_of_layers_that_are_taken_are_changed(path):
    model = sequential(
        layers.Conv2D(4, 3, name="output"), layers.ReLU(name="output.weight"), layers.ReLU(name="input_")
    )
    network, x = Network(model, IMAGE, seed=0), np.ones((1, *IMAGE), "float32")
    names = [node.name for node in written(network, path).graph.node]
    assert len(set(names)) == 3
    np.testing.assert_allclose(onnx_reference.run(path, x), network.predict(x), rtol=1e-5)


def test_the_dtype_is_that_of_the_network_or_the_one_asked_for(path):
    exact, x = Network(MODEL, IMAGE, "float64", seed=0), np.ones((1, *IMAGE))
    fastconv.onnx.save(exact, path)
    assert onnx_reference.run(path, x).dtype == np.float64
    fastconv.onnx.save(exact, path, dtype="float32")
    result = onnx_reference.run(path, x.astype("float32"))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, exact.predict(x), rtol=1e-5)


def test_freeze_folds_norms_into_the_weights_before_them(network, path):
    model = written(network, path, freeze=True)
    assert [node.op_type for node in model.graph.node] == ["Conv", "Relu", "Flatten", "Gemm"]
    assert {t.name for t in model.graph.initializer} == {
        f"{a}.{b}" for a in ("conv1", "linear1") for b in ("weight", "bias")
    }
    x = np.random.default_rng(0).standard_normal((2, *IMAGE)).astype("float32")
    np.testing.assert_allclose(onnx_reference.run(path, x), network.predict(x), rtol=1e-5)


def test_one_number_for_all_channels_is_folded_too(path):
    network = Network(sequential(layers.Conv2D(4, 3, bias=False), layers.Affine(0.5, 2)), IMAGE, seed=0)
    assert [node.op_type for node in written(network, path, freeze=True).graph.node] == ["Conv"]
    x = np.random.default_rng(0).standard_normal((2, *IMAGE)).astype("float32")
    np.testing.assert_allclose(onnx_reference.run(path, x), network.predict(x), rtol=1e-5)


def test_a_norm_that_is_used_twice_is_folded_twice(path):
    norm = layers.BatchNorm()
    model = sequential(layers.Conv2D(4, 3, padding=1), norm, layers.Conv2D(4, 3), norm)
    network = Network(model, IMAGE, seed=0)
    network.buffers["bn1.running_mean"][...] = 0.5
    assert [node.op_type for node in written(network, path, freeze=True).graph.node] == ["Conv", "Conv"]
    x = np.random.default_rng(0).standard_normal((2, *IMAGE)).astype("float32")
    np.testing.assert_allclose(onnx_reference.run(path, x), network.predict(x), rtol=1e-4, atol=1e-5)


def test_a_norm_is_not_folded_where_others_read_the_layer_before_it(path):
    shared = layers.Conv2D(3, 3, padding=1)

    def model(x):
        y = layers.Conv2D(3, 3, padding=1)(x)
        z = shared(layers.BatchNorm()(y) + y)
        return layers.BatchNorm()(shared(layers.BatchNorm()(z)))

    network, x = Network(model, IMAGE, seed=0), np.ones((1, *IMAGE), "float32")
    for name in ("bn1.running_mean", "bn2.running_mean", "bn3.running_mean"):
        network.buffers[name][...] = 0.5
    operators = [node.op_type for node in written(network, path, freeze=True).graph.node]
    assert operators.count("BatchNormalization") == 3
    np.testing.assert_allclose(onnx_reference.run(path, x), network.predict(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "steps",
    [
        [],
        [transforms.to_float()],
        [transforms.normalize()],
        [transforms.resize(9), transforms.center_crop(8), transforms.to_float(), transforms.normalize(0.4, 0.2)],
        [transforms.normalize((0.1, 0.2, 0.3), 0.5), transforms.normalize(0.25, (0.5, 1.5, 2))],
    ],
    ids=["none", "to_float", "normalize", "from photos", "twice"],
)
def test_preprocessing_is_part_of_the_graph(steps, dtype, path):
    network = Network(MODEL, IMAGE, dtype, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (4, *IMAGE), np.uint8)
    model = written(network, path, preprocessing=steps)
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    ready = [step for step in steps if transforms.described(step)["name"] in ("to_float", "normalize")]
    expected = SavedNetwork(network, None, ready).predict(images)
    np.testing.assert_allclose(onnx_reference.run(path, images), expected, rtol=2e-5, atol=1e-5)


def test_layers_of_ones_own_have_a_translation_of_ones_own(path):
    network = Network(sequential(layers.Conv2D(4, 3), Square(), Wide(2)), IMAGE, seed=0)
    seen = []

    def square(layer, part):
        seen.append((type(layer), part.x_shape, part.y_shape, part.opset))
        return part.add("Mul", part.x, part.x)

    model = written(network, path, translations={Square: square})
    assert seen == [(Square, (4, 6, 6), (4, 6, 6), 17)]
    assert [node.name for node in model.graph.node] == ["conv1", "square1", "output"]
    x = np.random.default_rng(0).standard_normal((2, *IMAGE)).astype("float32")
    np.testing.assert_allclose(onnx_reference.run(path, x), network.predict(x), rtol=1e-4, atol=1e-5)


def test_layers_that_are_not_known_are_all_named_and_nothing_is_written(path):
    network = Network(sequential(Square(), Halved(), Square()), IMAGE)
    with pytest.raises(OnnxError, match=r"square1 \(Square\), relu1 \(Halved\), square2 \(Square\)") as error:
        fastconv.onnx.save(network, path)
    assert "translations={Square: function}" in str(error.value)
    assert not path.exists()


@pytest.mark.parametrize(
    ("translate", "message"),
    [
        (lambda layer, part: None, "the translation of Square must return the name of a value, .* got None"),
        (lambda layer, part: "nothing", "must return the name of a value, such as part.add"),
        (lambda layer, part: part.add("NoSuch", part.x), "no valid one of opset 17.*NoSuch"),
        (lambda layer, part: part.add("Flatten", part.x), "no valid one of opset 17"),
    ],
)
def test_a_wrong_translation_is_an_error_and_the_old_file_stays(translate, message, path):
    path.write_bytes(b"old")
    with pytest.raises(OnnxError, match=message):
        fastconv.onnx.save(Network(Square(), IMAGE), path, translations={Square: translate})
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


class Once:
    """A transform that no file can hold."""

    def __call__(self, images, draws):
        return images


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"opset": 12}, ValueError, r"opset must be from 13 to \d+, .* got 12"),
        ({"opset": 99}, ValueError, "opset must be from 13 to"),
        ({"opset": 17.5}, TypeError, "opset must be an integer"),
        ({"batch": 0}, ValueError, "batch must be >= 1, got 0"),
        ({"batch": "two words"}, ValueError, "batch must be a name such as 'N', or a number, got 'two words'"),
        ({"batch": None}, TypeError, "batch must be"),
        ({"input_names": ["a", "b"]}, ValueError, "input_names must be 1 different names, got .*a.*b"),
        ({"output_names": [3]}, TypeError, "output_names must be a list of names"),
        ({"input_names": ["output"]}, ValueError, "must differ .* got 'output' twice"),
        ({"output_names": ["conv1.weight"]}, ValueError, "those of parameters, got 'conv1.weight' twice"),
        ({"dtype": "float16"}, ValueError, "dtype must be one of"),
        ({"freeze": "yes"}, TypeError, "freeze must be"),
        ({"translations": [Square]}, TypeError, "translations must be a dict"),
        ({"translations": {"Square": print}}, TypeError, "translations must be a dict"),
        ({"preprocessing": transforms.to_float()}, TypeError, r"write preprocessing=\[transform\]"),
        ({"preprocessing": [Once()]}, TypeError, r"preprocessing\[0\] must be made by fastconv.data.transforms"),
        ({"preprocessing": [transforms.random_flip()]}, ValueError, "random_flip, which draws random numbers"),
        (
            {"preprocessing": [transforms.to_float(), transforms.resize(8)]},
            ValueError,
            r"preprocessing\[1\] is resize, which must come before to_float",
        ),
        ({"preprocessing": [transforms.normalize((0.5, 0.5))]}, ValueError, "one for each of 3 channels"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",  # no functions, which have addresses
)
def test_what_cannot_be_written_is_refused_and_nothing_is_written(options, error, message, network, path):
    with pytest.raises(error, match=message):
        fastconv.onnx.save(network, path, **options)
    assert not path.exists()


def test_what_is_no_network_is_refused_with_the_line_to_write(network, path):
    with pytest.raises(TypeError, match="network comes before path"):
        fastconv.onnx.save(path, network)
    with pytest.raises(TypeError, match="give the network that it was frozen from, and freeze=True"):
        fastconv.onnx.save(network.freeze(), path)
    with pytest.raises(TypeError, match=r"saved\.network, path, preprocessing=saved.preprocessing"):
        fastconv.onnx.save(SavedNetwork(network), path)
    with pytest.raises(TypeError, match=r"network must be a fastconv\.Network, got"):
        fastconv.onnx.save(MODEL, path)


def test_paths_that_cannot_be_written_are_refused(network, tmp_path):
    with pytest.raises(OnnxError, match="a folder"):
        fastconv.onnx.save(network, tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        fastconv.onnx.save(network, tmp_path / "none" / "a.onnx")
