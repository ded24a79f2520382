"""Other sizes: `Resize`, `Upsample`, `Pad`, `DepthToSpace`, `SpaceToDepth`."""

from collections.abc import Callable
from typing import Any

from .... import Node, layers
from ..arranged import Arranged
from ..call import Call
from ..values import Refused
from .pool import planes

__all__ = ["TABLE"]


def depth_to_space(call: Call) -> Arranged:
    """`DepthToSpace`, in both orders of the channels."""
    x, r = planes(call.node(0)), call.integer("blocksize", 1)
    mode, (channels, h, w) = call.text("mode", "DCR"), x.shape
    if r < 1 or channels % (r * r) or mode not in ("DCR", "CRD"):
        raise Refused(f"its blocksize {r} does not divide {channels} channels, or its mode {mode!r} is unknown")
    c = channels // (r * r)
    split, order = ((r, r, c, h, w), (2, 3, 0, 4, 1)) if mode == "DCR" else ((c, r, r, h, w), (0, 3, 1, 4, 2))
    return Arranged(x, split, order, (c, h * r, w * r))


def space_to_depth(call: Call) -> Arranged:
    """`SpaceToDepth`, in both orders of the channels."""
    x, r = planes(call.node(0)), call.integer("blocksize", 1)
    c, h, w = x.shape
    mode = call.text("mode", "DCR")
    if r < 1 or h % r or w % r or mode not in ("DCR", "CRD"):
        raise Refused(f"its blocksize {r} does not divide {h} x {w}, or its mode {mode!r} is unknown")
    order = (2, 4, 0, 1, 3) if mode == "DCR" else (0, 2, 4, 1, 3)
    return Arranged(x, (c, h // r, r, w // r, r), order, (c * r * r, h // r, w // r))


def pad(call: Call) -> Any:
    """`Pad` of H and W: pads are an attribute before opset 11, an input from then on."""
    x = call.node(0)
    pads, rank = call.list_of("pads", 1) or (), len(x.shape) + 1
    axes = call.axes(call.list_of("axes", 3) if call.has(3) else tuple(range(rank)), rank)  # type: ignore[arg-type]
    if len(pads) != 2 * len(axes):
        raise Refused(f"its pads {pads} must be two for each of the axes {axes}")
    sides = {axis: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    if any(sides.pop(axis, (0, 0)) != (0, 0) for axis in (0, 1)) or min(pads, default=0) < 0:
        raise Refused(f"its pads {pads} must be >= 0, and 0 for images and channels")
    if not any(pads):
        return x
    (top, bottom), (left, right) = (sides.get(axis, (0, 0)) for axis in (2, 3))
    return border(call, planes(x), (left, right, top, bottom))


def border(call: Call, x: Node, sides: tuple[int, ...]) -> Node:
    """A border of this mode."""
    mode = call.text("mode", "constant")
    if mode != "constant":
        raise Refused(f"its mode {mode!r} is not computed")
    value = float(call.constant(2).item()) if call.has(2) else float(call.number("value", 0.0))
    if value:
        raise Refused(f"its value {value} must be 0")
    return layers.ZeroPad2D(sides)(x)


TABLE: dict[str, Callable[[Call], Any]] = {
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Pad": pad,
}
