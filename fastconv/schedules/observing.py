"""The schedule that falls where the loss no longer does."""

from collections.abc import Mapping

from ..ops import check
from .moment import Moment, at_least_0


def plateau(factor: float = 0.1, patience: int = 10, least: float = 0.0, change: float = 1e-4) -> "Plateau":
    """f = factor^(how often the loss has not improved for more than `patience` epochs), at least `least`.

    The loss is that of the validation, or that of the training where there is none. It improves where it is below
    (1 - change) times the best one.

    Examples
    --------
    >>> fall = fastconv.schedules.plateau(0.5, patience=1)
    >>> for loss in (3, 2, 2, 2):
    ...     fall.observe(loss)
    >>> fall(fastconv.schedules.Moment(0, 10, 4, 10))
    0.5
    """
    return Plateau(at_least_0(factor, "factor"), check.integer(patience, "patience", 0), at_least_0(least, "least"),
                   at_least_0(change, "change"))  # fmt: skip


class Plateau:
    """A schedule that `observe`s the loss of each epoch."""

    def __init__(self, factor: float, patience: int, least: float, change: float) -> None:
        self.factor, self.patience, self.least, self.change = factor, patience, least, change
        self.best, self.waited, self.now = float("inf"), 0, 1.0

    def __call__(self, moment: Moment) -> float:
        return self.now

    def observe(self, loss: float) -> None:
        """The loss of an epoch."""
        if loss < self.best - abs(self.best) * self.change or self.best == float("inf"):
            self.best, self.waited = loss, 0
            return
        self.waited += 1
        if self.waited > self.patience:
            self.now, self.waited = max(self.least, self.now * self.factor), 0

    def state(self) -> dict[str, float]:
        """What it remembers, for a training that is broken off."""
        return {"best": self.best, "waited": self.waited, "now": self.now}

    def load_state(self, state: Mapping[str, float]) -> None:
        """Take back what `state` gave."""
        self.best, self.waited, self.now = float(state["best"]), int(state["waited"]), float(state["now"])
