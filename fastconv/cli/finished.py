"""The last finished epoch of a training: what is saved of it when a signal ends the training."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..callbacks import Callback, Run
from ..network import Network
from ..typing import Array
from .documents import as_json

__all__ = ["Finished"]


class Finished(Callback):
    """Keeps the network and the training as they were at the end of the last finished epoch, and prints its results.

    `form` is how they are printed: "text", "json", or "" where a bar shows them.
    """

    last = True  # after the callbacks that belong to the training, whose states are kept
    writes = True

    def __init__(self, network: Network, form: str) -> None:
        self.arrays: dict[str, Array] = network.arrays()
        self.form = form
        self.kept: tuple[Sequence[Any], list[Array], dict[str, Any]] | None = None

    def on_epoch(self, run: Run) -> None:
        """Keep the network; in one assignment, which Ctrl-C cannot divide."""
        self.kept = list(run.history), [array.copy() for array in self.arrays.values()], copied(run.state())
        if self.form:
            print(as_json(run.history[-1]._asdict()) if self.form == "json" else run.history[-1], flush=True)

    def restore(self) -> dict[str, Any]:
        """Write the copy back into the network; returns the state of the training then."""
        assert self.kept is not None
        for array, kept in zip(self.arrays.values(), self.kept[1], strict=True):
            np.copyto(array, kept)
        return self.kept[2]

    @property
    def history(self) -> Sequence[Any]:
        """The results of the finished epochs."""
        return self.kept[0] if self.kept else ()

    @property
    def number(self) -> int:
        """How many epochs are finished."""
        return self.history[-1].epoch if self.kept else 0

    @property
    def accuracy(self) -> float:
        """The accuracy on the images of the validation, from 0 to 1."""
        return float(self.history[-1].validation_accuracy)


def copied(state: Any) -> Any:
    """The state with arrays of its own."""
    if isinstance(state, dict):
        return {name: copied(part) for name, part in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(copied(part) for part in state)
    return state.copy() if isinstance(state, np.ndarray) else state
