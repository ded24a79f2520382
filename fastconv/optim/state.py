"""What an optimizer keeps of its parameters, and of those of the optimizer that it is a copy of or was loaded from.

The state of a parameter belongs to its memory, whatever its name or view, and is freed together with that memory.
Copies and pickles of an optimizer keep the state by name, for the first parameter of the same name, shape and dtype.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple
from weakref import ReferenceType, WeakValueDictionary, ref

import numpy as np

from ..parameters import Arrays
from ..typing import Array, Shape
from .blocks import Record, Slot, StateBlock, half_a_step
from .regions import Order, Region, overlaps, owner, region


class Copied(NamedTuple):
    """The state that a copied or loaded optimizer has for a parameter that it has not seen yet."""

    name: str
    shape: Shape | None  # None if nothing but the number of steps is known
    dtype: np.dtype[Any] | None
    steps: int | None  # None after a lean step that stopped half-way
    kept: dict[Slot, Array]  # in the shape of the parameter

    def fits(self, w: Array) -> bool:
        """Whether a parameter may continue with this state."""
        return self.shape is None or bool(self.shape == w.shape and self.dtype == w.dtype)


def copied(record: Record) -> Copied:
    """A copy of the state of one parameter."""
    order = Order(record.strides)
    shape = order.of(np.empty(record.shape, bool)).shape
    kept = {name: order.undone(record.vectors([name])[0].reshape(shape)).copy() for name in record.block.kept}
    return Copied(
        record.name, record.shape, record.block.dtype, None if record.block.unfinished else record.steps, kept
    )


class State:
    """The records of an optimizer, by region."""

    def __init__(self, copied: Iterable[Copied] = ()) -> None:
        self.known: dict[Region, Record] = {}
        self.copied = [*copied]
        # id of the starts of a mapping -> the block of its parameters
        self.blocks: WeakValueDictionary[int, StateBlock] = WeakValueDictionary()

    def records(self, arrays: Mapping[str, Array], regions: Mapping[str, Region]) -> dict[str, Record]:
        """The records of arrays by name; the arrays must not share memory."""
        refuse_twice(regions)
        new = {name: place for name, place in regions.items() if place not in self.known}
        if new:
            self.refuse_overlaps(new)
            self.add({name: arrays[name] for name in new}, new)
        found = {name: self.known[place] for name, place in regions.items()}
        for name, record in found.items():
            record.block.refuse_unfinished()
            record.block.starts = None
            record.seen_as(name, arrays[name])
        return found

    def gather(self, parameters: Arrays) -> StateBlock:
        """The block with the state of all these parameters, laid out like `parameters.flat`."""
        block = self.blocks.get(id(parameters.starts))
        if block is not None and block.starts is parameters.starts:
            return block
        arrays = {name: w for name, w in parameters.items() if w.size}
        found = self.records(arrays, {name: region(w) for name, w in arrays.items()})
        starts, size = parameters.starts, parameters.vector.size
        blocks = {id(record.block): record.block for record in found.values()}
        block = blocks.popitem()[1] if len(blocks) == 1 else None
        if block is None or block.size != size:
            block = StateBlock(size, parameters.vector.dtype)
            for name, record in found.items():
                record.move_to(block, starts[name])
        block.starts = starts
        self.blocks[id(starts)] = block
        return block

    def refuse_overlaps(self, new: Mapping[str, Region]) -> None:
        """ValueError if a parameter overlaps another one: the two would share a part of their state."""
        known = [(record.name, place) for place, record in self.known.copy().items()]
        names, regions = zip(*known, *new.items(), strict=True)
        for i, j in overlaps(regions):
            one, other = sorted((i, j))
            raise ValueError(
                f"{names[other]} shares part of its memory with {names[one]}, which this optimizer updates "
                "as another array; give each parameter whole, and once"
            )

    def add(self, arrays: Mapping[str, Array], regions: Mapping[str, Region]) -> None:
        """Make records of new parameters; a copied state of the same name, shape and dtype is continued."""
        claimed = {name: self.claim(name, w) for name, w in arrays.items()}
        self.refuse_strangers(claimed)
        for name, w in arrays.items():
            forget = partial(drop, ref(self), regions[name])
            source = owner(w)
            record = Record(name, w, w if source is w and not w.flags.owndata else ref(source, forget))
            waiting = claimed[name]
            if waiting is not None and waiting.steps is not None:
                order = Order(w.strides)
                record.restore(waiting.steps, {slot: order.of(array) for slot, array in waiting.kept.items()})
            self.known[regions[name]] = record
            self.copied = [other for other in self.copied if other is not waiting]

    def claim(self, name: str, w: Array) -> Copied | None:
        """The copied state of a parameter with this name, shape and dtype; None for a new parameter."""
        named = [waiting for waiting in self.copied if waiting.name == name]
        fitting = [waiting for waiting in named if waiting.fits(w)]
        if not fitting and any(waiting.kept for waiting in named):
            raise ValueError(
                f"this optimizer remembers {name} of shape {named[0].shape} and dtype {named[0].dtype}, "
                f"got {w.shape} {w.dtype}; make a new optimizer for other parameters"
            )
        if len(fitting) > 1 and any(waiting.kept for waiting in fitting):
            raise ValueError(
                f"this optimizer remembers {len(fitting)} parameters named {name} of shape {w.shape}, "
                "and cannot tell which is meant; use one optimizer for each network"
            )
        if fitting and fitting[0].steps is None:
            raise half_a_step()
        return fitting[0] if fitting else None

    def refuse_strangers(self, claimed: Mapping[str, Copied | None]) -> None:
        """ValueError if none of the first parameters of a copied optimizer has a name that the copy remembers."""
        waiting = [copy.name for copy in self.copied if copy.kept]
        if waiting and not self.known and not any(copy is not None for copy in claimed.values()):
            raise ValueError(
                f"this optimizer remembers {few(waiting)}, but the parameters are {few(list(claimed))}; "
                "make a new optimizer for other parameters"
            )

    def copies(self) -> list[Copied]:
        """A copy of the state of each parameter."""
        waiting = (each._replace(kept={slot: a.copy() for slot, a in each.kept.items()}) for each in self.copied)
        return [*waiting, *(copied(record) for record in self.known.copy().values())]

    def __getstate__(self) -> Any:
        """What copies and pickles keep."""
        return self.copies(), None

    def __setstate__(self, state: Any) -> None:
        State.__init__(self, state[0])


def few(names: list[str]) -> str:
    """The names in words, at most the first three of many."""
    shown = ", ".join(map(str, names if len(names) <= 4 else names[:3]))
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 3} more"


def refuse_twice(regions: Mapping[str, Region]) -> None:
    """ValueError if two names stand for the same memory."""
    names: dict[Region, str] = {}
    for name, place in regions.items():
        if names.setdefault(place, name) != name:
            raise ValueError(f"{names[place]} and {name} are the same memory; give each array once")


def drop(state: "ReferenceType[State]", place: Region, _: object) -> None:
    """Drop the record of a parameter whose memory was freed."""
    alive = state()
    if alive is not None:
        alive.known.pop(place, None)
