"""Forked processes: the child has threads of its own, and the parent keeps working."""

import os
import sys

import child
import pytest

CALL = """
import os, sys, hashlib
import numpy as np
import fastconv
from fastconv import kernels

kernels.threads.set_smallest_share(0)
x = np.random.default_rng(1).standard_normal((4, 8, 16, 16), dtype="float32")
w = np.random.default_rng(2).standard_normal((16, 8, 3, 3), dtype="float32")

def work(_=None):
    y = fastconv.conv2d(x, w, padding=1)
    dx = fastconv.conv2d_backward_input(y, w, x.shape, padding=1)
    dw = fastconv.conv2d_backward_weight(y, x, w.shape, padding=1)
    return hashlib.sha256(y.tobytes() + dx.tobytes() + dw.tobytes()).hexdigest()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_gets_the_same_bits():
    """libgomp would hang in the child of a parent that used its threads: they are ended before the fork."""
    program = (
        CALL
        + """
fastconv.set_num_threads(4)
expected = work()
for _ in range(20):
    child = os.fork()
    if child == 0:
        os._exit(0 if work() == expected and fastconv.get_num_threads() == 4 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert work() == expected
assert work() == expected and fastconv.get_num_threads() == 4
"""
    )
    child.run("-W", "ignore", "-c", program, timeout=60)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_every_kind(method, tmp_path):
    if sys.platform == "win32" and method != "spawn":
        pytest.skip("only spawn here")
    script = tmp_path / "script.py"
    script.write_text(
        CALL
        + f"""
if __name__ == "__main__":
    import multiprocessing
    expected = work()
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        assert pool.map(work, range(4)) == [expected] * 4
"""
    )
    child.run("-W", "ignore", script, timeout=60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_has_threads_of_its_own_and_so_has_its_child():
    program = (
        CALL
        + """
fastconv.set_num_threads(3)
expected = work()

def forked(generation):
    child = os.fork()
    if child == 0:
        good = work() == expected and len(os.listdir("/proc/self/task")) == 3
        os._exit(0 if good and (generation == 3 or forked(generation + 1)) else 1)
    return os.waitpid(child, 0)[1] == 0

assert forked(1)
"""
    )
    child.run("-W", "ignore", "-c", program, timeout=60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_other_threads_compute():
    program = (
        CALL
        + """
import threading
fastconv.set_num_threads(2)
expected, done = work(), threading.Event()

def compute():
    while not done.is_set():
        work()

others = [threading.Thread(target=compute) for _ in range(3)]
[thread.start() for thread in others]
try:
    for _ in range(20):
        child = os.fork()
        if child == 0:
            os._exit(0 if work() == expected else 1)
        assert os.waitpid(child, 0)[1] == 0
finally:
    done.set()
"""
    )
    child.run("-W", "ignore", "-c", program, timeout=60)


@pytest.mark.skipif(not os.path.exists("/lib/x86_64-linux-gnu/libc.so.6"), reason="no C library where it is expected")
def test_a_child_of_a_fork_that_python_was_not_told_of_stays_on_one_thread():
    """C code may fork alone and then tell Python only in the child, as some servers do."""
    program = (
        CALL
        + """
import ctypes
fastconv.set_num_threads(2)
expected = work()
child = ctypes.PyDLL(None).fork()
if child == 0:
    ctypes.pythonapi.PyOS_AfterFork_Child()
    os._exit(0 if work() == expected and fastconv.get_num_threads() == 1 else 1)
assert os.waitpid(child, 0)[1] == 0
assert work() == expected and fastconv.get_num_threads() == 2
"""
    )
    child.run("-W", "ignore", "-c", program, timeout=60)


@pytest.mark.parametrize("choosing", ["", "fixed"])
def test_executors_of_the_standard_library(choosing, tmp_path):
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    script = tmp_path / "script.py"
    script.write_text(
        CALL
        + """
if __name__ == "__main__":
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context
    expected = work()
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(3, mp_context=get_context("fork")) as processes:
        assert list(threads.map(work, range(30))) == [expected] * 30
        assert list(processes.map(work, range(30))) == [expected] * 30
        assert list(threads.map(work, range(30))) == [expected] * 30
"""
    )
    child.run("-W", "ignore", script, timeout=60, FASTCONV_THREADS=choosing)
