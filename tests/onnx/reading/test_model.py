"""Networks from files: names, sizes, several inputs and outputs, training, copies."""

import copy
import pickle

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import images, model_of, node, reference

import fastconv
from fastconv.onnx import OnnxError, load, read

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape).astype("float32")


def small(head="head.weight", shape=("N", 3, "H", "W")):
    """Convolution, batch norm, ReLU, the mean of all pixels, and a head; H and W may be free."""
    nodes = [
        node("Conv", "x conv1.weight conv1.bias", "a", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "a bn1.weight bn1.bias bn1.running_mean bn1.running_var", "b", momentum=0.7),
        node("Relu", "b", "c"),
        node("GlobalAveragePool", "c", "d"),
        node("Flatten", "d", "e"),
        node("Gemm", f"e {head}", transB=1),
    ]
    arrays = {"conv1.weight": normal(4, 3, 3, 3), "conv1.bias": normal(4), head: normal(5, 4)}
    arrays |= {f"bn1.{name}": normal(4) for name in ("weight", "bias", "running_mean")}
    return model_of(nodes, shape[1:], {**arrays, "bn1.running_var": np.ones(4, "float32")}, batch=shape[0])


def test_parameters_and_buffers_have_the_names_and_values_of_the_file():
    model = small()
    network = load(model.SerializeToString(), (3, 8, 8))
    arrays = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    found = {name: array for name, array in network.arrays().items() if name != "bn1.num_batches_tracked"}
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert network.initializers == {name: name for name in arrays}


@pytest.mark.parametrize(("head", "parameter"), [("onnx::Gemm_9", "Gemm_y.weight"), ("12", "Gemm_y.weight")])
def test_a_name_without_a_layer_in_it_gives_way_to_that_of_the_operation(head, parameter):
    network = load(small(head).SerializeToString(), (3, 8, 8))
    assert list(network.parameters)[-1] == parameter
    assert network.initializers[parameter] == head


def test_an_array_that_two_operations_read_is_one_parameter():
    nodes = [node("Gemm", "x w", "a", transB=1), node("Relu", "a", "b"), node("Gemm", "b w", transB=1)]
    network = load(model_of(nodes, (4,), {"w": normal(4, 4)}).SerializeToString())
    assert len(network.parameters) == 1


def test_two_layers_of_one_name_get_two():
    nodes = [node("Gemm", "x a.weight", "a", transB=1), node("Gemm", "a b a.bias", transB=1)]
    network = load(
        model_of(nodes, (4,), {"a.weight": normal(4, 4), "b": normal(4, 4), "a.bias": normal(4)}).SerializeToString()
    )
    assert list(network.parameters) == ["a.weight", "a#2.weight", "a#2.bias"]
    assert network.initializers == {"a.weight": "a.weight", "a#2.weight": "b", "a#2.bias": "a.bias"}


def test_networks_of_several_sizes_share_their_arrays():
    model = small()
    file = read(model.SerializeToString())
    assert str(file.inputs[0]) == "'x' (free, 3, free, free)"
    one, other = file.network((3, 8, 8)), file.network((3, 5, 7))
    assert file.network((3, 8, 8)) is one
    for network, shape in ((one, (3, 8, 8)), (other, (3, 5, 7))):
        x = images(2, *shape)
        np.testing.assert_allclose(network.predict(x), reference(model, x), rtol=1e-4, atol=1e-5)
    x = images(2, 3, 5, 7)
    before = other.predict(x)
    fastconv.train_step(one, images(4, 3, 8, 8), np.array([0, 1, 2, 3]), fastconv.SGD(0.1), fastconv.CrossEntropy())
    after = other.predict(x)
    assert np.abs(after - before).max() > 1e-3
    assert np.array_equal(copy.deepcopy(other).predict(x), after)
    assert np.array_equal(one.buffers["bn1.running_mean"], other.buffers["bn1.running_mean"])


def test_free_extents_must_be_given_and_fixed_ones_kept():
    data = small().SerializeToString()
    with pytest.raises(OnnxError, match=r"'x' \(free, 3, free, free\) of the model has free extents"):
        load(data)
    with pytest.raises(OnnxError, match=r"input_shape must fit the input 'x' .* got \(4, 8, 8\)"):
        load(data, (4, 8, 8))
    with pytest.raises(ValueError, match="input_shape must be >= 1, got 0"):
        load(data, (3, 0, 8))
    assert load(small(shape=(2, 3, 8, 8)).SerializeToString()).input_shape == (3, 8, 8)


