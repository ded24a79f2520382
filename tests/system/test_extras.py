"""Packages that only some functions need: what the error says, and which errors stay as they are."""

import json

import pytest

from fastconv.system.extras import MissingPackage, needed


def test_a_package_that_is_there_is_imported():
    assert needed("json", "this", "json") is json


def test_the_error_is_one_line_with_who_needs_what_and_the_command():
    with pytest.raises(MissingPackage, match=r"^fastconv\.plot needs the package no_such_plot, .*: pip install plots$"):
        needed("no_such_plot", "fastconv.plot", "plots")
    with pytest.raises(MissingPackage, match=r"needs the package no_such\.part"):
        needed("no_such.part", "this", "such")


def test_a_package_that_is_there_and_lacks_something_keeps_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import something_it_lacks")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_it_lacks") as found:
        needed("broken_package", "this", "that")
    assert not isinstance(found.value, MissingPackage)
