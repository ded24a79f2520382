"""What can be wrong with a file of weights."""

import copyreg
from contextlib import contextmanager

SHOWN = 10  # names of each fault


class CheckpointError(ValueError):
    """The file is not a checkpoint, is damaged, or does not fit the network."""


class Mismatch(CheckpointError):
    """What a file and a network do not share: `missing`, `unknown`, and `other`, of another shape or dtype."""

    def __init__(self, path, missing, unknown, other, cure=""):
        self.missing, self.unknown, self.other = missing, unknown, other
        super().__init__(f"{path} does not fit this network: {faults(missing, unknown, other)}{cure}")

    def __reduce__(self):
        """Copied and pickled by what it says and holds, as a pool of processes does, not by making it anew."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__


def faults(missing, unknown, other):
    """The faults in words, with the first names of each kind."""
    parts = {"missing": missing, "unknown": unknown, "of another shape or dtype": other}
    return "; ".join(f"{len(names):,} {what}: {shortened(names)}" for what, names in parts.items() if names)


def shortened(names):
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


@contextmanager
def blamed_on(path):
    """Any error while a file is read becomes a CheckpointError that names the file."""
    try:
        yield
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
