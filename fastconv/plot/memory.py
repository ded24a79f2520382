"""The memory of a plan: where every value lies, and how long."""

from typing import Any

from .figures import BLUE, GREEN, GREY, ORANGE, new
from .given import network_of

__all__ = ["memory_plan"]

UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))
LETTER = 0.0085  # of the width: a letter of a name
NAMED = 0.035  # of the memory: a value this large has its name in its rectangle


def memory_plan(network: Any, batch_size: int = 1, training: bool = False, *, title: str | None = None) -> Any:
    """A rectangle for each value: across, the steps from the one that writes it to the last that reads it; up, bytes.

    A value that overwrites another has its colour. `network.plan(batch_size, training)` has the same as a table.

    Parameters
    ----------
    network : Network, or what `fastconv.load` returned
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
        As `network.plan`.

    Examples
    --------
    >>> from fastconv import Network, models, plot
    >>> figure = plot.memory_plan(Network(models.lenet5(), (1, 28, 28)), batch_size=8)
    >>> figure.axes[0].get_xlabel()
    'step'
    """
    network = network_of(network)
    plan = network.plan(batch_size, training)
    scale, unit = next(each for each in UNITS if plan.nbytes >= each[0] or each[0] == 1)
    figure = new(7, 3.6, told(plan, batch_size, training), title)
    axes = figure.subplots()
    for number, (line, last) in enumerate(zip(plan.lines, plan.lives(), strict=True)):
        if line.nbytes:
            rectangle(axes, line, number, last, scale, plan)
    axes.set_xlim(0, len(plan.lines))
    axes.set_ylim(0, plan.nbytes / scale or 1)
    axes.set_xlabel("step")
    axes.set_ylabel(f"memory, {unit}")
    return figure


def rectangle(axes: Any, line: Any, first: int, last: int, scale: float, plan: Any) -> None:
    """One value, with its name where there is room."""
    from matplotlib.patches import Rectangle

    whole, steps = plan.nbytes, len(plan.lines)
    colour = GREY if "over" in line.notes else ORANGE if line.step.startswith("d ") else BLUE
    colour = GREEN if "channels" in line.notes else colour
    start, size = line.start / scale, (line.stop - line.start) / scale
    axes.add_patch(
        Rectangle((first, start), last - first + 1, size, facecolor=tint(colour), edgecolor="white", linewidth=0.4, zorder=2 + first)
    )
    name = line.step.split(" + ")[0]
    if line.stop - line.start > NAMED * whole and last - first > LETTER * len(name) * steps:
        axes.text(first + 0.3, start + size / 2, name, va="center", fontsize=6, clip_on=True, zorder=2 + first)


def tint(colour: str) -> tuple[float, ...]:
    """The colour, half as strong: what is drawn later covers what was there."""
    from matplotlib.colors import to_rgb

    return tuple(0.5 + 0.5 * part for part in to_rgb(colour))


def told(plan: Any, batch_size: int, training: bool) -> str:
    """The memory in words."""
    work = "training step" if training else "prediction"
    together = sum(line.nbytes for line in plan.lines)
    text = f"Memory of a {work} of {batch_size}: {plan.nbytes / 1e6:.3g} MB for {len(plan.lines)} steps"
    return text + (f"; without reuse its values would take {together / 1e6:.3g} MB." if together else ".")
