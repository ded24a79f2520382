"""Files as `torch.save` writes them, made by hand: the archive, and the instructions of its pickle."""

import struct
import zipfile

import numpy as np


def written(path, pickled, storages=(), order=b"little", **changes):
    """A zip archive as torch.save writes it, around this pickle."""
    with zipfile.ZipFile(path, "w", **changes) as archive:
        archive.writestr("x/data.pkl", pickled)
        archive.writestr("x/byteorder", order)
        for key, data in dict(storages).items():
            archive.writestr(f"x/data/{key}", data)
    return path


def number(n):
    return f"I{n}\n".encode()


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def many(*parts):
    return b"(" + b"".join(parts) + b"t"


def tensor(kind="FloatStorage", key="0", numel=3, offset=0, shape=(3,), strides=(1,)):
    """The instructions with which PyTorch writes a tensor."""
    storage = many(text("storage"), f"ctorch\n{kind}\n".encode(), text(key), text("cpu"), number(numel)) + b"Q"
    shape, strides = (many(*map(number, part)) for part in (shape, strides))
    arguments = many(storage, number(offset), shape, strides, b"\x89", b"ccollections\nOrderedDict\n)R")
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"


def state(**tensors):
    return b"\x80\x02}(" + b"".join(text(name) + tensor for name, tensor in tensors.items()) + b"u."


THREE = np.arange(1, 4, dtype="<f4").tobytes()
