"""Files of a training: the network as `fastconv.save` writes it, and below "run/" the state of everything else."""

from typing import Any

from .. import checkpoint
from ..network import Network
from ..saved import described
from ..system.files import AnyPath
from ..system.paths import text_of
from ..typing import Array
from .base import Run
from .nested import PREFIX, joined, parted

__all__ = ["read_run", "write_network", "write_run"]


def write_network(path: AnyPath, run: Run, classes: Any, preprocessing: Any) -> None:
    """Write the network alone."""
    checkpoint.save(path, run.network.arrays(), about(run, classes, preprocessing))


def write_run(path: AnyPath, run: Run, classes: Any, preprocessing: Any) -> None:
    """Write the network, and the state of the training."""
    arrays, rest = parted(run.state())
    metadata = {**about(run, classes, preprocessing), PREFIX: rest}
    checkpoint.save(path, {**run.network.arrays(), **arrays}, metadata)


def about(run: Run, classes: Any, preprocessing: Any) -> dict[str, Any]:
    """What `fastconv.load` needs to build the network again."""
    classes = run.classes if classes is None else classes
    preprocessing = run.preprocessing if preprocessing is None else preprocessing
    return described(run.network, classes, preprocessing)


def read_run(path: AnyPath, network: Network) -> Any:
    """The state of a training, once the network has the arrays of the file; CheckpointError if there is none."""
    with checkpoint.opened(path) as file:
        metadata = file.metadata
        if not (isinstance(metadata, dict) and isinstance(metadata.get(PREFIX), dict)):
            raise checkpoint.CheckpointError(
                f"{file.path} holds weights, but no training to go on with, as callbacks.Checkpoint writes it; to "
                "begin with these weights write network.load(path)"
            )
        arrays: dict[str, Array] = {name: file.read(name) for name in file.entries if name.startswith(f"{PREFIX}/")}
    try:
        state = joined(arrays, metadata[PREFIX])
    except KeyError as error:
        raise checkpoint.CheckpointError(f"{text_of(path, ValueError)}: the array {error} is missing") from None
    network.load(path)
    return state
