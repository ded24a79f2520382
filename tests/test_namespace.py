"""What `fastconv.<TAB>` shows: what people use, and no module that only the library itself uses."""

import types

import child

import fastconv

ROOMS = {"checkpoint", "data", "graph", "init", "layers", "losses", "models", "ops", "optim", "training"}


def test_the_modules_shown_are_those_that_people_use():
    shown = {name for name in dir(fastconv) if isinstance(getattr(fastconv, name), types.ModuleType)}
    assert shown == ROOMS


def test_every_name_shown_is_there_and_documented():
    for name in dir(fastconv):
        assert name == "__version__" or getattr(fastconv, name).__doc__, name


def test_a_star_import_takes_the_names_shown():
    names = child.run("-c", "from fastconv import *; print(*sorted(n for n in globals() if n[0] != '_'))").split()
    assert names == sorted(set(dir(fastconv)) - {"__version__"})
