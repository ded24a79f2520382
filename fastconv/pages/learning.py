"""How a network learned: the curves, and the last and the best epoch."""

from collections.abc import Sequence

from .. import plot
from .blocks import Block, Section, Table, Text
from .epochs import Epoch, best
from .pictures import drawn
from .words import number, percent

__all__ = ["learning"]

FIELDS = ("loss", "accuracy", "validation_loss", "validation_accuracy", "lr", "seconds")
SHARES = ("accuracy", "validation_accuracy")


def learning(epochs: Sequence[Epoch]) -> Section:
    """The curves, and a table."""
    if not epochs:
        return Section("How it learned", [Text("The file holds no history of its training.")])
    curves = drawn("Loss and accuracy, epoch by epoch", plot.learning_curves, epochs)
    rows = {"best": best(epochs), "last": epochs[-1]}
    metrics = list(rows["last"].metrics)
    head = ["", "epoch", *(name.replace("_", " ").replace("lr", "learning rate") for name in FIELDS), *metrics]
    cells = [[name, *row(epoch, metrics)] for name, epoch in rows.items()]
    blocks: list[Block] = [curves, Table("The best and the last epoch", head, cells)]
    return Section("How it learned", blocks)


def row(epoch: Epoch, metrics: Sequence[str]) -> list[str]:
    """The cells of an epoch."""
    values = {name: getattr(epoch, name) for name in FIELDS}
    shown = [percent(value) if name in SHARES else number(value) for name, value in values.items()]
    return [str(epoch.epoch), *shown, *(number(epoch.metrics.get(name)) for name in metrics)]
