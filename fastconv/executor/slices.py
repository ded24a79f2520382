"""The gradient of a value whose channels are read in slices: each slice's gradient goes into its channels."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from ..graph import Node
from .arena import Slot
from .steps import Add, Copy, Step, Zero
from .values import Value


class Parts(NamedTuple):
    """The gradient of the whole value, and which of its channels are known so far."""

    whole: Value
    known: list[bool]

    def joined(self, node: Node, dy: Slot) -> Iterator[Step]:
        """The steps that join the gradient of one slice: copied, or added where channels are in several slices."""
        for known, first, count in [*self.runs(node.first, node.shape[0])]:
            part, out = dy.channels(first - node.first, count), self.whole.slot.channels(first, count)
            yield Add(out, part, out) if known else Copy(part, out, node)
        self.known[node.first : node.first + node.shape[0]] = [True] * node.shape[0]

    def rest(self, node: Node) -> Iterator[Step]:
        """The steps for channels in no slice."""
        for known, first, count in self.runs(0, len(self.known)):
            if not known:
                yield Zero(self.whole.slot.channels(first, count), node)

    def runs(self, first: int, count: int) -> Iterator[tuple[bool, int, int]]:
        """(known, first, count) of neighbouring channels alike."""
        for known, run in groupby(range(first, first + count), key=self.known.__getitem__):
            channels = [*run]
            yield known, channels[0], len(channels)
