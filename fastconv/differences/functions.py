"""Functions of arrays as problems: ops of fastconv with their backward functions, and pairs (forward, backward)."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np

from .. import ops
from ..ops import check
from ..typing import Array
from . import pairing
from .central import numbers
from .problem import Gradient, Problem, label

Function = Callable[..., Any]


def op_problem(op: Function, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Problem:
    """A function of `fastconv.ops`, called with these arguments."""
    name = op.__name__
    if not pairing.backwards(op):
        raise TypeError(
            f"fastconv.{name} has no backward function to check; for one of your own write "
            f"gradcheck((fastconv.{name}, backward), ...), backward(dy, *arrays)"
        )
    given = bound(op, arguments, options, f"fastconv.{name}")
    for option in pairing.WITHOUT:
        if given.pop(option, None) is not None:
            raise ValueError(f"the backward functions of {name} know no {option}; leave it out, or check a layer")
    for option in ("out", "return_saved", "return_indices", "return_gradient"):
        given.pop(option, None)
    given = {each: precise(value, each) for each, value in given.items()}
    moved = {each: given[each] for each in pairing.differentiable(op, given)}
    for each, value in moved.items():
        if not is_real(value):
            raise TypeError(
                f"{each} must be an array of floats, got {kind_of(value)}; write numpy.array({each}, float)"
            )

    def now() -> dict[str, Any]:
        """The arguments of a call: copies of all arrays, for running statistics change."""
        return {each: value.copy() if isinstance(value, np.ndarray) else value for each, value in given.items()}

    problem = Problem(name, moved, lambda: result_of(op(**now())), lambda dy: [])
    problem.gradients = lambda dy: watched(problem, dy, now(), lambda dy, arrays: pairing.gradients_of(op, arrays, dy))
    return problem


def pair_problem(pair: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Problem:
    """Two functions, forward(*arrays, **options) -> y and backward(dy, *arrays, **options) -> gradients."""
    if len(pair) != 2 or not all(callable(each) for each in pair):
        got = ", ".join(check.described(each) for each in pair)
        raise TypeError(f"a pair must be two functions, (forward, backward), got ({got})")
    forward, backward = pair
    names = names_of(forward, len(arguments))
    values = [precise(value, name) for name, value in zip(names, arguments, strict=True)]
    moved = {name: value for name, value in zip(names, values, strict=True) if is_real(value)}
    if not moved:
        got = ", ".join(kind_of(value) for value in arguments) or "none"
        raise TypeError(f"after (forward, backward) write at least one array of floats, which forward gets; got {got}")
    if not accepts(forward, *values, **options):
        raise TypeError(f"forward cannot be called with {called(names, options)}")
    remembers = not accepts(backward, None, *values, **options)
    if remembers and not accepts(backward, None):
        raise TypeError(f"backward must take {called(['dy', *names], options)}, or dy alone")
    title = getattr(forward, "__name__", type(forward).__name__)

    def results(dy: Array, arrays: Mapping[str, Any]) -> list[Gradient]:
        """The gradients by name; of a backward that takes dy alone, after a forward pass."""
        if remembers:
            forward(*arrays.values(), **options)
        found = backward(dy) if remembers else backward(dy, *arrays.values(), **options)
        return by_name(found, list(moved), getattr(backward, "__name__", "backward"))

    arrays = dict(zip(names, values, strict=True))
    problem = Problem(title, moved, lambda: result_of(forward(*arrays.values(), **options)), lambda dy: [])
    problem.gradients = lambda dy: watched(problem, dy, arrays, results)
    return problem


def watched(
    problem: Problem,
    dy: Array | float,
    arrays: Mapping[str, Any],
    results: Callable[[Array, Mapping[str, Any]], list[Gradient]],
) -> list[Gradient]:
    """The gradients; a backward that changes what it is given, or returns it, is noted as a fault."""
    given = {"dy": np.array(dy, "float64"), **{n: a for n, a in arrays.items() if isinstance(a, np.ndarray)}}
    before = {name: array.copy() for name, array in given.items()}
    found = results(given["dy"], arrays)
    for name, array in given.items():
        if not np.array_equal(array, before[name], equal_nan=array.dtype.kind == "f"):
            problem.fault(f"backward changes {name}: it must only read it")
            array[...] = before[name]
        for each in found:
            if isinstance(each.value, np.ndarray) and np.may_share_memory(each.value, array):
                problem.fault(f"{label(each.name)} lies in the memory of {name}: return an array of its own")
    return found


def by_name(found: Any, names: list[str], backward: str) -> list[Gradient]:
    """The results of a backward function: a tuple or list in the order of the arrays, or a dict by their names."""
    if isinstance(found, Mapping):
        unknown = [name for name in found if name not in names]
        if unknown or len(found) < len(names):
            raise TypeError(f"{backward} must return a gradient for each of {', '.join(names)}, got {[*found]}")
        return [Gradient(name, value) for name, value in found.items() if value is not None]
    results = list(found) if isinstance(found, tuple | list) else [found]
    for each in results:
        if each is not None and np.asarray(each).dtype.kind not in "fiu":
            raise TypeError(f"{backward} must return arrays of real numbers, got {check.described(each)}")
    if len(results) != len(names):
        wanted = f"{len(names)} gradients, of {', '.join(names)}" if len(names) > 1 else f"the gradient of {names[0]}"
        raise TypeError(f"{backward} must return {wanted} (None where there is none), got {len(results)}")
    if all(each is None for each in results):
        raise TypeError(f"{backward} must return the gradient of at least one of {', '.join(names)}, got None")
    return [Gradient(name, value) for name, value in zip(names, results, strict=True) if value is not None]


def called(names: list[str], options: Mapping[str, Any]) -> str:
    """The arguments of a call, as they are written."""
    return f"({', '.join([*names, *(f'{name}=...' for name in options)])})"


def kind_of(value: Any) -> str:
    """What was given in place of an array of floats."""
    return f"{value.dtype}" if isinstance(value, np.ndarray) else check.described(value)


def bound(function: Function, arguments: tuple[Any, ...], options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """name -> value of a call; TypeError for what the function does not take."""
    try:
        return dict(signature(function).bind(*arguments, **options).arguments)
    except TypeError as error:
        raise TypeError(f"{name}: {error}; after the function write the arguments of a call of it") from None


def accepts(function: Function, *arguments: Any, **options: Any) -> bool:
    """Whether a call with these arguments is possible."""
    try:
        signature(function).bind(*arguments, **options)
    except TypeError:
        return False
    except ValueError:  # a compiled function that does not tell
        return True
    return True


def names_of(function: Function, count: int) -> list[str]:
    """The names of the first arguments of a function; x1, x2, ... where it has none for them."""
    try:
        takes = [
            p.name
            for p in signature(function).parameters.values()
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY)
        ]
    except ValueError:
        takes = []
    return [takes[k] if k < len(takes) else f"x{k + 1}" for k in range(count)]


def precise(value: Any, name: str) -> Any:
    """Arrays of floats as float64 copies, other arrays as copies, anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    return numbers(value, name) if value.dtype.kind == "f" else value.copy()


def is_real(value: Any) -> bool:
    """Whether this is an array of real numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def result_of(y: Any) -> Array:
    """y as a float64 array of its own."""
    first = y[0] if isinstance(y, tuple) else y
    if np.asarray(first).dtype.kind not in "fiu":
        raise TypeError(f"forward must return an array of real numbers, got {check.described(first)}")
    return np.array(first, "float64")


def is_op(target: Any) -> bool:
    """Whether this is a function of `fastconv.ops`."""
    name = getattr(target, "__name__", "")
    return callable(target) and not isinstance(target, type) and target is vars(ops).get(name)
