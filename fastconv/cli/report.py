"""The command ``fastconv report``: a page of HTML about a saved network."""

import os
from argparse import ArgumentParser, Namespace

from ..system.extras import needed
from . import evaluate
from .flags import add_threads, option
from .saved import kind_of_images, load_network
from .saving import free, remove_empty, reserved
from .streams import Stream, escaped, warnings_in_lines
from .threads import use_threads
from .values import part, path, positive
from .words import quoted

__all__ = ["add_options", "report"]

SUFFIX = ".html"
SUFFIXES = (SUFFIX, ".htm")


def add_options(command: ArgumentParser) -> None:
    """Add the arguments of `fastconv report`."""
    command.set_defaults(run=report)
    command.add_argument("model", metavar="RUN", help="a network saved by 'fastconv train', or its --checkpoint")
    add = option(command)
    add("--data", "PATH", path, "images with classes, as 'fastconv train' takes them (default: none)")
    add("--part", "NAME", part, "train, test or validation, where the data has parts (default: test)")
    add("--out", "PAGE", path, "the page; a file that exists is refused (default: RUN.html, or RUN-2.html and so on)")
    command.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    add("--log", "FILE", path, "the epochs, as train --log writes them (default: what RUN says)")
    add("--title", "TEXT", str, "of the page (default: the name of the model)")
    add("--examples", "N", positive, "images whose pixels are explained (default: %(default)s)", 3)
    command.add_argument("--skip-unreadable", action="store_true", help="leave out pictures that cannot be read")
    add_threads(command, "all processors")


def report(options: Namespace, output: Stream) -> int:
    """Write the page, and print its name; returns the exit code."""
    for package in ("jinja2", "matplotlib"):
        needed(package, "fastconv report", package)
    use_threads(options.threads)
    wanted = options.out or os.path.splitext(options.model)[0] + SUFFIX
    check(options, wanted)
    text = page(options)
    print(f"report    {escaped(write(options, wanted, text))}")
    return 0


def check(options: Namespace, wanted: str) -> None:
    """ValueError, before anything is read, if the page cannot be written, or an argument is none of its kind."""
    if kind := kind_of_images(options.model):
        raise ValueError(f"{options.model} is {kind}; the network comes first: fastconv report RUN --data PATH")
    if options.out and not wanted.lower().endswith(SUFFIXES):
        raise ValueError(f"--out must end with {SUFFIX}, got {wanted}")
    if options.out and not options.overwrite and os.path.lexists(wanted):
        raise ValueError(
            f"--out {wanted} exists; add --overwrite to replace it, or choose another name: "
            f"--out {quoted(next(free(wanted)))}"
        )
    folder = os.path.dirname(wanted) or os.curdir
    if not os.access(folder, os.W_OK | os.X_OK):
        why = f"there is no folder {folder}" if not os.path.isdir(folder) else f"the folder {folder} is read-only"
        raise ValueError(f"--out {wanted}: {why}")
    if options.data is None and (options.part or options.skip_unreadable):
        flag = "--part" if options.part else "--skip-unreadable"
        raise ValueError(f"{flag} is about images: add --data PATH")
    if options.log and kind_of_images(options.log) == "a folder":
        raise ValueError(f"--log {options.log} is a folder; give the file that train --log wrote")


def page(options: Namespace) -> str:
    """The text of the page."""
    from .. import pages  # slow to load

    images = None
    if options.data is not None:
        images = evaluate.opened(load_network(options.model, []), options.data, options)
    with warnings_in_lines():
        return pages.report(
            options.model,
            images,
            history=options.log,
            title=options.title,
            place=options.data,
            examples=options.examples,
        )


def write(options: Namespace, wanted: str, text: str) -> str:
    """Write the page; returns the name of the file."""
    from ..pages import write as replace

    name = wanted if options.overwrite else reserved(wanted)
    try:
        replace(name, text)
    except BaseException:
        if not options.overwrite:
            remove_empty(name)
        raise
    return name
