"""RegNet: Radosavovic et al. 2020 [64], equations 2 to 4 and tables 5 and 6."""

from typing import NamedTuple

import numpy as np

from .. import init
from ..graph import Node, sequential
from ..layers import AdaptiveAvgPool2D, Flatten, Linear, ReLU
from .blocks import Model, architecture, conv_bn_block, multiple, scoped, shown


class Design(NamedTuple):
    """What decides depths and widths: blocks, first width, slope, ratio of the steps, channels per group."""

    depth: int
    w_0: int
    w_a: float
    w_m: float
    group_width: int

    def stages(self) -> list[tuple[int, int]]:
        """(width, blocks) of each stage: u_j = w_0 + w_a j becomes the nearest w_0 w_m^s, s whole, a multiple of 8."""
        u = self.w_0 + self.w_a * np.arange(self.depth)
        powers = np.round(np.log(u / self.w_0) / np.log(self.w_m))
        widths, counts = np.unique(8 * np.round(self.w_0 * self.w_m**powers / 8), return_counts=True)
        return [(multiple(int(w), min(self.group_width, int(w))), int(n)) for w, n in zip(widths, counts, strict=True)]


@shown
def bottleneck(inputs: int, channels: int, stride: int, group_width: int) -> Model:
    """1 x 1, 3 x 3 in groups (which has the stride) and 1 x 1 convolutions beside the shortcut."""
    inside = sequential(
        scoped("a", conv_bn_block(channels, 1)),
        scoped("b", conv_bn_block(channels, 3, stride, 1, groups=channels // min(group_width, channels))),
        scoped("c", conv_bn_block(channels, 1, activation=None)),
    )
    shortcut = scoped("proj", conv_bn_block(channels, 1, stride, activation=None))

    def model(x: Node) -> Node:
        kept = x if stride == 1 and inputs == channels else shortcut(x)
        return ReLU()(kept + scoped("f", inside)(x))

    return model


def regnet(design: Design, num_classes: int) -> Model:
    """A 3 x 3 convolution, stages of bottlenecks that halve the planes, the mean of each plane, a dense layer."""
    stages: list[Model] = []
    inputs = 32
    for number, (width, count) in enumerate(design.stages(), 1):
        window = [(inputs, 2), *[(width, 1)] * (count - 1)]
        parts = [
            scoped(f"block{number}-{i}", bottleneck(channels, width, stride, design.group_width))
            for i, (channels, stride) in enumerate(window)
        ]
        stages.append(scoped(f"block{number}", sequential(*parts)))
        inputs = width
    return sequential(
        scoped("stem", conv_bn_block(32, 3, 2, 1)),
        scoped("trunk_output", sequential(*stages)),
        *(AdaptiveAvgPool2D(1, name="avgpool"), Flatten()),
        Linear(num_classes, init=init.normal(0.01), name="fc"),
    )


@architecture
def regnet_x_400mf(num_classes: int = 1000) -> Model:
    """RegNetX of 400 million multiply-adds (Radosavovic et al. 2020 [64]): 5,495,976 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.regnet_x_400mf(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return regnet(Design(22, 24, 24.48, 2.54, 16), num_classes)


@architecture
def regnet_x_800mf(num_classes: int = 1000) -> Model:
    """RegNetX of 800 million multiply-adds (Radosavovic et al. 2020 [64]): 7,259,656 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.regnet_x_800mf(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return regnet(Design(16, 56, 35.73, 2.28, 16), num_classes)


@architecture
def regnet_x_1_6gf(num_classes: int = 1000) -> Model:
    """RegNetX of 1.6 billion multiply-adds (Radosavovic et al. 2020 [64]): 9,190,136 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.regnet_x_1_6gf(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return regnet(Design(18, 80, 34.01, 2.25, 24), num_classes)


@architecture
def regnet_x_3_2gf(num_classes: int = 1000) -> Model:
    """RegNetX of 3.2 billion multiply-adds (Radosavovic et al. 2020 [64]): 15,296,552 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.regnet_x_3_2gf(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return regnet(Design(25, 88, 26.31, 2.25, 48), num_classes)
