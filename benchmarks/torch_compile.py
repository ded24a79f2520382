"""Networks that `fastconv.torch.compile` makes of PyTorch's modules: how far outputs and gradients are from PyTorch's.

    python benchmarks/torch_compile.py                                torchvision's classifiers and others, float64
    python benchmarks/torch_compile.py --models resnet18,timm/resnet18 --dtype float32
    python benchmarks/torch_compile.py --facenet FOLDER   and the networks of facenet-pytorch in it

Outputs in eval mode, and for classifiers the gradients of a step in training mode, relative to the largest entry. What
is random in training is set to 0, and PyTorch's hardsigmoid, whose gradient is exact to float32 alone, gives way to its
equation. Models of timm are named timm/NAME. The exit status is 1 where a limit is missed.
"""

import argparse
import importlib
import sys

import numpy as np
import torch
import torch_models
from agree import SMALL, largest
from agree_task import verdict
from torch import nn
from torch.nn import functional as F

import fastconv
import fastconv.torch

SIZES = {
    "mobilenet_v3_small": 160,
    "timm/mobilenetv3_small_100": 160,
    "inception_v3": 299,
    "RNet": 24,
    "ONet": 48,
    "InceptionResnetV1": 96,
}  # 64 else
LIMITS = {"float64": (1e-9, 1e-9), "float32": (1e-4, float("inf"))}  # of outputs and gradients
CLASSIFIERS = (
    "alexnet,vgg11,vgg11_bn,vgg16,resnet18,resnet50,densenet121,googlenet,inception_v3,squeezenet1_0,squeezenet1_1,"
    "mobilenet_v2,mobilenet_v3_small,mobilenet_v3_large,mnasnet1_0,shufflenet_v2_x1_0,regnet_x_400mf,regnet_y_400mf,"
    "resnext50_32x4d,wide_resnet50_2,efficientnet_b0,efficientnet_b2,efficientnet_b3,efficientnet_b4,convnext_tiny"
)
OTHERS = "segmentation/fcn_resnet50,unet,timm/resnet18,timm/mobilenetv3_small_100,timm/efficientnet_b0"
FACES = "PNet,RNet,ONet,InceptionResnetV1"


def module_of(name):
    """A module with its first weights."""
    torch.manual_seed(0)
    if name in FACES.split(","):
        file = "mtcnn" if name.endswith("Net") else "inception_resnet_v1"
        file = importlib.import_module(f"facenet_pytorch.models.{file}")
        return getattr(file, name)(**({} if name.endswith("Net") else {"pretrained": None}))
    if name.startswith("timm/"):
        torch_models.torchvision_models()
        return importlib.import_module("timm").create_model(name.removeprefix("timm/"))
    if name.startswith("segmentation/"):
        kind = getattr(torch_models.torchvision_models().segmentation, name.removeprefix("segmentation/"))
        return kind(weights=None, weights_backbone=None)
    if name == "unet":
        return torch_models.build(name, num_classes=3)
    return torch_models.build(name, **({"init_weights": False} if name in ("googlenet", "inception_v3") else {}))


def without_randomness(module):
    for part in module.modules():
        if isinstance(part, nn.modules.dropout._DropoutNd) or type(part).__name__ == "StochasticDepth":
            part.p = 0.0
        if type(part).__name__ == "DropPath":
            part.drop_prob = 0.0
        if isinstance(getattr(part, "drop_rate", None), float):
            part.drop_rate = 0.0
    return module


def settled(module, x):
    """In eval mode, with running statistics of these images."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.momentum = 0.5
    with torch.no_grad():
        module.train()(x)
    return module.eval()


def listed(y):
    return list(y.values()) if isinstance(y, dict) else list(y) if isinstance(y, tuple) else [y]


def outputs(module, x):
    """The largest difference of outputs in eval mode."""
    network = fastconv.torch.compile(settled(module, x), x)
    with torch.no_grad():
        theirs = listed(module(x))
    return max(largest(b, a.numpy()) for a, b in zip(theirs, listed(network.predict(x.numpy())), strict=True))


def gradients(module, x):
    """The largest difference of gradients of a step in training mode; None where the module is no classifier."""
    network = fastconv.torch.compile(module.train(), x)
    y = torch_models.exact(module)(x)
    if not isinstance(y, torch.Tensor) or y.dim() != 2:
        return None
    targets = np.arange(len(x))
    F.cross_entropy(y, torch.from_numpy(targets)).backward()
    _, ours = network.gradients(x.numpy(), targets, fastconv.CrossEntropy())
    theirs = {name: p.grad.numpy() for name, p in module.named_parameters() if p.grad is not None}
    least = SMALL * max(np.abs(g).max() for g in theirs.values())
    names = {
        name: name if name in list(ours) else f"{name}.weight" for name in theirs
    }  # no layer of PyTorch holds these
    return max(largest(ours[names[name]].reshape(g.shape), g, least) for name, g in theirs.items())


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--models", default=f"{CLASSIFIERS},{OTHERS}", metavar="A,B")
    add("--dtype", default="float64", choices=list(LIMITS))
    add("--facenet", metavar="FOLDER", help="where facenet-pytorch was unpacked")
    options = parser.parse_args(given)
    names = options.models.split(",")
    if options.facenet:
        sys.path.insert(0, options.facenet)
        names += FACES.split(",")
    print(f"| model | {options.dtype} outputs | gradients | |\n|---|---|---|---|")
    right = True
    for name in names:
        module = without_randomness(module_of(name)).to(getattr(torch, options.dtype))
        side = SIZES.get(name, 64)
        x = torch.randn(3, 3, side, side, dtype=getattr(torch, options.dtype))
        output, gradient = outputs(module, x), gradients(module, x)
        good = output <= LIMITS[options.dtype][0] and (gradient or 0.0) <= LIMITS[options.dtype][1]
        right &= good
        print(
            f"| {name} | {output:.1e} | {'' if gradient is None else f'{gradient:.1e}'} | {verdict(good)} |", flush=True
        )
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
