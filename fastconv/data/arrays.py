"""Images from arrays: the checks of dtype, shape and range, each with what to write."""

import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..typing import Array, Shape
from .files import DataError, reading

__all__ = ["NPY_MAGIC", "are_bytes", "check_size", "from_array", "read_header", "read_npy", "shares"]

MOST_DIMENSIONS = 8
NPY_MAGIC = b"\x93NUMPY"
NPY_HEADERS: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
OF_INTEGERS = "; divide them by the value of white, or use array.astype('uint8') where white is 255"
OF_OBJECTS = "; save an array of numbers: images in a list must have one shape, for numpy.stack(images)"
WAYS = {"i": OF_INTEGERS, "u": OF_INTEGERS, "O": OF_OBJECTS}  # kind of dtype -> what to do
BYTE = 255  # white, in bytes
NEAR_1 = 1.5  # images in [0, 1] that a filter sharpened may reach beyond 1
FAR = 10  # beyond any image in [0, 1], and any that was divided by its standard deviation


def read_npy(path: Path) -> Array:
    """The array of a .npy file; its declared size is first compared with the size of the file."""
    with reading(path) as file:
        shape, fortran_order, dtype = read_header(path, file)
        check_dtype(path, dtype)
        check_size(path, shape, dtype, os.fstat(file.fileno()).st_size - file.tell())
        return np.fromfile(file, dtype).reshape(shape, order="F" if fortran_order else "C")


def read_header(path: object, file: Any) -> tuple[Shape, bool, np.dtype[Any]]:
    """Shape, whether in Fortran's order, and dtype of a .npy file; the elements follow."""
    try:
        shape, fortran_order, dtype = NPY_HEADERS[np.lib.format.read_magic(file)](file)
    except Exception as error:  # the header is a Python literal: many things can be wrong with it
        raise DataError(f"{path}: not a .npy file that can be read: {error}") from error
    return shape, fortran_order, dtype


def check_size(path: object, shape: Shape, dtype: np.dtype[Any], held: int) -> None:
    """DataError unless an array of this shape has as many bytes as the file holds."""
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or len(shape) > MOST_DIMENSIONS or size != held:
        raise DataError(f"{path}: declares an array {shape} of {dtype}, but holds {held} bytes")


def check_dtype(path: Path, dtype: np.dtype[Any]) -> None:
    """DataError unless the elements are bytes, bools or floating-point numbers; it says what to do."""
    if dtype != np.uint8 and dtype.kind not in "fb":
        raise DataError(
            f"{path}: images must be bytes or floating-point numbers, got {dtype}{WAYS.get(dtype.kind, '')}"
        )


def from_array(path: Path, array: Array, shape: Shape) -> Array:
    """(N, C, H, W) float32 from an array (..., C, H, W), or (..., H, W) where C = 1."""
    check_dtype(path, array.dtype)
    channels, *plane = shape
    fits = array.shape[-3:] == tuple(shape) or (channels == 1 and array.shape[-2:] == tuple(plane))
    if not fits or array.size == 0:
        wanted = f"the network reads images of shape {tuple(shape)}, got an array {array.shape}"
        raise DataError(f"{path}: {wanted}{way(array.shape, shape)}")
    with np.errstate(over="ignore"):  # values beyond float32 become infinity
        images = shares(array.reshape(-1, *shape))
    if array.dtype != np.uint8:
        warn_of_bytes(path, images)
    return images


def shares(images: Array) -> Array:
    """A float32 copy: bytes divided by 255, other numbers as they are."""
    result = images.astype(np.float32)
    if images.dtype == np.uint8:
        result /= np.float32(BYTE)
    return result


def way(given: Shape, shape: Shape) -> str:
    """The line that gives an array of this shape the shape wanted; '' if there is none."""
    channels, height, width = shape
    if 0 in given:
        return ""
    if given[-3:] == (height, width, channels):
        return "; write numpy.moveaxis(array, -1, -3), which puts the channels before the rows"
    if given[-1:] == (math.prod(shape),):
        return f"; write array.reshape(-1, {channels}, {height}, {width})"
    if len(given) == 1:
        return "; are these the labels? name the file of the images"
    if given[-2:] == (height, width) and len(given) < 4:
        return f"; for grey images, write array[..., None, :, :].repeat({channels}, axis=-3)"
    if channels == 1 and len(given) == 2 and given[0] != 1:
        return "; arrays are not resized as pictures are: write PIL.Image.fromarray(array).save('x.tiff')"
    return ""


def are_bytes(images: Array) -> bool:
    """Whether floating-point numbers look like bytes: 0 to 255, where a network wants 0 to 1."""
    least, most = images.min(), images.max()
    return bool(most > NEAR_1 and least >= 0 and most <= BYTE and (most > FAR or not (images % 1).any()))


def warn_of_bytes(path: Path, images: Array) -> None:
    """UserWarning if floating-point numbers look like bytes."""
    if are_bytes(images):
        warnings.warn(
            f"{path}: numbers from {images.min():g} to {images.max():g}, not from 0 to 1 as pictures have; "
            "floating-point numbers are not scaled: if white is 255, save array / 255, or array.astype('uint8')",
            stacklevel=6,  # the caller of read_images
        )
