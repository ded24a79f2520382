"""Convolution and transposed convolution.

y[n,k] = b[k] + sum_c x[n,c] (cross-correlated with) w[k,c]            Zhang 2016, eqs. 4 and 7, before sigma
dx[n,c] = sum_k dy[n,k] (in full, with the kernel rotated) w[k,c]      eqs. 50, 51
dw[k,c] = sum_n x[n,c] (cross-correlated with) dy[n,k]                 eqs. 39, 40, 58, 59
db[k] = sum of dy[:,k]                                                 eqs. 45, 64
"""

from copy import copy
from math import prod
from types import SimpleNamespace

from ..layer import Spec
from ..ops import check, conv, geometry, path
from ..ops.conv import packed
from .common import Convolution, at_least, maps


class Conv2D(Convolution):
    """Convolution of (C, H, W) to (channels, OH, OW); the arguments are those of `conv2d`.

    The weight is (channels, C / groups, kh, kw) and slides unturned (cross-correlation), as in the field. With
    ``rotate=True`` it is turned by 180 degrees: the true convolution that the sources write. If values of very
    different size, infinities or NaN lie side by side, ``precise=True`` keeps their errors apart (see `conv2d`).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Conv2D(6, 5, rotate=True), (1, 28, 28)).output_shape
    (6, 24, 24)
    """

    fuses = frozenset({"norm", "residual", "activation"})
    kind = "conv"
    pack = True  # whether `freeze` brings the weight into the kernels' order

    def __init__(
        self,
        channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        rotate=False,
        init="uniform",
        bias_init="zeros",
        name=None,
        *,
        precise=False,
    ):
        super().__init__(bias, init, bias_init, name, precise)
        self.channels, self.groups = at_least(channels, "channels"), at_least(groups, "groups")
        self.kernel_size = check.pair(kernel_size, "kernel_size", 1)
        self.window = (stride, padding, dilation, self.groups)
        self.rotate = bool(rotate)

    def geometry(self, x_shape):
        if x_shape[1] % self.groups:
            raise ValueError(f"groups must divide the channels, got groups={self.groups} and {x_shape[1]} channels")
        weight_shape = (self.channels, x_shape[1] // self.groups, *self.kernel_size)
        return geometry.conv2d(x_shape, weight_shape, *self.window, self.precise)

    def spec(self, x_shape, dtype):
        g = self.geometry(maps(x_shape))
        area = g.kh * g.kw
        fan_in, fan_out = g.C // g.groups * area, g.K // g.groups * area
        return Spec(g.y_shape[1:], self.parameters(g.w_shape, fan_in, fan_out, g.K))

    def turned(self, weight):
        return weight[:, :, ::-1, ::-1] if self.rotate else weight

    def forward(self, b):
        weight, bias, g = b.params.weight, self.bias_of(b.params), self.geometry(b.x_shape)
        if not isinstance(weight, packed.PackedWeight):
            weight = self.turned(weight)
        return [conv.conv2d_call(b.x, weight, bias, b.y, g, b.activation, b.residual)]

    def freeze(self, params, norm, x_shape):
        weight, bias = self.folded(params, norm)
        if self.pack:
            g = self.geometry(x_shape)
            weight = packed.PackedWeight(self.turned(weight), g, False, path.patch_side(g))
        return SimpleNamespace(weight=weight, bias=bias)

    def unpacked(self):
        layer = copy(self)
        vars(layer)["pack"] = False  # does not count as a change of the network's layer
        return layer

    def backward(self, b):
        g = self.geometry(b.x_shape)
        calls = [conv.conv2d_backward_weight_call(b.dy, b.x, self.turned(b.grads.weight), g)]
        if self.bias:
            calls.append(conv.conv2d_backward_bias_call(b.dy, b.grads.bias))
        if b.dx is not None:
            operands = b.dy, self.turned(b.params.weight), b.dx, g
            calls.append(conv.conv2d_backward_input_call(*operands, dx_accumulate=b.dx_accumulate))
        return calls

    def accumulates_dx(self, x_shape, dtype):
        return conv.accumulates_dx(self.geometry(maps(x_shape)), dtype)

    def multiply_adds(self, x_shape, y_shape):
        return prod(y_shape) * (x_shape[0] // self.groups) * prod(self.kernel_size)


class ConvTranspose2D(Convolution):
    """Transposed convolution of (C, H, W) to (channels, OH, OW): the adjoint of `Conv2D`.

    The weight is (C, channels / groups, kh, kw). ``padding="multiple"`` gives stride x H rows, plus 1 where kernel
    minus stride is odd. ``precise=True`` is as in `conv2d`.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ConvTranspose2D(3, 4, stride=2, padding="multiple"), (8, 7, 7)).output_shape
    (3, 14, 14)
    """

    kind = "conv_transpose"

    def __init__(
        self,
        channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        init="uniform",
        bias_init="zeros",
        name=None,
        *,
        precise=False,
    ):
        super().__init__(bias, init, bias_init, name, precise)
        self.channels, self.groups = at_least(channels, "channels"), at_least(groups, "groups")
        self.kernel_size = check.pair(kernel_size, "kernel_size", 1)
        self.window = (stride, padding, output_padding, self.groups, dilation)

    def geometry(self, x_shape):
        if self.channels % self.groups:
            raise ValueError(f"groups must divide channels, got groups={self.groups} and channels={self.channels}")
        weight_shape = (x_shape[1], self.channels // self.groups, *self.kernel_size)
        return geometry.conv_transpose2d(x_shape, weight_shape, *self.window, self.precise)

    def spec(self, x_shape, dtype):
        g = self.geometry(maps(x_shape))
        area = g.kh * g.kw
        fan_in, fan_out = g.K // g.groups * area, g.C // g.groups * area  # g is the convolution back
        return Spec(g.x_shape[1:], self.parameters(g.w_shape, fan_in, fan_out, self.channels))

    def forward(self, b):
        bias, g = self.bias_of(b.params), self.geometry(b.x_shape)
        return [conv.conv_transpose2d_call(b.x, b.params.weight, bias, b.y, g)]

    def backward(self, b):
        g = self.geometry(b.x_shape)
        calls = [conv.conv_transpose2d_backward_weight_call(b.dy, b.x, b.grads.weight, g)]
        if self.bias:
            calls.append(conv.conv2d_backward_bias_call(b.dy, b.grads.bias))
        if b.dx is not None:
            calls.append(conv.conv_transpose2d_backward_input_call(b.dy, b.params.weight, b.dx, g))
        return calls

    def multiply_adds(self, x_shape, y_shape):
        return prod(x_shape) * (y_shape[0] // self.groups) * prod(self.kernel_size)
