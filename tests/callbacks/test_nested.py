"""Nested values, taken apart for a file and joined again."""

from collections import namedtuple

import numpy as np
import pytest

from fastconv import Network, fit, layers
from fastconv.callbacks import Callback, Checkpoint
from fastconv.callbacks.nested import joined, parted

A, B = np.arange(3.0), np.array(5, "uint64")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"x": A, "n": 3}, {"run/x"}),
        ({"x": {"y/z": A}, "list": [1, B, (A, None)]}, {"run/x/y/z", "run/list/1", "run/list/2/0"}),
        ([], set()),
        ({"deep": [{"kind": "K", "state": {"w": A}}]}, {"run/deep/0/state/w"}),
        ({"x/y": A, "x": {"y": B}}, {"run/x/y", "run/x/y_"}),
        ({"array": "words"}, set()),
    ],
)
def test_there_and_back(value, names):
    arrays, rest = parted(value)
    assert arrays.keys() == names
    found = joined(arrays, rest)
    assert repr(found) == repr(value)


def test_a_missing_array_is_named():
    arrays, rest = parted({"x": A})
    del arrays["run/x"]
    with pytest.raises(KeyError, match="run/x"):
        joined(arrays, rest)


def test_a_named_tuple_becomes_a_tuple():
    assert joined(*parted({"x": namedtuple("Pair", "a b")(1, 2)})) == {"x": (1, 2)}


def test_a_state_that_is_no_dict_is_named(tmp_path):
    class Forgetful(Callback):
        def state(self):
            return None

    callbacks = [Forgetful(), Checkpoint(tmp_path / "run.npz")]
    with pytest.raises(TypeError, match=r"Forgetful.state\(\) must return a dict, got None"):
        fit(Network(layers.Linear(2), (4,)), np.eye(4, dtype="float32"), [0, 1, 0, 1], callbacks=callbacks)
