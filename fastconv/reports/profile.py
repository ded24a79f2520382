"""Where the time of a network goes: milliseconds, GFLOP/s and bytes of each step."""

import time
from collections import Counter
from math import prod
from typing import NamedTuple

from ..executor.steps import Backward, Forward
from .plan import arrays_of, name_of
from .table import table


class Row(NamedTuple):
    """One step: the median time of its runs, the multiply-adds it stands for, the bytes it must read and write."""

    step: str
    milliseconds: float
    multiply_adds: int
    nbytes: int

    @property
    def gflops(self):
        return 2e-6 * self.multiply_adds / self.milliseconds if self.milliseconds else 0.0

    @property
    def gbytes(self):
        """GB/s."""
        return 1e-6 * self.nbytes / self.milliseconds if self.milliseconds else 0.0


class Profile:
    """What `Network.profile` returns: `rows` in the order they ran; `str` gives the table, `save` the picture."""

    def __init__(self, rows):
        self.rows = rows
        self.milliseconds = sum(row.milliseconds for row in rows)

    def __str__(self):
        head = ("step", "ms", "%", "GFLOP/s", "GB/s", "bytes")
        total = max(self.milliseconds, 1e-9)
        rows = [
            (
                r.step,
                f"{r.milliseconds:.3f}",
                f"{100 * r.milliseconds / total:.1f}",
                f"{r.gflops:.1f}",
                f"{r.gbytes:.1f}",
                f"{r.nbytes:,}",
            )
            for r in self.rows
        ]
        return table(head, rows, ("total", f"{self.milliseconds:.3f}", "100.0", "", "", ""))

    __repr__ = __str__

    def save(self, path):
        """Draw the times as bars into an image file (needs matplotlib, which is in the extra `benchmark`)."""
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("Profile.save needs matplotlib: pip install 'fastconv[benchmark]'") from error
        figure = Figure(figsize=(8, 1 + 0.2 * len(self.rows)), layout="constrained")
        axes = figure.subplots()
        axes.barh([row.step for row in self.rows], [row.milliseconds for row in self.rows])
        axes.invert_yaxis()
        axes.set_xlabel("milliseconds")
        axes.tick_params(axis="y", labelsize=6)
        figure.savefig(path)


def profile(plan, repeats):
    """The rows of a bound plan, run `repeats` times after once to warm up; a step's rounds count together."""
    from statistics import median  # it imports much, and few programs measure

    runs = [run_timed(plan) for _ in range(repeats + 1)][1:]
    rounds, called = Counter(number for number, _ in plan.bound), {number for number, calls in plan.bound if calls}
    times = [1e3 * median(seconds) for seconds in zip(*runs, strict=True)]
    return Profile([row(plan.steps[i], times[i], rounds[i]) for i in sorted(called)])


def run_timed(plan):
    """Run once; the seconds that each step took."""
    seconds = [0.0] * len(plan.steps)
    for number, calls in plan.bound:
        started = time.perf_counter()
        for call in calls:
            call()
        seconds[number] += time.perf_counter() - started
    return seconds


def row(step, milliseconds, rounds):
    places = arrays_of(step)
    nbytes = rounds * sum(prod(place.shape) * place.dtype.itemsize for place in places)
    node = step.unit.node if isinstance(step, Forward) else step.node if isinstance(step, Backward) else None
    work = 0
    if node is not None:
        n = rounds * (step.dy if isinstance(step, Backward) else step.y).shape[0]
        once = n * node.layer.multiply_adds(node.inputs[0].shape, node.shape)
        work = once * (1 if isinstance(step, Forward) else 2 if step.dx is not None else 1)
        nbytes += sum(prod(p.shape) for p in node.spec.params.values()) * places[0].dtype.itemsize
    return Row(name_of(step), milliseconds, work, nbytes)
