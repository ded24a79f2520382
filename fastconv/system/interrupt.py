"""Ctrl-C held back while weights are changed."""

import signal
import threading
from contextlib import contextmanager

from . import fork


class Blocks:
    """The running blocks, each with its thread and the handler to restore; empty after another thread forked."""

    def renew(self):
        running, self.running = getattr(self, "running", []), []
        if running and running[0][0] != threading.get_ident():
            signal.signal(signal.SIGINT, running[0][1])
        else:
            self.running = running


blocks = Blocks()
fork.renewed_in_children(blocks)


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
    blocks.running.append((threading.get_ident(), handler))
    signal.signal(signal.SIGINT, lambda *signal_and_frame: caught.append(signal_and_frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        blocks.running.pop()
        if caught:
            handler(*caught[-1])
