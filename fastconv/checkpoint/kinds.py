"""The format of a file: its first bytes decide when it is read, its suffix when it is written."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from ..system.files import open_regular
from ..typing import Array
from .dtypes import Entry
from .errors import CheckpointError, blamed_on, shortened
from .folders import WEIGHTS, folder_cure
from .hdf5 import INSIDE, Hdf5File, inside
from .hdf5 import MAGIC as HDF5
from .npz import METADATA, NpzFile, open_archive
from .safetensors import SUFFIX as SAFETENSORS
from .safetensors import SafetensorsFile
from .torch import MAGIC, TorchLegacy, TorchZip, is_pickle

if TYPE_CHECKING:
    from zipfile import ZipFile  # a slow import, and many programs neither save nor load

FEWEST = 8  # bytes from which text is told from numbers
START = 512  # bytes, enough for every kind below
LEGACY = re.compile(rb"(?s)\x80[\x02-\x05](\x95.{8})?\x8a\x0a" + re.escape(MAGIC.to_bytes(10, "little")))
FROM_NUMPY = "write its arrays with numpy.savez('weights.npz', **arrays)"
UNPACK = "unpack it first"
AGAIN = "download it again"

IF_TRUSTED = "if you trust it, open it in Python and write its arrays with numpy.savez('weights.npz', **arrays)"

STARTS = (  # first bytes of files in formats that are not read
    (b"\x93NUMPY", "an .npy file, one array without a name", FROM_NUMPY),
    (b"GGUF", "a GGUF file of quantised weights", "convert the original .safetensors"),
    (b"\x1f\x8b", "compressed with gzip", UNPACK),
    (b"BZh", "compressed with bzip2", UNPACK),
    (b"\xfd7zXZ\0", "compressed with xz", UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", UNPACK),
    (b"x\x9c", "compressed with zlib, as joblib writes", IF_TRUSTED),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!", "a rar archive", UNPACK),
    (b"MATLAB 5.0", "a MATLAB file", FROM_NUMPY),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "run git lfs pull"),
    (b"\x89PNG", "a picture", ""),
    (b"\xff\xd8\xff", "a picture", ""),
    (b"%PDF", "a PDF document", ""),
)
PATTERNS = (  # first bytes of other formats that are not read, as regular expressions
    (rb"(?s)\0\0[\x08\x09\x0b-\x0e][\x01-\x08]", "IDX, a data set", "read it with fastconv.data.read_idx"),
    (rb"(?s).{4}TFL3", "TensorFlow Lite", FROM_NUMPY),
    (rb"(?s).{257}ustar", "a tar archive", UNPACK),
    (rb"(?i)\s*<(!doctype|html|\?xml)", "a page of HTML or XML, perhaps the error page of a server", AGAIN),
    (rb"\s*[{\[]\s*[\"\[{]", "JSON text", "load the .safetensors file that belongs to it"),
    (rb"\x08\x01\x12", "a SavedModel of TensorFlow", FROM_NUMPY),
    (rb"\x08[\x02-\x20](\x12|\x1a|:|B)", "ONNX", "write its initializers with numpy.savez"),
)
PICKLES = re.compile(rb"\x80[\x02-\x05]|\(?[ci][\w.]+\n[\w.]+\n[(p)q.]|\([dl]p\d|[\]}]q\0|\(dq\0")
A_PICKLE = ("a pickle, which runs code when it is read", IF_TRUSTED)


class Reader(Protocol):
    """An open file of weights."""

    path: str
    metadata: Any
    entries: dict[str, Entry]

    def read(self, name: str) -> Array:
        """The array of this name."""


@contextmanager
def open_weights(path: str) -> Iterator[Reader]:
    """A reader for the file's format, with `metadata`, `entries` (name -> Entry) and `read(name)`."""
    if os.path.isdir(path):
        raise CheckpointError(f"{path} is not a regular file but a folder; {folder_cure(path)}")
    with existing(path) as file:
        with blamed_on(path):
            reader = reader_of(path, file)
        yield reader


def existing(path: str) -> BinaryIO:
    """The file, open for reading; if there is none, the error names the one that may have been meant."""
    try:
        return open_regular(path, CheckpointError)
    except FileNotFoundError as error:
        near = [path + suffix for suffix in WEIGHTS if os.path.isfile(path + suffix)]
        cure = f", but there is {near[0]}: write load({near[0]!r})" if near else ""
        raise FileNotFoundError(error.errno, f"{error.strerror}{cure}", path) from None


