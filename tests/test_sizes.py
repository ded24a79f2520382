"""Files, functions and lists of parameters stay small; the exceptions are named here, and may only shrink."""

import ast
import re
from pathlib import Path
from statistics import median

SOURCES = Path(__file__).parents[1] / "fastconv"  # an installed package has no .pyx
FILES = sorted(
    path
    for kind in ("py", "pyx", "pxd", "pxi")
    for path in SOURCES.rglob(f"*.{kind}")
    if not any("_float" in part for part in path.parts)
)
PYTHON, KERNEL = 300, 400  # lines of a file
BODY, MANY = 40, 5  # lines of a function without its docstring, and how many may have more, up to LONGEST
LONGEST = 60
PARAMETERS = 12
LONG_FILES = {}
MANY_PARAMETERS = {
    "training/loop.py::fit": 22,
    "sklearn/estimator.py::__init__": 26,
    "layers/conv.py::__init__": 13,
    "layers/signal/conv.py::__init__": 13,
}  # what people write, each by name
HEAD = re.compile(r"^( *)(?:cdef|cpdef|def)\b[^=]*?\b(\w+)\(", re.MULTILINE)


def name_of(path):
    return path.relative_to(SOURCES).as_posix()


def python_functions(text):
    """(name, lines of the body without the docstring, number of parameters)"""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body[0]
            a = node.args
            count = (
                len(a.posonlyargs) + len(a.args) + len(a.kwonlyargs) + (a.vararg is not None) + (a.kwarg is not None)
            )
            own = bool(a.args) and a.args[0].arg in ("self", "cls")
            yield node.name, node.end_lineno - first.lineno + 1, count - own


def kernel_functions(text):
    """The same for Cython, read by indentation and brackets."""
    lines = text.splitlines()
    for match in HEAD.finditer(text):
        depth, at, arguments = 0, match.end() - 1, []
        for end in range(at, len(text)):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[end], 0)
            if depth == 0:
                break
            if depth == 1 and text[end] == ",":
                arguments.append(end)
        inside = text[at + 1 : end].strip()
        head_end = text.count("\n", 0, end)
        if not lines[head_end].rstrip().endswith(":"):
            continue  # a declaration
        indent, body = len(match[1]), []
        for line in lines[head_end + 1 :]:
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            body.append(line)
        code = re.sub(r'^\s*""".*?"""', "", "\n".join(body), count=1, flags=re.DOTALL).strip()
        yield match[2], len(code.splitlines()), (len(arguments) + (not inside.endswith(","))) if inside else 0


def functions():
    for path in FILES:
        read = python_functions if path.suffix == ".py" else kernel_functions
        for name, lines, parameters in read(path.read_text()):
            yield f"{name_of(path)}::{name}", lines, parameters


def test_every_kind_of_source_is_seen():
    names = {name_of(path) for path in FILES}
    assert {"ops/conv/conv.py", "kernels/conv/direct.pyx", "kernels/conv/tile.pxd"} <= names
    seen = {name for name, _, _ in functions()}
    assert {"ops/conv/conv.py::conv2d", "kernels/conv/tile.pxd::tile_body"} <= seen


def test_files_are_small():
    """A file that is listed may shrink and not grow; once it is small it is listed no more."""
    most = {path: PYTHON if path.suffix == ".py" else KERNEL for path in FILES}
    lines = {path: len(path.read_text().splitlines()) for path in FILES}
    assert {name_of(p): n for p, n in lines.items() if n > LONG_FILES.get(name_of(p), most[p])} == {}
    assert [name_of(p) for p, n in lines.items() if name_of(p) in LONG_FILES and n <= most[p]] == []
    assert median(n for path, n in lines.items() if path.suffix != ".py") < 200


def test_functions_are_short():
    long = {name: lines for name, lines, _ in functions() if lines > BODY}
    assert {name: lines for name, lines in long.items() if lines > LONGEST} == {}
    assert len(long) <= MANY, long


def test_functions_take_few_parameters():
    counts = {name: count for name, _, count in functions() if count > PARAMETERS}
    assert {name: n for name, n in counts.items() if n > MANY_PARAMETERS.get(name, 0)} == {}
    assert MANY_PARAMETERS.keys() <= counts.keys()
