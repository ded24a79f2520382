"""The errors for files of weights."""

import copyreg
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SHOWN = 10  # names of each fault


class CheckpointError(ValueError):
    """The file is not a checkpoint, is damaged, or does not fit the network."""


class Mismatch(CheckpointError):
    """What a file and a network do not share: `missing`, `unknown`, and `other`, of another shape or dtype."""

    def __init__(self, path: str, missing: list[str], unknown: list[str], other: list[str], cure: str = "") -> None:
        self.missing, self.unknown, self.other = missing, unknown, other
        super().__init__(f"{path} does not fit this network: {faults(missing, unknown, other)}{cure}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Restores message and attributes, without a call of `__init__`: a pool of processes pickles errors."""
        make = copyreg.__newobj__  # type: ignore[attr-defined]  # typeshed lacks it
        return make, (type(self), *self.args), self.__dict__


def faults(missing: list[str], unknown: list[str], other: list[str]) -> str:
    """The faults in words, with the first names of each kind."""
    parts = {"missing": missing, "unknown": unknown, "of another shape or dtype": other}
    return "; ".join(f"{len(names):,} {what}: {shortened(names)}" for what, names in parts.items() if names)


def shortened(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


@contextmanager
def blamed_on(path: str) -> Iterator[None]:
    """Any error while a file is read becomes a CheckpointError that names the file."""
    try:
        yield
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
