"""X as images: checked by scikit-learn as rows, then brought into the shape of the network's input."""

from math import prod
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from .. import Network
from ..ops import check
from ..typing import Array, Shape

__all__ = ["images_of"]

WHITE = 255
CHANNELS = (1, 3, 4)  # of pictures, which other libraries have as the last axis


def flat(X: Any) -> tuple[Any, Shape | None]:
    """(X as rows, the shape (C, H, W) of its images, or None where it has rows already)."""
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError("X must not be masked; write X.filled(0)")
    if not hasattr(X, "ndim") and isinstance(X, list | tuple):
        X = np.asarray(X) if depth(X) > 2 else X
    if getattr(X, "ndim", 2) not in (3, 4):
        return X, None
    X = np.asarray(X)
    shape = X.shape[1:] if X.ndim == 4 else (1, *X.shape[1:])
    if 0 in shape:
        raise ValueError(f"X must be images (N, C, H, W) of at least one pixel, got shape {X.shape}")
    return X.reshape(len(X), prod(shape)), tuple(map(int, shape))


def depth(X: Any) -> int:
    """How many lists lie in one another."""
    if isinstance(X, list | tuple):
        return 1 + (depth(X[0]) if X else 0)
    return getattr(X, "ndim", 0)


def shape_of(image_shape: Any, of_images: Shape | None, features: int) -> Shape:
    """The shape of the network's input: that of the images, or `image_shape` for rows, or (features,)."""
    if image_shape is None:
        if of_images is not None and of_images[2] in CHANNELS and of_images[0] not in CHANNELS:
            raise ValueError(
                f"X must be images (N, C, H, W), got {('N', *of_images)}; write numpy.moveaxis(X, -1, 1), or, if "
                f"{of_images[0]} is the number of channels, image_shape={of_images}"
            )
        return of_images or (features,)
    if not isinstance(image_shape, tuple | list) or len(image_shape) not in (2, 3):
        raise ValueError(f"image_shape must be (C, H, W), or (H, W) for grey images, got {check.shown(image_shape)}")
    shape = tuple(check.integer(extent, "image_shape", 1) for extent in image_shape)
    shape = shape if len(shape) == 3 else (1, *shape)
    if of_images is not None and of_images != shape:
        raise ValueError(f"X must be images {('N', *shape)} like image_shape, got {('N', *of_images)}; leave out one")
    if np.prod(shape) != features:
        raise ValueError(
            f"image_shape={tuple(image_shape)} has {np.prod(shape)} values, but the rows of X have {features}"
        )
    return shape


def images_of(estimator: Any, X: Any, y: Any = None, network: Network | None = None) -> tuple[Array, Any]:
    """(images, y) after scikit-learn's checks.

    Before a training `network` is None; later X must have the shape of its input, as images or rows, and gets its
    dtype.
    """
    rows, of_images = flat(X)
    dtype = (
        np.dtype(check.choice(estimator.dtype, "dtype", ("float32", "float64"))) if network is None else network.dtype
    )
    options: dict[str, Any] = {"reset": network is None, "dtype": dtype, "order": "C"}
    if y is None:
        values = validate_data(estimator, rows, **options)
    else:
        values, y = validate_data(estimator, rows, y, multi_output=True, **options)
    shape = shape_of(estimator.image_shape, of_images, values.shape[1]) if network is None else network.input_shape
    if of_images is not None and of_images != shape:
        raise ValueError(f"X must be images {('N', *shape)} as in training, got {('N', *of_images)}")
    if len(shape) == 3 and np.asarray(rows).dtype == np.uint8:
        values = values / dtype.type(WHITE)
    return values.reshape(-1, *shape), y
