"""A convolutional autoencoder: Masci et al. 2011 [67]."""

from ..graph import Node
from ..layer import Layer
from ..layers import Conv2D, ConvTranspose2D, ReLU, Sigmoid
from ..ops import check
from .blocks import Model, architecture, block, shown


@shown
@architecture
def autoencoder(code: int = 8, depth: int = 2, width: int = 16, sigmoid: bool = True) -> Model:
    """A network that makes a small code of each image and the image again from it: 2,633 parameters for one channel.

    `depth` convolutions halve the planes and double the channels, but for the last, whose result is the code; as many
    transposed convolutions go back.

    Parameters
    ----------
    code : int
        The channels of the code; its planes have ceil(H / 2**depth) rows.
    depth : int
        How often the planes are halved.
    width : int
        The channels after the first convolution.
    sigmoid : bool
        End with a sigmoid, for images with values from 0 to 1.

    Returns
    -------
    model : function Node -> Node
        Gives an image of the shape of x, for `losses.MSE` with x itself as targets.

    Examples
    --------
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.models.autoencoder(), (1, 28, 28), seed=0)
    >>> network.output_shape, network.summary().parameters
    ((1, 28, 28), 2633)
    """
    check.flag(sigmoid, "sigmoid")
    widths = [*(width << level for level in range(depth - 1)), code]
    encoder: list[Layer] = []
    for channels in widths:
        encoder += [Conv2D(channels, 3, stride=2, padding=1, init="he_normal"), ReLU()]

    def model(x: Node) -> Node:
        y = block("encoder", *encoder[:-1])(x)  # the code has no activation
        decoder: list[Layer] = []
        for level in reversed(range(depth)):
            even = [1 - -(-extent // 2**level) % 2 for extent in x.shape[1:]]
            channels = widths[level - 1] if level else x.shape[0]
            decoder += [
                ConvTranspose2D(channels, 3, stride=2, padding=1, output_padding=even, init="he_normal"),
                ReLU() if level or not sigmoid else Sigmoid(),
            ]
        return block("decoder", *(decoder if sigmoid else decoder[:-1]))(y)

    return model
