"""How the tests of the command line run it: in this process, or as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import fastconv
from fastconv.cli import parser


def failure(capsys, *arguments):
    """The one line on standard error of a command that must fail."""
    assert parser.main([str(argument) for argument in arguments]) == 1
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("fastconv: ")
    return line


def command(*arguments, cwd, **environment):
    """Run ``python -m fastconv`` on the fastconv that these tests use, wherever it is installed."""
    paths = [str(Path(fastconv.__file__).parents[1])]
    return subprocess.run(
        [sys.executable, "-m", "fastconv", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        capture_output=True,
        text=True,
    )
