"""Ctrl-C held back while weights are changed."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def held_back():
    """A block that an interrupt finds done or not begun: what SIGINT raises is raised after it.

    Only the main thread is ever interrupted, so elsewhere there is nothing to do.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    caught = []
    signal.signal(signal.SIGINT, lambda *signal_and_frame: caught.append(signal_and_frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if caught:
            handler(*caught[-1])
