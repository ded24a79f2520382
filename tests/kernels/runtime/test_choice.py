"""How many threads a call gets beside other programs: each branch, with the system's answers pretended."""

import contextlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import child
import numpy as np
import pytest

import fastconv
from fastconv.kernels.runtime import threads


@pytest.fixture
def system():
    """Choosing is on, with two processors and a setting of two threads; says what the system is taken to say at a time.

    system(1.5, runnable=3): 1.5 seconds after the beginning three threads are runnable, the caller among them.
    """
    choosing, online = threads.set_choosing(True), threads.set_online(2)
    fastconv.set_num_threads(2)
    yield threads.pretend
    threads.pretend()
    threads.set_choosing(choosing)
    threads.set_online(online)
    fastconv.set_num_threads(None)


def call(work=1e6):
    """How many threads a call with so many nanoseconds of work gets."""
    return threads.ask(work)


def test_all_threads_where_no_processor_is_taken(system):
    system(1, runnable=1)
    assert call() == 2
    assert threads.choice() == (2, 2, 0, 0.0)


@pytest.mark.parametrize(("runnable", "expected"), [(0, 2), (1, 2), (2, 1), (3, 1), (50, 1)])
def test_a_processor_that_others_have_is_left_to_them(system, runnable, expected):
    system(1, runnable=runnable)
    assert call() == expected
    assert threads.choice() == (expected, 2, max(0, runnable - 1) if expected == 1 else 0, 0.0)


def test_threads_come_back_when_the_processors_are_free_again(system):
    system(1, runnable=3)
    assert call() == 1
    system(1.0001, runnable=1)
    assert call() == 1
    system(1.001, runnable=1)
    assert call() == 2


def test_the_own_team_that_may_still_spin_is_not_taken_for_others(system):
    system(1, runnable=1)
    assert call() == 2
    system(1.015, runnable=2)
    assert call() == 2
    system(1.036, runnable=2)
    assert call() == 1


def test_the_own_team_spins_after_the_end_of_a_long_call(system):
    system(1, runnable=1)
    assert call(work=80e6) == 2
    system(1.045, runnable=2)
    assert call(work=80e6) == 2
    system(1.15, runnable=2)
    assert call(work=80e6) == 1


def test_a_thread_that_is_runnable_for_a_moment_beside_a_team_takes_no_processor(system):
    system(1, runnable=1)
    assert call() == 2
    got = []
    for time in (1.003, 1.0105, 1.0135):
        system(time, runnable=3)
        got.append(call())
    assert got == [2, 2, 1]


def test_one_look_between_two_long_calls_is_not_enough(system):
    system(1, runnable=1)
    got = [call(work=80e6)]
    for time, runnable in ((1.045, 3), (1.09, 2), (1.14, 3), (1.19, 3)):
        system(time, runnable=runnable)
        got.append(call(work=80e6))
    assert got == [2, 2, 2, 2, 1]


def test_after_a_wait_one_thread_for_a_while_and_for_longer_after_the_next_wait(system):
    system(1)
    time, holds = 1, []
    for _ in range(3):
        assert call() == 2
        system(time + 0.1, waited=0.02)
        assert call() == 1
        holds.append(round(threads.choice()[3], 6))
        system(time + 0.1 + holds[-1] - 0.001)
        assert call() == 1
        time += 0.1 + holds[-1] + 1e-6
        system(time)
    assert holds == [0.04, 0.08, 0.16]


def test_no_hold_is_longer_than_half_a_second(system):
    system(1)
    assert call() == 2
    system(5, waited=3)
    assert call() == 1
    assert threads.choice()[3] == 0.5


def test_a_hold_is_forgotten_after_a_look_without_a_wait(system):
    for time in (1, 1.6):
        system(time)
        assert call() == 2
        system(time + 0.1, waited=0.05)
        assert call() == 1
        assert round(threads.choice()[3], 6) == 0.1
        for later in (0.21, 0.3, 0.4, 0.5):
            system(time + later)
            assert call() == 2


@pytest.mark.parametrize(("passed", "waited"), [(0.01, 0), (0.01, 0.0019), (1, 0.09)])
def test_short_and_rare_waits_do_not_matter(system, passed, waited):
    system(1)
    for i in range(1, 9):
        assert call() == 2
        system(1 + i * passed, waited=waited)
    assert call() == 2


