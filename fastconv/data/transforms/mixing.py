"""Mixing of the images and targets of a batch."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from ...ops import check
from ...typing import Array
from ..arrays import shares
from ..draws import Draws

__all__ = ["Mix", "mixup"]

Mix: TypeAlias = Callable[[Array, Array, Draws], tuple[Array, Array]]


def mixup(alpha: float, classes: int) -> Mix:
    """Mix a batch with itself in reversed order, images and targets alike. Zhang 2018 [56].

    x' = m x + (1 - m) reversed(x) and the same for the targets, with one m of
    the distribution Beta(alpha, alpha) for the batch. It is the one change that
    depends on the other images of a batch: it is given to `Loader` as `mix`,
    and works after the transforms.

    Parameters
    ----------
    alpha : float
        Above 0. At 0.2 most images are hardly mixed, at 1 all amounts are
        equally likely.
    classes : int
        The number K of classes.

    Returns
    -------
    function (images, targets, draws) -> (images, targets)
        Images are floating-point numbers, bytes / 255; targets are soft:
        (N, K) float32, each row with sum 1. Targets (N, ...) of floating-point
        numbers are mixed as they are.

    Examples
    --------
    >>> from fastconv.data import Draws, transforms
    >>> images, targets = np.ones((2, 1, 4, 4), np.float32), np.array([0, 1])
    >>> mixed, soft = transforms.mixup(1.0, classes=2)(images, targets, Draws(0, 0, [0, 1]))
    >>> soft.shape, bool(np.allclose(soft.sum(axis=1), 1))
    ((2, 2), True)
    """
    number = check.number(alpha, "alpha")
    if not 0 < number < np.inf:
        raise ValueError(f"alpha must be finite and above 0, got {number}")
    return partial(_mixup, alpha=number, classes=check.integer(classes, "classes", 1))


def _mixup(images: Any, targets: Array, draws: Draws, *, alpha: float, classes: int) -> tuple[Array, Array]:
    if isinstance(images, list):
        raise ValueError("mixup needs images of one size; resize them, or crop them to one size, first")
    if targets.shape[:1] != (len(images),):
        raise ValueError(f"mixup takes one target for each image, {len(images)}, got shape {targets.shape}")
    soft = one_hot(targets, classes)
    x = shares(images) if images.dtype == np.uint8 else images
    if len(x) == 0:
        return x, soft
    share = np.random.default_rng(int(draws.bits(1)[0, 0])).beta(alpha, alpha)
    return mixture(x, share), mixture(soft, share)


def one_hot(targets: Array, classes: int) -> Array:
    """(N, K) float32 from class indices (N,); targets of floating-point numbers as they are."""
    if targets.dtype.kind == "f":
        return targets
    if targets.ndim != 1 or targets.dtype.kind not in "iu":
        raise ValueError(f"mixup takes class indices (N,), got {targets.dtype} of shape {targets.shape}")
    if len(targets) and not 0 <= targets.min() <= targets.max() < classes:
        raise ValueError(f"targets must be from 0 to {classes - 1}, got {targets.min()} to {targets.max()}")
    soft: Array = np.equal(targets[:, None], np.arange(classes)).astype(np.float32)
    return soft


def mixture(x: Array, share: float) -> Array:
    """m x + (1 - m) reversed(x)"""
    y: Array = x * x.dtype.type(share)
    y += x[::-1] * x.dtype.type(1 - share)
    return y
