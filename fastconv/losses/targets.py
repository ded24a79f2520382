"""Checks of targets: class indices or values; errors say what to write instead.

What integers mean depends on the shape of the output alone. For an output (N, K, ...) with K > 1, integers (N,) are
class indices if the loss knows classes. Integers of the output's shape are values. So are integers (N, ...) for an
output (N, 1, ...): they lack only the axis of the one channel.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..kernels.runtime.calls import outside as any_outside
from ..ops import check
from ..typing import Array, Shape
from .cures import class_cure, cure_of, first_odd, is_text, no_class, number_cure, one_channel, size_cure

NAN_AS_INTEGER = np.iinfo(np.int64).min
ROUNDING = 1e-3  # that of half precision: probabilities which were computed may be so far beyond 0 and 1
WHITE = 255


def class_indices(targets: Any, y_shape: Shape, name: str, ignored: int | None = None) -> Array:
    """int64 indices below the number of classes, or `ignored`, one for each image (and pixel)."""
    wanted = (y_shape[0], *y_shape[2:])
    code, given = check.code(targets, name), check.given(targets, name, f"integers (class indices) of shape {wanted}")
    if given.dtype.kind in "iu" and given.shape == wanted:
        check_range(given, y_shape[1], name, code, ignored)
        return given.astype(np.int64)
    cure = cure_of(given, y_shape, name, code)
    if given.dtype.kind not in "iu":
        sample = f" such as {first_odd(given)!r}" if given.size else ""
        raise TypeError(f"{name} must be integers (class indices) of shape {wanted}, got {given.dtype}{sample}{cure}")
    cure = cure or size_cure(given.shape, wanted)
    raise ValueError(f"{name} must have shape {wanted} (one class for each output), got {given.shape}{cure}")


def check_range(indices: Array, classes: int, name: str, code: str, ignored: int | None) -> None:
    """ValueError for an index below 0, or beyond the last class, which is not ignored."""
    exempt = () if ignored is None else (ignored,)
    if indices.dtype == np.int64 and indices.flags.aligned and any_outside(indices, 0, classes - 1, *exempt) == -1:
        return
    if ignored is not None:
        indices = indices[indices != ignored]
    if not indices.size or (indices.min() >= 0 and indices.max() < classes):
        return
    least, most, cure = int(indices.min()), int(indices.max()), ""
    if least == NAN_AS_INTEGER:
        cure = f"; {least} is what NaN becomes as an integer: leave out samples without a class"
    elif np.unique(indices).tolist() == [0, 255]:
        cure = f"; of masks of 0 and 255 make classes: {code} // 255"
    elif no_class(indices, classes) in (-100, 255):
        none = no_class(indices, classes)
        cure = f"; leave out samples without a class ({none})"
        if ignored is not None:
            cure = f"; for samples without a class write fastconv.CrossEntropy(ignore_index={none})"
    elif least == 1 and most == classes:
        cure = f"; classes are counted from 0: {code} - 1"
    elif len(np.unique(indices)) == classes:
        cure = f"; number them: names, {name} = numpy.unique({code}, return_inverse=True)"
    elif least >= 0:
        cure = f"; {most + 1} classes need an output of {most + 1}"
    plural = "class" if classes == 1 else "classes"
    raise ValueError(
        f"{name} must be class indices from 0 to {classes - 1}, got {least} to {most}: "
        f"the output has {classes} {plural}{cure}"
    )


def values(targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
    """Targets of the output's shape and dtype; integers and bools are converted if that is exact."""
    code, given = check.code(targets, name), check.given(targets, name, f"numbers of shape {y_shape}")
    fits = given.shape == y_shape or one_channel(given, y_shape)
    if given.dtype.kind not in "biuf":
        cure = number_cure(given, dtype, code) if fits else ""
        if is_text(given):
            cure = cure or cure_of(given, y_shape, name, code)
        elif not fits:
            cure = class_cure(given, y_shape, code)
        raise TypeError(f"{name} must be numbers of dtype {dtype}, got {given.dtype}{cure}")
    if not fits:
        cure = class_cure(given, y_shape, code) or size_cure(given.shape, y_shape)
        raise ValueError(f"{name} must have shape {y_shape} (the network's output), got {given.shape}{cure}")
    given = given.reshape(y_shape)
    if given.dtype.kind == "f":
        if given.dtype.newbyteorder("=") != dtype:
            raise TypeError(f"{name} must be {dtype} like the network, got {given.dtype}; use {code}.astype('{dtype}')")
        return check.array(given, name)
    check_exact(given, dtype, name, code)
    return given.astype(dtype)


def probabilities(targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
    """Numbers from 0 to 1, of the output's shape and dtype."""
    found = values(targets, y_shape, dtype, name)
    if any_outside(found, -ROUNDING, 1 + ROUNDING) != -1:
        code, least, most = check.code(targets, name), found.min(), found.max()
        cure = ""
        if found.size and (np.abs(found) == 1).all():
            cure = f"; for -1 and 1 write ({code} + 1) / 2"
        elif least >= 0 and most == WHITE:
            cure = f"; write {code} / {WHITE}"
        raise ValueError(f"{name} must be probabilities, from 0 to 1, got {least:g} to {most:g}{cure}")
    return found


def class_probabilities(targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
    """A probability for each class, of the output's shape and dtype; class indices as one-hot vectors."""
    given = check.given(targets, name, f"probabilities of shape {y_shape}")
    if given.dtype.kind in "iu" and given.shape == (y_shape[0], *y_shape[2:]) != y_shape:
        return one_hot(class_indices(targets, y_shape, name), y_shape[1], dtype)
    return probabilities(targets, y_shape, dtype, name)


def yes_or_no(targets: Array, y_shape: Shape) -> Array:
    """1 where a target is at least 0.5, else 0; of the output's shape."""
    return (targets.reshape(y_shape) >= 0.5).astype(np.int64)


def check_exact(whole: Array, dtype: DTypeLike, name: str, code: str) -> None:
    """ValueError for integers that the dtype may round."""
    if whole.dtype.kind == "b" or not whole.size:
        return
    digits = np.finfo(dtype).nmant + 1
    least, most = int(whole.min()), int(whole.max())
    if least == NAN_AS_INTEGER:
        raise ValueError(f"{name} must be numbers, got {least}, which is what NaN becomes as an integer")
    if max(-least, most) > 2**digits:
        raise ValueError(
            f"{name} must be integers up to 2**{digits}, which {dtype} holds exactly, got {least} to {most}; "
            f"round them with {code}.astype('{dtype}')"
        )


def one_each(targets: Any, y_shape: Shape) -> Array | None:
    """Integers, one for each image (and pixel); None for anything else."""
    targets = np.asarray(targets)
    return targets if targets.dtype.kind in "iu" and targets.shape == (y_shape[0], *y_shape[2:]) else None


def one_of_several(targets: Any, y_shape: Shape) -> Array | None:
    """Integers (N,) for an output (N, K) with K > 1, which are class indices; None for anything else."""
    return one_each(targets, y_shape) if len(y_shape) == 2 and y_shape[1] > 1 else None


def one_hot(indices: Array, classes: int, dtype: DTypeLike) -> Array:
    """t[n, k] = 1 where k is the class of image (and pixel) n, else 0."""
    vectors = np.zeros((len(indices), classes, *indices.shape[1:]), dtype)
    np.put_along_axis(vectors, np.expand_dims(indices, 1), 1, 1)
    return vectors
