"""One architecture with the same weights in fastconv and in PyTorch, for `agree.py`."""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch_models
from network_peers import without_dropout
from torch.nn import functional as F

import fastconv
from fastconv import losses, models

LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
TINY = {"float32": 2.0**-24, "float64": 2.0**-53}  # rounding of a number of size 1


class Case(NamedTuple):
    build: object  # num_classes -> model of fastconv
    options: dict = {}  # noqa: RUF012  of the PyTorch model
    size: int = 64
    channels: int = 3
    pixels: bool = False  # a class for each pixel
    images: bool = False  # the target is the image
    weights: tuple = (1.0,)  # of the heads in the loss


GOOGLENET = losses.AuxiliaryCrossEntropy().weights
off, all_off = {"dropout": 0.0}, {"dropout": 0.0, "dropout_aux": 0.0}
shallow = {"dropout": 0.0, "stochastic_depth_prob": 0.0}
scaled = {"stochastic_depth_prob": 0.0, "layer_scale": 1.0}
MNASNETS = ("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3")
REGNETS = [f"regnet_{kind}_{work}" for kind in "xy" for work in ("400mf", "800mf", "1_6gf", "3_2gf")]
SHUFFLENETS = [f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")]
EFFICIENTNETS = [f"efficientnet_b{number}" for number in range(5)]
CASES = {
    "lenet5": Case(models.lenet5, size=28, channels=1),
    "alexnet": Case(partial(models.alexnet, **off), off, 96),
    "alexnet_original": Case(partial(models.alexnet, original=True, **off), off, 96),
    **{name: Case(partial(getattr(models, name), **off), off) for name in ("vgg11", "vgg16")},
    "googlenet": Case(partial(models.googlenet, aux_logits=True, **all_off), all_off, weights=GOOGLENET),
    "googlenet_original": Case(
        partial(models.googlenet, aux_logits=True, original=True, **all_off), all_off, 128, weights=GOOGLENET
    ),
    **{name: Case(getattr(models, name)) for name in ("resnet18", "resnet50")},
    "resnet20": Case(models.resnet20, size=32),
    "densenet121": Case(models.densenet121),
    "mobilenet_v1": Case(models.mobilenet_v1),
    "mobilenet_v2": Case(partial(models.mobilenet_v2, **off), off),
    **{name: Case(partial(getattr(models, name), **off), off) for name in MNASNETS},
    **{name: Case(getattr(models, name)) for name in (*REGNETS, *SHUFFLENETS, "resnext50_32x4d", "wide_resnet50_2")},
    **{name: Case(partial(getattr(models, name), **off), off) for name in ("mobilenet_v3_large", "mobilenet_v3_small")},
    **{name: Case(partial(getattr(models, name), **shallow), shallow) for name in EFFICIENTNETS},
    "convnext_tiny": Case(partial(models.convnext_tiny, **scaled), scaled),
    "inception_v3": Case(
        partial(models.inception_v3, aux_logits=True, **off), {**off, "init_weights": False}, 299, weights=(1.0, 0.4)
    ),
    "fcn_resnet50": Case(lambda num_classes: without_dropout(models.fcn_resnet50(num_classes)), size=65, pixels=True),
    "unet": Case(models.unet, size=61, pixels=True),
    "autoencoder": Case(lambda num_classes: models.autoencoder(), size=61, images=True),
    "squeezenet1_1": Case(partial(models.squeezenet1_1, **off), off, 128),
}


class Task:
    """One model with weights, images and classes."""

    def __init__(self, name, size, batch, classes, seed):
        self.name, self.case, self.classes = name, CASES[name], classes
        self.size, self.batch = size or self.case.size, batch
        network = self.network("float32", seed)
        self.weights = {name: a.copy() for name, a in network.arrays().items() if not name.endswith(".counter")}

    def draw(self, seed):
        """Images and targets."""
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((self.batch, *self.input_shape))
        if self.case.images:
            return x, x
        return x, rng.integers(self.classes, size=(self.batch, *(x.shape[2:] if self.case.pixels else ())))

    @property
    def input_shape(self):
        return (self.case.channels, self.size, self.size)

    @property
    def loss(self):
        if self.case.images:
            return losses.MSE("mean")
        weights = self.case.weights
        return losses.CrossEntropy() if len(weights) == 1 else losses.AuxiliaryCrossEntropy(weights)

    @property
    def prediction_loss(self):
        """Of the main head: in prediction PyTorch's modules have no others."""
        others = len(self.case.weights) - 1
        return losses.AuxiliaryCrossEntropy((self.case.weights[0], *[0.0] * others)) if others else self.loss

    def network(self, dtype, seed=0):
        """fastconv's network."""
        return fastconv.Network(self.case.build(num_classes=self.classes), self.input_shape, dtype, seed=seed)

    def filled(self, dtype):
        """fastconv's network with the weights."""
        network = self.network(dtype)
        put(network, self.weights)
        return network

    def module(self, dtype, layout="contiguous"):
        """PyTorch's module with the weights."""
        dtype = getattr(torch, dtype)
        with torch.device("meta"):  # no first weights are drawn
            module = torch_models.build(self.name, num_classes=self.classes, **self.case.options).to(dtype)
            if any(torch.nn.parameter.is_lazy(p) for p in module.parameters()):
                module(torch.zeros(1, *self.input_shape, dtype=dtype))
        module.to_empty(device="cpu")
        if dtype == torch.float64:
            module = torch_models.exact(module)
        return torch_models.fill(module, self.weights).to(memory_format=LAYOUTS[layout])

    def torch_loss(self, y, targets):
        if self.case.images:
            return F.mse_loss(y, targets.to(y.dtype))
        parts = zip(self.case.weights, y.split(self.classes, 1), strict=False)
        return sum(weight * F.cross_entropy(part, targets) for weight, part in parts)

    def torch_step(self, module, x, targets):
        """The loss of a batch, as a number, in the module's mode; gradients lie in the module."""
        module.zero_grad()
        loss = self.torch_loss(torch_models.logits(module(x)), targets)
        loss.backward()
        return float(loss.detach())


def put(network, arrays):
    known = network.arrays()
    for name, value in arrays.items():
        known[name][...] = value


def tensor(x, dtype, layout="contiguous"):
    return torch.from_numpy(x.astype(dtype)).to(memory_format=LAYOUTS[layout])


def verdict(good):
    return "ok" if good else "**missed**"
