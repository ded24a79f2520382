"""State vectors and numbers of steps: of parameters that lie side by side (`StateBlock`), of one of them (`Record`).

While all parameters are updated together, one vector per name serves them all, and one call updates it.
"""

from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..ops import allocation
from ..typing import Array

Slot: TypeAlias = str | int  # the name of a state vector; its number in a rule that gives no names


class Remembered(Protocol):
    """What an update needs of the state."""

    @property
    def steps(self) -> int:
        """The number of steps made."""

    def vectors(self, names: Iterable[Slot]) -> list[Array]:
        """The state vectors of these names, created as zeros if they are new."""

    def count(self) -> None:
        """Add one step."""


class StateBlock:
    """State vectors over parameters that lie side by side; each is created, as zeros, when a rule first needs it.

    Parameter i has the elements from `ranges[i][0]` to `ranges[i][1]` of each vector, and has made
    `common_steps + extra_steps[i]` steps.
    """

    def __init__(self, size: int, dtype: np.dtype[Any]) -> None:
        self.size, self.dtype = size, dtype
        self.kept: dict[Slot, Array] = {}
        self.ranges: list[tuple[int, int]] = []
        self.common_steps = 0
        self.extra_steps: list[int] = []
        self.starts: object = None  # `starts` of the mapping that has exactly these parameters, in this order
        self.unfinished = False  # True during a lean step, and after a lean step that did not end

    def add(self, start: int, size: int, steps: int) -> int:
        """Give a parameter with this number of steps its range of the vectors; returns its index."""
        self.ranges.append((start, start + size))
        self.extra_steps.append(steps - self.common_steps)
        return len(self.ranges) - 1

    def vectors(self, names: Iterable[Slot]) -> list[Array]:
        """The state vectors of these names, over all parameters."""
        names = list(names)
        for name in names:
            if name not in self.kept:
                self.kept[name] = allocation.aligned(self.size, self.dtype)
        return [self.kept[name] for name in names]

    @property
    def steps(self) -> int | None:
        """The number of steps of each parameter; None if they differ."""
        return self.common_steps + self.extra_steps[0] if len(set(self.extra_steps)) == 1 else None

    def count(self) -> None:
        """Add one step to each parameter."""
        self.common_steps += 1

    def pieces(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """(start, stop, steps) of ranges of elements with the same number of steps."""
        if self.steps is not None:
            return [(start, stop, self.steps)]
        cut = (
            (max(start, first), min(stop, last), self.common_steps + extra)
            for (first, last), extra in zip(self.ranges, self.extra_steps, strict=True)
        )
        return [piece for piece in cut if piece[0] < piece[1]]

    def refuse_unfinished(self) -> None:
        """RuntimeError after a lean step that stopped half-way."""
        if self.unfinished:
            raise half_a_step()


def half_a_step() -> RuntimeError:
    """The error for state of which only a part has made the last step."""
    return RuntimeError(
        "an earlier lean step stopped half-way, after it had updated some of these parameters; "
        "load weights you trust and make a new optimizer"
    )


class Record:
    """The state of one parameter: its range of the vectors of a block, and how the parameter was seen last."""

    def __init__(self, name: str, w: Array, alive: object) -> None:
        self.alive = alive  # a weak reference to the owner of the memory, or the array itself
        self.block = StateBlock(w.size, w.dtype)
        self.index = self.block.add(0, w.size, 0)
        self.seen_as(name, w)

    def seen_as(self, name: str, w: Array) -> None:
        """Note name, shape and strides, which copies and errors show."""
        self.name, self.shape, self.strides = name, w.shape, w.strides

    def move_to(self, block: StateBlock, start: int) -> None:
        """Move the state to the elements from `start` of the vectors of another block."""
        first, last = self.block.ranges[self.index]
        for name, vector in self.block.kept.items():
            block.vectors([name])[0][start : start + last - first] = vector[first:last]
        self.block, self.index = block, block.add(start, last - first, self.steps)

    @property
    def steps(self) -> int:
        """The number of steps of this parameter."""
        return self.block.common_steps + self.block.extra_steps[self.index]

    def vectors(self, names: Iterable[Slot]) -> list[Array]:
        """The state vectors of these names, over this parameter."""
        start, stop = self.block.ranges[self.index]
        return [vector[start:stop] for vector in self.block.vectors(names)]

    def count(self) -> None:
        """Add one step to this parameter alone."""
        self.block.extra_steps[self.index] += 1

    def restore(self, steps: int, kept: dict[Slot, Array]) -> None:
        """Take over a number of steps and state arrays, whose elements lie in the order of the parameter's memory."""
        self.block.extra_steps[self.index] = steps - self.block.common_steps
        for name, array in kept.items():
            self.vectors([name])[0][...] = array.reshape(-1)
