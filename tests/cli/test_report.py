"""`fastconv report`: where the page is written, what is on it, and what is refused in one line."""

import os
import re

import numpy as np
import pytest
from commands import failure
from PIL import Image

import fastconv
from fastconv import Network, models
from fastconv.cli import parser


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    """A copy of the trained network, in the folder where the test runs."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "squares.npz"
    path.write_bytes(trained.read_bytes())
    return "squares.npz"


def reported(capsys, *arguments):
    """The text of the page whose name the command prints."""
    assert parser.main(["report", *map(str, arguments)]) == 0
    printed = capsys.readouterr()
    name = re.fullmatch(r"report    (.*)\n", printed.out)[1]
    with open(name, encoding="utf-8") as file:
        return name, re.sub("</?span>", "", file.read())


def test_the_page_has_the_accuracy_that_eval_prints_and_the_command_that_trained(run, folder, capsys):
    name, page = reported(capsys, run, "--data", folder, "--examples", "1")
    assert name == "squares.html"
    assert parser.main(["eval", run, "--data", str(folder)]) == 0
    share = re.search(r"accuracy +([\d.]+) %", capsys.readouterr().out)[1]
    assert f"nielsen names the right class for {share}\N{NO-BREAK SPACE}% of 100 images of {folder}" in page
    assert f"fastconv train --model nielsen --data {folder} --epochs 4 --out " in page
    assert f"fastconv eval squares.npz --data {folder}\n" in page


def test_a_page_that_exists_is_kept(run, capsys):
    assert reported(capsys, run, "--title", "first")[0] == "squares.html"
    assert reported(capsys, run, "--title", "second")[0] == "squares-2.html"
    line = failure(capsys, "report", run, "--out", "squares.html")
    assert "--out squares.html exists; add --overwrite to replace it, or choose another name: " in line
    assert line.endswith("--out squares-3.html")
    _, page = reported(capsys, run, "--title", "third", "--out", "squares.html", "--overwrite")
    assert "<h1>third</h1>" in page
    assert sorted(os.listdir()) == ["squares-2.html", "squares.html", "squares.npz"]


def test_the_epochs_may_come_from_a_log(run, capsys):
    with open("log.jsonl", "w") as file:
        file.write('{"epoch": 7, "step": 70, "lr": 0.1, "loss": 0.125, "accuracy": 0.5}\n')
    _, page = reported(capsys, run, "--log", "log.jsonl")
    assert "nielsen reached a loss of 0.125 in its best epoch, 7." in page


def test_pictures_in_folders_of_classes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = ["ant", "bee", "cat"]
    fastconv.save("a.npz", Network(models.lenet5(3), (1, 28, 28), seed=1), classes=names)
    rng = np.random.default_rng(0)
    for name in names[:2]:
        (tmp_path / "some" / name).mkdir(parents=True)
        for number in range(2):
            Image.fromarray(rng.integers(0, 255, (40, 31, 3), np.uint8)).save(f"some/{name}/{number}.png")
    _, page = reported(capsys, "a.npz", "--data", "some")
    assert "4 images of some" in page
    (tmp_path / "some" / "bee" / "0.png").write_bytes(b"no picture")
    assert "1 of 4 pictures cannot be read" in failure(capsys, "report", "a.npz", "--data", "some")
    assert parser.main(["report", "a.npz", "--data", "some", "--skip-unreadable"]) == 0


FAULTS = {
    "missing.npz": "missing.npz: No such file or directory",
    "folder": "folder is a folder; the network comes first: fastconv report RUN --data PATH",
    "squares.npz --out page.npz": "--out must end with .html, got page.npz",
    "squares.npz --out missing/page.html": "--out missing/page.html: there is no folder missing",
    "squares.npz --out folder/page.html --part test": "--part is about images: add --data PATH",
    "squares.npz --skip-unreadable": "--skip-unreadable is about images: add --data PATH",
    "squares.npz --log folder": "--log folder is a folder; give the file that train --log wrote",
    "squares.npz --log log.txt": "history must be a log that ends with .csv or .jsonl, got log.txt",
    "squares.npz --log missing.csv": "missing.csv: No such file or directory",
    "squares.npz --data missing": "missing: no such file or folder",
    "squares.npz --data small.npz": "small.npz: images must have shape (1, 28, 28) like the network's, got (1, 9, 9)",
    "squares.npz --data other.npz": "other.npz must have labels from 0 to 9, as the network has 10 classes",
    "log.txt": "log.txt",
}


@pytest.mark.parametrize("typed", FAULTS)
def test_what_is_wrong_is_one_line_and_nothing_is_written(typed, run, capsys):
    os.mkdir("folder")
    with open("log.txt", "w") as file:
        file.write("words")
    np.savez("small.npz", images=np.zeros((2, 9, 9), np.uint8), labels=[0, 1])
    np.savez("other.npz", images=np.zeros((2, 28, 28), np.uint8), labels=[0, 10])
    before = sorted(os.listdir())
    assert FAULTS[typed] in failure(capsys, "report", *typed.split())
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_package_is_one_line(package, run, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    line = failure(capsys, "report", run)
    assert line.endswith(f"fastconv report needs the package {package}, which is not installed: pip install {package}")


def test_a_page_is_about_one_network(capsys):
    with pytest.raises(SystemExit):
        parser.main(["report", "a.npz", "b.npz"])
    assert capsys.readouterr().err.endswith("error: unexpected b.npz; a page is about one network\n")
