"""The networks of `fastconv.models` in PyTorch: torchvision's, and definitions of those that torchvision lacks."""

import importlib
import sys
import warnings
from contextlib import nullcontext
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def torchvision_models():
    """torchvision.models; of a torchvision built for another PyTorch too, whose compiled operators no model needs."""
    try:
        return importlib.import_module("torchvision.models")
    except RuntimeError as error:
        if "does not exist" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torchvision_models.library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module("torchvision.models")


HEADS = ("aux_logits1", "aux_logits2", "aux_logits")


def build(name, **options):
    """The PyTorch module of a model's name; its output in training is the logits of all heads, one after another."""
    torchvision_models()
    if name in OWN:
        return OWN[name](**options)
    memory = torch.device("cpu") if name.startswith("regnet") else nullcontext()  # RegNet computes widths with tensors
    with warnings.catch_warnings(), memory:
        warnings.simplefilter("ignore")  # torchvision announces changes of its first weights
        return getattr(torchvision_models(), name)(**options)


def fill(module, arrays):
    """The module with these arrays, one for each entry of its state dict; MNASNet's `load_state_dict` takes no dict."""
    state = module.state_dict()
    if missing := sorted(state.keys() - arrays.keys()):
        raise ValueError(f"no arrays for {missing}")
    with torch.no_grad():
        for name, entry in state.items():
            entry.copy_(torch.from_numpy(np.asarray(arrays[name])))
    return module


class Hardsigmoid(nn.Module):
    """PyTorch's own multiplies its gradient with 1 / 6 in float32, in float64 too: 3e-8 too much."""

    def forward(self, x):
        return (x + 3).clamp(0, 6) / 6


def exact(module):
    """The module with what is exact in float64."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Hardsigmoid):
                setattr(parent, name, Hardsigmoid())
    return module


def logits(output):
    """(N, heads K): GoogLeNet gives main, aux2, aux1 in training, Inception v3 main and aux."""
    if isinstance(output, dict):  # of segmentation
        return torch.cat(list(output.values()), 1)
    if isinstance(output, torch.Tensor):
        return output
    return torch.cat([output.logits, *(getattr(output, name) for name in HEADS if hasattr(output, name))], 1)


class Numbered(nn.Sequential):
    """A sequence with names for some of its parts."""

    def __init__(self, *parts, **named):
        super().__init__()
        for name, part in [*((str(n), part) for n, part in enumerate(parts)), *named.items()]:
            self.add_module(name, part)


def conv_bn(inputs, outputs, kernel_size, stride=1, groups=1):
    conv = nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]


def mobilenet_v1(num_classes=1000):
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    features, inputs = [nn.Sequential(*conv_bn(3, 32, 3, 2))], 32
    for outputs, stride in plan:
        features.append(nn.Sequential(*conv_bn(inputs, inputs, 3, stride, inputs), *conv_bn(inputs, outputs, 1)))
        inputs = outputs
    return Numbered(
        features=nn.Sequential(*features),
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        classifier=nn.Linear(inputs, num_classes),
    )


def lenet5(num_classes=10):
    return Numbered(
        **{"conv1": nn.Conv2d(1, 6, 5, padding=2), "a": nn.Tanh(), "b": nn.AvgPool2d(2)},
        **{"conv2": nn.Conv2d(6, 16, 5), "c": nn.Tanh(), "d": nn.AvgPool2d(2), "e": nn.Flatten()},
        **{"fc1": nn.LazyLinear(120), "f": nn.Tanh(), "fc2": nn.Linear(120, 84), "g": nn.Tanh()},
        fc3=nn.Linear(84, num_classes),
    )


class Basic(nn.Module):
    """Option A: every second pixel, zeros for further channels."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1, _ = conv_bn(inputs, outputs, 3, stride)
        self.conv2, self.bn2, _ = conv_bn(outputs, outputs, 3)
        self.stride, self.more = stride, outputs - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more)))


def resnet20(num_classes=10):
    conv1, bn1, relu = conv_bn(3, 16, 3)
    stages = {
        f"layer{n + 1}": nn.Sequential(
            *(Basic(8 << n if n and not i else 16 << n, 16 << n, 2 if n and not i else 1) for i in range(3))
        )
        for n in range(3)
    }
    tail = {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(64, num_classes)}
    return Numbered(conv1=conv1, bn1=bn1, relu=relu, **stages, **tail)


