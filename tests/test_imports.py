"""Imports point down: a module or folder imports from lower levels alone, and never from one on its own level."""

import ast
from pathlib import Path

import pytest

import fastconv

PACKAGE = Path(fastconv.__file__).parent
LEVELS = (  # from the bottom up
    {"kernels", "system", "typing"},
    {"ops", "checkpoint"},
    {"fields", "init", "parameters", "schedules", "metrics"},
    {"arguments", "data"},
    {"layer", "losses", "mpi", "optim", "predictor"},
    {"graph"},
    {"layers", "executor"},
    {"models", "nodes", "reports"},
    {"frozen"},
    {"network"},
    {"saved"},
    {"callbacks"},
    {"training"},
    {"__init__"},  # the flat names
    {"differences", "onnx", "plot", "sklearn", "torch"},
    {"derivation", "pages"},
    {"cli"},
    {"__main__"},
)
LEVEL = {name: number for number, names in enumerate(LEVELS) for name in names}
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "_float" not in str(path.parent))


def top(parts):
    """The first part of a path or module name below fastconv; the package's own file for the package itself."""
    return parts[0] if parts else "__init__"


def top_of(path):
    return top(path.relative_to(PACKAGE).with_suffix("").parts)


def run(tree):
    """The nodes of a file but for those that only a checker of types reads."""
    if not (isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING"):
        yield tree
        for child in ast.iter_child_nodes(tree):
            yield from run(child)


def imported(path):
    """The modules and folders that a file imports from, with the line."""
    inside = path.relative_to(PACKAGE).with_suffix("").parts
    for node in run(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "fastconv":
                    yield top(alias.name.split(".")[1:]), node.lineno
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
                yield top(below or [alias.name]), node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(PACKAGE)) for path in SOURCES])
def test_imports_point_down(path):
    here = top_of(path)
    for name, line in imported(path):
        there = name if name in LEVEL else "__init__"  # a flat name, from the package itself
        assert there == here or LEVEL[there] < LEVEL[here], f"{path}:{line} imports {there}"


def test_everything_stands_on_the_lowest_level_that_its_imports_allow():
    """But for `layers`, which stands beside `executor`, and flat names, some of which are imported when first used."""
    below = {top_of(path): -1 for path in SOURCES}
    for path in SOURCES:
        here = top_of(path)
        for name, _ in imported(path):
            there = name if name in LEVEL else "__init__"
            if there != here:
                below[here] = max(below[here], LEVEL[there])
    raised = {name: number for name, number in LEVEL.items() if name in below and number != below[name] + 1}
    assert raised.keys() <= {"layers", "__init__"}


DOORS = {
    "derivation",
    "differences",
    "mpi",
    "onnx",
    "pages",
    "plot",
    "sklearn",
    "torch",
}  # each could be deleted without a change elsewhere
SHARED = {"arguments", "fields", "nodes", "ops", "reports", "system", "typing"}  # what has one owner: checks, tables


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(PACKAGE)) for path in SOURCES])
def test_rooms_behind_a_door_stand_on_public_names_alone(path):
    here = top_of(path)
    for name, line in imported(path) if here in DOORS else ():
        public = name in fastconv.__all__ or name in DOORS or name in SHARED or name == here
        assert public, f"{path}:{line} imports {name}, which users do not see"
