"""How good a network is: accuracy, the numbers of each class, the confusion matrix, and the worst mistakes."""

import numpy as np

from .. import plot
from .blocks import Block, Section, Table, Text
from .pictures import drawn
from .results import Results, interval
from .run import Run
from .words import counted, percent

__all__ = ["quality", "sentence"]

SHOWN = 12  # mistakes


def sentence(run: Run, found: Results, place: str | None) -> str:
    """The result in one sentence."""
    low, high = interval(found.accuracy, len(found))
    of = f" of {place}" if place else ""
    sure = f"95 % confidence interval {percent(low)} to {percent(high)}"
    images = f"{percent(found.accuracy)} of {counted(len(found), 'image')}{of}"
    return f"{run.model} names the right class for {images} ({sure})."


def quality(run: Run, found: Results) -> Section:
    """Tables and pictures of the results."""
    low, high = interval(found.accuracy, len(found))
    right = f"{int(found.right.sum()):,} of {counted(len(found), 'image')} are right: {percent(found.accuracy)}."
    sure = (
        f"If the images are drawn at random from all that the network will see, its accuracy there lies with a "
        f"confidence of 95 % between {percent(low)} and {percent(high)} (Wilson's score interval)."
    )
    names = run.classes
    blocks: list[Block] = [Text(f"{right} {sure}"), per_class(run, found)]
    matrix = "Confusion matrix: rows are true classes, columns the classes that the network names"
    blocks.append(drawn(matrix, plot.confusion_matrix, found.labels, found.predictions, names))
    blocks += confusions(run, found)
    blocks.append(mistakes(run, found))
    return Section("How good it is", blocks)


def per_class(run: Run, found: Results) -> Table:
    """Precision, recall and F1 of each class."""
    counts = np.bincount(found.labels, minlength=run.outputs)
    each = zip(run.classes, counts, *found.measures(), strict=True)
    rows = [[name, f"{count:,}", *(percent(share, 1) for share in shares)] for name, count, *shares in each]
    return Table("Each class", ["class", "images", "precision", "recall", "F1"], rows)


def confusions(run: Run, found: Results, most: int = 5) -> list[Block]:
    """The classes that are most often taken for others."""
    pairs, counts = np.unique(np.stack((found.labels, found.predictions), 1)[~found.right], axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    rows = [[run.classes[pairs[k][0]], run.classes[pairs[k][1]], f"{counts[k]:,}"] for k in order]
    return [Table("Most often confused", ["class", "taken for", "images"], rows, left=(0, 1))] if rows else []


def mistakes(run: Run, found: Results) -> Block:
    """The pictures of the worst mistakes."""
    worst = found.worst(SHOWN)
    if not len(worst):
        return Text("There are no mistakes to show.")
    caption = "The worst mistakes: true and named class, with the probability that the network gives"
    images, labels = found.taken(worst), found.labels[worst]
    subject = run.subject
    if isinstance(images, list):  # of different sizes
        subject, images = run.network, run.prepared(images)
    return drawn(caption, plot.worst_mistakes, subject, images, labels, run.classes, count=SHOWN)
