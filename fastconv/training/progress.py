"""Progress on standard error: a line per epoch, and on a terminal, where tqdm is installed, a bar while it runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol


class Progress(Protocol):
    """What shows how far an epoch is."""

    def update(self, images: int, loss: float, accuracy: float | None, lr: float | None) -> object:
        """So many images more are done; loss and accuracy of the epoch so far."""

    def done(self, epoch: object) -> None:
        """The epoch is over, with these results."""


@contextmanager
def progress_bar(title: str, total: int, wanted: bool) -> Iterator[Progress]:
    """Something with `update(images)`, after each batch, and `done(epoch)`."""
    if not wanted:
        yield Quiet()
        return
    tqdm = bar_class() if on_terminal() else None
    if tqdm is None:
        yield Lines()
        return
    with tqdm(total=total, desc=title, unit=" images", file=sys.stderr, leave=False, dynamic_ncols=True) as bar:
        yield Bar(bar)


def on_terminal() -> bool:
    """Whether standard error is a terminal, where a bar can be drawn over."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except (AttributeError, ValueError):  # not quite a file, or closed
        return False


def show(line: object) -> None:
    """A line on standard error; nothing where that is gone or closed, because training goes on without it."""
    if sys.stderr is None:
        return
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def bar_class() -> Any:
    """The class tqdm; None if it is not installed."""
    try:
        from tqdm import tqdm  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        return None
    return tqdm


def announce(remark: str, wanted: bool) -> None:
    """Print a remark before the first epoch, if there is one."""
    if wanted and remark:
        show(remark)


class Quiet:
    """Shows nothing."""

    def update(self, images: int, loss: float, accuracy: float | None, lr: float | None) -> None:
        """Ignore the images."""

    def done(self, epoch: object) -> None:
        """Ignore the results."""


class Lines(Quiet):
    """A line per epoch."""

    def done(self, epoch: object) -> None:
        """Print the results of the epoch."""
        show(epoch)


class Bar:
    """The bar of tqdm, which gives way to the line of the epoch."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar

    def update(self, images: int, loss: float, accuracy: float | None, lr: float | None) -> None:
        """Move on."""
        self.bar.update(images)

    def done(self, epoch: object) -> None:
        """Take the bar away and print the results of the epoch."""
        self.bar.close()
        Lines().done(epoch)
