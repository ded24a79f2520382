"""Nested values, taken apart for a file and joined again."""

import numpy as np
import pytest

from fastconv.callbacks.nested import joined, parted

A, B = np.arange(3.0), np.array(5, "uint64")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"x": A, "n": 3}, {"run/x"}),
        ({"x": {"y/z": A}, "list": [1, B, (A, None)]}, {"run/x/y/z", "run/list/1", "run/list/2/0"}),
        ([], set()),
        ({"deep": [{"kind": "K", "state": {"w": A}}]}, {"run/deep/0/state/w"}),
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
