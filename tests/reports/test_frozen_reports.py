"""What a frozen network tells about itself, and what it does not do."""

import copy
import pickle

import pytest

from fastconv import Network, models

NETWORK = Network(models.lenet5(), (1, 28, 28), seed=0)


def test_its_summary_is_that_of_the_network():
    assert str(NETWORK.freeze().summary()) == str(NETWORK.summary())


@pytest.mark.parametrize("name", ["fit", "parameters", "save", "train_batch", "gradients", "freeze"])
def test_what_only_networks_do(name):
    says = rf"FrozenNetwork has no attribute '{name}'; it only predicts: ask the Network that it was frozen from"
    with pytest.raises(AttributeError, match=says):
        getattr(NETWORK.freeze(), name)


def test_copies_and_pickles_as_ever():
    frozen = NETWORK.freeze()
    for way in (copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))):
        assert repr(way(frozen)) == repr(frozen)
