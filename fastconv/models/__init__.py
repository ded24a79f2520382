"""Architectures: functions that return a model.

    Network(models.resnet18(num_classes=10), (3, 64, 64), seed=0)

Parameters and buffers have torchvision's names, so its weights load as they
are (`Network.load`). Numbers in brackets are those of `docs/references.md`.

Models (fastconv.models)
    zhang2016                   the network of Zhang's derivation (2016)
    nielsen                     a convolution, a pooling, a dense layer
    chain                       any number of convolutions and poolings
    lenet5                      LeNet-5 (1998), for digits
    alexnet                     AlexNet (2012)
    vgg11, vgg13, vgg16, vgg19  VGG (2014)
    vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn      VGG with batch norm
    googlenet                   GoogLeNet (2014), with or without its heads
    resnet18, resnet34, resnet50, resnet101, resnet152      ResNet (2015)
    resnet8, resnet20, resnet32, resnet56, resnet110        for 32 x 32
    squeezenet1_0, squeezenet1_1                SqueezeNet (2016), small
    densenet121, densenet161, densenet169, densenet201      DenseNet (2016)
    mobilenet_v1, mobilenet_v2                  depthwise convolutions
    mnasnet0_5, mnasnet0_75, mnasnet1_0, mnasnet1_3         MNASNet (2019)
    resnext50_32x4d, wide_resnet50_2            ResNet in groups; wider
    regnet_x_400mf, regnet_x_800mf,
    regnet_x_1_6gf, regnet_x_3_2gf              RegNet (2020), by work;
    regnet_y_400mf, regnet_y_800mf,
    regnet_y_1_6gf, regnet_y_3_2gf              with squeeze and excitation
    mobilenet_v3_large, mobilenet_v3_small      MobileNetV3 (2019)
    efficientnet_b0, efficientnet_b1, efficientnet_b2,
    efficientnet_b3, efficientnet_b4            EfficientNet (2019)
    inception_v3                Inception v3 (2016), perhaps with its head
    convnext_tiny               ConvNeXt (2022)
    shufflenet_v2_x0_5, shufflenet_v2_x1_0,
    shufflenet_v2_x1_5, shufflenet_v2_x2_0      ShuffleNetV2 (2018)
    fcn_resnet50                FCN (2015): a class for each pixel
    unet                        U-Net (2015): a class for each pixel
    autoencoder                 a small code of each image, and back
    described, build            a model's name and arguments, and back
    known, Entry                the models of the command line, by name
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from .. import losses
from ..arguments.rooms import furnish as _furnish
from ..typing import Shape
from .alexnet import alexnet
from .autoencoder import autoencoder
from .blocks import Model
from .chain import chain
from .convnext import convnext_tiny
from .densenet import densenet121, densenet161, densenet169, densenet201
from .described import build, described
from .efficientnet import efficientnet_b0, efficientnet_b1, efficientnet_b2, efficientnet_b3, efficientnet_b4
from .fcn import fcn_resnet50
from .googlenet import googlenet
from .inception_v3 import inception_v3
from .lenet5 import lenet5
from .mnasnet import mnasnet0_5, mnasnet0_75, mnasnet1_0, mnasnet1_3
from .mobilenet_v1 import mobilenet_v1
from .mobilenet_v2 import mobilenet_v2
from .mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from .nielsen import nielsen
from .regnet import (
    regnet_x_1_6gf,
    regnet_x_3_2gf,
    regnet_x_400mf,
    regnet_x_800mf,
    regnet_y_1_6gf,
    regnet_y_3_2gf,
    regnet_y_400mf,
    regnet_y_800mf,
)
from .resnet import resnet18, resnet34, resnet50, resnet101, resnet152, resnext50_32x4d, wide_resnet50_2
from .resnet_cifar import resnet8, resnet20, resnet32, resnet56, resnet110
from .shufflenet_v2 import shufflenet_v2_x0_5, shufflenet_v2_x1_0, shufflenet_v2_x1_5, shufflenet_v2_x2_0
from .squeezenet import squeezenet1_0, squeezenet1_1
from .unet import unet
from .vgg import vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from .zhang2016 import zhang2016

__all__ = [
    "Entry",
    "alexnet",
    "autoencoder",
    "build",
    "chain",
    "convnext_tiny",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "described",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "fcn_resnet50",
    "googlenet",
    "inception_v3",
    "known",
    "lenet5",
    "mnasnet0_5",
    "mnasnet0_75",
    "mnasnet1_0",
    "mnasnet1_3",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "nielsen",
    "regnet_x_1_6gf",
    "regnet_x_3_2gf",
    "regnet_x_400mf",
    "regnet_x_800mf",
    "regnet_y_1_6gf",
    "regnet_y_3_2gf",
    "regnet_y_400mf",
    "regnet_y_800mf",
    "resnet8",
    "resnet18",
    "resnet20",
    "resnet32",
    "resnet34",
    "resnet50",
    "resnet56",
    "resnet101",
    "resnet110",
    "resnet152",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
    "squeezenet1_0",
    "squeezenet1_1",
    "unet",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
    "wide_resnet50_2",
    "zhang2016",
]


class Entry(NamedTuple):
    """What the command line needs to know about a model.

    Examples
    --------
    >>> from fastconv import Network, models
    >>> entry = models.known["lenet5"]
    >>> Network(entry.build(), entry.input_shape, seed=0).output_shape
    (10,)
    >>> entry.loss
    CrossEntropy()
    """

    build: Callable[[], Model]
    input_shape: Shape
    loss: losses.Loss


known = {
    "zhang2016": Entry(zhang2016, (1, 28, 28), losses.MSE()),
    "nielsen": Entry(nielsen, (1, 28, 28), losses.CrossEntropy()),
    "nielsen-l2": Entry(partial(nielsen, pool="l2"), (1, 28, 28), losses.CrossEntropy()),
    "chain": Entry(chain, (1, 28, 28), losses.CrossEntropy()),
    "lenet5": Entry(lenet5, (1, 28, 28), losses.CrossEntropy()),
    "resnet20": Entry(resnet20, (1, 28, 28), losses.CrossEntropy()),
}

_furnish(__name__)
