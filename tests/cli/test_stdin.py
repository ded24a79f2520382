"""A picture from standard input: the file name -."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import failure
from PIL import Image

import fastconv
from fastconv import data
from fastconv.cli import parser, stdin
from fastconv.data import write_idx


class Given(io.TextIOWrapper):
    """Standard input that holds these bytes; a terminal, if asked for."""

    terminal = False

    def __init__(self, content):
        super().__init__(io.BytesIO(content))

    def isatty(self):
        return self.terminal


@pytest.fixture
def image(folder):
    """An image of class 4, (28, 28)."""
    return data.load(folder).test.images[4, 0]


def png(image):
    file = io.BytesIO()
    Image.fromarray((image * 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def classes(capsys):
    return [line.split("\t")[:2] for line in capsys.readouterr().out.splitlines()]


def test_a_picture_an_array_and_idx_from_standard_input(trained, image, tmp_path, capsys, monkeypatch):
    np.save(tmp_path / "x.npy", image)
    write_idx(tmp_path / "x.gz", (image * 255).astype(np.uint8))
    for content in (png(image), (tmp_path / "x.npy").read_bytes(), (tmp_path / "x.gz").read_bytes()):
        monkeypatch.setattr(sys, "stdin", Given(content))
        assert parser.main(["predict", str(trained), "-"]) == 0
        assert classes(capsys) == [["-", "4"]]


def test_standard_input_among_files_and_twice(trained, image, tmp_path, capsys, monkeypatch):
    (tmp_path / "a.png").write_bytes(png(image))
    monkeypatch.setattr(sys, "stdin", Given(png(image)))
    assert parser.main(["predict", str(trained), "-", str(tmp_path / "a.png"), "-"]) == 0
    assert classes(capsys) == [["-", "4"], [str(tmp_path / "a.png"), "4"], ["-", "4"]]


def test_several_images_from_standard_input_are_numbered(trained, image, tmp_path, capsys, monkeypatch):
    np.save(tmp_path / "x.npy", np.stack([image] * 2))
    monkeypatch.setattr(sys, "stdin", Given((tmp_path / "x.npy").read_bytes()))
    assert parser.main(["predict", str(trained), "-"]) == 0
    assert classes(capsys) == [["-[0]", "4"], ["-[1]", "4"]]


def test_as_a_shell_gives_it(trained, image, tmp_path):
    (tmp_path / "a.png").write_bytes(png(image))
    line = f'"{sys.executable}" -m fastconv predict "{trained}" - < a.png'
    environment = {**os.environ, "PYTHONPATH": str(Path(fastconv.__file__).parents[1])}
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout[:4], done.stderr) == (0, "-\t4\t", "")


@pytest.mark.parametrize(("content", "why"), [
    (b"", "not a picture that can be read: it is empty"),
    (b"hello", "not a picture that can be read: it is text, and begins with 'hello'"),
    (b"\x89PNG\r\n\x1a\n", "not a picture that can be read: "),
])  # fmt: skip
def test_what_is_no_picture_is_called_standard_input(trained, content, why, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Given(content))
    line = failure(capsys, "predict", trained, "-")
    assert line.startswith(f"fastconv: standard input: {why}")
    assert "/stdin" not in line


def test_nan_in_standard_input(trained, image, tmp_path, capsys, monkeypatch):
    np.save(tmp_path / "x.npy", image * np.nan)
    monkeypatch.setattr(sys, "stdin", Given((tmp_path / "x.npy").read_bytes()))
    assert failure(capsys, "predict", trained, "-") == (
        "fastconv: standard input: no class for it: the image holds NaN or infinity"
    )


def test_a_warning_calls_it_standard_input(trained, image, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Given(png(1 - image)))
    assert parser.main(["predict", str(trained), "-"]) == 0
    assert capsys.readouterr().err.startswith("fastconv: warning: standard input has a border of brightness 0.9")


def test_a_terminal_is_not_waited_for(trained, capsys, monkeypatch):
    given = Given(b"")
    given.terminal = True
    monkeypatch.setattr(sys, "stdin", given)
    line = failure(capsys, "predict", trained, "-")
    assert line == "fastconv: standard input: is a terminal; give it a file: fastconv predict MODEL - < FILE"


@pytest.mark.parametrize("shut", [None, "closed"])
def test_standard_input_that_is_closed(trained, capsys, monkeypatch, shut):
    given = None
    if shut:
        given = Given(b"")
        given.close()
    monkeypatch.setattr(sys, "stdin", given)
    assert failure(capsys, "predict", trained, "-") == "fastconv: standard input: is closed"


def test_standard_input_that_cannot_be_read(trained, capsys, monkeypatch):
    class Broken(io.BytesIO):
        def read(self, _):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Broken()))
    line = failure(capsys, "predict", trained, "-")
    assert line == "fastconv: standard input: cannot be read: Input/output error"


def test_more_than_a_disk_should_take(trained, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Given(b"\0" * 300))
    monkeypatch.setattr(stdin, "CHUNK", 10)
    monkeypatch.setattr(stdin, "MOST_BYTES", 99)
    assert failure(capsys, "predict", trained, "-") == "fastconv: standard input: holds more than 99 bytes"


def test_the_temporary_file_is_removed(trained, image, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", Given(png(image)))
    assert parser.main(["predict", str(trained), "-"]) == 0
    assert os.listdir(tmp_path) == []


def test_a_file_of_that_name_is_named_with_its_folder(trained, image, tmp_path, capsys, monkeypatch):
    (tmp_path / "-").write_bytes(png(image))
    monkeypatch.chdir(tmp_path)
    assert parser.main(["predict", str(trained), "./-"]) == 0
    assert classes(capsys) == [["./-", "4"]]
