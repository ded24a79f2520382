"""A picture from standard input, as a file that the readers of `fastconv.data` can open."""

import sys
from contextlib import ExitStack
from pathlib import Path

from ..data import DataError

__all__ = ["NAME", "StandardInput"]

NAME = "standard input"
MOST_BYTES = 1 << 31
CHUNK = 1 << 20


class StandardInput(ExitStack):
    """Standard input, read when it is first wanted, into a temporary file that the end of the block removes."""

    path: Path | None = None

    def file(self) -> Path:
        """The file with what standard input holds; DataError if that cannot be read."""
        if self.path is None:
            self.path = self.read()
        return self.path

    def read(self) -> Path:
        """Copy standard input into a file."""
        import tempfile  # a slow import, and few commands read standard input

        if sys.stdin is None or sys.stdin.closed:
            raise DataError(f"{NAME}: is closed")
        if sys.stdin.isatty():
            raise DataError(f"{NAME}: is a terminal; give it a file: fastconv predict MODEL - < FILE")
        path = Path(self.enter_context(tempfile.TemporaryDirectory())) / "stdin"
        try:
            with path.open("wb") as file:
                while chunk := sys.stdin.buffer.read(CHUNK):
                    file.write(chunk)
                    if file.tell() > MOST_BYTES:
                        raise DataError(f"{NAME}: holds more than {MOST_BYTES:,} bytes")
        except OSError as error:
            raise DataError(f"{NAME}: cannot be read: {error.strerror or error}") from error
        return path
