"""What only constants feed is computed at once, with NumPy: folded weights, and the arithmetic with shapes."""

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper

from ...typing import Array
from .sizes import MOST_AXES, Budget, broadcast, counted, expanded, gathered, joined, numbers, of_first, tiled
from .values import Refused

if TYPE_CHECKING:
    from .call import Call

__all__ = ["FOLDED", "cast", "folded", "parts_of", "slices_of"]


def folded(call: "Call", budget: Budget) -> Any:
    """The results of an operation whose inputs are all constants."""
    size, compute = FOLDED[call.operation.kind]
    inputs = [each for each in call.values if isinstance(each, np.ndarray)]
    budget.take(size(call), inputs)
    with np.errstate(all="ignore"):
        result = compute(call)
    return [np.asarray(each) for each in result] if isinstance(result, list) else [np.asarray(result)]


def ranged(call: "Call") -> Array:
    """`Range`"""
    start, limit, delta = (call.constant(i).item() for i in range(3))
    return np.arange(start, limit, delta, dtype=call.constant(0).dtype)


def dtype_of(number: int) -> Any:
    """The dtype of NumPy for one of ONNX."""
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(number))
    except KeyError:
        raise Refused(f"its element type {number} is unknown") from None
    if dtype.kind not in "biuf":
        raise Refused(f"its elements would be {dtype}")
    return dtype


def cast(call: "Call") -> Array:
    """The values in another type."""
    return call.constant(0).astype(dtype_of(call.integer("to")))


def constant(call: "Call") -> Array:
    """An array in the file."""
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in call.operation.attributes:
            value = call.operation.attributes[name]
            kind = {"value_float": np.float32, "value_floats": np.float32}.get(name, np.int64)
            if isinstance(value, np.ndarray) or name != "value":
                return value if isinstance(value, np.ndarray) else np.asarray(value, kind)
    raise Refused("its value is no array of numbers")


def filled(call: "Call") -> Array:
    """`ConstantOfShape`"""
    value = call.attribute("value", np.ndarray, np.zeros(1, np.float32))
    return np.full(numbers(call.constant(0)), value.reshape(-1)[0], value.dtype)


