"""What a wrong gradient looks like, where that is certain: a factor, an axis, a rotated array, a border."""

from collections.abc import Iterator

import numpy as np

from ..typing import Array
from .compare import Tested

CLOSE = 1e-4  # relative: patterns are told from errors of the first digits


def pattern(tested: list[Tested], shape: tuple[int, ...], gradient: Array) -> str:
    """A sentence about the wrong entries; '' if nothing is certain."""
    entries = [each for each in tested if each.place is not None and not each.found.kink]
    wrong = [each for each in entries if each.wrong]
    if len(wrong) < 2:
        return ""
    return next(
        filter(None, (factor(entries, wrong), turned(entries, shape, gradient), place(entries, wrong, shape))), ""
    )


def factor(entries: list[Tested], wrong: list[Tested]) -> str:
    """Whether all entries are one multiple of what they should be."""
    live = [each for each in entries if each.found.value != 0 and (each.wrong or abs(each.analytic) > each.allowed)]
    if len(live) < 2 or not all(each.wrong for each in live):
        return ""
    ratios = np.array([each.analytic / each.found.value for each in live])
    ratio = float(np.median(ratios))
    if not np.allclose(ratios, ratio, rtol=CLOSE, atol=1e-12):
        return ""
    if ratio == 0:
        return "all are 0"
    inverse = round(1 / ratio)
    text = f"1/{inverse}" if abs(ratio) < 1 and abs(1 / ratio - inverse) < CLOSE * abs(inverse) else f"{ratio:.4g}"
    return "all have the wrong sign" if abs(ratio + 1) < CLOSE else f"all are {text} times what they should be"


def turned(entries: list[Tested], shape: tuple[int, ...], gradient: Array) -> str:
    """Whether the gradient with its axes in another order, or rotated, would fit."""
    size = int(np.prod(shape))
    if len(entries) != size or not np.isfinite(gradient).all():
        return ""
    expected = np.zeros(shape)
    for each in entries:
        expected[each.place] = each.found.value
    scale = float(np.abs(expected).max())
    for text, candidate in candidates(gradient):
        if candidate.shape == shape and np.abs(candidate - expected).max() < CLOSE * scale:
            return text
    return ""


def candidates(g: Array) -> Iterator[tuple[str, Array]]:
    """The gradient turned in the ways that people mix up."""
    if g.ndim >= 2:
        yield "it would fit rotated by 180 degrees, in its last two axes", g[..., ::-1, ::-1]
        yield "it would fit with its last two axes transposed", np.swapaxes(g, -1, -2)
        yield "it would fit with its first two axes transposed", np.swapaxes(g, 0, 1)
    for axis, length in enumerate(g.shape):
        if length > 1:
            yield f"it would fit reversed along axis {axis}", np.flip(g, axis)
            yield f"it would fit moved by one along axis {axis}", np.roll(g, 1, axis)
            yield f"it would fit moved by one along axis {axis}", np.roll(g, -1, axis)


def place(entries: list[Tested], wrong: list[Tested], shape: tuple[int, ...]) -> str:
    """Whether the wrong entries, and no others, share an index, or lie at the border of the last two axes."""
    places = {each.place for each in wrong if each.place is not None}
    others = {each.place for each in entries if each.place is not None} - places
    if not others:
        return ""
    for axis in range(len(shape)):
        indices = {index[axis] for index in places}
        if len(indices) == 1 and not any(index[axis] in indices for index in others):
            return f"these are all that have index {indices.pop()} along axis {axis}"
    if (
        len(shape) >= 3
        and all(at_border(index, shape) for index in places)
        and not any(at_border(index, shape) for index in others)
    ):
        return "these are all at the border of the last two axes"
    return ""


def at_border(index: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an entry is at the border of an image."""
    return any(i in (0, n - 1) for i, n in zip(index[-2:], shape[-2:], strict=True))
