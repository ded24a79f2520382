"""Functions of autograd: fastconv's kernels on the memory of tensors, forward and backward.

Each has the PyTorch function that computes the same beside it: gradients of gradients (``create_graph=True``) are
taken of that one.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from .. import ops
from ..ops import check
from ..ops.norm import batch_norm_backward_call, batch_norm_call
from .arrays import arranged, array, like, tensor

Tensors = tuple[Any, ...]
ACTIVATIONS: dict[str | None, Callable[[Any], Any]] = {None: lambda x: x, "relu": F.relu, "relu6": F.relu6}
MASKED = {"relu": ops.relu_backward, "relu6": ops.relu6_backward}  # y serves as x: it has the same mask


class Window(NamedTuple):
    """Stride, padding and dilation of a convolution, and its groups."""

    stride: tuple[int, int]
    padding: Any
    dilation: tuple[int, int]
    groups: int


def by_pytorch(function: Callable[..., Any], inputs: Tensors, needed: Tensors, dy: Any) -> list[Any]:
    """The gradients of function(*inputs) by PyTorch, which have gradients themselves; None where none is needed."""
    with torch.enable_grad():
        y = function(*inputs)
        wanted = [x for x, needs in zip(inputs, needed, strict=False) if needs]
        found = iter(torch.autograd.grad(y, wanted, dy, create_graph=True))
    return [next(found) if needs else None for _, needs in zip(inputs, needed, strict=False)]


class Convolution(torch.autograd.Function):  # type: ignore[misc]
    """y = activation(conv2d(x, weight, bias))"""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, window: Window, activation: str | None) -> Any:
        a = arranged(array(x), max(x.shape[1], weight.shape[0]))
        y = tensor(ops.conv2d(a, array(weight), array(bias), *window, activation=activation))
        ctx.window, ctx.activation, ctx.images = window, activation, a
        ctx.save_for_backward(x, weight, bias, y if activation else None)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Tensors:
        x, weight, bias, y = ctx.saved_tensors
        if torch.is_grad_enabled():
            function = partial(convolved, window=ctx.window, activation=ctx.activation)
            return (*by_pytorch(function, (x, weight, bias), ctx.needs_input_grad, dy), None, None)
        d = array(dy)
        if ctx.activation:
            d = MASKED[ctx.activation](d, array(y))
        dx = dweight = dbias = None
        if ctx.needs_input_grad[0]:
            dx = tensor(ops.conv2d_backward_input(d, array(weight), tuple(x.shape), *ctx.window))
        if ctx.needs_input_grad[1]:
            shape = tuple(weight.shape)
            dweight = tensor(ops.conv2d_backward_weight(d, ctx.images, shape, *ctx.window, out=like(weight)))
        if ctx.needs_input_grad[2]:
            dbias = tensor(ops.conv2d_backward_bias(d))
        return dx, dweight, dbias, None, None


def convolved(x: Any, weight: Any, bias: Any, window: Window, activation: str | None) -> Any:
    """The same by PyTorch."""
    return ACTIVATIONS[activation](F.conv2d(x, weight, bias, *window))


class BatchNorm(torch.autograd.Function):  # type: ignore[misc]
    """y = activation((x - mean) / sqrt(var + eps) weight + bias); running: (mean, variance), updated in training."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, running: Tensors, rule: Tensors, activation: Any) -> Any:
        a, w, b = array(x), array(weight), array(bias)
        training, momentum, eps = rule
        y = check.empty(a.shape, a.dtype, check.layout_of(a))
        mean, invstd = np.zeros((2, a.shape[1]), a.dtype), np.zeros(a.shape[1], a.dtype)  # row 1: its rounding error
        moving = None if running[0] is None else tuple(map(array, running))
        batch_norm_call(a, y, w, b, moving, mean, invstd, momentum, eps, training, activation)()
        ctx.rule, ctx.activation = (training, eps), activation
        ctx.save_for_backward(x, weight, bias, tensor(mean), tensor(invstd))
        return tensor(y)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Tensors:
        x, weight, bias, mean, invstd = ctx.saved_tensors
        training, eps = ctx.rule
        if torch.is_grad_enabled():
            given = (mean[0], invstd, training, eps, ctx.activation)
            found = by_pytorch(partial(normalised, given=given), (x, weight, bias), ctx.needs_input_grad, dy)
            return (*found, None, None, None)
        d, a = array(dy), array(x)
        dx: Any = check.empty(a.shape, a.dtype, check.layout_of(a)) if ctx.needs_input_grad[0] else None
        both = check.empty(a.shape[1:2], a.dtype), check.empty(a.shape[1:2], a.dtype)
        saved = {"weight": array(weight), "mean": array(mean), "invstd": array(invstd), "bias": array(bias)}
        batch_norm_backward_call(d, a, dx, gradients=both, training=training, activation=ctx.activation, **saved)()
        gradients = (tensor(g) if needs else None for g, needs in zip(both, ctx.needs_input_grad[1:3], strict=True))
        return None if dx is None else tensor(dx), *gradients, None, None, None


