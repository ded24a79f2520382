"""The README's Python runs and prints what it says; its commands and folders are those of this tree."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fastconv

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)


IDS = ["numpy", "network", "pictures", "batches", "transfer", "plot", "gradcheck", "sklearn", "onnx", "architectures"]


@pytest.fixture
def one_thread():
    yield
    fastconv.set_num_threads(None)


def draw_pictures(folder):
    """A folder for each of two classes: light pictures, and dark ones."""
    rng = np.random.default_rng(0)
    for name, low in (("cats", 128), ("dogs", 0)):
        (folder / name).mkdir()
        for number in range(60):
            pixels = rng.integers(low, low + 128, (40, 40, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


@pytest.mark.parametrize("block", BLOCKS, ids=IDS)
def test_python_runs_and_prints_what_it_says(block, tmp_path, monkeypatch, one_thread):
    monkeypatch.chdir(tmp_path)
    draw_pictures(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(block, "README.md", "exec"), {})
    lines = printed.getvalue().splitlines()
    said = re.findall(r"^print\((?!network).*\) +# (.*)$", block, re.MULTILINE)
    assert said
    assert lines[len(lines) - len(said) :] == said


@pytest.mark.parametrize("block", BLOCKS[:2], ids=["numpy", "network"])
def test_twenty_lines_are_about_twenty(block):
    assert 15 <= len([line for line in block.splitlines() if line.strip()]) <= 25


def test_there_are_two_commands_and_they_do_all_the_set_up():
    first, second = COMMANDS
    assert first == "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/fastconv train"
    assert second == 'python3 -m venv .venv && .venv/bin/pip install ".[test]" && .venv/bin/pytest'


def test_the_one_that_ci_takes_is_the_second():
    taken = re.findall(r"^.*\.venv/bin/pytest$", README, re.MULTILINE)
    assert taken == COMMANDS[1:]
    assert r"grep -x '.*\.venv/bin/pytest' README.md" in (ROOT / ".ci" / "run").read_text()


def test_every_folder_and_file_of_the_table_exists():
    rows = re.findall(r"^\| (`.*?) \|", README.partition("## What lies where")[2], re.MULTILINE)
    paths = [path for row in rows for path in re.findall(r"`(.*?)`", row)]
    assert len(paths) >= 10
    for path in paths:
        assert (ROOT / path).exists() or (ROOT / "fastconv" / path).exists(), path


def cells(title):
    """The rows of the table below a title, each a list of its cells."""
    lines = README.partition(f"## {title}\n")[2].partition("\n## ")[0].splitlines()
    return [row.strip("| ").split(" | ") for row in lines if row.startswith("|")][2:]


def words():
    """What the tables name: everything of fastconv, a network and its data."""
    network = fastconv.Network(fastconv.sequential(fastconv.Flatten(), fastconv.Linear(3)), (1, 4, 4), seed=0)
    x, y = np.ones((6, 1, 4, 4), "float32"), [0, 1, 2, 0, 1, 2]
    given = {"network": network, "x": x, "y": y, "K": 4, "C": 2, "path": "weights.npz"}
    return vars(fastconv) | given | {"loss": fastconv.CrossEntropy(), "optimizer": fastconv.SGD(0.1)}


def test_the_words_for_those_who_come_from_elsewhere_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    known, rows = words(), cells("Coming from PyTorch or Keras")
    assert len(rows) >= 10
    for _, _, ours in rows:
        for code in re.findall("`(.*?)`", ours):
            eval(code, dict(known))


def test_every_last_layer_fits_its_loss():
    """In training, and in predictions of the shape that the targets have."""
    rows = cells("Which loss goes with which last layer")
    assert len(rows) >= 5
    for ends, targets, loss in rows:
        known, images = words(), "Conv2D" in ends
        last = [eval(code, known) for code in re.findall("`(.*?)`", ends)]
        parts = last if images else [fastconv.Flatten(), *([fastconv.Linear(4)] if "Sigmoid" in ends else []), *last]
        network = fastconv.Network(fastconv.sequential(*parts), (1, 4, 4), seed=0)
        shape = (6, *network.output_shape)
        of_classes = np.zeros((6, *network.output_shape[1:]), int)
        given = of_classes if "class indices" in targets else np.ones(shape, "float32")
        axes = re.search(r"\((.*?)\)", targets)[1].rstrip(",").split(",")
        assert given.ndim == len(axes)
        chosen = eval(re.search("`(.*?)`", loss)[1], known)
        before = fastconv.evaluate(network, known["x"], given, loss=chosen)[0]
        for _ in range(5):
            fastconv.train_step(network, known["x"], given, fastconv.SGD(0.1), loss=chosen)
        assert fastconv.evaluate(network, known["x"], given, loss=chosen)[0] < before


def test_the_lines_of_the_derivation_are_those_that_it_shows():
    """But for the size of the differences, which is that of rounding."""
    shown = str(fastconv.derive()).splitlines()
    said = README.partition("## The derivation")[2].partition("```\n")[2].partition("```")[0].splitlines()
    assert len(said) >= 7
    start = shown.index(said[0])
    for found, line in zip(shown[start:], said, strict=False):
        assert re.sub(r"\d\.\de-\d+", "", found) == re.sub(r"\d\.\de-\d+", "", line)
