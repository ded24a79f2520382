"""U-Net: Ronneberger, Fischer and Brox 2015 [65], figure 1."""

from ..graph import Node, concat
from ..layers import Conv2D, ConvTranspose2D, MaxPool2D
from .blocks import Model, architecture, block, conv_bn, scoped, shown


def pair(name: str, channels: int) -> Model:
    """Two 3 x 3 convolutions, each with batch normalisation and ReLU."""
    return block(name, *(layer for _ in range(2) for layer in conv_bn(channels, 3, padding=1)))


def enlarge(channels: int, shape: tuple[int, ...]) -> Model:
    """From half as many rows and columns, rounded down, to planes of this shape."""
    odd = shape[1] % 2, shape[2] % 2
    return ConvTranspose2D(channels, 2, stride=2, output_padding=odd, init="he_normal", name="up")


@shown
@architecture
def unet(num_classes: int = 2, depth: int = 4, width: int = 64) -> Model:
    """U-Net (Ronneberger et al. 2015 [65]), a class for each pixel: 31,036,546 parameters for images of one channel.

    A network that halves the planes `depth` times and doubles the channels, then goes back; on the way back each size
    also gets the values that it had on the way there. Unlike in the paper the convolutions are padded, so that the
    output has the size of the image, and have batch normalisation.

    Parameters
    ----------
    num_classes : int
        The number of classes, K.
    depth : int
        How often the planes are halved; H and W must be at least 2**depth, and need not be multiples of it.
    width : int
        The channels of the largest planes.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (K, H, W), for `losses.CrossEntropy` with class indices (N, H, W).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.unet(3, depth=2, width=8), (1, 30, 45), "float32").shape
    (3, 30, 45)
    """

    def model(x: Node) -> Node:
        kept: list[Node] = []
        for level in range(depth):
            kept.append(pair(f"down{level + 1}", width << level)(x))
            x = MaxPool2D(2)(kept[-1])
        x = pair("middle", width << depth)(x)
        for level in reversed(range(depth)):
            there, channels = kept[level], width << level
            back = scoped(f"up{level + 1}", enlarge(channels, there.shape))(x)
            x = scoped(f"up{level + 1}", pair("conv", channels))(concat(there, back))
        return Conv2D(num_classes, 1, init="he_normal", name="head")(x)

    return model
