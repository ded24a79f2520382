"""The number of threads: the default, the setting, OpenMP's variables."""

import os

import child
import numpy as np
import pytest

import fastconv
from fastconv.kernels.runtime import threads


@pytest.fixture
def restored():
    yield
    fastconv.set_num_threads(None)


def test_the_default_is_what_this_process_may_use():
    if hasattr(os, "sched_getaffinity"):
        assert 1 <= fastconv.get_num_threads() <= len(os.sched_getaffinity(0))
    assert fastconv.get_num_threads() <= threads.default_num_threads()


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("n", [1, 2, 7, np.int64(3)])
def test_the_setting_is_what_was_set(n):
    default = fastconv.get_num_threads()
    fastconv.set_num_threads(n)
    assert fastconv.get_num_threads() == n
    fastconv.set_num_threads(None)
    assert fastconv.get_num_threads() == default


@pytest.mark.parametrize("n", [0, -1, 1025, 2**31, 2**64])
def test_settings_out_of_range(n):
    before = fastconv.get_num_threads()
    with pytest.raises(ValueError, match=rf"n must be between 1 and 1024, got {n}"):
        fastconv.set_num_threads(n)
    assert fastconv.get_num_threads() == before


@pytest.mark.parametrize("n", [1.0, "2", True, [1], np.float32(1)])
def test_settings_of_another_type(n):
    with pytest.raises(TypeError, match="n must be an integer or None"):
        fastconv.set_num_threads(n)


THREADS = "import fastconv; print(fastconv.get_num_threads())"


def test_omp_num_threads_is_obeyed():
    assert child.run("-c", THREADS, OMP_NUM_THREADS="1").strip() == "1"


def test_more_omp_threads_than_processors_are_not_used():
    assert int(child.run("-c", THREADS, OMP_NUM_THREADS="512")) <= threads.default_num_threads()


UNMEANT = ["999999999999", "2147483648", "18446744073709551615", "0", "-1", "-2147483649", "", " ", "many", "1.5"]


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "OMP_THREAD_LIMIT"])
@pytest.mark.parametrize("value", UNMEANT)
def test_a_number_of_threads_that_cannot_be_meant_is_no_limit(variable, value):
    environment = {"OMP_NUM_THREADS": None, "OMP_THREAD_LIMIT": None, variable: value}
    assert int(child.run("-c", WORKS, **environment)) == threads.default_num_threads()


WORKS = """
import numpy as np, fastconv
x, w = np.ones((8, 32, 30, 30), "float32"), np.ones((32, 32, 3, 3), "float32")
assert np.allclose(fastconv.conv2d(x, w), 288) and (fastconv.max_pool2d(x, 2) == 1).all()
print(fastconv.get_num_threads())
"""


@pytest.mark.parametrize("value", ["1,4", "1,999999999999", " 1 "])
def test_the_first_of_nested_numbers_of_threads_counts(value):
    assert child.run("-c", WORKS, OMP_NUM_THREADS=value).strip() == "1"


def test_omp_thread_limit_is_obeyed():
    assert child.run("-c", WORKS, OMP_THREAD_LIMIT="1", OMP_NUM_THREADS=None).strip() == "1"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors cannot be chosen here")
def test_the_affinity_is_obeyed():
    program = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); " + THREADS
    assert child.run("-c", program).strip() == "1"


def test_import_starts_no_threads():
    program = "import threading, os, fastconv; print(len(os.listdir('/proc/self/task')))"
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("threads cannot be counted here")
    before = "import numpy, os; print(len(os.listdir('/proc/self/task')))"
    assert child.run("-c", program) == child.run("-c", before)
