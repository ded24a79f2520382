"""Lean steps that stop half-way."""

import pickle

import numpy as np
import pytest
from optim_state import LABELS, X

from fastconv import Network, layers, train_step
from fastconv.optim import Adam


class Failing(Adam):
    """Fails when the update of this number is prepared."""

    left = -1

    def prepare(self, *arguments):
        self.left -= 1
        if self.left == 0:
            raise ZeroDivisionError("stopped")
        return super().prepare(*arguments)


def parted():
    """A network whose parameters are updated in several parts."""
    return Network(layers.Linear(3, name="first"), (4,), seed=0)


def test_half_a_lean_step_is_not_continued():
    optimizer, net, labels = Failing(0.1), parted(), LABELS
    train_step(net, X, labels, optimizer, lean=True)
    optimizer.left = 2
    with pytest.raises(ZeroDivisionError):
        train_step(net, X, labels, optimizer, lean=True)
    weights = net.parameters.flat.copy()
    for again in (
        lambda: train_step(net, X, labels, optimizer),
        lambda: train_step(net, X, labels, optimizer, lean=True),
        lambda: optimizer.step(dict(net.parameters), dict(net.parameters)),
        lambda: train_step(net, X, labels, pickle.loads(pickle.dumps(optimizer))),
    ):
        with pytest.raises(RuntimeError, match="lean step stopped half-way"):
            again()
    np.testing.assert_array_equal(net.parameters.flat, weights)
    train_step(parted(), X, labels, optimizer)  # another network's parameters are whole
    train_step(net, X, labels, Adam(0.1))


def test_a_lean_step_that_fails_before_it_changes_anything_may_be_repeated():
    optimizer, net, right = Failing(0.1), parted(), parted()
    optimizer.left = 1
    with pytest.raises(ZeroDivisionError):
        train_step(net, X, LABELS, optimizer, lean=True)
    for one, other in ((net, optimizer), (right, Adam(0.1))):
        train_step(one, X, LABELS, other, lean=True)
    np.testing.assert_array_equal(net.parameters.flat, right.parameters.flat)
