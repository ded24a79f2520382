"""Pooling over sliding windows.

max    y = the largest of its window           dx = dy at the first largest, 0 elsewhere
mean   y = sum x / m                           dx = dy / m at each of the m positions     Zhang 2016 [1], eqs. 6, 32
L_p    y = (sum |x|^p)^(1/p), L2 by default    dx = dy sign(x) (|x| / y)^(p-1); for L2 dy x / y; 0 where y = 0

Where windows overlap, dx is the sum over all windows that hold the pixel.
"""

from functools import partial
from typing import Any

from numpy.typing import DTypeLike

from ..arguments.attributes import Argument, optional
from ..layer import Array, Bound, Spec
from ..ops import check, geometry, pool
from ..ops.elementwise import positive
from ..ops.extents import steps
from ..ops.geometry import Pool2dGeometry
from ..typing import Call, Padding, Pair, Shape
from .common import Parameterless, border, maps


class Pool(Parameterless):
    """What the pooling layers share: a window that slides over each plane; the arguments are as in `MaxPool2D`."""

    kind = "pool"
    kernel_size = Argument(steps)
    stride = Argument(partial(optional, check=steps))
    padding = Argument(border, default=0)
    dilation = Argument(steps, default=(1, 1))
    ceil_mode = Argument(check.flag)

    def __init__(
        self,
        kernel_size: Pair,
        *,
        stride: Pair | None,
        padding: Padding = 0,
        dilation: Pair = 1,
        ceil_mode: bool,
        name: str | None,
    ) -> None:
        super().__init__(name)
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.ceil_mode = ceil_mode
        kernel, steps_inside = self.kernel_size, self.dilation
        size = tuple(d * (k - 1) + 1 for k, d in zip(kernel, steps_inside, strict=True))
        self.geometry((1, 1, *size))  # what does not depend on the images

    def geometry(self, x_shape: Shape) -> Pool2dGeometry:
        """The sizes, strides and padding for x (N, C, H, W)."""
        window = (self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
        return geometry.pool2d(x_shape, *window)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, OH, OW)"""
        return Spec(self.geometry(maps(x_shape)).y_shape[1:])


class MaxPool2D(Pool):
    """The largest value of each window.

    (N, C, H, W) -> (N, C, OH, OW), OH = floor((H + top + bottom - dh (kh - 1) - 1) / sh) + 1, OW alike.

    By position: kernel_size, stride and padding; the rest by name.

    Parameters
    ----------
    kernel_size : int or (kh, kw), >= 1, in pixels
        The window.
    stride : int or (sh, sw), optional, in pixels
        The step from window to window; by default the size of the window.
    padding : int, (ph, pw), ((top, bottom), (left, right)), "valid", "same" or "full"; default 0, in pixels
        A border that never holds the maximum; smaller than the window.
    dilation : int or (dh, dw), >= 1, default 1, in pixels
        The step between the pixels of one window.
    ceil_mode : bool, default False
        Round OH and OW up: the last window may hang over the edge.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    NaN in a window gives NaN. *Backpropagation in Convolutional (Neural) Network* [2]; that the position of the maximum
    is all that the gradient needs: the answers of 2016 [4].

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.MaxPool2D(2), (6, 24, 24)).output_shape
    (6, 12, 12)
    """

    keeps_order = True

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Padding = 0,
        *,
        dilation: Pair = 1,
        ceil_mode: bool = False,
        name: str | None = None,
    ) -> None:
        window: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
        super().__init__(kernel_size, **window, ceil_mode=ceil_mode, name=name)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(C, OH, OW); saved: where each maximum is."""
        g = self.geometry(maps(x_shape))
        pool.no_window_in_padding(pool.max_tables(g), g)
        y_shape = g.y_shape[1:]
        return Spec(y_shape, saved={"indices": Array(y_shape, "int64")})

    def forward(self, b: Bound) -> list[Call]:
        """y = the largest of its window; in training also where it is."""
        indices = b.saved.indices if b.training else None
        return [pool.max_pool2d_call(b.x, b.y, indices, self.geometry(b.x_shape))]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy at the first largest, 0 elsewhere"""
        return [pool.max_pool2d_backward_call(b.dy, b.saved.indices, b.dx, self.geometry(b.x_shape))]


def divisor(value: Any, name: str) -> int | None:
    """None, or an integer >= 1 that kernels can divide by."""
    return None if value is None else pool.divisor_of(check.integer(value, name, 1))


class AvgPool2D(Pool):
    """The mean of each window.

    (N, C, H, W) -> (N, C, OH, OW), OH = floor((H + top + bottom - kh) / sh) + 1, OW alike.

    By position: kernel_size, stride and padding; the rest by name.

    Parameters
    ----------
    kernel_size : int or (kh, kw), >= 1, in pixels
        The window.
    stride : int or (sh, sw), optional, in pixels
        The step from window to window; by default the size of the window.
    padding : int, (ph, pw), ((top, bottom), (left, right)), "valid", "same" or "full"; default 0, in pixels
        A border of zeros, smaller than the window.
    ceil_mode : bool, default False
        Round OH and OW up: the last window may hang over the edge.
    count_include_pad : bool, default True
        Divide by the number of pixels including the zeros of the border; otherwise by the pixels of the plane alone.
    divisor_override : int >= 1, optional
        Divide by this number instead.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    Zhang 2016 [1], eqs. 6 and 32.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.AvgPool2D(2), (6, 24, 24)).output_shape
    (6, 12, 12)
    """

    count_include_pad = Argument(check.flag)
    divisor_override = Argument(divisor)

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Padding = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode, name=name)
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    @property
    def divisor(self) -> tuple[bool, int | None]:
        """(count_include_pad, divisor_override)"""
        return self.count_include_pad, self.divisor_override

    def forward(self, b: Bound) -> list[Call]:
        """y = sum x / m"""
        return [pool.avg_pool2d_call(b.x, b.y, self.geometry(b.x_shape), *self.divisor)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy / m at each position of the window"""
        return [pool.avg_pool2d_backward_call(b.dy, b.dx, self.geometry(b.x_shape), *self.divisor)]


