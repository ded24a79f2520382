"""Every example in a public docstring runs and gives what it says, and every public op has one."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import types
from pathlib import Path

import numpy as np
import pytest

import fastconv

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules():
    """The modules written in Python, and fastconv.kernels.runtime.threads, whose functions are public."""
    found = ["fastconv", "fastconv.kernels.runtime.threads"]
    for module in pkgutil.walk_packages(fastconv.__path__, "fastconv."):
        if not module.name.startswith(("fastconv.kernels.", "fastconv.__main__")):
            found.append(module.name)
    return found


def documented(module):
    """(name, docstring) of a module, its own functions and classes, and their methods."""
    yield module.__name__, module.__doc__
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__ or name.startswith("_"):
            continue
        yield f"{module.__name__}.{name}", getattr(value, "__doc__", None)
        if inspect.isclass(value):
            for method, function in vars(value).items():
                function = getattr(function, "__func__", function)
                if isinstance(function, types.FunctionType | property):
                    yield f"{module.__name__}.{name}.{method}", function.__doc__


def examples():
    for module in map(importlib.import_module, modules()):
        for where, text in documented(module):
            if text and ">>>" in text:
                yield pytest.param(module, text, id=where.removeprefix("fastconv."))


@pytest.mark.parametrize(("module", "text"), list(examples()))
def test_example(module, text, request):
    name = request.node.name
    names = vars(module) | {"np": np, "fastconv": fastconv}
    example = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    report = []
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(example, out=report.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(report)


def public_functions():
    return sorted(
        name
        for name, value in vars(fastconv).items()
        if callable(value) and not inspect.isclass(value) and name[0] != "_"
    )


@pytest.mark.parametrize("name", public_functions())
def test_every_public_name_has_an_example(name):
    assert ">>>" in (getattr(fastconv, name).__doc__ or "")


def written():
    """Docstrings with an example, counted in the sources."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    files = [p for p in Path(fastconv.__file__).parent.rglob("*.py") if p.parent.name[-8:-2] != "_float"]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]
    return sum(">>>" in (ast.get_docstring(node) or "") for node in nodes)


def test_every_example_that_is_written_is_found():
    found = {
        p.values for p in examples() if p.values[0].__name__ != "fastconv.kernels.runtime.threads"
    }  # Dense is Linear
    assert len(found) == written() > 100
