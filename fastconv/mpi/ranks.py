"""The ranks of an MPI communicator, as `fit` needs them: `fastconv.executor.Ranks`, by mpi4py."""

import os
import sys
import time
import traceback
from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ..ops import check
from ..system.extras import needed
from ..typing import Array
from .processors import threads
from .wire import WIRES, packed, summed, unpacked

__all__ = ["Ranks"]

MEBIBYTE = 1 << 20
PATIENCE = 0.05  # seconds that rank r waits r times before it speaks, so that of several that fail one is heard


class Ranks:
    """A communicator of MPI with the settings of a training: ``fit(..., comm=Ranks(MPI.COMM_WORLD, ...))``.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        ``MPI.COMM_WORLD`` unless given: all processes that mpiexec has started.
    synchronise : bool
        Batch norm takes mean and variance over the images of all ranks; otherwise each rank over its own, and the
        running ones are those of rank 0. In deterministic mode it always does.
    bucket : float
        MiB of gradients from which on they are sent while the backward pass goes on, from the last layer to the first.
    wire : "float16" or "bfloat16", optional
        Send gradients with 16 bits a number: see `fastconv.mpi.wire` for the error. Not in deterministic mode.

    Attributes
    ----------
    rank, size : int
        The number of this process, from 0, and how many there are.

    Raises
    ------
    TypeError, ValueError
        For settings that do not fit.
    MissingPackage
        If mpi4py is not installed.

    Notes
    -----
    ``fit(network, images, labels, comm=Ranks(synchronise=True, bucket=16))``, in a script that is started by
    ``mpiexec -n 4 python -m mpi4py script.py``. Sums are those of MPI's Allreduce: the same bits for the same ranks.
    """

    def __init__(
        self, comm: Any = None, *, synchronise: bool = False, bucket: float = 8, wire: str | None = None
    ) -> None:
        self._mpi: Any = needed("mpi4py.MPI", "training on several processes", "mpi4py mpich")
        given = self._mpi.COMM_WORLD if comm is None else comm
        if not isinstance(given, self._mpi.Intracomm):
            raise TypeError(f"comm must be a communicator, such as mpi4py.MPI.COMM_WORLD, got {check.shown(comm)}")
        if wire is not None and wire not in WIRES:
            raise ValueError(f"wire must be None, 'float16' or 'bfloat16', got {wire!r}")
        megabytes = check.number(bucket, "bucket")
        if not megabytes > 0:
            raise ValueError(f"bucket must be > 0, the MiB of gradients that are sent at a time, got {bucket}")
        self.comm: Any = given.Dup()  # messages of the caller and of fastconv stay apart
        self.rank, self.size = int(self.comm.rank), int(self.comm.size)
        self.place = f"process {os.getpid()} on {self._mpi.Get_processor_name()}"
        self.synchronise, self.wire = check.flag(synchronise, "synchronise"), wire
        self.bucket_bytes = int(megabytes * MEBIBYTE)
        self._sums: list[Any] = []  # requests
        self._halves: list[tuple[Array, Array]] = []  # (numbers of 16 bits that are summed, where the sum goes)
        self._add = None if wire is None else self._mpi.Op.Create(summed(wire), commute=True)

    def __repr__(self) -> str:
        return f"<Ranks: rank {self.rank} of {self.size}>"

    def rows(self, own: Array) -> Array:
        """(all rows, ...): the rows of every rank, in the order of the ranks."""
        own, counts = np.ascontiguousarray(own), np.empty(self.size, np.int64)
        self.comm.Allgather(np.array([len(own)]), counts)
        out = np.empty((int(counts.sum()), *own.shape[1:]), own.dtype)
        each = own.dtype.itemsize * prod(own.shape[1:])
        self.comm.Allgatherv([own, len(own) * each, self._mpi.BYTE], [out, counts * each, None, self._mpi.BYTE])
        return out

    def objects(self, own: Any) -> list[Any]:
        """The object of every rank."""
        found: list[Any] = self.comm.allgather(own)
        return found

    def from_first(self, own: Any) -> Any:
        """The object of rank 0."""
        return self.comm.bcast(own, root=0)

    def overwrite(self, array: Array) -> None:
        """Write the array of rank 0 into that of every other rank."""
        sent = np.ascontiguousarray(array)
        self.comm.Bcast([sent, self._mpi.BYTE], root=0)
        if sent is not array:
            np.copyto(array, sent)

    def begin_sum(self, vector: Array) -> None:
        """Begin to replace a vector by its sum over all ranks."""
        if self.wire is None:
            self._sums.append(self.comm.Iallreduce(self._mpi.IN_PLACE, vector, op=self._mpi.SUM))
            return
        halves = packed(vector, self.wire)
        self._halves.append((halves, vector))
        self._sums.append(self.comm.Iallreduce(self._mpi.IN_PLACE, [halves, self._mpi.UINT16_T], op=self._add))

    def progress(self) -> None:
        """Let the sums that have begun go on: MPI works on them while it is called."""
        self._mpi.Request.Testall(self._sums)

    def finish_sums(self) -> None:
        """Wait until they are done."""
        self._mpi.Request.Waitall(self._sums)
        for halves, vector in self._halves:
            unpacked(halves, str(self.wire), vector)
        self._sums, self._halves = [], []

    def exchange(self, parts: Sequence[Array], sizes: Sequence[int]) -> list[Array]:
        """Send the vector parts[r] to rank r; returns the vector that each rank r sent here, of sizes[r] elements."""
        sent = np.concatenate(list(parts))
        received = np.empty(sum(sizes), sent.dtype)
        self.comm.Alltoallv([sent, [len(part) for part in parts]], [received, list(sizes)])
        return np.split(received, np.cumsum(sizes)[:-1])

    def join(self, vector: Array, bounds: Sequence[int]) -> None:
        """Fill a vector of which each rank r has the elements from bounds[r] to bounds[r + 1]."""
        counts = [stop - start for start, stop in pairwise(bounds)]
        self.comm.Allgatherv(self._mpi.IN_PLACE, [vector, counts])

    def threads(self) -> int:
        """The threads of this rank: its part of the processors of its machine."""
        return threads(self.comm)

    def abort(self, error: BaseException) -> None:
        """Say that this rank failed, and end all of them."""
        time.sleep(PATIENCE * min(self.rank, 20))
        text = "".join(traceback.format_exception(error)).rstrip()
        line = f"fastconv: rank {self.rank} of {self.size} ({self.place}) failed, and ends all ranks"
        print(f"{text}\n{line}: {type(error).__name__}: {error}", file=sys.__stderr__, flush=True)
        self.comm.Abort(1)
