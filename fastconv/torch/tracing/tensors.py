"""Tensors without values: a node, or why there is none, with the shape and dtype that PyTorch sees."""

from math import prod
from typing import Any

import torch

from ... import Node
from ...nodes.arranged import Arranged, arranged
from ...nodes.refused import BATCH, Refused
from ...nodes.settled import settled
from ...typing import Shape

__all__ = ["Lost", "Traced", "arranged_of", "family", "is_traced", "new", "node_of", "shape_of"]


class Lost:
    """What a refused operation gives: its shape, and what to say to the operation that reads it, if anything."""

    def __init__(self, shape: Shape, why: str = "") -> None:
        self.shape, self.why = shape, why


class Traced(torch.Tensor):  # type: ignore[misc]
    """A tensor (N, ...) of the forward that is traced.

    Attributes
    ----------
    value : Node, Arranged or Lost
        What is computed, without the batch axis; for Lost with it.
    family : list of Traced
        The tensors on the same memory in PyTorch, which all change where one is changed in place.
    """

    value: Any
    family: list[Any]

    @classmethod
    def __torch_dispatch__(cls, function: Any, *_: Any, **__: Any) -> Any:
        raise Refused(f"{function}: reads the values of tensors")


def new(value: Any, dtype: Any, family: list[Any] | None = None) -> Traced:
    """A tensor of this value."""
    shape = value.shape if isinstance(value, Lost) else (BATCH, *value.shape)
    made: Traced = torch.Tensor._make_wrapper_subclass(Traced, shape, dtype=dtype)
    made.value, made.family = value, [] if family is None else family
    made.family.append(made)
    return made


def is_traced(value: object) -> bool:
    """Whether this is a tensor of the forward."""
    return isinstance(value, Traced)


def family(value: Traced) -> list[Any]:
    """The tensors on the same memory."""
    found: list[Any] = value.family
    return found


def arranged_of(x: Any) -> Arranged:
    """What is computed, before its axes are brought into order; Refused for other tensors."""
    if not isinstance(x, Traced):
        kind = f"a tensor of shape {tuple(x.shape)}" if isinstance(x, torch.Tensor) else type(x).__name__
        raise Refused(f"one of its inputs is {kind}, which does not depend on the images")
    if isinstance(x.value, Lost):
        raise Refused(x.value.why)
    return arranged(x.value)


def node_of(x: Any) -> Node:
    """The node of a tensor."""
    value = arranged_of(x)
    if isinstance(x.value, Arranged):
        x.value = settled(value)
    found: Node = x.value
    return found


def shape_of(x: Any) -> Shape:
    """The shape of one image."""
    return arranged_of(x).shape


def size_of(x: Any) -> int:
    """The number of values of one image."""
    return prod(shape_of(x))
