"""A training on several processes, the ranks, or on one that computes each batch in blocks: what `fit` needs beside.

Each rank reads and computes its share of each batch. All have the same weights, gradients, losses and history at each
step, and so make the same decisions; what only one of them knows (Ctrl-C, a callback that stops, an error) is agreed.
"""

import signal
import threading
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Any

import numpy as np

from ..executor import Alone, Blocks, Ranks, rewrites
from ..executor.blocks import cut, share_buffers
from ..kernels.runtime.threads import get_num_threads, set_num_threads
from ..layer import Changes
from ..network import Network
from ..ops import check
from .feeds import Batch
from .score import Count

__all__ = ["Together", "agreeing", "guarded", "joined"]

BLOCKS = 8  # of a batch in deterministic mode, unless told otherwise


def joined(comm: Any, deterministic: Any, lean: bool) -> "Together | None":
    """What trains on these ranks; None for a process alone that needs no blocks."""
    ranks = Alone() if comm is None else comm
    if not hasattr(ranks, "begin_sum"):
        if not hasattr(comm, "Iallreduce"):
            rule = "comm must be an MPI communicator, such as mpi4py.MPI.COMM_WORLD, or fastconv.mpi.Ranks"
            raise TypeError(f"{rule}, got {check.shown(comm)}; leave it out for one process")
        from ..mpi.ranks import Ranks as OfCommunicator  # which needs MPI

        ranks = OfCommunicator(comm)
    count: int | None = None
    if isinstance(deterministic, bool | np.bool_):
        count = BLOCKS if deterministic else None
    else:
        count = check.integer(deterministic, "deterministic", 1)
    if ranks.size == 1 and count is None:
        return None
    if lean:
        raise ValueError(
            "lean=True updates parameters before all gradients are known: leave it out with "
            + ("several ranks" if ranks.size > 1 else "deterministic")
        )
    if count is not None and count < ranks.size:
        raise ValueError(
            f"deterministic={count} cuts each batch into {count} blocks, too few for {ranks.size} ranks; "
            f"write deterministic={ranks.size}, the same for one process"
        )
    return Together(ranks, count)


def agreeing(together: "Together | None") -> AbstractContextManager[None]:
    """`Together.agreeing` where there are ranks."""
    return nullcontext() if together is None else together.agreeing()


def guarded(together: "Together | None") -> AbstractContextManager[None]:
    """`Together.guarded` where there are ranks."""
    return nullcontext() if together is None else together.guarded()


