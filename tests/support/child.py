"""Another interpreter that sees the same fastconv, for what cannot be tried in this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastconv

TESTS = Path(__file__).parents[1]


def run(*arguments, timeout=120, **environment):
    """What it printed; the test fails with its output where it does not exit with 0."""
    result = start(*arguments, timeout=timeout, **environment)
    if result.returncode:
        pytest.fail(f"exit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def start(*arguments, timeout=120, **environment):
    """Run `python arguments...` with these variables (None: removed) in its environment."""
    command, variables = [sys.executable, *map(str, arguments)], seeing_fastconv(**environment)
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=timeout, cwd=TESTS)


def begin(*arguments, stdin=None, stdout=None, text=None, **environment):
    """The same, as a process that runs on, and can be killed."""
    command, variables = [sys.executable, *map(str, arguments)], seeing_fastconv(**environment)
    return subprocess.Popen(command, stdin=stdin, stdout=stdout, text=text, env=variables, cwd=TESTS)


def seeing_fastconv(**environment):
    """The variables of the environment with which a process imports the fastconv of this one."""
    path = os.pathsep.join([str(Path(fastconv.__file__).parents[1]), str(TESTS / "support")])
    variables = {**os.environ, "PYTHONPATH": path, **environment}
    return {name: value for name, value in variables.items() if value is not None}
