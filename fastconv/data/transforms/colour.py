"""Random changes of brightness, contrast, saturation and hue."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ...ops import check
from ...typing import Array
from ..arrays import shares
from ..draws import Draws
from ..protocol import Images
from . import batches
from .batches import Transform

__all__ = ["color_jitter"]

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue, ITU-R BT.601
BYTE = 255
MOST_HUE = 0.5


def color_jitter(brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> Transform:
    """Change brightness, contrast, saturation and hue by random amounts, in a random order for each image.

    brightness   y = f x
    contrast     y = f x + (1 - f) mean(grey(x))
    saturation   y = f x + (1 - f) grey(x), grey = 0.299 R + 0.587 G + 0.114 B
    hue          turned by the share h of the circle of colours

    Parameters
    ----------
    brightness, contrast, saturation : float or (low, high)
        One number b means that f is uniform in (max(0, 1 - b), 1 + b).
    hue : float or (low, high)
        One number h means (-h, h); at most 0.5.

    Returns
    -------
    function (images, draws) -> images
        Of the dtype of the images. Values stay within 0 and white, which is
        255 for bytes and 1 for floating-point numbers. Images of one channel
        have neither saturation nor hue.

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> jitter = transforms.color_jitter(brightness=(0.5, 0.5))
    >>> jitter(np.full((1, 1, 1, 2), 100, np.uint8), Draws(0, 0, [0]))
    array([[[[50, 50]]]], dtype=uint8)
    """
    given = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    factors = {name: factor(value, name) for name, value in given.items()}
    factors["hue"] = symmetric(hue)
    neutral = {"hue": (0, 0)}
    used = {name: bounds for name, bounds in factors.items() if bounds != neutral.get(name, (1, 1))}
    return partial(_color_jitter, bounds=used)


def factor(value: Any, name: str) -> tuple[float, float]:
    """(low, high) of a factor around 1."""
    if np.ndim(value) == 0:
        number = check.number(value, name)
        if not number >= 0:
            raise ValueError(f"{name} must be >= 0, got {number}")
        value = max(0.0, 1 - number), 1 + number
    return batches.between(value, name, 0, np.inf)


def symmetric(hue: Any) -> tuple[float, float]:
    """(low, high) of a turn around 0."""
    if np.ndim(hue) == 0:
        number = check.number(hue, "hue")
        if not 0 <= number <= MOST_HUE:
            raise ValueError(f"hue must be from 0 to {MOST_HUE}, got {number}")
        hue = -number, number
    return batches.between(hue, "hue", -MOST_HUE, MOST_HUE)


def _color_jitter(images: Images, draws: Draws, *, bounds: dict[str, tuple[float, float]]) -> Images:
    images = batches.checked(images)
    numbers = draws.uniform(2 * len(bounds))
    low, high = np.array(list(bounds.values()), float).reshape(-1, 2).T
    amounts = low + (high - low) * numbers[:, : len(bounds)]
    order = np.argsort(numbers[:, len(bounds) :], axis=1)
    return batches.each(partial(jittered, changes=[CHANGES[name] for name in bounds]), images, amounts, order)


def jittered(images: Array, amounts: Array, order: Array, *, changes: list[Callable[..., Array]]) -> Array:
    """The images after all changes; change order[n, k] is the kth of image n."""
    if images.shape[1] not in (1, 3):
        raise ValueError(f"color_jitter takes images of 1 or 3 channels, got {images.shape[1]}")
    x = shares(images) if images.dtype == np.uint8 else images.copy()
    for k in range(len(changes)):
        for number, change in enumerate(changes):
            chosen = np.flatnonzero(order[:, k] == number)
            if len(chosen):
                f = amounts[chosen, number, None, None, None].astype(x.dtype)
                x[chosen] = change(x[chosen], f).clip(0, 1)
    return np.rint(x * BYTE).astype(np.uint8) if images.dtype == np.uint8 else x


def grey(x: Array) -> Array:
    """(N, 1, H, W): how bright each pixel is."""
    if x.shape[1] == 1:
        return x
    red, green, blue = (x.dtype.type(weight) for weight in LUMA)
    y: Array = red * x[:, :1] + green * x[:, 1:2] + blue * x[:, 2:]
    return y


def brightened(x: Array, f: Array) -> Array:
    """y = f x"""
    return x * f


def contrasted(x: Array, f: Array) -> Array:
    """y = f x + (1 - f) mean(grey(x)); the mean of each image alone, so that its bits do not depend on the batch."""
    means = np.array([image.ravel().mean() for image in grey(x)], x.dtype)
    y: Array = f * x + (1 - f) * means[:, None, None, None]
    return y


def saturated(x: Array, f: Array) -> Array:
    """y = f x + (1 - f) grey(x)"""
    return x if x.shape[1] == 1 else f * x + (1 - f) * grey(x)


def turned(x: Array, h: Array) -> Array:
    """The same value and chroma, with the hue turned by h of the circle.

    value v = max(R, G, B), chroma c = v - min(R, G, B), hue from 0 to 6 by the largest of the three;
    back: channel = v - c clip(min(k, 4 - k), 0, 1), k = (hue + 5, 3 or 1) mod 6.
    """
    if x.shape[1] == 1:
        return x
    v, least = x.max(axis=1), x.min(axis=1)
    c = v - least
    safe = np.where(c == 0, 1, c)
    red, green, blue = x[:, 0], x[:, 1], x[:, 2]
    hue = np.where(
        v == red,
        (green - blue) / safe,
        np.where(v == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = hue + 6 * h[:, 0]
    parts = []
    for start in (5, 3, 1):
        k = (start + hue) % 6
        parts.append(v - c * np.minimum(k, 4 - k).clip(0, 1))
    return np.stack(parts, axis=1).astype(x.dtype)


CHANGES: dict[str, Callable[..., Array]] = {
    "brightness": brightened,
    "contrast": contrasted,
    "saturation": saturated,
    "hue": turned,
}
