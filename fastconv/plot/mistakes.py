"""The images that a network gets most wrong."""

from typing import Any

import numpy as np

from ..ops import check
from ..typing import Array
from .figures import grid, names_of, new, percent, shortened, show
from .subject import classes_for, number_of_classes, pictures, subject


def worst_mistakes(
    network: Any, images: Any, labels: Any, classes: Any = None, count: int = 16, *, title: str | None = None
) -> Any:
    """The wrongly classified images with the largest loss -log p[label], each with true and predicted class.

    Parameters
    ----------
    network : Network, or what `fastconv.load` returns
    images : array (N, C, H, W)
        Raw for what `fastconv.load` returns. Any range of values is scaled for showing.
    labels : (N,) class numbers
    classes : list of str, optional
        The names of the classes; else those of the file, or numbers.
    count : int
        How many images are shown at most.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for a network with one output and no Sigmoid at its end.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> figure = plot.worst_mistakes(network, np.ones((5, 1, 28, 28), "float32"), [0, 1, 2, 3, 4])
    """
    count = check.integer(count, "count", 1)
    found = subject(network)
    names = names_of(found.classes if classes is None else classes, number_of_classes(found.network))
    x, _ = pictures(found, images, "images")
    if labels is None:
        raise TypeError("labels must be class numbers, one for each image, got None")
    true = classes_for(found.network, labels, x, "labels")
    p = found.network.probabilities(x)
    worst = mistaken(p, true)
    text = sentence(worst, p, true, names)
    worst = worst[:count]
    rows, columns = grid(max(1, len(worst)), 4)
    figure = new(1.3 * max(columns, 2), 1.85 * rows, text, title)
    every = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in every[len(worst) :]:
        axes.set_axis_off()
    for axes, n in zip(every, worst, strict=False):
        show(axes, x[n])
        best = predicted(p[n])
        axes.set_title(said(names, int(true[n]), best, p[n]), fontsize=9)
    if not len(worst):
        every[0].text(0.5, 0.5, "No mistake", ha="center", va="center")
    return figure


def predicted(p: Array) -> int:
    """The class with the largest probability; -1 where one is NaN."""
    return -1 if np.isnan(p).any() else int(p.argmax())


def mistaken(p: Array, true: Array) -> Array:
    """The wrongly classified images, the largest loss -log p[label] first; NaN counts as infinite."""
    own = np.nan_to_num(p[np.arange(len(p)), true].astype(float), nan=-1.0)
    wrong = np.array([predicted(each) for each in p]) != true
    order = np.argsort(own, kind="stable")
    found: Array = order[wrong[order]]
    return found


def said(names: list[str], true: int, best: int, p: Array) -> str:
    """'cat' over 'dog 98 %': what it is, and what it was taken for."""
    taken = f"{shortened(names[best], 10)} {100 * p[best]:.0f} %" if best >= 0 else "NaN"
    return f"{shortened(names[true])}\n→ {taken}"


def sentence(worst: Array, p: Array, true: Array, names: list[str]) -> str:
    """How many mistakes there are, and the worst one."""
    total = len(true)
    start = (
        f"{len(worst)} of {total} images {'is' if len(worst) == 1 else 'are'} wrong ({percent(len(worst) / total)})."
    )
    if not len(worst):
        return start
    n = worst[0]
    best = predicted(p[n])
    taken = f"{names[best]} with {percent(p[n, best])}" if best >= 0 else "nothing, for its probabilities are NaN"
    own = "" if best < 0 else f"; {names[true[n]]} has {percent(p[n, true[n]])}"
    return f"{start} The worst: {names[true[n]]}, image {n}, is taken for {taken}{own}."
