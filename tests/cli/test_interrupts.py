"""Ctrl-C, and other signals, while `fastconv train` works: the epochs that are finished are kept."""

import os
import re
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import fastconv
from fastconv import checkpoint, models
from fastconv.cli import describing, interrupts, parser
from fastconv.cli.finished import Finished
from fastconv.network import Network
from fastconv.training.epoch import Epoch


def arrays(path):
    network = Network(models.zhang2016(), (1, 28, 28))
    network.load(path)
    return {name: array.copy() for name, array in network.parameters.items()}


@pytest.fixture
def start(folder, tmp_path):
    """start(*ignored): a training of many epochs, as a process of its own; it is killed at the end if it still runs.

    Signals do in it what they do by default, whatever the tests inherit, but for the ignored ones.
    """
    processes = []

    def started(*ignored):
        command = [sys.executable, "-m", "fastconv", "train", "--data", str(folder), "--epochs", "100000"]
        environment = {**os.environ, "PYTHONPATH": str(Path(fastconv.__file__).parents[1])}
        kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {kind: signal.signal(kind, signal.SIG_IGN if kind in ignored else signal.SIG_DFL) for kind in kinds}
        try:
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            processes.append(subprocess.Popen(command, cwd=tmp_path, env=environment, **pipes))
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def test_a_process_that_is_interrupted_saves_the_last_finished_epoch(start, folder, tmp_path):
    process = start()
    assert any("epoch 2 " in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    where, what = (
        r"interrupted in epoch (\d+)",
        r"saved the network of epoch (\d+) \(test accuracy .* %\) as zhang2016.npz",
    )
    said = f"fastconv: {where}; {what}; to go on write fastconv train .* --resume zhang2016.npz\n"
    epoch, saved = map(int, re.fullmatch(said, errors).groups())
    assert process.returncode == 130
    assert epoch == saved + 1 > 2
    assert os.listdir(tmp_path) == ["zhang2016.npz"]
    again = ["train", "--data", str(folder), "--epochs", str(saved), "--out", str(tmp_path / "again.npz")]
    assert parser.main(again) == 0
    kept, expected = arrays(tmp_path / "zhang2016.npz"), arrays(tmp_path / "again.npz")
    for name, array in expected.items():
        np.testing.assert_array_equal(kept[name], array)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_that_end_a_process_save_too(start, tmp_path, number):
    process = start()
    assert any("epoch 2 " in line for line in process.stdout)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors.startswith("fastconv: interrupted in epoch ")
    arrays(tmp_path / "zhang2016.npz")


def test_a_terminal_that_closes_after_nohup_ends_nothing(start):
    process = start(signal.SIGHUP)
    assert any("epoch 2 " in line for line in process.stdout)
    process.send_signal(signal.SIGHUP)
    assert any("epoch " in line for line in process.stdout)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM


def test_two_interrupts_at_once_lose_nothing(start, tmp_path):
    process = start()
    assert any("epoch 2 " in line for line in process.stdout)
    for _ in range(20):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)  # the latter where one came after all was done
    assert "; saved the network of epoch " in errors
    arrays(tmp_path / "zhang2016.npz")


def interrupted_in(monkeypatch, epoch, step=3):
    """Ctrl-C in this epoch, after so many of its steps."""
    batch, seen = Network.train_batch, []

    def train_batch(self, *arguments):
        seen.append(1)
        if len(seen) == (epoch - 1) * 30 + step:
            os.kill(os.getpid(), signal.SIGINT)
        return batch(self, *arguments)

    monkeypatch.setattr(Network, "train_batch", train_batch)


def test_before_the_end_of_the_first_epoch_nothing_is_saved(folder, tmp_path, capsys, monkeypatch):
    interrupted_in(monkeypatch, 1)
    assert parser.main(["train", "--data", str(folder), "--out", str(tmp_path / "a.npz")]) == 130
    assert capsys.readouterr().err == "fastconv: interrupted before the end of epoch 1; nothing was saved\n"
    assert os.listdir(tmp_path) == []


