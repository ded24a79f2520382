"""What the layers with a weight share: the bias, the first values, and the activation after them."""

from copy import copy
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from ..arguments.attributes import Argument
from ..init import named
from ..layer import AnyNode, Initialiser, Layer, Norm, Parameter
from ..ops import check
from ..ops.extents import steps
from ..typing import Array, Padding, Pair, Shape
from .activation.named import activation_layer
from .common import at_least, border


def initialiser(value: Any, name: str) -> str | Initialiser:
    """The name of a rule of `fastconv.init`, or a function, as it was given."""
    named(value, name)
    given: str | Initialiser = value
    return given


class WithBias(Layer):
    """A layer with a weight and perhaps a bias, and perhaps an activation after it, which is a node of its own.

    Parameters
    ----------
    bias : bool
        Add one trained number per output channel.
    activation : str, Layer or None
        The activation after the layer: a name such as "relu", or an activation layer.
    init, bias_init : name or function of `fastconv.init`
        First values: ``init(rng, shape, fan_in, fan_out)`` gives an array of that shape.
    name : str or None
        See `Layer`.
    """

    saves = frozenset({"x"})
    bias = Argument(check.flag)
    activation = Argument(activation_layer, default=None, fixed=True)
    init = Argument(initialiser)
    bias_init = Argument(initialiser)

    def __init__(
        self,
        bias: bool,
        activation: str | Layer | None,
        init: str | Initialiser,
        bias_init: str | Initialiser,
        name: str | None,
    ) -> None:
        super().__init__(name)
        self.bias, self.activation = bias, activation
        self.init, self.bias_init = init, bias_init

    def __call__(self, x: AnyNode) -> AnyNode:
        y = super().__call__(x)
        return y if self.activation is None else self.activation(y)

    def parameters(self, weight_shape: Shape, fan_in: int, fan_out: int, outputs: int) -> dict[str, Parameter]:
        """The weight, and the bias if there is one."""
        params = {"weight": Parameter(weight_shape, named(self.init), fan_in, fan_out)}
        if self.bias:
            params["bias"] = Parameter((outputs,), named(self.bias_init), fan_in, fan_out)
        return params

    def bias_of(self, arrays: SimpleNamespace) -> Any:
        """The bias among the parameters or gradients; None if there is none."""
        return getattr(arrays, "bias", None)

    def folded(self, params: SimpleNamespace, norm: Norm) -> tuple[Array, Array | None]:
        """Weight and bias of scale f(x) + shift, norm = (scale, shift) per output channel, the weight's first axis."""
        if norm is None:
            return params.weight.copy(), self.copied_bias(params)
        scale, shift = norm
        bias = self.bias_of(params)
        along = (slice(None), *(np.newaxis,) * (params.weight.ndim - 1))
        weight = (params.weight * scale[along]).astype(params.weight.dtype)
        return weight, (shift if bias is None else bias * scale + shift).astype(weight.dtype)

    def copied_bias(self, params: SimpleNamespace) -> Array | None:
        """A copy of the bias; None if there is none."""
        bias = self.bias_of(params)
        return None if bias is None else bias.copy()


class Convolution(WithBias):
    """A layer whose windows slide over planes.

    Parameters
    ----------
    kernel_size, stride, padding, dilation
        As in `Conv2D`.
    precise : bool
        Compute each result only from the values in its window, see the Notes of `conv2d`. A network with
        ``precise=True`` sets it for all its layers.
    **options
        As in `WithBias`.
    """

    convolution = True
    kernel_size = Argument(steps)
    stride = Argument(steps)
    padding = Argument(border)
    dilation = Argument(steps)
    precise = Argument(check.flag)

    def __init__(
        self, kernel_size: Pair, stride: Pair, padding: Padding, dilation: Pair, precise: bool, **options: Any
    ) -> None:
        super().__init__(**options)
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.precise = precise

    def made_precise(self) -> Self:
        """A copy with ``precise=True``."""
        layer = copy(self)
        vars(layer)["precise"] = True  # the network's own layer does not change
        return layer


class Grouped(Convolution):
    """A convolution to a number of channels, perhaps in groups; the arguments are as in `Conv2D`."""

    channels = Argument(at_least)
    groups = Argument(at_least)

    def __init__(self, channels: int, kernel_size: Pair, groups: int, **options: Any) -> None:
        super().__init__(kernel_size, **options)
        self.channels, self.groups = channels, groups
        if self.channels % self.groups:
            raise ValueError(f"groups must divide channels, got groups={groups} and channels={channels}")
