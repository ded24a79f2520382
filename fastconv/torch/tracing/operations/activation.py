"""Functions of each value, softmax, and what is random in training."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from .... import Node, layers
from ....nodes.arranged import Arranged
from ....nodes.bounded import between, softmax_along
from ....nodes.refused import Refused
from ..tensors import arranged_of, node_of
from .axes import axis_of

__all__ = ["TABLE", "pointwise"]


def pointwise(x: Any, function: Callable[[Node], Node]) -> Node | Arranged:
    """A function of each value: done before axes are moved, which gives the same."""
    value = arranged_of(x)
    made = function(value.node)
    return made if isinstance(x.value, Node) else replace(value, node=made)


def by_layer(make: Callable[..., Any]) -> Callable[..., Any]:
    """The operation that a layer with these arguments computes."""

    def operation(trace: Any, x: Any, *args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        return pointwise(x, make(*args, **kwargs))

    return operation


def prelu(trace: Any, x: Any, weight: Any) -> Any:
    """One slope, or one for each channel."""
    make = partial(layers.PReLU, shared=weight.numel() == 1)
    return trace.layer(make, node_of(x), weight=weight)


def softmax(
    kind: type[layers.Softmax] | type[layers.LogSoftmax],
    trace: Any,
    x: Any,
    dim: Any = None,
    _stacklevel: int = 3,
    dtype: Any = None,
) -> Any:
    """Along one axis."""
    if not isinstance(dim, int) or dtype not in (None, trace.dtype):
        raise Refused(f"its dim must be an integer and its dtype that of the images, got {dim} and {dtype}")
    return softmax_along(arranged_of(x), axis_of(x, dim), kind)


def bounded(x: Any, low: Any, high: Any) -> Any:
    """min(max(x, low), high)"""
    bounds = -np.inf if low is None else low, np.inf if high is None else high
    if not all(isinstance(bound, Real) for bound in bounds):
        raise Refused("its bounds must be numbers")
    return pointwise(x, lambda node: between(node, float(bounds[0]), float(bounds[1])))


def dropout(trace: Any, x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros in training, whatever the mode is now."""
    return pointwise(x, layers.Dropout(p))


def of_channels(trace: Any, x: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """The identity in prediction."""
    if training and p:
        raise Refused("fastconv has no dropout of whole channels; module.eval() leaves it out")
    return pointwise(x, lambda node: node)


def tanhshrink(trace: Any, x: Any) -> Any:
    """x - tanh(x)"""
    return pointwise(x, lambda node: node - layers.Tanh()(node))


TABLE: dict[str, Callable[..., Any]] = {
    "relu": by_layer(layers.ReLU),
    "relu6": by_layer(layers.ReLU6),
    "leaky_relu": by_layer(layers.LeakyReLU),
    "elu": by_layer(layers.ELU),
    "selu": by_layer(layers.SELU),
    "celu": by_layer(layers.CELU),
    "gelu": by_layer(layers.GELU),
    "silu": by_layer(layers.SiLU),
    "mish": by_layer(layers.Mish),
    "hardswish": by_layer(layers.HardSwish),
    "hardsigmoid": by_layer(layers.HardSigmoid),
    "sigmoid": by_layer(layers.Sigmoid),
    "log_sigmoid": by_layer(layers.LogSigmoid),
    "logsigmoid": by_layer(layers.LogSigmoid),
    "tanh": by_layer(layers.Tanh),
    "tanhshrink": tanhshrink,
    "softplus": by_layer(layers.Softplus),
    "softsign": by_layer(layers.Softsign),
    **dict.fromkeys(("threshold", "_threshold"), by_layer(layers.Threshold)),
    "exp": by_layer(layers.Exp),
    "sqrt": by_layer(layers.Sqrt),
    "reciprocal": by_layer(layers.Reciprocal),
    "rsqrt": lambda trace, x: pointwise(x, lambda node: layers.Reciprocal()(layers.Sqrt()(node))),
    "prelu": prelu,
    "softmax": partial(softmax, layers.Softmax),
    "log_softmax": partial(softmax, layers.LogSoftmax),
    "hardtanh": lambda trace, x, min_val=-1.0, max_val=1.0, inplace=False: bounded(x, min_val, max_val),
    **dict.fromkeys(("clamp", "clip"), lambda trace, x, min=None, max=None: bounded(x, min, max)),
    "clamp_min": lambda trace, x, min: bounded(x, min, None),
    "clamp_max": lambda trace, x, max: bounded(x, None, max),
    "dropout": dropout,
    **dict.fromkeys(("dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"), of_channels),
}
