"""Errors reach another process as they were: pools of processes pickle them."""

import copy
import pickle

import pytest

from fastconv.checkpoint import CheckpointError, Mismatch
from fastconv.data import DataError


class Mine(Mismatch):
    """A subclass whose arguments are its own."""

    def __init__(self):
        super().__init__("a.npz", [], [], ["fc.weight is (3,) float32, must be (4,) float32"])


ERRORS = {
    "CheckpointError": lambda: CheckpointError("a.npz is empty"),
    "DataError": lambda: DataError("a.png: cannot be read"),
    "Mismatch": lambda: Mismatch("a.npz", ["fc.weight", "fc.bias"], ["head"], [], "; do this"),
    "a subclass": Mine,
}
WAYS = {f"protocol {n}": lambda error, n=n: pickle.loads(pickle.dumps(error, n)) for n in range(6)}
WAYS |= {"copy": copy.copy, "deepcopy": copy.deepcopy}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("way", WAYS)
def test_an_error_comes_back_as_it_was(kind, way):
    error = ERRORS[kind]()
    error.add_note("in epoch 3")
    again = WAYS[way](error)
    assert type(again) is type(error)
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
    assert vars(again)["__notes__"] == ["in epoch 3"]
