"""Imports point down: a room imports from lower floors alone, so rooms on one floor do not know each other."""

import ast
from pathlib import Path

import pytest

import fastconv

PACKAGE = Path(fastconv.__file__).parent
FLOORS = (  # from the ground up
    {"kernels", "system", "typing"},
    {"ops", "data", "checkpoint"},
    {"init", "arguments", "parameters", "losses"},
    {"layer", "optim", "predictor"},
    {"graph"},
    {"layers", "executor"},
    {"models", "reports"},
    {"frozen"},
    {"network"},
    {"training"},
    {"__init__"},  # the flat names
    {"cli"},
    {"__main__"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "_float" not in str(path.parent))


def room(parts):
    """The first part of a path or module name below fastconv; the package's own file for the package itself."""
    return parts[0] if parts else "__init__"


def room_of(path):
    return room(path.relative_to(PACKAGE).with_suffix("").parts)


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
    here = room_of(path)
    for name, line in imported(path):
        there = name if name in FLOOR else "__init__"  # a flat name, from the package itself
        assert there == here or FLOOR[there] < FLOOR[here], f"{path}:{line} imports {there}"


def test_every_room_stands_on_the_lowest_floor_that_its_imports_allow():
    """But for `layers`, which stands beside `executor`, so that neither imports the other."""
    below = {room: -1 for room in FLOOR}
    for path in SOURCES:
        here = room_of(path)
        for name, _ in imported(path):
            there = name if name in FLOOR else "__init__"
            if there != here:
                below[here] = max(below[here], FLOOR[there])
    raised = {room: number for room, number in FLOOR.items() if number != below[room] + 1}
    assert raised.keys() <= {"layers"}
