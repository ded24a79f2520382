"""What losses are: how their targets are read, what their outputs predict, and how their settings are checked.

Numbers in brackets in this folder refer to docs/references.md.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from ..arguments.signatures import no_attribute
from ..arguments.training import OF_LOSSES
from ..metrics import largest
from ..ops import check
from ..typing import Array, Shape
from .targets import class_indices, one_each, one_hot, one_of_several, values


class Loss:
    """The base of the losses here, which say in `checked` how targets are checked."""

    takes_logits = False  # whether the output must not have passed through the function `makes_probabilities`
    makes_probabilities = "softmax"
    function = "cross_entropy"  # of fastconv, on arrays

    def __getattr__(self, name: str) -> Any:
        if isinstance(own := getattr(type(self), name, None), property):
            return own.__get__(self)  # which raised an AttributeError of its own: let it say what was missing
        no_attribute(self, name, OF_LOSSES)

    def __call__(self, *arrays: object, **named: object) -> NoReturn:
        """Refused, because the functions of the ops compute losses of arrays."""
        raise TypeError(
            f"{type(self).__name__} is an object for training, not a function: write "
            f"fastconv.{self.function}(y, targets), or give the object to fit, train_step or network.gradients: "
            f"loss={self!r}"
        )

    def prepare(self, targets: Any, y_shape: Shape, dtype: DTypeLike) -> Array:
        """The checked targets, an array whose first axis is the images."""
        return self.checked(targets, y_shape, dtype, "targets")

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """The checked targets; errors call them `name`."""
        raise NotImplementedError

    def target_classes(self, targets: Any, y_shape: Shape) -> Array | None:
        """The class of each image (and pixel); None if targets are values."""
        return one_each(targets, y_shape)

    def predicted_classes(self, y: Array) -> Array:
        """The predicted class of each image (and pixel): the first of the largest outputs; -1 if one is NaN."""
        return largest(y)


class ValueLoss(Loss):
    """The base of losses between values: targets of the output's shape; class indices become one-hot vectors."""

    def target_array(self, y_shape: Shape, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """(shape, dtype) of the targets of one batch, equal to shape and dtype of the output."""
        return y_shape, dtype

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """Values of the output's shape and dtype; class indices as one-hot vectors."""
        if one_of_several(check.given(targets, name, f"numbers of shape {y_shape}"), y_shape) is None:
            return values(targets, y_shape, dtype, name)
        return one_hot(class_indices(targets, y_shape, name), y_shape[1], dtype)

    def target_classes(self, targets: Any, y_shape: Shape) -> Array | None:
        """Class indices (N,) for an output (N, K) with K > 1; None if targets are values."""
        return one_of_several(targets, y_shape)


class ShortRepr:
    """A dataclass that shows the settings which are not their defaults."""

    def __repr__(self) -> str:
        changed = [f for f in fields(self) if getattr(self, f.name) != f.default]  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in changed)})"


def reduction_of(loss: Any, *known: str) -> None:
    """Check the setting `reduction` of a frozen dataclass; upper case is as good."""
    if isinstance(loss.reduction, str):
        object.__setattr__(loss, "reduction", loss.reduction.lower())
    check.choice(loss.reduction, "reduction", known)


def weights_of(loss: Any, name: str, what: str) -> None:
    """Make the setting `name`, one number for each of `what`, a tuple of floats; None stays."""
    given = getattr(loss, name)
    if given is None:
        return
    if not isinstance(given, tuple | list | np.ndarray) or getattr(given, "ndim", 1) != 1:
        raise TypeError(f"{name} must be one number for each {what}, such as (1, 2.5), or None, got {given!r}")
    numbers = tuple(storable(value, name) for value in given)
    if not numbers or min(numbers) < 0:
        raise ValueError(f"{name} must be one number >= 0 for each {what}, got {numbers}")
    object.__setattr__(loss, name, numbers)


def storable(value: Any, name: str) -> float:
    """A number that float32 can hold: NaN would make every loss NaN, and no loss equal to itself."""
    number = value if isinstance(value, int) and abs(value) > check.LARGEST else check.number(value, name)
    if not abs(number) <= check.LARGEST:
        raise ValueError(f"{name} must be numbers up to {check.LARGEST:.2e}, the largest float32, got {number}")
    return float(number)


def factor(value: Any, name: str) -> float:
    """The weight of a loss in a sum: `storable`, and >= 0, since a loss that should grow has no least value."""
    number = storable(value, name)
    if number < 0:
        raise ValueError(f"{name} must be numbers >= 0, got {number:g}")
    return number


def one_for_each(numbers: tuple[float, ...] | None, name: str, count: int, what: str) -> None:
    """ValueError unless there are as many numbers as `count`."""
    if numbers is not None and len(numbers) != count:
        raise ValueError(f"{name} must be one number for each of the {count} {what}, got {len(numbers)}: {numbers}")


def array_of(numbers: tuple[float, ...] | None, dtype: DTypeLike) -> Array | None:
    """The numbers as an array; None stays."""
    return None if numbers is None else np.array(numbers, dtype)


# ---------------------------------------------------------------- predictions, targets


def predicted_classes(loss: object, y: Array) -> Array:
    """The predicted class of each image (and pixel), also for a loss without a method for it."""
    predicted: Callable[[Array], Array] = getattr(loss, "predicted_classes", largest)
    return predicted(y)


def true_classes(loss: object, targets: Any, y_shape: Shape) -> Array | None:
    """The true class of each image (and pixel); None if targets are values.

    For a loss without `target_classes`, integers (N,) for an output (N, K) are classes.
    """
    target_classes: Callable[[Any, Shape], Array | None] = getattr(loss, "target_classes", one_of_several)
    return target_classes(targets, y_shape)


def prepared(loss: Any, labels: Any, y_shape: Shape, dtype: DTypeLike) -> Array:
    """The checked targets; errors of the losses of this folder call them labels."""
    if getattr(type(loss), "prepare", None) is Loss.prepare:
        checked: Array = loss.checked(labels, y_shape, dtype, "labels")
    else:
        checked = loss.prepare(np.asarray(labels), y_shape, dtype)
    return checked
