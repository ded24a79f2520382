"""The steps of a plan, in terms of nodes and of places in the arena."""

from typing import NamedTuple

from ..graph import Node
from .arena import Place
from .fusion import Unit


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
    known: Place | None = None  # a gradient of x, perhaps in dx's memory, that is added while dx is stored


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
    """The optimiser's step for parameters that lie side by side, once their gradients are known."""

    names: tuple
    gradient: Place  # all of them as one vector


class Loss(NamedTuple):
    y: Place
    dy: Place | None


class Rounds(NamedTuple):
    """The first `steps` steps of a plan run once for each of `count` parts of the batch.

    From round to round a place that starts within one of the `ranges` moves on, by so many bytes.
    """

    steps: int = 0
    count: int = 1
    images: int = 0  # of a part
    ranges: tuple = ()  # of (start, stop, bytes)

    def step(self, step, number):
        """A step as it is in round `number`."""
        return step if number == 0 else step._replace(**{k: self.moved(v, number) for k, v in step._asdict().items()})

    def moved(self, field, number):
        if isinstance(field, Place):
            for start, stop, nbytes in self.ranges:
                if start <= field.start < stop:
                    return field._replace(start=field.start + number * nbytes)
        return field


class Plan(NamedTuple):
    steps: list
    x: Place
    y: Place
    size: int  # bytes of arena
    rounds: Rounds = Rounds()

    def in_order(self):
        """All steps as they run, each with its number in `steps`."""
        first = list(enumerate(self.steps[: self.rounds.steps]))
        for number in range(self.rounds.count):
            yield from ((i, self.rounds.step(step, number)) for i, step in first)
        yield from enumerate(self.steps[self.rounds.steps :], self.rounds.steps)
