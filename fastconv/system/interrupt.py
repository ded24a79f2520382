"""Ctrl-C is held back while weights change."""

import threading
from _signal import SIGINT, getsignal, signal  # type: ignore[import-not-found]  # quicker: without enumerations
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias

from . import fork

Handler: TypeAlias = Callable[[int, FrameType | None], object]


class Blocks:
    """The running blocks, each with its thread and the handler to restore.

    There are none in a child process that another thread forked.
    """

    running: list[tuple[int, Handler]]

    def renew(self) -> None:
        """Keep the running blocks if this thread began them; else restore the handler of the outermost one."""
        running, self.running = getattr(self, "running", []), []
        if running and running[0][0] != threading.get_ident():
            signal(SIGINT, running[0][1])
        else:
            self.running = running


blocks = Blocks()
fork.renewed_in_children(blocks)


@contextmanager
def held_back() -> Iterator[None]:
    """Delay Ctrl-C until the block has finished: what SIGINT raises is raised after it.

    Only the main thread is ever interrupted, so in other threads there is nothing to do.
    """
    handler = getsignal(SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    blocks.running.append((threading.get_ident(), handler))
    signal(SIGINT, lambda *signal_and_frame: caught.append(signal_and_frame))
    try:
        yield
    finally:
        signal(SIGINT, handler)
        blocks.running.pop()
        if caught:
            handler(*caught[-1])
