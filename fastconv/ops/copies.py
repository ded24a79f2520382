"""Copies that kernels read, and write, in place of arrays of other strides; several prepared calls as one.

What can be computed in blocks is: the copies of a block stay in the caches until they are read, where those of a whole
large array would be written to memory and come back. All blocks use the memory of the first.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ..kernels.runtime.calls import overlap
from ..typing import Array, Call
from . import check

BLOCK = 1 << 20  # bytes of the copies of a block: with what else two threads read and write, they fit the second caches
MOST_BLOCKS = 256  # of larger arrays, blocks are larger
SHORTEST = 4 * check.LINE  # bytes of a run of memory that two blocks may share out

Index: TypeAlias = tuple[slice, ...]
WHOLE: list[Index] = [()]


def nothing() -> None:
    """The call of an empty array."""


def in_turn(calls: Sequence[Call], scratch: Sequence[Array] = ()) -> Call:
    """Prepared calls as one, a single one as it is; `scratch` holds the arrays that only they use."""
    return calls[0] if len(calls) == 1 else Several(calls, scratch)


class Several:
    """Prepared calls as one, whose result is that of the last that has one, and the arrays that only they use."""

    __slots__ = ("calls", "scratch")

    def __init__(self, calls: Sequence[Call], scratch: Sequence[Array] = ()) -> None:
        self.calls, self.scratch = tuple(calls), tuple(scratch)

    def __call__(self) -> Any:
        found = None
        for call in self.calls:
            result = call()
            found = found if result is None else result
        return found


class Scratch:
    """Memory of copies, by names: the first copy of a name makes it, later ones, which are not larger, use it again."""

    __slots__ = ("memory",)

    def __init__(self) -> None:
        self.memory: dict[int, Array] = {}

    def like(self, a: Array, name: int, layout: str | None = None) -> Array:
        """An array of the shape and dtype of `a`, in C order or a layout."""
        if name not in self.memory:
            self.memory[name] = check.empty((a.size,), a.dtype)
        flat = self.memory[name][: a.size]
        if layout != check.CHANNELS_LAST:
            return flat.reshape(a.shape)
        n, c, h, w = a.shape
        return flat.reshape(n, h, w, c).transpose(0, 3, 1, 2)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """All of it."""
        return tuple(self.memory.values())


def in_c_order(a: Array) -> bool:
    """Whether an array is C-contiguous."""
    return a.flags.c_contiguous


def on_copies(
    prepare: Callable[..., Call],
    inputs: Sequence[Array | None],
    outputs: Sequence[Array | None],
    fits: Callable[[Array], bool] = in_c_order,
    layout: str | None = None,
    beside: Sequence[Array | None] | None = None,
    in_place: bool = False,
) -> Several:
    """The prepared call for memory that no kernel takes: prepare(*inputs, *outputs) on copies in C order, or a layout.

    Copies the inputs that do not fit, runs the call, copies its results back; None stays None. With `beside`, results
    that are not copied and come last, the result of an image does not depend on others: calls then get some of them.
    in_place: whether the first input may lie in the memory of the first result. Its copy then does where there is one
    block: a small array is read from the caches once more, a large result is written to memory once more.
    """
    arrays = [*inputs, *outputs, *(beside or ())]
    end = len(inputs)
    odd = [i for i, a in enumerate((*inputs, *outputs)) if a is not None and not fits(a)]
    blocks = WHOLE if beside is None else cut([arrays[i] for i in odd], 1)
    in_place = in_place and blocks == WHOLE and odd[:1] == [0] and end not in odd and is_apart(outputs[0], inputs)
    place = end if in_place else None
    calls: list[Call] = []
    scratch = Scratch()
    for at in blocks:
        given = part(arrays, at)
        results = {i: given[i] for i in odd if i >= end}
        calls += on_scratch(given, [i for i in odd if i < end], scratch, arrays, place, layout)
        for i, y in results.items():
            given[i] = scratch.like(y, i, layout)
        calls.append(prepare(*given))
        for i, y in results.items():
            calls += check.assign_calls(y, given[i])
    return Several(calls, scratch.arrays)


def on_scratch(
    parts: list[Any],
    odd: Sequence[int],
    scratch: Scratch,
    wholes: Sequence[Any],
    place: int | None = None,
    layout: str | None = None,
) -> list[Call]:
    """Put copies in the place of the arrays with these numbers, parts of others; the calls that make them.

    place: the array whose memory takes the first copy, a result.
    """
    calls: list[Call] = []
    for i in odd:
        a = parts[i]
        parts[i] = scratch.like(a, i, layout) if place is None or i != odd[0] else parts[place]
        calls += check.assign_calls(parts[i], a, wholes[i].size)
    return calls


def is_apart(y: Any, inputs: Sequence[Array | None]) -> bool:
    """Whether a result is an array in whose memory none of the inputs lies."""
    return y is not None and not any(a is not None and overlap(a, y) for a in inputs)


def part(arrays: Sequence[Array | None], at: Index) -> list[Any]:
    """A block of arrays of one shape; None stays."""
    return [a if a is None or not at else a[at] for a in arrays]


def cut(arrays: Sequence[Any], axes: int) -> list[Index]:
    """The blocks of arrays that are copied, along the first axes, until they have at most BLOCK bytes together.

    An axis stays whole where two blocks would share out short runs of memory of one of the arrays.
    """
    nbytes = sum(a.nbytes for a in arrays)
    found = WHOLE
    for axis in range(axes):
        if nbytes <= BLOCK:
            break
        extent = arrays[0].shape[axis]
        step = max(1, BLOCK * extent // nbytes, -(-extent * len(found) // MOST_BLOCKS))
        step = -(-extent // -(-extent // step))  # blocks of one size
        if any(0 < abs(a.strides[axis]) * step < SHORTEST for a in arrays):
            step = extent
        found = [(*at, slice(i, i + step)) for at in found for i in range(0, extent, step)]
        nbytes = nbytes * step // extent
    return found
