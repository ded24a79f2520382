"""Raw images as a network reads them: arrays of any size, and pictures in files."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import DataError, Draws, transforms
from ..data.arrays import are_bytes, shares
from ..data.files import first_bytes, named
from ..data.images import pictures, read_images
from ..data.kinds import START, picture
from ..data.pictures import Size, read_pixels
from ..data.protocol import Images
from ..ops import check
from ..system.caller import warn
from ..typing import Array, Shape

__all__ = ["prepared"]

PART = 64  # images worked on at a time, which bounds the memory
SIZES = {"resize", "center_crop"}  # transforms that change the size
PATHS = (str, bytes, os.PathLike)


def prepared(
    images: Any, shape: Shape, dtype: np.dtype[Any], steps: Sequence[transforms.Transform] | None
) -> Iterator[Array]:
    """Batches (n, *shape) of the network's dtype, in the order of the images."""
    first = 0
    for part in raw(images, shape, steps):
        if steps:
            part = transforms.apply(steps, part, Draws(0, 0, range(first, first + len(part))))
        first += len(part)
        yield fitting(part, shape, steps).astype(dtype, copy=False)


def raw(images: Any, shape: Shape, steps: Sequence[transforms.Transform] | None) -> Iterator[Images]:
    """The images as they are, a part at a time."""
    paths = [images] if isinstance(images, PATHS) else images
    if isinstance(paths, list | tuple) and paths and all(isinstance(path, PATHS) for path in paths):
        files = [file for path in paths for file in files_of(named(path, "images"))]
        for start in range(0, len(files), PART):
            yield from read(files[start : start + PART], shape, steps)
        return
    given = batch_of(images, shape)
    for start in range(0, len(given), PART):
        yield given[start : start + PART]


def files_of(path: Path) -> list[Path]:
    """The file, or all pictures in the folder."""
    return pictures(path) if os.path.isdir(path) else [path]


def read(files: list[Path], shape: Shape, steps: Sequence[transforms.Transform] | None) -> Iterator[Images]:
    """The images in a few files; pictures are whole in their own size where a transform changes it."""
    if steps is None:
        yield read_images(files, shape)
        return
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise DataError(f"{files[0]}: a picture has 1 or 3 channels; the network reads images of shape {shape}")
    size: Size = None
    if not any(changes_size(step) for step in steps):
        size = shape[1] if shape[1] == shape[2] else (shape[1], shape[2])
    for file in files:
        if picture(first_bytes(file, START)):
            yield [read_pixels(file, shape[0], size)]
        else:
            yield read_images(file, shape)


def changes_size(step: transforms.Transform) -> bool:
    """Whether the transform may change the size of images; one of the caller's own may."""
    description = transforms.described(step)
    return description is None or description["name"] in SIZES


def batch_of(images: Any, shape: Shape) -> Images:
    """(N, ...) of an array, or a list of images (C, h, w); TypeError and ValueError say what to write."""
    if isinstance(images, list | tuple):
        return [one_image(image, f"images[{number}]", shape) for number, image in enumerate(images)]
    x = pixels(images, "images")
    if len(shape) != 3:
        return x[None] if x.ndim == len(shape) else x
    if x.ndim == 4 and x.shape[1] == shape[0]:
        return x
    if x.ndim == 3 and shape[0] == 1 and (x.shape[-1] != 1 or shape[-1] == 1):
        return x[:, None]
    return one_image(x, "images", shape)[None]


def one_image(image: Any, name: str, shape: Shape) -> Array:
    """(C, h, w) of one image."""
    x = pixels(image, name)
    if len(shape) != 3:
        return x
    if x.ndim == 3 and x.shape[0] == shape[0]:
        return x
    if x.ndim == 2 and shape[0] == 1:
        return x[None]
    wanted = f"({shape[0]}, H, W)" if name != "images" else f"(N, {shape[0]}, H, W) or ({shape[0]}, H, W)"
    raise ValueError(f"{name} must have shape {wanted}, got {x.shape}{way(x, name, shape[0])}")


def way(x: Array, name: str, channels: int) -> str:
    """'; write ...': the line that gives images these channels, before height and width; '' if there is none."""
    many = x.ndim == 4
    if x.ndim in (3, 4) and x.shape[-1] in (channels, 4 if channels == 3 else channels):
        cut = "[..., :3]" if x.shape[-1] != channels else ""
        axes = "(0, 3, 1, 2)" if many else "(2, 0, 1)"
        return f"; channels come before height and width: write {name}{cut}.transpose{axes}"
    if channels == 3 and x.ndim in (2, 3) and name == "images":
        return f"; for grey images write {name}{'[:, None].repeat(3, 1)' if x.ndim == 3 else '[None].repeat(3, 0)'}"
    if channels == 3 and x.ndim == 2:
        return f"; for a grey image write {name}[None].repeat(3, 0)"
    if channels == 3 and x.ndim > 2 and x.shape[-3] == 1:
        return f"; for grey images write {name}.repeat(3, {x.ndim - 3})"
    if channels == 1 and x.ndim > 2 and x.shape[-3] == 3:
        return f"; for grey images write {name}.mean({x.ndim - 3}, keepdims=True).astype('{x.dtype}')"
    return ""


def pixels(image: Any, name: str) -> Array:
    """The array of bytes or floating-point numbers, or an error that says what to write."""
    if isinstance(image, PATHS):
        raise TypeError(f"images must be all paths or all arrays, got the path {check.shown(image)} among arrays")
    try:
        x = np.asarray(image)
    except Exception:  # tensors and lists of unequal lengths raise several
        x = np.asarray(None)
    if x.ndim == 0:
        raise TypeError(f"{name} must be an array, a list of arrays or a path, got {check.shown(image)}")
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        cure = f"; write numpy.asarray({name}, 'uint8')" if x.dtype.kind in "iu" else ""
        cure = f"; write {name}.astype('float32')" if x.dtype.kind == "b" else cure
        raise TypeError(f"{name} must be uint8 or floating-point numbers, got {x.dtype}{cure}")
    if x.dtype != np.uint8 and x.size and are_bytes(x):
        warn(
            f"{name}: floating-point numbers from {x.min():g} to {x.max():g}, which are not scaled; if white is 255, "
            f"write {name}.astype('uint8')",
            UserWarning,
        )
    return x


def fitting(images: Images, shape: Shape, steps: Sequence[transforms.Transform] | None) -> Array:
    """(n, *shape) floating-point numbers; ValueError for images of another size."""
    whole = transforms.batches.together(images)
    found = {image.shape for image in whole} if isinstance(whole, list) else {whole.shape[1:]}
    if found != {shape}:
        other = next(iter(found - {shape}), ())
        resize = f"transforms.resize({shape[1:]})" if len(shape) == 3 else "..."
        cure = f"; write fastconv.save(path, network, preprocessing=[{resize}, ...])" if steps is None else ""
        after = " after the preprocessing" if steps else ""
        raise ValueError(f"images must have shape {shape} like the network's{after}, got {other}{cure}")
    if isinstance(whole, list):  # of several dtypes
        whole = np.stack([shares(image) for image in whole])
    return shares(whole) if whole.dtype == np.uint8 else whole
