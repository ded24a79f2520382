"""Which layer of fastconv does what a module, a function or a method of PyTorch does; ValueError says why none does."""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from .. import concat, layers


def conv2d(m: Any, name: str) -> Any:
    """Zeros around the images; "same" with stride 1 is fastconv's."""
    zeros_around(m)
    window = {"stride": m.stride, "padding": m.padding, "dilation": m.dilation, "groups": m.groups}
    return layers.Conv2D(m.out_channels, m.kernel_size, **window, bias=m.bias is not None, name=name)


def conv_transpose2d(m: Any, name: str) -> Any:
    """The output padding is that of the module."""
    zeros_around(m)
    window = {"stride": m.stride, "padding": m.padding, "output_padding": m.output_padding, "dilation": m.dilation}
    return layers.ConvTranspose2D(
        m.out_channels, m.kernel_size, **window, groups=m.groups, bias=m.bias is not None, name=name
    )


def zeros_around(m: Any) -> None:
    """ValueError for another border."""
    if m.padding_mode != "zeros":
        raise ValueError(f"padding_mode={m.padding_mode!r}")


def batch_norm(m: Any, name: str) -> Any:
    """With running statistics and a momentum."""
    if not m.track_running_stats or m.momentum is None:
        raise ValueError("without running statistics, or momentum=None")
    return layers.BatchNorm(eps=m.eps, momentum=m.momentum, affine=m.affine, name=name)


def max_pool2d(m: Any, name: str) -> Any:
    """The values alone."""
    if m.return_indices:
        raise ValueError("return_indices=True")
    window = {"dilation": m.dilation, "ceil_mode": m.ceil_mode}
    return layers.MaxPool2D(m.kernel_size, m.stride, m.padding, **window)


def avg_pool2d(m: Any, name: str) -> Any:
    """As PyTorch counts the values of a window."""
    counts = {"count_include_pad": m.count_include_pad, "divisor_override": m.divisor_override}
    return layers.AvgPool2D(m.kernel_size, m.stride, m.padding, ceil_mode=m.ceil_mode, **counts)


def flatten(m: Any, name: str) -> Any:
    """All axes but the first."""
    if (m.start_dim, m.end_dim) != (1, -1):
        raise ValueError(f"start_dim={m.start_dim}, end_dim={m.end_dim}")
    return layers.Flatten()


MODULES: dict[type, Callable[[Any, str], Any]] = {
    nn.Conv2d: conv2d,
    nn.ConvTranspose2d: conv_transpose2d,
    nn.BatchNorm2d: batch_norm,
    nn.MaxPool2d: max_pool2d,
    nn.AvgPool2d: avg_pool2d,
    nn.AdaptiveAvgPool2d: lambda m, name: layers.AdaptiveAvgPool2D(m.output_size),
    nn.Linear: lambda m, name: layers.Linear(m.out_features, bias=m.bias is not None, name=name),
    nn.Dropout: lambda m, name: layers.Dropout(m.p),
    nn.Flatten: flatten,
    nn.ReLU: lambda m, name: layers.ReLU(),
    nn.ReLU6: lambda m, name: layers.ReLU6(),
    nn.Sigmoid: lambda m, name: layers.Sigmoid(),
    nn.Tanh: lambda m, name: layers.Tanh(),
    nn.SiLU: lambda m, name: layers.SiLU(),
    nn.Hardswish: lambda m, name: layers.HardSwish(),
    nn.LeakyReLU: lambda m, name: layers.LeakyReLU(m.negative_slope),
    nn.GroupNorm: lambda m, name: layers.GroupNorm(m.num_groups, eps=m.eps, affine=m.affine, name=name),
    nn.Identity: lambda m, name: lambda x: x,
}


def added(a: Any, b: Any) -> Any:
    """Two nodes of one shape."""
    return a + b


def joined(parts: Any, dim: int = 0) -> Any:
    """The channels of all nodes."""
    if dim != 1:
        raise ValueError(f"dim={dim}")
    return concat(*parts)


def flattened(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """All axes but the first."""
    if (start_dim, end_dim) != (1, -1):
        raise ValueError(f"start_dim={start_dim}, end_dim={end_dim}")
    return layers.Flatten()(x)


def averaged(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The mean of each channel."""
    if sorted(d % 4 for d in dim or ()) != [2, 3]:
        raise ValueError(f"dim={dim}")
    y = layers.AdaptiveAvgPool2D(1)(x)
    return y if keepdim else layers.Flatten()(y)


def rectified(x: Any, inplace: bool = False) -> Any:
    """max(x, 0)"""
    return layers.ReLU()(x)


def adapted(x: Any, output_size: Any) -> Any:
    """The means of windows that give this size."""
    return layers.AdaptiveAvgPool2D(output_size)(x)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys((operator.add, operator.iadd, torch.add), added),
    torch.cat: joined,
    torch.flatten: flattened,
    torch.mean: averaged,
    **dict.fromkeys((F.relu, torch.relu), rectified),
    F.relu6: lambda x, inplace=False: layers.ReLU6()(x),
    F.adaptive_avg_pool2d: adapted,
}
METHODS: dict[str, Callable[..., Any]] = {"flatten": flattened, "relu": rectified, "mean": averaged, "add": added}
