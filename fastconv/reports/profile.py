"""Where the time of a network goes: milliseconds, GFLOP/s and bytes of each step."""

import time
from collections import Counter
from math import prod
from os import PathLike
from typing import NamedTuple

from ..executor.binder import BoundPlan
from ..executor.steps import Backward, Forward, MatMul, Step
from .plan import arrays_of, name_of
from .summary import multiply_adds
from .table import Report, Table


class Row(NamedTuple):
    """One step: the median time of its runs, its multiply-adds, and the bytes that it must read and write."""

    step: str
    milliseconds: float
    multiply_adds: int
    nbytes: int

    @property
    def gflops(self) -> float:
        """GFLOP/s, two operations per multiply-add."""
        return 2e-6 * self.multiply_adds / self.milliseconds if self.milliseconds else 0.0

    @property
    def gbytes(self) -> float:
        """GB/s."""
        return 1e-6 * self.nbytes / self.milliseconds if self.milliseconds else 0.0


class Profile(Report):
    """The result of `Network.profile`: `rows` in the order they ran; `str` gives the table, `save` a picture."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.milliseconds = sum(row.milliseconds for row in rows)

    def table(self) -> Table:
        """The rows, and the time in total."""
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
        return Table(head, rows, ("total", f"{self.milliseconds:.3f}", "100.0", "", "", ""))

    def save(self, path: str | PathLike[str]) -> None:
        """Draw the times as bars into an image file (needs matplotlib: ``pip install matplotlib``)."""
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("Profile.save needs matplotlib: pip install matplotlib") from error
        figure = Figure(figsize=(8, 1 + 0.2 * len(self.rows)), layout="constrained")
        axes = figure.subplots()
        axes.barh([row.step for row in self.rows], [row.milliseconds for row in self.rows])
        axes.invert_yaxis()
        axes.set_xlabel("milliseconds")
        axes.tick_params(axis="y", labelsize=6)
        figure.savefig(path)


def profile(plan: BoundPlan, repeats: int) -> Profile:
    """The rows of a bound plan, run once to warm up and then `repeats` times; micro-batches are added up."""
    from statistics import median  # it imports much, and few programs measure

    runs = [run_timed(plan) for _ in range(repeats + 1)][1:]
    times_run, called = Counter(number for number, _ in plan.bound), {number for number, calls in plan.bound if calls}
    times = [1e3 * median(seconds) for seconds in zip(*runs, strict=True)]
    return Profile([row(plan.steps[i], times[i], times_run[i]) for i in sorted(called)])


def run_timed(plan: BoundPlan) -> list[float]:
    """Run once; the seconds that each step took."""
    seconds = [0.0] * len(plan.steps)
    for number, calls in plan.bound:
        started = time.perf_counter()
        for call in calls:
            call()
        seconds[number] += time.perf_counter() - started
    return seconds


def row(step: Step, milliseconds: float, times_run: int) -> Row:
    """A step's row; it ran once per micro-batch, `times_run` times."""
    slots = arrays_of(step)
    nbytes = times_run * sum(prod(slot.shape) * slot.dtype.itemsize for slot in slots)
    work = 0
    if isinstance(step, Forward | Backward):
        node, y = (step.node, step.dy) if isinstance(step, Backward) else (step.fusion.node, step.y)
        once = times_run * y.shape[0] * multiply_adds(node)
        work = once * (2 if isinstance(step, Backward) and step.dx is not None else 1)
        nbytes += sum(prod(p.shape) for p in node.spec.params.values()) * slots[0].dtype.itemsize
    if isinstance(step, MatMul):
        work = times_run * step.out.shape[0] * multiply_adds(step.node)
    return Row(name_of(step), milliseconds, work, nbytes)
