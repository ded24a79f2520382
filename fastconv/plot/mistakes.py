"""The images with the largest loss."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..ops import check
from ..typing import Array
from .figures import grid, names_of, new, percent, shortened, show
from .given import images_of, labels_of, network_of

__all__ = ["worst_mistakes"]


def worst_mistakes(
    network: Any,
    images: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[Any] | None = None,
    count: int = 16,
    *,
    pictures: ArrayLike | None = None,
    title: str | None = None,
) -> Any:
    """The images whose true class has the lowest probability, the worst first: -log p[label].

    Over each: the predicted class and its probability, and the true one with its own. Images that are predicted rightly
    are left out.

    Parameters
    ----------
    network : Network, or what `fastconv.load` returned
    images : array (N, C, H, W), the network's dtype
    labels : integers (N,)
    classes : sequence of str, optional
        The names of the classes.
    count : int
        At most so many images.
    pictures : array (N, C, H, W), optional
        What is shown in place of the images: the same ones before they were normalized.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit each other.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> x = np.random.default_rng(0).random((6, 1, 28, 28), "float32")
    >>> figure = plot.worst_mistakes(network, x, [0, 1, 2, 3, 4, 5], count=4)
    >>> len(figure.axes)
    4
    """
    network, count = network_of(network), check.integer(count, "count", 1)
    if len(network.input_shape) != 3:
        raise ValueError(f"network must take images (C, H, W), it takes {network.input_shape}")
    images = images_of(network, images)
    if np.ndim(labels) == 0:
        raise ValueError(f"labels must have shape ({len(images)},), one class for each image, got {check.shown(labels)}")
    true = labels_of(network, labels, images)
    shown = images if pictures is None else pictures_of(pictures, len(images))
    p = network.probabilities(images)
    worst, predicted = ordered(p, true)
    names = names_of(classes, network.output_shape[0])
    figure = drawn(worst[:count], shown, p, true, predicted, names, title)
    figure.set_label(told(len(images), worst, p, true, predicted, names))
    return figure


def pictures_of(pictures: Any, count: int) -> Array:
    """What is shown in place of the images."""
    found = check.given(pictures, "pictures")
    if found.ndim != 4 or len(found) != count:
        raise ValueError(f"pictures must have shape ({count}, C, H, W), one for each image, got {found.shape}")
    return found


def ordered(p: Array, true: Array) -> tuple[Array, Array]:
    """The indices of the wrong ones, the lowest probability of the true class first; the predicted classes of all."""
    predicted = p.argmax(1)
    of_true = np.nan_to_num(p[np.arange(len(p)), true], nan=-1.0)
    wrong = np.flatnonzero(predicted != true)
    return wrong[np.argsort(of_true[wrong], kind="stable")], predicted


def drawn(chosen: Array, shown: Array, p: Array, true: Array, predicted: Array, names: Sequence[str], title: Any) -> Any:
    """The figure; with no mistakes a line that says so."""
    rows, columns = grid(max(len(chosen), 1))
    figure = new(1.7 * columns + 0.2, 2.0 * rows + 0.2, "", title)
    places = figure.subplots(rows, columns, squeeze=False).flat
    for axes, i in zip(places, [*chosen, *[-1] * (rows * columns - len(chosen))], strict=True):
        if i < 0 and len(chosen):
            axes.remove()
        elif i < 0:
            axes.axis("off")
            axes.text(0.5, 0.5, "no mistakes", ha="center", va="center")
        else:
            show(axes, shown[i])
            k, t = predicted[i], true[i]
            axes.set_title(
                f"{shortened(names[k])} {percent(p[i, k])}\nis {shortened(names[t])} {percent(p[i, t])}", fontsize=7
            )
    return figure


def told(count: int, worst: Array, p: Array, true: Array, predicted: Array, names: Sequence[str]) -> str:
    """The worst one in words."""
    if not len(worst):
        return f"None of the {count} images is predicted wrongly."
    i = worst[0]
    return (
        f"{len(worst)} of {count} images are predicted wrongly; the worst is a {names[true[i]]} taken for "
        f"{names[predicted[i]]} with probability {percent(p[i, predicted[i]])}."
    )
