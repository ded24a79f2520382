"""What every elementwise function shares: checks, the result, and prepared calls on merged views."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from .. import kernels
from ..kernels.runtime.calls import are_alike, beside_ordered, in_four_axes, ordered_like, view
from ..typing import Array, Call, Named
from . import check
from .call_cache import planned

WORTH_A_COPY = 1024  # values; fewer are read one by one as quickly


def apply(prepare: Callable[..., Call], out: Array | None, *numbers: Any, **arrays: Any) -> Array:
    """Check the arrays, make the result, run the prepared call."""
    return applied(prepare, out, agreeing(arrays), *numbers)


def apply_along(prepare: Callable[..., Call], out: Array | None, axis: int | None, **arrays: Any) -> Array:
    """The same along one axis, by default that of the channels."""
    arrays = agreeing(arrays)
    return applied(prepare, out, arrays, axis_of(arrays, axis))


def applied(prepare: Callable[..., Call], out: Array | None, arrays: Named, *numbers: Any) -> Array:
    """The same of arrays that are checked."""
    y = like(out, arrays)
    run = prepare(*arrays.values(), y, *numbers)
    run()
    return planned(check.give(y, out), (y,), run)


def axis_of(arrays: Named, axis: int | None) -> int:
    """`axis`, checked, of the first of these arrays; None is the axis of the channels."""
    name, first = next(iter(arrays.items()))
    axis = channel_axis(first) if axis is None else check.integer(axis, "axis")
    if not -first.ndim <= axis < first.ndim:
        raise ValueError(f"axis must be an axis of {name}, which has shape {first.shape}, got {axis}")
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
    run = forward(x, y, *[axis_of({"x": x}, axis) for axis in along])
    run()
    arrays = agreeing({"dy": dy, "y": y})
    dx = like(out, arrays)
    back = prepare(*arrays.values(), dx, *[axis_of(arrays, axis) for axis in along])
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


def memory_order(model: Array) -> list[int]:
    """The axes from the largest stride to the smallest; one of stride 0 stays behind the axis before it."""
    order = sorted((i for i in range(model.ndim) if model.strides[i]), key=lambda i: -abs(model.strides[i]))
    for i in range(model.ndim):
        if not model.strides[i]:
            order.insert(order.index(i - 1) + 1 if i else 0, i)
    return order


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
    scratch: list[Array] = []
    for group in views(arrays, axis):
        near, before, own = nearby(group[:-1], group[-1])
        if own:  # copies merge where their sources did not
            [near] = views([*near, group[-1]], None if axis is None else -1)
        else:
            near = group
        calls += [*before, partial(*run, *near, *numbers)]
        scratch += own
    return calls[0] if len(calls) == 1 else Several(calls, scratch)


def nearby(inputs: Sequence[Array], y: Array) -> tuple[list[Array], list[Call], list[Array]]:
    """The inputs, with copies for those whose rows would touch a cache line for each value; the calls, the copies.

    `y` tells the order of the axes.
    """
    found, calls, scratch = [], [], []
    for a in inputs:
        if y.size >= WORTH_A_COPY and abs(a.strides[-1]) >= check.LINE and y.strides[-1] == y.itemsize:
            scratch.append(check.empty(a.shape, a.dtype))
            calls += check.assign_calls(scratch[-1], a)
            a = scratch[-1]
        found.append(a)
    return found, calls, scratch


def nothing() -> None:
    """The call of an empty array."""


class Several:
    """Prepared calls as one, whose result is that of the last that has one, and the arrays that only they use."""

    __slots__ = ("calls", "scratch")

    def __init__(self, calls: Sequence[Call], scratch: Sequence[Array] = ()) -> None:
        self.calls, self.scratch = tuple(calls), tuple(scratch)

    def __call__(self) -> Any:
        results = [call() for call in self.calls]
        return next((result for result in reversed(results) if result is not None), None)


def in_c_order(a: Array) -> bool:
    """Whether an array is C-contiguous."""
    return a.flags.c_contiguous


def on_copies(
    prepare: Callable[..., Call],
    inputs: Sequence[Array | None],
    outputs: Sequence[Array | None],
    fits: Callable[[Array], bool] = in_c_order,
    layout: str | None = None,
) -> Several:
    """The prepared call for memory that no kernel takes: prepare(*inputs, *outputs) on copies in C order, or a layout.

    Copies the inputs that do not fit, runs the call, copies its results back; None stays None.
    """
    sources, into = copies_of(inputs, fits, layout)
    results, back = copies_of(outputs, fits, layout)
    before = [call for copy, a in into for call in check.assign_calls(copy, a)]
    after = [call for copy, a in back for call in check.assign_calls(a, copy)]
    return Several([*before, prepare(*sources, *results), *after], [copy for copy, _ in (*into, *back)])


def copies_of(
    arrays: Sequence[Array | None], fits: Callable[[Array], bool], layout: str | None
) -> tuple[list[Array | None], list[tuple[Array, Array]]]:
    """The arrays, new ones for those that do not fit; pairs of the new ones and those they stand for."""
    found, pairs = [], []
    for a in arrays:
        if a is not None and not fits(a):
            pairs.append((check.empty(a.shape, a.dtype, layout), a))
            a = pairs[-1][0]
        found.append(a)
    return found, pairs


def views(arrays: Sequence[Array], axis: int | None = None) -> list[list[Array]]:
    """Groups of four-dimensional views that together cover the arrays, which all have one shape.

    The axes stand in the memory order of the last array, and neighbours are merged wherever every array allows it:
    arrays that are dense in any one order become one run. `axis` comes last and stays alone. There is one group,
    unless more than four axes are left.
    """
    found = beside_ordered([*arrays], axis)
    if found is not None:
        return [found]
    y = arrays[-1]
    own = [] if axis is None else [axis % y.ndim]
    axes = [i for i in memory_order(y) if y.shape[i] != 1 and i not in own]
    flip = tuple(slice(None, None, -1 if s < 0 and i in axes else None) for i, s in enumerate(y.strides))
    ones = [i for i in range(y.ndim) if i not in axes and i not in own]
    arrays = [a[flip].transpose(ones + axes + own)[(0,) * len(ones)] for a in arrays]
    arrays = merged(arrays, len(axes))
    extra = max(arrays[0].ndim - 4, 0)
    if not extra:
        return [[in_four_axes(a) for a in arrays]]
    return [[a[at] for a in arrays] for at in np.ndindex(arrays[0].shape[:extra])]


def merged(arrays: list[Array], axes: int) -> list[Array]:
    """The arrays with neighbours among the first `axes` axes merged where all strides allow it."""
    shape = arrays[0].shape
    groups = [[i] for i in range(len(shape))]
    for i in range(axes - 1, 0, -1):
        if all(a.strides[i - 1] == a.strides[i] * shape[i] for a in arrays):
            groups[i - 1] += groups.pop(i)
    if len(groups) == len(shape):
        return arrays
    short = [prod(shape[i] for i in group) for group in groups]
    return [view(a, tuple(short), tuple([a.strides[group[-1]] for group in groups])) for a in arrays]
