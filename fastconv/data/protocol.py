"""What a data set is: anything with a length that gives the images and targets of chosen indices."""

from typing import Protocol, TypeAlias, runtime_checkable

from ..typing import Array

__all__ = ["DataSet", "Images"]

Images: TypeAlias = Array | list[Array]


@runtime_checkable
class DataSet(Protocol):
    """Images with targets, read by index.

    ``batch`` is pure: the same indices give the same result, from any thread
    and in any order. A data set can be pickled, so that a process can hold it.

    It may also have ``labels``, the class indices (N,) of all images, known
    without reading an image, and ``classes``, a tuple of the names of the
    classes.
    """

    def __len__(self) -> int:
        """The number of images."""

    def batch(self, indices: Array, /) -> tuple[Images, Array]:
        """The images and targets of these indices, in their order; an index may be repeated.

        Images are an array (N, C, H, W) of uint8 or floating-point numbers,
        or a list of N arrays (C, H, W) where their sizes differ. Targets are
        class indices (N,), int64, or any array (N, ...).
        """
