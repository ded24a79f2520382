"""Other sizes: `Resize`, `Upsample`, `Pad`, `DepthToSpace`, `SpaceToDepth`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .... import Node, layers
from ..arranged import arranged
from ..call import Call
from ..settled import reshaped
from ..values import BATCH, Refused
from .channels import turned
from .pieces import affine
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
    if front or back:  # channels as rows
        x = turned(border(call, turned(planes(x), (1, 0, 2)), (0, 0, front, back)), (1, 0, 2))
    return border(call, planes(x), (left, right, top, bottom)) if top or bottom or left or right else x


def border(call: Call, x: Node, sides: tuple[int, ...]) -> Any:
    """A border of this mode."""
    mode = call.text("mode", "constant")
    if mode in BORDERS:
        return BORDERS[mode](sides)(x)
    if mode != "constant":
        raise Refused(f"its mode {mode!r} is not computed")
    value = float(call.constant(2).item()) if call.has(2) else float(call.number("value", 0.0))
    return affine(layers.ZeroPad2D(sides)(affine(x, 1.0, -value)), 1.0, value)


BORDERS = {"reflect": layers.ReflectionPad2D, "edge": layers.ReplicationPad2D}

TABLE: dict[str, Callable[[Call], Any]] = {
    "Resize": resize,
    "Upsample": upsample,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Pad": pad,
}
