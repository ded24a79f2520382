"""Flips and rotations."""

from functools import partial
from typing import Any

import numpy as np

from ...ops import check
from ...typing import Array
from ..draws import Draws
from ..protocol import Images
from . import batches
from .batches import Transform

__all__ = ["random_flip", "random_rotation"]

AT_ONCE = 1 << 18  # pixels whose positions are held in memory
FULL = 360.0


def random_flip(p: float = 0.5, vertical: bool = False) -> Transform:
    """Flip images left to right, each with probability p.

    Parameters
    ----------
    p : float
    vertical : bool
        Flip them upside down instead.

    Returns
    -------
    function (images, draws) -> images

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> transforms.random_flip(p=1)(np.array([[[[1.0, 2.0]]]]), Draws(0, 0, [0]))
    array([[[[2., 1.]]]])
    """
    return partial(_random_flip, p=batches.share(p, "p"), vertical=check.flag(vertical, "vertical"))


def _random_flip(images: Images, draws: Draws, *, p: float, vertical: bool) -> Images:
    images = batches.checked(images)
    return batches.each(partial(flipped, axis=2 if vertical else 3), images, draws.uniform(1)[:, 0] < p)


def flipped(images: Array, chosen: Array, *, axis: int) -> Array:
    """A copy, in which the chosen images are flipped."""
    result = images.copy()
    result[chosen] = np.flip(images, axis)[chosen]
    return result


def random_rotation(degrees: Any) -> Transform:
    """Rotate images about their middle by a random angle, counter-clockwise; each pixel is the nearest one, or zero.

    Parameters
    ----------
    degrees : float or (low, high)
        One number d means (-d, d). The angle is uniform.

    Returns
    -------
    function (images, draws) -> images
        The size of images stays.

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> transforms.random_rotation((90, 90))(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), Draws(0, 0, [0]))
    array([[[[2., 4.],
             [1., 3.]]]])
    """
    bounds = (-degrees, degrees) if np.ndim(degrees) == 0 and check.number(degrees, "degrees") >= 0 else degrees
    return partial(_random_rotation, bounds=batches.between(bounds, "degrees", -FULL, FULL))


def _random_rotation(images: Images, draws: Draws, *, bounds: tuple[float, float]) -> Images:
    images = batches.checked(images)
    angle = np.radians(bounds[0] + (bounds[1] - bounds[0]) * draws.uniform(1)[:, 0])
    return batches.each(rotated, images, angle)


def rotated(images: Array, angle: Array) -> Array:
    """y[n, :, i, j] = x[n, :, i', j'], (i', j') the position (i, j) turned about the middle; 0 outside of the image."""
    N, C, H, W = images.shape
    result = np.zeros(images.shape, images.dtype)
    dy, dx = np.arange(H)[:, None] + 0.5 - H / 2, np.arange(W) + 0.5 - W / 2
    step = max(AT_ONCE // max(H * W, 1), 1)
    for first in range(0, N if C * H * W else 0, step):
        part = slice(first, first + step)
        cos, sin = np.cos(angle[part, None, None]), np.sin(angle[part, None, None])
        j = np.floor(np.round(cos * dx - sin * dy + W / 2, 9)).astype(np.int64)
        i = np.floor(np.round(sin * dx + cos * dy + H / 2, 9)).astype(np.int64)
        inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)
        places = np.where(inside, i * W + j, 0).reshape(-1, 1, H * W)
        x = images[part].reshape(-1, C, H * W)
        y = np.take_along_axis(x, np.broadcast_to(places, x.shape), axis=2).reshape(-1, C, H, W)
        result[part] = np.where(inside[:, None], y, images.dtype.type(0))
    return result
