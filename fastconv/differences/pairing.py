"""Which functions of `fastconv.ops` give the gradients of an op, and with which arguments they are called.

name_backward           gives the gradient of the first array, or of all: input, weight, bias
name_backward_input, name_backward_weight, name_backward_bias       give one
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np

from .. import ops
from ..typing import Array
from .problem import Gradient

WITHOUT = ("activation", "residual")  # parts of a call that no backward function knows
WEIGHTS = ("weight", "k")  # what `..._backward_weight` is the gradient of
OTHERS = (*WEIGHTS, "bias", "b")  # arrays beside the first that have gradients
BOTH = ("x", "y")  # some backward functions take one or the other


def backwards(op: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The backward functions of an op, by the ends of their names: "", "_input", "_weight", "_bias"."""
    start = f"{op.__name__}_backward"
    names = [name for name in ops.__all__ if name.startswith(start)]
    return {name.removeprefix(start): getattr(ops, name) for name in names}


def parameters(function: Callable[..., Any]) -> Mapping[str, Parameter]:
    """The parameters of a function by name."""
    return signature(function).parameters


def differentiable(op: Callable[..., Any], given: Mapping[str, Any]) -> list[str]:
    """The arrays in a call that have gradients: the first, then weight, bias or the second factor, in this order."""
    ends = backwards(op)
    first, *others = parameters(op)
    known = [name for name in OTHERS if name in others and given.get(name) is not None]
    several = returns_several(ends[""]) if "" in ends else False
    return [first, *(name for name in known if several or end_of(name) in ends)]


def returns_several(backward: Callable[..., Any]) -> bool:
    """Whether a backward function gives the gradients of all arrays in one tuple."""
    return "tuple" in str(signature(backward).return_annotation).lower()


def end_of(name: str) -> str:
    """The end of the name of the backward function for an array that is not the input."""
    return "_weight" if name in WEIGHTS else "_bias"


def array_of(end: str, op: Callable[..., Any]) -> str:
    """The array that the backward function with this end of its name is for."""
    names = list(parameters(op))
    if end == "_weight":
        return next(name for name in names if name in WEIGHTS)
    return "bias" if end == "_bias" else names[0]


def gradients_of(op: Callable[..., Any], given: Mapping[str, Any], dy: Array) -> list[Gradient]:
    """All gradients that the backward functions of an op give."""
    found = []
    known = {**given, **after(op, given), "dy": dy}
    names, ends = differentiable(op, given), backwards(op)
    for end, backward in ends.items():
        if end and array_of(end, op) not in names:
            continue
        for note, arguments in ways(backward, known):
            result = backward(**arguments)
            source = f"{backward.__name__}{note}" if note or ("" in ends and len(ends) > 1) else ""
            if isinstance(result, tuple):
                pairs = list(zip(names, kept(op, given, result), strict=True))
            else:
                pairs = [(array_of(end, op), result)]
            found += [Gradient(name, value, source) for name, value in pairs]
    return found


def kept(op: Callable[..., Any], given: Mapping[str, Any], result: tuple[Any, ...]) -> list[Any]:
    """Those of the gradients of input, weight and bias whose arrays were given."""
    first, *others = parameters(op)
    order = [first, *(name for name in OTHERS if name in others)]
    return [value for name, value in zip(order, result, strict=True) if given.get(name) is not None]


def after(op: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What the forward pass leaves for the backward pass: y, and mean and invstd, or indices.

    It gets copies, for batch norm in training changes running statistics.
    """
    takes = parameters(op)
    given = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in given.items()}
    if "return_saved" in takes:
        y, mean, invstd = op(**{**given, "return_saved": True})
        return {"y": y, "mean": mean, "invstd": invstd}
    if "return_indices" in takes:
        y, indices = op(**{**given, "return_indices": True})
        return {"y": y, "indices": indices}
    return {"y": op(**given)}


def ways(backward: Callable[..., Any], known: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The arguments of a backward function, and of a second call where it can start from y or indices instead."""
    takes = parameters(backward)
    shapes = {"input_shape": "x", "weight_shape": "weight" if "weight" in known else "k"}
    known = {**known, **{name: known[array].shape for name, array in shapes.items() if name in takes}}
    needed = {name: known[name] for name in takes if name in known and name not in ("y", "out")}
    if "indices" in needed and optional(takes, "indices"):
        without = {name: value for name, value in needed.items() if name != "indices"}
        return [("", without), (" with indices", needed)]
    if takes.get("y", NEVER).default is None:
        from_y = {name: value for name, value in needed.items() if name != "x"} if optional(takes, "x") else needed
        return [("", needed), (" with y", {**from_y, "y": known["y"]})]
    return [("", needed)]


NEVER = Parameter("never", Parameter.KEYWORD_ONLY)


def optional(takes: Mapping[str, Parameter], name: str) -> bool:
    """Whether an argument may be left out."""
    return name in takes and takes[name].default is not Signature.empty
