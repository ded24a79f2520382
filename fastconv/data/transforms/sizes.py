"""Resizing and cropping to a size."""

from functools import partial
from typing import Any

import numpy as np

from ...ops import check
from ...typing import Array
from ..draws import Draws
from ..protocol import Images
from . import batches
from .batches import Transform
from .regions import rectangles
from .resizing import METHODS, extents, resized, target

__all__ = ["center_crop", "random_crop", "random_resized_crop", "resize"]

FILLS = ("zeros", "reflect")


def resize(size: Any, method: str = "bilinear") -> Transform:
    """Resize images with antialiasing.

    Parameters
    ----------
    size : int or (H, W)
        An int is the new length of the shorter side; the longer one follows in
        proportion.
    method : {"nearest", "bilinear", "bicubic", "lanczos"}
        The filter, of Pillow.

    Returns
    -------
    function (images, draws) -> images
        It draws no numbers. Images of different sizes may come as a list.

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> transforms.resize(16)(np.zeros((1, 3, 32, 64), np.uint8), Draws(0, 0, [0])).shape
    (1, 3, 16, 32)
    """
    new = check.integer(size, "size", 1) if np.ndim(size) == 0 else extents(size)
    return partial(_resize, size=new, method=check.choice(method, "method", METHODS))


def _resize(images: Images, draws: Draws, *, size: int | tuple[int, int], method: str) -> Images:
    images = batches.checked(images)
    planes = [target(size, *image.shape[-2:]) for image in images]
    if not isinstance(images, list) and (len(images) == 0 or planes[0] == images.shape[-2:]):
        return images
    return batches.together([resized(image, plane, method) for image, plane in zip(images, planes, strict=True)])


def center_crop(size: Any) -> Transform:
    """Cut out the middle; where an image is smaller, it is padded with zeros.

    Parameters
    ----------
    size : int or (H, W)
        An int is the side of a square.

    Returns
    -------
    function (images, draws) -> images

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> image = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
    >>> transforms.center_crop(2)(image, Draws(0, 0, [0]))[0, 0]
    array([[ 5,  6],
           [ 9, 10]], dtype=uint8)
    """
    return partial(_center_crop, size=extents(size))


def _center_crop(images: Images, draws: Draws, *, size: tuple[int, int]) -> Images:
    return batches.each(partial(middle, size=size), batches.checked(images))


def middle(images: Array, size: tuple[int, int]) -> Array:
    """The middle (N, C, *size) of an array."""
    for axis, new in zip((2, 3), size, strict=True):
        old = images.shape[axis]
        if old < new:
            before = (new - old) // 2
            pads = [(0, 0)] * 4
            pads[axis] = (before, new - old - before)
            images = np.pad(images, pads)
        else:
            start = round((old - new) / 2)
            images = images[(slice(None),) * axis + (slice(start, start + new),)]
    return images


def random_crop(size: Any, padding: Any = 0, fill: str = "zeros") -> Transform:
    """Cut out a window of this size at a random place, after padding.

    Parameters
    ----------
    size : int or (H, W)
    padding : int or (vertical, horizontal)
        Pixels added at each side first.
    fill : {"zeros", "reflect"}
        What the added pixels are.

    Returns
    -------
    function (images, draws) -> images

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> transforms.random_crop(32, padding=4)(np.zeros((5, 3, 32, 32), np.uint8), Draws(0, 0, range(5))).shape
    (5, 3, 32, 32)
    """
    pad = check.pair(padding, "padding", 0)
    return partial(_random_crop, size=extents(size), padding=pad, fill=check.choice(fill, "fill", FILLS))


def _random_crop(images: Images, draws: Draws, *, size: tuple[int, int], padding: tuple[int, int], fill: str) -> Images:
    images = batches.checked(images)
    space = batches.sizes(images) + 2 * np.array(padding) - size
    if (space < 0).any():
        height, width = batches.sizes(images)[(space < 0).any(axis=1)][0]
        raise ValueError(
            f"random_crop({size}, padding={padding}) does not fit into an image of {height} x {width}; "
            "resize the images first, or write a larger padding"
        )
    top, left = np.floor(draws.uniform(2) * (space + 1)).astype(np.int64).T
    mode = "constant" if fill == "zeros" else "reflect"
    return batches.each(partial(windows, size=size, padding=padding, mode=mode), images, top, left)


def windows(images: Array, top: Array, left: Array, *, size: tuple[int, int], padding: Any, mode: Any) -> Array:
    """(N, C, *size): of each padded image the window that begins at its place."""
    if any(padding):
        vertical, horizontal = padding
        images = np.pad(images, [(0, 0), (0, 0), (vertical, vertical), (horizontal, horizontal)], mode)
    views = np.lib.stride_tricks.sliding_window_view(images, size, axis=(2, 3))
    return views[np.arange(len(images)), :, top, left]


def random_resized_crop(
    size: Any, scale: Any = (0.08, 1), ratio: Any = (3 / 4, 4 / 3), method: str = "bilinear"
) -> Transform:
    """Cut out a random part of an image and resize it, as networks for ImageNet are trained.

    Parameters
    ----------
    size : int or (H, W)
        An int is the side of a square.
    scale : (low, high)
        The share of the area of the image.
    ratio : (low, high)
        Width / height of the part; its logarithm is uniform. Where ten random
        parts do not fit, the largest part in the middle with a ratio within
        these bounds is taken.
    method : {"nearest", "bilinear", "bicubic", "lanczos"}

    Returns
    -------
    function (images, draws) -> images

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> images = [np.zeros((3, 40, 50), np.uint8), np.zeros((3, 60, 30), np.uint8)]
    >>> transforms.random_resized_crop(24)(images, Draws(0, 0, [0, 1])).shape
    (2, 3, 24, 24)
    """
    return partial(
        _random_resized_crop,
        size=extents(size),
        scale=batches.between(scale, "scale", 0, 1),
        ratio=batches.between(ratio, "ratio", 1e-3, 1e3),
        method=check.choice(method, "method", METHODS),
    )


def _random_resized_crop(images: Images, draws: Draws, *, size: Any, scale: Any, ratio: Any, method: str) -> Images:
    images = batches.checked(images)
    fits, *regions = rectangles(draws, batches.sizes(images), scale, ratio)
    new = []
    for image, fit, region in zip(images, fits, np.stack(regions, axis=1), strict=True):
        top, left, height, width = region if fit else largest(image.shape[1], image.shape[2], ratio)
        new.append(resized(image[:, top : top + height, left : left + width], size, method))
    return batches.together(new) if new else np.empty((0, np.shape(images)[1], *size), images.dtype)  # type: ignore[union-attr]


def largest(height: int, width: int, ratio: tuple[float, float]) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the largest part in the middle whose width / height lies within the bounds."""
    h, w = height, width
    if width < ratio[0] * height:
        h = min(round(width / ratio[0]), height)
    elif width > ratio[1] * height:
        w = min(round(height * ratio[1]), width)
    return (height - h) // 2, (width - w) // 2, h, w
