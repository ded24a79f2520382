"""Instance norm: each channel of each sample normalised.

y = z w + b, z = (x - mean) / sqrt(var + eps), with mean and variance over the pixels of a channel
db = sum dy, dw = sum dy z, dx = (g - mean g - z mean(g z)) / sqrt(var + eps), g = w dy     Ulyanov 2016 [78]
"""

from math import prod

from ...typing import Shape
from .group import Grouped


class InstanceNorm(Grouped):
    """Each channel of each image with its own mean and variance.

    (N, C, H, W) -> (N, C, H, W), or other pixels: (N, C, ...) -> (N, C, ...).

    All arguments are given by name.

    Parameters
    ----------
    eps : float in (0, 1), default 1e-5
        Added to the variance.
    affine : bool, default False
        Scale and shift each channel by trained numbers.
    name : str, optional
        Prefix of the parameters' names, see `Layer`.

    Notes
    -----
    With ``affine=True`` it has the parameters weight (C,), first 1, and bias (C,), first 0. It computes the same in
    training and in prediction: there are no running statistics. Ulyanov 2016 [78].

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.InstanceNorm(affine=True), (6, 24, 24)).parameters["norm1.weight"].shape
    (6,)
    """

    def __init__(self, *, eps: float = 1e-5, affine: bool = False, name: str | None = None) -> None:
        super().__init__(eps, affine, name)

    def groups(self, x_shape: Shape) -> int:
        """The number of channels, each of two or more pixels."""
        if prod(x_shape[1:]) < 2:
            raise ValueError(f"needs two or more pixels in each channel, got shape {x_shape}; the variance of one is 0")
        return x_shape[0]
