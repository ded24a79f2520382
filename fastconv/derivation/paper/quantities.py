"""The letters of Zhang 2016 as arrays: what the library computed, in float64; and how a step of the paper is made."""

from typing import Any

import numpy as np

from ... import Network, losses, models
from ...typing import Array
from ..records import Check, Step, same
from ..run import Run
from ..slopes import compared, slopes

__all__ = ["CHAIN", "LOOPS", "Quantities", "is_paper"]

LOOPS = "sums in float64 NumPy"
CHAIN = "the line above"
SLOPES = 1e-5  # of the largest value: two ways of which one takes central differences


def is_paper(network: Network, loss: Any) -> bool:
    """Whether the network is that of the paper, with the paper's loss."""
    model = network.model
    same_model = model is not None and model == Network(models.zhang2016(), (1, 28, 28)).model
    return same_model and network.input_shape == (1, 28, 28) and loss == losses.MSE()


class Quantities:
    """Values, and with a d before them errors, by the letters of the paper; `..._s` is before the sigmoid."""

    def __init__(self, run: Run, seed: int) -> None:
        self.run, self.rng = run, np.random.default_rng(seed)
        self.found: dict[int, Array] = {}
        image, *values = run.values
        self.I: Array = image[0]
        self.C1s, self.C1, self.S1, self.C2s, self.C2, self.S2, self.f, self.ys, self.yhat = values
        errors = run.value_gradients[1:]
        self.dC1s, self.dC1, self.dS1, self.dC2s, self.dC2, self.dS2, self.df, self.dys, self.dyhat = errors
        names = ("k1", "b1", "k2", "b2", "W", "b")
        for letter, name in zip(names, run.names, strict=True):
            setattr(self, letter, run.parameter(name))
            setattr(self, f"d{letter}", run.gradients[name])
        self.names = dict(zip(names, run.names, strict=True))
        self.y = self.target(run)

    k1: Array
    k2: Array
    b1: Array
    b2: Array
    W: Array
    b: Array
    dk1: Array
    dk2: Array
    db1: Array
    db2: Array
    dW: Array
    db: Array

    def target(self, run: Run) -> Array:
        """y of eq. 13, one number for each output."""
        return np.asarray(run.target, "float64").reshape(self.yhat.shape)

    def of_value(self, k: int) -> Check:
        """The check of dL / d(value k) with central differences of L."""
        run = self.run
        return compared(run.value_gradients[k], run.loss_of_values(k), run.values[k], self.rng, self.slopes(k))

    def slopes(self, k: int) -> Array:
        """dL / d(value k) by central differences."""
        if k not in self.found:
            self.found[k] = slopes(self.run.loss_of_values(k), self.run.values[k])
        return self.found[k]

    def of_parameter(self, letter: str) -> Check:
        """The check of the gradient of a parameter with central differences of L."""
        name, run = self.names[letter], self.run
        return compared(run.gradients[name], run.loss_of_parameter(name), run.parameter(name), self.rng)


def step(number: int, title: str, source: str, symbol: str, values: Any, *checks: Check, note: str = "") -> Step:
    """A step of the paper; its number says whether it goes forward or back."""
    direction = "forward" if number < 14 else "backward" if number < 65 else "update"
    array = np.array(values, "float64")
    return Step(number, f"({number})", title, direction, source, symbol, array, tuple(checks), note)


def chain(values: Any, others: Any, against: str = CHAIN) -> Check:
    """The check of a step in which central differences stand for a derivative."""
    return same(values, others, against, SLOPES)
