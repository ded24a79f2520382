"""ResNeXt: Xie et al. 2017 [61], table 1."""

from functools import partial

from .blocks import Model, architecture
from .resnet import bottleneck, resnet


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
