"""Whether this process is one of several that mpiexec has started."""

import os
import sys
from typing import Any

from ..system.extras import needed
from .ranks import Ranks

__all__ = ["launched"]

STARTED = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS", "PMIX_RANK")  # by MPICH, Open MPI, hydra, PMIx


def launched(**settings: Any) -> Ranks | None:
    """The ranks that mpiexec has started, or None for a process alone; `settings`: as `Ranks` takes them.

    MissingPackage where mpiexec has started it and mpi4py is not installed.

    Examples
    --------
    >>> from fastconv.mpi import launched
    >>> launched() is None  # this line runs in one process
    True
    """
    if "mpi4py.MPI" not in sys.modules and not any(name in os.environ for name in STARTED):
        return None
    comm = needed("mpi4py.MPI", "a command under mpiexec", "mpi4py").COMM_WORLD
    return Ranks(comm, **settings) if comm.size > 1 else None
