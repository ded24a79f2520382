"""Models as names and arguments, which a file can hold, and back."""

from collections.abc import Mapping
from typing import Any

from ..arguments.attributes import written
from ..ops import check
from ..ops.scalars import nearest
from .blocks import MAKERS, Model

__all__ = ["build", "described"]

EXAMPLE = '{"name": "resnet20", "arguments": {"num_classes": 10}}'


def described(model: object) -> dict[str, Any] | None:
    """The name and arguments of a model of `fastconv.models`, as JSON holds them.

    Parameters
    ----------
    model : function Node -> Node

    Returns
    -------
    dict or None
        ``{"name": ..., "arguments": {...}}`` with all arguments, also those that were not given. None for a model of
        your own, for a part of a model, and where an argument is nothing that JSON can hold.

    Examples
    --------
    >>> from fastconv import models
    >>> models.described(models.resnet20(num_classes=7))
    {'name': 'resnet20', 'arguments': {'num_classes': 7}}
    >>> models.described(lambda x: x) is None
    True
    """
    made = getattr(model, "_made", None)
    if made is None:
        return None
    name, arguments = made
    try:
        return {"name": name, "arguments": {key: plain(value) for key, value in arguments.items()}}
    except TypeError:
        return None


def build(description: Mapping[str, Any]) -> Model:
    """The model of a description that `described` returned.

    Parameters
    ----------
    description : dict
        ``{"name": ..., "arguments": {...}}``; arguments that are missing have their defaults.

    Returns
    -------
    model : function Node -> Node

    Raises
    ------
    TypeError, ValueError
        If it is no such dict, the name is none of `fastconv.models`, or the model does not take the arguments.

    Examples
    --------
    >>> from fastconv import Network, models
    >>> Network(models.build({"name": "nielsen", "arguments": {"pool": "l2"}}), (1, 28, 28)).output_shape
    (10,)
    """
    if not isinstance(description, Mapping) or not set(description) <= {"name", "arguments"}:
        raise TypeError(f"description must be a dict such as {EXAMPLE}, got {check.shown(description)}")
    name, arguments = description.get("name"), description.get("arguments", {})
    if not isinstance(name, str) or name not in MAKERS:
        near = nearest(name, MAKERS, 3, 0.6) if isinstance(name, str) else []
        cure = f"; did you mean {' or '.join(near)}?" if near else f": {', '.join(MAKERS)}"
        raise ValueError(f"name must be a model of fastconv.models, got {check.shown(name)}{cure}")
    if not isinstance(arguments, Mapping) or not all(isinstance(key, str) for key in arguments):
        raise TypeError(f"arguments of {name} must be a dict of names and values, got {check.shown(arguments)}")
    try:
        model: Model = MAKERS[name](**arguments)
    except (TypeError, ValueError, ArithmeticError) as error:
        given = ", ".join(f"{key}={written(value)}" for key, value in arguments.items())
        raise type(error)(f"models.{name}({given}) cannot be made: {error}") from error
    return model


def plain(value: Any) -> Any:
    """The value as JSON holds it, numbers of NumPy as Python's and sequences as lists; TypeError for others."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"JSON cannot hold {check.shown(value)}")
