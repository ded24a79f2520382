"""Annotations: public functions have them, a type checker of a user finds them, and mypy agrees with them."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import fastconv
from fastconv.kernels.runtime import cpu, threads

PACKAGE = Path(fastconv.__file__).parent
ROOT = Path(__file__).parents[1]


def public_functions():
    """(name, function) of the public functions, and of the public methods of public classes, written in Python."""
    for name in fastconv.__all__:
        value = getattr(fastconv, name)
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            for method, function in vars(value).items():
                if inspect.isfunction(function) and (method == "__init__" or not method.startswith("_")):
                    yield f"{name}.{method}", function


def lacking(function):
    """The names of the parameters without annotations, and "return"."""
    signature = inspect.signature(function)
    empty = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
    return empty if signature.return_annotation is not signature.empty else [*empty, "return"]


def test_public_functions_annotate_every_parameter_and_the_result():
    functions = dict(public_functions())
    assert {"conv2d", "linear_backward", "PackedWeight.__init__", "use_path"} <= set(functions)
    assert {name: lacking(f) for name, f in functions.items() if lacking(f)} == {}


def test_a_type_checker_finds_the_annotations():
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("module", [threads, cpu], ids=["threads", "cpu"])
def test_the_stub_of_a_compiled_module_has_its_functions_and_their_parameters(module):
    stub = PACKAGE / "kernels" / "runtime" / f"{module.__name__.rpartition('.')[2]}.pyi"
    declared = {
        node.name: ([a.arg for a in node.args.args], [ast.literal_eval(d) for d in node.args.defaults])
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    compiled = {}
    for name, value in vars(module).items():
        if callable(value) and not name.startswith("_"):
            parameters = inspect.signature(value).parameters.values()
            compiled[name] = [p.name for p in parameters], [p.default for p in parameters if p.default is not p.empty]
    assert declared == compiled


def test_mypy_finds_nothing(tmp_path):
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), "--hide-error-context"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