class LpPool2D(Pool):
    """The L_p norm of each window: y = (sum |x|^p)^(1/p).

    (N, C, H, W) -> (N, C, OH, OW), OH = floor((H - kh) / sh) + 1, OW alike.

    By position: kernel_size; the rest by name.

    Parameters
    ----------
    kernel_size : int or (kh, kw), >= 1, in pixels
        The window.
    stride : int or (sh, sw), optional, in pixels
        The step from window to window; by default the size of the window.
    norm_type : float > 0, default 2
        p.
    ceil_mode : bool, default False
        Round OH and OW up: the last window may hang over the edge.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    L2 pooling: *Backpropagation in Convolutional (Neural) Network* [2]. Gulcehre 2014 [30] takes the mean in place of
    the sum.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.LpPool2D(3, stride=2), (6, 24, 24)).output_shape
    (6, 11, 11)
    """

    saves = frozenset({"x", "y"})
    norm_type = Argument(positive)

    def __init__(
        self,
        kernel_size: Pair,
        *,
        stride: Pair | None = None,
        norm_type: float = 2,
        ceil_mode: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(kernel_size, stride=stride, ceil_mode=ceil_mode, name=name)
        self.norm_type = norm_type

    def forward(self, b: Bound) -> list[Call]:
        """y = (sum |x|^p)^(1/p)"""
        return [pool.lp_pool2d_call(b.x, b.y, self.geometry(b.x_shape), self.norm_type)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy sign(x) (|x| / y)^(p-1), 0 where y = 0"""
        g = self.geometry(b.x_shape)
        return [pool.lp_pool2d_backward_call(b.dy, b.x, b.y, b.dx, g, self.norm_type)]
