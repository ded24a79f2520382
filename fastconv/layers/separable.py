"""Depth-wise convolution: one filter a channel; and the separable one, which sums the filtered maps by weights.

m[n,c] = x[n,c] (cross-correlated with) f[c]
y[n,k] = b[k] + sum_c w[k,c] m[n,c]         equal to a dense convolution with the kernels w[k,c] f[c]

db[k] = sum of dy[:,k],  dw[k,c] = sum of m[:,c] dy[:,k],  dm[n,c] = sum_k w[k,c] dy[n,k]
df[c] = sum_n x[n,c] (cross-correlated with) dm[n,c],  dx[n,c] = dm[n,c] (in full, rotated) f[c]
"""

from math import prod

from ..layer import Array, Parameter, Spec
from ..ops import check, conv, geometry
from .common import Convolution, at_least, maps
from .conv import Conv2D


class DepthwiseConv2D(Conv2D):
    """One filter a channel (or `multiplier` of them): (C, H, W) to (multiplier C, OH, OW).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.DepthwiseConv2D(3, padding="same"), (8, 7, 7)).output_shape
    (8, 7, 7)
    """

    def __init__(self, kernel_size, stride=1, padding=0, dilation=1, multiplier=1, **options):
        super().__init__(1, kernel_size, stride, padding, dilation, **options)
        self.multiplier = at_least(multiplier, "multiplier")
        self.steps = (stride, padding, dilation)

    def geometry(self, x_shape):
        channels = x_shape[1]
        weight_shape = (self.multiplier * channels, 1, *self.kernel_size)
        return geometry.conv2d(x_shape, weight_shape, *self.steps, channels, self.precise)

    def multiply_adds(self, x_shape, y_shape):
        return prod(y_shape) * prod(self.kernel_size)


class SeparableConv2D(Convolution):
    """Depth-wise convolution as the fifth source defines it: the convolution is done once for each input map, and the
    plain sum across maps becomes a weighted sum, with other weights for each output map.

    (C, H, W) to (channels, OH, OW). Parameters: `filters` (C, 1, kh, kw), `weight` (channels, C, 1, 1), `bias`.
    ``precise=True`` is as in `conv2d`.

    Examples
    --------
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.layers.SeparableConv2D(16, 3), (8, 7, 7))
    >>> network.output_shape
    (16, 5, 5)
    >>> [p.shape for p in network.parameters.values()]
    [(8, 1, 3, 3), (16, 8, 1, 1), (16,)]
    """

    kind = "separable"

    def __init__(
        self,
        channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        bias=True,
        init="uniform",
        bias_init="zeros",
        name=None,
        *,
        precise=False,
    ):
        super().__init__(bias, init, bias_init, name, precise)
        self.channels = at_least(channels, "channels")
        self.kernel_size = check.pair(kernel_size, "kernel_size", 1)
        self.steps = (stride, padding, dilation)

    def geometries(self, x_shape):
        """Of the filters and of the weighted sum."""
        channels = x_shape[1]
        shape = (channels, 1, *self.kernel_size)
        first = geometry.conv2d(x_shape, shape, *self.steps, channels, self.precise)
        return first, geometry.conv2d(first.y_shape, (self.channels, channels, 1, 1), precise=self.precise)

    def spec(self, x_shape, dtype):
        first, second = self.geometries(maps(x_shape))
        area = first.kh * first.kw
        filters = Parameter(first.w_shape, self.weight_init, area, area)
        params = {"filters": filters, **self.parameters(second.w_shape, second.C, second.K, second.K)}
        middle = first.y_shape[1:]
        return Spec(second.y_shape[1:], params, saved={"maps": Array(middle)}, scratch={"dmaps": Array(middle)})

    def forward(self, b):
        first, second = self.geometries(b.x_shape)
        return [
            conv.conv2d_call(b.x, b.params.filters, None, b.saved.maps, first),
            conv.conv2d_call(b.saved.maps, b.params.weight, self.bias_of(b.params), b.y, second),
        ]

    def backward(self, b):
        first, second = self.geometries(b.x_shape)
        calls = [
            conv.conv2d_backward_weight_call(b.dy, b.saved.maps, b.grads.weight, second),
            conv.conv2d_backward_input_call(b.dy, b.params.weight, b.scratch.dmaps, second),
            conv.conv2d_backward_weight_call(b.scratch.dmaps, b.x, b.grads.filters, first),
        ]
        if self.bias:
            calls.append(conv.conv2d_backward_bias_call(b.dy, b.grads.bias))
        if b.dx is not None:
            calls.append(conv.conv2d_backward_input_call(b.scratch.dmaps, b.params.filters, b.dx, first))
        return calls

    def multiply_adds(self, x_shape, y_shape):
        return prod(y_shape[1:]) * x_shape[0] * (prod(self.kernel_size) + self.channels)
