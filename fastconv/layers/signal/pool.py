"""Pooling of signals over sliding windows: that of images with H = 1.

max    y = the largest of its window    dx = dy at the first largest, 0 elsewhere
mean   y = sum x / m                    dx = dy / m at each of the m places
"""

from typing import Any

from ...arguments.attributes import Argument
from ...layer import Layer
from ...ops import check
from ...ops.signal import planes
from ...typing import Padding
from ..pool import AvgPool2D, MaxPool2D, divisor
from .common import OneAxis, ends, maybe_step, step


class Pool1D(OneAxis):
    """What both share: a window that slides along each signal; the arguments are as in `MaxPool1D`."""

    kind = "pool"
    kernel_size = Argument(step)
    stride = Argument(maybe_step)
    padding = Argument(ends)
    ceil_mode = Argument(check.flag)

    def __init__(
        self, kernel_size: int, stride: int | None, padding: Padding, ceil_mode: bool, name: str | None
    ) -> None:
        super().__init__(name)
        self.kernel_size, self.stride, self.padding, self.ceil_mode = kernel_size, stride, padding, ceil_mode

    def window(self) -> dict[str, Any]:
        """The arguments by name that both layers of images take."""
        steps = {"stride": None if self.stride is None else (1, self.stride), "padding": planes.border(self.padding)}
        return {"kernel_size": (1, self.kernel_size), **steps, "ceil_mode": self.ceil_mode}


class MaxPool1D(Pool1D):
    """The largest value of each window.

    (N, C, L) -> (N, C, OL), OL = floor((L + left + right - dilation (k - 1) - 1) / stride) + 1.

    By position: kernel_size, stride and padding; the rest by name.

    Parameters
    ----------
    kernel_size : int >= 1
        k, the length of the window.
    stride : int >= 1, optional
        The step from window to window; by default the length of the window.
    padding : int, (left, right), "valid", "same" or "full"; default 0
        A border that never holds the maximum; smaller than the window.
    dilation : int >= 1, default 1
        The step between the values of one window.
    ceil_mode : bool, default False
        Round OL up: the last window may hang over the end.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    `MaxPool2D` of images (C, 1, L).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.MaxPool1D(2), (6, 100)).output_shape
    (6, 50)
    """

    keeps_order = True
    dilation = Argument(step)

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: Padding = 0,
        *,
        dilation: int = 1,
        ceil_mode: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, name)
        self.dilation = dilation
        self.check_plane()

    def plane(self) -> Layer:
        """`MaxPool2D` with a window of one row."""
        return MaxPool2D(**self.window(), dilation=(1, self.dilation))


class AvgPool1D(Pool1D):
    """The mean of each window.

    (N, C, L) -> (N, C, OL), OL = floor((L + left + right - k) / stride) + 1.

    By position: kernel_size, stride and padding; the rest by name.

    Parameters
    ----------
    kernel_size : int >= 1
        k, the length of the window.
    stride : int >= 1, optional
        The step from window to window; by default the length of the window.
    padding : int, (left, right), "valid", "same" or "full"; default 0
        A border of zeros, smaller than the window.
    ceil_mode : bool, default False
        Round OL up: the last window may hang over the end.
    count_include_pad : bool, default True
        Divide by the number of values including the zeros of the border; otherwise by those of the signal alone.
    divisor_override : int >= 1, optional
        Divide by this number instead.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    `AvgPool2D` of images (C, 1, L).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.AvgPool1D(3, 2), (6, 100)).output_shape
    (6, 49)
    """

    count_include_pad = Argument(check.flag)
    divisor_override = Argument(divisor)

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: Padding = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, name)
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override
        self.check_plane()

    def plane(self) -> Layer:
        """`AvgPool2D` with a window of one row."""
        counted = self.count_include_pad
        return AvgPool2D(**self.window(), count_include_pad=counted, divisor_override=self.divisor_override)
