"""The memory that a network's values take, step by step."""

from typing import Any

import numpy as np

from ..ops import check
from .figures import BLUE, GREEN, GREY, ORANGE, new, shortened
from .subject import no_network

COLOURS = {"value": BLUE, "gradient": ORANGE, "saved": GREEN, "scratch": GREY}
WORDS = {"value": "values", "gradient": "gradients", "saved": "kept for backward", "scratch": "scratch"}
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))
LARGE = 0.04  # share of both axes from which a value has room for its name


def memory_plan(network: Any, batch_size: int = 1, training: bool = False, *, title: str | None = None) -> Any:
    """The plan of a network's memory: a rectangle for each value, from its first to its last step, over its bytes.

    All values share one piece of memory; where one is no longer needed, another takes its place.

    Parameters
    ----------
    network : Network, the result of its `freeze`, or what `fastconv.load` returns
    batch_size : int
    training : bool
        A training step; else a prediction.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit.

    Examples
    --------
    >>> from fastconv import Network, models, plot
    >>> figure = plot.memory_plan(Network(models.lenet5(), (1, 28, 28)), batch_size=32, training=True)
    """
    plan = planned(network, batch_size, check.flag(training, "training"))
    values, steps = plan.values, len(plan.lines)
    unit, name = next((size, name) for size, name in UNITS if plan.nbytes >= size or size == 1)
    figure = new(5, 4.6, sentence(plan, batch_size, training, unit, name), title)
    axes = figure.subplots()
    used = [kind for kind in COLOURS if any(value.kind == kind for value in values)]
    for kind in used:
        fill(axes, [value for value in values if value.kind == kind], kind, unit)
    for value in values:
        write(axes, value, steps, plan.nbytes, unit)
    axes.set_xlim(0, max(steps, 1))
    axes.set_ylim(0, max(plan.nbytes, 1) / unit)
    axes.set_xlabel("step")
    axes.set_ylabel(name)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def planned(network: Any, batch_size: Any, training: bool) -> Any:
    """The plan of a network, of a frozen one, or of one in a file."""
    network = getattr(network, "network", network)
    if not hasattr(network, "plan") or not hasattr(network, "output_shape"):
        raise no_network(network)
    if hasattr(network, "parameters"):
        return network.plan(batch_size, training)
    if training:
        raise ValueError("training must be False for a frozen network, which only predicts")
    return network.plan(batch_size)


def fill(axes: Any, values: list[Any], kind: str, unit: float) -> None:
    """The rectangles of one kind: step `first` to `last`, both included, is the range from first to last + 1."""
    from matplotlib.collections import PolyCollection

    corners = [
        [(x, y) for x, y in ((v.first, v.start), (v.last + 1, v.start), (v.last + 1, v.stop), (v.first, v.stop))]
        for v in values
    ]
    corners = [[(x, y / unit) for x, y in corner] for corner in corners]
    look: dict[str, Any] = {"facecolors": COLOURS[kind], "edgecolors": "white", "linewidths": 0.4, "alpha": 0.85}
    axes.add_collection(PolyCollection(corners, label=WORDS[kind], **look))


def write(axes: Any, value: Any, steps: int, nbytes: int, unit: float) -> None:
    """The name of a value in its rectangle, where there is room."""
    wide, high = (value.last + 1 - value.first) / max(steps, 1), (value.stop - value.start) / max(nbytes, 1)
    room = int(wide * 52)  # letters
    if high > LARGE and room >= 4:
        centre = (value.first + value.last + 1) / 2, (value.start + value.stop) / 2 / unit
        axes.text(*centre, shortened(value.name, room), ha="center", va="center", fontsize=8, color="white")


def sentence(plan: Any, batch_size: int, training: bool, unit: float, name: str) -> str:
    """How much memory all values take, and how much they would take side by side."""
    what = "training step" if training else "prediction"
    together = sum(value.stop - value.start for value in plan.values) / unit
    images = f"{batch_size} image{'s' if batch_size > 1 else ''}"
    alive = np.zeros(len(plan.lines) + 1, np.int64)
    for value in plan.values:
        alive[value.first : value.last + 1] += value.stop - value.start
    peak = plan.lines[int(alive[:-1].argmax())].step if plan.lines else "no step"
    steps = f"{len(plan.lines)} step{'' if len(plan.lines) == 1 else 's'}"
    return (
        f"Memory of a {what} of {images} in {steps}: {len(plan.values)} values share "
        f"{plan.nbytes / unit:.3g} {name}; side by side they would take {together:.3g} {name}. "
        f"Most is in use at {peak}."
    )
