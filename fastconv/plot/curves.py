"""Learning curves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..ops import check
from .figures import COLOURS, new, percent

__all__ = ["learning_curves"]


def learning_curves(history: Any, *, title: str | None = None) -> Any:
    """Loss and accuracy of training and validation over the epochs, and the learning rate where it changed.

    Parameters
    ----------
    history : list of epochs, or mapping name -> list of epochs
        What `fit` returned; several trainings by name, to compare them.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For what is no history, and for one without epochs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, fit, layers, plot
    >>> x, y = np.eye(4, dtype="float32"), [0, 1, 0, 1]
    >>> history = fit(Network(layers.Linear(2), (4,), seed=0), x, y, epochs=3, batch_size=4, seed=0, progress=False)
    >>> figure = plot.learning_curves(history)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'accuracy, %']
    """
    runs = named(history)
    panels = [("loss", 1)]
    if any(epoch.accuracy is not None for run in runs.values() for epoch in run):
        panels.append(("accuracy", 100))
    if any(len({epoch.lr for epoch in run}) > 1 for run in runs.values()):
        panels.append(("lr", 1))
    figure = new(4 * len(panels), 3, told(runs), title)
    for axes, (field, scale) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for number, (name, run) in enumerate(runs.items()):
            draw(axes, run, field, scale, name, COLOURS[number % len(COLOURS)])
        finish(axes, field)
    return figure


def named(history: Any) -> dict[str, list[Any]]:
    """name -> epochs; one training alone has the name ''."""
    runs = history if isinstance(history, Mapping) else {"": history}
    for name, run in runs.items():
        if not isinstance(run, Sequence) or not all(hasattr(epoch, "validation_loss") for epoch in run):
            raise TypeError(f"history must be what fastconv.fit returned, or a dict of these, got {check.shown(run)}")
        if not run:
            raise ValueError(f"history must have at least one epoch, got none{f' of {name}' if name else ''}")
    if not runs:
        raise ValueError("history must have at least one training, got an empty dict")
    return {str(name): list(run) for name, run in runs.items()}


def draw(axes: Any, run: Sequence[Any], field: str, scale: float, name: str, colour: str) -> None:
    """The lines of one training: dashed for training, solid for validation, or solid where there is none."""
    fields = [field] if field == "lr" else [field, f"validation_{field}"]
    drawn = [each for each in fields if any(getattr(epoch, each) is not None for epoch in run)]
    for each in drawn:
        points = [(epoch.epoch, scale * getattr(epoch, each)) for epoch in run if getattr(epoch, each) is not None]
        held_out = each.startswith("validation")
        kind = "" if field == "lr" else "validation" if held_out else "training"
        axes.plot(
            *zip(*points, strict=True),
            color=colour,
            linestyle="-" if held_out or len(drawn) == 1 else "--",
            marker="o" if len(points) == 1 else "",
            label=" ".join(filter(None, (name, kind))),
        )


def finish(axes: Any, field: str) -> None:
    """Names of the axes, whole epochs, and a legend where there is something to tell apart."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.set_ylabel({"accuracy": "accuracy, %", "lr": "learning rate"}.get(field, field))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    if any(axes.get_legend_handles_labels()[1]):
        axes.legend(fontsize="small")


def told(runs: Mapping[str, Sequence[Any]]) -> str:
    """The curves in words."""
    return " ".join(one(name, run) for name, run in runs.items())


def one(name: str, run: Sequence[Any]) -> str:
    """One training in words."""
    first, last = run[0], run[-1]
    who = f"{name}: loss" if name else "Loss"
    epochs = f"{len(run)} epochs" if len(run) > 1 else "one epoch"
    text = f"{who} {last.loss:.4g} after {epochs}" if len(run) == 1 else (
        f"{who} went from {first.loss:.4g} to {last.loss:.4g} over {epochs}"
    )  # fmt: skip
    return text + best(run) + "."


def best(run: Iterable[Any]) -> str:
    """The best accuracy of the validation, or that of the training."""
    for field, what in (("validation_accuracy", "best validation accuracy"), ("accuracy", "best training accuracy")):
        known = [epoch for epoch in run if getattr(epoch, field) is not None]
        if known:
            top = max(known, key=lambda epoch: getattr(epoch, field))
            return f"; {what} {percent(getattr(top, field))} in epoch {top.epoch}"
    return ""
