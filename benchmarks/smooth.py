"""Networks without kinks, in fastconv and in PyTorch: SiLU in place of ReLU, means in place of maxima."""

from contextlib import contextmanager
from unittest import mock

import torch_models
from torch import nn
from torch.nn import functional as F

from fastconv import layers


def ours():
    """What replaces a layer of fastconv: its class -> a function from the layer to the other one."""
    kinds = dict.fromkeys((layers.ReLU, layers.ReLU6, layers.HardSwish), lambda old: layers.SiLU(name=old.name))
    kinds[layers.HardSigmoid] = lambda old: layers.Sigmoid(name=old.name)
    kinds[layers.MaxPool2D] = mean_pool
    return kinds


def mean_pool(old):
    window = {"stride": old.stride, "padding": old.padding, "ceil_mode": old.ceil_mode}
    return layers.AvgPool2D(old.kernel_size, **window, count_include_pad=False, name=old.name)


def mean_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    return F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad=False)


THEIRS = {
    "relu": lambda x, inplace=False: F.silu(x),
    "hardtanh": lambda x, low, high, inplace=False: F.silu(x),  # of ReLU6
    "hardswish": lambda x, inplace=False: F.silu(x),
    "hardsigmoid": lambda x, inplace=False: x.sigmoid(),
    "max_pool2d": mean_pool2d,
}


SMOOTH = dict.fromkeys((nn.ReLU, nn.ReLU6, nn.Hardswish), lambda old: nn.SiLU())
SMOOTH[nn.Hardsigmoid] = SMOOTH[torch_models.Hardsigmoid] = lambda old: nn.Sigmoid()
SMOOTH[nn.MaxPool2d] = lambda old: nn.AvgPool2d(
    old.kernel_size, old.stride, old.padding, old.ceil_mode, count_include_pad=False
)


def without_kinks(module):
    """The module with other layers in place of those with kinks, which an accelerated one does not ask F for."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if make := SMOOTH.get(type(child)):
                setattr(parent, name, make(child))
    return module


@contextmanager
def smooth():
    """Within it models are built, and PyTorch's modules run, without kinks."""
    exact = mock.patch.object(torch_models.Hardsigmoid, "forward", lambda self, x: x.sigmoid())
    with mock.patch.multiple(F, **THEIRS), exact:
        kinds = ours()
        for kind, make in kinds.items():
            kind.__call__ = lambda self, x, make=make: make(self)(x)
        try:
            yield
        finally:
            for kind in kinds:
                del kind.__call__
