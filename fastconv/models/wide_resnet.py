"""Wide ResNet: Zagoruyko and Komodakis 2016 [62], section 3.3."""

from functools import partial

from .blocks import Model, architecture
from .resnet import bottleneck, resnet


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
