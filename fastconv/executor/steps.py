"""A plan, and the steps that it consists of, in terms of nodes and of slots in the arena."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from ..graph import Node
from .arena import Slot
from .fusion import Fusion


class Forward(NamedTuple):
    """y = activation(norm(f(x)) + residual)."""

    fusion: Fusion
    x: Slot
    y: Slot
    saved: dict[str, Slot]
    scratch: dict[str, Slot]
    residual: Slot | None


class Backward(NamedTuple):
    """dx and the gradients of the parameters from dy."""

    node: Node
    x: Slot | None  # None: not declared in the layer's `saves`
    y: Slot | None
    dy: Slot
    dx: Slot | None  # None: nobody needs it
    saved: dict[str, Slot]
    scratch: dict[str, Slot]
    grads: dict[str, Slot | None]  # parameter -> Slot, or None for the network's own array; left out: frozen
    activation: str | None = None
    dresidual: Slot | None = None
    dx_accumulate: Slot | None = None  # is added to dx while dx is stored; may be dx's own slot


class Recompute(NamedTuple):
    """A value that was not kept is computed a second time for the backward pass."""

    fusion: Fusion
    x: Slot
    y: Slot
    saved: dict[str, Slot]


class Add(NamedTuple):
    """out = activation(a + b)."""

    a: Slot
    b: Slot
    out: Slot
    activation: str | None = None
    node: Node | None = None  # None: a sum of gradients


class Copy(NamedTuple):
    """An input of a concatenation whose array lies elsewhere; or a gradient that moves."""

    source: Slot
    out: Slot
    node: Node


class Multiply(NamedTuple):
    """out = a b; b may have one value for each channel, or for each pixel."""

    a: Slot
    b: Slot
    out: Slot
    node: Node
    gradient: bool = False  # whether it is that of a factor


class MatMul(NamedTuple):
    """out = a b, matrices of the last two axes."""

    a: Slot
    b: Slot
    out: Slot
    node: Node
    of: Node | None = None  # the factor, where this is its gradient


class SumProducts(NamedTuple):
    """The gradient of a factor that may be repeated: out = sum of a b."""

    a: Slot
    b: Slot
    out: Slot
    node: Node


class Zero(NamedTuple):
    """The gradient of channels that nobody reads."""

    out: Slot
    node: Node


class AddGradient(NamedTuple):
    """The gradient of a further use of a parameter is added to the network's array of that gradient."""

    name: str
    more: Slot


class Update(NamedTuple):
    """The optimizer's step for neighbouring parameters, once their gradients are known."""

    names: tuple[str, ...]
    gradient: Slot  # all of them as one vector


class Loss(NamedTuple):
    """The loss of y, and d loss / dy; of several outputs, the rest of them in `more`."""

    y: Slot
    dy: Slot | None
    more: tuple[tuple[Slot, Slot | None], ...] = ()


Step: TypeAlias = (
    Forward | Backward | Recompute | Add | Multiply | MatMul | SumProducts | Copy | Zero | AddGradient | Update | Loss
)


class MicroBatches(NamedTuple):
    """The first `steps` steps of a plan run once for each of `count` parts of the batch, of `images` images each.

    In micro-batch i, every slot that starts inside a range (start, stop, stride) is shifted by i * stride bytes.
    """

    steps: int = 0
    count: int = 1  # type: ignore[assignment]  # it hides tuple.count
    images: int = 0
    ranges: tuple[tuple[int, int, int], ...] = ()

    def shifted(self, step: Step, number: int) -> Step:
        """A step as it runs in micro-batch `number`."""
        return step if number == 0 else step._replace(**{k: self.moved(v, number) for k, v in step._asdict().items()})

    def moved(self, field: Any, number: int) -> Any:
        """A field of a step: shifted if it is a slot in one of the ranges."""
        if isinstance(field, Slot):
            for start, stop, stride in self.ranges:
                if start <= field.start < stop:
                    return field._replace(start=field.start + number * stride)
        return field


class Plan(NamedTuple):
    """The steps of a prediction or of a training step in the order they run; no memory is allocated yet."""

    steps: list[Step]
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    size: int  # bytes of arena
    micro_batches: MicroBatches = MicroBatches()
    dx: tuple[Slot | None, ...] = ()  # the gradients of the inputs, where they are wanted
    also: tuple[Slot, ...] = ()  # other values that were asked for

    @property
    def x(self) -> Slot:
        """The first input, in most networks the only one."""
        return self.inputs[0]

    @property
    def y(self) -> Slot:
        """The first output."""
        return self.outputs[0]

    def in_order(self) -> Iterator[tuple[int, Step]]:
        """(number in `steps`, step) for all steps as they run, once per micro-batch where they are in one."""
        first = list(enumerate(self.steps[: self.micro_batches.steps]))
        for number in range(self.micro_batches.count):
            yield from ((i, self.micro_batches.shifted(step, number)) for i, step in first)
        yield from enumerate(self.steps[self.micro_batches.steps :], self.micro_batches.steps)
