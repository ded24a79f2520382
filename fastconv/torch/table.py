"""What layers cost with PyTorch and with fastconv, by their shapes: measured once, kept in a dict or a JSON file."""

import json
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple

from ..ops import check
from ..system.replace import replacing

__all__ = ["Cost", "Table"]

LEAST = 0.97  # of PyTorch's time at most: what is not clearly quicker is left as it is


class Cost(NamedTuple):
    """Seconds of a forward and backward pass."""

    torch: float
    fastconv: float

    @property
    def pays(self) -> bool:
        """Whether fastconv is quicker."""
        return self.fastconv < LEAST * self.torch


class Table:
    """Costs by what was measured, such as "Conv2d(64, 64, ...) of (8, 64, 56, 56) float32, 2 threads".

    Parameters
    ----------
    source : mapping, path of a JSON file, or None
        What was measured before; a file that does not exist yet is written by `save`.

    Examples
    --------
    >>> table = Table({"a layer": (3e-3, 1e-3)})
    >>> table["a layer"].pays
    True
    """

    def __init__(self, source: Any = None) -> None:
        self.path = None
        self.costs: dict[str, Cost] = {}
        if source is None:
            return
        if isinstance(source, str | PathLike):
            self.path = Path(fspath(source))
            source = read(self.path) if self.path.exists() else {}
        if not isinstance(source, Mapping):
            raise TypeError(f"table must be a path or a mapping of costs, got {check.shown(source)}")
        self.costs = {what: cost(what, seconds) for what, seconds in source.items()}

    def __contains__(self, what: str) -> bool:
        return what in self.costs

    def __getitem__(self, what: str) -> Cost:
        return self.costs[what]

    def __setitem__(self, what: str, seconds: Any) -> None:
        self.costs[what] = cost(what, seconds)

    def save(self) -> None:
        """Write the file, if the table has one."""
        if self.path is not None:
            text = json.dumps(self.costs, indent=1) + "\n"
            with replacing(self.path, lambda why: OSError(f"table: {why}")) as file:
                file.write(text.encode())


def read(path: Path) -> Any:
    """What a JSON file holds; ValueError if it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"table {path} is no JSON file: {error}; delete it, and it is measured anew") from None


def cost(what: Any, seconds: Any) -> Cost:
    """Two positive numbers."""
    good = isinstance(seconds, list | tuple) and len(seconds) == 2
    if not good or not all(isinstance(s, int | float) and s > 0 for s in seconds):
        given = check.shown(seconds)
        raise ValueError(f"table[{what!r}] must be (PyTorch's seconds, fastconv's seconds), both above 0, got {given}")
    return Cost(*map(float, seconds))
