"""Images of another size.

y[i, j] = x[round(h), round(w)], or the weighted mean of the four pixels around (h, w), the place of (i, j) in x
dx[h, w] = sum of dy[i, j] times the weight that (h, w) has in y[i, j]
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from numpy.typing import DTypeLike

from ..arguments.attributes import Argument, optional
from ..layer import Bound, Spec
from ..ops import check
from ..ops.coordinates import COORDINATES, MODES, ROUNDINGS, Factors, Rule, factors_of, resized, rule_of
from ..ops.extents import steps
from ..ops.interpolate import interpolate_backward_call, interpolate_call
from ..typing import Call, Pair, Shape
from .common import Parameterless, maps, words


def scale(value: Any, name: str) -> tuple[float, float]:
    """(sh, sw): integers where they are given as such."""
    parts = value if isinstance(value, tuple | list) else (value,)
    return factors_of(value, name) if any(isinstance(part, float) for part in parts) else steps(value, name)


class Upsample(Parameterless):
    """Images with more rows and columns, or fewer: nearest pixels, or weighted means of four.

    (N, C, H, W) -> (N, C, OH, OW); with a whole `scale_factor` and mode "nearest" each value is repeated in a block.

    By position: scale_factor; the rest by name.

    Parameters
    ----------
    scale_factor : float or (sh, sw), > 0, optional
        How many times as many rows and columns the result has: OH = floor(sh H), OW = floor(sw W).
    size : int or (OH, OW), optional
        Or how many. One of both is given.
    mode : "nearest" or "bilinear", default "nearest"
    align_corners : bool, default False
        With "bilinear": the corner pixels of both images lie on each other, rather than the edges of the images.
    coordinate_transformation_mode : str, optional
        The rule for places, in the words of ONNX; see `fastconv.interpolate`.
    nearest_mode : str, optional
        How places become whole numbers with "nearest", in the words of ONNX; down unless given.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    The rules are those of `fastconv.interpolate`. Repeated in blocks of 2 x 2, without its factor 1/4, this is the
    upsampling of Zhang 2016 [1], eqs. 32 and 52.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Upsample(2), (3, 8, 8)).output_shape
    (3, 16, 16)
    >>> fastconv.Network(fastconv.layers.Upsample(size=(7, 20), mode="bilinear"), (3, 8, 8)).output_shape
    (3, 7, 20)
    """

    kind = "upsample"

    scale_factor = Argument(partial(optional, check=scale))
    size = Argument(partial(optional, check=steps), default=None)
    mode = Argument(words(*MODES), default="nearest")
    align_corners = Argument(check.flag, default=False)
    coordinate_transformation_mode = Argument(partial(optional, check=words(*COORDINATES)), default=None)
    nearest_mode = Argument(partial(optional, check=words(*ROUNDINGS)), default=None)

    def __init__(
        self,
        scale_factor: float | Sequence[float] | None = None,
        *,
        size: Pair | None = None,
        mode: str = "nearest",
        align_corners: bool = False,
        coordinate_transformation_mode: str | None = None,
        nearest_mode: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.scale_factor, self.size = scale_factor, size
        self.mode, self.align_corners = mode, align_corners
        self.coordinate_transformation_mode, self.nearest_mode = coordinate_transformation_mode, nearest_mode
        self.rule()
        if (scale_factor is None) == (size is None):
            resized((1, 1, 1, 1), size, scale_factor)

    def rule(self) -> Rule:
        """How places are computed; ValueError for arguments that do not go together."""
        return rule_of(self.mode, self.align_corners, self.coordinate_transformation_mode, self.nearest_mode)

    def factors(self) -> Factors:
        """(sh, sw) where they were given."""
        return None if self.scale_factor is None else self.scale_factor

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, OH, OW)"""
        return Spec(resized(maps(x_shape), self.size, self.scale_factor)[0][1:])

    def forward(self, b: Bound) -> list[Call]:
        """y[i, j] = the sum of the weighted pixels that it reads"""
        return [interpolate_call(b.x, b.y, self.factors(), self.rule())]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx[h, w] = sum of dy[i, j] times the weight that (h, w) has in y[i, j]"""
        return [interpolate_backward_call(b.dy, b.dx, self.factors(), self.rule())]