def test_the_waits_are_seen_at_every_fourth_look_while_there_are_none(system):
    system(1)
    assert call() == 2
    system(1.01)
    assert call() == 2
    got = []
    for i in range(4):
        system(1.02 + i / 100, waited=0.04)
        got.append(call())
    assert got == [2, 2, 2, 1]


def test_nothing_is_chosen_where_it_is_switched_off(system):
    threads.set_choosing(False)
    system(1, runnable=50, waited=1)
    assert call() == 2
    assert threads.choice() == (2, 2, 0, 0.0)


def test_a_small_call_gets_one_thread(system):
    system(1)
    assert call(1000) == 1


@pytest.mark.parametrize(("after", "expected"), [(0.0005, 2), (0.0015, 2), (0.0025, 1), (0.1, 1)])
def test_a_call_of_middle_size_gets_the_threads_that_still_spin(system, after, expected):
    """The call before it was predicted to end 1 ms after the beginning; for 1 ms more its team surely spins."""
    system(1)
    assert call(20e3) == 1
    assert call(1e6) == 2
    system(1 + after)
    assert call(20e3) == expected
    assert call(9e3) == 1


@pytest.mark.parametrize(
    ("runnable", "expected"), [(1, 16), (2, 12), (5, 12), (6, 8), (9, 8), (10, 4), (13, 4), (14, 1), (40, 1)]
)
def test_a_large_team_has_few_sizes(system, runnable, expected):
    """OpenMP ends threads that a call leaves out, and starting them again costs more than they bring."""
    threads.set_online(16)
    fastconv.set_num_threads(16)
    system(1, runnable=runnable)
    assert call() == expected


def test_a_call_gets_one_thread_or_all():
    fastconv.set_num_threads(16)
    try:
        assert {threads.ask(work) for work in np.geomspace(1e3, 1e8, 60)} == {1, 16}
    finally:
        fastconv.set_num_threads(None)


def test_each_thread_of_python_chooses_for_itself(system):
    system(1)
    assert call() == 2
    system(1.1, waited=0.05)
    assert call() == 1
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(call).result() == 2
    assert call() == 1


@pytest.mark.skipif(not os.path.exists("/proc/loadavg"), reason="the system does not say what is runnable")
def test_a_busy_machine_is_noticed_and_so_is_its_end():
    """Programs that spin on every processor: one thread; after their end: all."""
    program = """
import fastconv, time
from fastconv.kernels.runtime import threads
fastconv.set_num_threads(2)
def until(expected):
    end = time.time() + 30
    while threads.choice()[0] != expected and time.time() < end:
        time.sleep(0.05)
    print(threads.choice()[0], flush=True)
until(1)
input()
until(2)
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with contextlib.ExitStack() as stack:
        spinning = [stack.enter_context(child.begin("-c", "while True: pass")) for _ in range(os.cpu_count())]
        for process in spinning:
            stack.callback(process.kill)
        watcher = stack.enter_context(child.begin("-c", program, FASTCONV_THREADS="", **pipes))
        stack.callback(watcher.kill)
        assert watcher.stdout.readline() == "1\n"
        for process in spinning:
            process.kill()
        said, _ = watcher.communicate("\n", timeout=60)
    assert said in ("1\n", "2\n")  # all of them, unless yet other programs run here
    assert watcher.returncode == 0


def test_a_wrong_word_in_the_variable_is_an_error_that_says_what_to_write():
    result = child.start("-c", "import fastconv", FASTCONV_THREADS="2")
    assert result.returncode == 1
    assert "FASTCONV_THREADS='2': must be fixed, or not set" in result.stderr
    assert "set_num_threads(2)" in result.stderr


def test_results_are_the_same_while_the_number_changes(system):
    x = np.random.default_rng(0).standard_normal((8, 16, 40, 40), dtype="float32")
    w = np.random.default_rng(1).standard_normal((32, 16, 3, 3), dtype="float32")
    y = fastconv.conv2d(x, w)
    for time in range(10):
        system(time, runnable=1 + 2 * (time % 2))
        np.testing.assert_array_equal(fastconv.conv2d(x, w), y)