class Together:
    """The ranks, and how this one takes part. `count`: the blocks of a batch in deterministic mode, or None."""

    def __init__(self, ranks: Ranks, count: int | None) -> None:
        self.ranks, self.count = ranks, count
        self.kept: dict[Any, Blocks] = {}
        self.caught: list[tuple[int, FrameType | None]] = []  # signals that wait for the end of a step
        self.handler: Any = None
        self.agreed = False  # whether the error that ends the training is one of all ranks

    def share(self, images: int) -> slice:
        """The images of this rank in a batch of so many."""
        cuts, own = cut(images, self.ranks, self.count)
        return slice(cuts[own.start], cuts[own.stop])

    def blocks(self, network: Network, images: int, loss: Any) -> Blocks:
        """The blocks of a batch of so many images, as they were made for the first of this size."""
        executor = network.executor
        key = (images, loss, executor.frozen, rewrites.switched_off(), Changes.count)
        if key not in self.kept:
            made = Blocks(executor, images, loss, self.ranks, self.count)
            self.kept = {old: blocks for old, blocks in self.kept.items() if old[1:4] == key[1:4]}
            self.kept[(*key[:-1], Changes.count)] = made
            return made
        return self.kept[key]

    def step(self, network: Network, batch: Batch, loss: Any, optimizer: Any, count: Count, adjust: Any) -> float:
        """One step on a batch of all ranks; returns its loss, and adds the results to `count`.

        Of several batches before an update the gradients are summed once, but for deterministic mode.
        """
        blocks = self.blocks(network, batch.size, loss)
        rows: list[Any] = []

        def results(blocks: Blocks) -> float:
            """The loss of the batch; rows: what each block has counted, and whether its rank was told to end."""
            own = blocks.results(lambda value, y, part: self.counted(value, y, part, batch, count.loss))
            rows.append(self.ranks.rows(np.array(own, "float64").reshape(len(own), 5)))
            total = float(sum(row[0] for row in rows[0]))
            return total if count.is_sum else total / batch.size

        apart = self.count is None and adjust is not None and adjust.group[0] != adjust.group[1]
        if adjust is not None:
            adjust.complete = blocks.sum_now if apart else None
        value = network.train_blocks(blocks, batch.images, batch.targets, optimizer, results, adjust, not apart)
        for row in rows[0]:
            count.merge(row[:4])
        if rows[0][:, 4].any():
            self.caught = self.caught or [(signal.SIGINT, None)]
            self.agreed = True
        return value

    def counted(self, value: Any, y: Any, part: slice, batch: Batch, loss: Any) -> tuple[float, ...]:
        """(loss, images, right, outputs) of a block, and 1 if this rank has got a signal to end."""
        own = Count(loss)
        own.add(value, y, None if batch.classes is None else batch.classes[part])
        return (*own.state(), float(bool(self.caught)))

    def end_if_told(self) -> None:
        """Raise what Ctrl-C raises, where all ranks have agreed on it."""
        if self.agreed and self.caught and self.handler is not None:
            self.handler(*self.caught.pop(0))
            raise KeyboardInterrupt

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on some rank."""
        return bool(self.ranks.rows(np.array([flag])).any())

    def check_weights(self, network: Network) -> None:
        """ValueError, on all ranks, where the weights of some are no longer those of rank 0."""
        sums = self.ranks.rows(np.array([zlib.crc32(np.ascontiguousarray(network.parameters.vector).data)]))
        differing = np.flatnonzero(sums != sums[0])
        if len(differing):
            self.agreed = True
            which = ", ".join(f"rank {rank}" for rank in differing)
            raise ValueError(
                f"all ranks must make the same steps, and the weights of {which} differ from those of rank 0 after an "
                "epoch: the schedule, the optimizer or a callback does something else there"
            )

    def said(self, cause: str, here: bool) -> str:
        """Why a loss is not finite: what the first rank says on which it is so `here`."""
        told: list[tuple[bool, str]] = self.ranks.objects((here, cause))
        return next((text for found, text in told if found), told[0][1])

    @contextmanager
    def agreeing(self) -> Iterator[None]:
        """What is raised on one rank in this block ends it on all: there with an error that names the rank."""
        error: Exception | None = None
        try:
            yield
        except Exception as found:
            error = found
        told = self.ranks.objects(None if error is None else f"{type(error).__name__}: {error}")
        self.agreed = self.agreed or any(text is not None for text in told)
        if error is not None:
            raise error
        for rank, text in enumerate(told):
            if text is not None:
                raise RuntimeError(f"rank {rank} of {self.ranks.size}: {text}")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """While ranks train: signals wait until all know of them, and an error of this rank alone ends all of them."""
        threads = get_num_threads()
        own = self.ranks.threads()
        if own is not None:
            set_num_threads(min(own, threads))
        main = threading.current_thread() is threading.main_thread()
        self.handler = signal.getsignal(signal.SIGINT) if main else None
        if self.handler is not None and callable(self.handler):
            signal.signal(signal.SIGINT, lambda number, frame: self.caught.append((number, frame)))
        try:
            yield
        except BaseException as error:
            if not (self.agreed or hasattr(error, "history")):
                self.ranks.abort(error)
            raise
        finally:
            if self.handler is not None:
                signal.signal(signal.SIGINT, self.handler)
            if own is not None:
                set_num_threads(threads)
        if self.caught and callable(self.handler):
            self.handler(*self.caught[0])

    def send_arrays(self, network: Network) -> None:
        """The weights and buffers of rank 0 become those of all."""
        self.ranks.overwrite(network.parameters.vector)
        share_buffers(self.ranks, network.buffers)
