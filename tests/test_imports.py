"""Imports point down: kernels <- ops <- graph <- layers <- models; graph <- executor <- network <- train <- cli."""

import ast
from pathlib import Path

import pytest

import fastconv

PACKAGE = Path(fastconv.__file__).parent
FLOORS = {
    "kernels": 0,
    "system": 0,
    "ops": 1,
    "data": 1,
    "init": 2,
    "arguments": 2,
    "checkpoint": 2,
    "parameters": 2,
    "layer": 3,
    "losses": 3,
    "graph": 4,
    "optim": 4,
    "layers": 5,
    "models": 6,
    "executor": 7,
    "reports": 8,
    "frozen": 9,
    "network": 10,
    "training": 11,
    "__init__": 12,  # the flat names
    "cli": 13,
    "__main__": 14,
}
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "_float" not in str(path.parent))


def room(parts):
    """The first part of a path or module name below fastconv; the package's own file for the package itself."""
    return parts[0] if parts else "__init__"


def imported(path):
    """Rooms that a file imports from, with the line."""
    inside = path.relative_to(PACKAGE).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "fastconv":
                    yield room(alias.name.split(".")[1:]), node.lineno
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = inside[: len(inside) - node.level]
            elif (node.module or "").split(".")[0] == "fastconv":
                base = ()
            else:
                continue
            module = (node.module or "").split(".") if node.module else []
            below = [*base, *(module if node.level else module[1:])]
            for alias in node.names:
                yield room(below or [alias.name]), node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(PACKAGE)) for path in SOURCES])
def test_imports_point_down(path):
    here = room(path.relative_to(PACKAGE).with_suffix("").parts)
    for name, line in imported(path):
        there = name if name in FLOORS else "__init__"  # a flat name, from the package itself
        assert there == here or FLOORS[there] < FLOORS[here], f"{path}:{line} imports {there}"
