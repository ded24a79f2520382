"""IDX, the format of MNIST and Fashion-MNIST: a magic number, the sizes, then the elements, big-endian.

    byte 0, 1        0, 0
    byte 2           the type of the elements (``TYPES``)
    byte 3           the number of dimensions, D
    4 D bytes        the sizes, each an unsigned 32-bit number
    the rest         the elements, in row-major order

A file may be compressed with gzip or xz. Nothing that a file says is believed before it is compared with the file.
"""

import math
import os
import zlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..system.files import AnyPath
from ..system.paths import check_type
from ..system.replace import replacing
from ..typing import Array, Shape
from .compressed import Readable, compression, read_at_most, unpacked
from .files import DataError, named, reading

__all__ = ["is_idx", "read_idx", "write_idx"]

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 8


def is_idx(start: bytes) -> bool:
    """Whether an IDX file can begin with these bytes; two zeros are not enough: icons and films have them too."""
    return len(start) >= 4 and start[:2] == b"\0\0" and start[2] in TYPES and 1 <= start[3] <= MOST_DIMENSIONS


def read_idx(path: AnyPath, *, max_bytes: int = 2**31) -> Array:
    """Read an array from an IDX file, plain or compressed with gzip or xz.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file; its first bytes, not its name, say whether it is compressed.
    max_bytes : int
        Size of the largest array accepted, in bytes (2 GiB by default).

    Returns
    -------
    numpy.ndarray
        A fresh writable array in native byte order, of the shape and type that the file declares: uint8,
        int8, int16, int32, float32 or float64.

    Raises
    ------
    DataError
        If the file is missing or not an ordinary file, has another magic number, declares more than
        ``max_bytes``, holds fewer or more bytes than it declares, or does not decompress. Sizes are checked
        before anything of that size is allocated: in a plain file against its length, in a compressed file
        against the most that its length can hold; decompression stops at the declared size.

    Examples
    --------
    >>> import tempfile
    >>> from fastconv.data import read_idx, write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(f"{folder}/small.gz", np.arange(6, dtype=np.uint8).reshape(2, 3))
    ...     read_idx(f"{folder}/small.gz")
    array([[0, 1, 2],
           [3, 4, 5]], dtype=uint8)
    """
    with reading(path) as file:
        length = os.fstat(file.fileno()).st_size
        kind = compression(file.read(8))
        file.seek(0)
        if kind is None:
            return read_array(path, file, length, length, max_bytes)
        name, _, ratio = kind
        with unpacked(path, file, name) as stream:
            return read_array(path, stream, None, length * ratio, max_bytes)


def read_array(path: object, stream: Readable, exactly: int | None, at_most: int, max_bytes: int) -> Array:
    """Header, checks, then the elements. ``exactly`` is a plain file's length, None for a compressed one."""
    dtype, shape, header = read_header(path, stream)
    size = math.prod(shape) * dtype.itemsize
    said = f"{path}: declares {' x '.join(map(str, shape))} elements of {dtype.itemsize} bytes"
    if math.prod(max(extent, 1) for extent in shape) * dtype.itemsize > max_bytes:
        raise DataError(f"{said}, more than the {max_bytes} bytes accepted")
    if exactly is not None and header + size != exactly:
        raise DataError(f"{said}, so its length must be {header + size} bytes, not {exactly}")
    if header + size > at_most:
        raise DataError(f"{said}, more than a compressed file of this length can hold")
    elements = read_at_most(stream, size + 1)
    if len(elements) != size:
        raise DataError(f"{said}, so {size} bytes must follow its header, not {amount(len(elements), size)}")
    array = np.frombuffer(elements, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def amount(found: int, size: int) -> str | int:
    """The number of bytes found; "more" if there are more than were looked for."""
    return "more" if found > size else found


def read_header(path: object, stream: Readable) -> tuple[np.dtype[Any], Shape, int]:
    """The dtype, the shape, and the length of the header in bytes."""
    magic = read_at_most(stream, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise DataError(f"{path}: not an IDX file: it starts with {magic.hex(' ') or 'nothing'}")
    dimensions = magic[3]
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise DataError(f"{path}: declares {dimensions} dimensions; 1 to {MOST_DIMENSIONS} are accepted")
    sizes = read_at_most(stream, 4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path}: ends inside its header of {4 + 4 * dimensions} bytes")
    return np.dtype(TYPES[magic[2]]), tuple(map(int, np.frombuffer(sizes, ">u4"))), 4 + 4 * dimensions


def write_idx(path: AnyPath, array: ArrayLike) -> None:
    """Write an array as an IDX file, compressed where the name ends in ``.gz``.

    The same array gives the same bytes on every run: the compressed file carries neither a name nor a time.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file, which is overwritten once the new one is whole; it keeps its permissions.
    array : array_like
        uint8, int8, int16, int32, float32 or float64, of 1 to 8 dimensions, each below 2^32.

    Raises
    ------
    TypeError
        If the format has no such type, or the array is masked.
    DataError
        If the path is no ordinary file: a folder, a pipe, a device.
    ValueError
        If the array has no or too many dimensions, or an extent of 2^32 or more.

    Examples
    --------
    >>> from fastconv.data import write_idx
    >>> write_idx("labels-idx1-ubyte", np.array([1 + 2j]))
    Traceback (most recent call last):
        ...
    TypeError: array: IDX has no type for complex128; it has uint8, int8, int16, int32, float32, float64
    """
    check_order(path, array)
    path, array = named(path), np.asarray(array)
    codes = {np.dtype(kind).newbyteorder("="): code for code, kind in TYPES.items()}
    code = codes.get(array.dtype.newbyteorder("="))
    if code is None:
        names = ", ".join(str(dtype) for dtype in codes)
        raise TypeError(f"array: IDX has no type for {array.dtype}; it has {names}{way(array)}")
    if not 1 <= array.ndim <= MOST_DIMENSIONS:
        raise ValueError(f"array: must have 1 to {MOST_DIMENSIONS} dimensions, got {array.ndim}")
    if max(array.shape) >= 2**32:
        raise ValueError(f"array: every extent must be below 2^32, got {array.shape}")
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    content = header + array.astype(TYPES[code], copy=False).tobytes()
    with replacing(path, DataError) as file:
        file.write(compress(content) if path.suffix == ".gz" else content)


def check_order(path: object, array: object) -> None:
    """TypeError or ValueError if the arguments are in another order, masked, or to be compressed with xz."""
    if isinstance(array, str | os.PathLike):
        raise TypeError(f"path comes before array: write write_idx({os.fspath(array)!r}, array)")
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("array: IDX has no masks; write array.filled(0)")
    check_type(path)
    if isinstance(path, str | os.PathLike) and os.fsdecode(path).endswith(".xz"):
        name = os.fsdecode(path)
        raise ValueError(f"path: IDX is written plain or with gzip, got {name!r}; write {name[:-3] + '.gz'!r}")


def way(array: Array) -> str:
    """'; write ...' with a type of the format that holds the same values; '' if there is none."""
    if array.dtype.kind == "f":
        return "; write numpy.asarray(array, 'float32')"
    if array.dtype.kind not in "biu":
        return ""
    least, most = (int(array.min()), int(array.max())) if array.size else (0, 0)
    fits = [dtype for dtype in ("uint8", "int32") if np.iinfo(dtype).min <= least and most <= np.iinfo(dtype).max]
    return f"; write numpy.asarray(array, {fits[0]!r})" if fits else ""


def compress(content: bytes) -> bytes:
    """gzip without name and time, by zlib alone: the headers of ``gzip.compress`` differ between Pythons."""
    stream = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return stream.compress(content) + stream.flush()
