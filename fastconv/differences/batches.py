"""The images that a layer or network is checked with: copies in float64 of what is given, or random ones."""

from typing import Any

import numpy as np

from .. import Network
from ..fields import joined, named, several, structured, unpacked
from ..ops import check
from ..typing import Array, Generator
from .central import numbers

IMAGES = 3  # of a batch that is made up


def images(x: Any, target: Any, rng: Generator) -> Any:
    """A float64 batch: a copy of the one given, or random images of a shape; of several inputs a dict or tuple."""
    shapes = target.input_shape if isinstance(target, Network) else None
    if x is None and shapes is None:
        raise TypeError("gradcheck of a layer needs images or the shape of one: gradcheck(layer, (3, 8, 8))")
    x = shapes if x is None else x
    if shapes is None:
        found = several(x) if isinstance(x, dict | tuple) else None
    else:
        found = named(x, shapes, "x") if several(shapes) else None
    if found is None:
        batch = one_batch(x, "x", rng)
        return fitting(batch, "x", shapes)
    if not found:
        raise ValueError(f"x must be images or the shape of one, got {x!r}")
    wanted = several(shapes) or dict.fromkeys(found)
    batches = {key: one_batch(each, f"x[{key!r}]", rng) for key, each in found.items()}
    for key, batch in batches.items():
        fitting(batch, f"x[{key!r}]", wanted[key])
    return unpacked(joined(batches, "x"), x if shapes is None else shapes)


def one_batch(x: Any, name: str, rng: Generator) -> Array:
    """The batch of one input."""
    if isinstance(x, int | np.integer):
        x = (int(x),)
    if isinstance(x, tuple) and all(isinstance(n, int | np.integer) for n in x):
        return rng.standard_normal((IMAGES, *check.shape(x, name, len(x))))
    return numbers(x, name)


def fitting(batch: Array, name: str, shape: tuple[int, ...] | None) -> Array:
    """The batch; ValueError if its images do not have this shape, or, without one, are no images."""
    if shape is not None and (batch.shape[1:] != shape or not len(batch)):
        raise ValueError(f"{name} must have shape (N, {', '.join(map(str, shape))}), got {batch.shape}")
    if shape is None and (not 2 <= batch.ndim <= 4 or not batch.size):
        cure = f"; of one image make a batch: {name}[None]" if batch.ndim == 1 else ""
        rule = f"{name} must be a batch (N, C, H, W), (N, C, L) or (N, features), or a shape"
        raise ValueError(f"{rule}, got shape {batch.shape}{cure}")
    return batch


def of_one(x: Any) -> Any:
    """The shape of one image, or of each of several."""
    found = several(x)
    return x.shape[1:] if found is None else structured(x, (batch.shape[1:] for batch in found.values()))
