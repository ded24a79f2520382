"""What a network is made of: its graph, its layers, and its memory."""

from collections.abc import Mapping

from .. import plot
from .blocks import Section, Table, Text
from .pictures import drawn
from .run import Run
from .words import bytes_of, counted, size

__all__ = ["structure"]

BATCH = 32  # where the file does not say how many images a step has
MOST = 1024


def structure(run: Run) -> Section:
    """The graph, the table of layers, and the plan of the memory."""
    network = run.network
    batch = batch_size(run)
    predicting, training = network.memory(1).total, network.memory(batch, training=True).total
    memory = (
        f"A prediction of one image takes {bytes_of(predicting)}, a training step of {counted(batch, 'image')} "
        f"{bytes_of(training)}, with weights, gradients and one array of the optimizer."
    )
    caption = f"The plan of the memory: which bytes hold which value, step by step, for {counted(batch, 'image')}"
    return Section(
        "What it is made of",
        [
            drawn("The graph of the network", plot.graph, network),
            layers(run),
            Text(memory),
            drawn(f"{caption} in training", plot.memory_plan, network, batch_size=batch, training=True),
        ],
    )


def batch_size(run: Run) -> int:
    """The images of a step in the training, where the file says it."""
    settings = run.metadata.get("settings")
    found = settings.get("batch-size") if isinstance(settings, Mapping) else None
    return found if type(found) is int and 1 <= found <= MOST else BATCH


def layers(run: Run) -> Table:
    """A row for each node."""
    summary = run.network.summary()
    head = ["name", "layer", "output", "parameters", "multiply-adds"]
    rows = [[r.name, r.kind, size(r.shape), f"{r.parameters:,}", f"{r.multiply_adds:,}"] for r in summary.rows]
    total = ["total", "", "", f"{summary.parameters:,}", f"{summary.multiply_adds:,}"]
    return Table("The layers, for one image", head, [*rows, total], left=(0, 1, 2))
