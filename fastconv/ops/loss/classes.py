"""What losses over classes share: their arguments, the axis of the classes, and prepared calls."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ...kernels.runtime.calls import outside, repeated
from ...typing import Array, Call, Named, Shape
from .. import check
from ..elementwise import array_beside, new_like
from .common import REDUCTIONS, arriving, bind, check_range, given_back, gradient, result, returned


def evaluate_classes(
    prepare: Callable[..., Call],
    out: Array | None,
    return_gradient: bool,
    numbers: Named,
    arrays: Named,
    right: Call,
) -> Any:
    """The loss of rows of classes, and its gradient if wanted; the arguments are checked, by `right` too."""
    x, targets = arrays.values()
    value = result(out, rows_of(x) if numbers["reduction"] == "none" else (), x, arrays)
    dx = new_like(x) if check.flag(return_gradient, "return_gradient") else None
    run = prepare(x, targets, value, dx, **numbers)
    run()
    return returned(value, out, dx, right, run)


def differentiate_classes(
    prepare: Callable[..., Call], out: Array | None, dy: Array | float, numbers: Named, arrays: Named, right: Call
) -> Array:
    """The gradient of a loss of rows of classes."""
    x, targets = arrays.values()
    shape = rows_of(x) if numbers["reduction"] == "none" else ()
    factor, each = arriving(dy, shape, numbers["reduction"], x.dtype)
    dx, value = gradient(out, x, arrays), check.empty(shape, x.dtype)
    run = prepare(x, targets, value, dx, **numbers, dy=factor)
    run()
    return given_back(dx, None if each is None else np.expand_dims(each, class_axis(x)), out, value, right, run)


def class_check(targets: Array, K: int, ignored: int) -> Callable[[], int]:
    """The call that gives 0 where a target is neither a class below K nor ignored, else -1."""
    return partial(outside, targets, 0, K - 1, ignored)


def class_axis(x: Array) -> int:
    """1, or 0 where there is no batch."""
    return 1 if x.ndim > 1 else 0


def rows_of(x: Array) -> Shape:
    """The shape of x without its class axis."""
    return x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()


def class_arguments(
    name: str,
    x: Array,
    targets: Any,
    weight: Array | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float | None = None,
) -> tuple[Named, Named, Call]:
    """The arguments of a loss over classes, checked: the numbers of its prepared call, the arrays by name, and the call
    that gives 0 where a target is neither a class nor ignored, or no probability, else -1.
    """
    x = check.array(x, name)
    if x.ndim == 0 or x.shape[class_axis(x)] == 0:
        raise ValueError(f"{name} must have at least one dimension and one class, got shape {x.shape}")
    ignore_index = check.integer(ignore_index, "ignore_index")
    numbers: Named = {"weight": weight, "ignore_index": ignore_index}
    numbers["reduction"] = check.word(reduction, "reduction", REDUCTIONS)
    if weight is not None:
        numbers["weight"] = weight = array_beside(weight, "weight", x, 1)
        check.shape_is(weight, "weight", (x.shape[class_axis(x)],), f"one for each class of {name}")
        check.same_dtype(**{name: x}, weight=weight)
    targets = check.given(targets, "targets")
    if label_smoothing is not None:
        numbers["label_smoothing"] = smoothing(label_smoothing)
        if targets.dtype.kind == "f":
            targets, right = probabilities(name, x, targets)
            return numbers, {name: x, "targets": targets}, right
    targets, right = class_indices(targets, name, x, ignore_index)
    return numbers, {name: x, "targets": targets}, right


def smoothing(value: float) -> float:
    """`label_smoothing`, checked."""
    value = check.number(value, "label_smoothing")
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, got {value}")
    return value


def probabilities(name: str, x: Array, targets: Array) -> tuple[Array, Call]:
    """One for each row and class, checked, and the call that checks them."""
    targets = check.array(targets, "targets")
    check.same_dtype(**{name: x}, targets=targets)
    check.shape_is(targets, "targets", x.shape, f"the shape of {name}, as they are probabilities")
    return targets, check_range(targets, name)


def class_indices(targets: Array, name: str, x: Array, ignored: int) -> tuple[Array, Call]:
    """int64 indices, each below the number of classes or ignored, and the call that checks them."""
    if targets.dtype.kind not in "iu":
        cure = "use targets.astype('int64')"
        if targets.dtype.kind in "OSUT":
            cure = "number the classes: names, targets = numpy.unique(targets, return_inverse=True)"
        raise TypeError(f"targets must be integers (class indices), got {targets.dtype}; {cure}")
    if targets.shape != rows_of(x):
        rule = f"one class for each row of {name}, which has shape {x.shape}"
        if x.ndim == 4 and targets.shape == x.shape[:-1]:
            cure = f"classes are axis 1: write {name}.transpose(0, 3, 1, 2)"
            raise ValueError(f"targets must have shape {rows_of(x)} ({rule}), got {targets.shape}; {cure}")
        check.shape_is(targets, "targets", rows_of(x), rule)
    K = x.shape[class_axis(x)]
    if type(targets) is np.ndarray and targets.dtype is check.INT64 and targets.flags.aligned:
        right = class_check(targets, K, ignored)
        if right() == -1:
            return targets, right
    wrong = targets[((targets < 0) | (targets >= K)) & (targets != ignored)]
    if wrong.size:
        classes = targets[targets != ignored]
        counted = classes.min() == 1 and classes.max() == K
        cure = "; classes are counted from 0: write targets - 1" if counted else ""
        if (wrong == wrong[0]).all() and wrong[0] in (-1, -100, 255) and not counted:
            cure = f"; for rows without a class write ignore_index={wrong[0]}"
        rule = f"class indices from 0 to {K - 1}, or {ignored} (ignored)"
        raise ValueError(f"targets must be {rule}, got {wrong[0]}{cure}")
    targets = targets.astype(check.INT64)
    return targets, class_check(targets, K, ignored)


def classes_call(
    kernel: str,
    x: Array,
    targets: Array,
    weight: Array | None,
    value: Array,
    dx: Array | None,
    reduction: str,
    *numbers: float,
) -> Call:
    """The kernel of a loss bound to its arrays; value, a result, has one element for each row, or one."""
    axis = class_axis(x)
    targets = targets if targets.ndim == x.ndim else repeated(targets, axis, x.shape[axis])
    each = repeated(value, axis, x.shape[axis]) if reduction == "none" else None
    one = None if each is not None else repeated(value, 0, 1) if value.ndim == 0 else value
    return bind(kernel, x, [targets], [each, dx], one, *numbers, axis=axis, weight=(weight,))
