"""A network of a file with another head: the body as it was, and it learns."""

import numpy as np
import onnx_reference
import pytest
from onnx_models import images, model_of, node

import fastconv
import fastconv.onnx
from fastconv import CrossEntropy, Linear, Network, layers, models, sequential
from fastconv.onnx import OnnxError

SHAPE = (3, 12, 12)


@pytest.fixture
def path(tmp_path):
    """A body, a classifier, and a softmax."""
    model = sequential(models.resnet8(num_classes=4), layers.Softmax())
    fastconv.onnx.save(Network(model, SHAPE, seed=0), tmp_path / "a.onnx")
    return tmp_path / "a.onnx"


def test_the_head_reads_what_the_classifier_read(path):
    whole, other = fastconv.onnx.load(path), fastconv.onnx.load(path, head=Linear(2, name="head"))
    last = next(node for node in reversed(whole.nodes) if isinstance(node.layer, Linear))
    body = whole.features(images(2, *SHAPE), last.inputs[0].name)
    weight, bias = other.parameters["head.weight"], other.parameters["head.bias"]
    assert weight.shape == (2, body.shape[1])
    np.testing.assert_allclose(other.predict(images(2, *SHAPE)), body @ weight.T + bias, rtol=1e-5, atol=1e-6)
    gone = {name for name in whole.parameters if name not in other.parameters}
    assert gone == {f"{last.owner}.weight", f"{last.owner}.bias"}


def test_it_learns_and_is_written_again(path, tmp_path):
    network = fastconv.onnx.load(path, head=Linear(2, name="head"))
    network.set_trainable("*", False)
    network.set_trainable("head.*")
    x, labels = images(16, *SHAPE), np.arange(16) % 2
    x[labels == 1] += 1
    before = fastconv.evaluate(network, x, labels)[0]
    fastconv.fit(network, x, labels, epochs=5, loss=CrossEntropy(), optimizer=fastconv.SGD(0.1), progress=False)
    assert fastconv.evaluate(network, x, labels)[0] < before
    fastconv.onnx.save(network, tmp_path / "b.onnx", classes=["dark", "bright"])
    np.testing.assert_allclose(onnx_reference.run(tmp_path / "b.onnx", x), network.predict(x), rtol=1e-4, atol=1e-4)
    again = fastconv.onnx.load(tmp_path / "b.onnx")
    assert again.predict(x).tobytes() == network.predict(x).tobytes()


def test_a_function_is_a_head_and_networks_with_one_share_nothing(path):
    model = fastconv.onnx.read(path)
    whole = model.network()
    other = model.network(head=lambda x: layers.Linear(3)(layers.ReLU()(x)))
    assert other.output_shape == (3,)
    for name in other.parameters.keys() & whole.parameters.keys():
        assert np.array_equal(other.parameters[name], whole.parameters[name])
        assert not np.shares_memory(other.parameters[name], whole.parameters[name])


def test_where_there_is_no_place_for_a_head_it_is_refused(path, tmp_path):
    joined = model_of([node("Conv", "x w", "a"), node("Add", "a x")], (3, 4, 4), {"w": np.ones((3, 3, 1, 1), "f4")})
    with pytest.raises(OnnxError, match=r"the model ends with <Node add1 \(3, 4, 4\)> instead"):
        fastconv.onnx.load(joined.SerializeToString(), head=Linear(2))
    bare = model_of([node("Relu", "x")], (3, 4, 4))
    with pytest.raises(OnnxError, match="the last layer with weights; the model ends with <Node input"):
        fastconv.onnx.load(bare.SerializeToString(), head=Linear(2))
    two = model_of([node("Relu", "x", "y"), node("Tanh", "x", "z")], (4,), outputs=("y", "z"))
    with pytest.raises(OnnxError, match=r"the model has \['y', 'z'\]"):
        fastconv.onnx.load(two.SerializeToString(), head=Linear(2))
    with pytest.raises((TypeError, OnnxError), match="head must be a layer, or a function Node -> Node, got 5"):
        fastconv.onnx.load(path, head=5)
    with pytest.raises(OnnxError, match="two layers are named"):
        fastconv.onnx.load(path, head=sequential(Linear(2, name="conv1"), layers.ReLU()))
