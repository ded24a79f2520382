"""`fastconv info` shows what a report of a fault needs."""

import importlib.metadata
import json
import os
import platform
from pathlib import Path

import numpy as np
import pytest

import fastconv
from fastconv import data, kernels
from fastconv.cli import info, parser


def rows(capsys):
    """name -> value, of rows that may go on below themselves."""
    assert parser.main(["info"]) == 0
    text = capsys.readouterr().out.replace("\n" + " " * info.INDENT, " ")
    return dict(line.split(maxsplit=1) for line in text.splitlines())


def test_info_tells_the_build_and_the_threads(capsys):
    fastconv.set_num_threads(1)
    shown = rows(capsys)
    assert shown["fastconv"] == f"{fastconv.__version__} in {Path(fastconv.__file__).parent}"
    assert shown["build"].replace(",", " ").split()[0] == kernels.build
    assert shown["builds"].split() == kernels.builds
    assert shown["threads"].startswith("1 of ")
    assert shown["NumPy"] == np.__version__
    assert shown["Python"].startswith(platform.python_version())
    assert platform.system() in shown["system"]
    assert set(shown) >= {"processor", "OpenMP", "data", "environment"}


@pytest.mark.parametrize(
    ("choice", "variable", "said"),
    [
        ((2, 2, 0, 0.0), "", "2 now: no other program has a processor"),
        ((1, 2, 3, 0.0), "", "1 now: other programs have 3 of "),
        ((1, 2, 0, 0.52), "", "1 now: for 0.5 s more, because one of them had to wait for a processor"),
        ((2, 2, 0, 0.0), "fixed", "2 now: fixed by FASTCONV_THREADS"),
        ((1, 1, 0, 0.0), "", "every call runs on one"),
    ],
)
def test_info_tells_how_many_threads_a_call_gets_and_why(choice, variable, said, capsys, monkeypatch):
    monkeypatch.setattr(info.threads, "choice", lambda: choice)
    monkeypatch.setenv("FASTCONV_THREADS", variable)
    assert said in rows(capsys)["threads"]


def test_info_tells_which_of_the_optional_packages_are_there(capsys, monkeypatch):
    found = importlib.metadata.version

    def version(name):
        if name == "pillow":
            raise importlib.metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    shown = rows(capsys)
    assert shown["pillow"] == "not installed: pip install pillow"
    assert shown["tqdm"] == found("tqdm")
    assert shown["safetensors"] == found("safetensors")


def test_info_tells_the_variables_that_change_what_fastconv_does(capsys, monkeypatch):
    for name in [name for name in os.environ if name.startswith(info.READ)]:
        monkeypatch.delenv(name)
    assert rows(capsys)["environment"] == "no variable of fastconv or OpenMP is set"
    assert rows(capsys)["data"] == str(data.find_folder())
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("FASTCONV_DATA", "some\nwhere")
    shown = rows(capsys)
    assert shown["environment"] == r"FASTCONV_DATA=some\nwhere OMP_NUM_THREADS=2"
    assert shown["data"] == r"some\nwhere"


@pytest.mark.parametrize("words", [3, 30])
def test_a_row_that_is_long_goes_on_below_itself(words):
    text = info.row("processor", " ".join(["avx512vnni"] * words))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line[: info.INDENT].strip() for line in lines] == ["processor"] + [""] * (len(lines) - 1)
    assert text.split() == ["processor"] + ["avx512vnni"] * words


def test_info_as_json_has_the_same_rows(capsys):
    shown = rows(capsys)
    assert parser.main(["info", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == list(shown)
