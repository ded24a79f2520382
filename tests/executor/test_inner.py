"""`network.features`: the value of any node, by name, as in a prediction."""

import numpy as np
import pytest
from graphs import Case
from naive import Naive
from parts import images, network

from fastconv import SGD, Network, layers, models, sequential, train_step
from fastconv.executor import microbatch
from fastconv.executor.executor import KEPT
from fastconv.graph import concat
from fastconv.layers import Conv2D, Flatten, ReLU

every_graph = pytest.mark.parametrize("seed", range(40))


def close(found, expected, name):
    """Within 1e-9 of the largest finite value; padding may be infinite."""
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale, err_msg=name)


@every_graph
def test_the_value_of_every_node_is_that_of_the_graph_run_node_by_node(seed):
    case = Case(seed)
    net, x = case.network(), case.images()
    naive = Naive(net)
    naive.forward(x)
    expected = {node.name: naive.values[node.index] for node in net.nodes}
    for name, value in expected.items():
        found = net.features(x, name)
        assert found.shape == value.shape
        close(found, value, name)


@every_graph
def test_several_values_come_from_one_run(seed, monkeypatch):
    monkeypatch.setattr(microbatch, "CACHES", 6000)  # so that these small graphs are sliced
    monkeypatch.setattr(microbatch, "CALL", 0)
    case = Case(seed)
    net, x, rng = case.network(), case.images(), case.rng(30)
    names = [node.name for node in net.nodes]
    for count in (2, 4, len(names)):
        some = [names[i] for i in rng.permutation(len(names))[:count]]
        found = net.features(x, some)
        assert list(found) == some
        for name, value in found.items():
            close(value, net.features(x, name), name)


@every_graph
def test_the_last_node_and_the_image_have_their_bits(seed):
    case = Case(seed)
    net, x = case.network("float32"), case.images(dtype="float32")
    assert net.features(x, net.output.name).tobytes() == net.predict(x).tobytes()
    assert net.features(x, "input").tobytes() == x.tobytes()


def test_values_that_fusion_removes_exist_when_they_are_asked_for():
    net, x = network(), images()
    values = net.features(x, ("a", "a_norm", "relu1"))
    np.testing.assert_allclose(np.maximum(values["a_norm"], 0), values["relu1"])
    assert (values["a_norm"] < 0).any()
    scale = (net.parameters["a_norm.weight"] / np.sqrt(net.buffers["a_norm.running_var"] + 1e-5))[:, None, None]
    np.testing.assert_allclose(values["a_norm"], values["a"] * scale, rtol=1e-5, atol=1e-6)


def test_values_are_those_of_the_arrays_as_they_are_now():
    net, x = network(), images()
    before = net.features(x, "b.conv")
    for _ in range(2):
        train_step(net, x, [0, 1, 2, 0], SGD(0.1))
    now = net.features(x, "b.conv")
    assert not np.allclose(before, now)
    assert now.tobytes() == net.features(x, "b.conv").tobytes()
    assert net.features(x, "fc").tobytes() == net.predict(x).tobytes()


def test_nothing_of_the_network_changes():
    net = network()
    before = {name: array.tobytes() for name, array in net.arrays().items()}
    net.features(images(), [node.name for node in net.nodes])
    assert {name: array.tobytes() for name, array in net.arrays().items()} == before


def test_batches_and_single_images_give_the_same_bits():
    net, x = network(), images(7)
    whole = net.features(x, "relu2")
    assert whole.flags.owndata
    assert net.features(x, "relu2", batch_size=3).tobytes() == whole.tobytes()
    assert net.features(x[2], "relu2").tobytes() == whole[2].tobytes()
    assert net.features(x[2], "relu2").shape == whole.shape[1:]
    assert net.features(x[2], ["relu2"])["relu2"].shape == whole.shape[1:]
    assert net.features(x[:0], "relu2").shape == (0, *whole.shape[1:])


def test_results_are_the_callers_own():
    net, x = network(), images()
    first = net.features(x, "relu1")
    kept = first.copy()
    net.features(-x, "relu1")
    np.testing.assert_array_equal(first, kept)


