"""Whatever is wrong with an array, the error begins with the name of its argument; masked arrays are never read."""

import inspect
import re

import numpy as np
import pytest

from fastconv import ops


def ones(*shape, dtype="float32"):
    return np.ones(shape, dtype)


X, X2, S = ones(2, 4, 6, 6), ones(2, 4), ones(2, 4, 6)
FIRST = np.zeros((2, 4, 3), np.int64) + np.arange(0, 6, 2)
POOLED = {"x": X, "kernel_size": 2}
MAXIMA = np.zeros((2, 4, 3, 3), np.int64) + np.arange(0, 6, 2) + 12 * np.arange(3)[:, None]
ELEMENTS = {"x": X2, "targets": X2}
CALLS = {  # every function with right arguments, of which the arrays are made wrong one at a time
    "adaptive_avg_pool2d": {"x": X, "output_size": 3},
    "adaptive_avg_pool2d_backward": {"dy": ones(2, 4, 3, 3), "input_shape": X.shape},
    "adaptive_max_pool2d": {"x": X, "output_size": 3},
    "adaptive_max_pool2d_backward": {"dy": ones(2, 4, 3, 3), "x": X, "indices": MAXIMA},
    "add": {"a": X, "b": X},
    "avg_pool2d": POOLED,
    "avg_pool2d_backward": {"dy": ones(2, 4, 3, 3), "input_shape": X.shape, "kernel_size": 2},
    "batch_norm": {"x": X, **dict.fromkeys(("running_mean", "running_var", "weight", "bias"), ones(4))},
    "batch_norm_backward": {"dy": X, "x": X, **dict.fromkeys(("mean", "invstd", "weight"), ones(4))},
    "binary_cross_entropy_with_logits": {**ELEMENTS, "pos_weight": ones(4), "weight": ones(4)},
    "binary_cross_entropy_with_logits_backward": {**ELEMENTS, "pos_weight": ones(4), "weight": ones(4)},
    "conv2d": {"x": X, "weight": ones(8, 4, 3, 3), "bias": ones(8), "residual": ones(2, 8, 4, 4)},
    "conv2d_backward_bias": {"dy": X},
    "conv2d_backward_input": {"dy": ones(2, 8, 4, 4), "weight": ones(8, 4, 3, 3), "input_shape": X.shape},
    "conv2d_backward_weight": {"dy": ones(2, 8, 4, 4), "x": X, "weight_shape": (8, 4, 3, 3)},
    "conv_transpose2d": {"x": X, "weight": ones(4, 8, 3, 3), "bias": ones(8)},
    "conv_transpose2d_backward_bias": {"dy": X},
    "conv_transpose2d_backward_input": {"dy": ones(2, 8, 8, 8), "weight": ones(4, 8, 3, 3), "input_shape": X.shape},
    "conv_transpose2d_backward_weight": {"dy": ones(2, 8, 8, 8), "x": X, "weight_shape": (4, 8, 3, 3)},
    "adaptive_avg_pool1d": {"x": S, "output_size": 3},
    "adaptive_avg_pool1d_backward": {"dy": ones(2, 4, 3), "input_shape": S.shape},
    "adaptive_max_pool1d": {"x": S, "output_size": 3},
    "adaptive_max_pool1d_backward": {"dy": ones(2, 4, 3), "x": S, "indices": FIRST},
    "avg_pool1d": {"x": S, "kernel_size": 2},
    "avg_pool1d_backward": {"dy": ones(2, 4, 3), "input_shape": S.shape, "kernel_size": 2},
    "conv1d": {"x": S, "weight": ones(8, 4, 3), "bias": ones(8), "residual": ones(2, 8, 4)},
    "conv1d_backward_bias": {"dy": S},
    "conv1d_backward_input": {"dy": ones(2, 8, 4), "weight": ones(8, 4, 3), "input_shape": S.shape},
    "conv1d_backward_weight": {"dy": ones(2, 8, 4), "x": S, "weight_shape": (8, 4, 3)},
    "conv_transpose1d": {"x": S, "weight": ones(4, 8, 3), "bias": ones(8)},
    "conv_transpose1d_backward_bias": {"dy": S},
    "conv_transpose1d_backward_input": {"dy": ones(2, 8, 8), "weight": ones(4, 8, 3), "input_shape": S.shape},
    "conv_transpose1d_backward_weight": {"dy": ones(2, 8, 8), "x": S, "weight_shape": (4, 8, 3)},
    "global_avg_pool1d": {"x": S},
    "global_avg_pool1d_backward": {"dy": ones(2, 4, 1), "input_shape": S.shape},
    "global_max_pool1d": {"x": S},
    "global_max_pool1d_backward": {"dy": ones(2, 4, 1), "x": S, "indices": FIRST[..., :1]},
    "max_pool1d": {"x": S, "kernel_size": 2},
    "max_pool1d_backward": {"dy": ones(2, 4, 3), "x": S, "kernel_size": 2, "indices": FIRST},
    "convolve2d": {"x": X, "k": ones(8, 4, 3, 3)},
    "convolve2d_backward_input": {"dy": ones(2, 8, 8, 8), "k": ones(8, 4, 3, 3), "input_shape": X.shape},
    "convolve2d_backward_weight": {"dy": ones(2, 8, 8, 8), "x": X, "weight_shape": (8, 4, 3, 3)},
    "cross_entropy": {"logits": X2, "targets": np.array([0, 1]), "weight": ones(4)},
    "cross_entropy_backward": {"logits": X2, "targets": np.array([0, 1]), "weight": ones(4)},
    "global_avg_pool2d": {"x": X},
    "global_avg_pool2d_backward": {"dy": ones(2, 4, 1, 1), "input_shape": X.shape},
    "global_max_pool2d": {"x": X},
    "global_max_pool2d_backward": {"dy": ones(2, 4, 1, 1), "x": X, "indices": np.zeros((2, 4, 1, 1), np.int64)},
    "group_norm": {"x": X, "num_groups": 2, "weight": ones(4), "bias": ones(4)},
    "group_norm_backward": {"dy": X, "x": X, **dict.fromkeys(("mean", "invstd"), ones(2, 2)), "weight": ones(4)},
    "instance_norm": {"x": X, "weight": ones(4), "bias": ones(4)},
    "instance_norm_backward": {"dy": X, "x": X, **dict.fromkeys(("mean", "invstd"), ones(2, 4)), "weight": ones(4)},
    "layer_norm": {"x": X, "normalized_shape": (6,), "weight": ones(6), "bias": ones(6)},
    "layer_norm_backward": {"dy": X, "x": X, **dict.fromkeys(("mean", "invstd"), ones(2, 4, 6)), "weight": ones(6)},
    "linear": {"x": X2, "weight": ones(3, 4), "bias": ones(3)},
    "linear_backward": {"dy": ones(2, 3), "x": X2, "weight": ones(3, 4)},
    "linear_backward_bias": {"dy": X2},
    "linear_backward_input": {"dy": ones(2, 3), "weight": ones(3, 4)},
    "linear_backward_weight": {"dy": ones(2, 3), "x": X2},
    "local_response_norm": {"x": X, "size": 3},
    "local_response_norm_backward": {"dy": X, "x": X, "size": 3},
    "lp_pool2d": POOLED,
    "lp_pool2d_backward": {"dy": ones(2, 4, 3, 3), **POOLED, "y": ones(2, 4, 3, 3)},
    "max_pool2d": POOLED,
    "max_pool2d_backward": {"dy": ones(2, 4, 3, 3), **POOLED, "indices": MAXIMA},
    "max_unpool2d": {"x": ones(2, 4, 3, 3), "indices": MAXIMA, "kernel_size": 2},
    "max_unpool2d_backward": {"dy": X, "indices": MAXIMA},
    "matmul": {"a": X, "b": ones(*X.shape[:2], X.shape[3], 2)},
    "matmul_backward": {"dy": ones(*X.shape[:3], 2), "a": X, "b": ones(*X.shape[:2], X.shape[3], 2)},
    "multiply": {"a": X, "b": ones(2, 4, 1, 1)},
    "multiply_backward": {"dy": X, "a": X, "b": ones(2, 4, 1, 1)},
    "nll_loss": {"x": X2, "targets": np.array([0, 1]), "weight": ones(4)},
    "nll_loss_backward": {"x": X2, "targets": np.array([0, 1]), "weight": ones(4)},
    "pack_weight": {"weight": ones(8, 4, 3, 3), "x_shape": X.shape},
    "pad": {"x": X, "padding": 1},
    "pad_backward": {"dy": X, "padding": 1},
    "prelu": {"x": X, "weight": ones(4)},
    "prelu_backward": {"dy": X, "x": X, "weight": ones(4)},
    "rot180": {"k": X},
    "to_channels_last": {"x": X},
    "to_planar": {"x": X},
    "upsample_nearest2d": {"x": X, "scale_factor": 2},
    "interpolate": {"x": X, "size": 2},
    "interpolate_backward": {"dy": X, "input_shape": (2, 4, 3, 3)},
    "pixel_shuffle": {"x": X, "upscale_factor": 1},
    "pixel_unshuffle": {"x": X, "downscale_factor": 1},
    "channel_shuffle": {"x": X, "groups": 1},
    "upsample_nearest2d_backward": {"dy": X, "scale_factor": 2},
}
RESULT = ("relu", "sigmoid", "tanh", "softmax", "log_softmax")  # whose gradients may be given the result
ONE = ("elu", "selu", "celu", "gelu", "silu", "softplus", "mish", "logsigmoid", "softsign", "leaky_relu", "relu6")
for name in (*ONE, "hardsigmoid", "hardswish", "hardtanh", *RESULT):
    CALLS[name] = {"x": X2}
    CALLS[f"{name}_backward"] = {"dy": X2, "y" if name in RESULT else "x": X2}
