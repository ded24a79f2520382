"""Files that somebody changed: one class of errors, quickly, without memory beyond the file's size, without a program.

`FASTCONV_MUTATED_FILES` says how many of each format, 30 unless set; `support/mutated_files.py` says how they are made.
"""

import os
from pathlib import Path

import child
import numpy as np
import pytest

from fastconv import Network, checkpoint, sequential
from fastconv.checkpoint import CheckpointError
from fastconv.layers import BatchNorm, Linear

FILES = Path(__file__).parent / "files"
COUNT = int(os.environ.get("FASTCONV_MUTATED_FILES", "30"))
GOOD = {
    "pth": ("plain", "legacy", "checkpoint", "settings", "quantized", "buffers"),
    "npz": ("before", "own"),
    "safetensors": ("before", "own"),
    "h5": ("keras2", "keras3"),
    "keras": ("keras3",),
}


@pytest.mark.parametrize("suffix", GOOD)
def test_mutated_files_are_read_or_refused(tmp_path, suffix):
    arrays = {"w": np.arange(12, dtype="f4").reshape(3, 4), "n": np.array(3), "state": np.arange(4, dtype="u8")}
    if suffix in ("npz", "safetensors"):
        checkpoint.save(tmp_path / f"own.{suffix}", arrays, {"epoch": (1, 2)})
    files = [(tmp_path if name == "own" else FILES) / f"{name}.{suffix}" for name in GOOD[suffix]]
    program = child.TESTS / "support" / "mutated_files.py"
    said = child.run(program, 0, COUNT, *files, timeout=600, MUTATED=str(tmp_path)).split()
    assert said[1::2] == ["read,", "refused"]
    assert int(said[0]) + int(said[2]) == 3 * COUNT
    assert int(said[2]) > COUNT


def network():
    return Network(sequential(Linear(3, name="fc"), BatchNorm(name="bn")), (4,), seed=1)


@pytest.mark.parametrize("name", ["plain.pth", "legacy.pth"])
def test_files_that_end_early(tmp_path, name):
    good, path = (FILES / name).read_bytes(), tmp_path / "a.pth"
    for length in range(0, len(good), 37):
        path.write_bytes(good[:length])
        with pytest.raises(CheckpointError):
            network().load(path)
