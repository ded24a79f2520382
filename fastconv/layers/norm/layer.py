"""Layer norm: each sample normalised by itself, as a whole or along one axis.

y = z w + b, z = (x - mean) / sqrt(var + eps), with mean and variance over these values of a sample
db = sum dy, dw = sum dy z, dx = (g - mean g - z mean(g z)) / sqrt(var + eps), g = w dy

Ba, Kiros and Hinton 2016 [22].
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...arguments.attributes import Argument
from ...layer import Array, Bound, Spec
from ...ops import check, norm
from ...typing import Call, Shape
from .common import Affine

AXES = ("channels", "last")


def axis_of(value: Any, name: str) -> str | None:
    """None, "channels" or "last"."""
    return None if value is None else check.word(value, name, AXES)


class LayerNorm(Affine):
    """Each sample with its own mean and variance: as a whole, at each pixel, or for each row.

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    axis : None, "channels" or "last"
        What shares a mean and a variance. None: all values of a sample. "channels": the channels at each pixel of
        images (C, H, W) or signals (C, L), as in ConvNeXt. "last": the last axis, the features of each token in
        (tokens, features).
    eps : float in (0, 1), default 1e-5
        Added to the variance.
    affine : bool, default True
        Scale and shift each value of the axis, or each element of a sample, by trained numbers.
    name : str, optional
        Prefix of the parameters' names, see `Layer`.

    Notes
    -----
    Parameters of the network: weight, first 1, and bias, first 0, both of the shape of a sample, or with one number for
    each value of the axis. Ba, Kiros and Hinton 2016 [22].

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LayerNorm(), (120,)).parameters["norm1.weight"].shape
    (120,)
    >>> fastconv.Network(fastconv.layers.LayerNorm(axis="channels"), (96, 56, 56)).parameters["norm1.weight"].shape
    (96,)
    """

    axis = Argument(axis_of)

    def __init__(
        self, *, axis: str | None = None, eps: float = 1e-5, affine: bool = True, name: str | None = None
    ) -> None:
        super().__init__(eps, affine, name)
        self.axis = axis

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x; saved: the statistics of each sample, pixel or row."""
        kept = {None: (), "channels": x_shape[1:], "last": x_shape[:-1]}[self.axis]
        shape = {None: x_shape, "channels": x_shape[:1], "last": x_shape[-1:]}[self.axis]
        saved = {"mean": Array(kept), "invstd": Array(kept)}
        return Spec(x_shape, self.parameters(shape), {}, saved, self.scratch(shape))

    def normalised_last(self, x: Any) -> Any:
        """A view of x (or None) whose last axes are those that share statistics."""
        return np.moveaxis(x, 1, -1) if self.axis == "channels" and x is not None else x

    def forward(self, b: Bound) -> list[Call]:
        """y = z w + b"""
        x, y = map(self.normalised_last, (b.x, b.y))
        return [norm.layer_norm_call(x, y, *self.weights(b), b.saved.mean, b.saved.invstd, self.eps)]

    def backward(self, b: Bound) -> list[Call]:
        """dw, db and dx, in one call; dx may be None."""
        saved, weight = (b.saved.mean, b.saved.invstd), self.weights(b)[0]
        dy, x, dx = map(self.normalised_last, (b.dy, b.x, b.dx))
        return [norm.layer_norm_backward_call(dy, x, dx, weight, *saved, *self.gradients(b))]
