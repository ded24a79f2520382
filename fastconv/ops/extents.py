"""Extents along one axis: strides, padding, and how many windows fit."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ..kernels.runtime.calls import is_shape
from ..typing import Padding
from .check import MAX_ELEMENTS, pair

Two: TypeAlias = tuple[int, int]  # (vertical, horizontal), or (before, after)
LIMIT = 2**31  # of a kernel extent, stride, dilation or padding; beyond it no array that exists could be meant


def steps(value: Any, name: str) -> Two:
    """Two integers from 1 to `LIMIT`, such as strides, from one or from two."""
    if type(value) is int and 0 < value < LIMIT:
        return value, value
    if is_shape(value, 2) and 0 < value[0] < LIMIT and 0 < value[1] < LIMIT:
        return value[0], value[1]
    if isinstance(value, str) or (isinstance(value, tuple | list) and len(value) == 4):
        check_habit(value, name)
    first, second = pair(value, name, 1)
    if max(first, second) >= LIMIT:
        raise ValueError(f"{name} must be below 2**31, got {(first, second)}")
    return first, second


def check_habit(value: Any, name: str) -> None:
    """TypeError for the word of a padding in place of a stride, and for one number per axis of an array."""
    cure = ""
    if isinstance(value, str):
        cure = f"; write padding={value.lower()!r}" if value.lower() in ("valid", "same", "full") else ""
    elif value[0] == value[3] == 1:
        cure = f"; write {name}={tuple(value[1:3])}"
    elif value[0] == value[1] == 1:
        cure = f"; write {name}={tuple(value[2:])}"
    raise TypeError(f"{name} must be an integer or a pair of integers, got {value!r}{cure}")


def within(stride: int, size: int) -> int:
    """A stride beyond the padded image leads nowhere, however large: one output."""
    return stride if stride < size else size


def check_padded(size: Two, padded: Two, padding: Padding) -> None:
    """ValueError for padding that makes images too large."""
    if size != padded and padded[0] * padded[1] > MAX_ELEMENTS:
        raise ValueError(f"padding must make images of at most 2**40 pixels, got {padding!r}: {size} becomes {padded}")


def pads(padding: Any, kernel: Two, stride: Two, dilation: Two, size: Two) -> tuple[Two, ...]:
    """((top, bottom), (left, right)) from an int, a pair, pairs of pairs, "valid", "same" or "full"."""
    if type(padding) is int and 0 <= padding < LIMIT:
        return (padding, padding), (padding, padding)
    if isinstance(padding, str):
        padding = padding.lower()
        return tuple(named_pads(padding, *axis) for axis in zip(kernel, stride, dilation, size, strict=True))
    if isinstance(padding, np.ndarray):
        padding = padding.tolist()
    if hasattr(padding, "__index__"):
        both: Sequence[Any] = (padding, padding)
    elif isinstance(padding, tuple | list) and len(padding) == 2:
        both = padding
    else:
        cure = ""
        if isinstance(padding, tuple | list) and len(padding) == 4:
            left, right, top, bottom = padding
            cure = f"; for (left, right, top, bottom) write padding=(({top}, {bottom}), ({left}, {right}))"
        raise TypeError(
            "padding must be an integer, a pair (ph, pw), pairs ((top, bottom), (left, right)), 'valid', 'same' or "
            f"'full', got {padding!r}{cure}"
        )
    result = tuple(pair(p, "padding", 0) for p in both)
    if max(map(max, result)) >= LIMIT:
        raise ValueError(f"padding must be below 2**31, got {padding!r}")
    return result


def named_pads(padding: str, kernel: int, stride: int, dilation: int, size: int) -> Two:
    """(before, after) along one axis."""
    reach = dilation * (kernel - 1)
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return reach, reach
    if padding == "same":  # TensorFlow's rule: ceil(size / stride) outputs, the extra row at the end
        out = -(-size // stride)
        total = max((out - 1) * stride + reach + 1 - size, 0)
        return total // 2, total - total // 2
    raise ValueError(f"padding must be 'valid', 'same', 'full' or integers, got {padding!r}{border_cure(padding)}")


def border_cure(padding: str) -> str:
    """What to write for a border that other libraries have."""
    if padding in ("zeros", "constant", "zero"):
        return "; borders are zeros: write padding=1 for one row and column on every side"
    kind = {"replicate": "edge", "circular": "wrap", "periodic": "wrap"}.get(padding, padding)
    if kind not in ("reflect", "edge", "wrap", "symmetric"):
        return ""
    return f"; pad the images first: x = numpy.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode={kind!r})"


def extent(size: int, kernel: int, stride: int, dilation: int, before: int, after: int, name: str) -> int:
    """Output positions along one axis; a kernel larger than the padded image is refused."""
    room = size + before + after - dilation * (kernel - 1) - 1
    if room < 0 or size == 0:
        raise ValueError(
            f"weight must fit into the padded image: its kernel_size {kernel} and dilation {dilation} make a {name} of "
            f"{dilation * (kernel - 1) + 1}, the image's is {size + before + after} "
            f"({size} and padding {(before, after)})"
        )
    return room // stride + 1


def transposed_extent(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int, extra: int, name: str
) -> int:
    """The extent that a convolution with these numbers makes `size` of, `extra` more than the smallest such."""
    if size == 0:
        raise ValueError(f"x must not be empty along its {name}")
    out = (size - 1) * stride - before - after + dilation * (kernel - 1) + extra + 1
    if out < 1:
        raise ValueError(
            f"padding {(before, after)} leaves no output along the {name}: ({size} - 1) * {stride} + "
            f"{dilation * (kernel - 1) + 1} + {extra} - {before + after} = {out}"
        )
    return out


def multiple(kernel: int, stride: int, dilation: int) -> tuple[int, int, int]:
    """Padding and output padding so that the output is stride * size, plus 1 where kernel - stride is odd."""
    surplus = dilation * (kernel - 1) + 1 - stride
    if surplus >= 0:
        return surplus // 2, surplus // 2, 0
    return 0, 0, -surplus + (surplus % 2)


def pooled_extent(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int, ceil_mode: bool, name: str
) -> int:
    """Windows along one axis; with `ceil_mode` also one that hangs over the end."""
    room = size + before + after - dilation * (kernel - 1) - 1
    if room < 0 or size == 0:
        raise ValueError(
            f"kernel_size must fit into the padded image: the window's {name} is {dilation * (kernel - 1) + 1}, "
            f"the image's {size + before + after} ({size} and padding {(before, after)})"
        )
    if not ceil_mode:
        return room // stride + 1
    out = -(-room // stride) + 1
    return out - 1 if (out - 1) * stride >= size + before else out  # a window starts inside the image or before it
