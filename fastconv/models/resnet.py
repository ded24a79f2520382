"""ResNet: He, Zhang, Ren and Sun 2016 [46], table 1; ResNeXt: Xie et al. 2017 [61], table 1; wider ones [62]."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..graph import Node, sequential
from ..layers import AdaptiveAvgPool2D, BatchNorm, Conv2D, Flatten, Linear, MaxPool2D, ReLU
from .blocks import Model, architecture, block, conv_bn, shown


def convolution(
    number: int,
    channels: int,
    kernel_size: int,
    stride: int = 1,
    groups: int = 1,
    apart: int = 1,
    eps: float = 1e-5,
) -> Model:
    """A convolution, its taps `apart` pixels from each other, and batch normalisation: conv<number> and bn<number>."""
    window: dict[str, Any] = {"stride": stride, "padding": kernel_size // 2 * apart, "dilation": apart}
    return sequential(
        Conv2D(channels, kernel_size, **window, groups=groups, bias=False, init="he_normal_out", name=f"conv{number}"),
        BatchNorm(eps=eps, name=f"bn{number}"),
    )


def joined(y: Node, x: Node, stride: int, channels: int, eps: float = 1e-5) -> Node:
    """relu(y + shortcut(x)); the shortcut is x itself, or a 1 x 1 convolution where the shapes differ (option B)."""
    if y.shape != x.shape:
        x = block("downsample", *conv_bn(channels, 1, stride, activation=None, eps=eps))(x)
    return ReLU()(y + x)


@shown
def basic(channels: int, stride: int) -> Model:
    """Two 3 x 3 convolutions beside the shortcut."""

    def model(x: Node) -> Node:
        y = sequential(convolution(1, channels, 3, stride), ReLU(), convolution(2, channels, 3))(x)
        return joined(y, x, stride, channels)

    return model


@shown
def bottleneck(
    channels: int,
    stride: int,
    groups: int = 1,
    group_width: int = 64,
    dilation: int = 1,
    stride_first: bool = False,
    eps: float = 1e-5,
) -> Model:
    """1 x 1, 3 x 3 and 1 x 1 convolutions beside the shortcut; the second has the stride, or the first.

    The last has 4 `channels`, the others channels / 64 x `group_width` for each of the `groups` of the 3 x 3.
    """
    width = channels * group_width // 64 * groups
    one, two = (stride, 1) if stride_first else (1, stride)

    def model(x: Node) -> Node:
        first, second = convolution(1, width, 1, one, eps=eps), convolution(2, width, 3, two, groups, dilation, eps)
        y = sequential(first, ReLU(), second, ReLU(), convolution(3, 4 * channels, 1, eps=eps))(x)
        return joined(y, x, stride, 4 * channels, eps)

    return model


def stem(eps: float = 1e-5) -> list[Model]:
    """A 7 x 7 convolution and a pool, each with stride 2."""
    return [convolution(1, 64, 7, 2, eps=eps), ReLU(), MaxPool2D(3, 2, 1, name="maxpool")]


def resnet(residual: Callable[[int, int], Model], counts: Sequence[int], num_classes: int, eps: float = 1e-5) -> Model:
    """The stem, four stages of `counts` blocks, the mean of each plane, a dense layer."""
    stages = [
        block(f"layer{number + 1}", *(residual(64 << number, 2 if number and not i else 1) for i in range(count)))
        for number, count in enumerate(counts)
    ]
    return sequential(
        *stem(eps),
        *stages,
        AdaptiveAvgPool2D(1, name="avgpool"),
        Flatten(),
        Linear(num_classes, init="fan_in_uniform", bias_init="fan_in_uniform", name="fc"),
    )


@architecture
def resnet18(num_classes: int = 1000) -> Model:
    """ResNet-18 (He et al. 2016 [46]): 11,689,512 parameters.

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
    >>> fastconv.Network(fastconv.models.resnet18(), (3, 32, 32), seed=0).summary().parameters
    11689512
    """
    return resnet(basic, (2, 2, 2, 2), num_classes)


@architecture
def resnet34(num_classes: int = 1000) -> Model:
    """ResNet-34 (He et al. 2016 [46]): 21,797,672 parameters.

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
    >>> fastconv.graph.build(fastconv.models.resnet34(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return resnet(basic, (3, 4, 6, 3), num_classes)


@architecture
def resnet50(num_classes: int = 1000, stride_first: bool = False, eps: float = 1e-5) -> Model:
    """ResNet-50 (He et al. 2016 [46]): 25,557,032 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    stride_first : bool
        Whether the first 1 x 1 convolution of a block has its stride, as in the paper and in Keras, or the 3 x 3.
    eps : float
        Added to variances before the root, in batch normalisation; Keras has 1.001e-5.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.resnet50(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return resnet(partial(bottleneck, stride_first=stride_first, eps=eps), (3, 4, 6, 3), num_classes, eps)


@architecture
def resnet101(num_classes: int = 1000, stride_first: bool = False, eps: float = 1e-5) -> Model:
    """ResNet-101 (He et al. 2016 [46]): 44,549,160 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    stride_first : bool
        Whether the first 1 x 1 convolution of a block has its stride, as in the paper and in Keras, or the 3 x 3.
    eps : float
        Added to variances before the root, in batch normalisation; Keras has 1.001e-5.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.resnet101(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return resnet(partial(bottleneck, stride_first=stride_first, eps=eps), (3, 4, 23, 3), num_classes, eps)


@architecture
def resnet152(num_classes: int = 1000, stride_first: bool = False, eps: float = 1e-5) -> Model:
    """ResNet-152 (He et al. 2016 [46]): 60,192,808 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    stride_first : bool
        Whether the first 1 x 1 convolution of a block has its stride, as in the paper and in Keras, or the 3 x 3.
    eps : float
        Added to variances before the root, in batch normalisation; Keras has 1.001e-5.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.resnet152(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return resnet(partial(bottleneck, stride_first=stride_first, eps=eps), (3, 8, 36, 3), num_classes, eps)


@architecture
def resnext50_32x4d(num_classes: int = 1000) -> Model:
    """ResNeXt-50 (Xie et al. 2017 [61]), whose 3 x 3 convolutions have 32 groups: 25,028,904 parameters.

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
    >>> fastconv.graph.build(fastconv.models.resnext50_32x4d(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return resnet(partial(bottleneck, groups=32, group_width=4), (3, 4, 6, 3), num_classes)


@architecture
def wide_resnet50_2(num_classes: int = 1000) -> Model:
    """ResNet-50 with 3 x 3 convolutions twice as wide (Zagoruyko and Komodakis 2016 [62]): 68,883,240 parameters.

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
    >>> fastconv.graph.build(fastconv.models.wide_resnet50_2(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return resnet(partial(bottleneck, group_width=128), (3, 4, 6, 3), num_classes)
