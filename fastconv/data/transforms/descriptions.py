"""Transforms as names and arguments, for files; and which of them draw random numbers."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from ...ops import check
from .batches import Transform

__all__ = ["described", "made", "unchanging"]

FILES = {  # what makes transforms -> the file that it is in
    "center_crop": "sizes",
    "color_jitter": "colour",
    "normalize": "scaling",
    "random_crop": "sizes",
    "random_erasing": "erasing",
    "random_flip": "turning",
    "random_resized_crop": "sizes",
    "random_rotation": "turning",
    "resize": "sizes",
    "to_float": "scaling",
}
FIXED = ("center_crop", "normalize", "resize", "to_float")  # without random numbers


def described(transform: Any) -> dict[str, Any] | None:
    """{"name": ..., "arguments": ...} of a transform that is made here; None for a function of one's own.

    Examples
    --------
    >>> from fastconv.data import transforms
    >>> transforms.described(transforms.center_crop(32))
    {'name': 'center_crop', 'arguments': {'size': 32}}
    >>> transforms.made({"name": "resize", "arguments": {"size": 32}}).made_by["name"]
    'resize'
    """
    made_by = getattr(transform, "made_by", None)
    return {"name": made_by["name"], "arguments": dict(made_by["arguments"])} if isinstance(made_by, dict) else None


def made(description: Mapping[str, Any]) -> Transform:
    """The transform of a description; ValueError if there is none of this name, or its arguments do not fit."""
    if not (isinstance(description, Mapping) and {"name"} <= description.keys() <= {"name", "arguments"}):
        raise ValueError(
            f'a transform is described as {{"name": ..., "arguments": ...}}, got {check.shown(description)}'
        )
    name, arguments = description["name"], description.get("arguments") or {}
    if not isinstance(name, str) or name not in FILES:
        raise ValueError(f"fastconv.data.transforms makes no {check.shown(name)}; it makes {', '.join(FILES)}")
    if not isinstance(arguments, Mapping):
        raise ValueError(f"the arguments of {name} must be a dict, got {check.shown(arguments)}")
    try:
        return getattr(import_module(f".{FILES[name]}", __package__), name)(**arguments)  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def unchanging(transforms: Sequence[Transform]) -> tuple[Transform, ...]:
    """The transforms that give an image the same result each time, in their order.

    Raises
    ------
    ValueError
        For a function of one's own, of which nobody knows whether it is random.

    Examples
    --------
    >>> from fastconv.data import transforms
    >>> len(transforms.unchanging([transforms.random_flip(), transforms.to_float()]))
    1
    """
    found = []
    for transform in transforms:
        description = described(transform)
        if description is None:
            raise ValueError(
                f"only transforms of fastconv.data.transforms say whether they are random, got {transform!r}"
            )
        if description["name"] in FIXED:
            found.append(transform)
    return tuple(found)
