"""ConvNeXt: Liu et al. 2022 [71], table 9 and figure 4."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

from numpy.typing import DTypeLike

from .. import init
from ..graph import Node, sequential
from ..layer import Bound, Spec
from ..layers import (
    GELU,
    AdaptiveAvgPool2D,
    ChannelScale,
    Conv2D,
    DepthwiseConv2D,
    Flatten,
    LayerNorm,
    Linear,
    StochasticDepth,
)
from ..typing import Array, Call, Shape
from .blocks import Model, architecture, block, numbered, scoped, shown

STAGES = ((96, 3), (192, 3), (384, 9), (768, 3))  # channels, blocks
norm = partial(LayerNorm, axis="channels", eps=1e-6)
weights = init.normal(0.02)


class PixelLinear(Conv2D):
    """The same matrix at each pixel: y[:, h, w] = weight x[:, h, w] + bias, with a weight (channels, C)."""

    kind = "linear"

    def __init__(self, channels: int, *, name: str | None = None) -> None:
        super().__init__(channels, 1, init=weights, name=name)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """That of the convolution, with a weight of two axes."""
        spec = super().spec(x_shape, dtype)
        weight = spec.params["weight"]
        return spec._replace(params={**spec.params, "weight": weight._replace(shape=weight.shape[:2])})

    def turned(self, weight: Array) -> Array:
        """A view (channels, C, 1, 1)."""
        return weight[:, :, None, None]


class LayerScale(ChannelScale):
    """`ChannelScale` with torchvision's name and shape of the factors, layer_scale (C, 1, 1)."""

    optional_gradients = frozenset({"layer_scale"})

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x, and one weight per channel."""
        weight = super().spec(x_shape, dtype).params["weight"]
        return Spec(x_shape, {"layer_scale": weight._replace(shape=(*weight.shape, 1, 1))})

    def forward(self, b: Bound) -> list[Call]:
        """y = f(w x + residual)"""
        return super().forward(of_weight(b))

    def backward(self, b: Bound) -> list[Call]:
        """dw = sum of dy x, then dx = w dy"""
        return super().backward(of_weight(b))

    def scale_and_shift(self, params: SimpleNamespace, state: SimpleNamespace) -> tuple[Array, Array]:
        """Float64 (weight, 0)."""
        return super().scale_and_shift(flat(params), state)


def of_weight(b: Bound) -> Bound:
    """The arrays as `ChannelScale` knows them."""
    return replace(b, params=flat(b.params), grads=flat(b.grads))


def flat(arrays: SimpleNamespace) -> SimpleNamespace:
    """weight (C,), a view of layer_scale (C, 1, 1), or None."""
    found = getattr(arrays, "layer_scale", None)
    return SimpleNamespace(weight=None if found is None else found[:, 0, 0])


@shown
def cnblock(name: str, channels: int, depth: float, layer_scale: float) -> Model:
    """7 x 7 per channel, layer norm, 1 x 1 to four times the channels, GELU, 1 x 1 back; its scale; plus x.

    In training the branch is left out with probability `depth`.
    """
    conv = DepthwiseConv2D(7, padding=3, init=weights, name="0")
    parts = norm(name="2"), PixelLinear(4 * channels, name="3"), GELU(), PixelLinear(channels, name="5")
    branch: list[Model] = [scoped(f"{name}.block", sequential(conv, *parts)), LayerScale(layer_scale, name=name)]
    if depth:
        branch.append(StochasticDepth(depth, name=f"{name}.stochastic_depth"))

    def model(x: Node) -> Node:
        return sequential(*branch)(x) + x

    return model


def convnext(num_classes: int, depth: float, layer_scale: float) -> Model:
    """4 x 4 patches, four stages of blocks with norm and a 2 x 2 convolution between them, a dense layer.

    `depth` is the largest probability of `StochasticDepth`, which grows in even steps from block to block.
    """
    first = numbered(Conv2D(STAGES[0][0], 4, stride=4, init=weights), norm())
    features, done, blocks = [first], 0, sum(count for _, count in STAGES)
    for number, (channels, count) in enumerate(STAGES):
        if number:
            features.append(numbered(norm(), Conv2D(channels, 2, stride=2, init=weights)))
        stage = []
        for place in range(count):
            stage.append(cnblock(str(place), channels, depth * done / (blocks - 1), layer_scale))
            done += 1
        features.append(sequential(*stage))
    return sequential(
        block("features", *features),
        AdaptiveAvgPool2D(1, name="avgpool"),
        block("classifier", norm(), Flatten(), Linear(num_classes, init=weights)),
    )


@architecture
def convnext_tiny(num_classes: int = 1000, stochastic_depth_prob: float = 0.1, layer_scale: float = 1e-6) -> Model:
    """ConvNeXt-T (Liu et al. 2022 [71]): 28,589,128 parameters.

    Parameters
    ----------
    num_classes : int
        The number of outputs.
    stochastic_depth_prob : float
        The probability with which the last residual branch is left out for an image in training; that of the others
        grows from 0 on.
    layer_scale : float
        The first value of the factors of each branch.

    Returns
    -------
    model : function Node -> Node
        Gives logits, (num_classes,).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.graph.build(fastconv.models.convnext_tiny(num_classes=10), (3, 64, 64), "float32").shape
    (10,)
    """
    return convnext(num_classes, stochastic_depth_prob, layer_scale)
