"""The protocol of callbacks: what `fit` calls, and what it gives them."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..network import Network

__all__ = ["Callback", "Run"]


class Run(Protocol):
    """A training that is under way, as callbacks see it.

    Attributes
    ----------
    network : Network
    optimizer, loss
        As they were given to `fit`.
    epoch, epochs : int
        The epoch that runs, from 1, and how many there are.
    step, steps : int
        The updates done so far, in all epochs together, and those of all epochs.
    images : int
        The images that an epoch trains on.
    step_loss : float or None
        The loss of the last batch, before its update.
    lr : float or None
        The learning rate of the last step; None where the optimizer has none.
    history : list of Epoch
        The results of the finished epochs.
    stop : bool
        Set it to True: training ends after this step, or this epoch.
    callbacks : sequence of callbacks
        All of this training, in the order in which they are called.
    validation, metrics
        What the validation is, or None; the metrics by name.
    broken : bool
        Whether an error or Ctrl-C has ended the training.
    classes : tuple of str, or None
        The names of the classes, where the data set has them.
    rank : int
        The number of this process among those that train together (`fastconv.mpi`), from 0.
    preprocessing : sequence of transforms, or None
        What raw images pass through before the network: that of the loader of the validation, else that of the
        training without the transforms that are random.
    """

    network: Network
    optimizer: Any
    loss: Any
    epoch: int
    epochs: int
    step: int
    steps: int
    images: int
    step_loss: float | None
    lr: float | None
    history: Sequence[Any]
    stop: bool
    broken: bool
    callbacks: Sequence[Any]
    validation: Any
    metrics: Mapping[str, Any]
    classes: tuple[str, ...] | None
    preprocessing: Any
    rank: int

    def say(self, line: str) -> None:
        """Show a line on standard error, if `fit` shows its progress."""

    def state(self) -> dict[str, Any]:
        """All that the training needs to go on after this step, as nested dicts of arrays and of what JSON holds."""


class Callback:
    """The base of callbacks: methods that do nothing. Write those that you need.

    Ctrl-C waits for the end of a step and of a callback. Callbacks are called in the order in which `fit` is given
    them; those with ``last = True`` come after the others. Where several processes train together, those with
    ``writes = True`` are called on rank 0 alone, because they write files or lines; the others on every rank.

    Examples
    --------
    Stop as soon as the training loss is small:

    >>> from fastconv.callbacks import Callback
    >>> class Enough(Callback):
    ...     def on_epoch(self, run):
    ...         run.stop = run.history[-1].loss < 0.01
    """

    last = False
    writes = False

    def on_begin(self, run: Run) -> None:
        """Before the first step."""

    def on_step(self, run: Run) -> None:
        """After each update."""

    def before_validation(self, run: Run) -> None:
        """After the last step of an epoch, before the validation is looked at."""

    def after_validation(self, run: Run) -> None:
        """When the validation has been looked at, before the results of the epoch are known; also after an error.

        Callbacks are called in reverse order, so that each undoes what it did in `before_validation`.
        """

    def on_epoch(self, run: Run) -> None:
        """After each epoch; its results are ``run.history[-1]``."""

    def on_interrupt(self, run: Run) -> None:
        """Ctrl-C: the network is as it was after the last update."""

    def on_end(self, run: Run) -> None:
        """Once, when training is over, also after an error or Ctrl-C."""

    def state(self) -> Mapping[str, Any]:
        """What it must remember to go on where a training was broken off: arrays, and what JSON holds, by name."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, before `on_begin`."""
