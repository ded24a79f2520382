"""What training needs of a network: gradients, one step of training, and the right of one thread to do so."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from .. import fields
from ..arguments.batch import batch, shape_of_batch
from ..arguments.finite import check_finite
from ..arguments.signatures import explained
from ..arguments.training import GRADIENTS, OF_GRADIENTS, check_loss
from ..losses.per_output import checked_form, of_outputs
from ..ops import check
from ..optim import Optimizer
from ..optim.base import has_own_step
from ..parameters import Arrays, Named
from ..system.interrupt import held_back
from ..typing import Array, Shape
from .blocks import Blocks
from .executor import Executor
from .trainable import Trainable


class Trained(Trainable):
    """Base of classes with an `executor` and its arrays."""

    buffers: Named
    input_shape: Shape
    output_shape: Shape
    dtype: np.dtype[Any]

    @overload
    def gradients(
        self, x: ArrayLike, targets: ArrayLike, loss: Any, *, training: bool = True, inputs: Literal[False] = False
    ) -> tuple[float, Arrays]: ...

    @overload
    def gradients(
        self, x: ArrayLike, targets: ArrayLike, loss: Any, *, training: bool = True, inputs: Literal[True]
    ) -> tuple[float, Arrays, Array]: ...

    @explained("gradients", GRADIENTS, OF_GRADIENTS)
    def gradients(
        self, x: ArrayLike, targets: ArrayLike, loss: Any, *, training: bool = True, inputs: bool = False
    ) -> tuple[float, Arrays] | tuple[float, Arrays, Array]:
        """The loss L of one batch and its gradients dL / dw for each parameter w, and dL / dx if asked for.

        training=True    L = loss(f(x), targets), f as in a training step: dropout draws a mask, batch norm takes the
                         mean and variance of the batch, auxiliary heads count
        training=False   L = loss(predict(x), targets), as `evaluate` gives it: nothing of the network changes

        Parameters
        ----------
        x : array (N, *input_shape), the network's dtype, N >= 1
            One image alone is ``x[None]``.
        targets : array
            As the loss needs them: class indices (N,), or an array of the output's shape.
        loss : a loss of `fastconv.losses`
        training : bool
            Of the network's arrays no parameter changes. With True the buffers do, as in a training step: running
            statistics move, dropout counts its step. With False they stay as they are: to look at a network, to
            explain a prediction.
        inputs : bool
            Also return the gradient of the images.

        Returns
        -------
        loss : float
            May be NaN or infinite.
        gradients : mapping name -> array
            dL / dw, the caller's own arrays; of trained parameters alone, see `set_trainable`.
        dx : array, shape of x, the network's dtype
            dL / dx; only with ``inputs=True``.

        Raises
        ------
        TypeError, ValueError
            For arguments that do not fit; with ``training=False`` for a layer of your own that has buffers and does not
            say ``two_modes = True``.

        Examples
        --------
        Which pixels of an image speak for its class:

        >>> import numpy as np
        >>> from fastconv import CrossEntropy, Network, layers, sequential
        >>> network = Network(sequential(layers.Flatten(), layers.BatchNorm(), layers.Linear(2)), (1, 8, 8), seed=0)
        >>> x = np.ones((1, 1, 8, 8), "float32")
        >>> loss, gradients, dx = network.gradients(x, [1], CrossEntropy(), training=False, inputs=True)
        >>> dx.shape, list(gradients)
        ((1, 1, 8, 8), ['bn1.weight', 'bn1.bias', 'linear1.weight', 'linear1.bias'])
        """
        loss, images = checked_form(check_loss(of_outputs(loss)), self.output_shape), self._batch_of(x)
        training, inputs = check.flag(training, "training"), check.flag(inputs, "inputs")
        prepared = loss.prepare(targets, fields.batch_shape(len(images), self.output_shape), self.dtype)
        with self.training(), self.executor.lock:
            plan = self.executor.bound_plan(len(images), loss, False, training, inputs)
            plan.run_on(images, prepared)
            assert self.executor.gradients is not None, "a plan with a loss has made them"
            found = float(plan.loss), copied(self.executor.gradients, self.executor.trained)
            return (*found, slopes(plan.dx, self.input_shape)) if inputs else found

    def reserve(self, batch_size: int, loss: Any = None, fused_update: bool = False) -> None:
        """Make the plan and the memory for batches of this size now: a prediction, or, with a loss, a training step.

        A batch that cannot run is refused here, before anything changes. The arguments are those of `train_batch`.
        """
        batch_size = check.integer(batch_size, "batch_size", 1)
        with self.executor.lock:
            if loss is not None:
                something_trained(self.executor)
            self.executor.bound_plan(batch_size, loss, fused_update)

    def train_batch(
        self,
        x: Array,
        targets: Array,
        loss: Any,
        optimizer: Any,
        fused_update: bool = False,
        watch: Callable[[Array, Array], object] | None = None,
        adjust: Callable[[Arrays], bool] | None = None,
    ) -> float:
        """One training step: forward, backward, update. Returns the loss before the update.

        Of the arguments only the shape of x is checked, and the caller holds `training()`. For your own loops there is
        `fastconv.train_step`.

        Parameters
        ----------
        x : array (N, *input_shape), the network's dtype, N >= 1
        targets : array
            The result of ``loss.prepare``.
        loss : a loss of `fastconv.losses`
        optimizer : object with step(parameters, gradients)
            One with a `step` of its own gets all gradients, whatever `fused_update` says; where parameters are frozen,
            it gets two dicts of the others.
        fused_update : bool
            Update each parameter as soon as its gradient is known, and keep no gradients.
        watch : function (loss, y) -> anything, optional
            Called after the update with arrays that are valid during this call.
        adjust : function gradients -> bool, optional
            Called before the update; it may change the gradients, as clipping does; those of frozen parameters are 0.
            There is an update if it returns True. Not with `fused_update`.

        Raises
        ------
        FloatingPointError
            If the loss is NaN or infinite: there was no update, the parameters are as before. The forward pass has
            changed the buffers, such as running means.
        """
        several = fields.several(self.input_shape)
        fits = np.shape(x)[1:] == self.input_shape if several is None else fields.is_packed(x, several)
        if not fits or len(x) == 0:
            raise ValueError(f"x must have shape {shape_of_batch(self.input_shape)}, N >= 1, got {np.shape(x)}")
        executor = self.executor
        with executor.lock:
            something_trained(executor)
            names = executor.trained if executor.frozen else None
            in_parts = isinstance(optimizer, Optimizer) and not has_own_step(optimizer)
            fused_update = fused_update and in_parts
            plan = executor.bound_plan(len(x), loss, fused_update)
            some = () if names is None else (names,)
            if in_parts:
                optimizer.begin_step(self.parameters, *some)
            if fused_update:
                with held_back(), plan.updates.by(optimizer):
                    plan.run_on(x, targets)
                    optimizer.end_step(self.parameters, *some)
            else:
                plan.run_on(x, targets)
                check_finite(plan.loss)
                assert executor.gradients is not None, "a plan with a loss has made them"
                if adjust is None or adjust(executor.gradients):
                    update(optimizer, self.parameters, executor.gradients, names)
            if watch is not None:
                watch(plan.loss, plan.y)
            return float(plan.loss)

    def train_blocks(
        self,
        blocks: Blocks,
        x: Array,
        targets: Array,
        optimizer: Any,
        results: Callable[[Blocks], float],
        adjust: Callable[[Arrays], bool] | None = None,
        summed: bool = True,
    ) -> float:
        """The step of `train_batch` for a batch in blocks, on one process or on several; `x`: the images of this rank.

        `results` is called after the backward passes and gives the loss of the whole batch. `summed`: whether `adjust`
        gets the gradients of all ranks.
        """
        executor = self.executor
        with executor.lock:
            something_trained(executor)
            names = executor.trained if executor.frozen else None
            if isinstance(optimizer, Optimizer) and not has_own_step(optimizer):
                optimizer.begin_step(self.parameters, *(() if names is None else (names,)))
            blocks.run(x, targets, summed)
            blocks.finish(summed)
            loss = results(blocks)
            check_finite(np.asarray(loss))
            if adjust is None or adjust(blocks.gradients):
                update(optimizer, self.parameters, blocks.gradients, names)
            return loss

    def training(self) -> "Training":
        """Held while the network is trained; a second thread that wants to train is refused."""
        return Training(self.executor.trainer)

    def _batch_of(self, x: Any) -> Array:
        """`x` as a batch of at least one image."""
        images, batched = batch(x, "x", self.input_shape, self.dtype)
        if not batched or len(images) == 0:
            cure = "" if batched else f"; of one image make a batch: {check.code(x, 'x')}[None]"
            wanted = shape_of_batch(self.input_shape)
            raise ValueError(f"x must be a batch of at least one image, {wanted}, got {np.shape(x)}{cure}")
        return images


def slopes(dx: Any, shape: Any) -> Any:
    """The gradient of the input, or of each of several, in arrays of their own."""
    if fields.several(shape) is None:
        return np.array(dx, order="C")
    return fields.structured(dx, (np.array(each, order="C") for each in (fields.several(dx) or {}).values()))


def update(optimizer: Any, parameters: Arrays, gradients: Arrays, names: tuple[str, ...] | None) -> None:
    """The optimizer's step for the parameters of these names; None: for all of them.

    Rules of ours are told the names; what has a `step` of its own gets dicts of those arrays.
    """
    if names is None:
        optimizer.step(parameters, gradients)
    elif isinstance(optimizer, Optimizer) and type(optimizer).step is Optimizer.step and "step" not in vars(optimizer):
        optimizer.step_of(parameters, gradients, names)
    else:
        optimizer.step({name: parameters[name] for name in names}, {name: gradients[name] for name in names})


def copied(gradients: Arrays, names: Sequence[str]) -> Arrays:
    """The gradients of these names, in arrays of their own."""
    if len(names) == len(gradients):
        return gradients.copy()
    new = Arrays({name: gradients[name].shape for name in names}, gradients.vector.dtype)
    new.update({name: gradients[name] for name in names})
    return new


def something_trained(executor: Executor) -> None:
    """ValueError for a step of a network whose parameters are all frozen."""
    if not executor.trained and executor.parameters:
        last = [*executor.parameters][-1]
        raise ValueError(f"all parameters are frozen, a step would train none; write network.set_trainable({last!r})")


class Training:
    """One thread trains: the context that `Trained.training` gives."""

    __slots__ = ("trainer",)

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def __enter__(self) -> None:
        if not self.trainer.acquire(blocking=False):
            raise RuntimeError("another thread is training this network")

    def __exit__(self, *error: object) -> None:
        self.trainer.release()
