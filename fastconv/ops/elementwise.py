"""What every elementwise function shares: checks, the result, and prepared calls on merged views."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import kernels
from ..kernels.runtime.calls import are_alike, memory_order, merged, ordered_like
from ..typing import Array, Call, Named
from . import check
from .call_cache import planned
from .copies import WHOLE, Scratch, cut, in_turn, is_apart, nothing, on_scratch, part

WORTH_A_COPY = 1024  # values; fewer are read one by one as quickly


def apply(prepare: Callable[..., Call], out: Array | None, *numbers: Any, **arrays: Any) -> Array:
    """Check the arrays, make the result, run the prepared call."""
    return applied(prepare, out, agreeing(arrays), *numbers)


def apply_along(prepare: Callable[..., Call], out: Array | None, axis: int | None, **arrays: Any) -> Array:
    """The same along one axis, by default that of the channels."""
    arrays = agreeing(arrays)
    name, first = next(iter(arrays.items()))
    return applied(prepare, out, arrays, axis_of(first, name, axis))


def applied(prepare: Callable[..., Call], out: Array | None, arrays: Named, *numbers: Any) -> Array:
    """The same of arrays that are checked."""
    y = like(out, arrays)
    run = prepare(*arrays.values(), y, *numbers)
    run()
    return planned(check.give(y, out), (y,), run)


def axis_of(x: Array, name: str, axis: int | None) -> int:
    """`axis`, checked; None is the axis of the channels."""
    axis = channel_axis(x) if axis is None else check.integer(axis, "axis")
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis must be an axis of {name}, which has shape {x.shape}, got {axis}")
    return axis


def apply_to_output(
    prepare: Callable[..., Call],
    forward: Callable[..., Call],
    out: Array | None,
    dy: Array,
    x: Any,
    y: Array | None,
    *along: int | None,
) -> Array:
    """As `apply`, or `apply_along` an axis, to dy and y, which is computed from x where it is not given."""
    if y is not None:
        return apply_along(prepare, out, *along, dy=dy, y=y) if along else apply(prepare, out, dy=dy, y=y)
    x = check.array(x, "x")
    y = new_like(x)
    if along:
        along = (axis_of(x, "x", *along),)  # of dy too, which has the same shape
    run = forward(x, y, *along)
    run()
    arrays = agreeing({"dy": dy, "y": y})
    dx = like(out, arrays)
    back = prepare(*arrays.values(), dx, *along)
    back()
    return planned(check.give(dx, out), (dx, y), run, back)


def channel_axis(x: Array) -> int:
    """-3 of images (C, H, W) and (N, C, H, W), the last axis of everything else."""
    return -3 if x.ndim in (3, 4) else -1


def agreeing(arrays: Named) -> Named:
    """The named arrays, checked; all of one shape and dtype."""
    if are_alike(arrays):
        return arrays
    arrays = of_one_dtype(**arrays)
    (first, a), *others = arrays.items()
    for name, b in others:
        check.shape_is(b, name, a.shape, f"the shape of {first}")
    return arrays


def of_one_dtype(**arrays: Any) -> dict[str, Array]:
    """The named arrays, checked; all of the dtype of the first."""
    (first, a), *others = arrays.items()
    a = check.array(a, first)
    checked = {first: a} | {name: array_beside(b, name, a) for name, b in others}
    check.same_dtype(**checked)
    return checked


def array_beside(b: Any, name: str, a: Array, ndim: int | None = None) -> Array:
    """`b` as `check.array` makes it; where it is no array of floats, the error says how to make it like `a`."""
    try:
        return check.array(b, name, ndim)
    except TypeError as error:
        raise TypeError(str(error).replace("astype('float32')", f"astype('{a.dtype}')")) from None


def like(out: Array | None, arrays: Named) -> Array:
    """The result: `out`, or a new array in the memory order of the last input; others may be None."""
    model = next(reversed(arrays.values()))
    if out is None:
        return new_like(model)
    return check.output(out, model.shape, model.dtype, elementwise=True, **arrays)


def new_like(model: Array) -> Array:
    """A new array in the memory order of `model`."""
    found = ordered_like(model)
    if found is not None:
        return found
    order = memory_order(model)
    y = check.empty([model.shape[i] for i in order], model.dtype)
    return y.transpose(np.argsort(order)) if order != sorted(order) else y


def positive(value: Any, name: str) -> float:
    """A float above 0."""
    number = check.number(value, name)
    if not number > 0:
        raise ValueError(f"{name} must be > 0, got {number}")
    return number


def call(kernel: str, *arrays: Array, axis: int | None = None, numbers: Sequence[float] = ()) -> Call:
    """`kernel` bound to views that it accepts: of one shape, four-dimensional, with `axis` last."""
    y = arrays[-1]
    if not y.size:
        return nothing
    run = kernels.load(y.dtype).activation.pointwise.KERNELS[kernel]
    calls: list[Call] = []
    scratch = Scratch()
    for group in views(arrays, axis):
        odd = far(group[:-1], group[-1])
        if not odd:
            calls.append(partial(*run, *group, *numbers))
            continue
        blocks = cut([group[i] for i in odd], 4 if axis is None else 3)
        place = -1 if blocks == WHOLE and is_apart(group[-1], group[:-1]) else None
        for at in blocks:
            near = part(group, at)
            calls += on_scratch(near, odd, scratch, group, place)
            [near] = views(near, None if axis is None else -1)  # copies merge where their sources did not
            calls.append(partial(*run, *near, *numbers))
    return in_turn(calls, scratch.arrays)


def far(inputs: Sequence[Array], y: Array) -> list[int]:
    """Which inputs would touch a cache line for each value along the rows of y, which tells the order of the axes."""
    if y.size < WORTH_A_COPY or y.strides[-1] != y.itemsize:
        return []
    return [i for i, a in enumerate(inputs) if abs(a.strides[-1]) >= check.LINE]


def views(arrays: Sequence[Array | None], axis: int | None = None, model: int = -1) -> list[list[Any]]:
    """Groups of four-dimensional views that together cover the arrays, which all have one shape; None stays.

    They are `merged` as far as the array `model`, whose memory order they have, and the others allow. There is one
    group, unless more than four axes are left.
    """
    found = merged([*arrays], axis, model)
    extra = found[model].ndim - 4
    if not extra:
        return [found]
    return [[None if a is None else a[at] for a in found] for at in np.ndindex(found[model].shape[:extra])]
