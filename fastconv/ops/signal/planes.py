"""Signals as images of one row: views of arrays, numbers for two axes, and errors in the words of one axis.

(N, C, L) is (N, C, 1, L), and a kernel (K, C / groups, k) is (K, C / groups, 1, k). Nothing is copied.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from ...kernels.runtime.calls import view
from ...typing import Array, Padding, Pair, Shape
from .. import check
from ..call_cache import planned
from ..extents import LIMIT
from ..habits import body

WORDS = (  # of errors about images: in the words of signals
    (r"(kernel_size|stride|dilation) \(1, (\d+)\)", r"\1 \2"),
    (r"(, |got )padding \(0, (\d+)\)(?= for |\)$)", r"\1padding \2"),
    (r"got \(0, (\d+)\) with stride", r"got \1 with stride"),
    (r"\(0, 0\), \(0, 0\), \(1, 1\), \(1, 1\)", "(0, 0), (0, 0), (1, 1)"),
    (r"at \(((?:\d+, )*\d+), 0, (\d+)\)", r"at (\1, \2)"),
    (r"padding \(\(0, 0\), (\(\d+, \d+\))\)", r"padding \1"),
    (r"flat in the plane \(1, (\d+)\)", r"in the signal of length \1"),
    (r"\(((?:\d+, )*\d+), 1, (\d+)\)", r"(\1, \2)"),
    (r"kh, kw\)", "k)"),
    (r"\(N, C, 1, 1\)", "(N, C, 1)"),
    (r"kernel of at least 1 x 1, got \(1, (\d+)\)", r"kernel of at least 1, got \1"),
    (r"kernel below 2\*\*31, got \(1, (\d+)\)", r"kernel below 2**31, got \1"),
    (r"H and W", "L"),
    (r"\bwidth\b", "length"),
    (r"\bimage", "signal"),
    (r"(\w+)2d\b", r"\g<1>1d"),
)


def plane(x: Array) -> Array:
    """A view (..., 1, L) of an array (..., L)."""
    strides = x.strides
    return view(x, (*x.shape[:-1], 1, x.shape[-1]), (*strides[:-1], strides[-1] * x.shape[-1], strides[-1]))


def line(y: Array) -> Array:
    """A view (..., L) of an array (..., 1, L)."""
    return view(y, (*y.shape[:-2], y.shape[-1]), (*y.strides[:-2], y.strides[-1]))


def signals(x: Any, name: str) -> Array:
    """The view of an array (N, C, L) or (C, L), checked."""
    return plane(check.array(x, name, (2, 3)))


def kernels(weight: Any, name: str = "weight") -> Array:
    """The view of an array (K, C / groups, k), checked."""
    return plane(check.array(weight, name, 3))


def maybe(x: Any, name: str) -> Array | None:
    """The view of signals; None for None."""
    return None if x is None else signals(x, name)


def indices_of(indices: Any) -> Any:
    """The view of an array of indices; None for None."""
    given = None if indices is None else check.given(indices, "indices", "what the pooling returned")
    return given if given is None or not given.ndim else given[..., None, :]


def steps(value: Any, name: str) -> tuple[int, int]:
    """(1, s) from an integer s >= 1, or a sequence of it alone."""
    s = check.integer(alone(value), name, 1)
    if s >= LIMIT:
        raise ValueError(f"{name} must be below 2**31, got {s}")
    return 1, s


def maybe_steps(value: Any, name: str) -> tuple[int, int] | None:
    """The same; None for None."""
    return None if value is None else steps(value, name)


def window(kernel_size: Any, stride: Any, padding: Any) -> tuple[Pair, Pair | None, Padding]:
    """Kernel, stride or None, and padding of a pooling, for two axes."""
    return steps(kernel_size, "kernel_size"), maybe_steps(stride, "stride"), border(padding)


def extra(value: Any, name: str) -> Pair:
    """(0, p) from an integer p >= 0, or a sequence of it alone."""
    return 0, check.integer(alone(value), name, 0)


def alone(value: Any) -> Any:
    """The one element of a tuple or list of one; anything else as it is."""
    return value[0] if isinstance(value, tuple | list) and len(value) == 1 else value


def border(padding: Any) -> str | tuple[tuple[int, int], tuple[int, int]]:
    """Padding along the second of two axes: ((0, 0), (left, right)) from an int or a pair; words as they are."""
    padding = alone(padding)
    if isinstance(padding, str):
        return padding
    if not hasattr(padding, "__index__") and not (isinstance(padding, tuple | list) and len(padding) == 2):
        rule = "padding must be an integer, a pair (left, right), 'valid', 'same' or 'full'"
        raise TypeError(f"{rule}, got {check.shown(padding)}")
    left, right = check.pair(padding, "padding", 0)
    return (0, 0), (left, right)


def size(output_size: Any) -> Sequence[int | None]:
    """(1, OL) from an integer, or a sequence of it alone; None keeps the size."""
    output_size = alone(output_size)
    return 1, None if output_size is None else check.integer(output_size, "output_size", 1)


def shape_of(shape: Any, name: str, length: int) -> Shape:
    """The shape of the view, from one of this many extents."""
    *first, last = check.shape(shape, name, length)
    return *first, 1, last


def transposed(stride: Any, padding: Any, output_padding: Any, groups: Any, dilation: Any) -> tuple[Any, ...]:
    """The numbers of a transposed convolution, in their order, for two axes."""
    window = steps(stride, "stride"), border(padding), extra(output_padding, "output_padding")
    return *window, groups, steps(dilation, "dilation")


def run(
    function: Callable[..., Any], *args: Any, out: Any = None, shapes: tuple[Array, ...] = (), **options: Any
) -> Any:
    """What a function of signals returns: the result of that of images on views; `shapes` as in `planned`."""
    given = None if out is None else check.plain_output(out)
    made = called(function, args, options, given if given is None or not given.ndim else plane(given))
    results: tuple[Array, ...] = made.result if isinstance(made.result, tuple) else (made.result,)
    lines = tuple(map(line, results))
    if given is not None:
        lines = (given, *lines[1:])
    found = lines if isinstance(made.result, tuple) else lines[0]
    return planned(found, made.new, *made.calls, tables=True, shapes=shapes)


def run_vector(function: Callable[..., Any], *args: Any, out: Any = None) -> Any:
    """The same of a function whose result is a vector."""
    return called(function, args, {}, out)


def called(function: Callable[..., Any], args: Sequence[Any], options: dict[str, Any], out: Any) -> Any:
    """What the function of images did; its errors are in the words of signals."""
    try:
        return body(function)(*args, **options, out=out)
    except (TypeError, ValueError) as error:
        raise type(error)(in_one_axis(str(error))) from None


def in_one_axis(said: str) -> str:
    """An error about images in the words of signals."""
    for pattern, words in WORDS:
        said = re.sub(pattern, words, said)
    return said
