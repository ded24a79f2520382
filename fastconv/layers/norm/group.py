"""Group norm: the channels of each sample normalised in groups.

y = z w + b, z = (x - mean) / sqrt(var + eps), with mean and variance over the channels and pixels of a group
db = sum dy, dw = sum dy z, dx = (g - mean g - z mean(g z)) / sqrt(var + eps), g = w dy     Wu and He 2018 [23]
"""

from numpy.typing import DTypeLike

from ...arguments.attributes import Argument
from ...layer import Array, Bound, Spec
from ...ops import norm
from ...typing import Call, Shape
from ..common import at_least
from .common import Affine


class Grouped(Affine):
    """Group norm, whose subclasses say how many groups there are."""

    def groups(self, x_shape: Shape) -> int:
        """The number of groups; ValueError where x has no such groups."""
        raise NotImplementedError

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x; saved: the statistics of each group."""
        groups = self.groups(x_shape)
        saved = {"mean": Array((groups,)), "invstd": Array((groups,))}
        return Spec(x_shape, self.parameters(x_shape[:1]), {}, saved, self.scratch(x_shape[:1]))

    def forward(self, b: Bound) -> list[Call]:
        """y = z w + b"""
        return [norm.group_norm_call(b.x, b.y, *self.weights(b), b.saved.mean, b.saved.invstd, self.eps)]

    def backward(self, b: Bound) -> list[Call]:
        """dw, db and dx, in one call; dx may be None."""
        saved, weight = (b.saved.mean, b.saved.invstd), self.weights(b)[0]
        return [norm.group_norm_backward_call(b.dy, b.x, b.dx, weight, *saved, *self.gradients(b))]


class GroupNorm(Grouped):
    """Each group of channels of each sample with its own mean and variance.

    (N, C, H, W) -> (N, C, H, W) or (N, C) -> (N, C).

    By position: num_groups; the rest by name.

    Parameters
    ----------
    num_groups : int >= 1
        Divides C; the groups are C / num_groups neighbouring channels.
    eps : float in (0, 1), default 1e-5
        Added to the variance.
    affine : bool, default True
        Scale and shift each channel by trained numbers.
    name : str, optional
        Prefix of the parameters' names, see `Layer`.

    Notes
    -----
    Parameters of the network: weight (C,), first 1, and bias (C,), first 0. Wu and He 2018 [23].

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GroupNorm(2), (6, 24, 24)).parameters["norm1.weight"].shape
    (6,)
    """

    num_groups = Argument(at_least)

    def __init__(self, num_groups: int, *, eps: float = 1e-5, affine: bool = True, name: str | None = None) -> None:
        super().__init__(eps, affine, name)
        self.num_groups = num_groups

    def groups(self, x_shape: Shape) -> int:
        """`num_groups`, a divisor of the channels."""
        if x_shape[0] % self.num_groups:
            raise ValueError(f"num_groups must divide the channels, got num_groups={self.num_groups} and {x_shape[0]}")
        return self.num_groups
