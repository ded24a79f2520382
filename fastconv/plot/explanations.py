"""Pictures of the maps of `explain`, beside or over the image."""

from typing import Any

import numpy as np

from ..typing import Array
from .explain import grad_cam_map, last_maps, occlusion_map, saliency_map
from .figures import bare, names_of, new, percent, plain, shortened, show, visible
from .inside import largest, symmetric
from .subject import Subject, classes_for, number_of_classes, one_picture, subject

NUMBERS = 5  # intervals of a scale, at most
NO_NUMBER = "all values are NaN."


def saliency(network: Any, image: Any, label: Any = None, *, title: str | None = None) -> Any:
    """How much each pixel changes the score of a class, beside the image; `explain.saliency_map` gives the array.

    S[h, w] = max over c of |d y[k] / d x[c, h, w]|, y[k] the network's output for class k

    Parameters
    ----------
    network : Network, or what `fastconv.load` returns
    image : array (C, H, W)
        Raw for what `fastconv.load` returns.
    label : int, optional
        The class k; the predicted one.
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
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> figure = plot.saliency(network, np.ones((1, 28, 28), "float32"))
    """
    found, x, k, name = looked_at(network, image, label)
    values = saliency_map(found.network, x, k)[0]
    most = f"{place(values)} changes its score most, by {np.nanmax(values):.3g} for 1." if known(values) else NO_NUMBER
    text = f"Saliency for class {name}: {most}"
    figure, (left, right) = beside(x, name, text, title)
    drawn = right.imshow(values, cmap="inferno", vmin=0, vmax=largest(values), interpolation="nearest")
    right.set_title("|d score / d pixel|", fontsize=10)
    scale(figure, drawn, (left, right))
    return figure


def grad_cam(network: Any, image: Any, label: Any = None, name: str | None = None, *, title: str | None = None) -> Any:
    """Where feature maps raise the score of a class, over the image; `explain.grad_cam_map` gives the array.

        a[c] = mean over h, w of d y[k] / d A[c, h, w]
        L[h, w] = max(0, sum over c of a[c] * A[c, h, w])

    A are the maps of a node, y[k] the network's output for class k (Selvaraju 2017 [58], eq. 1 and 2).

    Parameters
    ----------
    network : Network, or what `fastconv.load` returns
    image : array (C, H, W)
        Raw for what `fastconv.load` returns.
    label : int, optional
        The class k; the predicted one.
    name : str, optional
        Of a node with maps (C, h, w); the last one before pooling and flattening.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for a node without maps.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> figure = plot.grad_cam(network, np.ones((1, 28, 28), "float32"))
    """
    found, x, k, shown = looked_at(network, image, label)
    node = last_maps(found.network) if name is None else name
    values = grad_cam_map(found.network, x, k, node)[0]
    size = " x ".join(map(str, values.shape))
    most = "nothing there speaks for the class." if known(values) else NO_NUMBER
    if np.nan_to_num(values).any():
        most = f"it speaks for the class most {region(values)}."
    text = f"Grad-CAM for class {shown} at {node} ({size}): {most}"
    figure, (left, right) = beside(x, shown, text, title)
    overlay(right, x[0], values, "inferno", 0, "bilinear", figure, (left, right))
    right.set_title(plain(f"Grad-CAM at {node}"), fontsize=10)
    return figure


def occlusion(
    network: Any,
    image: Any,
    label: Any = None,
    size: Any = None,
    stride: Any = None,
    value: Any = None,
    *,
    title: str | None = None,
) -> Any:
    """How much of a class's probability is lost when a square is covered; `explain.occlusion_map` gives the array.

    M[h, w] = mean of p[k](x) - p[k](x with the square covered), over all squares that cover (h, w)

    Parameters
    ----------
    network : Network, or what `fastconv.load` returns
    image : array (C, H, W)
        Raw for what `fastconv.load` returns.
    label : int, optional
        The class k; the predicted one.
    size, stride : int or (int, int), optional
        Of the square, a quarter of the image; and from one to the next, a quarter of the square.
    value : number or (C,), optional
        What the square is covered with; the mean of each channel of the image.
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
    >>> figure = plot.occlusion(network, np.ones((1, 28, 28), "float32"), size=14, stride=7)
    """
    found, x, k, name = looked_at(network, image, label)
    values = occlusion_map(found.network, x, k, size, stride, value)[0]
    p = float(found.network.probabilities(x[0])[k])
    most = NO_NUMBER
    if known(values):
        most = f"covered {region(values)} it loses up to {100 * np.nanmax(values):.1f} points."
    text = f"Occlusion for class {name}, whose probability is {percent(p)}: {most}"
    figure, (left, right) = beside(x, name, text, title)
    overlay(right, x[0], 100 * values, symmetric(), None, "nearest", figure, (left, right))
    right.set_title(f"lost of {percent(p)}, points", fontsize=10)
    return figure


def looked_at(network: Any, image: Any, label: Any) -> tuple[Subject, Array, int, str]:
    """The network, the image (1, C, H, W), the class and its name."""
    found = subject(network)
    names = names_of(found.classes, number_of_classes(found.network))
    x = one_picture(found, image)
    k = int(classes_for(found.network, label, x)[0])
    return found, x, k, names[k]


def beside(x: Array, name: str, text: str, title: str | None) -> tuple[Any, Any]:
    """A figure with the image at the left, and axes at the right."""
    height, width = x.shape[2:]
    figure = new(5, 1.0 + 2.4 * min(2.0, max(0.4, height / width)), text, title)
    left, right = figure.subplots(1, 2)
    show(left, x[0])
    left.set_title(f"class {shortened(name, 24)}", fontsize=10)
    bare(right)
    return figure, (left, right)


def overlay(
    axes: Any, image: Array, values: Array, colours: Any, low: Any, between: str, figure: Any, both: Any
) -> None:
    """The map in colours over the image in grey, and its scale."""
    grey = visible(image)
    grey = grey.mean(2) if grey.ndim == 3 else grey
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    height, width = image.shape[1:]
    top = largest(values)
    drawn = axes.imshow(
        values,
        cmap=colours,
        vmin=-top if low is None else low,
        vmax=top,
        alpha=0.6,
        interpolation=between,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
    scale(figure, drawn, both)


def scale(figure: Any, drawn: Any, both: Any) -> None:
    """The bar of colours below both axes, with so few numbers that they stand apart."""
    from matplotlib.ticker import MaxNLocator

    bar = figure.colorbar(drawn, ax=both, orientation="horizontal", shrink=0.6, aspect=30)
    bar.locator = MaxNLocator(NUMBERS)
    bar.update_ticks()


def known(values: Array) -> bool:
    """Whether any value is a number."""
    return not np.isnan(values).all()


def place(values: Array) -> str:
    """'pixel (3, 5)': row and column of the largest value."""
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    return f"pixel ({row}, {column})"


def region(values: Array) -> str:
    """Where in the image the largest value lies, in words."""
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    down = ("at the top", "in the middle", "at the bottom")[min(2, 3 * int(row) // values.shape[0])]
    across = ("left", "", "right")[min(2, 3 * int(column) // values.shape[1])]
    return f"{down} {across}".strip()
