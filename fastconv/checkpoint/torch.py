"""Files of torch.save that hold a state dict, alone or in a checkpoint, read without PyTorch.

    a zip archive (PyTorch >= 1.6)      NAME/data.pkl, NAME/data/0, NAME/data/1 ..., NAME/byteorder
    before                              five pickles (a magic number, the version, the machine, the value, the keys of
                                        the storages), then each storage: its length in 8 bytes, and its numbers

The pickles are read by `pickles`, which runs nothing.
"""

import io
import os
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np

from ..typing import Array
from . import calls, dtypes, pickles
from .errors import CheckpointError, shortened

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo  # a slow import, and many programs neither save nor load

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
MOST_PICKLE = 1 << 26  # bytes
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "module", "checkpoint")
CURE = "in PyTorch, write torch.save(model.state_dict(), 'weights.pth')"


class TorchFile:
    """A state dict; subclasses find the storages in the file."""

    metadata: Any = {}  # noqa: RUF012  (never changed) torch.save has none
    order: Literal["<", ">"]  # the byte order, "<" or ">"

    def __init__(self, path: str, value: Any) -> None:
        self.path = path
        self.tensors: dict[str, calls.Tensor] = {}
        self.entries: dict[str, dtypes.Entry] = {}
        self.last: tuple[str | None, bytes] = None, b""
        for name, tensor in state_dict(path, value).items():
            if not isinstance(name, str):
                raise CheckpointError(f"{path} has a key in its state dict that is not a name: {name!r:.50}")
            if isinstance(tensor, calls.Tensor):
                self.add(name, tensor)
            elif tensor is not None:
                cure = tensor.cure if isinstance(tensor, calls.Opaque) else ""
                self.entries[name] = dtypes.Entry((), None, f"no tensor but {kind_of(tensor)}", cure)

    def add(self, name: str, tensor: calls.Tensor) -> None:
        """Adds the entry of a tensor; CheckpointError if the tensor reaches beyond its storage."""
        steps = zip(tensor.shape, tensor.strides, strict=True)
        reach = tensor.offset + sum((extent - 1) * step for extent, step in steps)
        size = itemsize(tensor.dtype)
        if size and prod(tensor.shape) and reach >= self.elements(tensor, size):
            raise CheckpointError(f"{self.path} is damaged: {name} reaches beyond its storage")
        known = {"bfloat16": "float32"}.get(tensor.dtype, tensor.dtype if tensor.dtype in dtypes.DTYPES else None)
        given = np.dtype(known) if known else None
        self.tensors[name] = tensor
        cure = "in PyTorch, write x.resolve_conj().resolve_neg()" if tensor.dtype.startswith(calls.LAZILY) else ""
        self.entries[name] = dtypes.Entry(tensor.shape, given, tensor.dtype, cure)

    def size(self, storage: calls.Storage) -> int:
        """The bytes of a storage, as the file says."""
        raise NotImplementedError

    def contents(self, storage: calls.Storage) -> bytes:
        """The contents of a storage."""
        raise NotImplementedError

    def elements(self, tensor: calls.Tensor, size: int) -> int:
        """How many elements of the tensor's dtype its storage has; CheckpointError if the file disagrees."""
        numel = tensor.storage.numel
        given = self.size(tensor.storage)
        if given != numel * itemsize(tensor.storage.dtype):
            raise CheckpointError(f"{self.path} is damaged: a storage has {given} bytes for {numel} numbers")
        return given // size

    def dtype(self, tensor: calls.Tensor) -> np.dtype[Any]:
        """NumPy's dtype, in the byte order of the file."""
        return np.dtype({"bfloat16": "uint16"}.get(tensor.dtype, tensor.dtype)).newbyteorder(self.order)

    def read(self, name: str) -> Array:
        """The array of this name, a view of its storage; bfloat16 becomes float32."""
        tensor = self.tensors[name]
        dtype = self.dtype(tensor)
        values = np.frombuffer(self.storage(tensor.storage), dtype)[tensor.offset :]
        strides = [step * dtype.itemsize for step in tensor.strides]
        if not prod(tensor.shape):
            values = np.empty(tensor.shape, dtype)
        else:
            values = np.lib.stride_tricks.as_strided(values, tensor.shape, strides)
        return dtypes.widened(values) if tensor.dtype == "bfloat16" else values

    def storage(self, storage: calls.Storage) -> bytes:
        """The contents of a storage; the last one is cached for tensors that share it."""
        if self.last[0] != storage.key:
            data = self.contents(storage)
            if len(data) != self.size(storage):  # views may reach to its end
                raise CheckpointError(f"{self.path} is damaged: a storage has {len(data)} bytes")
            self.last = storage.key, data
        return self.last[1]


