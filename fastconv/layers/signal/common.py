"""A layer of signals (C, L) as the layer of images (C, 1, L): shapes, arrays and errors of one are those of the other.

Nothing is copied: the arrays of images are views of those of signals.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...layer import Bound, Layer, Norm, Spec, lacking
from ...ops.signal import planes
from ...typing import Call, Padding, Shape

ARRAYS = ("x", "y", "dx", "dy", "residual", "dresidual", "dx_accumulate")
SPACES = ("params", "grads", "saved")


class OneAxis(Layer):
    """A layer of signals that computes as `plane()`, a layer of images, does."""

    def plane(self) -> Layer:
        """The layer of images (C, 1, L); ValueError or TypeError for arguments that it refuses."""
        raise lacking(self, "plane(self)", "return the layer of images that computes this one")

    def check_plane(self) -> None:
        """Raise what the layer of images refuses, in the words of signals."""
        with in_one_axis():
            self.plane()

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """Shapes without the axis of one row."""
        if len(x_shape) != 2:
            cure = "for images there are the layers in 2D" if len(x_shape) == 3 else "put Reshape((1, -1)) before it"
            raise ValueError(f"needs signals (C, L), got shape {x_shape}; {cure}")
        with in_one_axis():
            spec = self.plane().spec(with_row(x_shape), dtype)
        params = {name: p._replace(shape=without_row(p.shape, 4)) for name, p in spec.params.items()}
        saved = {name: a._replace(shape=without_row(a.shape, 3)) for name, a in spec.saved.items()}
        return Spec(without_row(spec.y_shape, 3), params, saved=saved)

    def forward(self, b: Bound) -> list[Call]:
        """Those of the layer of images."""
        return self.plane().forward(of_images(b))

    def backward(self, b: Bound) -> list[Call]:
        """Those of the layer of images."""
        return self.plane().backward(of_images(b))

    def freeze(self, params: SimpleNamespace, norm: Norm, x_shape: Shape) -> SimpleNamespace:
        """The parameters of the layer of images, packed or with the axis of one row."""
        return self.plane().freeze(planes_of(params), norm, with_row(x_shape))

    def accumulates_dx(self, x_shape: Shape, dtype: DTypeLike) -> bool:
        """Where the layer of images does."""
        return self.plane().accumulates_dx(with_row(x_shape), dtype)

    def multiply_adds(self, x_shape: Shape, y_shape: Shape) -> int:
        """Those of the layer of images."""
        return self.plane().multiply_adds(with_row(x_shape), with_row(y_shape))


@contextmanager
def in_one_axis() -> Iterator[None]:
    """Errors of a layer of images in the words of signals."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(planes.in_one_axis(str(error))) from None


def with_row(shape: Shape) -> Shape:
    """(..., 1, L)"""
    return *shape[:-1], 1, shape[-1]


def without_row(shape: Shape, axes: int) -> Shape:
    """(..., L) of a shape of this many axes; any other as it is."""
    return (*shape[:-2], shape[-1]) if len(shape) == axes else shape


def of_images(b: Bound) -> Bound:
    """The same with the arrays of images, which are views."""
    arrays = {name: seen(getattr(b, name)) for name in ARRAYS}
    spaces: dict[str, Any] = {name: planes_of(getattr(b, name)) for name in SPACES}
    return replace(b, x_shape=with_row(b.x_shape), y_shape=with_row(b.y_shape), **arrays, **spaces)


def planes_of(space: SimpleNamespace) -> SimpleNamespace:
    """The views of all arrays of three axes."""
    return SimpleNamespace(**{name: seen(array) for name, array in vars(space).items()})


def seen(a: Any) -> Any:
    """The view of an array of three axes; everything else as it is."""
    return planes.plane(a) if isinstance(a, np.ndarray) and a.ndim == 3 else a


def step(value: Any, name: str) -> int:
    """An integer >= 1, or a sequence of it alone."""
    _, s = planes.steps(value, name)
    return s


def maybe_step(value: Any, name: str) -> int | None:
    """The same; None for None."""
    return None if value is None else step(value, name)


def ends(value: Any, name: str) -> Padding:
    """Padding: a word in small letters, or the shorter of an int and (left, right)."""
    both = planes.border(value.lower() if isinstance(value, str) else value)
    if isinstance(both, str):
        return both
    left, right = both[1]
    return left if left == right else (left, right)
