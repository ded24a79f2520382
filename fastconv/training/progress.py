"""Progress of an epoch on standard error: a bar of tqdm where it is installed, else a line per epoch, or nothing."""

import sys
from contextlib import contextmanager


@contextmanager
def progress_bar(title, total, wanted):
    """Something with `update(images)`, after each batch, and `done(epoch)`."""
    if not wanted:
        yield Quiet()
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield Lines()
        return
    with tqdm(total=total, desc=title, unit=" images", file=sys.stderr) as bar:
        yield Bar(bar)


class Quiet:
    """Shows nothing."""

    def update(self, images):
        pass

    def done(self, epoch):
        pass


class Lines(Quiet):
    """A line per epoch."""

    def done(self, epoch):
        print(epoch, file=sys.stderr, flush=True)


class Bar:
    """The bar of tqdm, with the results of the epoch at its end."""

    def __init__(self, bar):
        self.update, self.bar = bar.update, bar

    def done(self, epoch):
        self.bar.set_postfix_str(str(epoch).split("  ", 1)[1])
