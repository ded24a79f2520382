"""What `fastconv.<TAB>` and `help(fastconv)` show: what people use, and no module that only the library itself uses."""

import importlib
import pydoc
import re
import types

import child
import pytest

import fastconv

OF_THE_CORE = {"callbacks", "data", "init", "layers", "losses", "metrics", "models", "ops", "optim", "schedules"}
ROOMS = OF_THE_CORE | {"pages", "plot"}


def test_the_modules_shown_are_those_that_people_use():
    shown = {name for name in dir(fastconv) if isinstance(getattr(fastconv, name), types.ModuleType)}
    assert shown == ROOMS


def test_every_name_shown_is_there_and_documented():
    for name in dir(fastconv):
        assert name == "__version__" or getattr(fastconv, name).__doc__, name


def test_models_and_training_are_imported_when_they_are_first_used():
    names = "[name for name in ('models', 'training') if f'fastconv.{name}' in sys.modules]"
    program = f"import sys, fastconv; print({names}); fastconv.models.lenet5, fastconv.fit; print({names})"
    assert child.run("-c", program).split("\n")[:2] == ["[]", "['models', 'training']"]


def test_a_misspelt_name_is_answered_before_models_are_imported():
    program = "import fastconv\ntry: fastconv.resnet_18\nexcept AttributeError as error: print(error)"
    assert "did you mean fastconv.models.resnet18()" in child.run("-c", program)


def test_a_star_import_takes_the_names_shown():
    names = child.run("-c", "from fastconv import *; print(*sorted(n for n in globals() if n[0] != '_'))").split()
    assert names == sorted(set(dir(fastconv)) - {"__version__"})


def test_what_a_layer_and_a_loss_of_ones_own_need_is_there():
    assert {"Layer", "Parameter", "Spec"} <= set(dir(fastconv))
    assert fastconv.Parameter is fastconv.graph.Parameter
    assert "Loss" in dir(fastconv.losses)


@pytest.mark.parametrize("module", [fastconv, fastconv.layers, fastconv.models, fastconv.ops], ids=lambda m: m.__name__)
def test_help_names_every_function_and_class_by_family(module):
    words = set(re.findall(r"\w+", module.__doc__))
    assert set(module.__all__) - words == set()
    description = pydoc.render_doc(module, renderer=pydoc.plaintext).partition("PACKAGE CONTENTS")[0]
    assert set(module.__all__) - set(re.findall(r"\w+", description)) == set()


@pytest.mark.parametrize("module", [fastconv, fastconv.layers, fastconv.models, fastconv.ops], ids=lambda m: m.__name__)
def test_help_names_nothing_that_is_not_there(module):
    """Each line of a family: names, then what they are."""
    for line in re.findall(r"^    ((?:\w+, )*\w+)(?:  +|$)", module.__doc__, re.MULTILINE):
        for name in line.split(", "):
            assert hasattr(module, name), name


@pytest.mark.parametrize("name", ["fastconv", *(f"fastconv.{part}" for part in sorted(ROOMS - {"init", "ops"}))])
def test_help_begins_with_text_of_80_columns(name):
    """pydoc indents it by 4."""
    text = importlib.import_module(name).__doc__
    if name == "fastconv":
        text = text.partition(fastconv.ops.__doc__)[0]
    assert [line for line in text.splitlines() if len(line) > 76] == []


@pytest.mark.parametrize("name", fastconv.__all__)
def test_documentation_refers_to_what_people_can_look_up(name):
    for other in re.findall(r"see `([\w.]+)`", getattr(fastconv, name).__doc__):
        assert hasattr(fastconv, other.removeprefix("fastconv.").partition(".")[0]), other
