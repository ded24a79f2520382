"""The running mean of the weights."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .. import kernels
from ..network import Network
from ..ops import check
from ..parameters import Arrays
from ..typing import Array
from .base import Callback, Run
from .completed import completed

__all__ = ["WeightAverage"]

PART = 65536  # elements that are exchanged at a time


class WeightAverage(Callback):
    """The running mean of the weights, which often predicts better than the last weights do (EMA).

        a <- d a + (1 - d) w    after the t-th update, from a = w before the first
        d = decay, or min(decay, (1 + t) / (10 + t)) with `warm_up`

    The validation of `fit` is looked at with the mean, and in the end the network gets it. Training itself goes on
    from the weights, and is the same as without this callback.

    Parameters
    ----------
    decay : float from 0 to below 1
        The mean reaches back over about 1 / (1 - decay) updates: choose 0.99 for a training of some hundred updates,
        0.9999 for one of a million.
    warm_up : bool
        Reach back less far at the beginning, so that the first weights are soon forgotten.
    use : bool
        Write the mean into the network at the end of the training. Not after Ctrl-C or an error, where the network
        keeps its own weights; `arrays` has the mean then too.

    Notes
    -----
    Buffers of floats, such as the running statistics of batch norm, are averaged over the same updates as the weights.
    Other buffers are not touched.

    Write it before `EarlyStopping` in the list, so that the best weights are those that were validated.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, SGD, fit, layers
    >>> from fastconv.callbacks import WeightAverage
    >>> x, labels = np.eye(4, dtype="float32"), [0, 1, 0, 1]
    >>> network, average = Network(layers.Linear(2), (4,), seed=0), WeightAverage(0.9)
    >>> history = fit(network, x, labels, epochs=5, seed=0, progress=False, callbacks=[average])
    >>> bool((network.parameters["linear1.weight"] == average.arrays()["linear1.weight"]).all())
    True
    """

    def __init__(self, decay: float = 0.999, warm_up: bool = True, use: bool = True) -> None:
        self.decay = check.number(decay, "decay")
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must be from 0 to below 1, got {decay}")
        self.warm_up, self.use = check.flag(warm_up, "warm_up"), check.flag(use, "use")
        self.updates = 0
        self.weights: Arrays | None = None
        self.buffers: dict[str, Array] = {}
        self.pairs: list[tuple[Array, Array]] = []  # (mean, array of the network), vectors
        self.exchanged = False
        self.loaded: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return f"WeightAverage(decay={self.decay:g}, warm_up={self.warm_up}, use={self.use})"

    def arrays(self) -> dict[str, Array]:
        """name -> mean, of all parameters and of buffers of floats; {} before the training."""
        return {**(self.weights or {}), **self.buffers}

    def on_begin(self, run: Run) -> None:
        """Begin with the network's weights, or with the mean of the training that goes on."""
        self.start(run.network)
        loaded, self.loaded, self.updates = self.loaded, None, 0
        if loaded is not None:
            take_back(self.arrays(), loaded["arrays"])
            self.updates = int(loaded["updates"])

    def start(self, network: Network) -> None:
        """Take copies of the network's arrays."""
        live = {name: network.buffers.memory(name) for name in network.buffers}
        live = {name: array for name, array in live.items() if array.dtype in check.DTYPES}
        self.weights = network.parameters.copy()
        self.buffers = {name: array.copy() for name, array in live.items()}
        pairs = [(self.buffers[name], live[name]) for name in live]
        self.pairs = [(mean.reshape(-1), array.reshape(-1)) for mean, array in pairs]
        self.pairs.append((self.weights.vector, network.parameters.vector))
        self.exchanged = False

    def on_step(self, run: Run) -> None:
        """Move the mean towards the weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.warm_up else self.decay
        for mean, array in self.pairs:
            move(mean, array, 1 - decay)

    def before_validation(self, run: Run) -> None:
        """The network gets the mean."""
        self.exchange()

    def after_validation(self, run: Run) -> None:
        """The network gets its weights back."""
        if self.exchanged:
            self.exchange()

    def on_end(self, run: Run) -> None:
        """The network gets the mean, if it is wanted."""
        if self.use and completed(run):
            for mean, array in self.pairs:
                np.copyto(array, mean)

    def exchange(self) -> None:
        """The network's arrays and the mean change places."""
        for mean, array in self.pairs:
            for start in range(0, mean.size, PART):
                here, there = mean[start : start + PART], array[start : start + PART]
                kept = here.copy()
                np.copyto(here, there)
                np.copyto(there, kept)
        self.exchanged = not self.exchanged

    def state(self) -> dict[str, Any]:
        """The updates, and copies of the mean."""
        return {"updates": self.updates, "arrays": {name: array.copy() for name, array in self.arrays().items()}}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, when the training begins."""
        self.loaded = state


def move(mean: Array, array: Array, share: float) -> None:
    """a <- a + share (w - a), in place: SGD on a with the gradient w, the weight decay -1 and the rate -share."""
    kernels.load(mean.dtype).optim.updates.sgd(mean, array, None, -share, 0.0, -1.0, False)


def take_back(arrays: Mapping[str, Array], stored: Mapping[str, Array]) -> None:
    """Write stored arrays into those of the same names; ValueError, before anything is written, if they do not fit."""
    check_names(arrays, stored)
    for name, array in arrays.items():
        check.shape_is(np.asarray(stored[name]), name, array.shape, "that of the network's array")
    for name, array in arrays.items():
        np.copyto(array, stored[name])


def check_names(arrays: Iterable[str], stored: Iterable[str]) -> None:
    """ValueError unless the names are the same."""
    if set(arrays) != set(stored):
        other = ", ".join(sorted(set(arrays) ^ set(stored))[:3])
        raise ValueError(f"the state of this callback is that of another network: {other} is in one of them alone")
