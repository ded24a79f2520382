"""`plan`, `memory`, `profile` and `summary` of a network."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments.signatures import explained
from ..arguments.training import check_loss
from ..executor import Executor
from ..fields import batch_shape
from ..graph import Node
from ..losses.per_output import of_outputs
from ..ops import check
from ..typing import Array, Shape
from .memory import Footprint, footprint
from .plan import PlanReport
from .profile import Profile, profile
from .summary import Summary

SHAPE = "the network has its shape; write network.summary(), or network.summary(32) for the memory of 32 images"
WORDS = {
    **dict.fromkeys(("input_size", "input_shape", "input_data", "shape", "x"), SHAPE),
    **dict.fromkeys(("device", "verbose", "depth", "col_names"), "leave it out"),
}
PROFILE = "network.profile(numpy.zeros((8, *network.input_shape), network.dtype))"


def images_at_once(value: Any) -> int:
    """The batch size, an integer >= 1; a shape or images in its place are told what to write."""
    if isinstance(value, tuple | list | np.ndarray):
        cure = f"write {len(value)}, a number" if np.ndim(value) > 1 else SHAPE
        raise TypeError(f"batch_size must be an integer, got {check.shown(value)}; {cure}")
    return check.integer(value, "batch_size", 1)


class Reported:
    """Base of classes with `nodes`, an `executor`, `training()` and `_batch_of(x)`; tells what runs and its cost."""

    nodes: Sequence[Node]
    executor: Executor
    output_shape: Shape
    dtype: np.dtype[Any]

    def training(self) -> AbstractContextManager[None]:
        """Held while the network is trained."""
        raise NotImplementedError

    def _batch_of(self, x: Any) -> Array:
        """`x` as a batch of at least one image."""
        raise NotImplementedError

    @explained("plan", "network.plan(batch_size)", WORDS)
    def plan(self, batch_size: int = 1, training: bool = False) -> PlanReport:
        """The steps for a batch of this size, the fused nodes, and the memory of every value; `print` it.

        Returns
        -------
        PlanReport
            With `lines`, and `nbytes` of memory for all values (weights and their gradients not counted).
        """
        return PlanReport(self.executor.make_plan(images_at_once(batch_size), training))

    @explained("memory", "network.memory(batch_size)", WORDS)
    def memory(self, batch_size: int = 1, training: bool = False, slots: int = 1, lean: bool = False) -> Footprint:
        """The memory that a batch of this size takes, known from the plan before anything runs.

        Parameters
        ----------
        batch_size : int
        training : bool
            A training step; else a prediction.
        slots : int
            Arrays that the optimizer keeps per parameter: 0 for plain SGD, 1 with momentum, 2 for Adam.
        lean : bool
            As in `fit`: no gradients are kept.

        Returns
        -------
        Footprint
            Bytes of `values`, `weights`, `gradients`, `optimizer`, and their `total`.

        Examples
        --------
        >>> from fastconv import Network, layers
        >>> print(Network(layers.Linear(1000), (1000,)).memory(8, training=True))
        12.1 MB: values 0.1, weights 4.0, gradients 4.0, optimizer 4.0
        """
        batch_size, slots = images_at_once(batch_size), check.integer(slots, "slots", 0)
        return footprint(self.executor, batch_size, bool(training), slots, bool(lean))

    @explained("profile", PROFILE, {})
    def profile(self, x: ArrayLike, targets: ArrayLike | None = None, loss: Any = None, repeats: int = 10) -> Profile:
        """Time each step on a batch: of a prediction, or, with targets and a loss, of a training step.

        The network stays as it is: the steps run on copies of the buffers, and no parameter is updated.

        Parameters
        ----------
        x : array (N, *input_shape), the network's dtype
        targets, loss
            As in `gradients`.
        repeats : int
            Runs; the median counts.

        Returns
        -------
        Profile
            `rows` of step, milliseconds, GFLOP/s, GB/s and bytes; `print` it, or `save` a picture.

        Examples
        --------
        >>> import numpy as np
        >>> from fastconv import Network, layers, sequential
        >>> network = Network(sequential(layers.Conv2D(4, 3), layers.ReLU()), (1, 8, 8))
        >>> profile = network.profile(np.ones((2, 1, 8, 8), "float32"), repeats=2)
        >>> [row.step for row in profile.rows]
        ['conv1 + relu1']
        """
        if isinstance(x, tuple) and all(isinstance(extent, int) for extent in x):
            raise TypeError(f"x must be a batch of images, got the shape {x}; write {PROFILE}")
        if targets is not None and loss is None:
            raise TypeError("loss must be given with targets, such as loss=fastconv.CrossEntropy(), got None")
        x = self._batch_of(x)
        prepared: Array | None = None
        if loss is not None:
            loss = check_loss(of_outputs(loss))
            prepared = loss.prepare(targets, batch_shape(len(x), self.output_shape), self.dtype)
        repeats = check.integer(repeats, "repeats", 1)
        with self.training(), self.executor.lock:
            plan = self.executor.trial_plan(len(x), loss)
            plan.write(x, prepared)
            return profile(plan, repeats)

    @explained("summary", "network.summary()", WORDS)
    def summary(self, batch_size: int | None = None) -> Summary:
        """Shapes, parameters, neurons and multiply-adds, by layer and in total; `print` it.

        With a batch size, also the memory that a prediction and a training step (with momentum) of such a batch take.
        """
        lines = []
        if batch_size is not None:
            works = {"prediction": self.memory(batch_size), "training step": self.memory(batch_size, training=True)}
            lines = [f"{work} of {batch_size}: {memory}" for work, memory in works.items()]
        frozen = sum(self.executor.parameters[name].size for name in self.executor.frozen)
        return Summary(self.nodes, lines, frozen)
