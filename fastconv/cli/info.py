"""The command ``fastconv info``: what a report of a fault needs."""

import os
import platform
import sys
import textwrap
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from .. import __version__, data, kernels
from ..kernels import cpu
from ..kernels.runtime import threads
from .documents import as_json
from .flags import add_json
from .streams import Stream, escaped

__all__ = ["add_options", "info"]

COLUMNS = 80
INDENT = 13
OPTIONAL = ("pillow", "tqdm", "safetensors", "matplotlib", "jinja2", "scikit-learn", "tensorboard", "torch")
READ = ("FASTCONV_", "OMP_")  # the environment variables that change what fastconv does begin so


def add_options(command: ArgumentParser) -> None:
    """Add the options of `fastconv info`."""
    command.set_defaults(run=info)
    add_json(command, "one JSON object")


def info(options: Namespace, output: Stream) -> int:
    """Print versions, build, processor and threads; returns the exit code."""
    openmp, debug = cpu.openmp_version(), cpu.is_debug_build()
    wanted = os.environ.get("FASTCONV_ISA")
    rows = {
        "fastconv": f"{__version__} in {Path(__file__).parents[1]}",
        "build": kernels.build + (" (FASTCONV_ISA)" if wanted else "") + (", checks every index" if debug else ""),
        "builds": " ".join(kernels.builds),
        "processor": f"{platform.machine()} {' '.join(cpu.features())}",
        "threads": f"{threads.get_num_threads()} of {threads.default_num_threads()}; {chosen()}",
        "OpenMP": str(openmp) if openmp else "none: everything runs on one thread",
        "system": platform.platform(),
        "Python": f"{platform.python_version()} in {sys.prefix}",
        "NumPy": np.__version__,
        **{name: version(name) for name in OPTIONAL},
        "data": found_data(),
        "environment": " ".join(settings()) or "no variable of fastconv or OpenMP is set",
    }
    if options.json:
        print(as_json(rows, indent=2))
        return 0
    for name, value in rows.items():
        print(row(name, escaped(value)))
    return 0


def row(name: str, value: str) -> str:
    """One row; a list of words goes on below itself where it would be longer than a terminal is wide."""
    text = f"{name:<{INDENT}}{value}"
    later = " " * INDENT
    return textwrap.fill(text, COLUMNS, subsequent_indent=later, break_long_words=False, break_on_hyphens=False)


def chosen() -> str:
    """How many threads a large call gets now, and why."""
    number, limit, taken, held = threads.choice()
    if os.environ.get("FASTCONV_THREADS") == "fixed":
        why = "fixed by FASTCONV_THREADS"
    elif held:
        why = f"for {held:.1f} s more, because one of them had to wait for a processor"
    elif taken:
        why = f"other programs have {taken} of {os.cpu_count()} processors"
    else:
        why = "no other program has a processor"
    return f"a large call gets {number} now: {why}" if limit > 1 else "every call runs on one"


def version(package: str) -> str:
    """The version of a package that fastconv can do without."""
    from importlib import metadata  # a slow import

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return f"not installed: pip install {package}"


def found_data() -> str:
    """The folder that `fastconv train` reads without --data."""
    try:
        return str(data.find_folder())
    except ValueError as error:
        return str(error)


def settings() -> list[str]:
    """The environment variables that change what fastconv does."""
    return [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(READ)]