def normalised(x: Any, weight: Any, bias: Any, given: Tensors) -> Any:
    """The same by PyTorch, from statistics that were used before."""
    mean, invstd, training, eps, activation = given
    if training:
        return ACTIVATIONS[activation](F.batch_norm(x, None, None, weight, bias, True, 0.0, eps))
    mean, scale = (v[:, None, None] for v in (mean, invstd if weight is None else invstd * weight))
    y = (x - mean) * scale
    return ACTIVATIONS[activation](y if bias is None else y + bias[:, None, None])


class Rectifier(torch.autograd.Function):  # type: ignore[misc]
    """y = max(x, 0), or min(max(x, 0), 6)"""

    @staticmethod
    def forward(ctx: Any, x: Any, name: str, inplace: bool) -> Any:
        a = array(x)
        y = tensor(getattr(ops, name)(a, out=a if inplace else None))
        if inplace:
            ctx.mark_dirty(x)
            y = x
        ctx.name = name
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Tensors:
        (y,) = ctx.saved_tensors
        if torch.is_grad_enabled():
            return dy * ((y > 0) & (y < 6) if ctx.name == "relu6" else y > 0), None, None
        return tensor(MASKED[ctx.name](array(dy), array(y))), None, None


class MaxPool(torch.autograd.Function):  # type: ignore[misc]
    """The largest value of each window."""

    @staticmethod
    def forward(ctx: Any, x: Any, rule: Tensors) -> Any:
        ctx.rule = rule
        if not ctx.needs_input_grad[0]:
            return tensor(ops.max_pool2d(array(x), *rule))
        y, ctx.indices = ops.max_pool2d(array(x), *rule, return_indices=True)  # type: ignore[misc]
        ctx.save_for_backward(x)
        return tensor(y)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Tensors:
        (x,) = ctx.saved_tensors
        if torch.is_grad_enabled():
            return (*by_pytorch(lambda x: F.max_pool2d(x, *ctx.rule), (x,), (True,), dy), None)
        return tensor(ops.max_pool2d_backward(array(dy), array(x), *ctx.rule, indices=ctx.indices)), None


class Mean(torch.autograd.Function):  # type: ignore[misc]
    """The mean of each window; rule: (name of the op, its arguments)."""

    @staticmethod
    def forward(ctx: Any, x: Any, rule: Tensors) -> Any:
        ctx.rule, ctx.shape = rule, tuple(x.shape)
        name, arguments = rule
        return tensor(getattr(ops, name)(array(x), *arguments))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Tensors:
        name, arguments = ctx.rule
        if torch.is_grad_enabled():  # it is linear: its gradient is that of any x
            x = torch.zeros(ctx.shape, dtype=dy.dtype, requires_grad=True)
            return (*by_pytorch(lambda x: getattr(F, name)(x, *arguments), (x,), (True,), dy), None)
        windows = () if name.startswith("adaptive") else arguments  # dy has the size of the result
        return tensor(getattr(ops, f"{name}_backward")(array(dy), ctx.shape, *windows)), None


class Transposed(torch.autograd.Function):  # type: ignore[misc]
    """y = conv_transpose2d(x, weight, bias); rule: stride, padding, output_padding, groups, dilation."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, rule: Tensors) -> Any:
        a = arranged(array(x), max(x.shape[1], weight.shape[1] * rule[3]))
        ctx.rule, ctx.images = rule, a
        ctx.save_for_backward(x, weight, bias)
        return tensor(ops.conv_transpose2d(a, array(weight), array(bias), *rule))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Tensors:
        x, weight, bias = ctx.saved_tensors
        if torch.is_grad_enabled():
            function = partial(transposed, rule=ctx.rule)
            return (*by_pytorch(function, (x, weight, bias), ctx.needs_input_grad, dy), None)
        d, dx, dweight, dbias = array(dy), None, None, None
        if ctx.needs_input_grad[0]:
            dx = tensor(ops.conv_transpose2d_backward_input(d, array(weight), tuple(x.shape), *ctx.rule))
        if ctx.needs_input_grad[1]:
            given = (d, ctx.images, tuple(weight.shape), *ctx.rule)
            dweight = tensor(ops.conv_transpose2d_backward_weight(*given, out=like(weight)))
        if ctx.needs_input_grad[2]:
            dbias = tensor(ops.conv_transpose2d_backward_bias(d))
        return dx, dweight, dbias, None


def transposed(x: Any, weight: Any, bias: Any, rule: Tensors) -> Any:
    """The same by PyTorch."""
    return F.conv_transpose2d(x, weight, bias, *rule)
