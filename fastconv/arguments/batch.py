"""The images that a network is given."""

from collections.abc import Iterator, Mapping, Set
from math import prod
from os import PathLike
from typing import Any

import numpy as np

from .. import fields
from ..kernels.runtime.calls import is_batch_of
from ..ops import advice, check
from ..typing import Array, Shape

BRIGHTEST = 200  # the brightest pixel of pictures lies above; depths in metres and counts seldom end just there


def batch(x: Any, name: str, input_shape: Any, dtype: np.dtype[Any]) -> tuple[Array, bool]:
    """(N, *input_shape) of the network's dtype, and whether it came with a batch axis."""
    one = type(input_shape) is tuple and type(input_shape[0]) is not tuple
    if one and is_batch_of(x, input_shape, dtype):  # nothing to convert: most batches are like this
        return x, True
    if not one:
        return batch_of_several(x, name, input_shape, dtype)
    if isinstance(x, tuple):
        refuse_shape(x, name, input_shape, dtype)
    code, x = check.code(x, name), of_dtype(x, name, dtype)
    if x.shape == input_shape:
        return x[None], False
    if x.shape[1:] != input_shape or x.ndim == 0:
        cure = cure_of_shape(x.shape, input_shape, code)
        raise ValueError(f"{name} must have shape {shape_of_batch(input_shape)} or {input_shape}, got {x.shape}{cure}")
    return x, True


def batch_of_several(x: Any, name: str, shapes: Any, dtype: np.dtype[Any]) -> tuple[Array, bool]:
    """The same for several arrays: as one, with a field for each."""
    found = fields.several(shapes)
    assert found is not None
    if fields.is_packed(x, found) and x.dtype == fields.dtype_of(found, dtype):
        return x, True
    given = {key: x[key] for key in found} if fields.is_packed(x, found) else fields.named(x, shapes, name)
    parts = {key: batch(value, f"{name}[{key!r}]", found[key], dtype) for key, value in given.items()}
    with_batch = {key: batched for key, (_, batched) in parts.items()}
    if len({*with_batch.values()}) > 1:
        alone = [key for key, batched in with_batch.items() if not batched]
        raise ValueError(f"{name} must be batches, or one image each; {name}[{alone[0]!r}] has no batch axis")
    return fields.joined({key: array for key, (array, _) in parts.items()}, name), all(with_batch.values())


def refuse_shape(x: tuple[Any, ...], name: str, input_shape: Shape, dtype: np.dtype[Any]) -> None:
    """TypeError for integers that are a shape, not the numbers of one image."""
    if x and (len(x),) != input_shape and all(isinstance(extent, int) for extent in x):
        wanted, got = shape_of_batch(input_shape), check.shown(x)
        raise TypeError(
            f"{name} must be an array of images, {wanted}, got the tuple {got}; if it is a shape, "
            f"write numpy.zeros({name}, '{dtype}')"
        )


def shape_of_batch(input_shape: Shape) -> str:
    """'(N, 3, 32, 32)' for images of shape (3, 32, 32)."""
    found = fields.several(input_shape)
    if found is not None:
        return ", ".join(f"{name!r}: {shape_of_batch(shape)}" for name, shape in found.items())
    return f"(N, {', '.join(map(str, input_shape))})"


def cure_of_shape(shape: Shape, input_shape: Shape, code: str) -> str:
    """'; write ...' where channels come last, the channel axis is missing or images are flattened; else ''."""
    if len(input_shape) == 3:
        last = (*input_shape[1:], input_shape[0])
        if shape == last or (len(shape) == 4 and shape[1:] == last):
            axes = "(2, 0, 1)" if len(shape) == 3 else "(0, 3, 1, 2)"
            return f"; channels come before height and width: write {code}.transpose{axes}"
        if code_of_channels := axes_of_images(shape, input_shape):
            return f"; write {code}{code_of_channels}"
        if input_shape[0] == 1 and shape[-2:] == input_shape[1:] and len(shape) < 4:
            return f"; write {code}[{':, ' if len(shape) == 3 else ''}None]"
    if len(shape) > 1 and 1 in (len(shape) - 1, len(input_shape)) and prod(shape[1:]) == prod(input_shape):
        return f"; write {code}.reshape(-1, {', '.join(map(str, input_shape))})"
    if prod(shape) == prod(input_shape):
        return f"; write {code}.reshape({', '.join(map(str, input_shape))})"
    return ""


def white_of_floats(x: Array) -> int:
    """255 if these floats look like the pixels of pictures, which reach far beyond 200, else 1."""
    white = advice.white(x)
    return white if white > 1 and x.max() > BRIGHTEST else 1


