"""Files in ONNX Runtime, where it is installed; `onnx_reference` runs the same in all other tests."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnxruntime

import fastconv.onnx
from fastconv import Network, models
from fastconv.data import transforms
from fastconv.saved import SavedNetwork

SHAPE = (3, 32, 32)


def run(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.fixture
def network():
    return Network(models.resnet20(num_classes=5), SHAPE, seed=0)


@pytest.mark.parametrize(
    "options", [{}, {"external_data": True}, {"freeze": True}, {"opset": 13}, {"opset": 23}], ids=str
)
def test_it_gives_what_the_network_predicts(options, network, tmp_path):
    x = np.random.default_rng(0).standard_normal((3, *SHAPE)).astype("float32")
    fastconv.onnx.save(network, tmp_path / "a.onnx", **options)
    close(run(tmp_path / "a.onnx", x), network.predict(x))


def test_other_sizes(network, tmp_path):
    fastconv.onnx.save(network, tmp_path / "a.onnx", free_size=True)
    for size in ((32, 32), (33, 47), (64, 40)):
        x = np.random.default_rng(0).standard_normal((2, 3, *size)).astype("float32")
        close(run(tmp_path / "a.onnx", x), fastconv.onnx.load(tmp_path / "a.onnx", (3, *size)).predict(x))


def test_raw_bytes(network, tmp_path):
    steps = [transforms.to_float(), transforms.normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))]
    fastconv.onnx.save(network, tmp_path / "a.onnx", preprocessing=steps, freeze=True)
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SHAPE), np.uint8)
    close(run(tmp_path / "a.onnx", pixels), SavedNetwork(network, None, steps).predict(pixels))
