"""Commands under mpiexec: each rank does its share, and rank 0 speaks for all."""

import os
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

from ..mpi.ranks import Ranks

__all__ = ["speaking_once"]


def speaking_once(run: Callable[[], int], ranks: Ranks | None) -> int:
    """The exit code of a command that all ranks run.

    What fails on one rank fails on all (`training.together`), with an error that rank 0 reports; the others end in
    silence and with 0, because an exit code of theirs would end rank 0 before it has spoken.
    """
    if ranks is None:
        return run()
    if ranks.rank == 0:
        try:
            return run()
        except RuntimeError as error:  # it names the rank
            raise ValueError(str(error)) from None
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        try:
            run()
        except (Exception, KeyboardInterrupt):
            return 0
    return 0
