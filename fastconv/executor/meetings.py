"""Where the blocks of a batch meet: calls at which a layer needs what all blocks have computed so far.

block 1   ── calls ──> own values ─┐            ┌──> calls ──
block 2   ── calls ──> own values ─┼─ meeting ──┼──> calls ──
block 3   ── calls ──> own values ─┘            └──> calls ──      with the values of blocks 1, 2, 3 in their order
"""

from collections.abc import Iterable
from functools import partial
from typing import NoReturn

import numpy as np

from ..typing import Array, Call, Shape

__all__ = ["Meeting", "Membership"]


class Meeting:
    """A call before which a block has written `own`, and after which `every` (blocks, ...) has those of all blocks.

    `Blocks` runs what lies between the meetings; nobody calls one.
    """

    def __init__(self, shape: Shape, blocks: int) -> None:
        self.own, self.every = np.zeros(shape), np.zeros((blocks, *shape))

    def __call__(self) -> NoReturn:
        """Refused: one block alone does not know the values of the others."""
        raise RuntimeError("a plan of one block runs among those of the other blocks of its batch")


class Membership:
    """One block of a batch, as the layers see it.

    Attributes
    ----------
    first : int
        The images of the batch before those of this block.
    images, blocks : int
        Of the whole batch.
    share : float
        What the gradient of the loss is multiplied with: the block's part of the images, or 1 for a loss that is a sum.
    synchronised : bool
        Whether statistics of the batch are those of all blocks together.
    """

    def __init__(self, first: int, images: int, blocks: int, share: float, synchronised: bool) -> None:
        self.first, self.images, self.blocks, self.share, self.synchronised = first, images, blocks, share, synchronised

    def gathered(self, shape: Shape) -> tuple[Array, Array, Call]:
        """(own, every, call): float64 arrays `shape` and (blocks, *shape), and the call that fills the second."""
        meeting = Meeting(shape, self.blocks)
        return meeting.own, meeting.every, meeting

    def weighted(self, slopes: Iterable[Array | None]) -> list[Call]:
        """The calls dy <- share dy: then the gradients of the batch are the plain sums of those of its blocks."""
        if self.share == 1:
            return []
        return [partial(np.multiply, dy, self.share, dy) for dy in slopes if dy is not None]
