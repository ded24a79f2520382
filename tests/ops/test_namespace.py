"""`fastconv.ops.<TAB>` shows functions, and what looks like a function is one."""

import inspect

import fastconv
from fastconv import ops


def test_the_names_shown_are_functions_and_the_packed_weight():
    assert dir(ops) == sorted(ops.__all__)
    shown = {name: getattr(ops, name) for name in dir(ops)}
    assert [name for name, value in shown.items() if not inspect.isfunction(value)] == ["PackedWeight"]
    assert all(getattr(fastconv, name) is value for name, value in shown.items())


def test_names_that_files_share_are_the_functions():
    from fastconv.ops import add, pad

    assert inspect.isfunction(add)
    assert inspect.isfunction(pad)


def test_help_shows_the_arguments_and_their_description():
    text = str(inspect.signature(fastconv.softmax))
    assert text.startswith("(x: ")
    assert "axis: int | None = None, *, out: " in text
    assert "Parameters" in inspect.getdoc(fastconv.softmax)
    assert all(len(inspect.signature(getattr(ops, name)).parameters) > 0 for name in ops.__all__)
