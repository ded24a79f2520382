"""A plan as a table: its steps, the fused nodes of each, and the memory that each result takes."""

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
    MicroBatches,
    Multiply,
    Plan,
    Recompute,
    Step,
    SumProducts,
    Update,
    Zero,
)
from .lifetimes import Value, lifetimes
from .table import Report, Table


class Line(NamedTuple):
    """One step. Its result spans the bytes `start` to `stop` of the memory that all values share."""

    step: str
    result: str
    nbytes: int
    start: int
    stop: int
    notes: str


class PlanReport(Report):
    """The result of `plan` of a network: `lines`, and `nbytes` that all values take together; `str` gives the table.

    `values` tells from which line to which each value is needed, and the bytes that it takes meanwhile.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan, self.nbytes = plan, plan.size
        parts = plan.micro_batches
        self.lines = [line(step, parts if i < parts.steps else None) for i, step in enumerate(plan.steps)]

    @property
    def values(self) -> list[Value]:
        """All values, in the order in which they begin."""
        return lifetimes(self._plan, name_of)

    def table(self) -> Table:
        """The lines, and the memory in total."""
        head = ("step", "result", "bytes", "from", "to", "notes")
        rows = [(s.step, s.result, f"{s.nbytes:,}", f"{s.start:,}", f"{s.stop:,}", s.notes) for s in self.lines]
        return Table(head, rows, ("memory", "", f"{self.nbytes:,}", "", "", ""), left=(0, 1, 5))


def name_of(step: Step) -> str:
    """The nodes of a step."""
    match step:
        case Forward():
            return " + ".join(node.name for node in step.fusion.nodes)
        case Recompute():
            return f"{step.fusion.last.name} again"
        case Backward():
            return f"d {step.node.name}"
        case Add():
            return f"sum of gradients {step.out.shape}" if step.node is None else step.node.name
        case Multiply():
            return f"d {step.node.inputs[0].name}, a factor" if step.gradient else step.node.name
        case MatMul():
            return f"d {step.of.name}, a factor" if step.of else step.node.name
        case SumProducts():
            return f"d {step.node.inputs[1].name}, a factor"
        case Copy() if step.node.kind == "slice":
            return f"d {step.node.name}"
        case Copy():
            return f"copy into {step.node.name}"
        case Zero():
            return f"zeros of d {step.node.name}"
        case AddGradient():
            return f"sum of {step.name}"
        case Update():
            return f"update of {' to '.join(dict.fromkeys((step.names[0], step.names[-1])))}"
        case Loss():
            return "loss"


def arrays_of(step: Step) -> list[Slot]:
    """The slots that a step reads and writes, each once."""
    return list(dict.fromkeys(part for part in step if isinstance(part, Slot)))


def line(step: Step, micro_batches: MicroBatches | None = None) -> Line:
    """The row of a step; `micro_batches`: those that run it, if any."""
    slot = result_of(step)
    if slot is None:
        return Line(name_of(step), "", 0, 0, 0, "")
    size = slot.dtype.itemsize
    nbytes = prod(slot.shape) * size
    span = sum((e - 1) * s for e, s in zip(slot.shape, slot.strides, strict=True)) + size
    notes = [*overwrites(step, slot), *(["channels of a larger array"] if span > nbytes else [])]
    if micro_batches is not None:
        notes.append(f"{micro_batches.count} times for {micro_batches.images} images")
    shape = " x ".join(map(str, slot.shape))
    return Line(name_of(step), shape, nbytes, slot.start, slot.start + span, ", ".join(notes))


def result_of(step: Step) -> Slot | None:
    """The slot of the step's result; None if it lies outside the arena."""
    match step:
        case Forward() | Recompute():
            return step.y
        case Backward():
            return step.dx
        case Add() | Multiply() | MatMul() | SumProducts() | Copy() | Zero():
            return step.out
        case Loss():
            return step.dy
    return None


def overwrites(step: Step, slot: Slot) -> list[str]:
    """Notes on the operands whose memory the result takes."""
    match step:
        case Forward():
            others = {"over x": step.x, "over the residual": step.residual}
        case Backward():
            others = {"over dy": step.dy}
        case Add():
            others = {"over a term": step.a, "over the other term": step.b}
        case Multiply():
            others = {"over a factor": step.a}
        case _:
            others = {}
    return [note for note, other in others.items() if other is not None and other.start == slot.start]
