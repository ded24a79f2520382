"""Ctrl-C is held back while weights change."""

import threading
from _signal import SIGINT, getsignal, signal  # type: ignore[import-not-found]  # quicker: without enumerations
from collections.abc import Callable
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


class held_back:  # it is used like a function
    """Delay Ctrl-C until the block has finished: what SIGINT raises is raised after it.

    Only the main thread is ever interrupted, so in other threads there is nothing to do.
    """

    __slots__ = ("caught", "handler")

    def __enter__(self) -> None:
        self.caught: list[tuple[int, FrameType | None]] = []
        self.handler: Handler | None = None
        handler, thread = getsignal(SIGINT), threading.get_ident()
        if thread == threading.main_thread().ident and callable(handler):
            self.handler = handler
            blocks.running.append((thread, handler))
            signal(SIGINT, self.catch)

    def catch(self, number: int, frame: FrameType | None) -> None:
        """What SIGINT does meanwhile."""
        self.caught.append((number, frame))

    def __exit__(self, *error: object) -> None:
        if self.handler is not None:
            signal(SIGINT, self.handler)
            blocks.running.pop()
            if self.caught:
                self.handler(*self.caught[-1])
