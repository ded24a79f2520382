"""Random numbers of images: each is a function of the seed, the epoch, the image and the draw, and of nothing else."""

from typing import Any

import numpy as np

from ..ops import check
from ..typing import Array

__all__ = ["Draws", "mixed", "stream"]

MASK = (1 << 64) - 1
GAMMA = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, made odd
FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
BITS = 53  # of a float64 in [0, 1)


def mixed(z: Array) -> Array:
    """The finaliser of splitmix64 on uint64: every bit of the result depends on every bit of z. Steele 2014 [54]."""
    z = (z ^ (z >> np.uint64(30))) * FACTORS[0]
    z = (z ^ (z >> np.uint64(27))) * FACTORS[1]
    z ^= z >> np.uint64(31)
    return z


def stream(keys: Array, first: int, count: int) -> Array:
    """(N, count) uint64: numbers first, first + 1, ... of the splitmix64 generators with these N states."""
    steps = np.arange(first + 1, first + count + 1, dtype=np.uint64) * GAMMA
    return mixed(keys[:, None] + steps)


def absorbed(keys: Array, words: Any) -> Array:
    """The keys after one more word of what they depend on."""
    return mixed((keys ^ words) + GAMMA)


class Draws:
    """The random numbers of the images of one batch.

    The numbers of an image depend on the seed, the epoch, its index, how many
    times it was drawn before in this epoch, and the number of the transform
    in the list: never on the other images of the batch, their order, or
    threads. A transform asks for numbers in a fixed order; each call continues
    where the last one ended.

    Parameters
    ----------
    seed, epoch : int
        At least 0.
    indices : array of int
        The indices of the N images in their data set.
    times : array of int, optional
        How many times each image was drawn before in this epoch; 0 by default.

    Examples
    --------
    >>> from fastconv.data import Draws
    >>> draws = Draws(seed=0, epoch=3, indices=[7, 8])
    >>> draws.uniform(2).shape
    (2, 2)
    >>> (Draws(0, 3, [8, 7]).uniform(4)[::-1] == Draws(0, 3, [7, 8]).uniform(4)).all()
    np.True_
    """

    def __init__(self, seed: int, epoch: int, indices: Any, times: Any = 0) -> None:
        words = np.asarray(indices)
        if words.ndim != 1 or (words.dtype.kind not in "iu" and words.size):
            raise TypeError(f"indices must be a list of integers, got {check.shown(indices)}")
        keys = np.zeros(words.shape, np.uint64)
        for number in (check.integer(seed, "seed", 0), check.integer(epoch, "epoch", 0)):
            keys = absorbed(keys, np.uint64(number & MASK))
        keys = absorbed(keys, words.astype(np.uint64))
        self._image = absorbed(keys, np.asarray(times, np.int64).astype(np.uint64))
        self._keys, self._drawn = self._image, 0

    def __len__(self) -> int:
        """The number of images."""
        return len(self._image)

    def of(self, transform: int) -> "Draws":
        """The numbers of the same images for the transform with this number in a list."""
        other: Draws = object.__new__(Draws)
        other._image = self._image
        other._keys, other._drawn = absorbed(self._image, np.uint64(transform)), 0
        return other

    def bits(self, count: int) -> Array:
        """(N, count) uint64, all values equally likely."""
        first, self._drawn = self._drawn, self._drawn + count
        return stream(self._keys, first, count)

    def uniform(self, count: int) -> Array:
        """(N, count) float64 in [0, 1)."""
        whole: Array = self.bits(count) >> np.uint64(64 - BITS)
        return whole * 2.0**-BITS

    def integers(self, low: Any, high: Any) -> Array:
        """(N,) int64 in [low, high), one for each image; the bounds are numbers, or one for each image."""
        low, span = np.asarray(low, np.int64), np.asarray(high, np.int64) - low
        if (span < 1).any():
            raise ValueError(f"high must be larger than low, got low={check.shown(low)} and high={check.shown(high)}")
        drawn: Array = low + np.floor(self.uniform(1)[:, 0] * span).astype(np.int64)
        return drawn
