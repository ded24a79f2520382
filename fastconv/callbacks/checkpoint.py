"""Files from which a training goes on, and the best network so far."""

import errno
import os
from collections.abc import Mapping, Sequence
from typing import Any

from .. import checkpoint
from ..checkpoint.metadata import written
from ..data import transforms
from ..ops import check
from ..saved.description import class_names
from ..system.files import AnyPath
from ..system.paths import text_of
from ..system.replace import check_target
from ..typing import Array
from .base import Callback, Run
from .completed import completed
from .monitor import Monitor
from .run_files import about, finish, write_network, write_run

__all__ = ["Checkpoint"]


class Checkpoint(Callback):
    """Write the training into a file, from which ``fit(..., resume=path)`` goes on as if it had never stopped.

    The file holds the network with its model, class names and preprocessing, so that `fastconv.load` and
    ``fastconv predict`` read it too (one of a model of your own: ``fastconv.load(path, model=function)``); and the
    state of the optimizer, the schedule, the random numbers and the callbacks, and the history. It is replaced as a
    whole: a crash while it is written leaves the one before.

    Parameters
    ----------
    path : str or pathlib.Path
        .npz, or .safetensors if that is its suffix.
    every : int
        Epochs between two files; the last epoch is written in any case.
    steps : int, optional
        Write after so many updates as well.
    best : str or pathlib.Path, optional
        A second file, with the network of the best epoch alone.
    monitor : str
        What decides which epoch is the best: a field of `Epoch`, or the name of a metric; without a validation the
        loss.
    classes : sequence of str, optional
        The names of the classes; those of the data set unless given.
    preprocessing : transform or sequence of transforms, optional
        What an image passes through before the network sees it, of `fastconv.data.transforms`; unless given, what the
        loader of the validation does, else that of the training, without what is random.
    metadata : dict, optional
        What ``fastconv.load(path).metadata`` has beside the history, the optimizer, the loss, the date, the versions
        and the number of threads; anything that JSON can hold.

    Raises
    ------
    TypeError, ValueError, OSError
        Before the first step, if the files cannot be written; later, if the disk is full: the file before stays.

    Notes
    -----
    Ctrl-C writes the file too, after the step that is under way; what is printed says how to go on.

    While the training runs, the file has the weights of its last update. When it ends, and other callbacks have put
    their weights into the network (`WeightAverage`, `EarlyStopping`), the file gets those for predictions, and keeps
    the others to go on from. The file of the best has the weights that were validated.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastconv import Network, fit, layers
    >>> from fastconv.callbacks import Checkpoint
    >>> x, labels = np.eye(4, dtype="float32"), [0, 1, 0, 1]
    >>> def network():
    ...     return Network(layers.Linear(2), (4,), seed=0)
    >>> whole, parts = network(), network()
    >>> _ = fit(whole, x, labels, epochs=4, batch_size=2, seed=0, progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.npz")
    ...     _ = fit(parts, x, labels, epochs=2, batch_size=2, seed=0, progress=False, callbacks=[Checkpoint(path)])
    ...     later = network()
    ...     history = fit(later, x, labels, epochs=4, batch_size=2, seed=0, progress=False, resume=path)
    >>> len(history), bool((later.parameters.flat == whole.parameters.flat).all())
    (4, True)
    """

    last = True
    writes = True

    def __init__(
        self,
        path: AnyPath,
        every: int = 1,
        *,
        steps: int | None = None,
        best: AnyPath | None = None,
        monitor: str | None = None,
        classes: Sequence[str] | None = None,
        preprocessing: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = checkpoint.check_path(path)
        self.every = check.integer(every, "every", 1)
        self.steps = None if steps is None else check.integer(steps, "steps", 1)
        self.best = None if best is None else checkpoint.check_path(best)
        if self.best is not None and os.path.realpath(self.best) == os.path.realpath(self.path):
            raise ValueError(f"best must be another file than path, got {self.best} twice")
        self.monitor = Monitor(monitor)
        self.classes, self.preprocessing = classes, checked_steps(preprocessing)
        self.metadata = checked_metadata(metadata)
        self.validated: dict[str, Array] = {}
        self.written = self.loaded = False

    def __repr__(self) -> str:
        return f"Checkpoint({text_of(self.path, ValueError)!r})"

    def on_begin(self, run: Run) -> None:
        """Begin anew, or with the best of the training that goes on; OSError if the files cannot be written."""
        for path in (self.path, self.best):
            if path is not None:
                check_writable(path)
        self.classes = class_names(self.classes, run.network)
        if not self.loaded:
            self.monitor.load_state({"best": None, "best_epoch": 0})
        self.validated, self.written, self.loaded = {}, False, False

    def before_validation(self, run: Run) -> None:
        """Keep the weights that are validated, which may be a mean: other callbacks take them out again."""
        if self.best is not None:
            self.validated = {name: array.copy() for name, array in run.network.arrays().items()}

    def on_step(self, run: Run) -> None:
        """Write the training, if it is time."""
        if self.steps is not None and run.step % self.steps == 0:
            self.write(run)

    def on_epoch(self, run: Run) -> None:
        """Write the network if it is the best so far, and the training if it is time."""
        if self.best is not None and self.monitor.improved(run):
            arrays = self.validated or run.network.arrays()
            write_network(self.best, arrays, self.about(run))
        self.validated = {}
        if run.epoch % self.every == 0 or run.epoch >= run.epochs or run.stop:
            self.write(run)

    def on_interrupt(self, run: Run) -> None:
        """Write the training, and say how to go on."""
        self.write(run)
        run.say(f"interrupted in epoch {run.epoch}: to go on, write fit(..., resume={self.path!r})")

    def on_end(self, run: Run) -> None:
        """The file predicts with the weights that `fit` leaves in the network."""
        if completed(run) and self.written:
            finish(self.path, run.network)

    def write(self, run: Run) -> None:
        """Replace the file."""
        self.written = True
        write_run(self.path, run, self.about(run))

    def about(self, run: Run) -> dict[str, Any]:
        """What both files say of the network and of its training."""
        return about(run, self.classes, self.preprocessing, self.metadata)

    def state(self) -> dict[str, Any]:
        """The best so far."""
        return self.monitor.state()

    def load_state(self, state: Any) -> None:
        """Take back the best so far."""
        self.monitor.load_state(state)
        self.loaded = True


def checked_steps(preprocessing: Any) -> Any:
    """The transforms as a tuple, or None; TypeError for what is none, ValueError for those that are random."""
    if preprocessing is None:
        return None
    steps = (preprocessing,) if callable(preprocessing) else preprocessing
    if not isinstance(steps, list | tuple) or not all(callable(step) for step in steps):
        raise TypeError(f"preprocessing must be a list of transforms, got {check.shown(preprocessing)}")
    for step in steps:
        known = transforms.described(step)
        if known is not None and step not in transforms.unchanging([step]):
            cure = "write preprocessing=fastconv.data.transforms.unchanging(list), which leaves them out"
            raise ValueError(f"preprocessing must not draw random numbers, as {known['name']} does; {cure}")
    return tuple(steps)


def checked_metadata(metadata: Any) -> dict[str, Any]:
    """A dict of what JSON can hold; TypeError or ValueError for anything else."""
    if metadata is not None and not isinstance(metadata, dict):
        raise TypeError(f"metadata must be a dict, got {check.shown(metadata)}")
    written(metadata or {})
    return dict(metadata or {})


def check_writable(path: str) -> None:
    """OSError unless a file can be written there; before training, not after its first epoch."""
    check_target(path, checkpoint.CheckpointError)
    folder = os.path.dirname(os.path.realpath(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"the folder {folder} is read-only: choose another one", path)
