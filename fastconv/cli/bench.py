"""The command ``fastconv bench``: how many images a second a network predicts, and trains on."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from ..kernels.runtime.threads import get_num_threads
from ..network import Network
from ..optim import SGD
from ..training import train_step
from .documents import as_json
from .flags import add_json, add_network, option
from .networks import network_of
from .random_images import images, loss_for, targets
from .streams import Stream, escaped
from .threads import use_threads
from .values import seconds, several

__all__ = ["add_options", "bench"]

SIZES = (1, 8, 32)
FEWEST = 3  # runs of one measurement
HEAD = f"{'work':<12}{'batch size':>12}{'threads':>10}{'ms':>12}{'images/s':>14}"


class Speed(NamedTuple):
    """The median time of one call, for so many images."""

    work: str
    batch_size: int
    threads: int
    milliseconds: float
    images_per_second: float

    def __str__(self) -> str:
        speed = f"{self.milliseconds:>12,.3f}{self.images_per_second:>14,.1f}"
        return f"{self.work:<12}{self.batch_size:>12,}{self.threads:>10}{speed}"


def add_options(command: ArgumentParser) -> None:
    """Add the arguments of `fastconv bench`."""
    command.set_defaults(run=bench)
    add_network(command)
    add = option(command)
    add("--batch-size", "N,N...", several, "images in a call, one number or several (default: 1,8,32)", SIZES)
    add("--threads", "N,N...", several, "one number or several (default: all processors)", (None,))
    add("--seconds", "X", seconds, "time for each measurement (default: %(default)s)", 1.0)
    add_json(command, "a JSON object in each line")


def bench(options: Namespace, output: Stream) -> int:
    """Print the times of predictions and training steps; returns the exit code."""
    network = network_of(options)
    if not options.json:
        print(escaped(repr(network)), HEAD, sep="\n", flush=True)
    for speed in speeds(network, options):
        print(as_json(speed._asdict()) if options.json else speed, flush=True)
        if output.error is not None:  # nobody reads the results
            break
    return 0


def speeds(network: Network, options: Namespace) -> Iterator[Speed]:
    """All measurements, each as soon as it is made."""
    for threads in options.threads:
        use_threads(threads)
        for count in options.batch_size:
            for name, work in works(network, count).items():
                taken = median_seconds(work, options.seconds)
                yield Speed(name, count, get_num_threads(), 1e3 * taken, count / taken)


def works(network: Network, count: int) -> dict[str, Callable[[], object]]:
    """What is measured with so many images, by name."""
    x, t = images(network, count), targets(network, count)
    return {
        "predict": partial(network.predict, x, count),
        "train step": partial(train_step, network, x, t, SGD(0.0), loss_for(network)),
    }


def median_seconds(work: Callable[[], object], limit: float) -> float:
    """The median time of the work: run once to prepare it, then until so many seconds have passed."""
    from statistics import median  # it imports much, and few commands measure

    work()
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < FEWEST or time.perf_counter() - began < limit:
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return median(taken)
