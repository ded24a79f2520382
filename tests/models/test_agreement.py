"""The models compute what PyTorch's compute on the same weights: float64 to 1e-9, from stored results.

`benchmarks/agree.py` compares them side by side, where PyTorch is installed.
"""

import json

import agreement
import pytest

from fastconv import Network

STORED = json.loads(agreement.STORED.read_text())


@pytest.mark.parametrize("name", agreement.CASES)
def test_prediction_and_gradients_are_those_of_pytorch(name):
    case, expected = agreement.CASES[name], STORED[name]
    network = Network(case.build(num_classes=agreement.CLASSES), (3, case.size, case.size), "float64")
    for key, array in network.arrays().items():
        if not key.endswith("counter"):
            array[...] = agreement.weight(key, array.shape)
    x, targets = agreement.batch(name)
    predicted = network.predict(x)[:, : agreement.CLASSES]
    loss, gradients = network.gradients(x, targets, agreement.loss(name))
    found = agreement.seen(loss, predicted, gradients)
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-9)
    largest = max(abs(y) for row in expected["predicted"] for y in row)
    for row, wanted in zip(found["predicted"], expected["predicted"], strict=True):
        assert row == pytest.approx(wanted, rel=0, abs=1e-9 * largest)
    assert set(found["gradients"]) == set(expected["gradients"])
    most = max(norm for _, norm in expected["gradients"].values())
    for key, wanted in expected["gradients"].items():
        # below a millionth of the largest a gradient is 0 in theory: a bias that batch normalisation takes away
        tolerance = 1e-9 * max(wanted[1], 1e-6 * most)
        assert found["gradients"][key] == pytest.approx(wanted, rel=0, abs=tolerance), key
