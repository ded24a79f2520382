"""Files compressed with gzip or xz: told by their first bytes, unpacked in pieces."""

from contextlib import contextmanager

from .files import DataError, reading

__all__ = ["KINDS", "compression", "read_at_most", "unpacked", "unpacked_start"]

KINDS = {  # the first bytes: (name, program that unpacks it, no file holds more than this many times its length)
    b"\x1f\x8b": ("gzip", "gunzip", 1032),
    b"\xfd7zXZ\0": ("xz", "unxz", 7100),  # a match of 273 bytes is 14 binary decisions of 0.022 bits
}
MOST_MEMORY = 128 << 20  # for unpacking xz; `xz -9` needs half of it
CHUNK = 1 << 20


def compression(start):
    """(name, program that unpacks it, largest ratio) of a file that begins with these bytes; None if not compressed."""
    return next((kind for magic, kind in KINDS.items() if start.startswith(magic)), None)


@contextmanager
def unpacked(path, file, name):
    """The contents of an open file as a stream with read(size); `name` is that of its compression."""
    if name == "xz":
        yield XzStream(path, file)
        return
    import gzip  # the standard library's own import of it is slow, and few programs read compressed files

    with gzip.GzipFile(fileobj=file) as stream:
        yield stream


def unpacked_start(path, name, count):
    """The first bytes of the contents of a compressed file."""
    with reading(path) as file, unpacked(path, file, name) as stream:
        return bytes(read_at_most(stream, count))


def read_at_most(stream, size):
    """Up to ``size`` bytes; memory grows with what is there, not with what was asked for."""
    data = bytearray()
    while len(data) < size:
        chunk = stream.read(min(CHUNK, size - len(data)))
        if not chunk:
            break
        data += chunk
    return data


class XzStream:
    """The contents of an .xz file. As in gzip, several streams are one, and what follows the last one is an error.

    ``lzma.LZMAFile`` passes over what follows, and allocates whatever memory a file asks for.
    """

    def __init__(self, path, file):
        try:
            import lzma
        except ImportError as error:
            raise DataError(f"{path}: is compressed with xz, which this Python lacks (its module lzma)") from error
        self._lzma, self._file, self._packed = lzma, file, b""
        self._start()

    def _start(self):
        self._decoder = self._lzma.LZMADecompressor(self._lzma.FORMAT_XZ, MOST_MEMORY)

    def read(self, size):
        """Up to ``size`` bytes; none at the end of the file."""
        data = b""
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

    def _another_stream(self):
        """Whether anything but zeros, which pad the file, follows the stream that has ended."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while not rest:
            chunk = self._file.read(CHUNK)
            if not chunk:
                return False
            rest = chunk.lstrip(b"\0")
        self._packed = rest
        self._start()
        return True
