"""Sections with one thread are calls, but not inside a section of another program, whose threads they would share."""

import ctypes
import sys
from ctypes.util import find_library

import child
import numpy as np
import pytest

import fastconv

GOMP = find_library("gomp")


@pytest.mark.skipif(GOMP is None, reason="needs the OpenMP of GCC")
def test_calls_inside_a_section_of_another_program_do_all_their_work():
    child.run(__file__, timeout=60)


def inside_a_section():
    """Two threads of a section each compute all images."""
    x = np.random.default_rng(0).standard_normal((64, 3, 8, 8)).astype("float32")
    expected, found = fastconv.sigmoid(x), []
    section = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: found.append(fastconv.sigmoid(x)))
    ctypes.CDLL(GOMP).GOMP_parallel(section, None, 2, 0)
    assert len(found) == 2
    for y in found:
        np.testing.assert_array_equal(y, expected)


if __name__ == "__main__":
    fastconv.set_num_threads(1)
    inside_a_section()
    sys.exit(0)
