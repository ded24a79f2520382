"""The steps of a plan, in terms of nodes and of places in the arena."""

from typing import NamedTuple

from .fusion import Unit
from .graph import Node
from .memory import Place


class Forward(NamedTuple):
    unit: Unit
    x: Place
    y: Place
    saved: dict
    scratch: dict
    residual: Place | None


class Backward(NamedTuple):
    node: Node
    x: Place | None  # None: not declared in the layer's `saves`
    y: Place | None
    dy: Place
    dx: Place | None  # None: not wanted
    saved: dict
    scratch: dict
    grads: dict  # parameter -> Place; None: the network's own array for this gradient
    activation: str | None = None
    dresidual: Place | None = None


class Again(NamedTuple):
    """A value that was not kept, made again for the backward pass."""

    unit: Unit
    x: Place
    y: Place
    saved: dict


class Add(NamedTuple):
    a: Place
    b: Place
    out: Place
    activation: str | None = None
    node: Node | None = None  # None: a sum of gradients


class Copy(NamedTuple):
    source: Place
    out: Place
    node: Node


class AddGradient(NamedTuple):
    name: str
    more: Place


class Update(NamedTuple):
    """The optimiser's step for one parameter, right after its gradient."""

    name: str
    gradient: Place


class Loss(NamedTuple):
    y: Place
    dy: Place | None


class Plan(NamedTuple):
    steps: list
    x: Place
    y: Place
    size: int  # bytes of arena
