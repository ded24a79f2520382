"""Every layer says what it is given and what it holds: arguments, shapes, parameters of the network, an example."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import fastconv
from fastconv import Network, layers

PACKAGE = Path(fastconv.__file__).parent
FILES = [PACKAGE / "layer.py", *(path for folder in ("layers", "graph") for path in (PACKAGE / folder).rglob("*.py"))]
WITHOUT_ALL_ARGUMENTS = set()  # names of layers: one may go, none may come
REQUIRED = {  # values of arguments that have no default
    "axes": (1, 2, 0),
    "channels": 5,
    "kernel_size": 3,
    "num_classes": 2,
    "num_groups": 2,
    "output_size": 2,
    "outputs": 5,
    "p": 0.5,
    "padding": 1,
    "scale_factor": 2,
    "shape": (2, -1),
    "size": 3,
    "threshold": 0.5,
    "value": -1.0,
}
VECTORS = {"Dense", "Linear", "MainHead"}
every_layer = pytest.mark.parametrize("name", layers.__all__)


def described(name):
    """The names in the section Parameters, in order: "init, bias_init : ..." has two."""
    text = inspect.getdoc(getattr(layers, name)).partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    lines = re.findall(r"^(\w+(?:, \w+)*|\*\*\w+)(?: : .*)?$", text, re.MULTILINE)
    return [each.removeprefix("**") for line in lines for each in line.split(", ")]


def arguments(name):
    return list(inspect.signature(getattr(layers, name).__init__).parameters)[1:]


def made(name):
    """A network of the layer alone, with the arguments that it needs."""
    parameters = inspect.signature(getattr(layers, name).__init__).parameters.values()
    needed = [p.name for p in parameters if p.name != "self" and p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    layer = getattr(layers, name)(**{argument: REQUIRED[argument] for argument in needed})
    return Network(layer, (4,) if name in VECTORS else (4, 6, 6))


@every_layer
def test_every_argument_is_described_in_the_order_of_the_signature(name):
    assert (described(name) == arguments(name)) == (name not in WITHOUT_ALL_ARGUMENTS)


@every_layer
def test_every_described_argument_has_a_type(name):
    text = inspect.getdoc(getattr(layers, name))
    for argument in arguments(name):
        assert re.search(rf"^{argument} : \S", text, re.MULTILINE) or argument == "options"


@every_layer
def test_every_default_that_is_no_none_is_told(name):
    text = inspect.getdoc(getattr(layers, name))
    for argument, parameter in inspect.signature(getattr(layers, name).__init__).parameters.items():
        if parameter.default in (parameter.empty, None):
            continue
        default = parameter.default
        told = f'"{default}"' if isinstance(default, str) else str(default).replace("e-05", "e-5")
        told = "1e-4" if default == 1e-4 else told
        line = re.search(rf"^{argument} : .*$", text, re.MULTILINE)[0]
        assert f"default {told}" in line, line


@every_layer
def test_the_sections_are_those_of_numpydoc_in_its_order(name):
    text = inspect.getdoc(getattr(layers, name))
    headings = [word for word, line in re.findall(r"^(\w+)\n(-+)$", text, re.MULTILINE) if len(word) == len(line)]
    assert headings in (["Parameters", "Notes", "Examples"], ["Parameters", "Examples"])
    assert ">>> " in text.partition("Examples\n")[2]


@every_layer
def test_the_shapes_of_input_and_output_stand_before_the_arguments(name):
    before = inspect.getdoc(getattr(layers, name)).partition("Parameters\n")[0]
    assert re.search(r"^\(N, .*\) -> \(N, .*\)", before, re.MULTILINE)


@every_layer
def test_what_is_given_by_position_is_said_before_the_arguments(name):
    parameters = inspect.signature(getattr(layers, name)).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    before = inspect.getdoc(getattr(layers, name)).partition("Parameters\n")[0]
    told = f"By position: {' and '.join(', '.join(names).rsplit(', ', 1))}; the rest by name."
    assert (told if names else "All arguments are given by name.") in before


@every_layer
def test_parameters_and_buffers_of_the_network_are_named(name):
    """With their shapes, in the Notes; layers that have none do not speak of any."""
    network, notes = made(name), inspect.getdoc(getattr(layers, name)).partition("Notes\n")[2]
    keys = [full.rpartition(".")[2] for full in network.arrays()]
    for key in keys:
        assert re.search(rf"\b{key}\b", notes), key
    assert ("of the network:" in notes) == bool(keys)


def test_every_function_and_class_has_a_docstring():
    lacking = []
    for path in FILES:
        nodes = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        lacking += [
            f"{path.relative_to(PACKAGE)}::{node.name}"
            for node in nodes
            if not node.name.startswith("__") and ast.get_docstring(node) is None
        ]
    assert lacking == []
