"""What all losses share: results, gradients that arrive, and kernels bound to views."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ... import kernels
from ...kernels.runtime.calls import memory_order, outside
from ...typing import Array, Call, Named, Shape
from .. import check
from ..call_cache import planned
from ..copies import WHOLE, Index, Scratch, cut, in_c_order, in_turn, on_copies, on_scratch, part
from ..elementwise import far, new_like, views

REDUCTIONS = ("mean", "sum", "none")
ROUNDING = 1e-3  # that of half precision: probabilities which were computed may be so far beyond 0 and 1


def check_range(targets: Array, name: str) -> Call:
    """ValueError for targets that are no probabilities, such as logits; NaN passes. The call that checks them."""
    right = range_check(targets)
    if right() == -1:
        return right
    wrong = targets[(targets < -ROUNDING) | (targets > 1 + ROUNDING)]
    cure = f"{name} come first, then targets"
    if targets.max() == 1 and (np.abs(targets) == 1).all():
        cure = "for -1 and 1 write (targets + 1) / 2"
    elif targets.max() == 255:
        cure = "write targets / 255"
    raise ValueError(f"targets must be from 0 to 1, got {wrong[0]}; {cure}")


def range_check(targets: Array) -> Callable[[], int]:
    """The call that gives 0 where a target is no probability, else -1."""
    along_memory = targets
    if not targets.flags.c_contiguous:
        forwards = tuple([slice(None, None, -1 if step < 0 else None) for step in targets.strides])
        along_memory = targets[forwards].transpose(memory_order(targets))
    return partial(outside, along_memory, -ROUNDING, 1 + ROUNDING)


def result(out: Array | None, shape: Shape, x: Array, arrays: Named) -> Array:
    """The loss: `out`, which must not be an input, or a new array of the dtype of x."""
    return check.empty(shape, x.dtype) if out is None else check.output(out, shape, x.dtype, **arrays)


def gradient(out: Array | None, x: Array, arrays: Named) -> Array:
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


def arriving(dy: Array | float, shape: Shape, reduction: str, dtype: DTypeLike) -> tuple[float, Array | None]:
    """(factor, None), or (1, array) where each row or element has its own gradient arriving (reduction "none")."""
    if reduction != "none" or np.ndim(dy) == 0:
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
    """The kernel bound to views that it accepts; None among the results stays. `weight` comes behind the targets."""
    end = 1 + len(inputs)
    arrays = [x, *inputs, *results]
    model = 0 if axis is not None or x.flags.c_contiguous else leading(arrays, end)
    groups = views(arrays, axis, model)
    if len(groups) > 1:  # more than four axes of unlike strides
        rest = partial(bind_to_copies, kernel, value, numbers, axis, weight, end)
        return on_copies(rest, arrays[:end], results)
    group = groups[0]
    losses = kernels.load(x.dtype).loss.losses
    run = getattr(losses, kernel)
    odd = far(group[:end], group[model]) if axis is None else []
    if not odd:
        group[2:2] = weight
        return partial(run, *group, value, *numbers)
    blocks = whole_jobs([group[i] for i in odd], losses.JOB)
    scratch = Scratch()
    sums = () if blocks == WHOLE else (scratch.like(np.empty(1), len(group)),)
    calls: list[Call] = []
    for at in blocks:
        near = part(group, at)
        carried = [(*sums, at == blocks[0])] if sums else []
        calls += on_scratch(near, odd, scratch, group)
        calls.append(partial(run, *near, value, *numbers, *carried))
    return in_turn(calls, scratch.arrays)


def whole_jobs(arrays: Sequence[Any], job: int) -> list[Index]:
    """The blocks of the arrays that are copied, if all but the last are made of whole jobs of so many elements."""
    blocks = cut(arrays, 3)
    return blocks if all(arrays[0][at].size % job == 0 for at in blocks[:-1]) else WHOLE


def bind_to_copies(
    kernel: str,
    value: Array | None,
    numbers: Sequence[float],
    axis: int | None,
    weight: Sequence[Array | None],
    end: int,
    *arrays: Array,
) -> Call:
    """The same for x, inputs and, from `end` on, results as `on_copies` gives them."""
    return bind(kernel, arrays[0], arrays[1:end], arrays[end:], value, *numbers, axis=axis, weight=weight)


def leading(arrays: Sequence[Array | None], end: int) -> int:
    """In whose memory order the elements are taken: of one in C order where all results, from `end` on, are; else x."""
    order = [i for i in (*range(end, len(arrays)), *range(1, end)) if arrays[i] is not None]
    ordered = [i for i in order if in_c_order(arrays[i])]
    return ordered[0] if all(i in ordered for i in order if i >= end) and ordered else 0
