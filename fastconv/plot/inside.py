"""The weights of a convolution, and the values inside a network."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import Network
from ..ops import check
from ..typing import Array
from .figures import bare, grid, new, show
from .given import image_of, network_of, planes

__all__ = ["feature_maps", "filters"]


def filters(network: Any, name: str | None = None, count: int = 64, *, title: str | None = None) -> Any:
    """The weights of a convolution: a square for each filter, in colours where it reads three channels.

    Elsewhere the mean over the channels it reads, red above zero and blue below.

    Parameters
    ----------
    network : Network, or what `fastconv.load` returned
    name : str, optional
        The layer or the array, such as "conv1" or "conv1.weight"; None takes the first convolution.
    count : int
        At most so many filters.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For a network without convolutions, and for a name that is not one of them.

    Examples
    --------
    >>> from fastconv import Network, models, plot
    >>> figure = plot.filters(Network(models.lenet5(), (1, 28, 28), seed=0))
    >>> len(figure.axes)
    6
    """
    network, count = network_of(network), check.integer(count, "count", 1)
    name = weight_of(network, name)
    weight = np.asarray(network.parameters[name], "float64")
    K, C, kh, kw = weight.shape
    colours = C == 3
    shown = min(count, K)
    text = f"{'All' if shown == K else f'The first {shown} of'} {K} filters of {name}, {C} x {kh} x {kw}"
    text += f"; weights from {weight.min():.3g} to {weight.max():.3g}."
    rows, columns = grid(shown, 8)
    figure = new(0.75 * columns + 0.4, 0.75 * rows + 0.5, text, name if title is None else title)
    limit = float(np.abs(weight).max()) or 1.0
    for k, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        bare(axes)
        if k >= shown:
            axes.remove()
        elif colours:
            axes.imshow(0.5 + 0.5 * weight[k].transpose(1, 2, 0) / limit, interpolation="nearest")
        else:
            axes.imshow(weight[k].mean(0), cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    return figure


def weight_of(network: Network, name: str | None) -> str:
    """The name of the weight of a convolution."""
    known = [node.owner for node in network.nodes if node.layer is not None and node.layer.convolution]
    weights = [f"{owner}.weight" for owner in dict.fromkeys(known) if f"{owner}.weight" in network.parameters]
    weights = [each for each in weights if network.parameters[each].ndim == 4]
    if not weights:
        raise ValueError("network has no convolution")
    if name is None:
        return weights[0]
    if not isinstance(name, str):
        raise TypeError(f"name must be the name of a convolution, such as {weights[0]!r}, got {check.shown(name)}")
    for each in weights:
        if name in (each, each.removesuffix(".weight")):
            return each
    near = check.nearest(name, weights, 3) or weights[:3]
    raise ValueError(f"name must be that of a convolution, such as {', '.join(near)}, got {name!r}")


def feature_maps(network: Any, image: ArrayLike, name: str | None = None, count: int = 64, *, title: str | None = None) -> Any:
    """The planes of a node for one image, each on a scale of its own from dark to bright.

    Parameters
    ----------
    network : Network, or what `fastconv.load` returned
    image : array (C, H, W), the network's dtype
    name : str, optional
        The node; None takes the first one with planes.
    count : int
        At most so many planes.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for a node without planes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> len(plot.feature_maps(network, np.ones((1, 28, 28), "float32"), "conv1").axes)
    6
    """
    network, count = network_of(network), check.integer(count, "count", 1)
    x, known = image_of(network, image), [node.name for node in planes(network)]
    if not known:
        raise ValueError("network has no node whose value has more than one pixel")
    name = known[0] if name is None else name
    values: Array = network.features(x, name)[0]
    if values.ndim != 3:
        raise ValueError(f"name must be a node with planes (C, H, W), such as {known[0]!r}, got {name!r} {values.shape}")
    C, H, W = values.shape
    shown = min(count, C)
    silent = int((np.ptp(values, axis=(1, 2)) == 0).sum())
    text = f"{'All' if shown == C else f'The first {shown} of'} {C} planes of {name}, {H} x {W}, for one image"
    text += f"; values from {values.min():.3g} to {values.max():.3g}; {silent} of {C} are the same everywhere."
    rows, columns = grid(shown, 8)
    figure = new(0.75 * columns + 0.4, 0.75 * rows + 0.5, text, name if title is None else title)
    for c, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        if c >= shown:
            axes.remove()
        else:
            show(axes, spread(values[c : c + 1]), cmap="viridis")
    return figure


def spread(plane: Array) -> Array:
    """The plane from 0 to 1; one that is the same everywhere is 0."""
    low, high = plane.min(), plane.max()
    scaled: Array = (plane - low) / (high - low if high > low else 1)
    return scaled
