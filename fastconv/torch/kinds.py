"""Which modules of PyTorch fastconv computes, and how: one function a class, (module, x) -> y or None.

None leaves the call to PyTorch: for settings, tensors and moments that these functions do not take.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..ops import check
from .arrays import takes
from .functions import BatchNorm, Convolution, MaxPool, Mean, Rectifier, Transposed, Window


def check_module(module: object) -> None:
    """TypeError for what is no module of PyTorch."""
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {check.described(module)}")


def conv2d(module: Any, x: Any, activation: str | None = None) -> Any:
    """Zeros around the images; no other border."""
    if module.padding_mode != "zeros" or not takes(x, module.weight, module.bias):
        return None
    window = Window(module.stride, module.padding, module.dilation, module.groups)
    return Convolution.apply(x, module.weight, module.bias, window, activation)


def conv_transpose2d(module: Any, x: Any) -> Any:
    """With the output padding of the module, where no output size is given."""
    if module.padding_mode != "zeros" or not takes(x, module.weight, module.bias):
        return None
    rule = (module.stride, module.padding, module.output_padding, module.groups, module.dilation)
    return Transposed.apply(x, module.weight, module.bias, rule)


def batch_norm(module: Any, x: Any, activation: str | None = None) -> Any:
    """The batch's statistics in training, or where there are no others; else the running ones."""
    vectors = (module.weight, module.bias, module.running_mean, module.running_var)
    if not takes(x, *vectors) or any(v is not None and v.shape != x.shape[1:2] for v in vectors):
        return None
    by_batch = module.training or module.running_mean is None
    follows = module.training and module.track_running_stats and module.num_batches_tracked is not None
    if by_batch and x.numel() == x.shape[1]:
        return None  # refused by PyTorch
    running = (None, None) if by_batch and not module.track_running_stats else (module.running_mean, module.running_var)
    momentum = module.momentum
    if momentum is None:  # the mean of all batches
        momentum = 1 / (int(module.num_batches_tracked) + 1) if follows else 0.0
    y = BatchNorm.apply(x, module.weight, module.bias, running, (by_batch, momentum, module.eps), activation)
    if follows:
        module.num_batches_tracked.add_(1)
    return y


def rectifier(module: Any, x: Any) -> Any:
    """In place too, unless PyTorch would refuse it or follow a view."""
    if not takes(x) or (module.inplace and (x._is_view() or (x.is_leaf and x.requires_grad))):
        return None
    return Rectifier.apply(x, ACTIVATION[plain(type(module))], module.inplace)


def max_pool2d(module: Any, x: Any) -> Any:
    """The values alone, without their places."""
    if module.return_indices or not takes(x):
        return None
    return MaxPool.apply(x, (module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode))


def avg_pool2d(module: Any, x: Any) -> Any:
    """As PyTorch counts the values of a window."""
    if not takes(x):
        return None
    window = (module.kernel_size, module.stride, module.padding, module.ceil_mode)
    return Mean.apply(x, ("avg_pool2d", (*window, module.count_include_pad, module.divisor_override)))


def adaptive_avg_pool2d(module: Any, x: Any) -> Any:
    """Where a size is None, that of the images."""
    if not takes(x):
        return None
    sizes = module.output_size if isinstance(module.output_size, tuple | list) else (module.output_size,) * 2
    sizes = tuple(given if size is None else size for size, given in zip(sizes, x.shape[2:], strict=True))
    return Mean.apply(x, ("adaptive_avg_pool2d", (sizes,)))


def chain(module: Any, x: Any) -> Any:
    """The parts of a sequence one after another; an activation is done while the part before it stores."""
    parts = list(module)
    while parts:
        part, *parts = parts
        name = ACTIVATION.get(plain(type(parts[0]))) if parts else None
        fused = None
        if name and plain(type(part)) in FUSES and is_ours(part) and not watched(part) and not watched(parts[0]):
            fused = attempt(part, x, name)
        x, parts = (part(x), parts) if fused is None else (fused, parts[1:])
    return x


KINDS: dict[type, Callable[..., Any]] = {
    nn.Conv2d: conv2d,
    nn.ConvTranspose2d: conv_transpose2d,
    nn.BatchNorm2d: batch_norm,
    nn.ReLU: rectifier,
    nn.ReLU6: rectifier,
    nn.MaxPool2d: max_pool2d,
    nn.AvgPool2d: avg_pool2d,
    nn.AdaptiveAvgPool2d: adaptive_avg_pool2d,
}
ACTIVATION: dict[type, str] = {nn.ReLU: "relu", nn.ReLU6: "relu6"}
FUSES = (nn.Conv2d, nn.BatchNorm2d)


def plain(kind: type) -> type:
    """PyTorch's class of a module, or of one that was replaced."""
    found: type = getattr(kind, "replaced", kind)
    return found


def is_ours(module: Any) -> bool:
    """Whether fastconv computes it."""
    return hasattr(type(module), "replaced")


def attempt(module: Any, x: Any, *more: Any) -> Any:
    """fastconv's result; None where PyTorch shall compute, or say what is wrong."""
    try:
        return KINDS[plain(type(module))](module, x, *more)
    except (TypeError, ValueError):
        return None


def is_chain(kind: Any) -> bool:
    """Whether a class of modules does nothing but call its parts one after another."""
    return bool(issubclass(kind, nn.Sequential) and kind.forward is nn.Sequential.forward)


def watched(module: Any) -> bool:
    """Whether hooks look at what goes in or comes out of a module."""
    own = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return any(own) or torch.nn.modules.module._has_any_global_hook()
