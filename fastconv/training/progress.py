"""Progress of an epoch on standard error: a bar of tqdm where it is installed, else a line per epoch, or nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Progress(Protocol):
    """What shows how far an epoch is."""

    def update(self, images: int) -> object:
        """So many images more are done."""

    def done(self, epoch: object) -> None:
        """The epoch is over, with these results."""


@contextmanager
def progress_bar(title: str, total: int, wanted: object) -> Iterator[Progress]:
    """Something with `update(images)`, after each batch, and `done(epoch)`."""
    if not wanted:
        yield Quiet()
        return
    try:
        from tqdm import tqdm  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        yield Lines()
        return
    with tqdm(total=total, desc=title, unit=" images", file=sys.stderr) as bar:
        yield Bar(bar)


class Quiet:
    """Shows nothing."""

    def update(self, images: int) -> None:
        """Ignore the images."""

    def done(self, epoch: object) -> None:
        """Ignore the results."""


class Lines(Quiet):
    """A line per epoch."""

    def done(self, epoch: object) -> None:
        """Print the results of the epoch."""
        print(epoch, file=sys.stderr, flush=True)


class Bar:
    """The bar of tqdm, with the results of the epoch at its end."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar
        self.update: Callable[[int], object] = bar.update

    def done(self, epoch: object) -> None:
        """Write the results of the epoch behind the bar."""
        self.bar.set_postfix_str(str(epoch).split("  ", 1)[1])
