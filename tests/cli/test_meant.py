"""A command line that is not understood says what to type: options and commands that are nearly right or of others."""

import os

import pytest

from fastconv.cli import architectures, hints, options, parser, usage, words


def error(capsys, arguments):
    """What follows `error: ` on the last line of a command line that is not understood."""
    with pytest.raises(SystemExit) as stop:
        parser.main(arguments)
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()[-1].partition("error: ")[2]


@pytest.mark.parametrize("arguments", [[], ["help"], ["-h"]])
def test_without_a_command_the_help_is_shown(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        parser.main(arguments)
    assert stop.value.code == 0
    shown = capsys.readouterr()
    with pytest.raises(SystemExit):
        parser.main(["--help"])
    assert (shown.out, shown.err) == (capsys.readouterr().out, "")


@pytest.mark.parametrize("name", options.COMMANDS)
def test_help_of_a_command_in_three_spellings(name, capsys):
    shown = []
    for arguments in (["help", name], [name, "--help"], [name, "-h"]):
        with pytest.raises(SystemExit) as stop:
            parser.main(arguments)
        assert stop.value.code == 0
        shown.append(capsys.readouterr().out)
    assert shown[0].startswith(f"usage: fastconv {name} ")
    assert shown[0] == shown[1] == shown[2]


def test_help_fits_into_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in ([], *(["help", name] for name in options.COMMANDS)):
        with pytest.raises(SystemExit):
            parser.main(arguments)
        assert max(map(len, capsys.readouterr().out.splitlines())) < 80


def test_the_help_of_predict_says_what_a_picture_must_look_like(capsys):
    with pytest.raises(SystemExit):
        parser.main(["predict", "--help"])
    text = capsys.readouterr().out
    for word in ("bright on dark", "--invert", "grey", "28 x 28", "0 is black and 1 is white", "pip install pillow"):
        assert word in text


COMMANDS = {
    "trian": "; did you mean 'train'?",
    "Train": "; did you mean 'train'?",
    "fit": "; did you mean 'train'?",
    "predcit": "; did you mean 'predict'?",
    "classify": "; did you mean 'predict'?",
    "test": "; did you mean 'eval'?",
    "benchmark": "; did you mean 'bench'?",
    "version": "; did you mean '--version'?",
    "infos": "; did you mean 'info'?",
    "hepl": "; did you mean 'help'?",
    "lenet5": "; write fastconv train --model lenet5",
    "frobnicate": "; the commands are train, eval, predict, report, summary, profile, bench, derive, convert, info",
    "": "; write one of train, eval, predict, report, summary, profile, bench, derive, convert, info",
}


@pytest.mark.parametrize("typed", COMMANDS)
def test_an_unknown_command(typed, capsys):
    assert error(capsys, [typed]) == f"unknown command {typed!r}{COMMANDS[typed]}"


def test_a_picture_for_a_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my boot.png").write_bytes(b"")
    why = "unknown command 'my boot.png'; there is a file of this name: write fastconv predict MODEL 'my boot.png'"
    assert error(capsys, ["my boot.png"]) == why
    (tmp_path / "m.npz").write_bytes(b"")
    assert error(capsys, ["m.npz", "my boot.png"]).endswith("of this name: write fastconv predict m.npz FILE")


OPTIONS = {
    "train --epoch 3": "--epoch; did you mean --epochs?",
    "train --epoch=3": "--epoch; did you mean --epochs?",
    "train --batchsize 3": "--batchsize; did you mean --batch-size?",
    "train --batch_size 3": "--batch_size; did you mean --batch-size?",
    "train --bs 3": "--bs; did you mean --batch-size?",
    "train --learning-rate 3": "--learning-rate; did you mean --lr?",
    "train --learning_rate=3": "--learning_rate; did you mean --lr?",
    "train -lr 3": "-lr; did you mean --lr?",
    "train --output a.npz": "--output; did you mean --out?",
    "train -o a.npz": "-o; did you mean --out?",
    "train --force": "--force; did you mean --overwrite?",
    "train --dataset x": "--dataset; did you mean --data?",
    "train --Epochs 3": "--Epochs; did you mean --epochs?",
    "train --arch lenet5": "--arch; did you mean --model?",
    "train --random-state 3": "--random-state; did you mean --seed?",
    "train --num_workers 3": "--num_workers; did you mean --workers?",
    "train --invert": "--invert; --invert is an option of 'fastconv predict'",
    "train --frobnicate": "--frobnicate; see fastconv train --help",
    "train --dropout 0.5": "--dropout; it belongs to the model: write --model-args dropout=0.5",
    "train --gpu": "--gpu; fastconv computes on the CPU",
    "predict --model a.npz b.png": "--model; the network and the files are written without options: "
    "fastconv predict MODEL FILE",
    "predict a.npz b.png -o c.txt": "-o; results go to standard output: write fastconv predict MODEL FILE > RESULTS",
    "predict --inverse a.npz b.png": "--inverse; did you mean --invert?",
    "predict --epochs 3 a.npz b.png": "--epochs; --epochs is an option of 'fastconv train'",
    "--epochs 3": "--epochs; --epochs is an option of 'fastconv train'",
    "--versoin": "--versoin; did you mean --version?",
    "-V": "-V; did you mean --version?",
    "-help": "-help; did you mean --help?",
    "predict --version": "--version; write fastconv --version",
    "info -V": "-V; write fastconv --version",
    "train -inf": "-inf; see fastconv train --help",
    "info --verbose": "--verbose; see fastconv info --help",
}


@pytest.mark.parametrize("typed", OPTIONS)
def test_an_unknown_option(typed, capsys):
    assert error(capsys, typed.split()) == f"unknown option {OPTIONS[typed]}"


def test_every_option_that_may_be_meant_exists():
    _, commands = options.parser()
    known = {"--version", *(flag for command in commands.values() for flag in command._option_string_actions)}
    assert set(hints.OPTIONS.values()) <= known
    assert set(hints.COMMANDS.values()) <= {*commands, "--version"}
    for name, unknown in hints.HINTS.items():
        assert not unknown.keys() & commands[name]._option_string_actions.keys()


VALUES = {
    "train --model resnet": "--model: must be the name of a model, got 'resnet'; did you mean 'resnet8'?",
    "train --model LeNet5": "--model: must be the name of a model, got 'LeNet5'; did you mean 'lenet5'?",
    "train --model nielsen_l2": "--model: must be the name of a model, got 'nielsen_l2'; did you mean 'nielsen-l2'?",
    "train --model xyz": "--model: must be the name of a model, got 'xyz'; the models are {models}",
    "train --model known": "--model: must be the name of a model, got 'known'; the models are {models}",
    "train --model unet": "--model: must be a model with a class for each image; train unet with fastconv.fit",
    "train --epochs 0": "--epochs: must be a whole number >= 1, got '0'",
    "train --epochs=2.5": "--epochs: must be a whole number >= 1, got '2.5'",
    "train --batch-size -5": "--batch-size: must be a whole number >= 1, got '-5'",
    "train --lr 0": "--lr: must be a number > 0, such as 0.1, got '0'",
    "train --lr -0.1": "--lr: must be a number > 0, such as 0.1, got '-0.1'",
    "train --lr abc": "--lr: must be a number > 0, such as 0.1, got 'abc'",
    "train --lr 0,05": "--lr: must be a number > 0, such as 0.1, got '0,05'; write 0.05",
    "train --lr a,b": "--lr: must be a number > 0, such as 0.1, got 'a,b'",
    "train --seed x": "--seed: must be a whole number >= 0, got 'x'",
    "train --threads 0": "--threads: must be a whole number >= 1, got '0'",
}


@pytest.mark.parametrize("typed", VALUES)
def test_a_value_that_is_wrong_is_named_with_its_option(typed, capsys):
    wanted = VALUES[typed].format(models=", ".join(architectures.classifiers()))
    assert error(capsys, typed.split()) == f"argument {wanted}"


WORDS = {
    "train sample": "unexpected sample; write --data sample",
    "train lenet5": "unexpected lenet5; write --model lenet5",
    "train .": "unexpected .; write --data .",
    "train mine.npz": "unexpected mine.npz; write --out mine.npz",
    "train --epochs 3 lenet5 9": "unexpected lenet5 9; write --model lenet5",
    "train what": "unexpected what; see fastconv train --help",
    "train --epochs 1 -5": "unexpected -5; see fastconv train --help",
    "train --out": "--out needs a value",
    "train --lr --seed 3": "--lr needs a value",
    "train --overwrite=1": "--overwrite takes no value",
    "train --help=1": "--help takes no value",
    "info cpu": "unexpected cpu; info takes no arguments",
    "predict": "MODEL and FILE are missing; write for example fastconv predict zhang2016.npz boot.png",
    "predict a.npz": "two names are needed, MODEL and FILE, got only a.npz; write fastconv predict a.npz boot.png",
    "predict a.png --invert": "two names are needed, MODEL and FILE, got only a.png; "
    "write fastconv predict MODEL a.png",
    "predict -": "two names are needed, MODEL and FILE, got only -; write fastconv predict MODEL -",
}


@pytest.mark.parametrize("typed", WORDS)
def test_words_that_are_missing_or_too_many(typed, capsys):
    assert error(capsys, typed.split()) == WORDS[typed]


def test_what_was_typed_cannot_break_the_line(capsys):
    assert error(capsys, ["a\tb\n\x1b"]).startswith(r"unknown command 'a\tb\n\x1b'; ")
    assert error(capsys, ["train", "a\nb"]) == r"unexpected 'a\nb'; see fastconv train --help"
    assert error(capsys, ["train", "--a\nb"]) == r"unknown option --a\nb; see fastconv train --help"


def test_the_home_folder_in_an_option(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    arguments = ["train", "--data", str(folder), "--epochs", "1", "--out=~/a.npz"]
    assert parser.main(arguments) == 0
    assert f"saved     {tmp_path / 'a.npz'}\n" in capsys.readouterr().out


def test_data_that_cannot_be_read_are_named_with_where_they_were_given(tmp_path, capsys, monkeypatch):
    assert parser.main(["train", "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"fastconv: --data {tmp_path}: ")
    monkeypatch.setenv("FASTCONV_DATA", str(tmp_path / "none"))
    assert parser.main(["train"]) == 1
    assert capsys.readouterr().err.startswith(f"fastconv: FASTCONV_DATA={tmp_path / 'none'}: ")


@pytest.mark.parametrize(
    ("typed", "files"),
    [
        ("predict m.npz -- -x.png", ["-x.png"]),
        ("predict -- m.npz -x.png", ["-x.png"]),
        ("predict m.npz -", ["-"]),
        ("predict m.npz - --invert", ["-"]),
        ("predict m.npz -- --epoch", ["--epoch"]),
    ],
)
def test_names_that_begin_with_a_hyphen(typed, files):
    assert usage.parsed(typed.split()).files == files


@pytest.mark.parametrize(
    ("name", "kind"),
    [("boot.png", "a picture"), ("boot.npy", "a .npy array"), ("boot.idx", "an IDX file"), ("boots", "a folder")],
)
def test_images_given_before_the_network(name, kind, trained, tmp_path, capsys, monkeypatch):
    starts = {"boot.png": b"\x89PNG\r\n\x1a\n", "boot.npy": b"\x93NUMPY\1\0", "boot.idx": b"\0\0\x08\3" + bytes(12)}
    monkeypatch.chdir(tmp_path)
    os.mkdir("boots")
    for file, start in starts.items():
        (tmp_path / file).write_bytes(start)
    for files, line in ((["m.npz", "b.png"], f"m.npz {name}"), (["b.png"], f"MODEL {name}")):
        assert parser.main(["predict", name, *files]) == 1
        said = f"fastconv: {name} is {kind}; the network comes first: fastconv predict {line}\n"
        assert capsys.readouterr().err == said


def test_a_network_that_is_not_there_says_how_to_make_it(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parser.main(["predict", "m.npz", "x.png"]) == 1
    line = capsys.readouterr().err
    assert line == "fastconv: m.npz: No such file or directory; fastconv train --out m.npz makes it\n"
    made = line.partition("; fastconv ")[2].removesuffix(" makes it\n").split()
    assert parser.main([*made, "--data", str(folder), "--epochs", "1"]) == 0
    assert [name for name in os.listdir(tmp_path) if name.endswith(".npz")] == ["m.npz"]


def test_one_and_several(folder, tmp_path, capsys):
    assert words.counted(1, "epoch") == "1 epoch"
    assert words.counted(0, "image") == "0 images"
    assert words.counted(60_000, "image") == "60,000 images"
    arguments = ["train", "--data", str(folder), "--epochs", "1", "--batch-size", "1", "--threads", "1"]
    assert parser.main([*arguments, "--out", str(tmp_path / "a.npz")]) == 0
    printed = capsys.readouterr().out
    assert "training  1 epoch, batches of 1 image, learning rate 1\n" in printed
    assert ", 1 thread\n" in printed


def test_a_file_whose_name_begins_like_an_option(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-x.png").write_bytes(b"")
    why = "unknown option -x.png; there is a file of this name: write ./-x.png"
    assert error(capsys, ["predict", "m.npz", "-x.png"]) == why


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("epochs=3", "--epochs 3"), ("batch_size=50", "--batch-size 50"), ("learning_rate=1", "--lr 1")],
)
def test_an_option_without_its_hyphens(capsys, typed, meant):
    assert error(capsys, ["train", typed]) == f"unexpected {typed}; write {meant}"
