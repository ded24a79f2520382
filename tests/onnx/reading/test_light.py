"""The networks that come with the package onnx, without their weights: each of them is read whole."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from fastconv.onnx import load

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
COUNTS = {  # name -> the trained numbers of the original, as its paper or its file has them
    "bvlc_alexnet": 60_965_224,
    "densenet121": 7_978_856,
    "inception_v1": 6_998_552,
    "inception_v2": 11_194_984,
    "resnet50": 25_557_032,
    "shufflenet": 1_393_320,
    "squeezenet": 1_235_496,
    "vgg19": 143_667_240,
    "zfnet512": 87_250_536,
}


@pytest.mark.parametrize("name", COUNTS)
def test_it_has_its_parameters_and_gives_the_stored_output(name):
    """All weights are one number, so that the classes are alike: what is stored for any image."""
    network = load(FOLDER / f"light_{name}.onnx")
    stored = numpy_helper.to_array(onnx.TensorProto.FromString((FOLDER / f"light_{name}_output_0.pb").read_bytes()))
    assert sum(array.size for array in network.parameters.values()) == COUNTS[name]
    found = network.predict(np.full((1, 3, 224, 224), 0.5, "float32"))
    assert found.shape == stored.shape
    assert np.ptp(found) <= 1e-4 * np.abs(found).max()
    assert np.ptp(stored) <= 1e-4 * np.abs(stored).max()
