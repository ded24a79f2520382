"""Training and prediction on several processes and machines, through MPI.

    fit(network, images, labels, comm=MPI.COMM_WORLD)    in the script
    mpiexec -n 4 python -m mpi4py script.py              to run it

    mpiexec -n 4 python -m mpi4py -m fastconv train ...  the command line
    mpiexec -n 4 python -m mpi4py -m fastconv predict ...

    Ranks(comm, ...)            a communicator with the settings of a training
    threads(comm)               the threads of a rank: its part of a machine
    launched()                  the ranks that mpiexec has started, or None

Each process, a rank, runs the same script, reads and computes its share of
each batch, and has all results. The ends of files, lines and pictures are
for rank 0 alone: ``if MPI.COMM_WORLD.rank == 0:``.

Install mpi4py and an MPI with ``pip install mpi4py mpich``.
"""

from ..arguments.rooms import furnish as _furnish

_later = {"Ranks": "ranks", "threads": "processors", "launched": "launch"}  # imported when they are first used
__all__ = ["Ranks", "launched", "threads"]
_furnish(__name__)
