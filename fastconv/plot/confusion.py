"""How often each class is taken for each other."""

from typing import Any

import numpy as np

from .. import metrics
from ..ops import check
from ..typing import Array
from .figures import BLUE, names_of, new, percent, shortened

FEW = 20  # classes whose cells have room for a number
MOST_NAMES = 20  # along an axis
MOST_CLASSES = 5000  # of which there is a matrix
WORST = 10  # pairs that are listed beside many classes


def confusion_matrix(
    labels: Any, predictions: Any, classes: Any = None, normalize: bool = False, *, title: str | None = None
) -> Any:
    """The confusion matrix: row i, column j tells how many images of class i were predicted as class j.

    Up to 20 classes have their numbers written in the cells; beside more, the pairs that are confused most are listed.

    Parameters
    ----------
    labels : (N,) class numbers
    predictions : (N,) class numbers, or outputs (N, K)
    classes : list of str, optional
        The names of the classes.
    normalize : bool
        Each row as shares of the images of its class.
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
    >>> from fastconv import plot
    >>> figure = plot.confusion_matrix([0, 1, 1], [0, 1, 0], classes=["cat", "dog"])
    """
    normalize = check.flag(normalize, "normalize")
    counts, total = counted(labels, predictions, classes)
    names = names_of(classes, len(counts))
    shares = counts / np.maximum(np.bincount(labels, minlength=len(counts))[:, None], 1)
    few = len(counts) <= FEW
    text = sentence(counts, names, total)
    figure = new(5, 4.6 if few else 8, text, title)
    if few:
        axes = figure.subplots()
    else:
        axes, below = figure.subplots(2, 1, gridspec_kw={"height_ratios": [5, 2]})
        list_pairs(below, counts, names)
    drawn = show(figure, axes, shares if normalize else counts, few, normalize)
    label(axes, names)
    if few:
        write(axes, drawn, counts, shares, normalize)
    return figure


def counted(labels: Any, predictions: Any, classes: Any) -> tuple[Array, int]:
    """C[i, j] (K, K), and how many images there are, also those with NaN, which are in no column."""
    true = check.given(labels, "labels", "class numbers (N,)")
    if true.dtype.kind not in "iu" or true.ndim != 1:
        raise TypeError(f"labels must be class numbers (N,), got {true.dtype} of shape {true.shape}")
    found = check.given(predictions, "predictions", "class numbers (N,) or outputs (N, K)")
    if found.dtype.kind not in "iuf" or found.ndim != (2 if found.dtype.kind == "f" else 1):
        shape = f"{found.dtype} of shape {found.shape}"
        raise TypeError(f"predictions must be class numbers (N,) or outputs (N, K), got {shape}")
    if len(found) != len(true) or not len(true):
        raise ValueError(f"predictions must be as many as labels and at least one, got {len(found)} and {len(true)}")
    if true.min() < 0 or (found.ndim == 2 and true.max() >= found.shape[1]):
        rule = f"from 0 to {found.shape[1] - 1}" if found.ndim == 2 else ">= 0"
        raise ValueError(f"labels must be class numbers {rule}, got {true.min()} to {true.max()}")
    if found.ndim == 1 and found.min() < 0:
        raise ValueError(f"predictions must be class numbers >= 0, got {found.min()}")
    largest = max(int(each.max()) for each in (true, found) if each.ndim == 1)
    if largest >= MOST_CLASSES:
        raise ValueError(f"labels and predictions must be class numbers below {MOST_CLASSES:,}, got {largest}")
    K = None
    if classes is not None and found.ndim == 1:
        K = max(len(names_of(classes, 0)), int(true.max()) + 1, int(found.max()) + 1)
    return metrics.confusion_matrix(found, true, num_classes=K, ignore_index=None), len(true)


def show(figure: Any, axes: Any, values: Array, few: bool, normalize: bool) -> Any:
    """The cells; many classes have a scale on which one image in a hundred can be seen, and a bar for it."""
    from matplotlib.colors import PowerNorm

    top = 1 if normalize else max(1, values.max(initial=1))
    drawn = axes.imshow(values, cmap="Blues", norm=PowerNorm(1 if few else 0.4, 0, top), interpolation="nearest")
    if not few:
        figure.colorbar(drawn, ax=axes, label="share of the class" if normalize else "images", shrink=0.7)
    return drawn


def label(axes: Any, names: list[str]) -> None:
    """The names of the classes, as many as there is room for."""
    step = -(-len(names) // MOST_NAMES)
    places = range(0, len(names), step)
    size = 10 if len(names) <= 12 else 8
    shown = [shortened(names[k]) for k in places]
    axes.set_xticks(places, shown, rotation=0 if max(map(len, shown)) <= 2 else 90, fontsize=size)
    axes.set_yticks(places, shown, fontsize=size)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")


def write(axes: Any, drawn: Any, counts: Array, shares: Array, normalize: bool) -> None:
    """The numbers of the cells; none where nothing is."""
    size = 10 if len(counts) <= 10 else 7
    for (i, j), count in np.ndenumerate(counts):
        if count:
            dark = drawn.norm(shares[i, j] if normalize else count) > 0.5
            said = f"{100 * shares[i, j]:.0f}" if normalize else str(count)
            axes.text(j, i, said, ha="center", va="center", fontsize=size, color="white" if dark else "black")
    if normalize:
        axes.set_xlabel("predicted; % of the true class")


def pairs(counts: Array) -> list[tuple[int, int, int]]:
    """(true class, predicted class, images) of the mistakes, the most frequent first."""
    mistakes = counts - np.diag(np.diag(counts))
    order = np.argsort(-mistakes, axis=None, kind="stable")
    found = [(int(i), int(j), int(mistakes[i, j])) for i, j in zip(*np.unravel_index(order, counts.shape), strict=True)]
    return [pair for pair in found if pair[2]]


def list_pairs(axes: Any, counts: Array, names: list[str]) -> None:
    """Bars of the pairs of classes that are confused most."""
    worst = pairs(counts)[:WORST]
    said = [f"{shortened(names[i])} taken for {shortened(names[j])}" for i, j, _ in worst]
    axes.barh(range(len(worst)), [count for *_, count in worst], color=BLUE, alpha=0.35)
    for number, line in enumerate(said):
        axes.text(0, number, f" {line}", va="center", fontsize=9)
    axes.set_yticks([])
    axes.invert_yaxis()
    axes.set_xlabel("images")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title("Confused most" if worst else "No mistake", fontsize=11)


def sentence(counts: Array, names: list[str], total: int) -> str:
    """How many are right, and the most frequent mistake."""
    images = f"{total:,} image{'s' if total > 1 else ''}"
    start = f"Confusion matrix of {images} and {len(counts)} classes: {percent(np.trace(counts) / total)} are right."
    worst = pairs(counts)
    if not worst:
        return start
    i, j, count = worst[0]
    return f"{start} Most often {names[i]} is taken for {names[j]}, {count} time{'s' if count > 1 else ''}."
