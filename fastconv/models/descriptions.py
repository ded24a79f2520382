"""The models of this folder as names and arguments, for files."""

from collections.abc import Mapping
from reprlib import repr as shortened
from typing import Any

from ..ops import check
from .blocks import Model, storable

__all__ = ["build", "described"]

MOST_NUMBERS = 1000  # in the arguments of a model: each may be a layer
NO_MODELS = ("Entry", "build", "described", "known")


def described(model: object) -> dict[str, Any] | None:
    """{"name": ..., "arguments": ...} of a model that a function of `fastconv.models` made; None for any other.

    Parameters
    ----------
    model : model, or Network
        None also for one whose arguments a file cannot hold, such as functions.

    Examples
    --------
    >>> from fastconv import models
    >>> models.described(models.resnet20(num_classes=3))
    {'name': 'resnet20', 'arguments': {'num_classes': 3}}
    >>> models.build({"name": "nielsen", "arguments": {"pool": "l2"}}).made_by["name"]
    'nielsen'
    """
    made_by = getattr(model, "made_by", None)
    return {"name": made_by["name"], "arguments": dict(made_by["arguments"])} if isinstance(made_by, dict) else None


def build(description: Mapping[str, Any]) -> Model:
    """The model of a description; ValueError if there is none of this name, or its arguments do not fit."""
    from .. import models

    if not (isinstance(description, Mapping) and {"name"} <= description.keys() <= {"name", "arguments"}):
        raise ValueError(
            f'a model is described as {{"name": ..., "arguments": {{...}}}}, got {check.shown(description)}'
        )
    name, arguments = description["name"], description.get("arguments") or {}
    names = [each for each in models.__all__ if each not in NO_MODELS]
    if not isinstance(name, str) or name not in names:
        near = check.nearest(str(name), names, 1)
        cure = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
        raise ValueError(f"fastconv.models has no {check.shown(name)}; {cure}")
    if not isinstance(arguments, Mapping) or not storable(arguments) or numbers(arguments) > MOST_NUMBERS:
        shown = shortened(arguments)
        raise ValueError(f"the arguments of {name} must be a dict of a few numbers and texts, got {shown}")
    try:
        return getattr(models, name)(**arguments)  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def numbers(value: Any) -> int:
    """How many values there are inside."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return sum(map(numbers, parts)) + (0 if isinstance(value, Mapping | list | tuple) else 1)
