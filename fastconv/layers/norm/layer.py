"""Layer norm: each sample normalised as a whole.

y = z w + b, z = (x - mean) / sqrt(var + eps), with mean and variance over all values of a sample
db = sum dy, dw = sum dy z, dx = (g - mean g - z mean(g z)) / sqrt(var + eps), g = w dy

Ba, Kiros and Hinton 2016 [22].
"""

from numpy.typing import DTypeLike

from ...layer import Array, Bound, Spec
from ...ops import norm
from ...typing import Call, Shape
from .common import Affine


class LayerNorm(Affine):
    """Each sample as a whole with its own mean and variance.

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    eps : float in (0, 1), default 1e-5
        Added to the variance.
    affine : bool, default True
        Scale and shift each element of a sample by trained numbers.
    name : str, optional
        Prefix of the parameters' names, see `Layer`.

    Notes
    -----
    Parameters of the network: weight, first 1, and bias, first 0, both of the shape of a sample. Ba, Kiros and Hinton
    2016 [22].

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LayerNorm(), (120,)).parameters["norm1.weight"].shape
    (120,)
    """

    def __init__(self, *, eps: float = 1e-5, affine: bool = True, name: str | None = None) -> None:
        super().__init__(eps, affine, name)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x; saved: the statistics of each sample."""
        saved = {"mean": Array(()), "invstd": Array(())}
        return Spec(x_shape, self.parameters(x_shape), {}, saved, self.scratch(x_shape))

    def forward(self, b: Bound) -> list[Call]:
        """y = z w + b"""
        return [norm.layer_norm_call(b.x, b.y, *self.weights(b), b.saved.mean, b.saved.invstd, self.eps)]

    def backward(self, b: Bound) -> list[Call]:
        """dw, db and dx, in one call; dx may be None."""
        saved, weight = (b.saved.mean, b.saved.invstd), self.weights(b)[0]
        return [norm.layer_norm_backward_call(b.dy, b.x, b.dx, weight, *saved, *self.gradients(b))]
