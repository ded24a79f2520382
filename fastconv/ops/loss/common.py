"""What all losses share: results, gradients that arrive, and kernels bound to views."""

from functools import partial

import numpy as np

from ... import kernels
from .. import check
from ..elementwise import like, on_copies, views

REDUCTIONS = ("mean", "sum", "none")


def result(out, x, arrays):
    """The gradient: `out`, which must not be an input here, or a new array in the memory order of x."""
    return like(None, {"x": x}) if out is None else check.output(out, x.shape, x.dtype, **arrays)


def returned(value, out, dx):
    value = check.give(value, out) if out is not None else value[()]
    return value if dx is None else (value, dx)


def arriving(dy, shape, dtype):
    """(factor, None), or (1, array) where each row or element has its own gradient arriving (`shape` not None)."""
    if shape is None or np.ndim(dy) == 0:
        return check.number(dy, "dy"), None
    dy = check.array(dy, "dy")
    check.shape_is(dy, "dy", shape, "the shape of the loss")
    check.same_dtype(x=np.empty(0, dtype), dy=dy)
    return 1.0, dy


def given_back(dx, each, out):
    if each is not None:
        dx *= each
    return check.give(dx, out)


def bind(kernel, x, inputs, results, value, *numbers, axis=None, weight=()):
    """The kernel bound to views that it accepts; None among the results stays."""
    present = [a for a in results if a is not None]
    groups = views([*inputs, *present, x], axis)
    if len(groups) > 1:  # more than four axes of unlike strides
        count = len(inputs)
        return on_copies(
            lambda x, *others: bind(
                kernel, x, others[:count], others[count:], value, *numbers, axis=axis, weight=weight
            ),
            [x, *inputs],
            results,
        )
    *operands, x = groups[0]
    operands[len(inputs) :] = placed(operands[len(inputs) :], results)
    run = getattr(kernels.load(x.dtype).loss.losses, kernel)
    return partial(run, x, operands[0], *weight, *operands[1:], value, *numbers)


def placed(views_of_present, results):
    found = iter(views_of_present)
    return [None if a is None else next(found) for a in results]
