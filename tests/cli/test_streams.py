"""Standard output and error that are closed, full, or cannot write a name: the work is done all the same."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fastconv
from fastconv import models
from fastconv.cli import parser, streams
from fastconv.cli.streams import Stream
from fastconv.network import Network


class Failing(io.StringIO):
    """A stream that takes so many writes, and then fails in the way of a full disk."""

    def __init__(self, writes=0):
        super().__init__()
        self.writes = writes

    def write(self, text):
        if self.writes == 0:
            raise OSError(28, "No space left on device")
        self.writes -= 1
        return super().write(text)


def test_a_stream_passes_on_what_is_written():
    inner = io.StringIO()
    stream = Stream(inner)
    print("a\tb", "é", file=stream, flush=True)
    assert inner.getvalue() == "a\tb é\n"
    assert stream.error is None
    assert stream.write("abc") == 3
    assert stream.readable()


def test_the_first_failure_is_kept_and_the_rest_is_dropped():
    inner = Failing(writes=2)
    stream = Stream(inner)
    for word in ("one", "two", "three"):
        print(word, file=stream)
    inner.writes = 5
    print("four", file=stream, flush=True)
    assert inner.getvalue() == "one\n"
    assert stream.error.strerror == "No space left on device"


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("make", [lambda: None, closed])
def test_a_closed_stream_is_a_failure_once_something_is_written(make):
    stream = Stream(make())
    assert stream.error is None
    print("x", file=stream)
    assert stream.error.strerror == "it is closed"
    assert not stream.isatty()


@pytest.mark.parametrize(("encoding", "written"), [
    ("ascii", rb"\xe9\u65e5\udcff"),
    ("cp1252", b"\xe9" + rb"\u65e5\udcff"),
    ("utf-8", "é日".encode() + rb"\udcff"),
])  # fmt: skip
def test_characters_that_a_stream_cannot_encode_become_escapes(encoding, written):
    inner = io.BytesIO()
    stream = Stream(io.TextIOWrapper(inner, encoding, errors="strict"))
    print("é日\udcff", end="", file=stream, flush=True)
    assert inner.getvalue() == written
    assert stream.error is None


@pytest.mark.parametrize(("name", "shown"), [
    ("ordinary name-1.png", "ordinary name-1.png"),
    ("é 日本 \U0001f600.png", "é 日本 \U0001f600.png"),
    ("a\tb\nc\rd", r"a\tb\nc\rd"),
    ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
    ("\x85\u2028\u2029\x7f", r"\x85\u2028\u2029\x7f"),
    ("\udcff\udc80", r"\xff\x80"),
    (r"a\tb", r"a\\tb"),
    ("-x[0]", "-x[0]"),
])  # fmt: skip
def test_a_name_is_one_field_of_one_line(name, shown):
    assert streams.field(name) == shown
    assert len(streams.field(name).splitlines()) == 1
    streams.field(name).encode()


def test_without_standard_error_complaints_do_not_go_to_standard_output(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    streams.complain("x")
    assert capsys.readouterr().out == ""


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with a network, pictures under odd names, and one that is damaged."""
    folder = tmp_path_factory.mktemp("work")
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    network.save(folder / "m.npz", {"model": "zhang2016", "input_shape": [1, 28, 28]})
    (folder / "p").mkdir()
    for name in (b"a.png", "é.png".encode(), b"t\tn\n.png", b"\x1b[31m.png", b"\xff.png", b"-x.png"):
        with open(os.fsencode(folder / "p") + b"/" + name, "wb") as file:
            Image.fromarray(np.full((28, 28), 50, np.uint8)).save(file, "PNG")
    (folder / "p" / "bad.png").write_bytes(b"")
    return folder


def command(redirect, *arguments, cwd, **environment):
    """`fastconv ARGUMENTS` with the shell's redirections."""
    environment = {**os.environ, "PYTHONPATH": str(Path(fastconv.__file__).parents[1]), **environment}
    line = ["sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-m", "fastconv", *map(str, arguments)]
    return subprocess.run(line, cwd=cwd, env=environment, capture_output=True)


