"""The same values in another shape, or with the axes in another order.

reshape   y = x.reshape(shape), dx = dy.reshape(x's shape)     values in the order of their axes, whatever the memory
permute   y[i, j, k] = x[...] with the axes exchanged, dx the same for the inverse order
"""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..layer import Bound, Spec
from ..ops import check
from ..ops.layout import copy_call
from ..ops.reshape import reshape_call
from ..typing import Array, Call, Shape
from .common import Parameterless, same_start

MOST = 3  # axes of one image


class Extents(tuple[int, ...]):
    """A tuple of integers that is shown in full: (3, 3) is not 3."""

    __slots__ = ()


def integers(value: Any, name: str) -> Extents:
    """Integers, from a number or a sequence."""
    if isinstance(value, str | bytes) or not (hasattr(value, "__index__") or hasattr(value, "__iter__")):
        raise TypeError(f"{name} must be integers, got {check.shown(value)}")
    given = [value] if np.ndim(value) == 0 else list(value)
    return Extents(check.integer(n, f"each of {name}") for n in given)


def extents(value: Any, name: str) -> Extents:
    """The shape of an image, in which one extent may be -1."""
    shape = integers(value, name)
    if not 0 < len(shape) <= MOST:
        raise ValueError(f"{name} must have 1 to {MOST} extents, without the batch axis, got {tuple(shape)}")
    if min(shape) < -1 or 0 in shape or shape.count(-1) > 1:
        raise ValueError(f"{name} must have extents >= 1, and -1 at most once, got {tuple(shape)}")
    return shape


class Reshape(Parameterless):
    """The values in another shape, in the same order, as NumPy's reshape.

    (N, ...) -> (N, *shape).

    By position: shape; the rest by name.

    Parameters
    ----------
    shape : int or tuple of 1 to 3 ints
        Without the batch axis: (C, H, W), (C, L), (tokens, features) or (features,). One extent may be -1: it is what
        is left.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The order is that of x as (C, H, W), and y is a view where x lies so in memory; channels-last memory is copied.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Reshape((64, -1)), (64, 7, 7)).output_shape
    (64, 49)
    >>> fastconv.Network(fastconv.layers.Reshape((8, 4, 4)), (128,)).output_shape
    (8, 4, 4)
    """

    kind = "reshape"
    in_place = True
    view = True

    shape = Argument(extents)

    def __init__(self, shape: Any, *, name: str | None = None) -> None:
        super().__init__(name)
        self.shape = shape

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape, with what is left in place of -1."""
        count, known = prod(x_shape), prod(n for n in self.shape if n > 0)
        shape = tuple(count // known if n == -1 else n for n in self.shape)
        if prod(shape) != count:
            wanted = f"{known} values" if -1 not in self.shape else f"a multiple of {known} values"
            raise ValueError(f"shape {tuple(self.shape)} needs {wanted}, got shape {x_shape}, which has {count}")
        return Spec(shape)

    def forward(self, b: Bound) -> list[Call]:
        """y = x.reshape(shape)"""
        return moved(b.x, b.y)

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy.reshape(x's shape)"""
        return moved(b.dy, b.dx)


def moved(x: Array, y: Array) -> list[Call]:
    """The call that writes y, unless it lies over x."""
    return [] if same_start(x, y) else [reshape_call(x, y)]


def order(value: Any, name: str) -> Extents:
    """The axes of an image in some order, counted from 0; negative ones from the end."""
    axes = integers(value, name)
    found = [n + len(axes) if n < 0 else n for n in axes]
    if not 0 < len(axes) <= MOST or sorted(found) != list(range(len(axes))):
        rule = f"{name} must be 0 to {MOST - 1} in some order, the axes of one image without the batch axis"
        raise ValueError(f"{rule}, got {tuple(axes)}{counted_otherwise(axes)}")
    return Extents(found)


def counted_otherwise(axes: Shape) -> str:
    """What to write for axes that are counted from 1, as in Keras, or with the batch axis, as in PyTorch."""
    less = axes[1:] if axes[:1] == (0,) else axes
    if 1 <= len(less) <= MOST and sorted(less) == list(range(1, len(less) + 1)):
        return f"; write Permute({tuple(n - 1 for n in less)})"
    return ""


class Permute(Parameterless):
    """The axes of each image in another order, as NumPy's transpose.

    (N, A, B, C) -> (N, ...), the extents in the order of axes.

    By position: axes; the rest by name.

    Parameters
    ----------
    axes : tuple of ints
        The axes of one image, counted from 0 without the batch axis: axis i of y is axis ``axes[i]`` of x. (1, 2, 0)
        makes (H, W, C) of (C, H, W), (1, 0) exchanges the axes of (C, L) or (tokens, features). PyTorch and Keras count
        one more.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    A copy. After it the first axis counts as the channels.

    Examples
    --------
    >>> import fastconv
    >>> tokens = fastconv.sequential(fastconv.layers.Reshape((64, -1)), fastconv.layers.Permute((1, 0)))
    >>> fastconv.Network(tokens, (64, 7, 7)).output_shape
    (49, 64)
    """

    kind = "permute"

    axes = Argument(order)

    def __init__(self, axes: Any, *, name: str | None = None) -> None:
        super().__init__(name)
        self.axes = axes

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The extents in this order."""
        if len(self.axes) != len(x_shape):
            raise ValueError(
                f"axes must be those of one image, {len(x_shape)} of them, got {tuple(self.axes)} and shape {x_shape}"
                f"{counted_otherwise(self.axes)}"
            )
        return Spec(tuple(x_shape[axis] for axis in self.axes))

    def turned(self, x: Array) -> Array:
        """A view of x with its axes in this order."""
        return x.transpose(0, *(axis + 1 for axis in self.axes))

    def forward(self, b: Bound) -> list[Call]:
        """y = x with its axes in this order"""
        return [copy_call(self.turned(b.x), b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx with its axes in this order = dy"""
        return [copy_call(b.dy, self.turned(b.dx))]
