"""Convolution and transposed convolution.

y[n,k] = b[k] + sum_c x[n,c] (cross-correlated with) w[k,c]            Zhang 2016 [1], eqs. 4 and 7, before sigma
dx[n,c] = sum_k dy[n,k] (in full, with the kernel rotated) w[k,c]      eqs. 50, 51
dw[k,c] = sum_n x[n,c] (cross-correlated with) dy[n,k]                 eqs. 39, 40, 58, 59
db[k] = sum of dy[:,k]                                                 eqs. 45, 64

The transposed convolution swaps the roles: its y is the dx of a convolution, its dx is the y.
"""

from copy import copy
from math import prod
from types import SimpleNamespace
from typing import Any, Self

from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..layer import Bound, Initialiser, Layer, Norm, Spec
from ..ops import check, conv, geometry, path
from ..ops.conv import packed
from ..ops.geometry import Conv2dGeometry
from ..typing import Array, Call, Padding, Pair, Shape
from .common import border, brief, maps
from .weighted import Grouped


class Conv2D(Grouped):
    """Filters that slide over the planes: y[k] = bias[k] + sum over c of x[c] (cross-correlated with) weight[k,c].

    (N, C, H, W) -> (N, channels, OH, OW), OH = floor((H + top + bottom - dh (kh - 1) - 1) / sh) + 1, OW alike.

    By position: channels and kernel_size; the rest by name.

    Parameters
    ----------
    channels : int >= 1
        The number of filters, K; each gives one channel.
    kernel_size : int or (kh, kw), >= 1, in pixels
    stride : int or (sh, sw), >= 1, default 1, in pixels
        The step from window to window.
    padding : int, (ph, pw), ((top, bottom), (left, right)), "valid", "same" or "full"; default 0, in pixels
        Zeros around each plane. "valid": none; "same": ceil(H / sh) rows result; "full": dh (kh - 1) on every side.
    dilation : int or (dh, dw), >= 1, default 1, in pixels
        The step between the pixels of one window.
    groups : int, default 1
        Divides C and channels; each group of filters reads its own group of channels.
    bias : bool, default True
        Add one trained number per filter.
    activation : str or activation layer, optional
        The activation after the layer: "relu" or another name, or a layer such as ``LeakyReLU(0.2)``. It is a node of
        its own, as in ``sequential(layer, ReLU())``.
    rotate : bool, default False
        Rotate the filters by 180 degrees: the true convolution of Zhang 2016 [1]. Otherwise cross-correlation.
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
    Parameters of the network: weight (channels, C / groups, kh, kw), bias (channels,).

    Zhang 2016 [1], eqs. 4 and 7. Strides and padding: Dumoulin 2016 [27]; dilation: Yu and Koltun 2016 [28]. Where
    values of very different size, infinities or NaN lie side by side, ``precise=True`` keeps their errors apart.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Conv2D(6, 5, rotate=True), (1, 28, 28)).output_shape
    (6, 24, 24)
    """

    fuses = frozenset({"norm", "residual", "activation"})
    optional_gradients = frozenset({"weight", "bias"})
    saves_for_gradients = frozenset({"x"})
    kind = "conv"
    rotate = Argument(check.flag)
    pack = True  # `freeze` copies the weight into the order in which the kernels read it

    def __init__(
        self,
        channels: int,
        kernel_size: Pair,
        *,
        stride: Pair = 1,
        padding: Padding = 0,
        dilation: Pair = 1,
        groups: int = 1,
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
        super().__init__(channels, kernel_size, groups, **window, bias=bias, **rules)
        self.rotate = rotate

    def geometry(self, x_shape: Shape) -> Conv2dGeometry:
        """The sizes, strides and padding for x (N, C, H, W)."""
        if x_shape[1] % self.groups:
            raise ValueError(f"groups must divide the channels, got groups={self.groups} and {x_shape[1]} channels")
        weight_shape = (self.channels, x_shape[1] // self.groups, *self.kernel_size)
        window = (brief(self.stride), self.padding, brief(self.dilation), self.groups)
        return geometry.conv2d(x_shape, weight_shape, *window, self.precise)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(channels, OH, OW); the weight and perhaps the bias."""
        g = self.geometry(maps(x_shape))
        area = g.kh * g.kw
        fan_in, fan_out = g.C // g.groups * area, g.K // g.groups * area
        return Spec(g.y_shape[1:], self.parameters(g.w_shape, fan_in, fan_out, g.K))

    def turned(self, weight: Array) -> Array:
        """A view of the filters in the order in which they slide over x."""
        return weight[:, :, ::-1, ::-1] if self.rotate else weight

    def forward(self, b: Bound) -> list[Call]:
        """y[k] = f(bias[k] + residual[k] + sum over c of x[c] (cross-correlated with) weight[k,c])"""
        weight, bias, g = b.params.weight, self.bias_of(b.params), self.geometry(b.x_shape)
        if not isinstance(weight, packed.PackedWeight):
            weight = self.turned(weight)
        return [conv.conv2d_call(b.x, weight, bias, b.y, g, b.activation, b.residual)]

    def freeze(self, params: SimpleNamespace, norm: Norm, x_shape: Shape) -> SimpleNamespace:
        """Weight and bias with the scale and shift of `norm`, packed for the kernels."""
        weight, bias = self.folded(params, norm)
        if not self.pack:
            return SimpleNamespace(weight=weight, bias=bias)
        g = self.geometry(x_shape)
        return SimpleNamespace(weight=packed.PackedWeight(self.turned(weight), g, False, path.patch_side(g)), bias=bias)

    def unpacked(self) -> Self:
        """A copy whose `freeze` leaves the weight an array."""
        layer = copy(self)
        vars(layer)["pack"] = False  # the network's own layer does not change
        return layer

    def backward(self, b: Bound) -> list[Call]:
        """dw[k,c] = x[c] (cross-correlated with) dy[k], db[k] = sum of dy[k], and dx by the rotated kernels."""
        g, calls = self.geometry(b.x_shape), []
        if b.grads.weight is not None:
            calls.append(conv.conv2d_backward_weight_call(b.dy, b.x, self.turned(b.grads.weight), g))
        if self.bias_of(b.grads) is not None:
            calls.append(conv.conv2d_backward_bias_call(b.dy, b.grads.bias))
        if b.dx is not None:
            operands = b.dy, self.turned(b.params.weight), b.dx, g
            calls.append(conv.conv2d_backward_input_call(*operands, dx_accumulate=b.dx_accumulate))
        return calls

    def accumulates_dx(self, x_shape: Shape, dtype: DTypeLike) -> bool:
        """Where the kernel for this shape can add to dx."""
        return conv.accumulates_dx(self.geometry(maps(x_shape)), dtype)

    def multiply_adds(self, x_shape: Shape, y_shape: Shape) -> int:
        """channels OH OW (C / groups) kh kw"""
        return prod(y_shape) * (x_shape[0] // self.groups) * prod(self.kernel_size)


def transposed_border(value: Any, name: str) -> Padding:
    """As `border`, with "multiple" and without "same"."""
    word = value.lower() if isinstance(value, str) else None
    if word == "multiple":
        return word
    if word is not None and word not in ("valid", "full"):
        cure = "; write padding='multiple'" if word == "same" else ""
        raise ValueError(f"{name} must be integers, 'valid', 'full' or 'multiple' when transposed, got {value!r}{cure}")
    return border(value, name)


def amounts(value: Any, name: str) -> tuple[int, int]:
    """A pair of integers >= 0."""
    return check.pair(value, name, 0)


class ConvTranspose2D(Grouped):
    """Each pixel spread over the result through a kernel: the adjoint of `Conv2D`.

    (N, C, H, W) -> (N, channels, OH, OW), OH = (H - 1) sh - top - bottom + dh (kh - 1) + output_padding + 1, OW alike.

    By position: channels and kernel_size; the rest by name.

    Parameters
    ----------
    channels : int >= 1
        The number of channels of the result.
    kernel_size : int or (kh, kw), >= 1, in pixels
    stride : int or (sh, sw), >= 1, default 1, in pixels
        The step in the result from pixel to pixel of x.
    padding : int, (ph, pw), ((top, bottom), (left, right)), "valid", "full" or "multiple"; default 0, in pixels
        What `Conv2D` would have padded; it is cut off the result. "multiple": stride x H rows result, and one more
        where kernel minus stride is odd.
    output_padding : int or pair, below stride or dilation, default 0, in pixels
        Extra rows and columns at the bottom and right.
    groups : int, default 1
        Divides C and channels; each group of channels is spread over its own group of results.
    bias : bool, default True
        Add one trained number per channel of the result.
    dilation : int or (dh, dw), >= 1, default 1, in pixels
        The step between the pixels that one pixel of x is spread over.
    activation : str or activation layer, optional
        The activation after the layer: "relu" or another name, or a layer such as ``LeakyReLU(0.2)``. It is a node of
        its own, as in ``sequential(layer, ReLU())``.
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
    Parameters of the network: weight (C, channels / groups, kh, kw), bias (channels,).

    Zeiler 2010 [26], there "deconvolution"; Dumoulin 2016 [27]; "multiple": the lecture notes [5].

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ConvTranspose2D(3, 4, stride=2, padding="multiple"), (8, 7, 7)).output_shape
    (3, 14, 14)
    """

    optional_gradients = frozenset({"weight", "bias"})
    saves_for_gradients = frozenset({"x"})
    kind = "conv_transpose"
    padding = Argument(transposed_border)
    output_padding = Argument(amounts)

    def __init__(
        self,
        channels: int,
        kernel_size: Pair,
        *,
        stride: Pair = 1,
        padding: Padding = 0,
        output_padding: Pair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Pair = 1,
        activation: str | Layer | None = None,
        init: str | Initialiser = "uniform",
        bias_init: str | Initialiser = "zeros",
        name: str | None = None,
        precise: bool = False,
    ) -> None:
        window: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "precise": precise}
        rules: dict[str, Any] = {"activation": activation, "init": init, "bias_init": bias_init, "name": name}
        super().__init__(channels, kernel_size, groups, **window, bias=bias, **rules)
        self.output_padding = output_padding
        self.geometry((1, self.groups, 2**20, 2**20))

    def geometry(self, x_shape: Shape) -> Conv2dGeometry:
        """The sizes, strides and padding for x (N, C, H, W): the geometry of the convolution back, from y to x."""
        if self.channels % self.groups:
            raise ValueError(f"groups must divide channels, got groups={self.groups} and channels={self.channels}")
        weight_shape = (x_shape[1], self.channels // self.groups, *self.kernel_size)
        window = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return geometry.conv_transpose2d(x_shape, weight_shape, *window, self.precise)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """(channels, OH, OW); the weight and perhaps the bias."""
        g = self.geometry(maps(x_shape))
        area = g.kh * g.kw
        fan_in, fan_out = g.K // g.groups * area, g.C // g.groups * area  # g: the convolution from y to x
        return Spec(g.x_shape[1:], self.parameters(g.w_shape, fan_in, fan_out, self.channels))

    def forward(self, b: Bound) -> list[Call]:
        """y[k] = bias[k] + sum over c of x[c] (in full, with the kernel rotated) weight[c,k]"""
        bias, g = self.bias_of(b.params), self.geometry(b.x_shape)
        return [conv.conv_transpose2d_call(b.x, b.params.weight, bias, b.y, g)]

    def backward(self, b: Bound) -> list[Call]:
        """dw[c,k] = dy[k] (cross-correlated with) x[c], db[k] = sum of dy[k], and dx, the convolution of dy."""
        g, calls = self.geometry(b.x_shape), []
        if b.grads.weight is not None:
            calls.append(conv.conv_transpose2d_backward_weight_call(b.dy, b.x, b.grads.weight, g))
        if self.bias_of(b.grads) is not None:
            calls.append(conv.conv2d_backward_bias_call(b.dy, b.grads.bias))
        if b.dx is not None:
            calls.append(conv.conv_transpose2d_backward_input_call(b.dy, b.params.weight, b.dx, g))
        return calls

    def multiply_adds(self, x_shape: Shape, y_shape: Shape) -> int:
        """C H W (channels / groups) kh kw"""
        return prod(x_shape) * (y_shape[0] // self.groups) * prod(self.kernel_size)
