"""Arrays in memory are loaded as those of a file are: by name, checked first, copied."""

import re

import numpy as np
import pytest

from fastconv import Network, layers, sequential
from fastconv.checkpoint import CheckpointError, Mismatch, load


def make(seed=0, classes=2):
    return Network(sequential(layers.Linear(3), layers.BatchNorm(), layers.Linear(classes)), (4,), seed=seed)


def test_the_arrays_of_another_network_are_copied():
    source, target = make(0), make(1)
    assert target.load(dict(source.arrays())) == {}
    x = np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(target.predict(x), source.predict(x))
    source.parameters["linear1.weight"][...] = 9
    assert not (target.parameters["linear1.weight"] == 9).any()


def test_the_advice_for_another_network_works():
    source, target = make(0), make(1)
    with pytest.raises(TypeError, match=r"got Network; write network\.load\(other\.arrays\(\)\)$"):
        target.load(source)
    target.load(source.arrays())
    np.testing.assert_array_equal(target.parameters.flat, source.parameters.flat)


class Module:
    """As one of PyTorch."""

    def __init__(self, network):
        self.network = network

    def state_dict(self):
        return dict(self.network.arrays())


def test_a_module_and_a_list_are_told_how_to_give_names():
    source, target = make(0), make(1)
    module = Module(source)
    with pytest.raises(TypeError, match=r"got Module; write network\.load\(module\.state_dict\(\)\)$"):
        target.load(module)
    target.load(module.state_dict())
    np.testing.assert_array_equal(target.parameters.flat, source.parameters.flat)
    with pytest.raises(
        TypeError, match=r"got list; write a dict, \{'conv1\.weight': array, \.\.\.\}; network\.parameters"
    ):
        target.load(list(source.arrays().values()))


def test_a_part_and_other_names():
    source, target = make(0, classes=5), make(1)
    done = target.load(dict(source.arrays()), strict=False)
    assert sorted(done.misshapen) == ["linear2.bias", "linear2.weight"]
    with pytest.raises(Mismatch, match=r"the dict does not fit this network: .*linear2\.bias is \(5,\) float32"):
        target.load(dict(source.arrays()))
    given = {f"module.{name}": array for name, array in make(3).arrays().items()}
    target.load(given)
    np.testing.assert_array_equal(target.parameters["linear2.bias"], given["module.linear2.bias"])


def test_arrays_of_the_network_itself_may_change_places():
    arrays = {"a": np.zeros(3), "b": np.ones(3)}
    load({"a": arrays["b"], "b": arrays["a"]}, arrays)
    assert (arrays["a"].tolist(), arrays["b"].tolist()) == ([1, 1, 1], [0, 0, 0])


def test_lists_are_arrays_and_other_dtypes_are_converted_as_those_of_a_file_are():
    arrays = {"a": np.zeros(2, np.float32)}
    load({"a": [0.5, 1.0]}, arrays)
    assert arrays["a"].tolist() == [0.5, 1]
    with pytest.warns(UserWarning, match="the dict: rounded to the network's dtype: a"):
        load({"a": np.full(2, 0.1)}, arrays)
    with pytest.raises(Mismatch, match=r"a is \(2,\) int64, must be \(2,\) float32"):
        load({"a": [1, 2]}, arrays)


class Unreadable:
    """As a tensor of PyTorch that lies on another device, or is bfloat16."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"a": Unreadable()},
            "the dict: a is no array: can't convert cuda:0 device type tensor; write x.detach()",
        ),
        ({"state_dict": {"a": 1.0}}, "the dict holds other dicts ('state_dict'): write network.load(x['state_dict'])"),
        ({0: np.zeros(2)}, "the dict must have names as keys, got 0"),
        ({"a": [[1], [2, 3]]}, "the dict: a is no array"),
        ({"a": None}, "Python objects"),
        ({}, "1 missing: a"),
    ],
)
def test_what_is_no_dict_of_arrays(given, says):
    arrays = {"a": np.zeros(2)}
    with pytest.raises(CheckpointError, match=re.escape(says)):
        load(given, arrays)
    assert arrays["a"].tolist() == [0, 0]
