"""Files compressed with gzip or xz: recognised by their first bytes, unpacked in pieces."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from .files import DataError, reading

__all__ = ["KINDS", "compression", "read_at_most", "unpacked", "unpacked_start"]

Kind: TypeAlias = tuple[str, str, int]  # name, program that unpacks it, largest ratio of contents to file

KINDS: dict[bytes, Kind] = {  # by the first bytes
    b"\x1f\x8b": ("gzip", "gunzip", 1032),
    b"\xfd7zXZ\0": ("xz", "unxz", 7100),  # a match of 273 bytes is 14 binary decisions of 0.022 bits
}
MOST_MEMORY = 128 << 20  # for unpacking xz; `xz -9` needs half of it
CHUNK = 1 << 20


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


def compression(start: bytes) -> Kind | None:
    """(name, program that unpacks it, largest ratio) of a file that begins with these bytes; None if not compressed."""
    return next((kind for magic, kind in KINDS.items() if start.startswith(magic)), None)


@contextmanager
def unpacked(path: object, file: BinaryIO, name: str) -> Iterator[Readable]:
    """The contents of an open file as a stream; `name` is the name of its compression."""
    if name == "xz":
        yield XzStream(path, file)
        return
    import gzip  # a slow import, and few programs read compressed files

    with gzip.GzipFile(fileobj=file) as stream:
        yield stream


def unpacked_start(path: Path, name: str, count: int) -> bytes:
    """The first bytes of the contents of a compressed file."""
    with reading(path) as file, unpacked(path, file, name) as stream:
        return bytes(read_at_most(stream, count))


def read_at_most(stream: Readable, size: int) -> bytearray:
    """Up to ``size`` bytes; memory grows with what the stream holds, not with ``size``."""
    data = bytearray()
    while len(data) < size:
        chunk = stream.read(min(CHUNK, size - len(data)))
        if not chunk:
            break
        data += chunk
    return data


class XzStream:
    """The contents of an .xz file. As in gzip, several streams are read as one; other bytes after them are an error.

    ``lzma.LZMAFile`` ignores such bytes, and allocates as much memory as a file asks for.
    """

    def __init__(self, path: object, file: BinaryIO) -> None:
        try:
            import lzma
        except ImportError as error:
            raise DataError(f"{path}: is compressed with xz, which this Python lacks (its module lzma)") from error
        self._lzma: Any = lzma
        self._file, self._packed = file, b""
        self._start()

    def _start(self) -> None:
        """Begin a new xz stream."""
        self._decoder = self._lzma.LZMADecompressor(self._lzma.FORMAT_XZ, MOST_MEMORY)

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end of the file."""
        data: bytes = b""
        while size and not data:
            if self._decoder.eof and not self._another_stream():
                break
            if self._decoder.needs_input and not self._packed:
                self._packed = self._file.read(CHUNK)
                if not self._packed:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
            packed, self._packed = self._packed, b""
            try:
                data = self._decoder.decompress(packed, size)
            except self._lzma.LZMAError as error:
                raise OSError(str(error)) from error
        return data

    def _another_stream(self) -> bool:
        """Whether the stream that has ended is followed by anything but zeros, which pad the file."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while not rest:
            chunk = self._file.read(CHUNK)
            if not chunk:
                return False
            rest = chunk.lstrip(b"\0")
        self._packed = rest
        self._start()
        return True
