"""Names of arguments in other libraries, and arguments by position that others have: what to write instead."""

from collections.abc import Sequence
from typing import Any

BORDER = "pad the images first: x = pad(x, 1, mode='reflect')"
WORDS = {  # the name of an argument here -> its names in other libraries
    "x": "input inputs image images features tensor in1 a X y_pred preds predictions output",
    "logits": "input inputs x y_pred preds predictions output",
    "log_probs": "input inputs x y_pred preds predictions output",
    "arrays": "tensors xs values inputs",
    "a": "input x x1",
    "b": "other y x2",
    "k": "in2 v kernel filter weight w",
    "targets": "target labels label y_true y t",
    "weight": "kernel kernels filter filters w W gamma scale class_weight sample_weight",
    "bias": "b beta biases offset",
    "stride": "strides steps window_strides",
    "padding": "pad pads pad_width",
    "dilation": "dilations dilation_rate rhs_dilation",
    "groups": "group feature_group_count n_groups num_groups",
    "num_groups": "groups group n_groups",
    "kernel_size": "pool_size ksize window window_shape kernel kernel_shape size",
    "value": "constant_values fill_value fillvalue",
    "axis": "dim dims axes",
    "eps": "epsilon variance_epsilon",
    "running_mean": "mean moving_mean",
    "running_var": "var variance moving_variance moving_var",
    "norm_type": "p",
    "scale_factor": "factor scale scales",
    "upscale_factor": "block_size blocksize factor r",
    "downscale_factor": "block_size blocksize factor r",
    "size": "output_size dsize sizes",
    "mode": "interpolation method resample",
    "output_size": "size shape",
    "normalized_shape": "shape",
    "negative_slope": "alpha slope leak",
    "return_indices": "return_mask return_argmax with_indices",
    "dy": "grad_output grad gradient dout",
    "input_shape": "input_size x_shape image_shape shape",
    "weight_shape": "weight_size kernel_shape k_shape shape",
    "x_shape": "input_shape input_size image_shape shape",
}
SENTENCES = {  # the name of an argument that has no counterpart -> what to write
    "data_format": "images are (N, C, H, W) always; of images (N, H, W, C) write x.transpose(0, 3, 1, 2)",
    "inplace": "write out=x to overwrite x",
    "dtype": "the result has the dtype of x, float32 or float64: write x.astype(VALUE) for another",
    "boundary": f"the border is zeros; for another {BORDER}",
    "padding_mode": f"the border is zeros; for another {BORDER}",
    "size_average": "write reduction='mean' or reduction='sum'",
    "reduce": "write reduction='none' for a loss of each row",
    "from_logits": "x and logits are logits always: leave it out",
    "method": "leave it out",
    "name": "leave it out",
    "keepdims": "leave it out",
}
CHANNELS = "arrays are joined along their channels: leave it out, or write numpy.concatenate(arrays, axis)"
OUTSIDE = "zeros are around x; for another border write x = numpy.pad(x, 1, mode='symmetric') and mode='valid'"
AXES = "write normalized_shape=x.shape[-1:] for the last axis, or x.shape[1:] for all but the first"
FAMILIES = {  # names that mean something else in each family of functions
    ("concat", "axis"): CHANNELS,
    ("concat", "dim"): CHANNELS,
    ("layer_norm", "axis"): AXES,
    ("layer_norm", "dim"): AXES,
    ("upsample", "size"): "write scale_factor, an integer or one per axis, or interpolate(x, size)",
    ("upsample", "mode"): "each value is repeated, which is nearest; write interpolate(x, size, mode='bilinear')",
    ("upsample", "align_corners"): "leave it out, or write interpolate(x, size, mode='bilinear')",
    ("interpolate", "recompute_scale_factor"): "write size, the rows and columns of the result",
    (
        "interpolate",
        "antialias",
    ): "pixels between are left out; write avg_pool2d, or adaptive_avg_pool2d, for their mean",
    ("conv", "mode"): "write padding='valid', 'same' or 'full', or convolve2d(x, k, mode) as in SciPy",
    ("convolve2d", "boundary"): OUTSIDE,
    ("convolve2d", "fillvalue"): OUTSIDE,
}
EXTRA = {  # arguments by position that other libraries have beyond these
    "convolve2d": OUTSIDE,
    "concatenate": "arrays are one list, joined along the channels: write concatenate([a, b])",
}


def replacement(name: str, word: str, known: Sequence[str]) -> str:
    """The name of an argument of another library here, or what to write instead; '' where nothing is known of it."""
    for here in known:
        if word in WORDS.get(here, "").split():
            return here
    for (family, theirs), sentence in FAMILIES.items():
        if name.startswith(family) and word == theirs:
            return sentence
    return SENTENCES.get(word, "")


def beyond(name: str, args: Sequence[Any], places: Sequence[str], known: Sequence[str]) -> str:
    """What to do with the arguments beyond those that have a place."""
    if name in EXTRA:
        return EXTRA[name]
    others = [one for one in known if one not in places]
    if "out" in others and hasattr(args[len(places)], "shape"):
        return "write out=... for the array of the result"
    if args[len(places)] is True and len(places) == 1 and "out" in others:
        return "write out=x to overwrite x"
    return f"by name it also takes {', '.join(others)}" if others else "leave them out"
