"""The command ``fastconv profile``: where the time of a network goes, step by step."""

from argparse import ArgumentParser, Namespace

from ..kernels.runtime.threads import get_num_threads
from ..reports.profile import Profile
from .documents import as_json
from .flags import add_json, add_network, add_threads, option
from .networks import network_of
from .random_images import images, loss_for, targets
from .streams import Stream, escaped
from .threads import use_threads
from .values import path, positive
from .words import counted

__all__ = ["add_options", "profile"]


def add_options(command: ArgumentParser) -> None:
    """Add the arguments of `fastconv profile`."""
    command.set_defaults(run=profile)
    add_network(command)
    add = option(command)
    add("--batch-size", "N", positive, "images (default: %(default)s)", 8)
    command.add_argument("--training", action="store_true", help="a training step in place of a prediction")
    add("--repeats", "N", positive, "runs, of which the median counts (default: %(default)s)", 10)
    add("--picture", "FILE", path, "draw the times as bars into this file; needs matplotlib")
    add_threads(command, "all processors")
    add_json(command, "one JSON object")


def profile(options: Namespace, output: Stream) -> int:
    """Print a row for each step, with its time; returns the exit code."""
    use_threads(options.threads)
    network, count = network_of(options), options.batch_size
    t, loss = (targets(network, count), loss_for(network)) if options.training else (None, None)
    measured = network.profile(images(network, count), t, loss, options.repeats)
    what, threads = "training step" if options.training else "prediction", get_num_threads()
    if options.picture:
        draw(measured, options.picture)
    if options.json:
        rows = [{**row._asdict(), "gflops": row.gflops, "gbytes_per_second": row.gbytes} for row in measured.rows]
        head = {"work": what, "batch_size": count, "threads": threads, "milliseconds": measured.milliseconds}
        print(as_json({**head, "steps": rows}, indent=2))
    else:
        print(f"{what} of {counted(count, 'image')}, {counted(threads, 'thread')}: {escaped(repr(network))}")
        print(measured)
    return 0


def draw(measured: Profile, file: str) -> None:
    """Draw the times into a file; ValueError if that cannot be done."""
    try:
        measured.save(file)
    except (ImportError, ValueError) as error:
        raise ValueError(f"--picture {file}: {error}") from None
