"""The models of `fastconv.models` by name: their functions, arguments and usual images."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import losses, models
from ..models.blocks import MAKERS
from ..typing import Shape
from .call import called, checked
from .words import quoted

__all__ = ["OF_PIXELS", "Model", "classifiers", "loss_of", "model", "names", "own_classes", "usual_input"]

Model = Callable[[Any], Any]
FLAG = "--model-args"
CLASSES = ("num_classes", "classes")  # what models call their number of outputs
VARIANTS = {"nielsen-l2": ("nielsen", {"pool": "l2"})}  # name -> function, arguments
OF_PIXELS = ("autoencoder", "unet")  # their output is an image: no class for the image as a whole
SMALL = ("resnet8", "resnet20", "resnet32", "resnet56", "resnet110")  # for CIFAR's images


def names() -> list[str]:
    """All models, those for 28 x 28 first."""
    return list(dict.fromkeys([*models.known, *(name for name in models.__all__ if name in MAKERS)]))


def classifiers() -> list[str]:
    """Those that give a class for each image."""
    return [name for name in names() if name not in OF_PIXELS]


def usual_input(name: str) -> Shape:
    """The shape of the images that the model was made for."""
    if name in SMALL:
        return (3, 32, 32)
    if name == "inception_v3":
        return (3, 299, 299)
    return models.known[name].input_shape if name in models.known else (3, 224, 224)


def loss_of(name: str) -> losses.Loss:
    """The loss that the model is trained with."""
    return models.known[name].loss if name in models.known else losses.CrossEntropy()


def own_classes(name: str) -> int | None:
    """The number of outputs of a model that has always the same; None where it can be chosen."""
    return None if number_of_classes(function(name)[0]) else 10


def model(name: str, classes: int | None = None, arguments: Iterable[tuple[str, Any]] = ()) -> Model:
    """The model with so many outputs; ValueError for arguments that its function does not have."""
    make, fixed = function(name)
    given = {**fixed, **dict(arguments)}
    checked(make, given, name, FLAG)
    if classes is not None:
        given.update(outputs(name, make, classes, given))
    made: Model = called(make, given.items(), name, FLAG)
    return made


def function(name: str) -> tuple[Callable[..., Model], Mapping[str, Any]]:
    """The function of a model, and the arguments that its name stands for."""
    own, fixed = VARIANTS.get(name, (name, {}))
    return getattr(models, own), fixed


def number_of_classes(make: Callable[..., Model]) -> str | None:
    """The name of the argument for the number of outputs; None if there is none."""
    known = inspect.signature(make).parameters
    return next((each for each in CLASSES if each in known), None)


def outputs(name: str, make: Callable[..., Model], classes: int, given: Mapping[str, Any]) -> dict[str, int]:
    """The argument for so many outputs; ValueError if the model has another number."""
    argument = number_of_classes(make)
    if argument is None:
        if classes == own_classes(name):
            return {}
        raise ValueError(f"{name} has always {own_classes(name)} outputs, not {classes}; choose another --model")
    if given.get(argument, classes) != classes:
        raise ValueError(
            f"{quoted(f'{argument}={given[argument]}')} among --model-args are not the {classes} classes that are "
            "trained or asked for; leave it out"
        )
    return {argument: classes}
