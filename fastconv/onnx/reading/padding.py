"""Padding of windows: pads and auto_pad of ONNX as ((top, bottom), (left, right))."""

from typing import TYPE_CHECKING

from .values import Refused

if TYPE_CHECKING:
    from .call import Call

__all__ = ["pads_of", "windows_of"]

Pads = tuple[tuple[int, int], ...]


def windows_of(call: "Call", kernel: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(strides, dilations), one of each per axis of the kernel."""
    found = []
    for name in ("strides", "dilations"):
        values = call.integers(name, (1,) * len(kernel))
        if len(values) != len(kernel):
            raise Refused(f"its {name} {values} must be {len(kernel)}, one per axis of its kernel {kernel}")
        found.append(values)
    return found[0], found[1]


def pads_of(call: "Call", extents: tuple[int, ...], kernel: tuple[int, ...]) -> Pads:
    """(before, after) for each axis of these extents."""
    strides, dilations = windows_of(call, kernel)
    mode = call.text("auto_pad", "NOTSET") or "NOTSET"
    if mode == "NOTSET":
        return pairs(call, call.integers("pads", (0,) * 2 * len(kernel)), len(kernel))
    if mode == "VALID":
        return ((0, 0),) * len(kernel)
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise Refused(f"its auto_pad {mode!r} is unknown")
    found = []
    for n, k, s, d in zip(extents, kernel, strides, dilations, strict=True):
        if s < 1:
            raise Refused(f"its strides {strides} must be >= 1")
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        small, large = total // 2, total - total // 2
        found.append((small, large) if mode == "SAME_UPPER" else (large, small))
    return tuple(found)


def pairs(call: "Call", pads: tuple[int, ...], axes: int) -> Pads:
    """All beginnings, then all ends, as pairs."""
    if len(pads) != 2 * axes:
        raise Refused(f"its pads {pads} must be {2 * axes}, two per axis")
    return tuple(zip(pads[:axes], pads[axes:], strict=True))
