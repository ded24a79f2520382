"""Models with weights by a formula, and what PyTorch computes with them.

`python tests/support/agreement.py` stores it anew.

Weights, images and the vectors that gradients are multiplied with come from one integer formula, so that a few numbers
suffice: for each model the loss, the prediction, and for each parameter the sum of gradient x vector. Where the output
is an image, its sum with such a vector is stored.
"""

import json
import sys
import zlib
from collections.abc import Callable
from functools import partial
from math import prod, sqrt
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np

from fastconv import layers, losses, models

STORED = Path(__file__).parents[1] / "models" / "agreement.json"
CLASSES, BATCH, PERIOD = 5, 3, 65_521


class Case(NamedTuple):
    """A model of both libraries."""

    build: Callable  # num_classes -> what fastconv builds
    options: dict = {}  # noqa: RUF012  of torchvision's
    size: int = 40  # height and width
    weights: tuple = (1.0,)  # of the heads in the loss
    pixels: bool = False  # a class for each pixel
    images: bool = False  # the target is the image


OFF, SHALLOW = {"dropout": 0.0}, {"dropout": 0.0, "stochastic_depth_prob": 0.0}
GOOGLENET = {**OFF, "dropout_aux": 0.0}
SMALL_UNET, SMALL_CODE = {"depth": 3, "width": 4}, {"code": 6, "depth": 3, "width": 8}
SCALED = {"stochastic_depth_prob": 0.0, "layer_scale": 1.0}


def with_options(name, options, **case):
    """A case whose options both libraries take."""
    return Case(partial(getattr(models, name), **options), options, **case)


CASES = {
    "alexnet": with_options("alexnet", OFF, size=64),
    "autoencoder": Case(lambda num_classes: models.autoencoder(**SMALL_CODE), SMALL_CODE, 37, images=True),
    "convnext_tiny": with_options("convnext_tiny", SCALED),
    "densenet121": Case(models.densenet121),
    "efficientnet_b0": with_options("efficientnet_b0", SHALLOW),
    "fcn_resnet50": Case(lambda num_classes: without_dropout(models.fcn_resnet50(num_classes)), size=33, pixels=True),
    "googlenet": Case(
        partial(models.googlenet, aux_logits=True, **GOOGLENET),
        {**GOOGLENET, "init_weights": False},
        weights=losses.AuxiliaryCrossEntropy().weights,
    ),
    "inception_v3": Case(
        partial(models.inception_v3, **OFF), {**OFF, "init_weights": False, "aux_logits": False}, size=75
    ),
    "mnasnet0_5": with_options("mnasnet0_5", OFF),
    "mobilenet_v1": Case(models.mobilenet_v1),
    "mobilenet_v2": with_options("mobilenet_v2", OFF),
    "mobilenet_v3_large": with_options("mobilenet_v3_large", OFF),
    "mobilenet_v3_small": with_options("mobilenet_v3_small", OFF),
    "regnet_x_400mf": Case(models.regnet_x_400mf),
    "regnet_y_400mf": Case(models.regnet_y_400mf),
    "resnet18": Case(models.resnet18),
    "resnet20": Case(models.resnet20, size=20),
    "resnext50_32x4d": Case(models.resnext50_32x4d),
    "shufflenet_v2_x0_5": Case(models.shufflenet_v2_x0_5),
    "squeezenet1_1": with_options("squeezenet1_1", OFF),
    "unet": with_options("unet", SMALL_UNET, size=37, pixels=True),
}


def without_dropout(model):
    """The model, whose dropout layers pass on what they get."""

    def built(x):
        with mock.patch.object(layers.Dropout, "__call__", lambda self, x: x):
            return model(x)

    return built


def numbers(name):
    """PERIOD numbers in [-1, 1) that depend on the name alone."""
    place = np.arange(PERIOD, dtype=np.uint64) + np.uint64(zlib.crc32(name.encode()))
    mask = np.uint64(0xFFFFFFFF)
    for factor, shift in ((2_654_435_761, 16), (2_246_822_519, 13), (3_266_489_917, 16)):
        place = place * np.uint64(factor) & mask
        place ^= place >> np.uint64(shift)
    return place / 2.0**31 - 1


def weight(name, shape):
    """One entry of the state: matrices +-sqrt(6 / fan_in), scales and variances 1 +- 0.5, the rest +-0.2."""
    if name.endswith("num_batches_tracked"):
        return np.zeros((), np.int64)
    u = numbers(name)
    if len(shape) > 1:
        return np.resize(u * sqrt(6 / prod(shape[1:])), shape)
    return np.resize(1 + u / 2 if name.endswith(("weight", "var")) else u / 5, shape)


def product(g, name):
    """sum g numbers(name), the numbers repeated."""
    g, u = g.reshape(-1), numbers(name)
    whole = g.size // PERIOD * PERIOD
    return float(g[:whole].reshape(-1, PERIOD).sum(0) @ u + g[whole:] @ u[: g.size - whole])


def batch(name):
    """Images and targets."""
    case = CASES[name]
    x = 2 * np.resize(numbers("images"), (BATCH, 3, case.size, case.size))
    if case.images:
        return x, x
    return x, np.resize(np.arange(7) % CLASSES, (BATCH, *(x.shape[2:] if case.pixels else ())))


def loss(name):
    case = CASES[name]
    if case.images:
        return losses.MSE("mean")
    return losses.CrossEntropy() if len(case.weights) == 1 else losses.AuxiliaryCrossEntropy(case.weights)


def seen(value, predicted, gradients):
    """What is stored: numbers, and of a gradient or an image the sum with a vector and the norm."""
    return {
        "loss": float(value),
        "predicted": predicted.tolist() if predicted.ndim == 2 else [short("predicted", predicted)],
        "gradients": {name: short(name, g) for name, g in gradients.items()},
    }


def short(name, g):
    """[sum g vector, norm of g]"""
    return [product(g, f"vector {name}"), float(np.linalg.norm(g.ravel()))]


def of_torch(name):
    import torch
    import torch_models
    from torch.nn import functional as F

    case = CASES[name]
    module = torch_models.build(name, num_classes=CLASSES, **case.options).double()
    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    module = torch_models.exact(torch_models.fill(module, {key: weight(key, s) for key, s in shapes.items()}))
    x, targets = map(torch.from_numpy, batch(name))
    module.eval()
    with torch.no_grad():
        predicted = torch_models.logits(module(x)).numpy()
    module.train()
    y = torch_models.logits(module(x))
    parts = zip(case.weights, y.split(CLASSES, 1), strict=False)
    value = F.mse_loss(y, targets) if case.images else sum(w * F.cross_entropy(part, targets) for w, part in parts)
    value.backward()
    return seen(value.detach(), predicted, {key: p.grad.numpy() for key, p in module.named_parameters()})


def shortened(results):
    """JSON with twelve digits."""
    rounded = json.loads(json.dumps(results), parse_float=lambda digits: float(f"{float(digits):.12g}"))
    return json.dumps(rounded)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    lines = [f"{json.dumps(name)}: {shortened(of_torch(name))}" for name in CASES]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
