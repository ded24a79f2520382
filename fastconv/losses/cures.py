"""What to write in place of targets that do not fit a loss."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..typing import Array, Shape


def one_channel(targets: Array, y_shape: Shape) -> bool:
    """Whether targets lack only the axis of the one channel: (N, ...) for (N, 1, ...)."""
    return y_shape[1] == 1 and targets.shape == (y_shape[0], *y_shape[2:])


def cure_of(given: Array, y_shape: Shape, name: str, code: str) -> str:
    """'; ...' with advice for targets that are not class indices; '' if no advice would help."""
    classes = code_of_classes(given, y_shape, code)
    if classes:
        return f"; use {classes}"
    if is_text(given):
        if column(given, y_shape):
            code, given = f"{code}[:, 0]", given[:, 0]
        if given.shape != (y_shape[0], *y_shape[2:]):
            return ""
        count = len(np.unique(given))
        if count > y_shape[1]:
            return f"; {count} different names need an output of {count}, this has {y_shape[1]}"
        return (
            f"; number the classes: names, {name} = numpy.unique({code}, return_inverse=True), "
            f"and for other data sets numpy.searchsorted(names, {code})"
        )
    if given.dtype.kind not in "biuf":
        return ""
    if given.ndim == len(y_shape) and given.shape[0] == y_shape[0] and given.shape[1] > 1 and is_one_hot(given):
        return f"; these are vectors of {given.shape[1]} classes, which need an output of {given.shape[1]}"
    if np.isnan(given).any():
        return f"; leave out samples without a class: keep those where ~numpy.isnan({code})"
    if given.shape == y_shape and y_shape[1] > 1 and (given >= 0).all() and np.allclose(given.sum(1), 1):
        return (
            "; for probabilities use loss=fastconv.CrossEntropy(soft_targets=True), "
            f"or the most probable classes, {code}.argmax(1)"
        )
    if (given.shape == y_shape or one_channel(given, y_shape)) and y_shape[1] == 1 and is_yes_or_no(given):
        flat = f"{code}[:, 0]" if given.shape == y_shape else code
        return (
            "; for yes or no use loss=fastconv.losses.BCEWithLogits(); "
            f"two classes want an output of 2 and {flat}.astype('int64'); for values use loss=fastconv.MSE('mean')"
        )
    if given.shape == y_shape or one_channel(given, y_shape):
        return "; for values use another loss, such as loss=fastconv.MSE()"
    return ""


def class_cure(given: Array, y_shape: Shape, code: str) -> str:
    """'; ...' for classes given where values of the output's shape are wanted."""
    classes = code_of_classes(given, y_shape, code)
    if not classes:
        return ""
    if len(y_shape) > 2:
        return f"; classes of pixels want loss=fastconv.CrossEntropy() and class indices, {classes}"
    return f"; for class indices use {classes}"


def code_of_classes(given: Array, y_shape: Shape, code: str) -> str:
    """Code that turns one-hot vectors, a column, or whole numbers of another dtype into class indices; else ''."""
    if len(y_shape) == 4 and given.shape == (y_shape[0], *y_shape[2:], y_shape[1]) != y_shape and y_shape[1] > 1:
        last = given.dtype.kind in "biuf" and is_one_hot(np.moveaxis(given, -1, 1))
        return f"{code}.argmax(-1)" if last else ""
    if given.shape == y_shape and y_shape[1] > 1 and given.dtype.kind in "biuf" and is_one_hot(given):
        return f"{code}.argmax(1)"
    if column(given, y_shape):
        given, code = given[:, 0], f"{code}[:, 0]"
    if given.shape != (y_shape[0], *y_shape[2:]) or y_shape[1] == 1 or not is_whole(given):
        return ""
    if given.dtype.kind not in "iu":
        given, code = given.astype(np.int64), f"{code}.astype('int64')"
    return "" if given.size and (given.min() < 0 or given.max() >= y_shape[1]) else code


def size_cure(given: Shape, wanted: Shape) -> str:
    """'; ...' where the output lacks a border of the images, as convolutions without padding make it."""
    if len(given) != len(wanted) or len(wanted) < 3 or given[:-2] != wanted[:-2]:
        return ""
    rows, columns = (a - b for a, b in zip(given[-2:], wanted[-2:], strict=True))
    lost = 0 < rows == columns < min(wanted[-2:])
    return "; Conv2D(..., padding='same') makes an output as large as its images" if lost else ""


def column(given: Array, y_shape: Shape) -> bool:
    """Whether the shape is (N, 1, ...): class indices with one axis too many."""
    return bool(given.ndim == len(y_shape) and given.shape == (y_shape[0], 1, *y_shape[2:]))


def is_one_hot(given: Array) -> bool:
    """Whether each vector along axis 1 has a single 1 among zeros."""
    return bool(((given == 0) | (given == 1)).all() and (given.sum(1) == 1).all())


def is_yes_or_no(given: Array) -> bool:
    """Whether all are 0 or 1, and both occur."""
    return bool(((given == 0) | (given == 1)).all() and (given == 0).any() and (given == 1).any())


def is_whole(given: Array) -> bool:
    """Whether all are whole numbers that fit in int64, whatever their dtype; floats and objects only below 2**53."""
    if given.dtype.kind == "f":
        return bool((np.isfinite(given) & (np.abs(given) < np.float64(2**53)) & (given == np.trunc(given))).all())
    if given.dtype.kind == "O":
        return all(isinstance(value, int | np.integer) and -(2**53) < value < 2**53 for value in given.flat)
    return given.dtype.kind in "biu"


def is_text(given: Array) -> bool:
    """Whether all elements are strings."""
    return given.dtype.kind in "UST" or (
        given.dtype.kind == "O" and given.size > 0 and all(isinstance(value, str) for value in given.flat)
    )


def number_cure(given: Array, dtype: DTypeLike, code: str) -> str:
    """'; ...' with advice for values that are not real numbers but can be converted; else ''."""
    if given.dtype.kind == "c":
        return f"; use {code}.real.astype('{dtype}')"
    try:
        readable = given.dtype.kind in "USTO" and np.isfinite(given.astype(dtype)).all()
    except (TypeError, ValueError):
        return ""
    return f"; use {code}.astype('{dtype}')" if readable else ""


def first_odd(given: Array) -> Any:
    """The first element that is not a whole number, to be shown in an error; the first element if there is none."""
    flat = given.reshape(-1)
    if given.dtype.kind == "f":
        not_whole = flat[~(np.isfinite(flat) & (flat == np.trunc(flat)))]
    else:
        not_whole = (
            [value for value in flat if not isinstance(value, int | np.integer)] if given.dtype.kind == "O" else []
        )
    value = (not_whole if len(not_whole) else flat)[0]
    return value.item() if isinstance(value, np.generic) else value


def no_class(indices: Array, classes: int) -> int | None:
    """The only index out of range, which a data set gives to samples without a class; None if there are several."""
    outside = np.unique(indices[(indices < 0) | (indices >= classes)])
    return int(outside[0]) if len(outside) == 1 and len(outside) < len(np.unique(indices)) else None
