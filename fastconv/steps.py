"""The steps of a plan, in terms of nodes and of places in the arena."""

from typing import NamedTuple

from .graph import Node
from .memory import Place


class Forward(NamedTuple):
    node: Node
    x: Place
    y: Place
    saved: dict
    scratch: dict


class Backward(NamedTuple):
    node: Node
    x: Place | None  # None: not declared in the layer's `saves`
    y: Place | None
    dy: Place
    dx: Place | None  # None: not wanted
    saved: dict
    scratch: dict
    grads: dict  # parameter -> Place of a further use of a shared parameter; None: the gradient itself


class Add(NamedTuple):
    a: Place
    b: Place
    out: Place


class Copy(NamedTuple):
    source: Place
    out: Place


class AddGradient(NamedTuple):
    name: str
    more: Place


class Loss(NamedTuple):
    y: Place
    dy: Place | None


class Plan(NamedTuple):
    steps: list
    x: Place
    y: Place
    size: int  # bytes of arena
