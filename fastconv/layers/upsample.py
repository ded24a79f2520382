"""Larger planes by repetition.

y[h, w] = x[floor(h / sh), floor(w / sw)]    dx[h, w] = sum of dy over the sh x sw block of (h, w)
"""

from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..layer import Bound, Spec
from ..ops.extents import steps
from ..ops.upsample import scaled, upsample_nearest2d_backward_call, upsample_nearest2d_call
from ..typing import Call, Pair, Shape
from .common import Parameterless, maps


class Upsample(Parameterless):
    """Each value repeated in a block of sh x sw pixels.

    (N, C, H, W) -> (N, C, sh H, sw W).

    By position: scale_factor; the rest by name.

    Parameters
    ----------
    scale_factor : int or (sh, sw), >= 1
        How many times each row and each column stands in the result.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Without its factor 1/4 the upsampling of Zhang 2016 [1], eqs. 32 and 52.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Upsample(2), (3, 8, 8)).output_shape
    (3, 16, 16)
    """

    kind = "upsample"

    scale_factor = Argument(steps)

    def __init__(self, scale_factor: Pair, *, name: str | None = None) -> None:
        super().__init__(name)
        self.scale_factor = scale_factor

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, sh H, sw W)"""
        return Spec(scaled(maps(x_shape), self.scale_factor)[1:])

    def forward(self, b: Bound) -> list[Call]:
        """y[h, w] = x[floor(h / sh), floor(w / sw)]"""
        return [upsample_nearest2d_call(b.x, b.y, self.scale_factor)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx[h, w] = sum of dy over the block of (h, w)"""
        return [upsample_nearest2d_backward_call(b.dy, b.dx, self.scale_factor)]
