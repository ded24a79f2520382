"""Models of fastconv.models as ONNX: new, trained and loaded; and random networks."""

import os

import graphs
import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
import onnx_reference

import fastconv.onnx
from fastconv import SGD, CrossEntropy, Network, models, train_step

COUNT = int(os.environ.get("FASTCONV_RANDOM_GRAPHS", "40"))
NEWEST = onnx.defs.onnx_opset_version()
GREY, COLOUR = (1, 28, 28), (3, 32, 32)
MODELS = {
    "zhang2016": (models.zhang2016(), GREY),
    "nielsen": (models.nielsen(), GREY),
    "nielsen-l2": (models.nielsen(pool="l2"), GREY),
    "chain": (models.chain((3, 4), 3, padding=1), GREY),
    "lenet5": (models.lenet5(), GREY),
    "resnet8": (models.resnet8(), COLOUR),
    "resnet18": (models.resnet18(num_classes=5), COLOUR),
    "squeezenet1_1": (models.squeezenet1_1(num_classes=5), COLOUR),
    "densenet121": (models.densenet121(num_classes=5), COLOUR),
    "mobilenet_v1": (models.mobilenet_v1(num_classes=5), COLOUR),
    "mobilenet_v2": (models.mobilenet_v2(num_classes=5), COLOUR),
    "googlenet": (models.googlenet(num_classes=5, aux_logits=True), COLOUR),
}


def close(result, expected, share):
    """Within this share of the largest value; infinities are the same."""
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(result[~finite], expected[~finite])
    largest = np.abs(expected[finite]).max(initial=1e-3)
    np.testing.assert_allclose(result[finite], expected[finite], rtol=0, atol=share * largest)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_gives_what_it_predicts(name, tmp_path):
    model, shape = MODELS[name]
    network, rng = Network(model, shape, seed=0), np.random.default_rng(1)
    for buffer, array in network.buffers.items():
        if buffer.endswith(("running_mean", "running_var")):
            array[...] = rng.uniform(0.5, 1.5, array.shape)
    x = rng.standard_normal((1, *shape)).astype("float32")
    fastconv.onnx.save(network, tmp_path / "model.onnx")
    close(onnx_reference.run(tmp_path / "model.onnx", x), network.predict(x), 1e-5)


@pytest.mark.parametrize("freeze", [False, True])
def test_a_trained_network_gives_what_it_predicts(freeze, tmp_path):
    network, rng = Network(models.resnet8(), COLOUR, seed=0), np.random.default_rng(1)
    x = rng.standard_normal((3, *COLOUR)).astype("float32")
    train_step(network, x, rng.integers(0, 10, 3), SGD(0.01), CrossEntropy())
    fastconv.onnx.save(network, tmp_path / "trained.onnx", freeze=freeze)
    close(onnx_reference.run(tmp_path / "trained.onnx", x), network.predict(x), 1e-5)


def test_a_loaded_network_gives_what_it_predicted(tmp_path):
    network = Network(models.lenet5(), GREY, seed=0)
    fastconv.save(tmp_path / "lenet5.npz", network)
    fastconv.onnx.save(fastconv.load(tmp_path / "lenet5.npz").network, tmp_path / "lenet5.onnx")
    x = np.random.default_rng(0).standard_normal((2, *GREY)).astype("float32")
    close(onnx_reference.run(tmp_path / "lenet5.onnx", x), network.predict(x), 1e-5)


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_random_network_gives_what_it_predicts(seed, tmp_path):
    """`graphs.Case(seed)` gives the same network again; the opsets take turns."""
    case, opset = graphs.Case(seed), 13 + seed % (NEWEST - 12)
    for dtype, share in (("float32", 3e-5), ("float64", 1e-6)):  # settings of operators are float32
        network, x = case.network(dtype), case.images(dtype=dtype)
        fastconv.onnx.save(network, tmp_path / "random.onnx", opset=opset, freeze=seed % 2 == 0)
        result, expected = onnx_reference.run(tmp_path / "random.onnx", x), network.predict(x)
        assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
        close(result, expected, share)
