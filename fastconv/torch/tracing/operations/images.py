"""Images of other sizes: `interpolate`, `pad`, `pixel_shuffle`."""

from collections.abc import Callable
from typing import Any

from .... import layers
from ....nodes.images import bordered
from ....nodes.parts import cut
from ....nodes.refused import Refused
from ..tensors import node_of
from .conv import images

__all__ = ["TABLE"]

BORDERS = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


def interpolate(
    trace: Any,
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: bool = False,
) -> Any:
    """By size or by scale."""
    if antialias or mode not in ("nearest", "bilinear"):
        raise Refused(f"its mode must be nearest or bilinear without antialias, got {mode!r}")
    node = images(x, 2)
    options: dict[str, Any] = {"mode": mode, "align_corners": bool(align_corners)}
    if recompute_scale_factor and size is None:
        factors = scale_factor if isinstance(scale_factor, list | tuple) else (scale_factor,) * 2
        size = tuple(int(n * factor) for n, factor in zip(node.shape[1:], factors, strict=True))
    if size is not None:
        return layers.Upsample(size=size, **options)(node)
    factors = tuple(scale_factor) if isinstance(scale_factor, list | tuple) else (scale_factor,) * 2
    whole = all(float(factor).is_integer() for factor in factors)
    return layers.Upsample(tuple(map(int, factors)) if whole else tuple(map(float, factors)), **options)(node)


def pad(trace: Any, x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    """Two numbers for each axis, the last first; what is negative is cut off."""
    node = node_of(x)
    if len(pad) % 2 or len(pad) > 2 * len(node.shape) or mode not in BORDERS:
        raise Refused(f"its pad {tuple(pad)} must be two numbers for each axis but the first, its mode not {mode!r}")
    sides = {len(node.shape) - 1 - i: (pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)}
    for axis, (before, after) in sides.items():
        if before < 0 or after < 0:
            node = cut(node, axis, slice(max(-before, 0), node.shape[axis] - max(-after, 0)))
    (front, back), (top, bottom), (left, right) = (
        tuple(max(n, 0) for n in sides.get(axis, (0, 0))) for axis in range(3)
    )
    if not any((front, back, top, bottom, left, right)):
        return node
    if len(node.shape) != 3:
        raise Refused("needs images (N, C, H, W)")
    return bordered(node, (front, back), (left, right, top, bottom), BORDERS[mode], float(value or 0.0))


TABLE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("interpolate", "upsample"), interpolate),
    "pad": pad,
    "pixel_shuffle": lambda trace, x, upscale_factor: layers.PixelShuffle(upscale_factor)(node_of(x)),
    "pixel_unshuffle": lambda trace, x, downscale_factor: layers.PixelUnshuffle(downscale_factor)(node_of(x)),
}
