"""Saving and loading called as habit has it: on the class, with the arguments in another order."""

import re

import numpy as np
import pytest

from fastconv import Network, checkpoint, layers


@pytest.mark.parametrize("name", ["save", "load"])
def test_a_call_on_the_class_says_to_make_the_network_first(tmp_path, name):
    path = tmp_path / "a.npz"
    said = (
        f"Network.{name} belongs to a network, not to the class: "
        f"write network = Network(model, input_shape), then network.{name}(path)"
    )
    with pytest.raises(TypeError, match=re.escape(said)):
        getattr(Network, name)(str(path))
    network = Network(layers.Linear(2), (3,))  # the advice
    network.save(path)
    getattr(network, name)(str(path))


def test_errors_about_arguments_name_the_class_that_was_typed():
    network = Network(layers.Linear(2), (3,))
    with pytest.raises(TypeError, match=r"^Network\.save\(\) missing 1 required positional argument: 'path'"):
        network.save()
    with pytest.raises(TypeError, match=r"^Network\.load\(\) takes 2 positional arguments but 3"):
        network.load("a.npz", False)


def test_arguments_in_another_order_are_named(tmp_path):
    network = Network(layers.Linear(2), (3,))
    with pytest.raises(TypeError, match=r"path comes before arrays: write checkpoint\.save\('a\.npz', arrays\)"):
        checkpoint.save(network.parameters, "a.npz")
    with pytest.raises(TypeError, match=r"arrays must be a dict of arrays, got Network: write network\.save\(path\)"):
        checkpoint.save(tmp_path / "a.npz", network)
    with pytest.raises(TypeError, match=r"arrays must be a dict of arrays, got list: write \{'name': array, \.\.\.\}"):
        checkpoint.save(tmp_path / "a.npz", [np.ones(2)])


class Module:
    """A module of PyTorch, as far as it matters here."""

    def __init__(self, arrays):
        self.state_dict = lambda: arrays


@pytest.mark.parametrize(
    ("given", "line"),
    [("network", "network.load(other.arrays())"), ("module", "network.load(module.state_dict())")],
)
def test_a_network_or_a_module_is_told_how_to_hand_over_its_arrays(given, line):
    network, other = (Network(layers.Linear(2), (3,), seed=seed) for seed in (0, 1))
    module = Module(other.arrays())
    with pytest.raises(TypeError, match=rf"got \w+; write {re.escape(line)}$"):
        network.load({"network": other, "module": module}[given])
    eval(line)
    assert network.parameters.flat.tobytes() == other.parameters.flat.tobytes()


def test_an_open_file_is_told_its_name(tmp_path):
    network = Network(layers.Linear(2), (3,))
    path = tmp_path / "a.npz"
    with path.open("wb") as file, pytest.raises(TypeError, match=f"got BufferedWriter.*; write {str(path)!r}"):
        network.save(file)


def test_what_a_file_of_others_may_be_is_said(tmp_path):
    network = Network(layers.Linear(2), (3,))
    np.savez(tmp_path / "data.npz", x_train=np.ones(3), y_train=np.ones(3))
    with pytest.raises(checkpoint.Mismatch, match="it looks like images and labels, not weights"):
        network.load(tmp_path / "data.npz")
    np.savez(tmp_path / "nameless.npz", *network.parameters.values())
    said = "numpy.savez made up these names: write numpy.savez(path, **{'linear1.weight': array, ...})"
    with pytest.raises(checkpoint.Mismatch, match=re.escape(said)):
        network.load(tmp_path / "nameless.npz")
    np.savez(tmp_path / "named.npz", **{name: array + 1 for name, array in network.parameters.items()})
    network.load(tmp_path / "named.npz")
