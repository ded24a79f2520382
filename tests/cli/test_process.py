"""The command line as a process: environment, pipes."""

import os
import subprocess
import sys
from pathlib import Path

from commands import command

import fastconv


def test_as_a_module(tmp_path):
    done = command("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"fastconv {fastconv.__version__}\n")
    done = command("train", "--epochs", "none", cwd=tmp_path)
    assert done.returncode == 2
    assert "must be a whole number >= 1, got 'none'" in done.stderr


def test_the_environment_names_the_data_and_the_network_is_saved_here(folder, tmp_path):
    done = command("train", "--epochs", "4", "--model", "nielsen", cwd=tmp_path, FASTCONV_DATA=str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"data      {folder}: 300 training images, 100 test images" in done.stdout
    assert [path.name for path in tmp_path.glob("*.npz")] == ["nielsen.npz"]


def test_a_closed_pipe_is_no_traceback(folder, tmp_path):
    line = f"{sys.executable} -m fastconv train --data {folder} --epochs 3 | head -n 1"
    environment = {**os.environ, "PYTHONPATH": str(Path(fastconv.__file__).parents[1])}
    done = subprocess.run(line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.startswith("data")
    assert done.stderr == ""
