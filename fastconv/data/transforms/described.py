"""Transforms as names and arguments, which a file can hold, and back; and which of them draw random numbers."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ...ops import check
from ...ops.scalars import nearest
from . import colour, erasing, scaling, sizes, turning
from .batches import Transform

__all__ = ["described", "made", "unchanging"]

FACTORIES: dict[str, tuple[Callable[..., Transform], Callable[..., Any]]] = {  # name -> what makes it, what it calls
    "resize": (sizes.resize, sizes._resize),
    "center_crop": (sizes.center_crop, sizes._center_crop),
    "random_crop": (sizes.random_crop, sizes._random_crop),
    "random_resized_crop": (sizes.random_resized_crop, sizes._random_resized_crop),
    "random_flip": (turning.random_flip, turning._random_flip),
    "random_rotation": (turning.random_rotation, turning._random_rotation),
    "color_jitter": (colour.color_jitter, colour._color_jitter),
    "random_erasing": (erasing.random_erasing, erasing._random_erasing),
    "to_float": (scaling.to_float, scaling._to_float),
    "normalize": (scaling.normalize, scaling._normalize),
}
UNCHANGING = {"resize", "center_crop", "to_float", "normalize"}
NAMES = {called: name for name, (_, called) in FACTORIES.items()}
EXAMPLE = '{"name": "resize", "arguments": {"size": 256}}'


def described(transform: object) -> dict[str, Any] | None:
    """The name and arguments of a transform, as JSON holds them.

    Parameters
    ----------
    transform : function (images, draws) -> images

    Returns
    -------
    dict or None
        ``{"name": ..., "arguments": {...}}``; None for a function of your own.

    Examples
    --------
    >>> from fastconv.data import transforms
    >>> transforms.described(transforms.center_crop(24))
    {'name': 'center_crop', 'arguments': {'size': [24, 24]}}
    """
    called: Any = transform.func if isinstance(transform, partial) else transform
    try:
        name = NAMES.get(called)
    except TypeError:  # it has no hash
        return None
    if name is None:
        return None
    given = dict(transform.keywords) if isinstance(transform, partial) else {}
    if name == "random_rotation":
        given["degrees"] = given.pop("bounds")
    if name == "color_jitter":
        given = given["bounds"]
    return {"name": name, "arguments": {key: listed(value) for key, value in given.items()}}


def made(description: Mapping[str, Any]) -> Transform:
    """The transform of a description that `described` returned.

    Parameters
    ----------
    description : dict
        ``{"name": ..., "arguments": {...}}``; arguments that are missing have
        their defaults.

    Returns
    -------
    function (images, draws) -> images

    Raises
    ------
    TypeError, ValueError
        If it is no such dict, no transform has the name, or it does not take
        the arguments.

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> flip = transforms.made({"name": "random_flip", "arguments": {"p": 1}})
    >>> flip(np.array([[[[1.0, 2.0]]]]), Draws(0, 0, [0]))
    array([[[[2., 1.]]]])
    """
    if not isinstance(description, Mapping) or not set(description) <= {"name", "arguments"}:
        raise TypeError(f"description must be a dict such as {EXAMPLE}, got {check.shown(description)}")
    name, arguments = description.get("name"), description.get("arguments", {})
    if not isinstance(name, str) or name not in FACTORIES:
        near = nearest(name, FACTORIES) if isinstance(name, str) else []
        cure = f"; did you mean {near[0]}?" if near else f": {', '.join(FACTORIES)}"
        raise ValueError(f"name must be a transform of fastconv.data.transforms, got {check.shown(name)}{cure}")
    if not isinstance(arguments, Mapping) or not all(isinstance(key, str) for key in arguments):
        raise TypeError(f"arguments of {name} must be a dict of names and values, got {check.shown(arguments)}")
    factory, _ = FACTORIES[name]
    try:
        return factory(**{key: paired(value) for key, value in arguments.items()})
    except (TypeError, ValueError, ArithmeticError) as error:
        given = ", ".join(f"{key}={check.shown(value)}" for key, value in arguments.items())
        raise type(error)(f"transforms.{name}({given}) cannot be made: {error}") from error


def unchanging(transforms: Iterable[Transform]) -> list[Transform]:
    """The transforms without those of this module that draw random numbers: for validation and prediction.

    Parameters
    ----------
    transforms : sequence of functions (images, draws) -> images

    Returns
    -------
    list
        In their order. Functions of your own stay.

    Examples
    --------
    >>> from fastconv.data import transforms
    >>> steps = [transforms.random_crop(32, padding=4), transforms.random_flip(), transforms.normalize()]
    >>> [transforms.described(step)["name"] for step in transforms.unchanging(steps)]
    ['normalize']
    """
    return [transform for transform in transforms if not is_random(transform)]


def is_random(transform: Transform) -> bool:
    """Whether this is a transform of this module that draws random numbers."""
    description = described(transform)
    return description is not None and description["name"] not in UNCHANGING


def listed(value: Any) -> Any:
    """Tuples as lists."""
    return [listed(each) for each in value] if isinstance(value, tuple) else value


def paired(value: Any) -> Any:
    """Lists as tuples."""
    return tuple(paired(each) for each in value) if isinstance(value, list) else value
