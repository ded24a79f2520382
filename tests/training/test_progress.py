"""What is shown while training runs: a bar on a terminal and in a notebook, a line per epoch elsewhere."""

import io
import sys
import types

import pytest
import tqdm
import tqdm.auto

from fastconv.training import progress
from fastconv.training.epoch import Epoch
from fastconv.training.progress import SECONDS, progress_bar

DONE = Epoch(3, 0.25, 0.5, None, None, 1.0)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(progress, "perf_counter", found := Clock())
    return found


@pytest.fixture
def terminal(monkeypatch, capsys):
    """Standard error says that it is a terminal; tqdm draws 100 columns."""
    monkeypatch.setattr(progress, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "30")
    return capsys


def drawn(capsys):
    return [text.strip() for text in capsys.readouterr().err.replace("\n", "\r").split("\r") if text.strip()]


def test_the_bar_shows_loss_accuracy_rate_time_left_and_learning_rate(terminal, clock):
    with progress_bar("epoch 3/9", 1000, True) as bar:
        clock.now += 2
        bar.update(100, 0.12345, 0.98765, 0.05)
        last = drawn(terminal)[-1]
    assert last.startswith("epoch 3/9|")
    assert last.endswith(", loss 0.1235, 98.77 %, 50 images/s, lr 0.05")
    assert "| 100/1000  " in last
    assert " left, " in last


def test_what_is_not_known_is_not_shown(terminal, clock):
    with progress_bar("epoch 3/9", 1000, True) as bar:
        clock.now += 2
        bar.update(100, 12345.678, None, None)
        assert drawn(terminal)[-1].endswith(" left, loss 12346, 50 images/s")


def test_the_bar_is_drawn_ten_times_a_second(terminal, clock):
    with progress_bar("epoch 3/9", 1000, True) as bar:
        for _ in range(100):
            bar.update(1, 1.0, None, 0.1)
            clock.now += SECONDS / 25
        lines = drawn(terminal)
    assert len(lines) == 1 + 4  # of 0 images, and of every 25
    assert [line.rpartition("| ")[2].split("/")[0] for line in lines] == ["0", "1", "26", "51", "76"]


def test_the_line_of_the_epoch_takes_the_place_of_the_bar(terminal):
    with progress_bar("epoch 3/9", 10, True) as bar:
        bar.update(10, 1.0, None, 0.1)
        bar.done(DONE)
    assert drawn(terminal)[-1] == str(DONE)


def test_after_an_error_the_bar_is_gone(terminal):
    with pytest.raises(ValueError, match="mine"), progress_bar("epoch 3/9", 10, True):
        raise ValueError("mine")
    assert terminal.readouterr().err.endswith(" \r")


class Closed(io.StringIO):
    """A terminal that goes away at the n-th writing."""

    def __init__(self, n):
        super().__init__()
        self.left = n

    def write(self, text):
        self.left -= 1
        if self.left < 0:
            raise OSError(5, "Input/output error")
        return super().write(text)


@pytest.mark.parametrize("n", range(8))
def test_training_goes_on_when_the_terminal_goes_away(terminal, clock, monkeypatch, n):
    monkeypatch.setattr(sys, "stderr", Closed(n))
    with progress_bar("epoch 3/9", 10, True) as bar:
        for _ in range(10):
            bar.update(1, 1.0, None, 0.1)
            clock.now += 1
        bar.done(DONE)


def ipython(config):
    return types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(config=config))


def test_a_notebook_has_the_bar_for_notebooks(monkeypatch):
    assert progress.bar_class() is None
    monkeypatch.setitem(sys.modules, "IPython", ipython({"IPKernelApp": {}}))
    assert progress.bar_class() is tqdm.auto.tqdm
    monkeypatch.setitem(sys.modules, "IPython", ipython({}))  # on a console, whose error output is a pipe here
    assert progress.bar_class() is None
    monkeypatch.setattr(progress, "on_terminal", lambda: True)
    assert progress.bar_class() is tqdm.tqdm
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    assert progress.bar_class() is tqdm.tqdm


def test_without_a_terminal_there_is_a_line_per_epoch(capsys):
    with progress_bar("epoch 3/9", 10, True) as bar:
        bar.update(10, 1.0, None, 0.1)
        bar.done(DONE)
    assert capsys.readouterr() == ("", f"{DONE}\n")


def test_nothing_is_shown_that_is_not_wanted(terminal):
    with progress_bar("epoch 3/9", 10, False) as bar:
        bar.update(10, 1.0, None, 0.1)
        bar.done(DONE)
    assert terminal.readouterr() == ("", "")