def reader_of(path: str, file: BinaryIO) -> Reader:
    """The reader that the first bytes of a file ask for; CheckpointError if the file holds no weights."""
    length = os.fstat(file.fileno()).st_size  # 0 for files that hold nothing on disk, as in /proc
    start = file.read(START) if length else b""
    if not start:
        raise CheckpointError(f"{path} is empty, not a checkpoint")
    if start[8:9] == b"{":
        return SafetensorsFile(path, file)
    if LEGACY.match(start):
        return TorchLegacy(path, file)
    if start.startswith(HDF5):
        return Hdf5File(path, file)
    if start.startswith(b"PK"):
        return archive_of(path, open_archive(path, file), length)
    raise not_weights(path, *kind_of(start))


def kind_of(start: bytes) -> tuple[str, str]:
    """(the format of a file with these first bytes, what to do)."""
    for magic, what, cure in STARTS:
        if start.startswith(magic):
            return what, cure
    for pattern, what, cure in PATTERNS:
        if re.match(pattern, start):
            return what, cure
    if PICKLES.match(start):
        return A_PICKLE
    if is_text(start):
        return f"text, and begins with {start[:40].decode(errors='replace')!r}", ""
    return f"of an unknown kind (its first bytes are {start[:8].hex(' ')})", ""


def is_text(start: bytes) -> bool:
    """Whether these bytes are those of a text of more than a few letters."""
    words = start.decode(errors="ignore").split()  # a letter may be cut at the end
    return len(start) > FEWEST and b"\0" not in start and all(word.isprintable() for word in words)


def not_weights(path: str, what: str, cure: str) -> CheckpointError:
    """The error for a file of another format."""
    cure = f"; {cure}" if cure else ""
    return CheckpointError(
        f"{path} is {what}: not a checkpoint (an .npz, .safetensors, PyTorch .pth or Keras .h5 file){cure}"
    )


def archive_of(path: str, archive: "ZipFile", length: int) -> Reader:
    """The reader for a zip archive, chosen by the names of its entries."""
    names = archive.namelist()
    if INSIDE in names:
        return Hdf5File(path, inside(path, archive, length))
    if any(is_pickle(name) for name in names):
        return TorchZip(path, archive, length)
    if names and not any(name == METADATA or name.endswith(".npy") for name in names):
        raise not_weights(path, f"a zip archive of other things ({shortened(names)})", UNPACK)
    return NpzFile(path, archive)


# Suffixes.

PYTORCH = "which is not supported; write {stem}.safetensors, which safetensors.torch.load_file reads"
PACKED = "but checkpoints are not compressed; write {stem}.npz"
OTHER = "which is not supported; write {stem}.npz or {stem}.safetensors"
MISSPELT = "so write {stem}.safetensors"
SUFFIXES = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".pt2", ".torch"), ("PyTorch's format", PYTORCH)),
    **dict.fromkeys((".h5", ".hdf5", ".hdf", ".keras"), ("the format of Keras (HDF5)", OTHER)),
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".dill"), ("a pickle", OTHER)),
    **dict.fromkeys((".pb", ".tflite"), ("a format of TensorFlow", OTHER)),
    **dict.fromkeys((".json", ".yaml", ".yml", ".txt", ".csv"), ("text", OTHER)),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".pdf"), ("a picture or a document", OTHER)),
    ".py": ("a program", OTHER),
    ".onnx": ("the format of ONNX", OTHER),
    ".npy": ("NumPy's format of a single array", OTHER),
    ".gguf": ("the format GGUF", OTHER),
    ".mat": ("MATLAB's format", OTHER),
    ".msgpack": ("the format of Flax", OTHER),
    ".pdparams": ("the format of Paddle", OTHER),
    **dict.fromkeys((".tar", ".tgz"), ("an archive of files", OTHER)),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst", ".lzma"), ("a compressed file", PACKED)),
}


def suffix_to_write(path: str) -> str:
    """.safetensors or .npz; ValueError for a suffix that means another format."""
    stem, suffix = os.path.splitext(path)
    means, cure = meaning(suffix.lower())
    if means:
        if stem.lower().endswith((".npz", SAFETENSORS)):
            stem = os.path.splitext(stem)[0]
        cure = cure.format(stem=stem)
        raise ValueError(f"path must end in .npz or {SAFETENSORS}, got {path!r}: {suffix} means {means}, {cure}")
    return SAFETENSORS if suffix.lower() == SAFETENSORS else ".npz"


def meaning(suffix: str) -> tuple[str, str]:
    """(the other format that a suffix means, what to do); ('', '') if it means none."""
    from difflib import get_close_matches  # a slow import, which few names need

    if suffix != SAFETENSORS and get_close_matches(suffix, [SAFETENSORS], cutoff=0.8):
        return f"no format, but is nearly {SAFETENSORS}", MISSPELT
    return SUFFIXES.get(suffix, ("", ""))
