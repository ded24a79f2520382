"""Which translation writes which layer."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ... import layers
from ...models.resnet_cifar import Shortcut
from . import activations, adaptive, convolutions, norms, pools, shapes
from .part import Part

__all__ = ["LAYERS", "Translation", "translation"]

Translation: TypeAlias = Callable[[Any, Part], str]  # (layer, part) -> the name of the result

LAYERS: dict[type, Translation] = {
    layers.Conv2D: convolutions.conv,
    layers.DepthwiseConv2D: convolutions.conv,
    layers.SeparableConv2D: convolutions.separable,
    layers.ConvTranspose2D: convolutions.conv_transpose,
    layers.Linear: convolutions.linear,
    layers.MaxPool2D: pools.max_pool,
    layers.AvgPool2D: pools.avg_pool,
    layers.LpPool2D: pools.lp_pool,
    layers.AdaptiveAvgPool2D: adaptive.adaptive_avg_pool,
    layers.AdaptiveMaxPool2D: adaptive.adaptive_max_pool,
    layers.GlobalAvgPool2D: adaptive.global_avg_pool,
    layers.GlobalMaxPool2D: adaptive.global_max_pool,
    layers.BatchNorm: norms.batch_norm,
    layers.GroupNorm: norms.group_norm,
    layers.LayerNorm: norms.layer_norm,
    layers.LocalResponseNorm: norms.local_response_norm,
    layers.Affine: norms.affine,
    layers.ChannelScale: norms.channel_scale,
    layers.ReLU: activations.plain("Relu"),
    layers.ReLU6: activations.relu6,
    layers.LeakyReLU: activations.leaky_relu,
    layers.PReLU: activations.prelu,
    layers.ELU: activations.elu,
    layers.GELU: activations.gelu,
    layers.SiLU: activations.silu,
    layers.Softplus: activations.softplus,
    layers.HardSwish: activations.hard_swish,
    layers.HardSigmoid: activations.hard_sigmoid,
    layers.Sigmoid: activations.plain("Sigmoid"),
    layers.Tanh: activations.plain("Tanh"),
    layers.Softmax: activations.over_channels("Softmax"),
    layers.LogSoftmax: activations.over_channels("LogSoftmax"),
    layers.Dropout: activations.dropout,
    layers.Flatten: shapes.flatten,
    layers.Reshape: shapes.reshape,
    layers.Permute: shapes.permute,
    layers.ZeroPad2D: shapes.zero_pad,
    layers.Upsample: shapes.upsample,
    layers.MainHead: shapes.main_head,
    Shortcut: shapes.shortcut,
}


def translation(kind: type, given: Mapping[type, Translation]) -> Translation | None:
    """That of the class, first of those that are given; a class with a constructor of its own alone has that of its
    base. None if there is none.
    """
    for base in kind.__mro__:
        found = given.get(base) or LAYERS.get(base)
        if found is not None:
            return found
        if any(name != "kind" and not name.startswith("__") for name in vars(base)):
            return None  # it may compute something else
    return None
