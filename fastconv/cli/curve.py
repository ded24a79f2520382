"""The picture of the learning curve that `fastconv train` draws where matplotlib is installed."""

import os
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from .saving import free

__all__ = ["draw"]

SUFFIX = ".png"


def draw(history: Sequence[Any], network: str, held_out: str, overwrite: bool) -> str | None:
    """Draw loss and accuracy of the epochs beside the file of the network; the name of the picture.

    None where there is no matplotlib, or no place for it. No file is replaced unless `overwrite` is true.
    """
    if find_spec("matplotlib") is None:
        return None
    wanted = os.path.splitext(network)[0] + SUFFIX
    path = wanted if overwrite else next(free(wanted))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            figure(history, held_out).savefig(path)
    except (OSError, ImportError, ValueError):
        return None  # the network is what counts, and it is saved
    return path


def figure(history: Sequence[Any], held_out: str) -> Any:
    """Two plots, of the loss and of the accuracy, against the epochs."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    drawn = Figure(figsize=(8, 3), layout="constrained")
    epochs = [epoch.epoch for epoch in history]
    mark = "o" if len(epochs) == 1 else ""
    for axes, name, scale in zip(drawn.subplots(1, 2), ("loss", "accuracy"), (1, 100), strict=True):
        for label, field in (("training", name), (held_out, f"validation_{name}")):
            values = [getattr(epoch, field) for epoch in history]
            if None not in values:
                axes.plot(epochs, [scale * value for value in values], marker=mark, label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name if scale == 1 else f"{name}, %")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
        axes.grid(alpha=0.3)
    return drawn
