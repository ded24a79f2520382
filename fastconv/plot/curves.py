"""Loss and accuracy against the epochs."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..ops import check
from .figures import COLOURS, new, percent, plain

QUANTITIES = ("loss", "accuracy")
NUMBERS = int | float | np.number
LINE = "history must be the list of epochs that fit returns, or a dict of several by name"


def learning_curves(history: Any, *, validation: str = "validation", title: str | None = None) -> Any:
    """Loss and accuracy of training and validation against the epochs.

    Parameters
    ----------
    history : list of epochs, as `fit` returns it, or name -> list of epochs
        Several are drawn into the same axes, to compare them. An epoch may be a dict with the same names.
    validation : str
        What the data of the validation is called in the picture, such as "test".
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
    >>> from fastconv import plot
    >>> epochs = [{"epoch": 1, "loss": 2.3, "accuracy": 0.1}, {"epoch": 2, "loss": 0.4, "accuracy": 0.9}]
    >>> figure = plot.learning_curves(epochs)
    >>> plot.text_of(figure)
    'Loss fell from 2.3 to 0.4 over 2 epochs; best training accuracy 90.0 % in epoch 2.'
    """
    runs = {str(name): checked(each) for name, each in several(history).items()}
    known = [name for name in QUANTITIES if any(values(run, name)[1] for run in runs.values())]
    figure = new(5, 2.6 * len(known), " ".join(text(name, run, validation) for name, run in runs.items()), title)
    stacked = figure.subplots(len(known), 1, sharex=True, squeeze=False)[:, 0]
    for axes, quantity in zip(stacked, known, strict=True):
        for number, (name, run) in enumerate(runs.items()):
            draw(axes, run, quantity, name, COLOURS[number % len(COLOURS)] if len(runs) > 1 else "", validation)
        finish(axes, quantity)
    stacked[-1].set_xlabel("epoch")
    return figure


def several(history: Any) -> Mapping[Any, Any]:
    """name -> history; one alone has the name ''."""
    if isinstance(history, Mapping):
        if not history:
            raise ValueError(f"{LINE}, got an empty dict")
        return history
    return {"": history}


def checked(history: Any) -> list[Any]:
    """The epochs of one history."""
    if isinstance(history, str) or not isinstance(history, Iterable):
        raise TypeError(f"{LINE}, got {check.shown(history)}")
    epochs = list(history)
    if not epochs:
        raise ValueError(f"{LINE}, got no epoch")
    for epoch in epochs:
        if not isinstance(field(epoch, "loss"), NUMBERS):
            raise TypeError(f"{LINE}, got {check.shown(epoch)} among its epochs, which has no loss")
        for name in ("epoch", "accuracy", "validation_loss", "validation_accuracy"):
            value = field(epoch, name)
            if value is not None and not isinstance(value, NUMBERS):
                raise TypeError(f"history must have numbers in its epochs, got {name}={check.shown(value)}")
    return epochs


def field(epoch: Any, name: str) -> Any:
    """A value of an epoch; None where it has none."""
    return epoch.get(name) if isinstance(epoch, Mapping) else getattr(epoch, name, None)


def values(epochs: list[Any], name: str) -> tuple[list[int], list[float]]:
    """The epochs that have this value, and the values."""
    pairs = [(field(epoch, "epoch"), field(epoch, name)) for epoch in epochs]
    numbered = [(number if place is None else place, value) for number, (place, value) in enumerate(pairs, 1)]
    kept = [(place, float(value)) for place, value in numbered if value is not None]
    return [place for place, _ in kept], [value for _, value in kept]


def draw(axes: Any, epochs: list[Any], quantity: str, name: str, colour: str, validation: str) -> None:
    """The curves of one training: training solid, validation dashed where there are several trainings."""
    kinds = (("training", quantity, COLOURS[0], "-"), (validation, f"validation_{quantity}", COLOURS[1], "-"))
    for kind, key, own, style in kinds:
        places, found = values(epochs, key)
        if found:
            scale = 100 if quantity == "accuracy" else 1
            dashed = "--" if colour and key != quantity else style
            label = plain(f"{name}, {kind}" if name else kind)
            mark = "o" if len(found) == 1 else ""
            axes.plot(places, [scale * v for v in found], dashed, marker=mark, color=colour or own, label=label)


def finish(axes: Any, quantity: str) -> None:
    """Labels, grid and legend."""
    from matplotlib.ticker import MaxNLocator

    axes.set_ylabel("accuracy, %" if quantity == "accuracy" else quantity)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    axes.legend()


def text(name: str, epochs: list[Any], validation: str) -> str:
    """One sentence on a training."""
    losses = values(epochs, "loss")[1]
    first, last = losses[0], losses[-1]
    way = "fell" if last < first else "rose" if last > first else "went"
    count = f"{len(epochs)} epoch{'s' if len(epochs) > 1 else ''}"
    parts = [f"Loss {way} from {first:.3g} to {last:.3g} over {count}" if len(epochs) > 1 else f"Loss {last:.3g}"]
    for kind, key in ((validation, "validation_accuracy"), ("training", "accuracy")):
        places, found = values(epochs, key)
        if found and not np.isnan(found).all():
            best = int(np.nanargmax(found))
            parts.append(f"best {kind} accuracy {percent(found[best])} in epoch {places[best]}")
            break
    else:
        places, found = values(epochs, "validation_loss")
        if found and not np.isnan(found).all():
            best = int(np.nanargmin(found))
            parts.append(f"lowest {validation} loss {found[best]:.3g} in epoch {places[best]}")
    return (f"{name}: " if name else "") + "; ".join(parts) + "."
