"""What several families share."""

from copy import copy
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from .. import init
from ..layer import Bound, Initialiser, Layer, Norm, Parameter
from ..ops import check
from ..typing import Array, Call, Shape


class Parameterless(Layer):
    """A layer whose backward pass makes dx and nothing else: where nobody reads dx, it has nothing to do."""

    def backward(self, b: Bound) -> list[Call]:
        """The calls of `backward_input`; none where dx is not wanted."""
        return [] if b.dx is None else self.backward_input(b)

    def backward_input(self, b: Bound) -> list[Call]:
        """The calls that write dx."""
        raise NotImplementedError(f"{type(self).__name__} must have a method backward_input(b)")


class WithBias(Layer):
    """A layer with a weight and perhaps a bias.

    Parameters
    ----------
    bias : bool
        Add one trained number per output channel.
    weight_init, bias_init : name or function of `fastconv.init`
        First values: ``init(rng, shape, fan_in, fan_out)`` gives an array of that shape. The layers' argument `init` is
        weight_init.
    name : str or None
        See `Layer`.
    """

    saves = frozenset({"x"})

    def __init__(
        self, bias: bool, weight_init: str | Initialiser, bias_init: str | Initialiser, name: str | None
    ) -> None:
        super().__init__(name)
        self.bias = check.flag(bias, "bias")
        self.weight_init, self.bias_init = init.named(weight_init), init.named(bias_init, "bias_init")

    def parameters(self, weight_shape: Shape, fan_in: int, fan_out: int, outputs: int) -> dict[str, Parameter]:
        """The weight, and the bias if there is one."""
        params = {"weight": Parameter(weight_shape, self.weight_init, fan_in, fan_out)}
        if self.bias:
            params["bias"] = Parameter((outputs,), self.bias_init, fan_in, fan_out)
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
    bias, weight_init, bias_init, name
        As in `WithBias`.
    precise : bool
        Compute each result only from the values in its window, see the Notes of `conv2d`. A network with
        ``precise=True`` sets it for all its layers.
    """

    convolution = True

    def __init__(
        self,
        bias: bool,
        weight_init: str | Initialiser,
        bias_init: str | Initialiser,
        name: str | None,
        precise: bool,
    ) -> None:
        super().__init__(bias, weight_init, bias_init, name)
        self.precise = check.flag(precise, "precise")

    def made_precise(self) -> Self:
        """A copy with ``precise=True``."""
        layer = copy(self)
        vars(layer)["precise"] = True  # the network's own layer does not change
        return layer


def maps(x_shape: Shape) -> Shape:
    """(1, C, H, W) of a sample; ValueError for a vector."""
    if len(x_shape) != 3:
        raise ValueError(f"needs images (C, H, W), got shape {x_shape}")
    return (1, *x_shape)


def features(x_shape: Shape) -> int:
    """The length of a vector sample; ValueError for images."""
    if len(x_shape) != 1:
        raise ValueError(f"needs vectors (features,), got shape {x_shape}; put Flatten() before it")
    return x_shape[0]


def at_least(value: Any, name: str, minimum: int = 1) -> int:
    """The integer; TypeError or ValueError, with the name of the argument, if it is not one or is too small."""
    return check.integer(value, name, minimum)


def same_start(x: Array, y: Array) -> bool:
    """Whether the executor has put both into the same memory."""
    return bool(x.__array_interface__["data"][0] == y.__array_interface__["data"][0])
