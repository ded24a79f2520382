"""ShuffleNetV2: Ma et al. 2018 [70], table 5 and figure 3."""

from collections.abc import Sequence

from ..graph import Node, concat, sequential, split
from ..layers import AdaptiveAvgPool2D, ChannelShuffle, Flatten, Linear, MaxPool2D
from .blocks import Model, architecture, block, conv_bn, shown

COUNTS = (4, 8, 4)  # blocks of stages 2 to 4


@shown
def unit(channels: int, stride: int) -> Model:
    """Stride 1: half of the channels as they are beside three convolutions of the others. Stride 2: both halves anew.

    Then the channels of both halves are mixed.
    """
    half = channels // 2

    def model(x: Node) -> Node:
        left, right = split(x, [half, half]) if stride == 1 else (x, x)
        C = right.shape[0]
        if stride != 1:
            window = conv_bn(C, 3, stride, 1, groups=C, activation=None)
            left = block("branch1", *window, *conv_bn(half, 1))(left)
        window = conv_bn(half, 3, stride, 1, groups=half, activation=None)
        right = block("branch2", *conv_bn(half, 1), *window, *conv_bn(half, 1))(right)
        return ChannelShuffle(2)(concat(left, right))

    return model


def shufflenet_v2(widths: Sequence[int], num_classes: int) -> Model:
    """A convolution and a pool, three stages whose first units halve the planes, a 1 x 1 convolution, a dense layer."""
    first, *stages, last = widths
    return sequential(
        block("conv1", *conv_bn(first, 3, 2, 1)),
        MaxPool2D(3, 2, 1, name="maxpool"),
        *(
            block(f"stage{number}", unit(width, 2), *(unit(width, 1) for _ in range(count - 1)))
            for number, (width, count) in enumerate(zip(stages, COUNTS, strict=True), 2)
        ),
        block("conv5", *conv_bn(last, 1)),
        *(AdaptiveAvgPool2D(1), Flatten()),
        Linear(num_classes, init="fan_in_uniform", bias_init="fan_in_uniform", name="fc"),
    )


@architecture
def shufflenet_v2_x0_5(num_classes: int = 1000) -> Model:
    """ShuffleNetV2 of half the work (Ma et al. 2018 [70]): 1,366,792 parameters.

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
    >>> fastconv.graph.build(fastconv.models.shufflenet_v2_x0_5(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return shufflenet_v2((24, 48, 96, 192, 1024), num_classes)


@architecture
def shufflenet_v2_x1_0(num_classes: int = 1000) -> Model:
    """ShuffleNetV2 (Ma et al. 2018 [70]): 2,278,604 parameters.

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
    >>> fastconv.graph.build(fastconv.models.shufflenet_v2_x1_0(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return shufflenet_v2((24, 116, 232, 464, 1024), num_classes)


@architecture
def shufflenet_v2_x1_5(num_classes: int = 1000) -> Model:
    """ShuffleNetV2 of 1.5 times the work (Ma et al. 2018 [70]): 3,503,624 parameters.

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
    >>> fastconv.graph.build(fastconv.models.shufflenet_v2_x1_5(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return shufflenet_v2((24, 176, 352, 704, 1024), num_classes)


@architecture
def shufflenet_v2_x2_0(num_classes: int = 1000) -> Model:
    """ShuffleNetV2 of twice the work (Ma et al. 2018 [70]): 7,393,996 parameters.

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
    >>> fastconv.graph.build(fastconv.models.shufflenet_v2_x2_0(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return shufflenet_v2((24, 244, 488, 976, 2048), num_classes)
