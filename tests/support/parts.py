"""A small network of parts that are frozen one by one, and what became of it."""

import numpy as np

from fastconv import Network, sequential
from fastconv.executor.steps import Backward
from fastconv.layers import BatchNorm, Conv2D, Dropout, Flatten, Linear, ReLU

LABELS = np.array([0, 1, 2, 0])


def network(dtype="float32"):
    return Network(
        sequential(
            Conv2D(4, 3, padding=1, name="a"),
            BatchNorm(name="a_norm"),
            ReLU(),
            Conv2D(5, 3, padding=1, name="b.conv"),
            BatchNorm(name="b.norm"),
            ReLU(),
            Dropout(0.5, seed=1),
            Flatten(),
            Linear(3, name="fc"),
        ),
        (2, 6, 6),
        dtype,
        seed=0,
    )


def images(n=4, shape=(2, 6, 6), dtype="float32"):
    return np.random.default_rng(0).standard_normal((n, *shape)).astype(dtype)


def backward_steps(net, lean=False):
    """The layers with a backward step, in the order in which they run."""
    return [step.node.name for step in net.executor.make_plan(4, True, lean).steps if isinstance(step, Backward)]


def moved(before, net):
    return [name for name, array in net.arrays().items() if array.tobytes() != before[name].tobytes()]