CALLS["threshold"] = {"x": X2, "threshold": 0.5, "value": 0.0}
CALLS["threshold_backward"] = {"dy": X2, "x": X2, "threshold": 0.5}
for name in ("mse_loss", "l1_loss", "huber_loss"):
    CALLS[name] = CALLS[f"{name}_backward"] = ELEMENTS
MATRIX = np.zeros((2, 4), "float32").view(np.matrix)
OUTS = {"list": [0.0], "masked": np.ma.zeros((2, 4)), "matrix": MATRIX, "number": 1.0, "text": "result"}
WRONG = {
    "type": lambda a: "picture.png",
    "dictionary": lambda a: {"a": 1},
    "dtype": lambda a: a.astype("float16" if a.dtype.kind == "f" else "complex64"),
    "masked": lambda a: np.ma.masked_array(a, np.arange(a.size).reshape(a.shape) == 0),
}
ARRAYS = [(name, own) for name, call in CALLS.items() for own, value in call.items() if isinstance(value, np.ndarray)]


def test_every_function_is_here_with_every_array_that_it_takes():
    functions = {name for name in ops.__all__ if inspect.isfunction(getattr(ops, name))}
    assert set(CALLS) == functions - {"concatenate", "use_path"}
    for name, call in CALLS.items():
        needed = inspect.signature(getattr(ops, name)).parameters
        arrays = {own for own, p in needed.items() if "ndarray" in str(p.annotation)} - {"out", "dy"}
        assert arrays <= {*call, *(("x",) if name.removesuffix("_backward") in RESULT else ())}, name
        getattr(ops, name)(**call)


