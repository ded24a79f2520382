"""Depth-wise convolution: one filter per channel. Separable convolution: the filtered channels, summed by weights.

The lecture notes *Back propagation through a CNN* [5]; Sifre and Mallat 2014 [29].

m[n,c] = x[n,c] (cross-correlated with) f[c]
y[n,k] = b[k] + sum_c w[k,c] m[n,c]         the same as a convolution with the kernels w[k,c] f[c]

db[k] = sum of dy[:,k],  dw[k,c] = sum of m[:,c] dy[:,k],  dm[n,c] = sum_k w[k,c] dy[n,k]
df[c] = sum_n x[n,c] (cross-correlated with) dm[n,c],  dx[n,c] = dm[n,c] (in full, rotated) f[c]
"""

from math import prod
from typing import Any

from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..init import named
from ..layer import Array, Bound, Initialiser, Layer, Parameter, Spec
from ..ops import conv, geometry
from ..ops.geometry import Conv2dGeometry
from ..typing import Call, Padding, Pair, Shape
from .common import at_least, brief, maps
from .conv import Conv2D
from .weighted import Convolution


class DepthwiseConv2D(Conv2D):
    """Convolution of each channel with filters of its own: channel c gives multiplier c to multiplier (c + 1) - 1.

    (N, C, H, W) -> (N, multiplier C, OH, OW), OH and OW as in `Conv2D`.

    By position: kernel_size; the rest by name.

    Parameters
    ----------
    kernel_size : int or (kh, kw), >= 1, in pixels
    stride : int or (sh, sw), >= 1, default 1, in pixels
    padding : int, (ph, pw), ((top, bottom), (left, right)), "valid", "same" or "full"; default 0, in pixels
    dilation : int or (dh, dw), >= 1, default 1, in pixels
        These four are as in `Conv2D`.
    multiplier : int >= 1, default 1
        The number of filters per channel of x.
    bias : bool, default True
        Add one trained number per filter.
    activation : str or activation layer, optional
        The activation after the layer: "relu" or another name, or a layer such as ``LeakyReLU(0.2)``. It is a node of
        its own, as in ``sequential(layer, ReLU())``.
    rotate : bool, default False
        Rotate the filters by 180 degrees: the true convolution. Otherwise cross-correlation.
    init : name or function of `fastconv.init`, default "uniform"
        First values of the weight: a name such as "he_normal", or a function.
    bias_init : name or function of `fastconv.init`, default "zeros"
        First values of the bias: a name such as "zeros", or a function.
    name : str, optional
        Prefix of the parameters' names, see `Layer`.
    precise : bool, default False
        Compute each result only from the values in its window, see `fastconv.conv2d`.

    Notes
    -----
    Parameters of the network: weight (multiplier C, 1, kh, kw), bias (multiplier C,).

    The lecture notes [5]; Sifre and Mallat 2014 [29]. A `Conv2D` with groups = C.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.DepthwiseConv2D(3, padding="same"), (8, 7, 7)).output_shape
    (8, 7, 7)
    """

    multiplier = Argument(at_least)

    def __init__(
        self,
        kernel_size: Pair,
        *,
        stride: Pair = 1,
        padding: Padding = 0,
        dilation: Pair = 1,
        multiplier: int = 1,
        bias: bool = True,
        activation: str | Layer | None = None,
        rotate: bool = False,
        init: str | Initialiser = "uniform",
        bias_init: str | Initialiser = "zeros",
        name: str | None = None,
        precise: bool = False,
    ) -> None:
        window: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "precise": precise}
        rules: dict[str, Any] = {"activation": activation, "init": init, "bias_init": bias_init, "name": name}
        super().__init__(1, kernel_size, **window, bias=bias, rotate=rotate, **rules)
        self.multiplier = multiplier

    def geometry(self, x_shape: Shape) -> Conv2dGeometry:
        """The sizes, strides and padding for x (N, C, H, W), with groups = C."""
        channels = x_shape[1]
        weight_shape = (self.multiplier * channels, 1, *self.kernel_size)
        window = (brief(self.stride), self.padding, brief(self.dilation), channels)
        return geometry.conv2d(x_shape, weight_shape, *window, self.precise)

    def multiply_adds(self, x_shape: Shape, y_shape: Shape) -> int:
        """multiplier C OH OW kh kw"""
        return prod(y_shape) * prod(self.kernel_size)


