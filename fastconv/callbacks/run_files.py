"""Files of a training: the network as `fastconv.save` writes it, and below "run/" the state of everything else."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checkpoint
from ..network import Network
from ..saved import described
from ..system.files import AnyPath
from ..system.paths import text_of
from ..typing import Array
from .base import Run
from .nested import PREFIX, joined, parted
from .record import record

__all__ = ["about", "finish", "read_run", "write_network", "write_run"]

NETWORK = "network"  # in the state: the arrays of the last update, where the file has others to predict with


def write_network(path: AnyPath, arrays: Mapping[str, Array], about: Mapping[str, Any]) -> None:
    """Write the network alone, with these arrays."""
    checkpoint.save(path, arrays, about)


def write_run(path: AnyPath, run: Run, about: Mapping[str, Any]) -> None:
    """Write the network, and the state of the training."""
    arrays, rest = parted(run.state())
    checkpoint.save(path, {**run.network.arrays(), **arrays}, {**about, PREFIX: rest})


def finish(path: AnyPath, network: Network) -> None:
    """Let the file of a training predict as the network does now; its own arrays become part of the training."""
    metadata, stored = read(path)
    live = network.arrays()
    own = {name: stored[name] for name in live}
    if all(np.array_equal(own[name], array, equal_nan=True) for name, array in live.items()):
        return
    arrays, rest = parted({NETWORK: own})
    metadata[PREFIX] |= rest
    checkpoint.save(path, {**stored, **live, **arrays}, metadata)


def read(path: AnyPath) -> tuple[dict[str, Any], dict[str, Array]]:
    """(metadata, all arrays) of the file of a training; CheckpointError for one without a training."""
    with checkpoint.opened(path) as file:
        metadata = file.metadata
        if not (isinstance(metadata, dict) and isinstance(metadata.get(PREFIX), dict)):
            raise checkpoint.CheckpointError(
                f"{file.path} holds weights, but no training to go on with, as callbacks.Checkpoint writes it; to "
                "begin with these weights write network.load(path)"
            )
        return metadata, {name: file.read(name) for name in file.entries}


def about(run: Run, classes: Any, preprocessing: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What `fastconv.load` needs to build the network again, and what it says of the training."""
    classes = run.classes if classes is None else classes
    preprocessing = run.preprocessing if preprocessing is None else preprocessing
    told = {**record(run.history, run.optimizer, run.loss), **metadata}
    return described(run.network, classes, preprocessing, told)


def read_run(path: AnyPath, network: Network) -> Any:
    """The state of a training, once the network has the arrays of its last update; CheckpointError if there is none."""
    metadata, arrays = read(path)
    if metadata.get("dtype") != network.dtype.name:
        raise checkpoint.CheckpointError(
            f"{text_of(path, ValueError)}: the training is one in {metadata.get('dtype')}, the network is "
            f"{network.dtype}; write Network(..., dtype={metadata.get('dtype')!r})"
        )
    try:
        state = joined(arrays, metadata[PREFIX])
    except KeyError as error:
        raise checkpoint.CheckpointError(f"{text_of(path, ValueError)}: the array {error} is missing") from None
    network.load(state.get(NETWORK, path))
    return state