def axes_of_images(shape: Shape, input_shape: Shape) -> str:
    """'.repeat(3, 1)' and the like: code that gives images another number of channels or order of axes; else ''."""
    channels, size = input_shape[0], input_shape[1:]
    if len(shape) == 5 and shape[0] == 1 and shape[2:] == input_shape:
        return "[0]"
    if len(shape) != 4:
        return ""
    if shape[:3] == (*size, channels):
        return ".transpose(3, 2, 0, 1)"
    if channels == 3 and shape[1:] == (*size, 4):
        return "[..., :3].transpose(0, 3, 1, 2)"
    if channels == 3 and shape[1:] == (1, *size):
        return ".repeat(3, 1)"
    return ".mean(1, keepdims=True)" if channels == 1 and shape[1:] == (3, *size) else ""


def of_dtype(x: Any, name: str, dtype: np.dtype[Any]) -> Array:
    """`x` as an array of the network's dtype."""
    if isinstance(x, tuple | list):
        check_parts(x, name)
    elif not hasattr(x, "__array__") and holds_pairs(x):
        raise TypeError(f"{name} must be an array of images, got a {type(x).__name__} of pairs; write {unzipped(name)}")
    code, made_from, x = check.code(x, name), x, check.given(x, name)
    if x.dtype.kind != "f" or x.dtype.newbyteorder("=") != dtype:
        if x.ndim == 0 and x.dtype.kind not in "biufc":
            raise TypeError(
                f"{name} must be an array, {dtype} like the network, got {check.described(made_from)}"
                f"{cure_of_object(made_from, name)}"
            )
        cure = "" if x.ndim == 0 or x.dtype.kind in "SU" else advice.cure(x, code, dtype, pixels=True)
        if x.dtype == np.uint8 and x.size and not x.any():  # black pixels
            cure += " / 255"
        raise TypeError(f"{name} must be {dtype} like the network, got {x.dtype}{cure}")
    return check.array(x, name)


def check_parts(x: Any, name: str) -> None:
    """TypeError or ValueError for a tuple or a list that makes no array of images: a data set, masks, unequal sizes."""
    if hasattr(x, "train") and hasattr(x, "test"):
        raise TypeError(f"{name} must be an array of images, got a {type(x).__name__}; write {name}.test.images")
    if holds_pairs(x):
        kind = type(x).__name__
        raise TypeError(f"{name} must be an array of images, got a {kind} of pairs; write {unzipped(name)}")
    parts = [a for a in x if isinstance(a, np.ndarray)]
    if len(x) == 2 == len(parts) and isinstance(x, tuple) and parts[0].ndim != parts[1].ndim:
        raise TypeError(
            f"{name} must be an array of images, got a pair of arrays of shapes {x[0].shape} and {x[1].shape}; "
            f"if it is (images, labels), pass {name}[0]"
        )
    for i, a in enumerate(parts):
        check.without_mask(a, f"{name}[{i}]")
        if a.shape != parts[0].shape:
            raise ValueError(
                f"{name} must be images of one shape, got {parts[0].shape} and, at {name}[{i}], {a.shape}; "
                "bring them to one size first, as fastconv.data.read_images(folder, shape) does for files"
            )


def holds_pairs(x: Any) -> bool:
    """Whether the first element of a sequence is a pair of image and label, by their dimensions."""
    if isinstance(x, str | bytes | Mapping) or not (hasattr(x, "__getitem__") and hasattr(x, "__len__") and len(x)):
        return False
    return isinstance(x[0], tuple) and len(x[0]) == 2 and np.ndim(x[0][0]) != np.ndim(x[0][1])


def cure_of_object(x: object, name: str) -> str:
    """'; ...' for a path, a generator, a table or a data set, each of which NumPy takes for one object; else ''."""
    if isinstance(x, str | bytes | PathLike):
        return f"; to read pictures write fastconv.data.read_images({name}, network.input_shape)"
    if isinstance(x, Mapping):
        return f"; take one array out of it, such as {name}[{next(iter(x))!r}]" if len(x) else ""
    if hasattr(x, "to_numpy"):
        return f"; write {name}.to_numpy()"
    if hasattr(x, "values") and isinstance(x.values, np.ndarray):
        return f"; write {name}.values"
    if hasattr(x, "__iter__") and hasattr(x, "__len__") and not isinstance(x, Set):
        return (
            f"; if it gives batches, write for images, labels in {name}: train_step(network, images, labels, optimizer)"
        )
    return iterator_cure(x, name)


def iterator_cure(given: object, name: str) -> str:
    """'; write ...' for a generator, which NumPy takes for one object."""
    if isinstance(given, zip):
        return f"; if it gives pairs of image and label, write {unzipped(name)}"
    if not isinstance(given, Iterator):
        return ""
    return f"; write numpy.array(list({name}))"


def unzipped(name: str) -> str:
    """Code that makes arrays of pairs of image and label."""
    return f"images, labels = map(numpy.array, zip(*{name}))"
