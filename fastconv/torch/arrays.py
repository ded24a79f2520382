"""Tensors as arrays on the same memory, and back; which tensors these functions take."""

from typing import Any

import numpy as np
import torch

from ..ops import check
from ..typing import Array

DTYPES = (torch.float32, torch.float64)
PLANES = 16  # where a convolution has no more channels than this, it is quicker on planar memory


def array(tensor: Any) -> Any:
    """The array on the memory of a tensor; None for None."""
    return None if tensor is None else tensor.detach().numpy()


def tensor(values: Array) -> Any:
    """The tensor on the memory of an array."""
    return torch.from_numpy(values)


def arranged(x: Array, channels: int) -> Array:
    """Images as a convolution with so many channels in x and y reads them best: x itself, or a channels-last copy."""
    if channels <= PLANES or check.channels_together(x):
        return x
    return check.copied(x, check.CHANNELS_LAST)


KINDS = (torch.Tensor, torch.nn.Parameter)


def takes(x: Any, *parameters: Any) -> bool:
    """Whether the functions of this folder compute what PyTorch would: else PyTorch does.

    They take ordinary tensors of images, float32 or float64, in the memory of the processor, outside of all that
    changes what an operation means: autocast, tracing, functorch's transforms, forward-mode gradients.
    """
    if type(x) is not torch.Tensor or x.dim() != 4 or x.dtype not in DTYPES or not x.numel():
        return False
    if x.layout is not torch.strided or x.device.type != "cpu":
        return False
    for p in parameters:
        if p is not None and (type(p) not in KINDS or p.dtype is not x.dtype or p.device.type != "cpu"):
            return False
    return not changed()


def autocasts() -> bool:
    """Whether operations are done in another precision."""
    try:
        return bool(torch.is_autocast_enabled("cpu"))
    except TypeError:  # before PyTorch 2.4
        return bool(torch.is_autocast_cpu_enabled())


def changed() -> bool:
    """Whether operations are recorded, transformed or done in another precision now."""
    return bool(
        autocasts()
        or torch.jit.is_tracing()
        or torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or torch.autograd.forward_ad._current_level >= 0
        or torch._C._len_torch_dispatch_stack()
    )


def like(parameter: Any) -> Array | None:
    """Where a gradient goes: None for new memory in C order, or an array with the strides of its parameter."""
    return None if parameter.is_contiguous() else np.empty_like(array(parameter))
