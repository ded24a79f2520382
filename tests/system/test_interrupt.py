import ctypes
import signal
import threading

import numpy as np
import pytest

from fastconv import SGD, Network, layers, train_step
from fastconv.system import interrupt

press = ctypes.CDLL(None)["raise"]  # as the terminal does, without Python looking at it at once


def test_the_block_is_finished_and_then_interrupted():
    done = []

    def block():
        with interrupt.held_back():
            press(signal.SIGINT)
            done.extend(range(200))

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == list(range(200))
    assert signal.getsignal(signal.SIGINT) is before


def test_an_own_handler_is_called_once_and_stays():
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with interrupt.held_back():
            press(signal.SIGINT)
            press(signal.SIGINT)
            assert seen == []
        assert seen == [signal.SIGINT]
        press(signal.SIGINT)
        assert len(seen) == 2
    finally:
        signal.signal(signal.SIGINT, before)


def test_errors_of_the_block_are_the_callers():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="no"), interrupt.held_back():
        raise ValueError("no")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("handler", [signal.SIG_IGN, None])
def test_nothing_to_hold_back(handler):
    """Interrupts are ignored, or it is not the main thread: the block runs as it is."""
    before = signal.getsignal(signal.SIGINT)
    done = []

    def block():
        with interrupt.held_back():
            done.append(signal.getsignal(signal.SIGINT))

    if handler is None:
        thread = threading.Thread(target=block)
        thread.start()
        thread.join()
        assert done == [before]
        return
    signal.signal(signal.SIGINT, handler)
    try:
        block()
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == [handler]


class Pressed(SGD):
    """Ctrl-C comes at the first update."""

    def prepare(self, *arguments):
        press(signal.SIGINT)
        return super().prepare(*arguments)


@pytest.mark.parametrize("lean", [False, True])
def test_an_interrupt_finds_a_step_done_or_not_begun(lean):
    """A lean step has begun to change weights when its first update is prepared, any other has not."""
    x, labels = np.ones((4, 3), "float32"), [0, 1, 1, 0]
    interrupted, other = (Network(layers.Linear(2), (3,), seed=0) for _ in range(2))
    with pytest.raises(KeyboardInterrupt):
        train_step(interrupted, x, labels, Pressed(0.1, 0.5), lean=lean)
    if lean:
        train_step(other, x, labels, SGD(0.1, 0.5), lean=True)
    for name, expected in other.parameters.items():
        np.testing.assert_array_equal(interrupted.parameters[name], expected)
