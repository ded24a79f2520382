"""The confusion matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import metrics
from ..ops import check
from ..typing import Array
from .figures import names_of, new, percent, shortened

__all__ = ["confusion_matrix"]

WRITTEN = 20  # classes whose counts are written into the cells
LABELLED = 60  # classes whose names are beside the rows


def confusion_matrix(
    labels: ArrayLike,
    predictions: ArrayLike,
    classes: Sequence[Any] | None = None,
    normalize: bool = False,
    *,
    title: str | None = None,
) -> Any:
    """How many images of each class (rows) were predicted as each class (columns); `fastconv.metrics` has the numbers.

    Parameters
    ----------
    labels : integers (N,)
        The true class of each image.
    predictions : integers (N,), or array (N, K)
        The predicted class of each image, or outputs, whose largest counts.
    classes : sequence of str, optional
        The names of the classes.
    normalize : bool
        Shares of each row in percent, in place of counts.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For labels and predictions that do not fit each other, and for too few names.

    Examples
    --------
    >>> from fastconv import plot
    >>> figure = plot.confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2], ["cat", "dog", "cow"])
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['cat', 'dog', 'cow']
    """
    labels, predictions = check.given(labels, "labels"), check.given(predictions, "predictions")
    known = None if classes is None else len(names_of(classes, 0))
    if predictions.dtype.kind == "f":
        known = None  # the outputs say how many classes there are
    counts = metrics.confusion_matrix(predictions, labels, known)
    names = names_of(classes, len(counts))[: len(counts)]
    normalize = check.flag(normalize, "normalize")
    shown = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1) if normalize else counts
    K = len(counts)
    side = min(max(3.2, 0.45 * K + 1.4), 11)
    figure = new(side + 0.6, side, told(counts, names), title)
    axes = figure.subplots()
    image = axes.imshow(shown, cmap="Blues", vmin=0, interpolation="nearest")
    if K <= WRITTEN:
        write(axes, shown)
    else:
        figure.colorbar(image, shrink=0.7, label="% of the row" if normalize else "images")
    if K <= LABELLED:
        axes.set_xticks(range(K), [shortened(name) for name in names], rotation=90 if K > 4 else 0)
        axes.set_yticks(range(K), [shortened(name) for name in names])
        axes.tick_params(labelsize=9 if K <= 25 else 6)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    return figure


def write(axes: Any, shown: Array) -> None:
    """The numbers in the cells, white where the cell is dark."""
    dark = shown.max(initial=0) / 2
    for (row, column), value in np.ndenumerate(shown):
        text = f"{value:.0f}" if value == round(value) or value >= 10 else f"{value:.1f}"
        colour = "white" if value > dark else "#333333" if value else "#9aa0a6"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9 if len(shown) <= 12 else 7)


def told(counts: Array, names: Sequence[str]) -> str:
    """The matrix in words: the share on the diagonal, and the most frequent mistake."""
    total, K = int(counts.sum()), len(counts)
    if total == 0:
        return "Confusion matrix of no images."
    text = f"Confusion matrix of {total} images and {K} classes: {percent(np.trace(counts) / total)} are right."
    wrong = counts * (1 - np.eye(K, dtype=int))
    if wrong.any():
        i, j = np.unravel_index(wrong.argmax(), wrong.shape)
        times = f"{wrong[i, j]} time{'' if wrong[i, j] == 1 else 's'}"
        text += f" Most often {names[i]} is taken for {names[j]}, {times}."
    return text
