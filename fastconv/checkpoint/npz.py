"""Archives of .npy files, as `numpy.savez` writes them; `write` adds JSON."""

from collections.abc import Mapping
from math import prod
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy

from ..typing import Array, Shape
from . import dtypes, metadata
from .errors import CheckpointError

if TYPE_CHECKING:
    from zipfile import ZipFile  # a slow import, and many programs neither save nor load

METADATA = "metadata.json"
MOST_ENTRIES = 100_000


def write(file: BinaryIO, arrays: Mapping[str, Array], described: Any) -> None:
    """Writes one uncompressed .npy entry per array, and the metadata."""
    import zipfile

    text = metadata.written(described)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(METADATA, text)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array(entry, array, allow_pickle=False)


def open_archive(path: str, file: BinaryIO) -> "ZipFile":
    """The zip archive; CheckpointError if two entries have the same name."""
    import zipfile

    try:
        archive = zipfile.ZipFile(file)
    except Exception:
        why = "it begins as a zip archive does, but is damaged, or was cut, as when a download ends too early"
        raise CheckpointError(f"{path} is not a checkpoint: {why}") from None
    names = archive.namelist()
    if len(names) > MOST_ENTRIES or len(set(names)) != len(names):
        raise CheckpointError(f"{path} is not a checkpoint: too many entries, or two of the same name")
    return archive


class Npy(NamedTuple):
    """What the header of an .npy file says."""

    shape: Shape
    dtype: np.dtype[Any]
    fortran: bool
    length: int  # of the header


class NpzFile:
    """A file that `write` wrote, or numpy.savez, which stores no metadata."""

    def __init__(self, path: str, archive: "ZipFile") -> None:
        self.path, self.archive = path, archive
        self.metadata: Any = {}
        names = archive.namelist()
        if METADATA in names:
            names.remove(METADATA)
            self.metadata = self.read_metadata()
        self.headers = {name.removesuffix(".npy"): self.header(name) for name in names}
        self.entries = {name: dtypes.entry(header.shape, header.dtype) for name, header in self.headers.items()}

    def read_metadata(self) -> Any:
        """The metadata that `write` wrote; its size is checked before it is read."""
        if self.archive.getinfo(METADATA).file_size > metadata.MOST_BYTES:
            raise CheckpointError(f"{self.path}: its {METADATA} is larger than {metadata.MOST_BYTES} bytes")
        with self.archive.open(METADATA) as entry:
            return metadata.read(self.path, entry.read(metadata.MOST_BYTES + 1))[0]

    def header(self, name: str) -> Npy:
        """The header of an entry; CheckpointError if the entry does not hold as many bytes as its header says."""
        if not name.endswith(".npy"):
            raise CheckpointError(f"{self.path} is not a checkpoint: its entry {name!r} is not an array")
        with self.archive.open(name) as entry:
            header = npy_header(entry, self.path, name)
        size = header.length + prod(header.shape) * header.dtype.itemsize
        if self.archive.getinfo(name).file_size != size and not header.dtype.hasobject:
            raise CheckpointError(
                f"{self.path}: {name.removesuffix('.npy')} does not hold what its header says: "
                f"{header.shape} {header.dtype}"
            )
        return header

    def read(self, name: str) -> Array:
        """The array of this name."""
        shape, dtype, fortran, length = self.headers[name]
        size = prod(shape) * dtype.itemsize
        with self.archive.open(f"{name}.npy") as entry:
            entry.read(length)
            data = entry.read(size + 1)  # one more byte: reaching the end checks the CRC
        if len(data) != size:
            raise CheckpointError(f"{self.path}: {name} has {len(data)} bytes of data, must have {size}")
        return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def npy_header(entry: IO[bytes], path: str, name: str) -> Npy:
    """The header of an .npy file, read without evaluating anything but a literal."""
    try:
        if npy.read_magic(entry) != (1, 0):  # later versions allow headers of 4 GB
            raise ValueError("unknown version")
        shape, fortran, dtype = npy.read_array_header_1_0(entry)
        if min(shape, default=0) < 0:
            raise ValueError(f"its shape is {shape}")
    except Exception as error:
        raise CheckpointError(f"{path}: {name} is not an array: {error}") from None
    return Npy(shape, dtype, fortran, entry.tell())