def test_values_inside_a_concatenation():
    def model(x):
        a, b = Conv2D(3, 1, name="a")(x), ReLU(name="b")(x)
        return Flatten()(concat(a, b, x))

    net, x = Network(model, (2, 4, 4), seed=0), images(3, (2, 4, 4))
    values = net.features(x, ["b", "a", "concat1", "flatten1"])
    whole = np.concatenate([values["a"], np.maximum(x, 0), x], axis=1)
    np.testing.assert_array_equal(values["b"], np.maximum(x, 0))
    np.testing.assert_array_equal(values["concat1"], whole)
    np.testing.assert_array_equal(values["flatten1"], whole.reshape(3, -1))


def test_a_named_part_of_a_model_of_the_library():
    net = Network(models.resnet18(num_classes=5), (3, 32, 32), seed=0)
    x = images(2, (3, 32, 32))
    values = net.features(x, ("layer4.1.relu2", "avgpool", "fc"))
    np.testing.assert_allclose(values["avgpool"][..., 0, 0], values["layer4.1.relu2"].mean((2, 3)), rtol=1e-5)
    fc = net.parameters
    np.testing.assert_allclose(
        values["fc"], values["avgpool"][..., 0, 0] @ fc["fc.weight"].T + fc["fc.bias"], rtol=1e-4, atol=1e-5
    )


def test_what_lies_after_the_node_is_not_computed_and_only_a_few_plans_are_kept():
    net, x = network(), images()
    net.features(x, "relu1")
    steps = next(reversed(net.executor.plans.values())).steps
    assert [step.fusion.last.name for step in steps] == ["a", "relu1"]
    for node in net.nodes:
        for n in (1, 2, 3):
            net.features(x[:n], node.name)
    assert len(net.executor.plans) == KEPT


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("relu9", r"name must be that of a node, got 'relu9'; did you mean 'relu\d' or"),
        ("b", r"got 'b'; did you mean 'b.norm' \(the last of its nodes\)\?$"),
        ("a.weight", r"got 'a.weight'; did you mean 'a'\?$"),
        ("??", r"got '\?\?'; print\(network.summary\(\)\) shows all names$"),
        (["a", "nothing at all"], "got 'nothing at all'"),
        ([], r"got none; write network.features\(x, 'fc'\)"),
    ],
)
def test_a_name_that_no_node_has_is_refused(name, says):
    with pytest.raises(ValueError, match=says):
        network().features(images(), name)


def test_other_arguments_are_refused():
    net, x = network(), images()
    for name in (3, None, [net.nodes[1]], net.nodes[1]):
        with pytest.raises(TypeError, match=r"name must be the name of a node, or several, got .*; write network"):
            net.features(x, name)
    with pytest.raises(TypeError, match="features takes no layer, got layer='a'; write name='a'"):
        net.features(x, layer="a")
    with pytest.raises(TypeError, match=r"write network.features\(x, 'relu1'\)"):
        net.features(x)
    with pytest.raises(ValueError, match="batch_size"):
        net.features(x, "a", batch_size=0)
    with pytest.raises(ValueError, match="x must"):
        net.features(x[:, :1], "a")


def test_a_layer_that_is_used_twice_has_two_values():
    def model(x):
        twice = layers.Linear(3, name="twice")
        return twice(ReLU()(twice(x)))

    net = Network(sequential(model), (3,), seed=0)
    x = images(2, (3,))
    values = net.features(x, ("twice", "twice#2"))
    np.testing.assert_array_equal(values["twice#2"], net.predict(x))
    np.testing.assert_array_equal(net.features(np.maximum(values["twice"], 0), "twice"), values["twice#2"])


def test_probabilities_are_the_softmax_of_logits_and_what_is_a_probability_already_stays():
    x = images(3)
    for last, wanted in (
        ([], lambda y: np.exp(y) / np.exp(y).sum(1, keepdims=True)),
        ([layers.Softmax()], lambda y: y),
        ([layers.Sigmoid()], lambda y: y),
        ([layers.LogSoftmax()], np.exp),
    ):
        net = Network(sequential(Flatten(), layers.Linear(4), *last), x.shape[1:], x.dtype, seed=0)
        np.testing.assert_allclose(net.probabilities(x), wanted(net.predict(x)), rtol=1e-5)
        assert (net.probabilities(x[0]) == net.probabilities(x)[0]).all()


def test_one_output_without_a_sigmoid_is_no_probability():
    with pytest.raises(ValueError, match="probabilities are of several classes, the network has one output"):
        Network(layers.Linear(1), (3,)).probabilities(np.zeros((2, 3), "float32"))
