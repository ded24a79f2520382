"""`fastconv train` on folders of pictures, with the options that change how it trains."""

import json

import numpy as np
import pytest
from commands import failure
from PIL import Image

import fastconv
from fastconv.cli import parser
from fastconv.data import transforms

FEW = ("--model", "resnet8", "--epochs", "2", "--batch-size", "8")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Dark cats and light dogs, of 12 x 12 pixels."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for low, name in ((0, "cat"), (128, "dog")):
        (folder / name).mkdir()
        for number in range(20):
            pixels = rng.integers(low, low + 128, (12, 12, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def trained(*arguments):
    assert parser.main(["train", *map(str, arguments)]) == 0


def arrays(path):
    return {name: array.tobytes() for name, array in fastconv.load(path).network.arrays().items()}


def test_a_folder_of_pictures_becomes_a_classifier(pictures, tmp_path, capsys):
    out = tmp_path / "pets.npz"
    trained("--data", pictures, *FEW, "--epochs", 6, "--augment", "crop,flip", "--normalize", "data", "--out", out)
    assert "validation accuracy 100.00 %" in capsys.readouterr().out
    saved = fastconv.load(out)
    assert saved.classes == ("cat", "dog")
    assert [transforms.described(step)["name"] for step in saved.preprocessing] == ["normalize"]
    assert saved.classify(pictures / "dog" / "3.png")[0][0][0] == "dog"
    assert parser.main(["predict", str(out), str(pictures / "cat"), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["class"] for row in rows] == ["cat"] * 20
    assert parser.main(["eval", str(out), "--data", str(pictures), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 1


def test_many_options_together(pictures, tmp_path, capsys):
    log = tmp_path / "log.csv"
    options = "--optimizer adam --schedule cosine --warm-up 1 --ema 0.9 --patience 5 --clip 1 --accumulate 2 --balanced"
    options += " --workers 2 --augment flip,erase --normalize imagenet --label-smoothing 0.1 --weight-decay 1e-4 --json"
    trained("--data", pictures, *FEW, *options.split(), "--log", log, "--out", tmp_path / "a.npz")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("epoch") for line in lines[:2]] == [1, 2]
    assert lines[-1]["epochs"] == 2
    assert log.read_text().count("\n") == 3


@pytest.mark.parametrize("more", [(), ("--augment", "crop,flip", "--ema", "0.9")], ids=["arrays", "loader"])
def test_a_training_that_was_broken_off_goes_on(pictures, tmp_path, more):
    """The weights, of two epochs and then four more, are bit for bit those of six."""
    whole, run, parts = (tmp_path / f"{name}.npz" for name in ("whole", "run", "parts"))
    common = ("--data", pictures, *FEW, *more)
    trained(*common, "--epochs", 6, "--out", whole)
    trained(*common, "--epochs", 2, "--checkpoint", run, "--out", tmp_path / "two.npz")
    trained(*common, "--epochs", 6, "--resume", run, "--out", parts)
    assert arrays(parts) == arrays(whole)


def test_weights_of_another_training_begin_one_and_some_stay(pictures, tmp_path, capsys):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    trained("--data", pictures, *FEW, "--out", first)
    trained("--data", pictures, *FEW, "--pretrained", first, "--freeze", "layer1.*", "conv1.*", "--out", second)
    assert "frozen    7 of 23 arrays" in capsys.readouterr().out
    before, after = arrays(first), arrays(second)
    assert all(
        (before[name] == after[name]) == name.startswith(("layer1.", "conv1.")) for name in after if "num_" not in name
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--freeze", "*"), "--freeze '*' leaves no weights to train"),
        (("--freeze", "x.*"), "--freeze: patterns must fit names of parameters, 'x.*' fits none"),
        (("--every", "2"), "--every is how often the file of --checkpoint is written: add --checkpoint FILE"),
        (("--resume", "missing.npz"), "missing.npz: No such file or directory"),
        (("--schedule-args", "a=1"), "--schedule-args are those of a schedule: add --schedule NAME"),
        (("--optimizer", "adam", "--momentum", "0.9"), "--momentum belongs to sgd and rmsprop"),
        (("--model", "zhang2016"), "zhang2016 has always 10 outputs, not 2; choose another --model"),
        (("--model-args", "width=3"), "resnet8 has no argument 'width'"),
    ],
    ids=str,
)
def test_options_that_do_not_fit(pictures, tmp_path, capsys, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    assert says in failure(capsys, "train", "--data", pictures, *FEW, "--out", "a.npz", *options)
    assert list(tmp_path.iterdir()) == []


def test_weights_are_no_training_to_go_on_with(pictures, tmp_path, capsys):
    out = tmp_path / "a.npz"
    trained("--data", pictures, *FEW, "--out", out)
    line = failure(capsys, "train", "--data", pictures, *FEW, "--resume", out, "--out", tmp_path / "b.npz")
    assert line.startswith(f"fastconv: --resume {out} holds weights, but no training to go on with")
    assert f"add --pretrained {out} in place of --resume" in line


def test_without_tensorboard_the_line_that_installs_it_is_told(pictures, tmp_path, capsys, monkeypatch):
    import sys

    for name in ("tensorboard", "tensorboardX"):
        monkeypatch.setitem(sys.modules, name, None)
    out = tmp_path / "a.npz"
    line = failure(capsys, "train", "--data", pictures, *FEW, "--tensorboard", tmp_path / "curves", "--out", out)
    assert line.startswith("fastconv: --tensorboard: TensorBoard needs the package tensorboard")
