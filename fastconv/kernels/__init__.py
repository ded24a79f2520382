"""The compiled kernels: arrays and numbers in, arrays overwritten. They check nothing and allocate no result.

Each source is compiled for several instruction sets and for float32 and float64. The best build that this processor
can run is picked here, once, at import; the environment variable ``FASTCONV_ISA`` (``baseline``, ``v3`` or ``v4``)
overrides the choice.

    kernels.load("float32").conv.direct      the float32 build of conv/direct.pyx
"""

import importlib
import os
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike

FOLDER = Path(__file__).parent
NOT_BUILT = (
    f"no kernels were built in {FOLDER} for this Python: build them there with `python setup.py build_ext --inplace`, "
    "or leave the folder of the sources to import the fastconv that is installed"
)

try:
    from .runtime import cpu, threads
except ImportError:
    from importlib.machinery import PathFinder

    if PathFinder.find_spec("cpu", [str(FOLDER / "runtime")]):
        raise  # they are there, and something else is wrong
    raise ImportError(NOT_BUILT) from None

__all__ = ["build", "builds", "cpu", "load", "threads"]

DTYPES = ("float32", "float64")


def installed_builds() -> list[str]:
    """The builds in this installation that this processor can run, best first."""
    return [name for name in cpu.supported_builds() if (FOLDER / f"{name}_float32").is_dir()]


def choose_build(wanted: str) -> str:
    """The build to use: the best, or the one asked for; an unknown or impossible one is an error."""
    if not builds:
        raise ImportError(NOT_BUILT)
    if not wanted:
        return builds[0]
    if wanted not in ("baseline", "v3", "v4"):
        raise ImportError(f"FASTCONV_ISA={wanted!r}: must be baseline, v3 or v4")
    if wanted not in cpu.supported_builds():
        raise ImportError(f"FASTCONV_ISA={wanted}: this processor cannot run it; it supports {', '.join(builds)}")
    if wanted not in builds:
        raise ImportError(f"FASTCONV_ISA={wanted}: not in this installation, which has {', '.join(builds)}")
    return wanted


class Folder:
    """The families of one build, or the modules of one family; each is imported when it is first used."""

    def __init__(self, package: str) -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:  # a Folder, or a compiled module, of which no types are known
        if name.startswith("_"):
            raise AttributeError(name)
        module = importlib.import_module(f"{self._package}.{name}")
        found = Folder(module.__name__) if hasattr(module, "__path__") else module
        setattr(self, name, found)
        return found


builds = installed_builds()
build = choose_build(os.environ.get("FASTCONV_ISA", ""))
_loaded: dict[Any, Folder] = {dtype: Folder(f"{__name__}.{build}_{dtype}") for dtype in DTYPES}


def load(dtype: DTypeLike) -> Folder:
    """The kernels of this dtype: ``load("float32").pool.windows.max_forward(...)``."""
    found = _loaded.get(dtype)  # a dtype of NumPy, but at its first use
    if found is None:
        found = _loaded[dtype] = _loaded[str(dtype)]
    return found
