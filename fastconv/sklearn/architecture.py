"""The model of an estimator: by name, by function, or one that fits the shape of the images."""

from inspect import Parameter, signature
from typing import Any

from .. import layers, models, sequential
from ..ops import check
from ..typing import Shape

__all__ = ["model_for"]

COUNTS = ("num_classes", "classes", "outputs")  # how functions that make a model call the number of its outputs
HIDDEN = 128  # values between the two dense layers for rows
FIRST, LAST = 16, 7  # channels of the first convolution; the extent from which on images are not halved


def model_for(model: Any, shape: Shape, outputs: int) -> Any:
    """A function Node -> Node for images (or rows) of this shape, with so many outputs.

    `model` is a name of `fastconv.models`, a function with a parameter ``num_classes`` that makes a model, a model
    itself, or None.
    """
    if model is None:
        return dense(outputs) if len(shape) == 1 else convolutional(shape, outputs)
    if isinstance(model, str):
        return counted(maker(model), outputs)
    if not callable(model):
        raise TypeError(
            "model must be a name such as 'resnet20', a function with a parameter num_classes that makes a model, a "
            f"model (a function of nodes), or None, got {check.shown(model)}"
        )
    return counted(model, outputs) if count_of(model) else model


def maker(name: str) -> Any:
    """The function that makes the model of this name; ValueError says which names there are."""
    if name in models.known:
        return models.known[name].build
    try:
        models.build({"name": name})
    except ValueError as error:
        raise ValueError(f"model: {error}") from None
    return getattr(models, name)


def counted(make: Any, outputs: int) -> Any:
    """The model that the function makes for so many outputs."""
    name = count_of(make)
    return make(**{name: outputs}) if name else make()


def count_of(make: Any) -> str:
    """The parameter that is the number of outputs; '' if there is none."""
    try:
        parameters = signature(make).parameters
    except (TypeError, ValueError):
        return ""
    named = [name for name, each in parameters.items() if each.kind is not Parameter.VAR_KEYWORD]
    return next((name for name in COUNTS if name in named), "")


def dense(outputs: int) -> Any:
    """For rows of numbers: a hidden layer."""
    return sequential(layers.Linear(HIDDEN, init="he_normal"), layers.ReLU(), layers.Linear(outputs))


def convolutional(shape: Shape, outputs: int) -> Any:
    """Convolutions with batch norm; images are halved, and channels doubled, down to extents of at most 7."""
    extent, channels, parts = min(shape[1:]), FIRST, []
    while extent > LAST:
        parts += [*convolution(channels, shape), layers.MaxPool2D(2)]
        extent, channels = extent // 2, 2 * channels
    parts += [*convolution(channels, shape), layers.Flatten(), layers.Linear(outputs)]
    return sequential(*parts)


def convolution(channels: int, shape: Shape) -> list[Any]:
    """3 x 3 filters, batch norm (which one pixel alone cannot have) and ReLU."""
    norm = [layers.BatchNorm()] if shape[1:] != (1, 1) else []
    return [layers.Conv2D(channels, 3, padding=1, init="he_normal"), *norm, layers.ReLU()]
