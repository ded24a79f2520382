"""Options of layers as other libraries call them; errors say what to write instead."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from ..ops import check

OPTIONS = {  # an option of layers in other libraries -> the options here, of which a layer has at most one
    **dict.fromkeys(("strides", "subsample"), ("stride",)),
    **dict.fromkeys(("pool_size", "ksize", "kernel", "kernel_shape", "window", "window_size"), ("kernel_size",)),
    **dict.fromkeys(("dilation_rate", "dilations", "atrous_rate"), ("dilation",)),
    **dict.fromkeys(("use_bias", "has_bias", "fit_intercept"), ("bias",)),
    **dict.fromkeys(("filters", "out_channels", "num_filters", "n_filters", "nb_filter"), ("channels",)),
    **dict.fromkeys(("out_features", "units", "output_dim", "n_out", "features"), ("outputs",)),
    **dict.fromkeys(("kernel_initializer", "kernel_init", "weight_init", "initializer"), ("init",)),
    **dict.fromkeys(("depthwise_initializer", "pointwise_initializer"), ("init",)),
    **dict.fromkeys(("bias_initializer", "biases_initializer"), ("bias_init",)),
    **dict.fromkeys(("rate", "prob", "drop_prob", "dropout", "dropout_rate"), ("p",)),
    **dict.fromkeys(("epsilon", "variance_epsilon"), ("eps",)),
    **dict.fromkeys(("pad", "pads"), ("padding",)),
    **dict.fromkeys(("depth_multiplier", "channel_multiplier"), ("multiplier",)),
    **dict.fromkeys(("elementwise_affine", "center", "scale"), ("affine", "scale_factor")),
    **dict.fromkeys(("alpha", "slope", "negative_slope"), ("negative_slope", "alpha")),
    **dict.fromkeys(("nonlinearity", "act", "activation_fn", "act_fn"), ("activation",)),
    "interpolation": ("mode",),
    "groups": ("num_groups",),
    **dict.fromkeys(("block_size", "blocksize"), ("upscale_factor", "downscale_factor")),
    "group": ("groups",),
    "feature_group_count": ("groups",),
    "size": ("output_size",),
    "init": ("first",),
    "number_of_classes": ("num_classes",),
    "n_classes": ("num_classes",),
}
SHAPE = "sizes of the input are not given, the network knows them"
PLANES = "images are (C, H, W), from others x.transpose(0, 3, 1, 2) makes them"
LEFT_OUT = {  # an option of layers in other libraries that nobody gives here -> why
    **dict.fromkeys(("in_channels", "in_features", "num_features", "num_channels", "normalized_shape"), SHAPE),
    **dict.fromkeys(("input_shape", "input_dim", "input_size", "input_channels", "batch_input_shape", "n_in"), SHAPE),
    **dict.fromkeys(("data_format", "dim_ordering"), PLANES),
    **dict.fromkeys(("dim", "axis"), "it works on the channels of images and the features of vectors"),
    **dict.fromkeys(("start_dim", "end_dim"), "each image becomes one vector"),
    **dict.fromkeys(("device",), "fastconv computes on the CPU"),
    **dict.fromkeys(("dtype",), "the network has it: Network(model, input_shape, dtype='float64')"),
    **dict.fromkeys(("kernel_regularizer", "bias_regularizer", "activity_regularizer"), "optimizers have weight_decay"),
    **dict.fromkeys(
        ("requires_grad", "trainable"),
        "all parameters are trained; to freeze some write network.set_trainable('conv1.*', False)",
    ),
    "inplace": "the network works in place where it can",
    "padding_mode": "the padding is always zeros",
    "track_running_stats": "the running statistics are always kept",
    "return_indices": "a layer has one result",
    "output_size": "each plane gives one value",
    "keepdims": "the result is one vector per image",
    "max_value": "ReLU6() is the one that ends at 6",
    "activation": "an activation after it is a layer of its own, as in sequential(layer, ReLU())",
}


class Taken(NamedTuple):
    """What an option of another library is here: options with values, or none and the reason."""

    options: dict[str, Any]
    why: str = ""


def per_channel(value: object) -> Taken:
    """PReLU's number of slopes, or the axes that share one, as the flag `shared`."""
    return Taken({}, "one slope is shared by all channels") if value == 1 else Taken({"shared": False})


CONVERTED: Mapping[tuple[str, str], Callable[[Any], Taken]] = {  # (elsewhere, an option that the layer has here)
    ("num_parameters", "shared"): per_channel,
    ("shared_axes", "shared"): per_channel,
}


def translated(name: str, value: object, known: Collection[str]) -> Taken | None:
    """An option of another library for a layer that takes the options `known`; None if it means nothing here."""
    foreign = name.lower()
    if foreign in known:  # Stride=2
        return Taken({foreign: value})
    for own in known:
        if (foreign, own) in CONVERTED:
            return CONVERTED[foreign, own](value)
    for own in OPTIONS.get(foreign, ()):
        if own in known:
            return Taken({own: value})
    return Taken({}, LEFT_OUT[foreign]) if foreign in LEFT_OUT else None


def near(name: str, known: Collection[str]) -> str:
    """The question whether the nearest of the known names was meant, or nothing."""
    return "".join(f"; did you mean {found}?" for found in check.nearest(name.lower(), known))