def itemsize(dtype: str) -> int:
    """bytes per element of a dtype that PyTorch names; 0 if it is unknown."""
    sizes = {"bfloat16": 2, "bytes": 1, "complex64": 8, "complex128": 16, "qint8": 1, "quint8": 1, "qint32": 4}
    if dtype.startswith("float8"):
        return 1
    return sizes.get(dtype) or (np.dtype(dtype).itemsize if dtype in dtypes.DTYPES else 0)


def state_dict(path: str, value: Any) -> dict[Any, Any]:
    """The dict of tensors: what the value holds under one of the usual keys, or its only dict of tensors, or itself.

    A dict inside the value counts as the state dict if it has more tensors than the value has itself: a checkpoint may
    have tensors of its own (the loss, the state of random number generators).
    """
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds {kind_of(value)}, not a dict of named tensors; {CURE}")
    found = tensors_in(value)
    inner = [key for key, part in value.items() if isinstance(part, dict) and tensors(part) > tensors(value)]
    if found is not None and (found is not value or not inner):
        return found
    if len(inner) == 1:
        only: dict[Any, Any] = value[inner[0]]
        return only
    choice = f"several dicts of tensors ({shortened(list(map(repr, inner)))})" if inner else "no tensors"
    raise CheckpointError(f"{path} holds {choice}; {CURE}")


def tensors_in(value: dict[Any, Any], depth: int = 3) -> dict[Any, Any] | None:
    """The dict of tensors under one of the usual keys of a dict, else the dict itself; None if it has no tensors."""
    for key in WRAPPERS if depth else ():
        part = value.get(key)
        found = tensors_in(part, depth - 1) if isinstance(part, dict) else None
        if found is not None:
            return found
    return value if tensors(value) else None


def tensors(part: dict[Any, Any]) -> int:
    """The number of tensors among the values, those that cannot be read too."""
    values = part.values()
    return sum(
        isinstance(value, calls.Tensor) or (isinstance(value, calls.Opaque) and value.cure != "") for value in values
    )


def kind_of(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, calls.Opaque):
        return value.what
    return {"Tensor": "a single tensor", "NoneType": "None"}.get(type(value).__name__, f"a {type(value).__name__}")


class TorchZip(TorchFile):
    """What torch.save writes since PyTorch 1.6."""

    def __init__(self, path: str, archive: "ZipFile", length: int) -> None:
        self.path, self.archive, self.length = path, archive, length
        names = archive.namelist()
        pickled = next(name for name in names if is_pickle(name))
        self.root = pickled.removesuffix("data.pkl")
        if f"{self.root}constants.pkl" in names:
            raise CheckpointError(f"{path} is a TorchScript program, not a state dict; {CURE}")
        order = self.entry(f"{self.root}byteorder", 16) if f"{self.root}byteorder" in names else b"little"
        if order not in (b"little", b"big"):
            raise CheckpointError(f"{path} is damaged: its byte order is {order!r}")
        self.order = "<" if order == b"little" else ">"
        super().__init__(path, pickles.load(path, io.BytesIO(self.entry(pickled, MOST_PICKLE)))[0])

    def info(self, name: str) -> "ZipInfo":
        """The zip entry; refused if it is compressed, because nothing then bounds its size."""
        try:
            info = self.archive.getinfo(name)
        except KeyError:
            raise CheckpointError(f"{self.path} is damaged: it has no {name}") from None
        import zipfile

        stored = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
        if not stored or info.file_size > self.length:
            raise CheckpointError(f"{self.path}: {name} is compressed, or larger than the file")
        return info

    def entry(self, name: str, most: int) -> bytes:
        """The contents of an entry; CheckpointError if it has more than `most` bytes."""
        info = self.info(name)
        if info.file_size > most:
            raise CheckpointError(f"{self.path}: {name} has more than {most} bytes")
        return self.archive.read(info)

    def size(self, storage: calls.Storage) -> int:
        """The size of the storage's entry."""
        return self.info(f"{self.root}data/{storage.key}").file_size

    def contents(self, storage: calls.Storage) -> bytes:
        """The bytes of the storage's entry."""
        return self.archive.read(self.info(f"{self.root}data/{storage.key}"))


