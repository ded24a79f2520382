"""Which translation writes which layer."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ... import layers
from ...models.convnext import LayerScale, PixelLinear
from ...models.resnet_cifar import Shortcut
from . import activations, adaptive, convolutions, norms, pools, resizing, shapes
from .part import Part

__all__ = ["LAYERS", "Translation", "translation"]

Translation: TypeAlias = Callable[[Any, Part], str]  # (layer, part) -> the name of the result


def of_images(translate: Translation) -> Translation:
    """The translation of a layer of signals (C, L) by that of the layer of images (C, 1, L) that computes it."""

    def translated(layer: Any, part: Part) -> str:
        part.as_images()
        return translate(layer.plane(), part)

    return translated


LAYERS: dict[type, Translation] = {
    layers.Conv2D: convolutions.conv,
    layers.DepthwiseConv2D: convolutions.conv,
    layers.SeparableConv2D: convolutions.separable,
    layers.ConvTranspose2D: convolutions.conv_transpose,
    layers.Conv1D: of_images(convolutions.conv),
    layers.ConvTranspose1D: of_images(convolutions.conv_transpose),
    layers.Linear: convolutions.linear,
    layers.MaxPool2D: pools.max_pool,
    layers.AvgPool2D: pools.avg_pool,
    layers.LpPool2D: pools.lp_pool,
    layers.AdaptiveAvgPool2D: adaptive.adaptive_avg_pool,
    layers.AdaptiveMaxPool2D: adaptive.adaptive_max_pool,
    layers.GlobalAvgPool2D: adaptive.global_avg_pool,
    layers.GlobalMaxPool2D: adaptive.global_max_pool,
    layers.MaxPool1D: of_images(pools.max_pool),
    layers.AvgPool1D: of_images(pools.avg_pool),
    layers.AdaptiveAvgPool1D: of_images(adaptive.adaptive_avg_pool),
    layers.AdaptiveMaxPool1D: of_images(adaptive.adaptive_max_pool),
    layers.GlobalAvgPool1D: of_images(adaptive.global_avg_pool),
    layers.GlobalMaxPool1D: of_images(adaptive.global_max_pool),
    layers.BatchNorm: norms.batch_norm,
    layers.GroupNorm: norms.group_norm,
    layers.InstanceNorm: norms.instance_norm,
    layers.LayerNorm: norms.layer_norm,
    layers.LocalResponseNorm: norms.local_response_norm,
    layers.Affine: norms.affine,
    layers.ChannelScale: norms.channel_scale,
    layers.ReLU: activations.plain("Relu"),
    layers.ReLU6: activations.relu6,
    layers.LeakyReLU: activations.leaky_relu,
    layers.PReLU: activations.prelu,
    layers.ELU: activations.elu,
    layers.SELU: activations.plain("Selu"),
    layers.CELU: activations.celu,
    layers.GELU: activations.gelu,
    layers.SiLU: activations.silu,
    layers.Softplus: activations.softplus,
    layers.HardSwish: activations.hard_swish,
    layers.HardSigmoid: activations.hard_sigmoid,
    layers.Mish: activations.mish,
    layers.LogSigmoid: activations.log_sigmoid,
    layers.Hardtanh: activations.hardtanh,
    layers.Threshold: activations.threshold,
    layers.Softsign: activations.plain("Softsign"),
    layers.Sigmoid: activations.plain("Sigmoid"),
    layers.Tanh: activations.plain("Tanh"),
    layers.Exp: activations.plain("Exp"),
    layers.Sqrt: activations.plain("Sqrt"),
    layers.Reciprocal: activations.plain("Reciprocal"),
    layers.Softmax: activations.along_axis("Softmax"),
    layers.LogSoftmax: activations.along_axis("LogSoftmax"),
    layers.Dropout: activations.dropout,
    layers.StochasticDepth: activations.stochastic_depth,
    layers.Flatten: shapes.flatten,
    layers.Reshape: shapes.reshape,
    layers.Permute: shapes.permute,
    layers.ZeroPad2D: shapes.zero_pad,
    layers.ReflectionPad2D: shapes.border_pad,
    layers.ReplicationPad2D: shapes.border_pad,
    layers.Upsample: resizing.upsample,
    layers.PixelShuffle: shapes.pixel_shuffle,
    layers.PixelUnshuffle: shapes.pixel_unshuffle,
    layers.ChannelShuffle: shapes.channel_shuffle,
    layers.MainHead: shapes.main_head,
    Shortcut: shapes.shortcut,
    PixelLinear: convolutions.conv,
    LayerScale: norms.channel_scale,
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