def test_what_the_unfinished_epoch_changed_is_taken_back(folder, tmp_path, capsys, monkeypatch):
    arguments = ["train", "--data", str(folder), "--out"]
    assert parser.main([*arguments, str(tmp_path / "one.npz"), "--epochs", "1"]) == 0
    capsys.readouterr()
    interrupted_in(monkeypatch, 2, step=20)
    assert parser.main([*arguments, str(tmp_path / "a.npz"), "--epochs", "2"]) == 130
    printed = capsys.readouterr()
    assert printed.err.startswith("fastconv: interrupted in epoch 2; saved the network of epoch 1 (test accuracy ")
    assert "saved " not in printed.out
    kept = arrays(tmp_path / "a.npz")
    for name, array in arrays(tmp_path / "one.npz").items():
        np.testing.assert_array_equal(kept[name], array)


def test_interrupted_while_the_whole_training_is_saved(folder, tmp_path, capsys, monkeypatch):
    save, calls = describing.written, []

    def interrupted(*arguments, **more):
        calls.append(1)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        save(*arguments, **more)

    monkeypatch.setattr("fastconv.cli.train.written", interrupted)
    monkeypatch.chdir(tmp_path)
    assert parser.main(["train", "--data", str(folder), "--epochs", "2"]) == 130
    line = capsys.readouterr().err
    assert line.startswith("fastconv: interrupted after epoch 2; saved the network of epoch 2 (test accuracy ")
    assert " as zhang2016.npz; to go on write fastconv train " in line
    assert line.endswith(" --resume zhang2016.npz\n")
    assert os.listdir(tmp_path) == ["zhang2016.npz"]
    arrays("zhang2016.npz")


def test_interrupted_where_nothing_can_be_saved(folder, tmp_path, capsys, monkeypatch):
    def save(*_, **__):
        raise OSError(28, "No space left on device")

    interrupted_in(monkeypatch, 2)
    monkeypatch.setattr("fastconv.cli.train.written", save)
    out = tmp_path / "a.npz"
    assert parser.main(["train", "--data", str(folder), "--out", str(out)]) == 130
    why = f"{out}: the network cannot be saved: No space left on device"
    assert capsys.readouterr().err == f"fastconv: interrupted in epoch 2; {why}\n"
    assert os.listdir(tmp_path) == []


def test_interrupted_while_data_are_read(tmp_path, capsys, monkeypatch):
    def load(_):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("fastconv.cli.train.given", load)
    assert parser.main(["train", "--out", str(tmp_path / "a.npz")]) == 130
    assert capsys.readouterr().err == "fastconv: interrupted\n"
    assert os.listdir(tmp_path) == []


def interrupted_twice():
    with interrupts.only_once():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGINT)  # does nothing
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_ctrl_c_works_as_before_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_that_does_nothing_goes_on_doing_nothing():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.only_once():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_training_in_another_thread_than_the_main_one(folder, tmp_path):
    codes = []
    arguments = ["train", "--data", str(folder), "--epochs", "1", "--out", str(tmp_path / "a.npz")]
    thread = threading.Thread(target=lambda: codes.append(parser.main(arguments)))
    thread.start()
    thread.join()
    assert codes == [0]


def test_batch_norm_is_saved_as_it_was_at_the_end_of_the_epoch(tmp_path):
    network = Network(models.resnet20(), (1, 28, 28), seed=0)
    finished = Finished(network, "")
    finished.on_epoch(SimpleNamespace(history=[Epoch(1, 0.5, 0.5, 0.5, 0.5, 0.1)], state=dict))
    before = {name: array.copy() for name, array in (*network.parameters.items(), *network.buffers.items())}
    network.parameters.flat[...] = 0
    for array in network.buffers.values():
        array[...] = 7
    finished.restore()
    network.save(tmp_path / "a.npz", {})
    again = Network(models.resnet20(), (1, 28, 28))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again.load(tmp_path / "a.npz")
    for name, array in (*again.parameters.items(), *again.buffers.items()):
        np.testing.assert_array_equal(array, before[name])
    assert checkpoint.metadata(tmp_path / "a.npz") == {}
