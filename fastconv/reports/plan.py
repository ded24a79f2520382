"""A plan as a table: its steps, what was fused, which memory each result takes."""

from math import prod
from typing import NamedTuple

from ..executor.arena import Place
from ..executor.steps import Add, AddGradient, Again, Backward, Copy, Forward, Loss, Update
from .table import table


class Line(NamedTuple):
    """One step. Its result spans the bytes `start` to `stop` of the memory that all values share."""

    step: str
    result: str
    nbytes: int
    start: int
    stop: int
    notes: str


class PlanReport:
    """What `plan` of a network returns: `lines`, and `nbytes` that all values take together; `str` gives the table."""

    def __init__(self, plan):
        self.nbytes = plan.size
        rounds = plan.rounds
        self.lines = [line(step, rounds if i < rounds.steps else None) for i, step in enumerate(plan.steps)]

    def __str__(self):
        head = ("step", "result", "bytes", "from", "to", "notes")
        rows = [(s.step, s.result, f"{s.nbytes:,}", f"{s.start:,}", f"{s.stop:,}", s.notes) for s in self.lines]
        return table(head, rows, ("memory", "", f"{self.nbytes:,}", "", "", ""), left=(0, 1, 5))

    __repr__ = __str__


def name_of(step):
    """The nodes of a step."""
    match step:
        case Forward():
            unit = step.unit
            return " + ".join(part.name for part in (unit.node, unit.norm, unit.add, unit.activation) if part)
        case Again():
            return f"{step.unit.last.name} again"
        case Backward():
            return f"d {step.node.name}"
        case Add():
            return f"sum of gradients {step.out.shape}" if step.node is None else step.node.name
        case Copy():
            return f"copy into {step.node.name}"
        case AddGradient():
            return f"sum of {step.name}"
        case Update():
            return f"update of {' to '.join(dict.fromkeys((step.names[0], step.names[-1])))}"
        case Loss():
            return "loss"


def arrays_of(step):
    """The arena's places that a step reads and writes, each once."""
    return list(dict.fromkeys(part for part in step if isinstance(part, Place)))


def line(step, rounds=None):
    place = result_of(step)
    if place is None:
        return Line(name_of(step), "", 0, 0, 0, "")
    size = place.dtype.itemsize
    nbytes = prod(place.shape) * size
    span = sum((e - 1) * s for e, s in zip(place.shape, place.strides, strict=True)) + size
    notes = [*overwrites(step, place), *(["channels of a larger array"] if span > nbytes else [])]
    if rounds is not None:
        notes.append(f"{rounds.count} times for {rounds.images} images")
    shape = " x ".join(map(str, place.shape))
    return Line(name_of(step), shape, nbytes, place.start, place.start + span, ", ".join(notes))


def result_of(step):
    match step:
        case Forward() | Again():
            return step.y
        case Backward():
            return step.dx
        case Add() | Copy():
            return step.out
        case Loss():
            return step.dy
    return None


def overwrites(step, place):
    """What the result takes the memory of."""
    match step:
        case Forward():
            others = {"over x": step.x, "over the residual": step.residual}
        case Backward():
            others = {"over dy": step.dy}
        case Add():
            others = {"over a term": step.a, "over the other term": step.b}
        case _:
            others = {}
    return [note for note, other in others.items() if other is not None and other.start == place.start]
