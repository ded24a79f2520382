"""What a network holds, and what it makes of an image: filters and feature maps."""

from typing import Any

import numpy as np

from ..ops import check
from ..typing import Array
from .figures import BLUE, bare, grid, new
from .subject import one_picture, subject

MOST_COLUMNS = 8


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
    said = f"of {kh} x {kw}, from {weight.min():.3g} to {weight.max():.3g}."
    if C == 3:
        shown = min(K, count)
        pictures = [coloured(w) for w in weight[:shown].astype(float)]
        figure, axes = framed(
            mosaic(pictures, grid(shown)[1], 1.0), f"{shown} of {K} filters {key} {said}", title or key
        )
        axes.images[0].set_clim(0, 1)
        return figure
    cells, columns = planes(weight.astype(float), count)
    text = f"{len(cells)} of {K} x {C} planes of the filters {key} {said}"
    figure, axes = framed(mosaic(cells, columns, np.nan), text, title or key)
    scaled(figure, axes, weight, True)
    if C > 1:
        axes.set_xlabel("input channels")
        axes.set_ylabel("filters")
    return figure


def coloured(w: Array) -> Array:
    """A filter (3, kh, kw) as a picture (kh, kw, 3): grey where a weight is 0."""
    return (0.5 + w / (2 * largest(w))).clip(0, 1).transpose(1, 2, 0)


def planes(weight: Array, count: int) -> tuple[list[Array], int]:
    """At most `count` planes (kh, kw), and how many stand in a row: the channels of a filter, or filters if C = 1."""
    K, C = weight.shape[:2]
    if C == 1:
        shown = min(K, count)
        return list(weight[:shown, 0]), grid(shown)[1]
    columns = min(C, MOST_COLUMNS, count)
    return [plane for w in weight[: max(1, count // columns)] for plane in w[:columns]], columns


def framed(picture: Array, text: str, title: str) -> tuple[Any, Any]:
    """A figure with this picture alone."""
    figure = new(5, 0.7 + min(8.0, 4.3 * picture.shape[0] / picture.shape[1]), text, title)
    axes = figure.subplots()
    axes.imshow(picture, interpolation="nearest")
    bare(axes)
    return figure, axes


def scaled(figure: Any, axes: Any, values: Array, signed: bool) -> None:
    """Colours for numbers, and the bar that tells them: around 0, or from 0 on."""
    top = largest(values)
    drawn = axes.images[0]
    drawn.set(cmap=symmetric() if signed else "viridis", clim=(-top if signed else 0, top))
    figure.colorbar(drawn, ax=axes, shrink=0.8)


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

    return matplotlib.colormaps["PuOr_r"].with_extremes(bad="#d0d0d0")


def mosaic(pictures: list[Array], columns: int, gap: float) -> Array:
    """All pictures in one, row by row, `gap` between them."""
    rows = -(-len(pictures) // columns)
    h, w = pictures[0].shape[:2]
    line = max(1, round(max(h, w) / 12))
    whole = np.full((rows * (h + line) - line, columns * (w + line) - line, *pictures[0].shape[2:]), gap)
    for number, picture in enumerate(pictures):
        i, j = number // columns * (h + line), number % columns * (w + line)
        whole[i : i + h, j : j + w] = picture
    return whole


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
    if values.ndim == 3:
        figure, axes = framed(mosaic(list(values[:shown]), grid(shown)[1], np.nan), text, title or name)
        scaled(figure, axes, values, bool(values.min() < 0))
        return figure
    figure = new(5, 3, text, title or name)
    axes = figure.subplots()
    axes.bar(range(shown), values[:shown], color=BLUE)
    axes.set_xlabel("feature")
    return figure
