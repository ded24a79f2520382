"""Files that somebody changed: read, or refused with one class of errors; quickly, within the memory of the file, and
without opening others.

`FASTCONV_MUTATED_FILES` says how many, 30 unless set; `support/mutated_onnx.py` says how they are made.
"""

import os

import child
import pytest

pytest.importorskip("onnx")

COUNT = int(os.environ.get("FASTCONV_MUTATED_FILES", "30"))


def test_mutated_files_are_read_or_refused(tmp_path):
    said = child.run(child.TESTS / "support" / "mutated_onnx.py", 0, COUNT, tmp_path, timeout=600).split()
    assert said[1::2] == ["read,", "refused"]
    assert int(said[0]) + int(said[2]) == COUNT
    assert min(int(said[0]), int(said[2])) > 0
