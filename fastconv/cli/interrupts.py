"""Ctrl-C while a network is trained and saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def only_once() -> Iterator[None]:
    """In this block the first Ctrl-C raises KeyboardInterrupt, and later ones do nothing.

    So the file that is saved after the first one is saved whole. Where Ctrl-C does nothing already, as after `nohup`,
    and in other threads than the main one, nothing changes.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        handler(number, frame)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
