"""What is given to a layer in place of a node; errors say what to write instead."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import ops
from ..ops import check
from ..ops.binding import parameters_of, required
from ..ops.habits.objects import LAYERS
from .calls import EXAMPLES, Values, is_node, line, places_of

CALLS = {  # layers for which a call of a function needs more than the arguments without defaults
    "DepthwiseConv2D": "conv2d(x, weight, groups=x.shape[1])",
    "LpPool2D": "lp_pool2d(x, kernel_size=2)",
    "ReflectionPad2D": "pad(x, padding, mode='reflect')",
    "ReplicationPad2D": "pad(x, padding, mode='replicate')",
    "Upsample": "interpolate(x, scale_factor=2)",
}


def no_node(layer: Any, x: Any) -> TypeError:
    """The error for what is no node of a model."""
    what = check.described(x)
    if x is None:
        cure = "a function that makes a model must return its last node"
    elif isinstance(x, type):
        cure = f"write sequential({x.__name__}(...), {layer!r})"
    elif callable(x) and hasattr(x, "spec"):
        what, cure = f"the layer {x!r}", f"write sequential({x!r}, {layer!r})"
    elif isinstance(x, list | tuple) and x and all(hasattr(each, "graph") for each in x):
        what, cure = f"{what} of {len(x)} nodes", f"join them first: {layer!r}(concat(*x))"
    elif isinstance(x, dict) and x and all(hasattr(each, "graph") for each in x.values()):
        what, cure = f"{what} of {len(x)} nodes", f"give it one of them: {layer!r}(x[{next(iter(x))!r}])"
    elif hasattr(x, "predict"):
        cure = f"a network is made of the whole model: Network(sequential(..., {layer!r}), input_shape)"
    elif callable(x):
        cure = f"write sequential({getattr(x, '__name__', 'model')}, {layer!r})"
    else:
        cure = on_arrays(layer, x)
    return TypeError(f"{type(layer).__name__} must be called with a node of a model, got {what}; {cure}")


def no_plan(layer: Any, method: str, b: Any) -> TypeError:
    """The error for a call of `forward` or `backward` on an array or a node: they prepare calls for a plan."""
    what = repr(b) if is_node(b) else check.described(b)
    cure = f"call the layer: {layer!r}(x)" if is_node(b) else on_arrays(layer, b)
    rule = f"{type(layer).__name__}.{method} takes the arrays of a plan, a fastconv.layer.Bound"
    return TypeError(f"{rule}, got {what}; {cure}")


def node_of(
    cls: type, parameters: Mapping[str, inspect.Parameter], args: tuple[Any, ...], options: Values
) -> TypeError:
    """The error for a node among the arguments of a constructor: Flatten(x) for Flatten()(x)."""
    node = next(filter(is_node, args))
    places = places_of(parameters)
    values = dict(zip(places, (value for value in args if not is_node(value)), strict=False)) | options
    values |= {name: EXAMPLES.get(name, ...) for name in required(parameters) if name not in values}
    write = line(cls.__name__, places, {name: values[name] for name in parameters if name in values})
    rule = f"{cls.__name__} is made without the node, and then called with it"
    return TypeError(f"{rule}, got {node!r}; call the layer: {write}(x)")


def on_arrays(layer: Any, x: Any) -> str:
    """What to write where a layer was given an array, or what may become one."""
    try:
        array = np.asarray(x)
    except Exception:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        return f"layers compute inside a network: Network({layer!r}, input_shape).predict(x)"
    name = "x" if isinstance(x, np.ndarray) else "numpy.asarray(x)"
    shape = f"{name}.shape" if array.ndim in (1, 3) else f"{name}.shape[1:]"
    dtype = ", 'float64'" if array.dtype == np.float64 else ""
    given = name if array.dtype in (np.float32, np.float64) else f"{name}.astype('float32')"
    if array.dtype == np.uint8:
        given += " / 255"
    line = f"layers compute inside a network: Network({layer!r}, {shape}{dtype}).predict({given})"
    functions = [*filter(None, (function_of(kind.__name__) for kind in type(layer).__mro__))]
    return f"{line}; or, with arrays of your own, fastconv.{functions[0]}" if functions else line


def function_of(layer: str) -> str:
    """The function on arrays that computes the same, with the arguments that it needs: 'relu(x)'; '' for none."""
    if layer in CALLS:
        return CALLS[layer]
    name = next((name for name, made in LAYERS.items() if made.partition("(")[0] == layer), "")
    return f"{name}({', '.join(required(parameters_of(getattr(ops, name))))})" if name else ""
