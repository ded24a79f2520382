"""Figures of explanations: the image, and beside or over it what speaks for a class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import Network
from ..ops import check
from ..typing import Array
from .explain import explained_node, grad_cam_map, occlusion_map, saliency_map
from .figures import bare, names_of, new, percent, shortened, show
from .given import image_of, labels_of, network_of

__all__ = ["grad_cam", "occlusion", "saliency"]


def saliency(
    network: Any,
    image: ArrayLike,
    label: int | None = None,
    classes: Sequence[Any] | None = None,
    *,
    title: str | None = None,
) -> Any:
    """The image, and how strongly the score of its class depends on each pixel; see `saliency_map`.

    Parameters
    ----------
    network : Network, or what `fastconv.load` returned
    image : array (C, H, W), the network's dtype
    label : int, optional
        The class whose score is explained; None takes the predicted one.
    classes : sequence of str, optional
        The names of the classes.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for a network whose output is not (K,).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> figure = plot.saliency(network, np.ones((1, 28, 28), "float32"), label=3)
    >>> figure.axes[1].get_title()
    '|d score of 3 / d pixel|'
    """
    network, x, label, name, p = explained(network, image, label, classes)
    values = saliency_map(network, x, label)[0]
    text = f"An image taken for {name} with probability {percent(p)}; {where(values, 'the score depends most on')}."
    figure, (left, right) = beside(text, title, x, f"{shortened(name)}, {percent(p)}")
    bare(right)
    right.imshow(values, cmap="magma", vmin=0, interpolation="nearest")
    right.set_title(f"|d score of {shortened(name)} / d pixel|", fontsize=9)
    return figure


def grad_cam(
    network: Any,
    image: ArrayLike,
    label: int | None = None,
    name: str | None = None,
    classes: Sequence[Any] | None = None,
    *,
    title: str | None = None,
) -> Any:
    """The image, and over it the regions that speak for a class; see `grad_cam_map`.

    Parameters
    ----------
    network, image, label, classes, title
        As in `saliency`.
    name : str, optional
        The node whose planes are weighed; None takes the last one whose value has more than one pixel.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        As in `saliency`; for a node without planes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.resnet8(), (3, 32, 32), seed=0)
    >>> figure = plot.grad_cam(network, np.ones((3, 32, 32), "float32"), label=3)
    >>> figure.axes[1].get_title()
    'speaks for 3, at relu7'
    """
    network, x, label, of_class, p = explained(network, image, label, classes)
    node = explained_node(network, name).name
    values = grad_cam_map(network, x, label, node)[0]
    found = where(values, f"what speaks for {of_class} lies mostly in") if values.any() else (
        f"no region of {node} speaks for {of_class}"
    )  # fmt: skip
    text = f"An image whose probability of {of_class} is {percent(p)}; {found}."
    figure, (left, right) = beside(text, title, x, f"{shortened(of_class)}, {percent(p)}")
    over(right, x, values)
    right.set_title(f"speaks for {shortened(of_class)}, at {node}", fontsize=9)
    return figure


def occlusion(
    network: Any,
    image: ArrayLike,
    label: int | None = None,
    size: int | None = None,
    stride: int | None = None,
    value: float | None = None,
    classes: Sequence[Any] | None = None,
    *,
    title: str | None = None,
) -> Any:
    """The image, and how much the probability of a class falls where a square is covered; see `occlusion_map`.

    Parameters
    ----------
    network, image, label, classes, title
        As in `saliency`.
    size, stride, value
        As in `occlusion_map`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        As in `saliency`; for a square larger than the image.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> figure = plot.occlusion(network, np.ones((1, 28, 28), "float32"), label=3, size=8, stride=4)
    >>> figure.axes[1].get_title()
    'fall of p(3) when covered'
    """
    network, x, label, name, p = explained(network, image, label, classes)
    values = occlusion_map(network, x, label, size, stride, value)[0]
    text = (
        f"An image whose probability of {name} is {percent(p)}; covering a square changes it by "
        f"{-100 * values.max():+.1f} to {-100 * values.min():+.1f} points, "
        f"{where(values, 'most by one in')}."
    )
    figure, (left, right) = beside(text, title, x, f"{shortened(name)}, {percent(p)}")
    bare(right)
    limit = float(np.abs(values).max()) or 1.0
    image = right.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    right.set_title(f"fall of p({shortened(name)}) when covered", fontsize=9)
    figure.colorbar(image, ax=right, shrink=0.8)
    return figure


def explained(network: Any, image: Any, label: Any, classes: Any) -> tuple[Network, Array, Array, str, float]:
    """The network, the image as a batch of one, its class, the class's name and probability."""
    network = network_of(network)
    x = image_of(network, image)
    labels = labels_of(network, None if label is None else check.integer(label, "label", 0), x)
    name = names_of(classes, network.output_shape[0])[labels[0]]
    return network, x, labels, name, float(network.probabilities(x)[0, labels[0]])


def beside(text: str, title: str | None, x: Array, name: str) -> tuple[Any, Any]:
    """A figure with the image on its left; and its two axes."""
    figure = new(6, 3.2, text, title)
    axes = figure.subplots(1, 2)
    show(axes[0], x[0])
    axes[0].set_title(name, fontsize=9)
    return figure, axes


def over(axes: Any, x: Array, values: Array) -> None:
    """The image in grey, and over it the values, spread smoothly over its whole size."""
    H, W = x.shape[2:]
    show(axes, x[0].mean(0, keepdims=True))
    largest = float(values.max()) or 1.0
    edges = (-0.5, W - 0.5, H - 0.5, -0.5)
    axes.imshow(values / largest, cmap="inferno", alpha=0.6, vmin=0, vmax=1, extent=edges, interpolation="bilinear")
    axes.set_xlim(edges[:2])
    axes.set_ylim(edges[2:])


def where(values: Array, before: str) -> str:
    """The part of the image with the largest mean, in words."""
    rows, columns = (np.array_split(np.arange(extent), 3) for extent in values.shape)
    parts = {
        f"{high} {wide}".strip(): float(values[np.ix_(r, c)].mean())
        for high, r in zip(("upper", "middle", "lower"), rows, strict=True)
        for wide, c in zip(("left", "centre", "right"), columns, strict=True)
        if len(r) and len(c)
    }
    best = max(parts, key=parts.__getitem__)
    return f"{before} the {'centre' if best == 'middle centre' else best}"