def said(name, **wrong):
    """What the error says of a call with a wrong argument; None where it is accepted."""
    try:
        getattr(ops, name)(**{**CALLS[name], **wrong})
    except (TypeError, ValueError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("name", "own"), ARRAYS)
def test_the_error_begins_with_the_name_of_the_argument(name, own, wrong):
    error = said(name, **{own: WRONG[wrong](CALLS[name][own])})
    if (name, wrong) == ("rot180", "dtype"):
        assert error is None  # any dtype may be rotated
    else:
        assert re.match(rf"{own}\b|\w+ and {own} must", error), error


@pytest.mark.parametrize("change", [lambda a: a[None, None, None, None], lambda a: np.concatenate([a] * 7, -1)])
@pytest.mark.parametrize(("name", "own"), ARRAYS)
def test_arrays_of_shapes_that_disagree_are_called_by_their_names(name, own, change):
    """The first that does not fit the others is named, which need not be the one that was changed."""
    error = said(name, **{own: change(CALLS[name][own])})
    assert error is None or error.partition(" ")[0] in CALLS[name], error


@pytest.mark.parametrize("out", OUTS.values(), ids=OUTS)
@pytest.mark.parametrize("name", sorted(n for n in CALLS if "out" in inspect.signature(getattr(ops, n)).parameters))
def test_out_is_a_plain_array(name, out):
    with pytest.raises(TypeError, match=r"^out must be a (plain )?numpy\.ndarray, got "):
        getattr(ops, name)(**CALLS[name], out=out)


def test_advice_about_out_works():
    for out in (np.ma.zeros((2, 4), "float32"), MATRIX):
        with pytest.raises(TypeError, match=r"write out=numpy\.asarray\(out\)$"):
            ops.relu(X2, out=out)
        ops.relu(X2, out=np.asarray(out))
        np.testing.assert_array_equal(out, X2)
