"""One batch computed in blocks, each by a plan of its own: on this process, or on several, the ranks.

    rank 0    block 1 ──┐         ┌── block 1 ──┐
              block 2 ──┤ meeting ├── block 2 ──┤ sum of
    rank 1    block 3 ──┤         ├── block 3 ──┤ gradients ── the same update on every rank
              block 4 ──┘         └── block 4 ──┘

Without `count`, each rank has one block, and sums of gradients begin while its backward pass goes on. With it, the
batch is cut into so many blocks whatever the number of ranks, and `tree.py` adds their gradients in a fixed order: then
every result has the same bits for any number of ranks, and on one process.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..kernels.runtime.calls import Sequence as Calls
from ..parameters import Arrays, Named
from ..typing import Array, Call
from .binder import BoundPlan
from .executor import Executor
from .meetings import Meeting, Membership
from .ranks import Ranks
from .ready import Range, ranges
from .steps import Backward
from .tree import bounds, tree_sum

__all__ = ["Blocks", "cut", "share_buffers"]


def cut(images: int, ranks: Ranks, count: int | None) -> tuple[list[int], range]:
    """(where a batch of so many images is cut into blocks, the numbers of the blocks of this rank)."""
    blocks = min(images, ranks.size if count is None else count)
    own = bounds(blocks, ranks.size)
    return bounds(images, blocks), range(own[ranks.rank], own[ranks.rank + 1])


class Blocks:
    """The blocks of a batch of `images` images that this rank computes.

    `first`, `stop`: its images. A rank without images takes part in the meetings and sums, with nothing of its own.
    """

    def __init__(self, executor: Executor, images: int, loss: Any, ranks: Ranks, count: int | None) -> None:
        self.executor, self.ranks, self.images, self.count = executor, ranks, images, count
        cuts, self.numbers = cut(images, ranks, count)
        self.blocks = len(cuts) - 1
        self.first, self.stop = cuts[self.numbers.start], cuts[self.numbers.stop]
        self.some_idle = self.blocks < ranks.size
        self.parts = [slice(cuts[k] - self.first, cuts[k + 1] - self.first) for k in self.numbers]
        executor.expect_logits(loss)
        executor.gradients = self.gradients = executor.gradients or executor.parameters.like()
        self.copies: list[Named] = []  # of the network's buffers, for all blocks of this rank but the first
        self.plans = [self.bind(k, cuts[k], cuts[k + 1] - cuts[k], loss) for k in self.numbers]
        model = self.plans[0] if self.plans else self.bind(-1, 0, 1, loss)  # where this rank has no images
        several = ranks.size > 1 and count is None
        self.ranges = ranges(model.steps, self.gradients, executor.trained, ranks.bucket_bytes) if several else []
        self.meetings, self.quiet = sides(self.plans, model, {})
        self.sides = sides(self.plans, model, self.sums(model))[1] if several else self.quiet

    def bind(self, number: int, first: int, n: int, loss: Any) -> BoundPlan:
        """The plan of a block; the first of a rank has the network's own buffers, the others have copies."""
        executor = self.executor
        share = 1.0 if getattr(loss, "reduction", None) == "sum" else n / self.images
        synchronised = self.ranks.synchronise or self.count is not None
        block = Membership(first, self.images, self.blocks, share, synchronised)
        buffers = executor.buffers
        if number > self.numbers.start:
            buffers = buffers.copy()
            self.copies.append(buffers)
        alone = len(self.numbers) < 2 and self.count is None
        gradients = self.gradients if alone else executor.parameters.like()
        return executor.bind_block(n, loss, buffers, gradients, block)

    def sums(self, plan: BoundPlan) -> dict[int, list[Call]]:
        """The calls after each step: a sum begins where its gradients are known, and is helped on from there."""
        after: dict[int, list[Call]] = {}
        for each in self.ranges:
            after.setdefault(each.step, []).append(partial(self.begin, each))
        began = min((each.step for each in self.ranges), default=0)
        for number, step in enumerate(plan.steps):
            if number > began and isinstance(step, Backward):
                after.setdefault(number, []).append(self.ranks.progress)
        return after

    def begin(self, part: Range) -> None:
        """Begin to sum these gradients over the ranks."""
        self.ranks.begin_sum(self.gradients.vector[part.start : part.stop])

    def sum_now(self, gradients: Arrays) -> None:
        """Sum the gradients of this rank over all ranks: those of several batches, after the last of them."""
        for each in self.ranges:
            self.begin(each)
        self.ranks.finish_sums()

    def run(self, images: Array, targets: Array, summed: bool = True) -> None:
        """Compute the losses, and the gradients of the whole batch; `images`: those of this rank alone.

        Without `summed` gradients stay those of this rank.
        """
        running = self.sides if summed else self.quiet
        if not self.plans:
            self.gradients.vector.fill(0)
        for plan, part in zip(self.plans, self.parts, strict=True):
            plan.write(images[part], targets[part])
        for copy in self.copies:
            for name in copy:
                np.copyto(copy.memory(name), self.executor.buffers.memory(name))
        for number in range(len(self.meetings) + 1):
            for side in running:
                side[number]()
            if number < len(self.meetings):
                self.meet(self.meetings[number])

    def meet(self, meetings: Iterable[Meeting]) -> None:
        """Give every block the values of all."""
        own = [meeting.own for meeting in meetings] if self.plans else []
        shape = next(iter(meetings)).own.shape
        every = self.ranks.rows(np.array(own).reshape(len(own), *shape))
        for meeting in meetings:
            np.copyto(meeting.every, every)

    def finish(self, summed: bool = True) -> None:
        """The gradients of the network become those of the whole batch, on every rank, if they are to be `summed`."""
        if self.count is None and summed:
            self.ranks.finish_sums()
        elif self.count is not None:
            own = {k: plan.gradients.vector for k, plan in zip(self.numbers, self.plans, strict=True)}
            tree_sum(own, self.blocks, self.ranks, self.gradients.vector)
        if self.some_idle:
            share_buffers(self.ranks, self.executor.buffers)

    def results(self, result: Callable[[Array, Any, slice], Iterable[float]]) -> list[Iterable[float]]:
        """What `result` gives for (loss, y, images) of each block of this rank."""
        return [result(plan.loss, plan.y, part) for plan, part in zip(self.plans, self.parts, strict=True)]


def share_buffers(ranks: Ranks, buffers: Named) -> None:
    """The buffers of rank 0, such as running means, become those of all."""
    for name in buffers:
        ranks.overwrite(buffers.memory(name))


def sides(
    plans: Sequence[BoundPlan], model: BoundPlan, after: Mapping[int, Iterable[Call]]
) -> tuple[list[tuple[Meeting, ...]], list[list[Calls]]]:
    """(the meetings, each of all plans; for each plan what runs between them); of `model` where there is none."""
    parts = [segments(plan, after) for plan in plans] or [segments(model, after, runs=False)]
    return list(zip(*(meetings for _, meetings in parts), strict=True)), [calls for calls, _ in parts]


def segments(
    plan: BoundPlan, after: Mapping[int, Iterable[Call]], runs: bool = True
) -> tuple[list[Calls], list[Meeting]]:
    """What lies between the meetings of a plan, and these.

    `after`: calls after each step; without `runs` there are no others.
    """
    parts: list[list[Call]] = [[]]
    meetings: list[Meeting] = []
    for number, calls in plan.bound:
        for call in calls:
            if isinstance(call, Meeting):
                meetings.append(call)
                parts.append([])
            elif runs:
                parts[-1].append(call)
        parts[-1] += after.get(number, ())
    return [Calls(part) for part in parts], meetings
