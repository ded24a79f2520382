"""Values moved between channels and pixels, or between channels; r: the factor.

shuffle     y[c, r h + i, r w + j] = x[r^2 c + r i + j, h, w]    dx[r^2 c + r i + j, h, w] = dy[c, r h + i, r w + j]
unshuffle   the inverse
channels    y[groups c + g] = x[g C / groups + c]                dx[g C / groups + c] = dy[groups c + g]
"""

from typing import Any

from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..layer import Bound, Spec
from ..ops.shuffle import (
    channel_shuffle_call,
    groups_of,
    order,
    pixel_shuffle_call,
    pixel_unshuffle_call,
    shuffled,
    unshuffled,
)
from ..typing import Call, Shape
from .common import Parameterless, at_least, maps


def channel_order(value: Any, name: str) -> str:
    """The word, checked."""
    return order(value)


class PixelShuffle(Parameterless):
    """Each group of r x r channels as one channel of images r times as large.

    (N, r^2 C, H, W) -> (N, C, r H, r W).

    By position: upscale_factor; the rest by name.

    Parameters
    ----------
    upscale_factor : int, >= 1
    mode : "CRD" or "DCR", default "CRD"
        The order of the channels of x, in the words of ONNX's DepthToSpace: "CRD" is PyTorch's.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Shi 2016 [79].

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.PixelShuffle(2), (12, 8, 8)).output_shape
    (3, 16, 16)
    """

    kind = "shuffle"

    upscale_factor = Argument(at_least)
    mode = Argument(channel_order, default="CRD")

    def __init__(self, upscale_factor: int, *, mode: str = "CRD", name: str | None = None) -> None:
        super().__init__(name)
        self.upscale_factor, self.mode = upscale_factor, mode

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, r H, r W)"""
        return Spec(shuffled(maps(x_shape), self.upscale_factor)[1:])

    def forward(self, b: Bound) -> list[Call]:
        """y[c, r h + i, r w + j] = x[r^2 c + r i + j, h, w]"""
        return [pixel_shuffle_call(b.x, b.y, self.upscale_factor, self.mode)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx[r^2 c + r i + j, h, w] = dy[c, r h + i, r w + j]"""
        return [pixel_unshuffle_call(b.dy, b.dx, self.upscale_factor, self.mode)]


class PixelUnshuffle(Parameterless):
    """Each block of r x r pixels as r x r channels: the inverse of PixelShuffle.

    (N, C, r H, r W) -> (N, r^2 C, H, W).

    By position: downscale_factor; the rest by name.

    Parameters
    ----------
    downscale_factor : int, >= 1
    mode : "CRD" or "DCR", default "CRD"
        The order of the channels of y: "CRD" is PyTorch's, "DCR" that of ONNX's SpaceToDepth.
    name : str, optional
        The name of its nodes, see `Layer`.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.PixelUnshuffle(2), (3, 16, 16)).output_shape
    (12, 8, 8)
    """

    kind = "unshuffle"

    downscale_factor = Argument(at_least)
    mode = Argument(channel_order, default="CRD")

    def __init__(self, downscale_factor: int, *, mode: str = "CRD", name: str | None = None) -> None:
        super().__init__(name)
        self.downscale_factor, self.mode = downscale_factor, mode

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(r^2 C, H, W)"""
        return Spec(unshuffled(maps(x_shape), self.downscale_factor)[1:])

    def forward(self, b: Bound) -> list[Call]:
        """y[r^2 c + r i + j, h, w] = x[c, r h + i, r w + j]"""
        return [pixel_unshuffle_call(b.x, b.y, self.downscale_factor, self.mode)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx[c, r h + i, r w + j] = dy[r^2 c + r i + j, h, w]"""
        return [pixel_shuffle_call(b.dy, b.dx, self.downscale_factor, self.mode)]


class ChannelShuffle(Parameterless):
    """The channels of several groups in turns.

    (N, C, H, W) -> (N, C, H, W).

    By position: groups; the rest by name.

    Parameters
    ----------
    groups : int, >= 1
        It divides C.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    y[groups c + g] = x[g C / groups + c]. Zhang 2018 [80].

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ChannelShuffle(2), (12, 8, 8)).output_shape
    (12, 8, 8)
    """

    kind = "channel_shuffle"

    groups = Argument(at_least)

    def __init__(self, groups: int, *, name: str | None = None) -> None:
        super().__init__(name)
        self.groups = groups

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, H, W)"""
        groups_of(maps(x_shape)[1], self.groups)
        return Spec(x_shape)

    def forward(self, b: Bound) -> list[Call]:
        """y[groups c + g] = x[g C / groups + c]"""
        return [channel_shuffle_call(b.x, b.y, self.groups)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx[g C / groups + c] = dy[groups c + g]"""
        return [channel_shuffle_call(b.dy, b.dx, b.dx.shape[1] // self.groups)]
