"""Files of Keras in the HDF5 format, read by h5py: `.weights.h5` and `.keras` of Keras 3, and `.h5` of all versions.

Names are those that Keras shows in `v.path`, such as "conv1/kernel". HDF5 lets a file name other files, cycles of
groups and numbers that are stored nowhere. Only what lies whole and uncompressed inside the file is read.
"""

import io
import os
import re
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..system.extras import MissingPackage, needed
from ..typing import Array
from . import dtypes
from .errors import CheckpointError

if TYPE_CHECKING:
    from zipfile import ZipFile  # a slow import, and many programs neither save nor load

__all__ = ["INSIDE", "MAGIC", "Hdf5File", "inside"]

MAGIC = b"\x89HDF\r\n\x1a\n"
INSIDE = "model.weights.h5"  # the entry of a .keras file
MOST_OBJECTS, MOST_DEPTH = 100_000, 16
LEFT_OUT = ("optimizer", "optimizer_weights", "seed_generator")  # groups that hold no weights of a network
NUMBERED = re.compile(r"(?:(?P<place>.*)/)?(?P<kind>[a-z0-9_]+?)(?:_\d+)?/vars")  # a group of Keras 3
NORM = ("gamma", "beta", "moving_mean", "moving_variance")
ENDS = {  # the arrays of a layer of Keras 3 in order, which its file only numbers
    **dict.fromkeys(("conv2d", "dense", "depthwise_conv2d", "conv2d_transpose"), ("kernel", "bias")),
    "batch_normalization": NORM,
    "normalization": ("mean", "variance", "count"),
}
CURE = "in Keras, write model.save_weights('weights.weights.h5')"


def library(path: str) -> Any:
    """The package h5py; CheckpointError if it is not installed."""
    try:
        return needed("h5py", path, "h5py")
    except MissingPackage as error:
        raise CheckpointError(str(error)) from None


def inside(path: str, archive: "ZipFile", length: int) -> BinaryIO:
    """The HDF5 file in a .keras file; CheckpointError if it is compressed, because nothing then bounds its size."""
    info = archive.getinfo(INSIDE)
    if info.compress_type or info.file_size > length:
        raise CheckpointError(f"{path}: {INSIDE} is compressed, or larger than the file")
    return io.BytesIO(archive.read(info))


class Hdf5File:
    """A file of Keras; its metadata are {}."""

    metadata: Any = {}  # noqa: RUF012  (never changed)

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path = path
        self.length = file.seek(0, os.SEEK_END)
        self.h5py = library(path)
        self.file = self.h5py.File(file, "r")
        self.arrays = {name: self.checked(name, data) for name, data in self.found()}
        self.entries = {name: dtypes.entry(data.shape, data.dtype) for name, data in self.arrays.items()}

    def found(self) -> "list[tuple[str, Any]]":
        """(name, array) of all arrays of the network; hard links alone are followed, each group once."""
        waiting, seen, arrays = [("", self.file)], {self.h5py.h5o.get_info(self.file.id).addr}, []
        while waiting:
            at, group = waiting.pop()
            for key in group:
                name = f"{at}/{key}" if at else key
                if not at and key in LEFT_OUT:
                    continue
                if not isinstance(group.get(key, getlink=True), self.h5py.HardLink):
                    raise CheckpointError(f"{self.path}: {name} is a link to another place or file; {CURE}")
                value = group[key]
                if isinstance(value, self.h5py.Dataset):
                    arrays.append((named(name, group), value))
                    continue
                address = self.h5py.h5o.get_info(value.id).addr
                if address in seen or len(seen) > MOST_OBJECTS or name.count("/") > MOST_DEPTH:
                    raise CheckpointError(f"{self.path} is damaged: its groups lie in each other, or are too many")
                seen.add(address)
                if isinstance(value, self.h5py.Group):
                    waiting.append((name, value))
        if len(dict(arrays)) != len(arrays):
            raise CheckpointError(f"{self.path} is not a checkpoint: two of its arrays have the same name")
        return arrays

    def checked(self, name: str, data: Any) -> Any:
        """The array of a file, if its numbers lie in the file as they are; else CheckpointError.

        What holds no numbers, such as text, is never read.
        """
        if data.dtype.hasobject:
            return data
        if data.shape is None:
            raise CheckpointError(f"{self.path}: {name} has no shape")
        size, plan = prod(data.shape) * data.dtype.itemsize, data.id.get_create_plist()
        where = data.id.get_offset() if size else 0
        whole = plan.get_layout() == self.h5py.h5d.CONTIGUOUS and not plan.get_nfilters()
        if not whole or plan.get_external_count():
            raise CheckpointError(f"{self.path}: {name} is compressed, in pieces or in another file; {CURE}")
        if where is None or data.id.get_storage_size() != size or where + size > self.length:
            raise CheckpointError(f"{self.path} is damaged: {name} reaches beyond its end")
        return data

    def read(self, name: str) -> Array:
        """The array of this name."""
        return np.asarray(self.arrays[name][()])


def named(name: str, group: Any) -> str:
    """The name that Keras shows: layers/conv2d_3/vars/0 is "conv1/kernel" where its group has the name conv1."""
    name = name.removeprefix("model_weights/")
    match = NUMBERED.fullmatch(name.rpartition("/")[0])
    layer = group.attrs.get("name") if match else None
    if match is None or not isinstance(layer, str):
        return name
    ends, number = ENDS.get(match["kind"], ()), name.rpartition("/")[2]
    known = number.isdecimal() and int(number) < len(ends) and (ends != NORM or len(group) == len(NORM))
    return f"{layer}/{ends[int(number)] if known else number}"
