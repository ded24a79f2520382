"""What the architectures share: numbered and named parts, and convolution with batch normalisation."""

from collections.abc import Callable
from typing import Any, TypeAlias

from ..graph import Node, scope
from ..layer import Layer
from ..layers import BatchNorm, Conv2D, ReLU

Model: TypeAlias = Callable[[Node], Node]  # a layer is the smallest one


def numbered(*parts: Model) -> Model:
    """One part after another, each under its number, as in torch.nn.Sequential: "0", "1", ..."""
    for number, part in enumerate(parts):
        if isinstance(part, Layer) and part.name is None:
            part.name = str(number)

    def model(x: Node) -> Node:
        for number, part in enumerate(parts):
            x = part(x) if isinstance(part, Layer) else scoped(str(number), part)(x)
        return x

    return model


def scoped(name: str, model: Model) -> Model:
    """The model with `name` and a dot before the names of its layers."""

    def inside(x: Node) -> Node:
        with scope(name):
            return model(x)

    return inside


def block(name: str, *parts: Model) -> Model:
    """Numbered parts below one name: "features.0", "features.1", ..."""
    return scoped(name, numbered(*parts))


def conv_bn(
    channels: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    init: str = "he_normal_out",
    activation: Callable[[], Layer] | None = ReLU,
    eps: float = 1e-5,
) -> list[Layer]:
    """Convolution without bias, batch normalisation, activation, as a list for `numbered`."""
    conv = Conv2D(channels, kernel_size, stride=stride, padding=padding, groups=groups, bias=False, init=init)
    return [conv, BatchNorm(eps=eps)] + ([] if activation is None else [activation()])


def conv_bn_block(*arguments: Any, **options: Any) -> Model:
    """The layers of `conv_bn` as one model; they are called "0", "1", "2"."""
    return numbered(*conv_bn(*arguments, **options))