def is_pickle(name: str) -> bool:
    """Whether an entry of a zip archive is the pickle of `torch.save`: NAME/data.pkl."""
    return name == "data.pkl" or (name.count("/") == 1 and name.endswith("/data.pkl"))


class TorchLegacy(TorchFile):
    """What torch.save wrote before, and still does with `_use_new_zipfile_serialization=False`."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path, self.file = path, file
        file.seek(0)
        stream = Bounded(file)
        (magic, _), (version, _), (machine, _), (value, storages), (keys, _) = (
            pickles.load(path, stream) for _ in range(5)
        )
        if magic != MAGIC or version != VERSION or not isinstance(machine, dict) or not isinstance(keys, list):
            raise CheckpointError(f"{path} is damaged, or of an unknown version of torch.save")
        self.order = "<" if machine.get("little_endian", True) else ">"
        self.places = dict(self.find(keys, storages, stream.length))
        super().__init__(path, value)

    def find(
        self, keys: list[str], storages: dict[str, calls.Storage], length: int
    ) -> Iterator[tuple[str, tuple[int, int]]]:
        """Each storage's key, where its numbers begin, and their size in bytes."""
        for key in keys:
            storage = storages[key]
            numel = int.from_bytes(self.file.read(8), self.byte_order())
            start, size = self.file.tell(), numel * itemsize(storage.dtype)
            if numel != storage.numel or start + size > length:
                raise CheckpointError(
                    f"{self.path} is damaged: a storage has {numel} numbers, must have {storage.numel}"
                )
            yield key, (start, size)
            self.file.seek(start + size)

    def byte_order(self) -> Literal["little", "big"]:
        """The byte order, as `int.from_bytes` takes it."""
        return "little" if self.order == "<" else "big"

    def place(self, storage: calls.Storage) -> tuple[int, int]:
        """Where the numbers of a storage begin, and their size in bytes."""
        if storage.key not in self.places:
            raise CheckpointError(f"{self.path} is damaged: it has no storage {storage.key}")
        return self.places[storage.key]

    def size(self, storage: calls.Storage) -> int:
        """The size that the file says before the numbers."""
        return self.place(storage)[1]

    def contents(self, storage: calls.Storage) -> bytes:
        """The bytes from the place of the storage."""
        start, size = self.place(storage)
        self.file.seek(start)
        return self.file.read(size)


class Bounded:
    """A stream for `pickletools` that never asks the file for more bytes than are left."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.length = os.fstat(file.fileno()).st_size
        self.most = min(self.length, MOST_PICKLE)

    def left(self) -> int:
        """The bytes that may still be read."""
        return max(self.most - self.file.tell(), 0)

    def read(self, count: int) -> bytes:
        """Up to `count` bytes, as far as there are any."""
        return self.file.read(min(count, self.left()))

    def readline(self) -> bytes:
        """A line, or its start if it is longer than the limit."""
        return self.file.readline(self.left())

    def tell(self) -> int:
        """The position in the file."""
        return self.file.tell()
