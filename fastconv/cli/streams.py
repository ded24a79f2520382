"""Standard output and standard error: names stay on one line, and work goes on when writing fails."""

import errno
import os
import re
import sys

CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")  # ..., line ends, bytes that are not text


def escaped(text):
    r"""The text on one line: control characters and bytes that are not text become `\t`, `\x1b`, `\xff`."""
    return CONTROL.sub(escape, str(text))


def escape(found):
    code = ord(found[0])
    byte = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code  # Python's surrogate of a byte that is not text
    return chr(byte).encode("unicode_escape").decode()


def field(text):
    r"""One field of a line; backslashes are doubled, so that different names look different."""
    return escaped(str(text).replace("\\", r"\\"))


def complain(why):
    """One line on standard error."""
    if sys.stderr is not None:  # print(file=None) would write to standard output
        print(f"fastconv: {escaped(why)}", file=sys.stderr, flush=True)


class Stream:
    """A text stream whose writes never raise: the first error is kept in `error`, and later text is dropped.

    `stream` is None if it was closed before the program began. Characters that it cannot encode become escapes.
    """

    def __init__(self, stream):
        self.stream, self.error = stream, None

    def write(self, text):
        self.attempt(lambda stream: stream.write(encodable(text, stream)))
        return len(text)

    def flush(self):
        self.attempt(lambda stream: stream.flush())

    def isatty(self):
        return self.error is None and self.stream is not None and self.stream.isatty()

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def attempt(self, work):
        if self.error is not None:
            return
        try:
            if self.stream is None:
                raise ValueError
            work(self.stream)
        except OSError as error:
            self.error = error
            discard_rest(self.stream)
        except ValueError:  # closed now, or before the program began
            self.error = OSError(errno.EBADF, "it is closed")


def encodable(text, stream):
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def discard_rest(stream):
    """Drops the text left in buffers, which Python would try to write again, and fail, when it ends."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass  # no file descriptor: nothing is left in buffers
