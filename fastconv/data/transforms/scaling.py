"""From bytes to the floating-point numbers that networks train on."""

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

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "normalize", "to_float"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
NEAR_1 = 1.5  # a mean or deviation of images from 0 to 1 is below


def to_float() -> Transform:
    """Bytes become float32 from 0 to 1, bytes / 255; floating-point numbers become float32 as they are.

    Returns
    -------
    function (images, draws) -> images

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> transforms.to_float()(np.array([[[[0, 255]]]], np.uint8), Draws(0, 0, [0]))
    array([[[[0., 1.]]]], dtype=float32)
    """
    return _to_float


def _to_float(images: Images, draws: Draws) -> Images:
    return batches.each(shares, batches.checked(images))


def normalize(mean: Any = IMAGENET_MEAN, std: Any = IMAGENET_STD) -> Transform:
    """y = (x - mean) / std for each channel, float32; bytes are divided by 255 first.

    Parameters
    ----------
    mean, std : float, or one for each channel
        For bytes, on the scale from 0 to 1. By default those of ImageNet's three
        channels.

    Returns
    -------
    function (images, draws) -> images

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> transforms.normalize(mean=0.5, std=0.5)(np.array([[[[0, 255]]]], np.uint8), Draws(0, 0, [0]))
    array([[[[-1.,  1.]]]], dtype=float32)
    """
    centre, spread = (numbers(v, name) for v, name in ((mean, "mean"), (std, "std")))
    if not all(s > 0 for s in spread):
        raise ValueError(f"std must be > 0, got {spread}")
    return partial(_normalize, mean=centre, std=spread)


def numbers(value: Any, name: str) -> tuple[float, ...]:
    """One number or several, as a tuple."""
    found = tuple(check.number(v, name) for v in np.atleast_1d(value).ravel())
    if not found or not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite, one number or one for each channel, got {check.shown(value)}")
    return found


def _normalize(images: Images, draws: Draws, *, mean: tuple[float, ...], std: tuple[float, ...]) -> Images:
    return batches.each(partial(normalized, mean=mean, std=std), batches.checked(images))


def normalized(images: Array, *, mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
    """(x - mean) / std, float32."""
    for name, value in (("mean", mean), ("std", std)):
        if len(value) not in (1, images.shape[1]):
            raise ValueError(f"{name} must be one number, or one for each of {images.shape[1]} channels, got {value}")
    if images.dtype == np.uint8 and max(*mean, *std) > NEAR_1:
        raise ValueError(
            f"mean and std must be on the scale from 0 to 1 for bytes, got {mean} and {std}; divide by 255"
        )
    result = shares(images)
    result -= np.array(mean, np.float32)[:, None, None]
    result /= np.array(std, np.float32)[:, None, None]
    return result
