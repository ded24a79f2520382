"""Other sizes: `Resize`, `Upsample`, `Pad`, `DepthToSpace`, `SpaceToDepth`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .... import Node, layers
from ....nodes.images import bordered, with_rule
from ..call import Call
from ..values import BATCH, Refused
from .pool import planes

__all__ = ["TABLE"]


def resize(call: Call) -> Any:
    """`Resize`: X, roi, scales, sizes; in opset 10 X and scales."""
    old = call.opset < 11
    if call.flag("antialias") or call.flag("exclude_outside"):
        raise Refused("it has antialias or exclude_outside")
    if call.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refused("its keep_aspect_ratio_policy must be stretch")
    places = call.text("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    rounding = call.text("nearest_mode", "floor" if old else "round_prefer_floor")
    return resized(call, 1 if old else 2, 3, places, rounding)


def upsample(call: Call) -> Any:
    """`Upsample`: scales are an attribute before opset 9, an input from then on."""
    return resized(call, 1, 2, "asymmetric", "floor")


def resized(call: Call, scales: int, sizes: int, places: str, rounding: str) -> Any:
    """The input with H and W scaled, or of given sizes; `scales` and `sizes` are the places of these inputs."""
    x, mode = call.node(0), call.text("mode", "nearest")
    if mode not in ("nearest", "linear"):
        raise Refused(f"its mode {mode!r} must be nearest or linear")
    rank = len(x.shape) + 1
    axes = call.axes(call.integers("axes", tuple(range(rank))), rank)
    given = call.constant(sizes) if call.has(sizes) and call.constant(sizes).size else None
    if given is None:
        given = call.constant(scales) if call.has(scales) else np.array(call.attribute("scales", list, []))
    if len(given.reshape(-1)) != len(axes) or not np.all(given > 0):
        raise Refused(f"its scales or sizes must be {len(axes)} numbers > 0")
    wanted = dict(zip(axes, given.reshape(-1).tolist(), strict=True))
    one = x.shape[0] if call.has(sizes) and call.constant(sizes).size else 1
    if wanted.pop(0, 1) not in (1, BATCH, call.translation.batch) or wanted.pop(1, one) != one:
        raise Refused("it resizes images or channels")
    kept = x.shape[1:] if one != 1 or given.dtype.kind in "iu" else (1.0,) * (rank - 2)
    numbers = tuple(wanted.get(axis, kept[axis - 2]) for axis in range(2, rank))
    return with_rule(x, numbers, given.dtype.kind in "iu", mode, places, rounding)


def depth_to_space(call: Call) -> Node:
    """`DepthToSpace`, in both orders of the channels."""
    return layers.PixelShuffle(call.integer("blocksize", 1), mode=call.text("mode", "DCR"))(call.node(0))


def space_to_depth(call: Call) -> Node:
    """`SpaceToDepth`, in both orders of the channels."""
    return layers.PixelUnshuffle(call.integer("blocksize", 1), mode=call.text("mode", "DCR"))(call.node(0))


def pad(call: Call) -> Any:
    """`Pad`: pads are an attribute before opset 11, an input from then on."""
    x = call.node(0)
    pads, rank = call.list_of("pads", 1) or (), len(x.shape) + 1
    axes = call.axes(call.list_of("axes", 3) if call.has(3) else tuple(range(rank)), rank)  # type: ignore[arg-type]
    if len(pads) != 2 * len(axes):
        raise Refused(f"its pads {pads} must be two for each of the axes {axes}")
    sides = {axis: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    if sides.pop(0, (0, 0)) != (0, 0) or min(pads, default=0) < 0:
        raise Refused(f"its pads {pads} must be >= 0, and 0 for the images")
    (front, back), (top, bottom), (left, right) = (sides.get(axis, (0, 0)) for axis in (1, 2, 3))
    mode = call.text("mode", "constant")
    value = float(call.constant(2).item()) if call.has(2) else float(call.number("value", 0.0))
    found = bordered(planes(x), (front, back), (0, 0, 0, 0), mode, value)
    return bordered(found, (0, 0), (left, right, top, bottom), mode, value)


TABLE: dict[str, Callable[[Call], Any]] = {
    "Resize": resize,
    "Upsample": upsample,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Pad": pad,
}
