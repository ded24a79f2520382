"""Options from a TOML file: what they become, that typed ones come first, and what is wrong with a file."""

import pytest
from commands import failure

from fastconv.cli import usage

FILE = """
model = "lenet5"
batch-size = 50
lr = 0.5
augment = ["flip", "crop"]
overwrite = true
freeze = ["conv1.*", "*.bias"]
weight_decay = 1e-4

[model-args]
num_classes = 7
"""


def parsed(path, *words):
    return usage.parsed(["train", "--config", str(path), *words])


def test_keys_are_options(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(FILE)
    found, typed = parsed(path), usage.parsed(
        ["train", "--model", "lenet5", "--batch-size", "50", "--lr", "0.5", "--augment", "flip,crop", "--overwrite"]
        + ["--freeze", "conv1.*", "*.bias", "--weight-decay", "1e-4", "--model-args", "num_classes=7"]
    )  # fmt: skip
    for name, value in vars(typed).items():
        assert name in ("config", "words") or getattr(found, name) == value, name


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("16", 16)])
def test_an_option_with_or_without_a_number(tmp_path, text, value):
    path = tmp_path / "a.toml"
    path.write_text(f"deterministic = {text}")
    found = parsed(path).deterministic
    assert found == value
    assert type(found) is type(value)


def test_what_is_typed_comes_before_the_file(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(FILE)
    found = parsed(path, "--lr", "0.25", "--model", "nielsen")
    assert (found.lr, found.model, found.batch_size) == (0.25, "nielsen", 50)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("batchsize = 5", "there is no option --batchsize; did you mean batch-size?"),
        ("xyz = 5", "there is no option --xyz; 'fastconv train --help' shows the options"),
        ("config = 'b.toml'", "there is no option --config"),
        ("batch-size = 0", "batch-size must be a whole number >= 1, got '0'"),
        ("batch-size = 'many'", "batch-size must be a whole number >= 1, got 'many'"),
        ("batch-size = true", "batch-size must be a number or a text, got True"),
        ("overwrite = 1", "overwrite must be true or false, got 1"),
        ("lr = [1, 2]", "lr must be"),
        ("model = 'resnet'", "model must be the name of a model, got 'resnet'; did you mean 'resnet8'?"),
        ("augment = ['swirl']", "augment "),
        ("[lr]\nx = 1", "lr must be a number or a text"),
        ("lr = ", "is no TOML: "),
        ("\xff".encode("latin-1"), "is no TOML: "),
    ],
    ids=str,
)
def test_a_file_that_does_not_fit(tmp_path, capsys, text, says):
    path = tmp_path / "a.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    line = failure(capsys, "train", "--config", path)
    assert line.startswith(f"fastconv: --config {path}: ")
    assert says in line


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert failure(capsys, "train", "--config", tmp_path / "a.toml").endswith("a.toml: No such file or directory")
    assert failure(capsys, "train", "--config", tmp_path).endswith(": Is a directory")
