"""Models with weights by a formula, and what PyTorch computes with them.

`python tests/support/agreement.py` stores it anew.

Weights, images and the vectors that gradients are multiplied with come from one integer formula, so that a few numbers
suffice: for each model the loss, the prediction, and for each parameter the sum of gradient x vector.
"""

import json
import sys
import zlib
from functools import partial
from math import prod, sqrt
from pathlib import Path

import numpy as np

from fastconv import losses, models

STORED = Path(__file__).parents[1] / "models" / "agreement.json"
CLASSES, BATCH, PERIOD = 5, 3, 65_521
off = {"dropout": 0.0}
CASES = {  # model -> what fastconv builds, the options of torchvision's, height and width
    "alexnet": (partial(models.alexnet, **off), off, 64),
    "densenet121": (models.densenet121, {}, 40),
    "googlenet": (
        partial(models.googlenet, aux_logits=True, **off, dropout_aux=0.0),
        {**off, "dropout_aux": 0.0, "init_weights": False},
        40,
    ),
    "mobilenet_v1": (models.mobilenet_v1, {}, 40),
    "mobilenet_v2": (partial(models.mobilenet_v2, **off), off, 40),
    "resnet18": (models.resnet18, {}, 40),
    "resnet20": (models.resnet20, {}, 20),
    "squeezenet1_1": (partial(models.squeezenet1_1, **off), off, 40),
}


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
    size = CASES[name][2]
    return 2 * np.resize(numbers("images"), (BATCH, 3, size, size)), np.arange(BATCH) % CLASSES


def loss(name):
    return losses.AuxiliaryCrossEntropy() if name == "googlenet" else losses.CrossEntropy()


def seen(value, predicted, gradients):
    """What is stored: numbers, and a list for each gradient of its sum with the vector and its norm."""
    return {
        "loss": float(value),
        "predicted": predicted.tolist(),
        "gradients": {
            name: [product(g, f"vector {name}"), float(np.linalg.norm(g.ravel()))] for name, g in gradients.items()
        },
    }


def of_torch(name):
    import torch
    import torch_models
    from torch.nn import functional as F

    module = torch_models.build(name, num_classes=CLASSES, **CASES[name][1]).double()
    state = {key: torch.from_numpy(np.array(weight(key, value.shape))) for key, value in module.state_dict().items()}
    module.load_state_dict(state)
    x, targets = map(torch.from_numpy, batch(name))
    module.eval()
    with torch.no_grad():
        predicted = module(x).numpy()
    module.train()
    parts = torch_models.logits(module(x)).split(CLASSES, 1)
    value = sum(w * F.cross_entropy(part, targets) for w, part in zip((1, 0.3, 0.3), parts, strict=False))
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
