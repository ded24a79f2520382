"""What a network holds, and what it makes of an image: filters and feature maps."""

from typing import Any

import numpy as np

from ..ops import check
from ..typing import Array
from .figures import BLUE, bare, grid, new
from .subject import one_picture, subject

MOST_COLUMNS = 16


def filters(network: Any, name: str | None = None, count: int = 64, *, title: str | None = None) -> Any:
    """The weights of a convolution as pictures.

    Of a convolution that reads 3 channels each filter is a picture in colour, grey where it is 0 and scaled by its
    largest weight. Of any other a row is a filter, a column one of the channels it reads, with one scale of colours
    for all, white where a weight is 0.

    Parameters
    ----------
    network : Network, or what `fastconv.load` returns
    name : str, optional
        Of a convolution, or of its weight in ``network.parameters``; the first one.
    count : int
        How many pictures are drawn at most.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for a network without a convolution.

    Examples
    --------
    >>> from fastconv import Network, models, plot
    >>> figure = plot.filters(Network(models.lenet5(), (1, 28, 28), seed=0))
    """
    count = check.integer(count, "count", 1)
    key, weight = weight_of(subject(network).network, name)
    K, C, kh, kw = weight.shape
    coloured = C == 3
    shown = min(K, count) if coloured else min(K * C, count)
    text = f"{shown} of {K * (1 if coloured else C)} filters" if coloured else f"{shown} of {K} x {C} filters"
    text = f"Weights of {key}: {text} of {kh} x {kw}, from {weight.min():.3g} to {weight.max():.3g}."
    if coloured:
        pictures = [0.5 + w / (2 * (np.abs(w).max() or 1)) for w in weight[:shown].astype(float)]
        image, rows, columns = mosaic([p.transpose(1, 2, 0) for p in pictures], grid(shown)[1], 1.0)
    else:
        wide = C if 1 < C <= MOST_COLUMNS else min(grid(shown)[1], MOST_COLUMNS)
        wide = min(wide, shown) if C == 1 or C > MOST_COLUMNS else C
        cells = weight[:, : wide if C > MOST_COLUMNS else C].reshape(-1, kh, kw)[:shown].astype(float)
        image, rows, columns = mosaic(list(cells), wide, np.nan)
    figure = new(5, min(9, 0.4 + 4.6 * image.shape[0] / image.shape[1]), text, title or key)
    axes = figure.subplots()
    if coloured:
        axes.imshow(image, interpolation="nearest")
        bare(axes)
        return figure
    drawn = axes.imshow(image, cmap=symmetric(), vmin=-largest(weight), vmax=largest(weight), interpolation="nearest")
    bare(axes)
    figure.colorbar(drawn, ax=axes, shrink=0.8)
    if C > 1:
        axes.set_xlabel("input channels")
        axes.set_ylabel("filters")
    return figure


def weight_of(network: Any, name: str | None) -> tuple[str, Array]:
    """The name and the array (K, C, kh, kw) of a convolution's weight."""
    known = {key: array for key, array in network.parameters.items() if array.ndim == 4}
    if not known:
        raise ValueError("network must have a convolution with weights (K, C, kh, kw), got none")
    if name is None:
        return next(iter(known.items()))
    if not isinstance(name, str):
        raise TypeError(f"name must be the name of a convolution, such as {first(known)!r}, got {check.shown(name)}")
    for key in (name, f"{name}.weight"):
        if key in known:
            return key, known[key]
    near = check.nearest(name, [key.removesuffix(".weight") for key in known], 3)
    raise ValueError(
        f"name must be that of a convolution, got {name!r}; write {' or '.join(map(repr, near or [first(known)]))}"
    )


def first(known: dict[str, Array]) -> str:
    """The name of the first convolution."""
    return next(iter(known)).removesuffix(".weight")


def largest(values: Array) -> float:
    """The largest absolute value; 1 where all are 0 or none is a number."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max(initial=0)) or 1.0


def symmetric() -> Any:
    """Colours from orange over white, at 0, to purple; grey where there is no number."""
    import matplotlib

    colours = matplotlib.colormaps["PuOr_r"].copy()
    colours.set_bad("#d0d0d0")
    return colours


def mosaic(pictures: list[Array], columns: int, gap: float) -> tuple[Array, int, int]:
    """All pictures in one, row by row with a gap of one pixel or more between them; and (rows, columns)."""
    rows = -(-len(pictures) // columns)
    h, w = pictures[0].shape[:2]
    line = max(1, round(max(h, w) / 12))
    whole = np.full((rows * (h + line) - line, columns * (w + line) - line, *pictures[0].shape[2:]), gap)
    for number, picture in enumerate(pictures):
        i, j = number // columns * (h + line), number % columns * (w + line)
        whole[i : i + h, j : j + w] = picture
    return whole, rows, columns


def feature_maps(network: Any, image: Any, name: str, count: int = 64, *, title: str | None = None) -> Any:
    """The value of a node for an image: its channels as pictures with one scale of colours, or bars for (features,).

    Parameters
    ----------
    network : Network, or what `fastconv.load` returns
    image : array (C, H, W)
        Raw for what `fastconv.load` returns.
    name : str
        Of a node, as `summary` shows it.
    count : int
        How many channels are drawn at most.
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
    >>> figure = plot.feature_maps(network, np.ones((1, 28, 28), "float32"), "relu1")
    """
    count = check.integer(count, "count", 1)
    if not isinstance(name, str):
        raise TypeError(f"name must be the name of a node, such as 'relu1', got {check.shown(name)}")
    found = subject(network)
    values = found.network.features(one_picture(found, image), name)[0].astype(float)
    of, shown = len(values), min(count, len(values))
    what = f"maps of {' x '.join(map(str, values.shape[1:]))}" if values.ndim == 3 else "values"
    text = f"{shown} of {of} {what} of {name}, from {values.min():.3g} to {values.max():.3g}."
    if values.ndim == 1:
        figure = new(5, 3, text, title or name)
        axes = figure.subplots()
        axes.bar(range(shown), values[:shown], color=BLUE)
        axes.set_xlabel("feature")
        return figure
    image_of_all, _, _ = mosaic(list(values[:shown]), grid(shown)[1], np.nan)
    figure = new(5, min(9, 0.4 + 4.6 * image_of_all.shape[0] / image_of_all.shape[1]), text, title or name)
    axes = figure.subplots()
    lowest = values.min()
    if lowest < 0:
        limits = {"cmap": symmetric(), "vmin": -largest(values), "vmax": largest(values)}
    else:
        limits = {"cmap": "viridis", "vmin": 0, "vmax": largest(values)}
    drawn = axes.imshow(image_of_all, interpolation="nearest", **limits)
    bare(axes)
    figure.colorbar(drawn, ax=axes, shrink=0.8)
    return figure