def reshaped(call: "Call") -> Array:
    """`Reshape`: 0 keeps an extent, unless allowzero."""
    x = call.constant(0)
    shape = list(call.list_of("shape", 1) or ())
    if not call.flag("allowzero"):
        shape = [x.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    return x.reshape(shape)


def squeezed(call: "Call") -> Array:
    """`Squeeze`"""
    x, axes = call.constant(0), call.list_of("axes", 1)
    return np.squeeze(x, None if axes is None else call.axes(axes, x.ndim))


def unsqueezed(call: "Call") -> Array:
    """`Unsqueeze`"""
    x, axes = call.constant(0), call.list_of("axes", 1) or ()
    return np.expand_dims(x, call.axes(axes, x.ndim + len(axes)))


def flattened(call: "Call") -> Array:
    """`Flatten`"""
    x, axis = call.constant(0), call.integer("axis", 1)
    return x.reshape(prod(x.shape[:axis]), -1) if axis else x.reshape(1, -1)


def slices_of(call: "Call") -> list[tuple[int, slice]]:
    """(axis, slice) of `Slice`, before opset 10 from attributes."""
    starts, ends = call.list_of("starts", 1) or (), call.list_of("ends", 2) or ()
    axes, steps = call.list_of("axes", 3), call.list_of("steps", 4) if call.has(4) else None
    axes = call.axes(axes if axes is not None else tuple(range(len(starts))), len(call.shape()))
    steps = steps if steps is not None else (1,) * len(starts)
    if not len(axes) == len(starts) == len(ends) == len(steps):
        raise Refused(f"its starts {starts}, ends {ends}, axes {axes} and steps {steps} must be equally many")
    if 0 in steps:
        raise Refused(f"its steps {steps} must not be 0")
    found = []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 0 and end < -call.shape()[axis]:
            found.append((axis, slice(start, None, step)))
        else:
            found.append((axis, slice(start, end, step)))
    return found


def sliced(call: "Call") -> Array:
    """`Slice`"""
    x = call.constant(0)
    index: list[Any] = [slice(None)] * x.ndim
    for axis, part in slices_of(call):
        index[axis] = part
    found: Array = x[tuple(index)]
    return found


def parts_of(call: "Call", extent: int) -> list[int]:
    """The extents of the results of `Split` along its axis."""
    sizes = call.list_of("split", 1)
    count = call.integer("num_outputs", len(call.operation.outputs))
    if not 1 <= count <= max(extent, 1):
        raise Refused(f"its num_outputs must be from 1 to {extent}, got {count}")
    if sizes is None:
        part = -(-extent // count)
        sizes = tuple(min(part, extent - part * i) for i in range(count))
    if sum(sizes) != extent or min(sizes) < 0:
        raise Refused(f"its parts {sizes} are not {extent} together")
    return list(sizes)


def split(call: "Call") -> list[Array]:
    """`Split`"""
    x = call.constant(0)
    (axis,) = call.axes((call.integer("axis", 0),), x.ndim)
    sizes = parts_of(call, x.shape[axis])
    return list(np.split(x, np.cumsum(sizes)[:-1], axis))


def reduced(function: Callable[..., Any]) -> Callable[["Call"], Array]:
    """A reduction over axes."""

    def compute(call: "Call") -> Array:
        x, axes = call.constant(0), call.list_of("axes", 1)
        if not axes and call.flag("noop_with_empty_axes"):
            return x
        over = call.axes(axes, x.ndim) if axes else None
        return np.asarray(function(x, axis=over, keepdims=call.flag("keepdims", True))).astype(x.dtype)

    return compute


def divided(a: Array, b: Array) -> Array:
    """a / b; integers are cut towards 0."""
    if a.dtype.kind not in "iu":
        return np.asarray(a / b)
    if not np.all(b):
        raise Refused("it divides by 0")
    return np.asarray(np.sign(a) * np.sign(b) * (abs(a) // abs(b))).astype(a.dtype)


def rounded(call: "Call") -> Array:
    """`QuantizeLinear`: x / scale + zero_point in integers, one scale or one per channel of an axis."""
    x, scale, zero = scales(call, np.zeros((), np.uint8))
    if zero.dtype.kind not in "iu":
        raise Refused("its zero point is no integer")
    bounds = np.iinfo(zero.dtype)
    found: Array = np.clip(np.rint(x / scale) + zero, bounds.min, bounds.max).astype(zero.dtype)
    return found


def scales(call: "Call", default: Array) -> tuple[Array, Array, Array]:
    """(x, scale, zero point), of shapes that go together."""
    x, scale = call.constant(0), call.constant(1)
    zero = call.constant(2, default)
    if scale.size == 1:
        return x, scale.reshape(()), zero.reshape(())
    (axis,) = call.axes((call.integer("axis", 1),), x.ndim)
    shape = [n if i == axis else 1 for i, n in enumerate(x.shape)]
    zero = np.broadcast_to(zero, scale.shape)
    return x, scale.reshape(shape), zero.reshape(shape)


def dequantized(call: "Call") -> Array:
    """`DequantizeLinear`: (x - zero_point) scale, for one scale, or one per channel of an axis."""
    x, scale, zero = scales(call, np.zeros(()))
    return ((x.astype(np.float64) - zero) * scale).astype(scale.dtype)


def accumulated(call: "Call") -> Array:
    """`CumSum`: sums of all elements up to each, with it or (exclusive) without it, from either end."""
    x, (axis,) = call.constant(0), call.axes((int(call.constant(1).item()),), call.constant(0).ndim)
    turned = np.flip(x, axis) if call.flag("reverse") else x
    sums = np.cumsum(turned, axis, dtype=x.dtype)
    if call.flag("exclusive"):
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis).take(range(x.shape[axis]), axis)
    return np.flip(sums, axis) if call.flag("reverse") else sums


def triangle(call: "Call") -> Array:
    """`Trilu`: the matrices above or below a diagonal, zeros elsewhere."""
    k = int(call.constant(1, np.zeros(())).item())
    return (np.triu if call.flag("upper", True) else np.tril)(call.constant(0), k)


def diagonal(call: "Call") -> Array:
    """`EyeLike`"""
    x = call.constant(0)
    if x.ndim != 2:
        raise Refused(f"its input must be a matrix, got {x.shape}")
    dtype = dtype_of(call.integer("dtype")) if "dtype" in call.operation.attributes else x.dtype
    return np.eye(x.shape[0], x.shape[1], k=call.integer("k", 0), dtype=dtype)


Rule = tuple[Callable[["Call"], tuple[int, ...]], Callable[["Call"], Any]]


def pointwise(function: Callable[..., Any]) -> Rule:
    """A function of the elements of all inputs."""

    def compute(call: "Call") -> Array:
        inputs = [each for each in call.values if isinstance(each, np.ndarray)]
        result = np.asarray(function(*inputs))
        return result if result.dtype == bool or inputs[0].dtype == bool else result.astype(inputs[0].dtype)

    return broadcast, compute


def chained(function: Callable[..., Any]) -> Rule:
    """A function of two arrays, applied along any number of them."""
    return pointwise(lambda *inputs: reduce(function, inputs))


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "Sum": np.sum,
    "Prod": np.prod,
    "Mean": np.mean,
    "Max": np.max,
    "Min": np.min,
}
CHAINED = {"Sum": np.add, "Max": np.maximum, "Min": np.minimum}
POINTWISE: dict[str, Callable[..., Any]] = {
    **{"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": divided, "Pow": np.power, "Mod": np.mod},
    **{"Neg": np.negative, "Abs": np.abs, "Sign": np.sign, "Reciprocal": np.reciprocal},
    **{"Sin": np.sin, "Cos": np.cos, "Tanh": np.tanh, "Xor": np.logical_xor},
    **{"Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log, "Floor": np.floor, "Ceil": np.ceil, "Round": np.rint},
    **{"Equal": np.equal, "Greater": np.greater, "Less": np.less},
    **{"GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal},
    **{"Not": np.logical_not, "And": np.logical_and, "Or": np.logical_or},
}
FOLDED: dict[str, Rule] = {
    "Constant": (lambda call: (), constant),
    "ConstantOfShape": (lambda call: numbers(call.constant(0)), filled),
    "Identity": (of_first, lambda call: call.constant(0)),
    "Cast": (of_first, cast),
    "CastLike": (of_first, lambda call: call.constant(0).astype(call.constant(1).dtype)),
    "Shape": (
        lambda call: (MOST_AXES,),
        lambda call: np.array(call.shape(0)[call.integer("start", 0) : call.integer("end")], np.int64),
    ),
    "Size": (lambda call: (), lambda call: np.array(call.constant(0).size, np.int64)),
    "Gather": (
        gathered,
        lambda call: np.take(call.constant(0), call.constant(1), axis=call.integer("axis", 0)),
    ),
    "Concat": (
        joined,
        lambda call: np.concatenate([call.constant(i) for i in range(len(call.values))], call.integer("axis", 1)),
    ),
    "Slice": (of_first, sliced),
    "Split": (of_first, split),
    "Reshape": (of_first, reshaped),
    "Squeeze": (of_first, squeezed),
    "Unsqueeze": (of_first, unsqueezed),
    "Flatten": (of_first, flattened),
    "Transpose": (of_first, lambda call: call.constant(0).transpose(call.integers("perm"))),
    "Expand": (expanded, lambda call: np.broadcast_to(call.constant(0), expanded(call))),
    "Tile": (tiled, lambda call: np.tile(call.constant(0), numbers(call.constant(1)))),
    "Range": (counted, ranged),
    "CumSum": (of_first, accumulated),
    "Trilu": (of_first, triangle),
    "EyeLike": (of_first, diagonal),
    "DequantizeLinear": (of_first, dequantized),
    "QuantizeLinear": (of_first, rounded),
    "Where": (broadcast, lambda call: np.where(*(call.constant(i) for i in range(3)))),
    **{f"Reduce{name}": (of_first, reduced(f)) for name, f in REDUCTIONS.items()},
    **{name: chained(f) for name, f in CHAINED.items()},
    **{name: pointwise(f) for name, f in POINTWISE.items()},
}
