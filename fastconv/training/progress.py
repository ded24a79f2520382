"""Progress on standard error: a line per epoch, and, where tqdm is installed, a bar on a terminal or in a notebook."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Any, Protocol

from .epoch import number

SECONDS = 0.1  # between two drawings
FORMAT = "{desc}|{bar}| {n_fmt}/{total_fmt}  {remaining} left{postfix}"


class Progress(Protocol):
    """What shows how far an epoch is."""

    def update(self, images: int, loss: float, accuracy: float | None, lr: float | None) -> object:
        """So many images more are done; loss and accuracy are those of the epoch so far."""

    def done(self, epoch: object) -> None:
        """The epoch is over, with these results."""


@contextmanager
def progress_bar(title: str, total: int, wanted: bool) -> Iterator[Progress]:
    """Something with `update`, after each batch of an epoch of so many images, and `done(epoch)`."""
    if not wanted:
        yield Quiet()
        return
    tqdm = bar_class()
    if tqdm is None:
        yield Lines()
        return
    bar = Bar(tqdm, title, total)
    try:
        yield bar
    finally:
        bar.close()


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


def in_notebook() -> bool:
    """Whether this is a Jupyter notebook, where widgets can be shown."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config


def bar_class() -> Any:
    """The class tqdm that fits what people look at; None where no bar can be drawn, or tqdm is not installed."""
    try:
        if in_notebook():
            from tqdm.auto import tqdm  # type: ignore[import-untyped, import-not-found, unused-ignore]
        elif on_terminal():
            from tqdm import tqdm  # type: ignore[import-untyped, import-not-found, unused-ignore]
        else:
            return None
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
    """A bar of tqdm, drawn at most every 0.1 s, which gives way to the line of the epoch.

    What is drawn may fail, such as on a terminal that was closed: training goes on without it.
    """

    def __init__(self, tqdm: Any, title: str, total: int) -> None:
        self.started, self.next, self.images, self.drawn = perf_counter(), 0.0, 0, 0
        self.bar: Any = None
        with suppress(OSError, ValueError):
            self.bar = tqdm(
                total=total, desc=title, bar_format=FORMAT, file=sys.stderr, leave=False, dynamic_ncols=True,
                mininterval=0, miniters=0,
            )  # fmt: skip

    def update(self, images: int, loss: float, accuracy: float | None, lr: float | None) -> None:
        """Count the images, and draw if it is time."""
        self.images += images
        now = perf_counter()
        if now < self.next or self.bar is None:
            return
        self.next = now + SECONDS
        with suppress(OSError, ValueError):
            rate = self.images / max(now - self.started, 1e-9)
            self.bar.set_postfix_str(described(loss, accuracy, lr, rate), refresh=False)
            self.bar.update(self.images - self.drawn)
        self.drawn = self.images

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            with suppress(OSError, ValueError):
                self.bar.close()

    def done(self, epoch: object) -> None:
        """Take the bar away and print the results of the epoch."""
        self.close()
        show(epoch)


def described(loss: float, accuracy: float | None, lr: float | None, rate: float) -> str:
    """Loss, accuracy and learning rate where there are such, and images per second."""
    parts = ["loss " + number(loss)]
    if accuracy is not None:
        parts.append(f"{100 * accuracy:.2f} %")
    parts.append(f"{rate:.0f} images/s")
    if lr is not None:
        parts.append(f"lr {lr:.3g}")
    return ", ".join(parts)
