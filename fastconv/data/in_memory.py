"""A data set of arrays: in memory, or mapped from a file of which each batch reads its rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..typing import Array
from .mapped import packed, unpacked
from .protocol import Images
from .targets import checked_indices, checked_targets

__all__ = ["ArrayData"]

CHANNELS = (1, 3, 4)


class ArrayData:
    """A data set of arrays.

    Parameters
    ----------
    images : array, or list of arrays
        (N, C, H, W), or (N, H, W) for grey images, of uint8 or floating-point
        numbers; a list of arrays (C, H, W) where sizes differ. A
        ``numpy.memmap`` stays in its file: a batch reads its rows. A pair
        (images, targets), such as a split of :func:`load`, may take the place
        of both.
    targets : array
        Class indices (N,), names of classes, or any numbers (N, ...), such as
        the targets of a regression.
    classes : sequence of str, optional
        The names of the classes.

    Attributes
    ----------
    labels : numpy.ndarray or None
        The class indices (N,), int64; None where targets are something else.
    classes : tuple of str or None
        The names of the classes, if they are known.

    Raises
    ------
    TypeError, ValueError
        If the arrays are no images, or do not agree in length.

    Examples
    --------
    >>> from fastconv.data import ArrayData
    >>> data = ArrayData(np.zeros((3, 1, 8, 8), np.uint8), ["cat", "dog", "cat"])
    >>> images, targets = data.batch([2, 1])
    >>> images.shape, targets, data.classes
    ((2, 1, 8, 8), array([0, 1]), ('cat', 'dog'))
    """

    def __init__(self, images: Any, targets: Any = None, classes: Sequence[str] | None = None) -> None:
        if targets is None:
            images, targets = pair(images)
        self.images = checked_images(images)
        self.targets, self.classes = checked_targets(targets, len(self.images), classes)
        self.labels = self.targets if self.targets.dtype.kind == "i" and self.targets.ndim == 1 else None

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        kind = "list of images" if isinstance(self.images, list) else f"{self.images.dtype} {self.images.shape}"
        return f"ArrayData(images: {kind}, targets: {self.targets.dtype} {self.targets.shape})"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "images": packed(self.images), "targets": packed(self.targets), "labels": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        images, targets = unpacked(state["images"]), unpacked(state["targets"])
        labels = targets if targets.dtype.kind == "i" and targets.ndim == 1 else None
        vars(self).update(state, images=images, targets=targets, labels=labels)

    def batch(self, indices: Any, /) -> tuple[Images, Array]:
        """The images and targets of these indices, as fresh arrays."""
        indices = checked_indices(indices, len(self))
        targets = np.array(self.targets[indices])
        if isinstance(self.images, list):
            return alike([native(self.images[i]).copy() for i in indices]), targets
        return native(np.array(self.images[indices])), targets


def pair(images: Any) -> tuple[Any, Any]:
    """(images, targets) from a pair, such as a split."""
    if hasattr(images, "train") and hasattr(images, "test"):
        raise TypeError(
            f"images must be an array or a pair, got a {type(images).__name__}; write ArrayData(data.train)"
        )
    if not isinstance(images, tuple | list) or len(images) != 2:
        raise TypeError("targets are missing: write ArrayData(images, targets)")
    return images[0], images[1]


def checked_images(images: Any) -> Array | list[Array]:
    """Images (N, C, H, W), or a list of (C, H, W), of bytes or floating-point numbers."""
    if isinstance(images, list | tuple):
        arrays = [checked_image(np.asarray(image)) for image in images]
        if len({array.shape for array in arrays}) != 1:
            return arrays
        images = np.stack(arrays)
    if not isinstance(images, np.ndarray):
        raise TypeError(f"images must be an array or a list of arrays, got a {type(images).__name__}")
    check_kind(images)
    if images.ndim == 3:
        return images[:, None]
    if images.ndim != 4:
        raise ValueError(f"images must have the shape (N, C, H, W), or (N, H, W), got {images.shape}{flat(images)}")
    if images.shape[-1] in CHANNELS and images.shape[1] not in CHANNELS:
        raise ValueError(
            f"images must have the shape (N, C, H, W), got {images.shape}; write numpy.moveaxis(images, -1, 1)"
        )
    return images


def flat(images: Array) -> str:
    """'; write ...' for images of which each is one row."""
    return "; write images.reshape(-1, C, H, W)" if images.ndim == 2 else ""


def checked_image(image: Array) -> Array:
    """One image (C, H, W); a grey one may be (H, W)."""
    check_kind(image)
    if image.ndim not in (2, 3):
        raise ValueError(f"each image must have the shape (C, H, W), got {image.shape}")
    if image.ndim == 3 and image.shape[-1] in CHANNELS and image.shape[0] not in CHANNELS:
        raise ValueError(f"each image must have the shape (C, H, W), got {image.shape}; write image.transpose(2, 0, 1)")
    return image if image.ndim == 3 else image[None]


def check_kind(images: Array) -> None:
    """TypeError unless these are bytes, bools or floating-point numbers."""
    if isinstance(images, np.ma.MaskedArray):
        raise TypeError("images must not be masked; write images.filled(0)")
    if images.dtype != np.uint8 and images.dtype.kind not in "fb":
        cure = "; if white is 255, write images.astype('uint8')" if images.dtype.kind in "iu" else ""
        raise TypeError(f"images must be uint8 or floating-point numbers, got {images.dtype}{cure}")


def native(images: Array) -> Array:
    """Images as uint8, float32 or float64 in this machine's byte order; half precision and bools as float32."""
    kind = images.dtype.newbyteorder("=")
    return images.astype(kind if kind in (np.uint8, np.float32, np.float64) else np.float32, copy=False)


def alike(images: list[Array]) -> Images:
    """An array (N, C, H, W) if all images have one shape, else the list."""
    return np.stack(images) if len({(image.shape, image.dtype) for image in images}) == 1 else images
