"""Imports point down: kernels <- ops <- graph <- layers <- models; graph <- executor <- network <- train <- cli."""

import ast
from pathlib import Path

import pytest

import fastconv

PACKAGE = Path(fastconv.__file__).parent
FLOORS = {
    "kernels": 0,
    "ops": 1,
    "data": 1,
    "init": 2,
    "optim_state": 4,
    "optim_base": 5,
    "optim": 6,
    "fork": 0,
    "interrupt": 1,
    "scopes": 0,
    "copying": 0,
    "layer": 3,
    "losses": 4,
    "targets": 2,
    "habits": 2,
    "epoch": 5,
    "files": 0,
    "checkpoint": 2,
    "memory": 2,
    "spec": 2,
    "streams": 0,
    "graph": 4,
    "batch": 2,
    "rewrites": 2,
    "table": 2,
    "fusion": 5,
    "steps": 6,
    "slices": 6,
    "report": 7,
    "profile": 8,
    "binding": 7,
    "footprint": 8,
    "frozen": 8,
    "plan_training": 8,
    "together": 4,
    "wires": 5,
    "summary": 5,
    "plan": 7,
    "layers": 5,
    "executor": 9,
    "models": 6,
    "network": 10,
    "train": 11,
    "__init__": 12,  # the flat names
    "commands": 13,
    "cli": 14,
    "__main__": 15,
}
LONG = {  # files of more than 350 lines, and how many they may have
    "kernels/activation/pointwise.pyx": 380,
    "kernels/conv/direct.pyx": 862,
    "kernels/conv/direct_weight.pyx": 453,
    "kernels/dense/linear.pyx": 606,
    "kernels/conv/depthwise.pyx": 822,
    "kernels/norm/pixels.pyx": 585,
    "kernels/norm/planes.pyx": 387,
    "kernels/conv/planar.pyx": 869,
    "kernels/pool/windows.pyx": 1389,
    "kernels/conv/winograd.pyx": 1089,
    "kernels/conv/winograd_transform.pxd": 696,
    "ops/norm.py": 411,
    "ops/pool.py": 418,
    "ops/pool_adaptive.py": 406,
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


def test_files_are_small():
    """A file that is listed may shrink and not grow; once it is small it is listed no more."""
    sources = Path(__file__).parents[1] / "fastconv"  # an installed package has no .pyx
    files = {path for kind in ("py", "pyx", "pxd", "pxi") for path in sources.rglob(f"*.{kind}")}
    lines = {
        p.relative_to(sources).as_posix(): len(p.read_text().splitlines())
        for p in files
        if p.parent.name[-8:-2] != "_float"
    }
    assert {"ops/conv.py", "kernels/conv/direct.pyx", "kernels/conv/tile.pxd"} <= lines.keys()
    assert {name: n for name, n in lines.items() if n > LONG.get(name, 350)} == {}
    assert [name for name in LONG if lines.get(name, 0) <= 350] == []
