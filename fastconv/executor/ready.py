"""When gradients are known in a training step, and the ranges of them that are sent while the backward pass goes on.

Parameters lie in one vector in the order of the model, and the backward pass ends with the first layer: so ranges
become known from the end of the vector to its beginning.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from ..parameters import Arrays
from .steps import AddGradient, Backward, Step

__all__ = ["Range", "ranges"]


class Range(NamedTuple):
    """Elements of the vector of gradients that are known after a step of the plan."""

    start: int
    stop: int
    step: int


def ranges(steps: Sequence[Step], gradients: Arrays, trained: Collection[str], nbytes: int) -> list[Range]:
    """Ranges of at least `nbytes` that together hold all trained parameters, in the order in which they are known.

    Parameters that are not trained have no gradient, and end a range.
    """
    known = last_steps(steps)
    size, itemsize = gradients.vector.size, gradients.vector.dtype.itemsize
    stops = dict(zip(gradients.starts, [*list(gradients.starts.values())[1:], size], strict=True))
    found: list[Range] = []
    open_range: Range | None = None
    for name in reversed(list(gradients.starts)):
        start, stop = gradients.starts[name], stops[name]
        if name not in trained:
            found += [open_range] if open_range else []
            open_range = None
            continue
        step = known[name]
        open_range = (
            Range(start, stop, step)
            if open_range is None
            else Range(start, open_range.stop, max(open_range.step, step))
        )
        if (open_range.stop - open_range.start) * itemsize >= nbytes:
            found.append(open_range)
            open_range = None
    found += [open_range] if open_range else []
    return sorted(found, key=lambda each: (each.step, -each.start))


def last_steps(steps: Iterable[Step]) -> dict[str, int]:
    """name -> the number of the last step that writes the gradient of this parameter, or adds to it."""
    last: dict[str, int] = {}
    for number, step in enumerate(steps):
        if isinstance(step, Backward):
            last.update((f"{step.node.owner}.{key}", number) for key, slot in step.grads.items() if slot is None)
        elif isinstance(step, AddGradient):
            last[step.name] = number
    return last