class SeparableConv2D(Convolution):
    """Each channel convolved with one filter of its own; each result is a weighted sum of the filtered channels.

    (N, C, H, W) -> (N, channels, OH, OW), OH and OW as in `Conv2D`.

    By position: channels and kernel_size; the rest by name.

    Parameters
    ----------
    channels : int >= 1
        The number of weighted sums, each a channel of the result.
    kernel_size : int or (kh, kw), >= 1, in pixels
    stride : int or (sh, sw), >= 1, default 1, in pixels
    padding : int, (ph, pw), ((top, bottom), (left, right)), "valid", "same" or "full"; default 0, in pixels
    dilation : int or (dh, dw), >= 1, default 1, in pixels
        These four are as in `Conv2D`, and hold for the filters.
    bias : bool, default True
        Add one trained number per channel of the result.
    activation : str or activation layer, optional
        The activation after the layer: "relu" or another name, or a layer such as ``LeakyReLU(0.2)``. It is a node of
        its own, as in ``sequential(layer, ReLU())``.
    init : name or function of `fastconv.init`, default "uniform"
        First values of the filters and of the weight: a name such as "he_normal", or a function.
    bias_init : name or function of `fastconv.init`, default "zeros"
        First values of the bias: a name such as "zeros", or a function.
    name : str, optional
        Prefix of the parameters' names, see `Layer`.
    precise : bool, default False
        Compute each result only from the values in its window, see `fastconv.conv2d`.

    Notes
    -----
    Parameters of the network: filters (C, 1, kh, kw), weight (channels, C, 1, 1), bias (channels,).

    The lecture notes [5] call this depth-wise convolution; Sifre and Mallat 2014 [29]; Howard 2017 [49].

    Examples
    --------
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.layers.SeparableConv2D(16, 3), (8, 7, 7))
    >>> network.output_shape
    (16, 5, 5)
    >>> [p.shape for p in network.parameters.values()]
    [(8, 1, 3, 3), (16, 8, 1, 1), (16,)]
    """

    optional_gradients = frozenset({"filters", "weight", "bias"})
    saves_for_gradients = frozenset({"x"})
    kind = "separable"
    channels = Argument(at_least)

    def __init__(
        self,
        channels: int,
        kernel_size: Pair,
        *,
        stride: Pair = 1,
        padding: Padding = 0,
        dilation: Pair = 1,
        bias: bool = True,
        activation: str | Layer | None = None,
        init: str | Initialiser = "uniform",
        bias_init: str | Initialiser = "zeros",
        name: str | None = None,
        precise: bool = False,
    ) -> None:
        rules: dict[str, Any] = {"activation": activation, "init": init, "bias_init": bias_init, "name": name}
        super().__init__(kernel_size, stride, padding, dilation, precise, bias=bias, **rules)
        self.channels = channels

    def geometries(self, x_shape: Shape) -> tuple[Conv2dGeometry, Conv2dGeometry]:
        """The geometry of the filters and of the weighted sum, a 1 x 1 convolution."""
        channels = x_shape[1]
        shape = (channels, 1, *self.kernel_size)
        window = (brief(self.stride), self.padding, brief(self.dilation), channels)
        first = geometry.conv2d(x_shape, shape, *window, self.precise)
        return first, geometry.conv2d(first.y_shape, (self.channels, channels, 1, 1), precise=self.precise)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(channels, OH, OW); the filtered channels are saved, their gradient is scratch."""
        first, second = self.geometries(maps(x_shape))
        area = first.kh * first.kw
        filters = Parameter(first.w_shape, named(self.init), area, area)
        params = {"filters": filters, **self.parameters(second.w_shape, second.C, second.K, second.K)}
        middle = first.y_shape[1:]
        return Spec(second.y_shape[1:], params, saved={"maps": Array(middle)}, scratch={"dmaps": Array(middle)})

    def forward(self, b: Bound) -> list[Call]:
        """m[c] = x[c] (cross-correlated with) f[c], then y[k] = b[k] + sum over c of w[k,c] m[c]"""
        first, second = self.geometries(b.x_shape)
        return [
            conv.conv2d_call(b.x, b.params.filters, None, b.saved.maps, first),
            conv.conv2d_call(b.saved.maps, b.params.weight, self.bias_of(b.params), b.y, second),
        ]

    def backward(self, b: Bound) -> list[Call]:
        """dw and dm from dy, df and dx from dm, and db."""
        (first, second), calls = self.geometries(b.x_shape), []
        if b.grads.weight is not None:
            calls.append(conv.conv2d_backward_weight_call(b.dy, b.saved.maps, b.grads.weight, second))
        if b.grads.filters is not None or b.dx is not None:
            calls.append(conv.conv2d_backward_input_call(b.dy, b.params.weight, b.scratch.dmaps, second))
        if b.grads.filters is not None:
            calls.append(conv.conv2d_backward_weight_call(b.scratch.dmaps, b.x, b.grads.filters, first))
        if self.bias_of(b.grads) is not None:
            calls.append(conv.conv2d_backward_bias_call(b.dy, b.grads.bias))
        if b.dx is not None:
            calls.append(conv.conv2d_backward_input_call(b.scratch.dmaps, b.params.filters, b.dx, first))
        return calls

    def multiply_adds(self, x_shape: Shape, y_shape: Shape) -> int:
        """OH OW C (kh kw + channels)"""
        return prod(y_shape[1:]) * x_shape[0] * (prod(self.kernel_size) + self.channels)
