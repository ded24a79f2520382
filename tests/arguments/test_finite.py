"""NaN and infinity are found, and named by where they lie."""

import numpy as np
import pytest

from fastconv import Network, layers
from fastconv.arguments.finite import check_finite, contents, finite, item_not_finite, not_finite


def test_numbers_whose_sum_overflows_are_finite():
    assert finite(np.full(9, 3e38, "float32"))
    assert finite(np.array([1, 2]))
    assert finite(np.zeros((0, 3), "float32"))
    for bad in (np.nan, np.inf, -np.inf):
        assert not finite(np.array([1, bad, 2], "float32"))
    assert not finite(np.array([np.inf, -np.inf]))


def test_the_first_array_is_named_in_a_dict_as_in_a_network():
    network = Network(layers.Linear(2), (3,), seed=0)
    assert not_finite("network.parameters", network.parameters) == ""
    network.parameters["linear1.bias"][1] = np.inf
    copies = {"counter": np.array([2**63, 1], "uint64"), **network.parameters}
    for name, arrays in (("network.parameters", network.parameters), ("copies", copies)):
        assert not_finite(name, arrays) == f"{name}['linear1.bias'] holds infinity"
        assert np.isinf(eval(name, {"network": network, "copies": copies})["linear1.bias"]).any()


@pytest.mark.parametrize("chosen", [None, np.array([4, 2, 1])])
def test_an_item_is_named_by_its_index_in_the_whole_array(chosen):
    x = np.ones((5, 3), "float32")
    assert item_not_finite("images", x, chosen) == ""
    x[2, 1] = np.nan
    says = item_not_finite("images", x, chosen)
    assert says.startswith("images[2] holds NaN; with good = numpy.isfinite(images).all(1) write images[good]")
    assert item_not_finite("labels", np.arange(3), None) == ""


def test_a_loss_and_what_an_array_holds():
    check_finite(np.float32(1))
    with pytest.raises(FloatingPointError, match=r"^the loss is nan; no parameter has changed$"):
        check_finite(np.array(np.nan))
    assert [contents(np.array([1, bad])) for bad in (2, np.nan, -np.inf)] == ["", "NaN", "infinity"]
