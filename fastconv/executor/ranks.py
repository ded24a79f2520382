"""What training needs of the other processes, the ranks, that compute the same batches; and one process alone.

`fastconv.mpi.Ranks` has these methods on MPI. Each is called by all ranks, in the same order.
"""

from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

from ..typing import Array

__all__ = ["Alone", "Ranks"]


class Ranks(Protocol):
    """The processes that train a network together.

    Attributes
    ----------
    rank, size : int
        The number of this one, from 0, and how many there are.
    place : str
        The process and the machine.
    synchronise : bool
        Whether batch norm has the statistics of the batches of all ranks together.
    bucket_bytes : int
        The size from which on gradients are sent while the backward pass goes on.
    wire : str or None
        The dtype of 16 bits in which gradients are sent, or None.
    """

    rank: int
    size: int
    place: str
    synchronise: bool
    bucket_bytes: int
    wire: str | None

    def rows(self, own: Array) -> Array:
        """(all rows, ...): the rows of every rank, in the order of the ranks; of one dtype and shape of a row."""

    def objects(self, own: Any) -> list[Any]:
        """The object of every rank."""

    def from_first(self, own: Any) -> Any:
        """The object of rank 0."""

    def overwrite(self, array: Array) -> None:
        """Write the array of rank 0 into that of every other rank."""

    def begin_sum(self, vector: Array) -> None:
        """Begin to replace a vector, part of a contiguous one, by its sum over all ranks."""

    def progress(self) -> None:
        """Let the sums that have begun go on."""

    def finish_sums(self) -> None:
        """Wait until they are done."""

    def exchange(self, parts: Sequence[Array], sizes: Sequence[int]) -> list[Array]:
        """Send the vector parts[r] to rank r; returns the vector that each rank r sent here, of sizes[r] elements."""

    def join(self, vector: Array, bounds: Sequence[int]) -> None:
        """Fill a vector of which each rank r has the elements from bounds[r] to bounds[r + 1]."""

    def threads(self) -> int | None:
        """The threads of this rank: its part of the processors of its machine; None: as many as without ranks."""

    def abort(self, error: BaseException) -> None:
        """Say that this rank failed, and end all of them."""


class Alone:
    """One process: there is nobody to wait for."""

    rank, size, place, synchronise, bucket_bytes = 0, 1, "this process", False, 0
    wire: str | None = None

    def rows(self, own: Array) -> Array:
        """Its own rows."""
        return own

    def objects(self, own: Any) -> list[Any]:
        """Its own object."""
        return [own]

    def from_first(self, own: Any) -> Any:
        """Its own object."""
        return own

    def overwrite(self, array: Array) -> None:
        """Nothing: the array is its own."""

    def begin_sum(self, vector: Array) -> None:
        """Nothing: the vector is the sum."""

    def progress(self) -> None:
        """Nothing."""

    def finish_sums(self) -> None:
        """Nothing."""

    def exchange(self, parts: Sequence[Array], sizes: Sequence[int]) -> list[Array]:
        """Its own parts."""
        return list(parts)

    def join(self, vector: Array, bounds: Sequence[int]) -> None:
        """Nothing: the vector is whole."""

    def threads(self) -> None:
        """As many as ever."""
        return None

    def abort(self, error: BaseException) -> NoReturn:
        """Raise the error."""
        raise error
