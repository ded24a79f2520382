"""What all losses share: results, gradients that arrive, and kernels bound to views."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ... import kernels
from ...kernels.runtime.calls import outside
from ...typing import Array, Call, Named, Shape
from .. import check
from ..call_cache import planned
from ..elementwise import Several, memory_order, nearby, new_like, on_copies, views

REDUCTIONS = ("mean", "sum", "none")


ROUNDING = 1e-3  # that of half precision: probabilities which were computed may be so far beyond 0 and 1


def check_range(targets: Array, name: str) -> None:
    """ValueError for targets that are no probabilities, such as logits; NaN passes."""
    if range_check(targets)() == -1:
        return
    wrong = targets[(targets < -ROUNDING) | (targets > 1 + ROUNDING)]
    cure = f"{name} come first, then targets"
    if targets.max() == 1 and (np.abs(targets) == 1).all():
        cure = "for -1 and 1 write (targets + 1) / 2"
    elif targets.max() == 255:
        cure = "write targets / 255"
    raise ValueError(f"targets must be from 0 to 1, got {wrong[0]}; {cure}")


def range_check(targets: Array) -> Callable[[], int]:
    """The call that gives 0 where a target is no probability, else -1."""
    forwards = tuple([slice(None, None, -1 if step < 0 else None) for step in targets.strides])
    along_memory = targets if targets.flags.c_contiguous else targets[forwards].transpose(memory_order(targets))
    return partial(outside, along_memory, -ROUNDING, 1 + ROUNDING)


def result(out: Array | None, x: Array, arrays: Named) -> Array:
    """The gradient: `out`, which must not be an input here, or a new array in the memory order of x."""
    return new_like(x) if out is None else check.output(out, x.shape, x.dtype, **arrays)


def returned(value: Array, out: Array | None, dx: Array | None, *calls: Call) -> Any:
    """What the user gets of these calls: the loss, a number where it has no axes, and the gradient if there is one."""
    if out is not None:
        loss = check.give(value, out)
        return loss if dx is None else (loss, dx)
    number = value.ndim == 0
    loss = value[()] if number else value
    if dx is None:
        return planned(loss, (value,), *calls, returned=value, number=number)
    return planned((loss, dx), (value, dx), *calls, returned=(value, dx), number=number)


def arriving(dy: Array | float, shape: Shape | None, dtype: DTypeLike) -> tuple[float, Array | None]:
    """(factor, None), or (1, array) where each row or element has its own gradient arriving (`shape` not None)."""
    if shape is None or np.ndim(dy) == 0:
        return check.number(dy, "dy"), None
    dy = check.array(dy, "dy")
    check.shape_is(dy, "dy", shape, "the shape of the loss")
    if dy.dtype != dtype:
        raise TypeError(
            f"dy must be {np.dtype(dtype)} like the loss, got {dy.dtype}; write dy.astype('{np.dtype(dtype)}')"
        )
    return 1.0, dy


def given_back(dx: Array, each: Array | None, out: Array | None, value: Array, *calls: Call) -> Array:
    """What the user gets: dx, times the gradient that arrives at each row or element."""
    if each is not None:
        dx *= each
        return check.give(dx, out)
    return planned(check.give(dx, out), (dx, value), *calls)


def bind(
    kernel: str,
    x: Array,
    inputs: Sequence[Array],
    results: Sequence[Array | None],
    value: Array | None,
    *numbers: float,
    axis: int | None = None,
    weight: Sequence[Array | None] = (),
) -> Call:
    """The kernel bound to views that it accepts; None among the results stays."""
    present = [a for a in results if a is not None]
    first = x if axis is not None else leading(x, inputs, present)
    groups = views([x, *inputs, *present, first], axis)
    if len(groups) > 1:  # more than four axes of unlike strides
        count = len(inputs)
        return on_copies(
            lambda x, *others: bind(
                kernel, x, others[:count], others[count:], value, *numbers, axis=axis, weight=weight
            ),
            [x, *inputs],
            results,
        )
    *operands, first = groups[0]
    near, results = operands[: 1 + len(inputs)], placed(operands[1 + len(inputs) :], results)
    near, before, scratch = (near, [], []) if axis is not None else nearby(near, first)
    run = getattr(kernels.load(x.dtype).loss.losses, kernel)
    call = partial(run, *near[:2], *weight, *near[2:], *results, value, *numbers)
    return Several([*before, call], scratch) if before else call


def leading(x: Array, inputs: Sequence[Array], results: Sequence[Array]) -> Array:
    """The array in whose memory order the elements are taken: one in C order where all results are, else x."""
    if not all(a.flags.c_contiguous for a in results):
        return x
    return next((a for a in (*results, *inputs) if a.flags.c_contiguous), x)


def placed(views_of_present: Sequence[Array], results: Sequence[Array | None]) -> list[Array | None]:
    """The views in the places of their arrays; None where there is none."""
    if len(views_of_present) == len(results):
        return [*views_of_present]
    found = iter(views_of_present)
    return [None if a is None else next(found) for a in results]