def alexnet_original(num_classes=1000, dropout=0.5):
    def norm():
        return nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0)

    return Numbered(
        **{"conv1": nn.Conv2d(3, 96, 11, 4, 2), "a": nn.ReLU(), "b": norm(), "c": nn.MaxPool2d(3, 2)},
        **{"conv2": nn.Conv2d(96, 256, 5, padding=2, groups=2), "d": nn.ReLU(), "e": norm(), "f": nn.MaxPool2d(3, 2)},
        **{"conv3": nn.Conv2d(256, 384, 3, padding=1), "g": nn.ReLU()},
        **{"conv4": nn.Conv2d(384, 384, 3, padding=1, groups=2), "h": nn.ReLU()},
        **{"conv5": nn.Conv2d(384, 256, 3, padding=1, groups=2), "i": nn.ReLU(), "j": nn.MaxPool2d(3, 2)},
        **{"k": nn.Flatten(), "fc6": nn.LazyLinear(4096), "l": nn.ReLU(), "m": nn.Dropout(dropout)},
        **{"fc7": nn.Linear(4096, 4096), "n": nn.ReLU(), "o": nn.Dropout(dropout)},
        fc8=nn.Linear(4096, num_classes),
    )


class WithBias(nn.Module):
    def __init__(self, inputs, outputs, **window):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, **window)

    def forward(self, x):
        return F.relu(self.conv(x))


def googlenet_original(num_classes=1000, aux_logits=True, **dropout):
    """torchvision's with biases, 5 x 5 filters, wide last pool and local response normalisation."""
    module = importlib.import_module(torchvision_models().GoogLeNet.__module__)

    def inception(*channels):
        block = module.Inception(*channels, conv_block=WithBias)
        block.branch3[1] = WithBias(channels[4], channels[5], kernel_size=5, padding=2)
        return block

    def auxiliary(*arguments, **options):
        return module.InceptionAux(*arguments, conv_block=WithBias, **options)

    blocks = [WithBias, inception, auxiliary]
    net = module.GoogLeNet(num_classes, aux_logits, init_weights=False, blocks=blocks, **dropout)
    net.maxpool1 = nn.Sequential(net.maxpool1, nn.LocalResponseNorm(5))
    net.maxpool2 = nn.Sequential(nn.LocalResponseNorm(5), net.maxpool2)
    net.maxpool4 = nn.MaxPool2d(3, 2, ceil_mode=True)
    return net


def fcn_resnet50(num_classes=21, aux_loss=False):
    """torchvision's, without dropout."""
    make = importlib.import_module("torchvision.models.segmentation").fcn_resnet50
    net = make(weights=None, weights_backbone=None, num_classes=num_classes, aux_loss=aux_loss)
    for part in net.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return net


def pair(inputs, channels):
    return nn.Sequential(*conv_bn(inputs, channels, 3), *conv_bn(channels, channels, 3))


class UNet(nn.Module):
    def __init__(self, num_classes=2, depth=4, width=64, channels=3):
        super().__init__()
        self.depth = depth
        for level in range(depth):
            self.add_module(f"down{level + 1}", pair(width << level - 1 if level else channels, width << level))
        self.middle = pair(width << depth - 1, width << depth)
        for level in reversed(range(depth)):
            up = nn.ConvTranspose2d(width << level + 1, width << level, 2, stride=2)
            self.add_module(f"up{level + 1}", Numbered(up=up, conv=pair(width << level + 1, width << level)))
        self.head = nn.Conv2d(width, num_classes, 1)

    def forward(self, x):
        kept = []
        for level in range(self.depth):
            kept.append(getattr(self, f"down{level + 1}")(x))
            x = F.max_pool2d(kept[-1], 2)
        x = self.middle(x)
        for level in reversed(range(self.depth)):
            part = getattr(self, f"up{level + 1}")
            x = part.conv(torch.cat([kept[level], part.up(x, output_size=kept[level].shape[2:])], 1))
        return self.head(x)


class Autoencoder(nn.Module):
    def __init__(self, num_classes=None, code=8, depth=2, width=16, channels=3):
        super().__init__()
        widths = [channels, *(width << level for level in range(depth - 1)), code]
        pairs = list(pairwise(widths))
        there = [layer for pair in pairs for layer in (nn.Conv2d(*pair, 3, 2, 1), nn.ReLU())]
        back = [layer for a, b in pairs[::-1] for layer in (nn.ConvTranspose2d(b, a, 3, 2, 1), nn.ReLU())]
        self.encoder, self.decoder = nn.ModuleList(there[:-1]), nn.ModuleList([*back[:-1], nn.Sigmoid()])

    def forward(self, x):
        sizes = []
        for part in self.encoder:
            if isinstance(part, nn.Conv2d):
                sizes.append(x.shape[2:])
            x = part(x)
        for part in self.decoder:
            x = part(x, output_size=sizes.pop()) if isinstance(part, nn.ConvTranspose2d) else part(x)
        return x


OWN = {
    "autoencoder": Autoencoder,
    "fcn_resnet50": fcn_resnet50,
    "unet": UNet,
    "alexnet_original": alexnet_original,
    "googlenet_original": googlenet_original,
    "lenet5": lenet5,
    "mobilenet_v1": mobilenet_v1,
    "resnet20": resnet20,
}
