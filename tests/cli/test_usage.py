"""Usage and help; each failure is one clear line."""

import re

import pytest
from commands import failure

from fastconv.cli import options, parser, usage

FAILURES = {
    "no such data": (["train", "--data", "{tmp}/none"], "--data {tmp}/none: "),
    "empty data": (["train", "--data", "{tmp}"], "--data {tmp}: "),
    "out in a missing folder": (
        ["train", "--data", "{tmp}", "--out", "{tmp}/none/a.npz"],
        "a.npz: No such file or directory: there is no folder",
    ),
    "out is a folder": (["train", "--data", "{tmp}", "--out", "{tmp}"], "--out {tmp} is "),
    "data is a file": (["train", "--data", "{tmp}/file"], "--data {tmp}/file"),
    "too many threads": (
        ["train", "--data", "{tmp}", "--threads", "5000"],
        "--threads must be between 1 and 1024, got 5000",
    ),
    "threads beyond 64 bits": (["train", "--data", "{tmp}", "--threads", "9" * 30], "--threads must be between"),
    "no name": (["predict", "", "x.png"], "''"),
    "no such network": (["predict", "{tmp}/none.npz", "x.png"], "none.npz: No such file or directory"),
    "network is a folder": (["predict", "{tmp}", "x.png"], " is a folder; the network comes first: "),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_one_line_and_exit_code_1(name, tmp_path, capsys):
    arguments, message = FAILURES[name]
    (tmp_path / "file").write_bytes(b"")
    line = failure(capsys, *(argument.format(tmp=tmp_path) for argument in arguments))
    assert message.format(tmp=tmp_path) in line


USAGE = {
    "unknown command": ["learn"],
    "unknown option": ["train", "--rate", "1", "--data", "/none"],
    "abbreviated option": ["train", "--epoch", "1", "--data", "/none"],
    "unknown model": ["train", "--model", "alexnet7"],
    "no epochs": ["train", "--epochs", "0"],
    "half an epoch": ["train", "--epochs", "0.5"],
    "negative batch": ["train", "--batch-size", "-5"],
    "no rate": ["train", "--lr", "0"],
    "infinite rate": ["train", "--lr", "inf"],
    "rate in words": ["train", "--lr", "fast"],
    "not a number": ["train", "--lr", "nan"],
    "negative seed": ["train", "--seed", "-1"],
    "no threads": ["predict", "--threads", "0", "a.npz", "x.png"],
    "no files": ["predict", "a.npz"],
    "no model": ["predict"],
    "info of what": ["info", "cpu"],
}


@pytest.mark.parametrize("name", USAGE)
def test_usage_errors_exit_with_2(name, capsys):
    with pytest.raises(SystemExit) as stop:
        parser.main(USAGE[name])
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: fastconv")


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in options.COMMANDS if name != "info")])
def test_help_has_examples_that_are_understood(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        parser.main(arguments)
    assert stop.value.code == 0
    text = capsys.readouterr().out
    examples = re.findall(r"^  fastconv (.*?)(?:   .*)?$", text.partition("examples:")[2], re.MULTILINE)
    assert len(examples) >= 3
    for example in examples:
        words = example.partition(" < ")[0].split()
        assert callable(usage.parsed(words).run)
