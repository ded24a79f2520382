"""Training ends when it no longer improves."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..network import Network
from ..ops import check
from ..typing import Array
from .base import Callback, Run
from .completed import completed
from .monitor import FIELDS, Monitor
from .weight_average import WeightAverage, take_back

__all__ = ["EarlyStopping"]


class EarlyStopping(Callback):
    """Stop when no epoch has been better than the best one for `patience` epochs, and give back the best weights.

    Parameters
    ----------
    patience : int
        How many epochs in a row may bring no improvement.
    monitor : str
        What is looked at: "validation_loss", "validation_accuracy", "loss", "accuracy", or one of the metrics of `fit`.
    change : float
        A value that is better by no more than this is no improvement.
    mode : "min" or "max", optional
        Whether less or more is better. Less, unless given, for a loss and for metrics whose names end in "loss" or
        "error"; more for the others.
    restore : bool
        Write the weights and buffers of the best epoch into the network when the training ends, also if all epochs were
        run. Not after Ctrl-C or an error; `arrays` has them then too.

    Attributes
    ----------
    best : float or None
        The best value so far.
    best_epoch : int
        Its epoch; 0 before the first.

    Raises
    ------
    ValueError
        If the epochs have no such value, because `fit` was given no validation, or no metric of this name.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, fit, layers
    >>> from fastconv.callbacks import EarlyStopping
    >>> x, labels = np.eye(4, dtype="float32"), [0, 1, 0, 1]
    >>> network, stopping = Network(layers.Linear(2), (4,), seed=0), EarlyStopping(patience=2)
    >>> history = fit(
    ...     network, x, labels, epochs=50, seed=0, validation=(x, [1, 0, 1, 0]), progress=False, callbacks=[stopping]
    ... )
    >>> len(history), stopping.best_epoch
    (3, 1)
    """

    def __init__(
        self,
        patience: int = 5,
        monitor: str = "validation_loss",
        change: float = 0.0,
        *,
        mode: str | None = None,
        restore: bool = True,
    ) -> None:
        self.patience = check.integer(patience, "patience", 1)
        change = check.number(change, "change")
        if not 0 <= change < float("inf"):
            raise ValueError(f"change must be a number >= 0, got {change}")
        if monitor is None:
            raise TypeError("monitor must be text, got None; leave it out for the validation loss")
        self.monitor = Monitor(monitor, mode, change)
        self.restore = check.flag(restore, "restore")
        self.waited = 0
        self.kept: dict[str, Array] = {}  # of the best epoch
        self.seen: dict[str, Array] = {}  # of the validation of this epoch
        self.fresh = False  # whether `seen` is of this epoch
        self.loaded: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return f"EarlyStopping(patience={self.patience}, monitor={self.monitor.name!r})"

    @property
    def best(self) -> float | None:
        """The best value so far."""
        return self.monitor.best

    @property
    def best_epoch(self) -> int:
        """The epoch of the best value."""
        return self.monitor.best_epoch

    def arrays(self) -> dict[str, Array]:
        """name -> array of the best epoch, of all parameters and buffers; {} before the end of the first."""
        return self.kept

    def on_begin(self, run: Run) -> None:
        """Begin anew, or where the training that goes on was."""
        self.refuse_order(run)
        self.refuse_missing(run)
        loaded, self.loaded = self.loaded, None
        self.waited, self.kept, self.seen, self.fresh = 0, {}, {}, False
        if loaded is None:
            self.monitor.load_state({"best": None, "best_epoch": 0})
            return
        self.monitor.load_state(loaded["monitor"])
        self.waited = int(loaded["waited"])
        if loaded["arrays"]:
            self.kept = copies(run.network)
            take_back(self.kept, loaded["arrays"])
        if self.waited >= self.patience:
            run.stop = True

    def refuse_order(self, run: Run) -> None:
        """ValueError if the mean of the weights is taken out of the network before this callback has seen it."""
        later = run.callbacks[run.callbacks.index(self) + 1 :]
        if any(isinstance(callback, WeightAverage) for callback in later):
            raise ValueError(
                "callbacks must have WeightAverage before EarlyStopping, which keeps the weights that were validated; "
                "write callbacks=[WeightAverage(), EarlyStopping()]"
            )

    def refuse_missing(self, run: Run) -> None:
        """ValueError if epochs will have no such value."""
        name, metrics = self.monitor.name, run.metrics
        if name in FIELDS:
            if name.startswith("validation") and run.validation is None:
                cure = "write fit(..., validation=0.1), or EarlyStopping(monitor='loss')"
                raise ValueError(f"EarlyStopping looks at monitor={name!r}, but fit was given no validation; {cure}")
        elif name not in metrics:
            known = ", ".join([*FIELDS, *metrics])
            raise ValueError(f"monitor={name!r} is none of the metrics that fit was given; known are {known}")

    def before_validation(self, run: Run) -> None:
        """Keep the weights that are validated: other callbacks may change them back before the results are known."""
        if self.restore:
            self.see(run.network)

    def see(self, network: Network) -> None:
        """Copy the network's arrays."""
        if not self.seen:
            self.seen = copies(network)
        for name, array in network.arrays().items():
            np.copyto(self.seen[name], array)
        self.fresh = True

    def on_epoch(self, run: Run) -> None:
        """Look whether the epoch is better than all before."""
        if self.monitor.improved(run):
            self.waited = 0
            if self.restore:
                if not self.fresh:  # there is no validation
                    self.see(run.network)
                self.kept, self.seen = self.seen, self.kept
        else:
            self.waited += 1
            if self.waited >= self.patience:
                run.stop = True
        self.fresh = False

    def on_end(self, run: Run) -> None:
        """The network gets the best weights, if they are wanted."""
        if self.restore and self.kept and completed(run):
            for name, array in run.network.arrays().items():
                np.copyto(array, self.kept[name])

    def state(self) -> dict[str, Any]:
        """The best value, how long ago it was, and copies of the best weights."""
        kept = {name: array.copy() for name, array in self.kept.items()}
        return {"monitor": self.monitor.state(), "waited": self.waited, "arrays": kept}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, when the training begins."""
        self.loaded = state


def copies(network: Network) -> dict[str, Array]:
    """name -> copy of each parameter and buffer."""
    return {name: array.copy() for name, array in network.arrays().items()}
