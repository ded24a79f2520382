"""Inception v3: Szegedy et al. 2016 [33], table 1 and figures 5 to 10."""

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from .. import init
from ..graph import Node, concat, sequential
from ..layers import (
    AdaptiveAvgPool2D,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    MainHead,
    MaxPool2D,
    ReLU,
)
from .blocks import Model, architecture, scoped, shown

Size: TypeAlias = int | tuple[int, int]
WIDE, TALL = (1, 7), (7, 1)


def unit(name: str, channels: int, kernel_size: Size, stride: int = 1, same: bool = True) -> Model:
    """conv, bn (eps 0.001), ReLU below `name`; with zeros around so that stride 1 keeps the size, or without."""
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    padding = (kh // 2, kw // 2) if same else 0
    conv = Conv2D(channels, (kh, kw), stride=stride, padding=padding, bias=False, init="he_normal_out", name="conv")
    return scoped(name, sequential(conv, BatchNorm(eps=0.001, name="bn"), ReLU()))


def branch(name: str, *units: tuple[int, Size]) -> Model:
    """Units one after another: <name>_1, <name>_2, ..."""
    return sequential(*(unit(f"{name}_{number}", *each) for number, each in enumerate(units, 1)))


def halving(name: str, *units: tuple[int, Size]) -> Model:
    """The same, but the last has stride 2 and no zeros around."""
    channels, kernel_size = units[-1]
    return sequential(branch(name, *units[:-1]), unit(f"{name}_{len(units)}", channels, kernel_size, 2, False))


def pooled(channels: int) -> Model:
    """The mean of 3 x 3 pixels, zeros around among them, and a 1 x 1 convolution."""
    return sequential(AvgPool2D(3, 1, padding=1), unit("branch_pool", channels, 1))


def beside(*branches: Model) -> Model:
    """Their results side by side."""
    return lambda x: concat(*(each(x) for each in branches))


@shown
def fives(pool: int) -> Model:
    """Figure 5: 1 x 1, 5 x 5, two 3 x 3, a mean."""
    return beside(
        unit("branch1x1", 64, 1),
        branch("branch5x5", (48, 1), (64, 5)),
        branch("branch3x3dbl", (64, 1), (96, 3), (96, 3)),
        pooled(pool),
    )


@shown
def to_17() -> Model:
    """Figure 10: from 35 to 17 rows."""
    return beside(
        unit("branch3x3", 384, 3, 2, False), halving("branch3x3dbl", (64, 1), (96, 3), (96, 3)), MaxPool2D(3, 2)
    )


@shown
def sevens(c: int) -> Model:
    """Figure 6: 1 x 1, a 7 x 7 as 1 x 7 and 7 x 1, two of them, a mean; `c` channels inside."""
    return beside(
        unit("branch1x1", 192, 1),
        branch("branch7x7", (c, 1), (c, WIDE), (192, TALL)),
        branch("branch7x7dbl", (c, 1), (c, TALL), (c, WIDE), (c, TALL), (192, WIDE)),
        pooled(192),
    )


@shown
def to_8() -> Model:
    """From 17 to 8 rows."""
    return beside(
        halving("branch3x3", (192, 1), (320, 3)),
        halving("branch7x7x3", (192, 1), (192, WIDE), (192, TALL), (192, 3)),
        MaxPool2D(3, 2),
    )


def both(name: str) -> Model:
    """1 x 3 and 3 x 1 side by side."""
    return beside(unit(f"{name}a", 384, (1, 3)), unit(f"{name}b", 384, (3, 1)))


@shown
def spread() -> Model:
    """Figure 7: most channels, on the smallest planes."""
    return beside(
        unit("branch1x1", 320, 1),
        sequential(branch("branch3x3", (384, 1)), both("branch3x3_2")),
        sequential(branch("branch3x3dbl", (448, 1), (384, 3)), both("branch3x3dbl_3")),
        pooled(192),
    )


def mixed(place: str, *parts: Model) -> list[Model]:
    """Mixed_<place>b, c, ..., or from a on where the first halves the planes."""
    first = "b" if place == "5" else "a"
    return [scoped(f"Mixed_{place}{chr(ord(first) + number)}", part) for number, part in enumerate(parts)]


linear = partial(Linear, init=init.normal(0.01))


def auxiliary(num_classes: int) -> Model:
    """A classifier on planes of 17 x 17."""
    return sequential(
        AvgPool2D(5, 3),
        *(unit("conv0", 128, 1), unit("conv1", 768, 5, same=False)),
        *(AdaptiveAvgPool2D(1), Flatten(), linear(num_classes, name="fc")),
    )


def stem() -> Sequence[Model]:
    """Five convolutions and two pools: from 299 to 35 rows."""
    return (
        *(unit("Conv2d_1a_3x3", 32, 3, 2, False), unit("Conv2d_2a_3x3", 32, 3, 1, False)),
        *(unit("Conv2d_2b_3x3", 64, 3), MaxPool2D(3, 2, name="maxpool1")),
        *(unit("Conv2d_3b_1x1", 80, 1), unit("Conv2d_4a_3x3", 192, 3, 1, False), MaxPool2D(3, 2, name="maxpool2")),
    )


@shown
@architecture
def inception_v3(num_classes: int = 1000, aux_logits: bool = False, dropout: float = 0.5) -> Model:
    """Inception v3 (Szegedy et al. 2016 [33]), for images of 299 x 299 and from 75 x 75 on: 23,834,568 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs of each head.
    aux_logits : bool
        With True an auxiliary classifier reads the planes of 17 x 17: 27,161,264 parameters, images from 299 x 299 on,
        trained with ``losses.AuxiliaryCrossEntropy((1, 0.4))``.
    dropout : float
        The probability with which a value before the last dense layer is set to 0 in training.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,). With `aux_logits` the logits of both heads one after another, (2 num_classes,):
        the main one, AuxLogits. In prediction AuxLogits gives -inf, so that argmax and softmax are the main head's.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.inception_v3(num_classes=10), (3, 96, 96), "float32").shape
    (10,)
    >>> fastconv.graph.build(fastconv.models.inception_v3(10, aux_logits=True), (3, 299, 299), "float32").shape
    (20,)
    """

    def model(x: Node) -> Node:
        halfway = sequential(
            *stem(),
            *mixed("5", fives(32), fives(64), fives(64)),
            *mixed("6", to_17(), sevens(128), sevens(160), sevens(160), sevens(192)),
        )(x)
        y = sequential(
            *mixed("7", to_8(), spread(), spread()),
            *(AdaptiveAvgPool2D(1, name="avgpool"), Flatten(), Dropout(dropout), linear(num_classes, name="fc")),
        )(halfway)
        if not aux_logits:
            return y
        return MainHead(num_classes)(concat(y, scoped("AuxLogits", auxiliary(num_classes))(halfway)))

    return model
