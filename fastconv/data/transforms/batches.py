"""What all transforms share: a batch is an array, or a list of images of different sizes."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ...ops import check
from ...typing import Array
from ..draws import Draws
from ..protocol import Images

__all__ = ["Transform", "apply", "between", "checked", "each", "share", "sizes", "together"]

Transform: TypeAlias = Callable[[Images, Draws], Images]
BYTE = np.dtype(np.uint8)


def apply(transforms: Sequence[Transform], images: Images, draws: Draws) -> Images:
    """The images after all transforms, in the order of the list.

    Parameters
    ----------
    transforms : sequence of functions (images, draws) -> images
    images : array (N, C, H, W), or a list of N arrays (C, H, W)
    draws : Draws
        The random numbers of these N images.

    Returns
    -------
    images
        An array as soon as all sizes agree.

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> images = np.zeros((2, 3, 32, 32), np.uint8)
    >>> steps = [transforms.random_crop(32, padding=4), transforms.to_float()]
    >>> y = transforms.apply(steps, images, Draws(seed=0, epoch=0, indices=[0, 1]))
    >>> y.shape, y.dtype
    ((2, 3, 32, 32), dtype('float32'))
    """
    images = together(images)
    for number, transform in enumerate(transforms):
        images = transform(images, draws.of(number))
    return images


def together(images: Images) -> Images:
    """One array where all images of a list have one shape and dtype; else as they are."""
    if not isinstance(images, list) or len({(image.shape, image.dtype) for image in images}) != 1:
        return images
    return np.stack(images)


def checked(images: Any) -> Images:
    """The batch; TypeError or ValueError unless it is one that transforms take."""
    if isinstance(images, list | tuple):
        return [plane_checked(image, 3, "each image of a list must be an array (C, H, W)") for image in images]
    return plane_checked(images, 4, "images must be an array (N, C, H, W), or a list of arrays (C, H, W)")


def plane_checked(array: Any, ndim: int, rule: str) -> Array:
    """The array, if it has this many axes and is of bytes or floating-point numbers."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{rule}, got {check.shown(array)}")
    if array.dtype != BYTE and array.dtype.kind != "f":
        raise TypeError(f"images must be uint8 or floating-point numbers, got {array.dtype}")
    if array.ndim != ndim:
        raise ValueError(f"{rule}, got shape {array.shape}")
    return array


def each(function: Callable[..., Array], images: Images, *numbers: Array) -> Images:
    """function(images, *numbers) of an array; of a list, of each image alone with its own of the numbers."""
    if not isinstance(images, list):
        return function(images, *numbers)
    parts = (function(image[None], *(n[i : i + 1] for n in numbers))[0] for i, image in enumerate(images))
    return together(list(parts))


def sizes(images: Images) -> Array:
    """(N, 2): height and width of each image."""
    if isinstance(images, list):
        return np.array([image.shape[-2:] for image in images], np.int64).reshape(-1, 2)
    return np.array([images.shape[-2:]], np.int64).repeat(len(images), axis=0)


def share(value: Any, name: str) -> float:
    """A number from 0 to 1."""
    number = check.number(value, name)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} must be from 0 to 1, got {number}")
    return number


def between(value: Any, name: str, least: float, most: float) -> tuple[float, float]:
    """(low, high) within [least, most] from two numbers."""
    try:
        low, high = (check.number(v, name) for v in value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be two numbers (low, high), got {check.shown(value)}") from None
    if not least <= low <= high <= most:
        raise ValueError(f"{name} must be (low, high) with {least:g} <= low <= high <= {most:g}, got {(low, high)}")
    return low, high
