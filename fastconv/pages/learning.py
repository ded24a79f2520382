"""How a network learned: the curves, and the last and the best epoch."""

from collections.abc import Sequence

from .. import plot
from .blocks import Section, Table, Text
from .epochs import Epoch, best
from .pictures import drawn
from .words import number, percent

__all__ = ["learning"]

FIELDS = ("loss", "accuracy", "validation_loss", "validation_accuracy", "lr", "seconds")
WORDS = {"lr": "learning rate"}
SHARES = ("accuracy", "validation_accuracy")


def learning(epochs: Sequence[Epoch]) -> Section:
    """The curves, and a table."""
    if not epochs:
        return Section(
            "How it learned",
            [Text("No history of its training is known; give it with --log FILE, or history= in Python.")],
        )
    curves = drawn("Loss and accuracy, epoch by epoch", plot.learning_curves, epochs)
    known = {"best": best(epochs), "last": epochs[-1]}
    if known["best"] is known["last"]:
        known = {"best and last": epochs[-1]}
    cells = {name: values(epoch) for name, epoch in known.items()}
    rows = [[name, *(each.get(name, number(None)) for each in cells.values())] for name in cells[list(cells)[-1]]]
    title = (
        "The epoch with the best validation, and the last" if len(known) > 1 else "The last epoch, which is the best"
    )
    return Section("How it learned", [curves, Table(title, ["", *known], rows)])


def values(epoch: Epoch) -> dict[str, str]:
    """The fields of an epoch that are known, by name."""
    found = {"epoch": str(epoch.epoch)}
    for name in FIELDS:
        value = getattr(epoch, name)
        if value is not None:
            found[WORDS.get(name, name.replace("_", " "))] = percent(value) if name in SHARES else number(value)
    return {**found, **{name: number(value) for name, value in epoch.metrics.items()}}