def test_a_size_that_a_layer_cannot_take_is_said_to_be_one():
    pool = node("MaxPool", "x", "p", kernel_shape=[5, 5], strides=[5, 5])
    nodes = [pool, node("Flatten", "p", "f"), node("Gemm", "f w")]
    data = model_of(nodes, (3, None, None), {"w": normal(12, 2)}).SerializeToString()
    assert load(data, (3, 10, 10)).output_shape == (2,)
    with pytest.raises(OnnxError, match=r"does not take images of shape \(3, 5, 9\):\n  Gemm 'Gemm_y': w must"):
        load(data, (3, 5, 9))
    says = r"model does not take images of shape \(3, 4, 9\):\n  MaxPool 'MaxPool_p': .* reading input \(3, 4, 9\)"
    with pytest.raises(OnnxError, match=says):
        load(data, (3, 4, 9))
    fixed = model_of(nodes, (3, 4, 9), {"w": normal(12, 2)})
    with pytest.raises(OnnxError, match="the model holds what fastconv does not compute:\n  MaxPool"):
        load(fixed.SerializeToString())
    odd = model_of([*nodes[:2], node("Shrink", "f")], (3, None, None))
    with pytest.raises(OnnxError, match="the model holds what fastconv does not compute:\n  Shrink"):
        load(odd.SerializeToString(), (3, 10, 10))


def test_an_extent_of_0_is_no_free_one():
    with pytest.raises(OnnxError, match=r"the input 'x' \(free, 0, 8, 8\) has an extent of 0"):
        load(model_of([node("Relu", "x")], (0, 8, 8)).SerializeToString())
    assert load(model_of([node("Relu", "x")], (3, 8, 8), batch=0).SerializeToString()).input_shape == (3, 8, 8)


def test_it_trains_on_and_its_gradients_are_right():
    network = load(small().SerializeToString(), (3, 6, 6), dtype="float64")
    x, labels = np.asarray(images(4, 3, 6, 6), "float64"), np.array([0, 1, 2, 3])
    assert fastconv.gradcheck(network, x, labels, fastconv.CrossEntropy()).passed
    first = network.gradients(x, labels, fastconv.CrossEntropy())[0]
    fastconv.fit(network, x, labels, loss=fastconv.CrossEntropy(), optimizer=fastconv.SGD(0.05), epochs=5, seed=0)
    assert network.gradients(x, labels, fastconv.CrossEntropy())[0] < first


def test_running_statistics_keep_the_share_that_the_file_says():
    network = load(small().SerializeToString(), (3, 6, 6), dtype="float64")
    x = np.asarray(images(4, 3, 6, 6), "float64")
    before = network.buffers["bn1.running_mean"].copy()
    batch = network.features(x, network.nodes[1].name).mean((0, 2, 3))
    fastconv.train_step(network, x, np.array([0, 1, 2, 3]), fastconv.SGD(0.0), fastconv.CrossEntropy())
    np.testing.assert_allclose(network.buffers["bn1.running_mean"], 0.7 * before + 0.3 * batch, rtol=1e-6)


def test_copies_pickles_and_frozen_networks_give_the_same():
    network = load(small().SerializeToString(), (3, 8, 8))
    x = images(3, 3, 8, 8)
    expected = network.predict(x)
    restored = pickle.loads(pickle.dumps(network))
    assert np.array_equal(restored.predict(x), expected)
    assert restored.initializers == network.initializers
    np.testing.assert_allclose(network.freeze().predict(x), expected, rtol=1e-5, atol=1e-6)


def test_several_inputs_and_outputs_go_by_their_names():
    sizes = {"a": 4, "b": "W"}
    infos = [helper.make_tensor_value_info(each, TensorProto.FLOAT, ("N", 3, 4, size)) for each, size in sizes.items()]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("sum", "gate")]
    nodes = [node("Sigmoid", "b", "gate"), node("Add", "a gate", "sum")]
    model = helper.make_model(
        helper.make_graph(nodes, "g", infos, outputs), opset_imports=[helper.make_opsetid("", 17)]
    )
    network = load(model.SerializeToString(), {"b": (3, 4, 4)})
    a, b = images(2, 3, 4, 4), images(2, 3, 4, 4, seed=1)
    found = network.predict({"a": a, "b": b})
    np.testing.assert_allclose(found["gate"], 1 / (1 + np.exp(-b)), rtol=1e-5)
    np.testing.assert_allclose(found["sum"], a + 1 / (1 + np.exp(-b)), rtol=1e-5)
    with pytest.raises(OnnxError, match=r"write input_shape=\{name: shape, ...\}"):
        load(model.SerializeToString(), (3, 4, 4))
    with pytest.raises(OnnxError, match="the inputs of the model are"):
        load(model.SerializeToString(), {"c": (3, 4, 4)})


def test_shapes_are_computed_with_the_number_of_images_free():
    """Shape -> Gather -> Concat -> Reshape, as exporters write view(x.size(0), -1, 4)."""
    arrays = {"zero": np.array(0), "rest": np.array([-1, 4]), "axis": np.array([0])}
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Unsqueeze", "n axis", "m"),
        node("Concat", "m rest", "t", axis=0),
        node("Reshape", "x t"),
    ]
    model = model_of(nodes, (2, 3, 8), {name: np.asarray(a, np.int64) for name, a in arrays.items()})
    network = load(model.SerializeToString())
    for count in (1, 5):
        x = images(count, 2, 3, 8)
        assert np.array_equal(network.predict(x), x.reshape(count, -1, 4))
