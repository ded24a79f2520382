"""Every example runs and gives what it says; every op has all sections; every citation names an entry of the list."""

import ast
import doctest
import importlib.util
import inspect
import pkgutil
import re
import types
from pathlib import Path

import numpy as np
import pytest

import fastconv
from fastconv import ops

ROOT = Path(__file__).parents[1]  # an installed package has neither .pyx nor docs
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules():
    """The modules written in Python, and fastconv.kernels.runtime.threads, whose functions are public."""
    found = ["fastconv", "fastconv.kernels.runtime.threads"]
    for module in pkgutil.walk_packages(fastconv.__path__, "fastconv."):
        if not module.name.startswith(("fastconv.kernels.", "fastconv.__main__", *absent())):
            found.append(module.name)
    return found


def absent():
    """Beginnings of names of modules that cannot be imported: PyTorch is too large to be installed for the tests."""
    return () if importlib.util.find_spec("torch") else ("fastconv.torch.",)


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
    package = Path(fastconv.__file__).parent
    files = [p for p in package.rglob("*.py") if p.parent.name[-8:-2] != "_float"]
    files = [p for p in files if not absent() or p.parent != package / "torch"]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]
    return sum(">>>" in (ast.get_docstring(node) or "") for node in nodes)


def test_every_example_that_is_written_is_found():
    found = {
        p.values for p in examples() if p.values[0].__name__ != "fastconv.kernels.runtime.threads"
    }  # Dense is Linear
    assert len(found) == written() > 100


# ---------------------------------------------------------------- sections of the ops

SECTIONS = ["Parameters", "Returns", "Raises", "Notes", "Examples"]
INCOMPLETE = {}  # name: the sections that are missing; a name may go, none may come
WITHOUT_EQUATION = {"pack_weight", "to_channels_last", "to_planar", "use_path"}
every_op = pytest.mark.parametrize("name", [n for n in ops.__all__ if inspect.isfunction(getattr(ops, n))])


def headings(text):
    """The underlined lines of a docstring."""
    return [name for name, line in re.findall(r"^ *(\w+)\n *(-+)$", text, re.MULTILINE) if len(name) == len(line)]


@every_op
def test_every_op_has_all_sections_in_the_order_of_numpydoc(name):
    missing = INCOMPLETE.get(name, ())
    assert headings(getattr(ops, name).__doc__) == [section for section in SECTIONS if section not in missing]


@every_op
def test_every_parameter_of_an_op_is_documented_in_its_place(name):
    function = getattr(ops, name)
    described = inspect.getdoc(function).partition("Parameters\n")[2].partition("Returns\n")[0]
    lines = re.findall(r"^(\w[\w, ]*?)(?: :.*)?$", described, re.MULTILINE)  # "stride, padding" or "x : array ..."
    assert [each for line in lines for each in line.split(", ")] == list(inspect.signature(function).parameters)


@every_op
def test_every_op_begins_with_its_equation(name):
    before, _, _ = getattr(ops, name).__doc__.partition("Parameters\n")
    assert (" = " in before) == (name not in WITHOUT_EQUATION)


@every_op
def test_no_op_says_only_that_it_raises_as_another(name):
    raises = getattr(ops, name).__doc__.partition("Raises\n")[2].partition("Notes\n")[0]
    assert re.search(r"^ *(TypeError|ValueError)\n", raises, re.MULTILINE)
    assert not re.search(r"^ *As `", raises, re.MULTILINE)


# ---------------------------------------------------------------- citations


def references():
    """number -> the entry of docs/references.md"""
    text = (ROOT / "docs" / "references.md").read_text()
    entries = re.findall(r"^(\d+)\. (.*?)(?=^\d+\. |^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert [int(number) for number, _ in entries] == list(range(1, len(entries) + 1))
    return dict(entries)


def prose(text):
    """Docstrings and comments, each on one line, without examples."""
    found = re.findall(r'"""(.*?)"""|((?:^[^\n"#]*#[^\n]*\n)+)', text, re.MULTILINE | re.DOTALL)
    for docstring, comments in found:
        docstring = re.sub(r"^ *>>>.*?(?=\n *\n|\Z)", "", docstring, flags=re.MULTILINE | re.DOTALL)
        comments = " ".join(line.partition("#")[2] for line in comments.splitlines())
        yield " ".join((docstring or comments).split())


def citations():
    """(file, what stands before the number, the number)"""
    for kind in ("py", "pyx", "pxd", "pxi"):
        for path in sorted((ROOT / "fastconv").rglob(f"*.{kind}")):
            if not any("_float" in part for part in path.parts):
                for line in prose(path.read_text()):
                    for before, number in re.findall(r"((?:[\w-]+ )?[\w,]+) \[(\d+)\]", line):
                        yield path.name, before, number


def test_every_citation_is_an_entry_of_the_references():
    """Where a name and a year stand before the number, the entry has both: Zhang 2016 [1]."""
    entries, seen = references(), set()
    for name, before, number in citations():
        assert number in entries, (name, before, number)
        if re.fullmatch(r"[\w-]+ \d{4}", before):
            assert all(word in entries[number] for word in before.split()), (name, before, number)
        seen.add(number)
    assert {"1", "6", "7", "16", "32", "33"} <= seen


def test_a_citation_is_read_from_docstrings_and_comments_and_not_from_code():
    text = 'x = y in [5]\n"""Zhang\n2016 [1], eq. 4\n\n>>> f in [3]\n\nGoto 2008 [8]"""\n# of Winograd 1980\n# [6]\n'
    assert re.findall(r"\[(\d+)\]", " ".join(prose(text))) == ["1", "8", "6"]
