"""Runs one command line: ``fastconv train``, ``fastconv predict``, ``fastconv info``.

Results go to standard output, everything else to standard error. The exit code is 0 when all went well, 1 when
something failed (a file, the data, memory, a loss that is NaN, standard output), 2 when the command was not
understood, 130 after Ctrl-C, 128 + N after another signal N. Without a command the help is shown.
"""

import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from ..system.extras import MissingPackage
from .streams import Stream, complain
from .usage import parsed

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    output = Stream(sys.stdout)
    with redirect_stdout(output), redirect_stderr(Stream(sys.stderr)):
        try:
            code: int = run(sys.argv[1:] if arguments is None else arguments, output)
        except SystemExit as end:  # help, the version, or a command that was not understood
            raise SystemExit(finished(output, end.code)) from None
        code = finished(output, code)
        return code


def run(arguments: Sequence[str], output: Stream) -> int:
    """Run a command line; what fails becomes one line on standard error, and an exit code."""
    try:
        options = parsed(arguments)
        code: int = options.run(options, output)
        return code
    except KeyboardInterrupt:
        return failed("interrupted", 130)
    except MemoryError:
        return failed("not enough memory")
    except OSError as error:
        name = error.filename
        return failed(error if name is None else f"{name or repr(name)}: {error.strerror}")
    except (ValueError, ArithmeticError, MissingPackage) as error:
        return failed(error)


def failed(why: object, code: int = 1) -> int:
    """Say why a command failed; returns the exit code."""
    complain(why)
    return code


def finished(output: Stream, code: Any) -> Any:
    """The exit code, at least 1 if results could not be written; a closed pipe needs no message."""
    output.flush()
    if output.error is None:
        return code
    if not isinstance(output.error, BrokenPipeError):
        complain(f"standard output cannot be written: {output.error.strerror or output.error}")
    return code or 1
