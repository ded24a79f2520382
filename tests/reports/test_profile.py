"""Measuring leaves the network as it was: weights, buffers, what is random, and everything that comes after."""

import numpy as np
import pytest

from fastconv import SGD, Network, evaluate, losses, sequential, train_step
from fastconv.layers import BatchNorm, Conv2D, Dropout, Flatten, Linear, ReLU

X = 5 + np.random.default_rng(0).standard_normal((8, 3, 6, 6)).astype("float32")
TARGETS = np.arange(8) % 3


def shared(x):
    norm, drop, conv = BatchNorm(), Dropout(0.3), Conv2D(3, 3, padding=1)
    for _ in range(3):
        x = drop(norm(conv(x)))
    return sequential(Flatten(), Linear(3))(x)


MODELS = {
    "batch norm": sequential(Conv2D(4, 3), BatchNorm(), ReLU(), Flatten(), Linear(3)),
    "dropout": sequential(Dropout(0.5), Flatten(), Linear(3)),
    "both": sequential(Conv2D(20, 3), BatchNorm(affine=False), Dropout(0.5), Flatten(), Linear(3), BatchNorm()),
    "shared": shared,
}


class Breaking(losses.CrossEntropy):
    """Stops a training step in its middle."""

    def __init__(self, error):
        object.__setattr__(self, "error", error)

    def bind(self, y, targets, value, dy):
        def call():
            raise self.error

        return call


def broken(network, error):
    with pytest.raises(type(error)):
        network.profile(X, TARGETS, Breaking(error))


MEASURES = {
    "profile of training": lambda n: n.profile(X, TARGETS, losses.CrossEntropy(), repeats=3),
    "profile of prediction": lambda n: n.profile(X, repeats=2),
    "profile with an error": lambda n: broken(n, ZeroDivisionError()),
    "profile interrupted": lambda n: broken(n, KeyboardInterrupt()),
    "memory": lambda n: n.memory(8, training=True, slots=2),
    "plan": lambda n: n.plan(8, training=True),
    "summary": lambda n: n.summary(8),
    "evaluate": lambda n: evaluate(n, X, TARGETS),
    "freeze": lambda n: n.freeze().predict(X),
    "predict": lambda n: n.predict(X),
    "repr": repr,
}


def everything(network):
    arrays = {name: array.tobytes() for name, array in network.arrays().items()}
    return arrays, network.parameters.flat.tobytes(), str(np.random.get_state())


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_measuring_changes_nothing_that_is_there_or_comes_later(model, measure, trained):
    network, other = (Network(model, (3, 6, 6), seed=0) for _ in range(2))
    for made in (network, other) if trained else ():
        train_step(made, X, TARGETS, SGD(0.1))
    before = everything(network)
    measure(network)
    assert everything(network) == before
    np.testing.assert_array_equal(network.predict(X), other.predict(X))
    steps = [[train_step(made, X, TARGETS, SGD(0.1, 0.9)) for _ in range(2)] for made in (network, other)]
    assert steps[0] == steps[1]
    assert everything(network) == everything(other)


def test_a_profile_of_training_has_the_steps_of_the_plan():
    network = Network(MODELS["both"], (3, 6, 6), seed=0)
    rows = network.profile(X, TARGETS, losses.CrossEntropy(), repeats=1).rows
    lines = {line.step for line in network.plan(8, training=True).lines}
    assert {row.step for row in rows} <= lines
    assert len(rows) > 8
