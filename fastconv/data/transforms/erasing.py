"""Random rectangles of images are replaced by one value."""

from functools import partial
from typing import Any

import numpy as np

from ...ops import check
from ..draws import Draws
from ..protocol import Images
from . import batches
from .batches import Transform
from .regions import rectangles

__all__ = ["random_erasing"]


def random_erasing(p: float = 0.5, scale: Any = (0.02, 0.33), ratio: Any = (0.3, 3.3), value: Any = 0) -> Transform:
    """Replace a random rectangle of an image by a value, with probability p. Zhong 2020 [55].

    Parameters
    ----------
    p : float
    scale : (low, high)
        The share of the area of the image.
    ratio : (low, high)
        Width / height of the rectangle.
    value : float, or one for each channel
        In the numbers of the images: 0 to 255 for bytes.

    Returns
    -------
    function (images, draws) -> images

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> erase = transforms.random_erasing(p=1, scale=(0.25, 0.25), ratio=(1, 1))
    >>> int(erase(np.ones((1, 1, 4, 4), np.uint8), Draws(0, 0, [0])).sum())
    12
    """
    fill = tuple(check.number(v, "value") for v in np.atleast_1d(value).ravel())
    if not fill:
        raise ValueError("value must be a number, or one for each channel, got none")
    return partial(
        _random_erasing,
        p=batches.share(p, "p"),
        scale=batches.between(scale, "scale", 0, 1),
        ratio=batches.between(ratio, "ratio", 1e-3, 1e3),
        value=fill,
    )


def _random_erasing(images: Images, draws: Draws, *, p: float, scale: Any, ratio: Any, value: Any) -> Images:
    images = batches.checked(images)
    chosen = draws.uniform(1)[:, 0] < p
    fits, *regions = rectangles(draws, batches.sizes(images), scale, ratio)
    result: Images = [image.copy() for image in images] if isinstance(images, list) else images.copy()
    bounds = np.stack(regions, axis=1)
    for n in np.flatnonzero(chosen & fits):
        top, left, height, width = bounds[n]
        image = result[n]
        if len(value) not in (1, len(image)):
            raise ValueError(f"value must be one number, or one for each of {len(image)} channels, got {len(value)}")
        image[:, top : top + height, left : left + width] = filled(value, image.dtype)
    return result


def filled(value: tuple[float, ...], dtype: np.dtype[Any]) -> Any:
    """(C, 1, 1) or (1, 1, 1) of the dtype of the images; ValueError for what bytes cannot hold."""
    if dtype == np.uint8 and not all(0 <= v <= 255 for v in value):
        raise ValueError(f"value must be from 0 to 255 for images of bytes, got {value}")
    return np.array(value).astype(dtype)[:, None, None]
