"""Ctrl-C, and the other signals that ask a process to end, while a network is trained and saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stopped", "only_once"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, `kill` or a time limit, a terminal that closes


class Stopped(KeyboardInterrupt):
    """A signal asks this process to end; `code` is the exit status that shells expect then."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


@contextmanager
def only_once() -> Iterator[None]:
    """In this block the first of these signals raises Stopped, and all later ones do nothing.

    So the file that is saved after the first one is saved whole. A signal that does nothing already, as SIGHUP after
    `nohup`, goes on doing nothing. Signals reach the main thread alone; in other threads the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    watched = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}

    def first(number: int, frame: FrameType | None) -> None:
        for other in watched:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    def like_ctrl_c(number: int, frame: FrameType | None) -> None:
        """What Ctrl-C would do now: it waits while weights change."""
        handler = signal.getsignal(signal.SIGINT)
        (handler if callable(handler) else first)(number, frame)

    for number in watched:
        signal.signal(number, first if number == signal.SIGINT else like_ctrl_c)
    try:
        yield
    finally:
        for number, handler in watched.items():
            signal.signal(number, handler)
