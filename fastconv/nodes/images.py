"""Images of other sizes: resized, or with a border."""

from typing import Any

from .. import layers
from ..graph import Node
from .arranged import arranged
from .parts import cut, joined, turned
from .pieces import affine
from .refused import Refused
from .settled import reshaped

__all__ = ["bordered", "with_rule"]

BORDERS = {"reflect": layers.ReflectionPad2D, "edge": layers.ReplicationPad2D}


def with_rule(x: Node, numbers: tuple[Any, ...], sized: bool, mode: str, places: str, rounding: str) -> Any:
    """`Upsample` to sizes or by scales; signals (C, L) are images of one row."""
    signal = len(x.shape) == 2
    if signal:
        x, numbers = reshaped(x, (x.shape[0], 1, x.shape[1])), (1, *numbers)
    if not sized and all(float(n).is_integer() for n in numbers):
        numbers = tuple(int(n) for n in numbers)
    sizes = [n * extent for n, extent in zip(numbers, x.shape[1:], strict=True)]
    if places == "align_corners" and not sized and max(abs(n - round(n)) for n in sizes) > 1e-4:
        raise Refused(f"its scales {numbers} make no whole sizes, for which programs read align_corners differently")
    options: dict[str, Any] = {"size" if sized else "scale_factor": numbers}
    whole = not sized and all(isinstance(n, int) for n in numbers)
    repeats = (places, rounding) == ("asymmetric", "floor") or (places == "half_pixel" and rounding.startswith("round"))
    if mode == "linear":
        options |= {"mode": "bilinear", "coordinate_transformation_mode": places}
    elif not (whole and repeats):
        options |= {"coordinate_transformation_mode": places, "nearest_mode": rounding}
    y = layers.Upsample(**options)(x)
    return arranged(y).reshaped((y.shape[0], y.shape[2])) if signal else y


def bordered(x: Node, channels: tuple[int, int], sides: tuple[int, ...], mode: str, value: float) -> Node:
    """Channels in front and behind, and a border (left, right, top, bottom); mode: constant, reflect, edge or wrap."""
    if any(channels):  # as rows
        x = turned(border(turned(x, (1, 0, 2)), (0, 0, *channels), mode, value), (1, 0, 2))
    return border(x, sides, mode, value) if any(sides) else x


def border(x: Node, sides: tuple[int, ...], mode: str, value: float) -> Node:
    """A border of this mode."""
    if mode == "wrap":
        left, right, top, bottom = sides
        return wrapped(wrapped(x, 1, top, bottom), 2, left, right)
    if mode in BORDERS:
        return BORDERS[mode](sides)(x)
    if mode != "constant":
        raise Refused(f"its mode {mode!r} is not computed")
    return affine(layers.ZeroPad2D(sides)(affine(x, 1.0, -value)), 1.0, value)


def wrapped(x: Node, axis: int, before: int, after: int) -> Node:
    """The node with its end in front of it and its beginning behind it."""
    extent = x.shape[axis]
    if max(before, after) > extent:
        raise Refused(f"its border of {max(before, after)} is wider than the image, {extent}")
    parts = [(extent - before, extent), (0, extent), (0, after)]
    pieces = [
        x if (first, stop) == (0, extent) else cut(x, axis, slice(first, stop)) for first, stop in parts if stop > first
    ]
    return joined(pieces, axis) if len(pieces) > 1 else x
