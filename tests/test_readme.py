"""The README's Python runs and prints what it says; its commands and folders are those of this tree."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import fastconv

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)


@pytest.fixture
def one_thread():
    yield
    fastconv.set_num_threads(None)


@pytest.mark.parametrize("block", BLOCKS, ids=["numpy", "network", "architectures"])
def test_python_runs_and_prints_what_it_says(block, tmp_path, monkeypatch, one_thread):
    monkeypatch.chdir(tmp_path)
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
