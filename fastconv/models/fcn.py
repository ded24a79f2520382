"""FCN on a dilated ResNet-50: Long et al. 2015 [66]; dilation in place of strides: Yu and Koltun 2016 [28]."""

from typing import Any

from ..graph import Node, sequential
from ..layers import BatchNorm, Conv2D, Dropout, ReLU, Upsample
from ..ops import check
from .blocks import Model, architecture, block, scoped, shown
from .resnet import bottleneck, stem

STAGES = (  # channels, blocks, stride of the first, dilation of the first, of the others
    (64, 3, 1, 1, 1),
    (128, 4, 2, 1, 1),
    (256, 6, 1, 1, 2),
    (512, 3, 1, 2, 4),
)


def stage(number: int) -> Model:
    """The bottlenecks of layer<number>."""
    channels, count, stride, first, rest = STAGES[number - 1]
    others = [bottleneck(channels, 1, dilation=rest) for _ in range(count - 1)]
    return scoped("backbone", block(f"layer{number}", bottleneck(channels, stride, dilation=first), *others))


def head(name: str, num_classes: int, size: tuple[int, ...]) -> Model:
    """A 3 x 3 convolution to a quarter of the channels, a 1 x 1 to the classes; then as large as the image."""

    def model(x: Node) -> Node:
        conv = Conv2D(x.shape[0] // 4, 3, padding=1, bias=False, init="he_normal_out")
        last = Conv2D(num_classes, 1, init="fan_in_uniform", bias_init="fan_in_uniform")
        y = block(name, conv, BatchNorm(), ReLU(), Dropout(0.1), last)(x)
        return Upsample(size=size, mode="bilinear")(y)

    return model


@shown
@architecture
def fcn_resnet50(num_classes: int = 21, aux_loss: bool = False) -> Any:
    """FCN on ResNet-50 (Long et al. 2015 [66]), a class for each pixel: 32,957,013 parameters.

    The last two stages of the ResNet have dilation in place of strides, so that their planes have an eighth of the
    rows.

    Parameters
    ----------
    num_classes : int
        The number of classes, K.
    aux_loss : bool
        With True a second output reads the stage before the last: 35,322,218 parameters.

    Returns
    -------
    model : function Node -> Node, or Node -> dict of nodes
        Gives logits, (K, H, W), for `losses.CrossEntropy` with class indices (N, H, W). With `aux_loss` a dict of two,
        "out" and "aux", for a `losses.PerOutput` such as ``PerOutput({"out": CrossEntropy(), "aux": CrossEntropy()},
        weights={"aux": 0.5})``.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.fcn_resnet50(num_classes=5), (3, 40, 52), "float32").shape
    (5, 40, 52)
    """
    check.flag(aux_loss, "aux_loss")

    def model(x: Node) -> Any:
        before = sequential(scoped("backbone", sequential(*stem())), *map(stage, (1, 2, 3)))(x)
        size = x.shape[1:]
        out = head("classifier", num_classes, size)(stage(4)(before))
        return {"out": out, "aux": head("aux_classifier", num_classes, size)(before)} if aux_loss else out

    return model
