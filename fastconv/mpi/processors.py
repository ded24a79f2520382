"""The threads of a rank: the processors of its machine, shared among the ranks that run on it."""

import os
from fractions import Fraction
from typing import Any

__all__ = ["part", "threads"]


def part(own: set[int], all_sets: list[set[int]]) -> int:
    """Of the processors that a rank may use, its part: one that k ranks may use counts 1 / k; at least one.

    Examples
    --------
    Four ranks on one machine of eight processors; then two of them bound to two processors each:

    >>> part(set(range(8)), [set(range(8))] * 4)
    2
    >>> part({0, 1}, [{0, 1}, {2, 3}])
    2
    """
    shares = [Fraction(1, sum(cpu in other for other in all_sets)) for cpu in own]
    return max(1, int(sum(shares)))


def threads(comm: Any) -> int:
    """The threads for this rank of an MPI communicator; called by all of its ranks.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm

    Returns
    -------
    int
        At least 1; all ranks of a machine together use each of its processors once.

    Notes
    -----
    `fit` uses so many. For predictions: ``fastconv.set_num_threads(threads(MPI.COMM_WORLD))``.
    """
    from mpi4py import MPI

    machine = comm.Split_type(MPI.COMM_TYPE_SHARED)
    try:
        own = os.sched_getaffinity(0)
        return part(own, machine.allgather(own))
    finally:
        machine.Free()
