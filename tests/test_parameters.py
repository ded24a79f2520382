"""The mappings `network.parameters` and `network.buffers`, as people try them."""

import re

import numpy as np
import pytest

from fastconv import Network, models


@pytest.fixture
def network():
    return Network(models.lenet5(), (1, 28, 28), seed=0)


def test_an_unknown_name_says_the_nearest_or_all(network):
    with pytest.raises(KeyError, match=r"none of the arrays; did you mean 'conv1.weight'"):
        network.parameters["conv1.wieght"]
    with pytest.raises(KeyError, match=r"did you mean '.*weight' or '.*weight' or '.*weight'"):
        network.parameters["weight"]
    with pytest.raises(KeyError, match=f"the names are {', '.join(network.parameters)}"):
        network.parameters["?"]


def test_a_name_is_asked_for_without_an_error(network):
    assert "conv1.weight" in network.parameters
    assert "conv1.wieght" not in network.parameters
    assert network.parameters.get("conv1.wieght") is None
    assert network.parameters.get("conv1.wieght", 3) == 3
    assert network.parameters.get("conv1.bias") is network.parameters["conv1.bias"]


def test_the_mapping_is_no_method(network):
    for arrays in (network.parameters, network.buffers):
        with pytest.raises(TypeError, match=re.escape("a mapping, not a method: leave out ();")):
            arrays()


def test_the_best_parameters_are_kept_and_put_back(network):
    best = network.parameters.copy()
    first = network.parameters["fc3.bias"].copy()
    network.parameters["fc3.bias"][...] = 7
    np.testing.assert_array_equal(best["fc3.bias"], first)
    network.parameters.update(best)
    np.testing.assert_array_equal(network.parameters["fc3.bias"], first)
    network.parameters.update({"fc3.bias": first + 1})
    np.testing.assert_array_equal(network.parameters["fc3.bias"], first + 1)


def test_an_update_with_a_wrong_name_writes_nothing(network):
    before = network.parameters.copy()
    with pytest.raises(KeyError, match="none of the arrays"):
        network.parameters.update({"fc3.bias": np.ones(10), "fc4.bias": np.ones(10)})
    np.testing.assert_array_equal(network.parameters.flat, before.flat)


def test_what_the_network_needs_is_not_taken_away(network):
    with pytest.raises(TypeError, match=r"fc3.bias cannot be deleted: the network needs it; to clear it write"):
        del network.parameters["fc3.bias"]
    with pytest.raises(AttributeError, match=r"parameters cannot be replaced: write into the arrays"):
        network.parameters = network.parameters.copy()
    with pytest.raises(ValueError, match=r"fc3.bias must have shape \(10,\) .*, got \(9,\)"):
        network.parameters["fc3.bias"] = np.ones(9)


def test_the_mapping_shows_names_shapes_and_dtypes(network):
    text = repr(network.parameters)
    for name, array in network.parameters.items():
        assert f"{name!r}: {array.shape} float32" in text
    assert max(map(len, text.splitlines())) <= 80
    assert repr(network.buffers) == "<>"


def test_live_arrays_that_were_taken_for_a_copy_are_said(network):
    """`dict(...)` copies no array: what it holds has gone on with the network."""
    for best in (network.parameters, dict(network.parameters)):
        network.parameters["fc3.bias"][...] = 7
        with pytest.warns(UserWarning, match=r"wrote nothing: .*best = network\.parameters\.copy\(\)") as caught:
            network.parameters.update(best)
        assert caught[0].filename == __file__
    network.parameters.update({})
    kept = dict(network.parameters) | {"fc3.bias": np.zeros(10, "float32")}
    network.parameters.update(kept)
    assert not network.parameters["fc3.bias"].any()


HABITS = {
    "a + b": "write a.flat + b.flat, or a[name] + b[name] for each name",
    "2 * a": "write a.flat * b.flat",
    "a / 2": "write a.flat / b.flat",
    "a - b": "write a.flat - b.flat",
    "a | b": "write network.parameters.update(values)",
    "a.clone()": "write .copy(), which gives the same mapping with arrays of its own",
    "a.state_dict()": "write .copy()",
    "a.numel()": "write .flat.size",
    "a.zero_()": "write .flat[...] = 0",
    "a.pop('fc3.bias')": "the network needs all its arrays",
    "np.linalg.norm(a)": "write arrays.flat, the values one after another",
    "np.asarray(a)": "write arrays.flat, the values one after another",
    "a.norm()": "write numpy.linalg.norm(arrays.flat)",
    "a.conv1": "write ['conv1.weight'] or ['conv1.bias']",
}


@pytest.mark.parametrize("habit", HABITS)
def test_what_one_does_with_arrays_says_what_to_write(network, habit):
    with pytest.raises((TypeError, AttributeError), match=re.escape(HABITS[habit])):
        eval(habit, {"np": np, "a": network.parameters, "b": network.parameters.copy()})


def test_the_mean_of_two_mappings_as_the_error_says(network):
    other = network.parameters.copy()
    other.flat[...] = 3 * network.parameters.flat
    network.parameters.flat[...] = (network.parameters.flat + other.flat) / 2
    np.testing.assert_allclose(network.parameters.flat, other.flat * 2 / 3, rtol=1e-6)
    assert not hasattr(network.parameters, "clone")
