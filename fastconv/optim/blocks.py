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
        self.spans: Any = None  # the `Spans` of the last step; None after a change of what they rest on
        self.kinds: Any = None  # the `Kinds` of the last step, likewise
        self.names: tuple[str, ...] | None = None  # of the parameters that a lean step updates; None for all
        self.unfinished = False  # True during a lean step, and after a lean step that did not end

    def add(self, start: int, size: int, steps: int) -> int:
        """Give a parameter with this number of steps its range of the vectors; returns its index."""
        self.ranges.append((start, start + size))
        self.extra_steps.append(steps - self.common_steps)
        self.spans = self.kinds = None
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

    def count(self, parameters: Iterable[int] | None = None) -> None:
        """Add one step to these parameters, which are those of `spans`; None for all."""
        if parameters is None:
            self.common_steps += 1
        else:
            for i in parameters:
                self.extra_steps[i] += 1

    def steps_of(self, i: int) -> int:
        """The number of steps of one parameter."""
        return self.common_steps + self.extra_steps[i]

    def alike(self, i: int, j: int) -> bool:
        """Whether two parameters have made equally many steps."""
        return self.extra_steps[i] == self.extra_steps[j]

    def set_extra(self, i: int, extra: int) -> None:
        """Note how many steps one parameter has made beyond the common ones."""
        self.extra_steps[i] = extra
        self.spans = None

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


class Part:
    """The state of neighbouring parameters that have made equally many steps: a range of the vectors of a block."""

    def __init__(self, block: StateBlock, start: int, stop: int, steps: int) -> None:
        self.block, self.start, self.stop, self.steps = block, start, stop, steps

    def vectors(self, names: Iterable[Slot]) -> list[Array]:
        """The state vectors of these names, over these parameters."""
        return [vector[self.start : self.stop] for vector in self.block.vectors(names)]

    def count(self) -> None:
        """Nothing: all parameters of a step are counted together, at its end."""


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
        return self.block.steps_of(self.index)

    def vectors(self, names: Iterable[Slot]) -> list[Array]:
        """The state vectors of these names, over this parameter."""
        start, stop = self.block.ranges[self.index]
        return [vector[start:stop] for vector in self.block.vectors(names)]

    def count(self) -> None:
        """Add one step to this parameter alone."""
        self.block.set_extra(self.index, self.block.extra_steps[self.index] + 1)

    def restore(self, steps: int, kept: dict[Slot, Array]) -> None:
        """Take over a number of steps and state arrays, whose elements lie in the order of the parameter's memory."""
        self.block.set_extra(self.index, steps - self.block.common_steps)
        for name, array in kept.items():
            self.vectors([name])[0][...] = array.reshape(-1)
