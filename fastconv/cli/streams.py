"""Standard output and standard error: names stay on one line, and work goes on when writing fails."""

import errno
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")  # ..., line ends, bytes that are not text


def escaped(text: object) -> str:
    r"""The text on one line: control characters and bytes that are not text become `\t`, `\x1b`, `\xff`."""
    return CONTROL.sub(escape, str(text))


def escape(found: re.Match[str]) -> str:
    """The escape sequence of one character."""
    code = ord(found[0])
    byte = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code  # Python's surrogate of a byte that is not text
    return chr(byte).encode("unicode_escape").decode()


def field(text: object) -> str:
    r"""One field of a line; backslashes are doubled, so that different names look different."""
    return escaped(str(text).replace("\\", r"\\"))


def complain(why: object) -> None:
    """One line on standard error."""
    if sys.stderr is not None:  # print(file=None) would write to standard output
        print(f"fastconv: {escaped(why)}", file=sys.stderr, flush=True)


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """In this block a warning is one line on standard error, shown when the block ends."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    for warning in said:
        complain(f"warning: {warning.message}")


class Stream:
    """A text stream whose writes never raise: the first error is kept in `error`, and later text is dropped.

    `stream` is None if it was closed before the program began. Characters that it cannot encode become escapes.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write the text, unless an earlier write failed; returns its length, as text streams do."""
        self.attempt(lambda stream: stream.write(encodable(text, stream)))
        return len(text)

    def flush(self) -> None:
        """Write what buffers hold, unless an earlier write failed."""
        self.attempt(lambda stream: stream.flush())

    def isatty(self) -> bool:
        """Whether the stream is a terminal and still writable."""
        return self.error is None and self.stream is not None and self.stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def attempt(self, work: Callable[[TextIO], object]) -> None:
        """Do the work on the stream, unless an earlier write failed; keeps the error if it fails."""
        if self.error is not None:
            return
        if self.stream is None:
            self.error = closed()
            return
        try:
            work(self.stream)
        except OSError as error:
            self.error = error
            discard_rest(self.stream)
        except ValueError:  # closed since the program began
            self.error = closed()


def closed() -> OSError:
    """The error for a stream that is closed."""
    return OSError(errno.EBADF, "it is closed")


def encodable(text: str, stream: TextIO) -> str:
    """The text with escapes for characters that the stream cannot encode."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def discard_rest(stream: TextIO) -> None:
    """Drop the text left in buffers, which Python would try to write again when it ends, and fail."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass  # no file descriptor: nothing is left in buffers
