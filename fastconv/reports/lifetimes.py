"""From which step to which each value of a plan is needed, and the bytes that it takes meanwhile."""

from collections.abc import Callable, Iterator
from math import prod
from typing import NamedTuple

from ..executor.arena import Slot
from ..executor.steps import (
    Add,
    AddGradient,
    Backward,
    Copy,
    Forward,
    Loss,
    MatMul,
    Multiply,
    Plan,
    Recompute,
    Step,
    SumProducts,
    Update,
    Zero,
)


class Value(NamedTuple):
    """A value: the bytes `start` to `stop`, needed from the step number `first` to `last`, both included.

    `kind` is "value", "gradient", "saved" (what a layer keeps for its backward pass) or "scratch".
    """

    name: str
    kind: str
    start: int
    stop: int
    first: int
    last: int


class Open:
    """A value whose readers are known, and of whose writers some."""

    def __init__(self, kind: str, start: int, stop: int, last: int) -> None:
        self.kind, self.start, self.stop, self.last = kind, start, stop, last
        self.written, self.name = 0, ""

    def closed(self, first: int) -> Value:
        """The value, from the step that wrote the first of it."""
        return Value(self.name or "input", self.kind, self.start, self.stop, first, self.last)


def lifetimes(plan: Plan, name_of: Callable[[Step], str]) -> list[Value]:
    """All values in the order they begin. The steps are read backwards: a value is open from its last reader on."""
    open_values: list[Open] = []
    values: list[Value] = []
    for slot in (*plan.outputs, *plan.also, *(slot for slot in plan.dx if slot is not None)):
        extend(open_values, "value", *span(plan, slot, len(plan.steps))[:2], len(plan.steps) - 1)
    for number in reversed(range(len(plan.steps))):
        step = plan.steps[number]
        for kind, slot in written(step):
            start, stop, nbytes = span(plan, slot, number)
            each = extend(open_values, kind, start, stop, number, read=False)
            each.written += nbytes
            each.name = each.name or name_of(step)
            each.kind = kind if each.kind == "value" else each.kind
            if each.written >= each.stop - each.start:
                open_values.remove(each)
                values.append(each.closed(number))
        for kind, slot in read(step):
            extend(open_values, kind, *span(plan, slot, number)[:2], number)
    values += [each.closed(0) for each in open_values]
    return sorted(values, key=lambda value: (value.first, value.start))


def extend(open_values: list[Open], kind: str, start: int, stop: int, number: int, read: bool = True) -> Open:
    """The open value that holds these bytes: a new one, or those that overlap, joined."""
    met = [each for each in open_values if each.start < stop and start < each.stop]
    if not met:
        met = [Open(kind, start, stop, number)]
        open_values += met
    first, *others = met
    for other in others if read else ():
        first.written += other.written
        first.last, first.name = max(first.last, other.last), first.name or other.name
        start, stop = min(start, other.start), max(stop, other.stop)
        open_values.remove(other)
    first.start, first.stop = min(first.start, start), max(first.stop, stop)
    return first


def span(plan: Plan, slot: Slot, number: int) -> tuple[int, int, int]:
    """(start, stop, bytes) of a slot of a step; of all micro-batches, where they are in the step."""
    size = slot.dtype.itemsize
    nbytes = prod(slot.shape) * size
    stop = slot.start + sum((e - 1) * s for e, s in zip(slot.shape, slot.strides, strict=True)) + size
    parts = plan.micro_batches
    if number < parts.steps:
        for start, end, stride in parts.ranges:
            if stride and start <= slot.start < end:
                return slot.start, stop + (parts.count - 1) * stride, nbytes * parts.count
    return slot.start, stop, nbytes


def filled(found: list[tuple[str, Slot | None]]) -> Iterator[tuple[str, Slot]]:
    """Those that are there and have a value in them."""
    return ((kind, slot) for kind, slot in found if slot is not None and 0 not in slot.shape)


def written(step: Step) -> Iterator[tuple[str, Slot]]:
    """(kind, slot) of what a step writes."""
    found: list[tuple[str, Slot | None]] = []
    match step:
        case Forward():
            found = [("value", step.y), *(("saved", slot) for slot in step.saved.values())]
            found += [("scratch", slot) for slot in step.scratch.values()]
        case Recompute():
            found = [("value", step.y)]
        case Backward():
            found = [("gradient", step.dx), ("gradient", step.dresidual)]
            found += [("gradient", slot) for slot in step.grads.values()]
            found += [("scratch", slot) for slot in step.scratch.values()]
        case Add():
            found = [("value" if step.node is not None else "gradient", step.out)]
        case Multiply():
            found = [("gradient" if step.gradient else "value", step.out)]
        case MatMul():
            found = [("gradient" if step.of else "value", step.out)]
        case SumProducts() | Zero():
            found = [("gradient", step.out)]
        case Copy():
            found = [("gradient" if step.node.kind == "slice" else "value", step.out)]
        case Loss():
            found = [("gradient", step.dy), *(("gradient", dy) for _, dy in step.more)]
    return filled(found)


def read(step: Step) -> Iterator[tuple[str, Slot]]:
    """(kind, slot) of what a step reads."""
    found: list[tuple[str, Slot | None]] = []
    match step:
        case Forward():
            found = [("value", step.x), ("value", step.residual)]
        case Recompute():
            found = [("value", step.x), *(("saved", slot) for slot in step.saved.values())]
        case Backward():
            found = [("value", step.x), ("value", step.y), ("gradient", step.dy), ("gradient", step.dx_accumulate)]
            found += [("saved", slot) for slot in step.saved.values()]
        case Add():
            kind = "value" if step.node is not None else "gradient"
            found = [(kind, step.a), (kind, step.b)]
        case Multiply():
            found = [("gradient" if step.gradient else "value", step.a), ("value", step.b)]
        case MatMul():
            slopes = [step.of is not None and step.of is factor for factor in step.node.inputs]
            found = [("gradient" if slope else "value", slot) for slope, slot in zip(slopes, step[:2], strict=True)]
        case SumProducts():
            found = [("gradient", step.a), ("value", step.b)]
        case Copy():
            found = [("gradient" if step.node.kind == "slice" else "value", step.source)]
        case AddGradient():
            found = [("gradient", step.more)]
        case Update():
            found = [("gradient", step.gradient)]
        case Loss():
            found = [("value", step.y), *(("value", y) for y, _ in step.more)]
    return filled(found)
