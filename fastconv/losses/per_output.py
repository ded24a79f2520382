"""The loss of a network with several outputs: the sum of the losses of each."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..arguments.training import check_loss
from ..fields import is_packed, joined, named, several, structured
from ..typing import Array, Call, Shape
from .base import Loss, factor, predicted_classes, prepared, true_classes


class PerOutput(Loss):
    """L = sum over outputs of weight x loss: one loss for each output of a network.

    `fit`, `train_step`, `evaluate` and `network.gradients` make it of a dict or tuple of losses; write it where
    weights are wanted.

    Parameters
    ----------
    losses : dict name -> loss, or tuple of losses
        As the network's outputs.
    weights : dict or tuple of numbers >= 0, optional
        1 for the outputs that a dict leaves out.

    Raises
    ------
    TypeError, ValueError
        For what is no loss, for weights of other outputs, and for numbers below 0 or that float32 cannot hold.

    Notes
    -----
    Targets are a dict or tuple of those that each loss takes. The accuracy is that of the first output.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, losses
    >>> model = lambda x: {"kind": layers.Linear(2, init="zeros")(x), "size": layers.Linear(1, init="zeros")(x)}
    >>> network = Network(model, (3,))
    >>> loss = losses.PerOutput({"kind": losses.CrossEntropy(), "size": losses.MSE("mean")}, weights={"size": 0.5})
    >>> targets = {"kind": [1, 0], "size": np.ones((2, 1), "float32")}
    >>> value, gradients = network.gradients(np.ones((2, 3), "float32"), targets, loss)
    >>> round(value, 3)  # log 2 + 0.5
    1.193
    """

    def __init__(self, losses: Any, weights: Any = None) -> None:
        found = several(losses)
        if not found:
            raise TypeError(f"losses must be a dict name -> loss, or a tuple of losses, got {losses!r}")
        self.names = tuple(found)
        self.losses = tuple(check_loss(loss) for loss in found.values())
        given = {} if weights is None else several(weights) or named(weights, losses, "weights")
        unknown = [name for name in given if name not in found]
        if unknown or (not isinstance(weights, Mapping | None) and len(given) != len(found)):
            raise ValueError(f"weights must be numbers for {', '.join(map(repr, found))}, got {weights!r}")
        self.weights = tuple(factor(given.get(name, 1.0), "weights") for name in found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PerOutput) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def key(self) -> tuple[Any, ...]:
        """What decides the loss."""
        return self.names, self.losses, self.weights

    def __repr__(self) -> str:
        pairs = zip(self.names, self.losses, strict=True)
        inside = ", ".join(f"{name!r}: {loss!r}" for name, loss in pairs)
        weights = ", ".join(f"{name!r}: {weight:g}" for name, weight in zip(self.names, self.weights, strict=True))
        return f"PerOutput({{{inside}}}, weights={{{weights}}})"

    def each(self, y_shape: Any) -> list[tuple[str, Any, Any]]:
        """(name, loss, shape of the output) of each output; ValueError if the network has others."""
        shapes = y_shape if isinstance(y_shape, dict) else several(y_shape)
        if shapes is None or {*shapes} != {*self.names}:
            has = "one output" if shapes is None else ", ".join(map(repr, shapes))
            raise ValueError(f"loss must be for the outputs of the network, {has}; got {self!r}")
        return [(name, loss, shapes[name]) for name, loss in zip(self.names, self.losses, strict=True)]

    def with_each(self, change: Callable[[Any], Any]) -> "PerOutput":
        """The same with ``change(loss)`` in place of each loss."""
        losses = {name: change(loss) for name, loss in zip(self.names, self.losses, strict=True)}
        return PerOutput(losses, dict(zip(self.names, self.weights, strict=True)))

    def prepare(self, targets: Any, y_shape: Any, dtype: DTypeLike) -> Array:
        """The checked targets of all outputs, as one array with a field for each."""
        return self.checked(targets, y_shape, dtype, "targets")

    def checked(self, targets: Any, y_shape: Any, dtype: DTypeLike, name: str) -> Array:
        """The same; errors call them `name`."""
        each = self.each(y_shape)
        if not is_packed(targets, several(y_shape) or ()):
            targets = named(targets, y_shape, name)
        parts = {}
        for key, loss, shape in each:
            try:
                parts[key] = prepared(loss, targets[key], shape, dtype)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{name}[{key!r}]: {error}") from None
        return joined(parts, name)

    def target_array(self, y_shape: Any, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of the targets of one batch."""
        found = {name: loss.target_array(shape, dtype) for name, loss, shape in self.each(y_shape)}
        length = next(iter(found.values()))[0][:1]
        return length, np.dtype([(name, kind, shape[1:]) for name, (shape, kind) in found.items()])

    def target_classes(self, targets: Any, y_shape: Any) -> Array | None:
        """The true class of each image, of the first output."""
        name, loss, shape = self.each(y_shape)[0]
        return true_classes(loss, targets[name], shape)

    def predicted_classes(self, y: Any) -> Array:
        """The class that the first output predicts."""
        return predicted_classes(self.losses[0], y[self.names[0]])

    def bind(self, y: Any, targets: Array, value: Array, dy: Any) -> Call:
        """L = sum w_i L_i, dy_i = w_i dL_i / dy_i."""
        calls: list[Call] = []
        parts = np.zeros(len(self.names), value.dtype)
        for i, (name, loss, weight) in enumerate(zip(self.names, self.losses, self.weights, strict=True)):
            own = np.zeros(*loss.target_array(y[name].shape, y[name].dtype))
            slope = None if dy is None else dy[name]
            part = parts[i : i + 1].reshape(())
            calls += [partial(np.copyto, own, targets[name]), loss.bind(y[name], own, part, slope)]
            if slope is not None and weight != 1:
                calls.append(partial(np.multiply, slope, slope.dtype.type(weight), slope))
        return partial(total, calls, parts, np.array(self.weights, value.dtype), value)


def total(calls: Sequence[Call], parts: Array, weights: Array, value: Array) -> None:
    """value = sum of weights x parts, once the calls have written these."""
    for call in calls:
        call()
    value[...] = parts @ weights


def of_outputs(loss: Any) -> Any:
    """The loss; a dict or tuple of losses as one."""
    return PerOutput(loss) if isinstance(loss, dict | tuple | list) else loss


def checked_form(loss: Any, output_shape: Any) -> Any:
    """The loss; ValueError if it is one of one output and the network has several."""
    if several(output_shape) is not None and not hasattr(loss, "names"):
        example = structured(output_shape, ["..."] * len(output_shape))
        raise ValueError(f"loss must be one for each output of the network, such as {example}, got {loss!r}")
    return loss


__all__ = ["PerOutput", "checked_form", "of_outputs"]
