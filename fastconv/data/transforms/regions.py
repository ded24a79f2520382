"""Random rectangles within images, by their share of the area and their ratio of width to height."""

import numpy as np

from ...typing import Array
from ..draws import Draws

__all__ = ["rectangles"]

TRIES = 10


def rectangles(
    draws: Draws, sizes: Array, scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[Array, Array, Array, Array, Array]:
    """(fits, top, left, height, width), each (N,): the first of ten random rectangles that fits into its image.

    area = H W u, u uniform in `scale`; width / height = r, log(r) uniform in log(`ratio`);
    width = round(sqrt(area r)), height = round(sqrt(area / r)); the place is uniform. Where none fits, all are 0.
    """
    numbers = draws.uniform(2 * TRIES + 2)
    H, W = sizes[:, :1], sizes[:, 1:]
    area = H * W * (scale[0] + (scale[1] - scale[0]) * numbers[:, :TRIES])
    low, high = np.log(ratio)
    r = np.exp(low + (high - low) * numbers[:, TRIES : 2 * TRIES])
    height, width = (np.rint(np.sqrt(x)).astype(np.int64) for x in (area / r, area * r))
    good = (height >= 1) & (height <= H) & (width >= 1) & (width <= W)
    fits = good.any(axis=1)
    chosen = np.arange(len(sizes)), good.argmax(axis=1)
    height, width = height[chosen] * fits, width[chosen] * fits
    places = numbers[:, 2 * TRIES :] * (sizes - np.stack([height, width], axis=1) + 1)
    top, left = np.floor(places).astype(np.int64).T * fits
    return fits, top, left, height, width
