"""GoogLeNet: Szegedy et al. 2015 [45], table 1."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from .. import init
from ..graph import Node, concat, sequential
from ..layers import (
    AdaptiveAvgPool2D,
    BatchNorm,
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    MainHead,
    MaxPool2D,
    ReLU,
)
from .blocks import Model, architecture, numbered, scoped, shown

Unit: TypeAlias = Callable[..., Model]  # (channels, kernel_size, stride=1) -> a convolution and its ReLU

# 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = ("4a", "4d")  # the inceptions whose results the auxiliary heads read
pool = partial(MaxPool2D, 3, ceil_mode=True)


def with_batch_norm(channels: int, kernel_size: int, stride: int = 1) -> Model:
    """conv, bn (eps 0.001), ReLU: as torchvision has it."""
    conv = Conv2D(
        channels, kernel_size, stride=stride, padding=kernel_size // 2, bias=False, init=init.normal(0.01), name="conv"
    )
    return sequential(conv, BatchNorm(eps=0.001, name="bn"), ReLU())


def with_bias(channels: int, kernel_size: int, stride: int = 1) -> Model:
    """conv with a bias that starts at 0.2, ReLU: as in the paper."""
    rules: dict[str, Any] = {"init": "glorot_uniform", "bias_init": init.constant(0.2)}
    return sequential(
        Conv2D(channels, kernel_size, stride=stride, padding=kernel_size // 2, name="conv", **rules), ReLU()
    )


@shown
def inception(unit: Unit, wide: int, channels: Sequence[int]) -> Model:
    """Filters of several sizes side by side; `wide` is the size of the widest."""
    one, reduce3, three, reduce5, five, projection = channels

    def model(x: Node) -> Node:
        return concat(
            scoped("branch1", unit(one, 1))(x),
            scoped("branch2", numbered(unit(reduce3, 1), unit(three, 3)))(x),
            scoped("branch3", numbered(unit(reduce5, 1), unit(five, wide)))(x),
            scoped("branch4", numbered(pool(1, 1), unit(projection, 1)))(x),
        )

    return model


def auxiliary(unit: Unit, num_classes: int, dropout: float) -> Model:
    """A classifier on a result from halfway."""
    return sequential(
        *(AdaptiveAvgPool2D(4), scoped("conv", unit(128, 1)), Flatten()),
        *(linear(1024, name="fc1"), ReLU(), Dropout(dropout), linear(num_classes, name="fc2")),
    )


def stem(unit: Unit, original: bool) -> Model:
    """Three convolutions and two pools; in the paper with local response normalisation beside the pools."""
    first: list[Model] = [scoped("conv1", unit(64, 7, 2)), pool(2, name="maxpool1")]
    second: list[Model] = [scoped("conv2", unit(64, 1)), scoped("conv3", unit(192, 3))]
    if original:
        first.append(LocalResponseNorm(5))
        second.append(LocalResponseNorm(5))
    return sequential(*first, *second, pool(2, name="maxpool2"))


linear = partial(Linear, init=init.normal(0.01), bias_init="fan_in_uniform")


@shown
@architecture
def googlenet(
    num_classes: int = 1000,
    aux_logits: bool = False,
    original: bool = False,
    dropout: float | None = None,
    dropout_aux: float = 0.7,
) -> Model:
    """GoogLeNet (Szegedy et al. 2015 [45]): nine inceptions, with torchvision's names and shapes; 6,624,904 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs of each head.
    aux_logits : bool
        With True two auxiliary classifiers read results from halfway: 13,004,888 parameters, trained with
        `losses.AuxiliaryCrossEntropy()`.
    original : bool
        False: as torchvision has it; the widest filters are 3 x 3, and batch normalisation follows each convolution.
        True: as in the paper; the widest filters are 5 x 5, there are biases in place of batch normalisation, and
        local response normalisation after the first pool and before the second: 6,998,552 parameters.
    dropout : float, optional
        The probability with which a value before the last dense layer is set to 0 in training. None: 0.4 in the
        paper's network, else 0.2.
    dropout_aux : float
        The same in the auxiliary classifiers.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,). With `aux_logits` the logits of the three heads one after another,
        (3 num_classes,): the main one, aux1, aux2. In prediction aux1 and aux2 give -inf, so that argmax and softmax
        are the main head's.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.models.googlenet(), (3, 32, 32), seed=0).summary().parameters
    6624904
    >>> fastconv.Network(fastconv.models.googlenet(10, aux_logits=True), (3, 32, 32), seed=0).output_shape
    (30,)
    """
    unit, wide = (with_bias, 5) if original else (with_batch_norm, 3)
    rate = dropout if dropout is not None else 0.4 if original else 0.2

    def model(x: Node) -> Node:
        x = stem(unit, original)(x)
        heads: list[Node] = []
        for name, channels in INCEPTIONS.items():
            if name == "4a":
                x = pool(2, name="maxpool3")(x)
            if name == "5a":
                x = (pool(2) if original else MaxPool2D(2, 2, ceil_mode=True))(x)
            x = scoped(f"inception{name}", inception(unit, wide, channels))(x)
            if aux_logits and name in AUXILIARY:
                head = auxiliary(unit, num_classes, dropout_aux)
                heads.append(scoped(f"aux{len(heads) + 1}", head)(x))
        y = sequential(AdaptiveAvgPool2D(1), Flatten(), Dropout(rate), linear(num_classes, name="fc"))(x)
        return MainHead(num_classes)(concat(y, *heads)) if heads else y

    return model