BAD = b"fastconv: p/bad.png: not a picture that can be read: it is empty\n"
NAMES = [rb"p/\x1b[31m.png", b"p/-x.png", b"p/a.png", rb"p/t\tn\n.png", "p/é.png".encode(), rb"p/\xff.png"]


@pytest.mark.parametrize(("environment", "accented"), [
    ({"PYTHONIOENCODING": "utf-8"}, "é".encode()),
    ({"PYTHONIOENCODING": "ascii"}, rb"\xe9"),
    ({"PYTHONIOENCODING": "cp1252"}, b"\xe9"),
    ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, rb"\xc3\xa9"),
])  # fmt: skip
def test_names_of_any_bytes_are_written_wherever_output_goes(work, environment, accented):
    done = command("", "predict", "m.npz", "p", cwd=work, **environment)
    assert (done.returncode, done.stderr) == (1, BAD)
    rows = [line.split(b"\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == [name.replace("é".encode(), accented) for name in NAMES]
    assert {len(row) for row in rows} == {3}


UNWRITABLE = {"closed": (">&-", b"it is closed"), "not writable": ("1<m.npz", b"Bad file descriptor")}


@pytest.mark.parametrize("name", UNWRITABLE)
@pytest.mark.parametrize("arguments", [["predict", "m.npz", "p/a.png"], ["info"], ["train"]])
def test_standard_output_that_cannot_be_written_is_one_line_and_exit_code_1(work, tmp_path, name, arguments):
    redirect, message = UNWRITABLE[name]
    out = tmp_path / "a.npz"
    more = ["--data", "sample", "--epochs", "1", "--out", out] if arguments == ["train"] else []
    done = command(redirect, *arguments, *more, cwd=work)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"fastconv: standard output cannot be written: " + message + b"\n"
    assert out.exists() == bool(more)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["predict", "--help"]])
def test_help_that_cannot_be_written(work, arguments):
    done = command("1<m.npz", *arguments, cwd=work)
    assert done.returncode == 1
    assert done.stderr == b"fastconv: standard output cannot be written: Bad file descriptor\n"


@pytest.mark.parametrize("redirect", ["2>&-", "2<m.npz", "2>&- <&-"])
def test_without_standard_error_results_are_complete_and_alone(work, redirect):
    done = command(redirect, "predict", "m.npz", "p", cwd=work, PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr) == (1, b"")
    assert [line.split(b"\t")[0] for line in done.stdout.splitlines()] == NAMES


def test_with_nothing_open_a_network_is_trained_and_saved(work, tmp_path):
    out = tmp_path / "a.npz"
    done = command(">&- 2>&- <&-", "train", "--data", "sample", "--epochs", "1", "--out", out, cwd=work)
    assert done.returncode == 1
    assert Network(models.zhang2016(), (1, 28, 28)).load(out)["model"]["name"] == "zhang2016"


def test_a_reader_that_goes_away_ends_predictions_without_a_word(work):
    np.save(work / "many.npy", np.zeros((3000, 28, 28), np.uint8))
    files = " ".join(["many.npy"] * 3)
    line = f'"{sys.executable}" -m fastconv predict m.npz {files} | head -n 1; exit ${{PIPESTATUS[0]}}'
    environment = {**os.environ, "PYTHONPATH": str(Path(fastconv.__file__).parents[1])}
    done = subprocess.run(["bash", "-c", line], cwd=work, env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"many.npy[0]\t")


def test_training_goes_on_where_its_reader_goes_away(work, tmp_path):
    out = tmp_path / "a.npz"
    arguments = f'train --data sample --epochs 2 --out "{out}"'
    line = f'"{sys.executable}" -m fastconv {arguments} | head -n 1; exit ${{PIPESTATUS[0]}}'
    environment = {**os.environ, "PYTHONPATH": str(Path(fastconv.__file__).parents[1])}
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"")
    assert out.exists()


def test_the_streams_of_the_caller_are_left_as_they_were(capsys):
    before = sys.stdout, sys.stderr
    assert parser.main(["info"]) == 0
    with pytest.raises(SystemExit):
        parser.main(["--version"])
    assert (sys.stdout, sys.stderr) == before
