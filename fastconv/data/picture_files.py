"""A data set of pictures in files, each read when a batch asks for it."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..ops import check
from ..system.caller import warn
from ..typing import Array
from .arrays import shares
from .files import DataError, named
from .in_memory import alike
from .pictures import Size, read_pixels
from .protocol import Images
from .targets import checked_indices, checked_targets

__all__ = ["FileData", "listing"]

SHOWN = 10  # files that one message names
PIECE = 64  # files that one thread tries at a time
KEEP = 1 << 28  # bytes of decoded pictures that stay in memory


class FileData:
    """A data set of pictures in files.

    Parameters
    ----------
    files : sequence of str or os.PathLike
        The pictures; Pillow reads them.
    targets : array
        One target for each: class indices, names of classes, or numbers.
    classes : sequence of str, optional
        The names of the classes; the indices of names follow this order.
    channels : {3, 1}
        3 for RGB, 1 for grey.
    size : int or (H, W), optional
        An integer takes the central square of each picture and resizes it to
        this side; (H, W) stretches; None keeps the size of each picture. A
        JPEG that is more than twice as large as needed is decoded smaller.
    skip_unreadable : bool
        Try all pictures now, and leave out those that cannot be read, with
        one warning that counts and names them.
    keep : int
        Bytes of decoded pictures that stay in memory, so that later epochs
        need not decode them again; 0 for none. A copy in another process
        begins without them.

    Attributes
    ----------
    labels : numpy.ndarray or None
        The class indices (N,), int64; None where targets are something else.
    classes : tuple of str or None
        The names of the classes, if they are known.

    Notes
    -----
    Images are uint8 (C, H, W); pictures with more than 8 bits are float32 in
    [0, 1]. A batch with both is float32 in [0, 1]. Pictures are turned as
    their EXIF data says, and drawn on black where they are transparent.
    """

    def __init__(
        self,
        files: Sequence[str | os.PathLike[str]],
        targets: Any,
        classes: Sequence[str] | None = None,
        *,
        channels: int = 3,
        size: Any = None,
        skip_unreadable: bool = False,
        keep: int = KEEP,
    ) -> None:
        self.files = tuple(str(named(file, "files")) for file in files)
        if not self.files:
            raise DataError("files must name at least one picture, got none")
        self.targets, self.classes = checked_targets(targets, len(self.files), classes)
        self.channels, self.size = checked_channels(channels), checked_size(size)
        self.keep = self._room = check.integer(keep, "keep", 0)
        self._kept: dict[str, Array] = {}
        if skip_unreadable:
            self._skip()

    @property
    def labels(self) -> Array | None:
        """The class indices (N,); None where targets are something else."""
        return self.targets if self.targets.dtype.kind == "i" and self.targets.ndim == 1 else None

    def __len__(self) -> int:
        return len(self.files)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_kept": {}, "_room": self.keep}

    def _picture(self, file: str) -> Array:
        """The pixels of a file, which nobody may change."""
        known = self._kept.get(file)
        if known is not None:
            return known
        image = read_pixels(Path(file), self.channels, self.size)
        if image.nbytes <= self._room:  # threads may both pass, and keep a picture more than there is room for
            self._room -= image.nbytes
            self._kept[file] = image
        return image

    def __repr__(self) -> str:
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return f"FileData({len(self)} pictures{classes}, channels={self.channels}, size={self.size})"

    def batch(self, indices: Any, /) -> tuple[Images, Array]:
        """The images and targets of these indices; DataError for a picture that cannot be read, with its name."""
        indices = checked_indices(indices, len(self))
        targets = self.targets[indices]
        if not len(indices):
            size = self.size or 0
            return np.zeros((0, self.channels, *(size if isinstance(size, tuple) else (size, size))), np.uint8), targets
        images = [self._picture(self.files[i]) for i in indices]
        if len({image.dtype for image in images}) > 1:
            images = [shares(image) for image in images]
        together = alike(images)
        return [image.copy() for image in together] if isinstance(together, list) else together, targets

    def unreadable(self) -> dict[str, str]:
        """The pictures that cannot be read, each with the reason; all are tried.

        Examples
        --------
        >>> from fastconv.data import FileData
        >>> list(FileData(["missing.png"], [0]).unreadable())
        ['missing.png']
        """
        from concurrent.futures import ThreadPoolExecutor

        pieces = [self.files[start : start + PIECE] for start in range(0, len(self), PIECE)]
        pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
        try:
            return {file: why for found in pool.map(self._faults, pieces) for file, why in found}
        finally:
            pool.shutdown(cancel_futures=True)

    def _faults(self, files: Iterable[str]) -> list[tuple[str, str]]:
        """(file, reason) of those that cannot be read."""
        faults = []
        for file in files:
            try:
                read_pixels(Path(file), self.channels, self.size)
            except DataError as error:
                faults.append((file, str(error)))
        return faults

    def _skip(self) -> None:
        """Leaves out the pictures that cannot be read, with a warning."""
        faults = self.unreadable()
        if not faults:
            return
        said = f"{len(faults)} of {len(self)} pictures cannot be read"
        if len(faults) == len(set(self.files)):
            raise DataError(f"{said}: {listing(faults.values())}")
        keep = np.array([file not in faults for file in self.files])
        self.files = tuple(file for file in self.files if file not in faults)
        self.targets = self.targets[keep]
        warn(f"{said}, and are left out: {listing(faults.values())}", UserWarning)


def listing(names: Iterable[str]) -> str:
    """The first of these, and how many more there are."""
    names = list(names)
    more = f"; and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return "; ".join(names[:SHOWN]) + more


def checked_channels(channels: Any) -> int:
    """1 or 3."""
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 for grey or 3 for RGB, got {channels!r}")
    return int(channels)


def checked_size(size: Any) -> Size:
    """None, a side, or (H, W)."""
    from operator import index

    if size is None:
        return None
    extents = size if isinstance(size, tuple | list) else (size,)
    try:
        found = tuple(index(extent) for extent in extents)
    except TypeError:
        raise TypeError(f"size must be an integer, (H, W) or None, got {size!r}") from None
    if len(found) != len(extents) or not 1 <= len(found) <= 2 or min(found) < 1:
        raise ValueError(f"size must be an integer >= 1, (H, W) or None, got {size!r}")
    return (found[0], found[1]) if len(found) == 2 else found[0]
