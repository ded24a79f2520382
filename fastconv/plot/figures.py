"""What every figure has in common: how it is made, how images are shown, and the text that says what is on it."""

from collections.abc import Iterable, Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np

from ..ops import check
from ..system.extras import needed
from ..typing import Array

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#5f6368"  # told apart by all eyes
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, GREY)
FACE = "white"  # also on a dark page


def new(width: float, height: float, text: str, title: str | None) -> Any:
    """An empty Figure of this size in inches; `text` says what it shows, for those who do not see it."""
    needed("matplotlib", "fastconv.plot", "matplotlib")
    from .shown import Shown

    figure = Shown(figsize=(width, height), layout="constrained", facecolor=FACE)
    if title is not None:
        figure.suptitle(plain(str(title)))
    figure.set_label(text)
    return figure


def text_of(figure: Any) -> str:
    """What a figure of `fastconv.plot` shows, in a sentence or two: the alternative text of a page.

    Examples
    --------
    >>> from fastconv import plot
    >>> plot.text_of(plot.confusion_matrix([0, 1, 1], [0, 1, 0]))
    'Confusion matrix of 3 images and 2 classes: 66.7 % are right. Most often 1 is taken for 0, 1 time.'
    """
    label = getattr(figure, "get_label", str)()
    if not isinstance(label, str) or not label:
        raise TypeError(f"figure must be a figure of fastconv.plot, got {check.shown(figure)}")
    return label


def grid(count: int, columns: int | None = None) -> tuple[int, int]:
    """(rows, columns) for `count` pictures, as nearly square as they can be."""
    columns = ceil(sqrt(count)) if columns is None else min(columns, count)
    return ceil(count / columns), columns


def bare(axes: Any) -> None:
    """No ticks, no frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def visible(image: Array) -> Array:
    """An image (C, H, W) as (H, W), or (H, W, 3) with colours, from 0 to 1: shares and bytes keep their scale."""
    image = np.asarray(image, "float64")
    finite = image[np.isfinite(image)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0  # already what screens show
    elif low >= 0 and high <= 255 and (finite == finite.round()).all():
        low, high = 0.0, 255.0  # bytes
    scaled: Array = np.nan_to_num((image - low) / (high - low or 1), nan=0.5, posinf=1.0, neginf=0.0)
    if image.shape[0] == 3:
        return scaled.transpose(1, 2, 0)
    grey: Array = scaled.mean(0)
    return grey


def show(axes: Any, image: Array, **options: Any) -> Any:
    """Show an image (C, H, W); numbers without colours are grey."""
    bare(axes)
    picture = visible(image)
    colours = {} if picture.ndim == 3 else {"cmap": "gray", "vmin": 0, "vmax": 1}
    return axes.imshow(picture, **{"interpolation": "nearest", **colours, **options})


def names_of(classes: Sequence[Any] | None, count: int) -> list[str]:
    """The name of each of `count` classes: those given, else their numbers."""
    if classes is None:
        return [str(k) for k in range(count)]
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise TypeError(f"classes must be a name for each class, such as ['cat', 'dog'], got {check.shown(classes)}")
    names = [str(name) for name in classes]
    if len(names) < count:
        raise ValueError(f"classes must have a name for each of the {count} classes, got {len(names)}")
    return names


def plain(text: str) -> str:
    """A text for a figure, where matplotlib would take what stands between two dollar signs for a formula."""
    return text.replace("$", r"\$")


def shortened(name: str, length: int = 14) -> str:
    """At most `length` letters of a name, for a figure."""
    return plain(name if len(name) <= length else name[: length - 1] + "…")


def percent(share: float) -> str:
    """A share from 0 to 1, as 78.9 %."""
    return f"{100 * share:.1f} %"
