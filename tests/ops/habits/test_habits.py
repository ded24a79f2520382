"""Calls from habit: the error holds the line to write, and the line works."""

import re

import numpy as np
import pytest

import fastconv
from fastconv import (
    binary_cross_entropy_with_logits,
    conv2d,
    conv_transpose2d,
    convolve2d,
    cross_entropy,
    max_pool2d,
    mse_loss,
    relu,
    softmax,
)


def ones(*shape):
    return np.ones(shape, "float32")


NAMES = {name: getattr(fastconv.ops, name) for name in fastconv.ops.__all__} | {"numpy": np}

CALLS = [  # arrays by name, a call from habit, what the error says to write, the call that follows it ({}: that)
    # PyTorch
    ("x=2,4,6,6 weight=8,4,3,3", "conv2d(x, weight, 1, 1)", "stride=1, padding=1", "conv2d(x, weight, {})"),
    ("x=2,4,6,6 weight=8,4,3,3", "conv2d(input=x, weight=weight)", "it is called x here", "conv2d(x, weight)"),
    ("x=2,4,6,6 weight=8,4,3,3", "conv_transpose2d(x, weight)", "weight.transpose(1, 0, 2, 3)", None),
    (
        "x=2,4,6,6 weight=8,4,3,3",
        "conv2d(x, weight, padding_mode='reflect')",
        "x = pad(x, 1, mode='reflect')",
        None,
    ),
    ("x=2,3", "softmax(x, dim=1)", "axis=1", "softmax(x, {})"),
    ("x=2,3", "relu(x, True)", "out=x", "relu(x, {})"),
    ("x=2,3", "relu(x, inplace=True)", "out=x", "relu(x, {})"),
    ("x=2,3", "leaky_relu(x, alpha=0.1)", "negative_slope=0.1", "leaky_relu(x, {})"),
    ("x=1,3,4,4", "upsample_nearest2d(x, size=2)", "write scale_factor", "upsample_nearest2d(x, scale_factor=2)"),
    ("x=1,3,4,4", "pad(x, (1, 2))", "(1, 2, 0, 0)", "pad(x, {})"),
    ("x=1,3,4,4", "pad(x, (1, 1, 1, 1), 'reflect')", "mode='reflect'", "pad(x, 1, {})"),
    ("x=2,3 targets=2,3", "mse_loss(x, targets, size_average=True)", "reduction='mean'", "mse_loss(x, targets, {})"),
    ("x=2,3 targets=2,3", "mse_loss(input=x, target=targets)", "it is called x here", "mse_loss(x, targets)"),
    ("x=1,4,6,6", "batch_norm(x)", "batch_norm(x, running_mean, running_var)", None),
    ("x=1,4,6,6", "max_pool2d(x, 2, 2, 0, 1, 2)", "ceil_mode must be True or False, got 2", None),
    ("x=2,3", "concatenate([x, x], dim=1)", "leave it out", None),
    # Keras and TensorFlow
    ("x=2,6,6,4 weight=8,4,3,3", "conv2d(x, weight)", "x.transpose(0, 3, 1, 2)", "conv2d({}, weight)"),
    ("x=6,6,4 weight=8,4,3,3", "conv2d(x, weight)", "x.transpose(2, 0, 1)", "conv2d({}, weight)"),
    ("x=2,4,6,6 weight=3,3,4,8", "conv2d(x, weight)", "weight.transpose(3, 2, 0, 1)", "conv2d(x, {})"),
    ("x=2,6,6,4 weight=3,3,4,8", "conv2d(x, weight)", "weight.transpose(3, 2, 0, 1) and x.transpose(0, 3, 1, 2)", None),
    (
        "x=2,4,6,6 weight=3,3,8,4",
        "conv_transpose2d(x, weight)",
        "weight.transpose(3, 2, 0, 1)",
        "conv_transpose2d(x, {})",
    ),
    ("x=2,4,6,6 weight=8,4,3,3", "conv2d(x, weight, strides=2)", "stride=2", "conv2d(x, weight, {})"),
    ("x=2,4,6,6 weight=8,4,3,3", "conv2d(x, weight, data_format='NHWC')", "x.transpose(0, 3, 1, 2)", None),
    ("x=2,4,6,6", "max_pool2d(x, pool_size=2)", "kernel_size=2", "max_pool2d(x, {})"),
    ("x=1,28,28,1", "max_pool2d(x, 2)", "x.transpose(0, 3, 1, 2)", "max_pool2d({}, 2)"),
    ("x=28,28,1", "avg_pool2d(x, (2, 2))", "x.transpose(2, 0, 1)", "avg_pool2d({}, (2, 2))"),
    ("x=2,3 weight=3,5", "linear(x, weight)", "weight.T", "linear(x, {})"),
    ("x=2,1,4,4 weight=3,16", "linear(x, weight)", "x.reshape(len(x), -1)", "linear({}, weight)"),
    ("x=2,3 weight=4,3", "linear(x, weight, True)", "leave it out for no bias", "linear(x, weight)"),
    ("x=2,6,6,4 m=4", "batch_norm(x, m, m)", "x.transpose(0, 3, 1, 2)", "batch_norm({}, m, m)"),
    ("x=2,4", "layer_norm(x, axis=-1)", "normalized_shape=x.shape[-1:]", "layer_norm(x, {})"),
    (
        "logits=2,3 t=2",
        "cross_entropy(y_true=t, y_pred=logits)",
        "; it is called targets here: write targets=y_true",
        "cross_entropy(targets=t.astype(int), logits=logits)",
    ),
    (
        "logits=2,3 t=2",
        "cross_entropy(t.astype(int), logits)",
        "logits come first, then targets: write cross_entropy(logits, targets), got integers as logits",
        "cross_entropy(logits, t.astype(int))",
    ),
    ("logits=2,3 t=2", "cross_entropy(logits, t.astype(int), from_logits=True)", "leave it out", None),
    ("logits=2,3", "cross_entropy(logits, 3 * logits)", "logits come first, then targets", None),
    (
        "logits=2,3 targets=2,3",
        "binary_cross_entropy_with_logits(targets, -logits)",
        "logits come first, then targets",
        None,
    ),
    # labels
    ("logits=2,3", "cross_entropy(logits, targets)", "targets.argmax(axis=1)", "cross_entropy(logits, {})"),
    ("x=2,3", "nll_loss(x, targets)", "targets.argmax(axis=1)", "nll_loss(x, {})"),
    ("logits=2,3 targets=2", "cross_entropy(logits, targets)", "targets.astype('int64')", "cross_entropy(logits, {})"),
    ("x=2,1 targets=2", "mse_loss(x, targets)", "targets[..., None]", "mse_loss(x, {})"),
    ("x=2,3 t=2", "mse_loss(x, targets=t.astype(int))", "numpy.eye(3, dtype=x.dtype)[targets]", None),
    # NumPy and SciPy
    ("x=2,4,6,6 weight=8,4,3,3", "conv2d(x, weight, 'same')", "padding='same'", "conv2d(x, weight, {})"),
    (
        "x=6,6 k=3,3",
        "convolve2d(x, k, 'same', 'symm')",
        "numpy.pad(x, 1, mode='symmetric')",
        "convolve2d({}, k, mode='valid')",
    ),
    ("x=6,6 k=3,3", "convolve2d(x, k, boundary='symm')", "numpy.pad(x, 1, mode='symmetric')", None),
    ("x=6,6 k=3,3", "convolve2d(in1=x, in2=k)", "it is called x here", "convolve2d(x, k)"),
    ("x=6,6 k=3,3", "convolve2d(x, k, 'sam')", "did you mean 'same'?", "convolve2d(x, k, 'same')"),
    ("x=1,3,4,4", "pad(x, ((0, 0), (0, 0), (1, 1), (2, 3)))", "padding=(2, 3, 1, 1)", "pad(x, {})"),
    ("x=1,3,4,4", "pad(x, 1, mode='reflected')", "did you mean 'reflect'?", "pad(x, 1, mode='reflect')"),
    (
        "x=1,3,4,4",
        "interpolate(x, 2, method='bilinear')",
        "write mode='bilinear'",
        "interpolate(x, 2, mode='bilinear')",
    ),
    ("x=1,4,2,2", "pixel_shuffle(x, block_size=2)", "write upscale_factor=2", "pixel_shuffle(x, 2)"),
    (
        "x=1,4,6,6 weight=8,4,3,3",
        "conv2d(x, weight, padding=((0, 0), (0, 0), (1, 1), (2, 2)))",
        "padding=((1, 1), (2, 2))",
        "conv2d(x, weight, {})",
    ),
    ("a=1,3,4,4", "concatenate(a, a)", "concatenate([a, b])", "concatenate([a, a])"),
    ("a=1,3,4,4", "concatenate(None)", "concatenate([a, b])", "concatenate([a, a])"),
    ("x=1,4,6,6", "max_unpool2d(x, indices.astype('int32'), 1)", "indices.astype('int64')", None),
    (
        "logits=2,3 dy=2",
        "cross_entropy_backward(logits, [0, 1], reduction='none', dy=dy.astype(float))",
        "dy.astype('float32')",
        None,
    ),
    ("a=1,3,4,4", "concatenate([a, a], axis=1)", "leave it out", "concatenate([a, a])"),
    ("a=2,3 b=2,3", "add(a, b, a)", "write out=", "add(a, b, out=a)"),
    ("a=2,3", "add(a, 1)", "write a + b, which broadcasts", None),
    # shapes
    ("x=6,6 weight=1,1,3,3", "conv2d(x, weight)", "x[None, None]", "conv2d({}, weight)"),
    ("x=6,6", "max_pool2d(x.tolist(), 2)", "numpy.asarray(x)[None, None]", None),
    ("x=5,6,6 weight=1,1,3,3", "conv2d(x, weight)", "x[:, None]", "conv2d({}, weight)"),
    ("x=2,1,6,6 weight=3,3", "conv2d(x, weight)", "weight[None, None]", "conv2d(x, {})"),
    ("x=2,4,6,6 weight=4,3,3", "conv2d(x, weight)", "weight[None]", "conv2d(x, {})"),
    ("x=2,1,6,6 weight=4,3,3", "conv2d(x, weight)", "weight[:, None]", "conv2d(x, {})"),
    ("x=2,4,6,6 weight=8,4,3,3 bias=1,8,1,1", "conv2d(x, weight, bias)", "bias.reshape(-1)", "conv2d(x, weight, {})"),
    ("x=2,4,6,6 weight=8,4,3,3", "conv2d(x, weight, padding='reflect')", "mode='reflect'", None),
    ("x=2,4,6,6 weight=8,4,3,3", "conv2d(x, weight, padding='zeros')", "padding=1", "conv2d(x, weight, {})"),
    ("x=2,3", "softmax_backward(x)", "softmax_backward(dy, x)", "softmax_backward(x, x)"),
    ("x=2,3", "gelu(x, True)", "approximate must be one of 'none', 'tanh'", "gelu(x, 'tanh')"),
    ("x=2,3", "gelu(x, aproximate='tanh')", "approximate='tanh'", "gelu(x, {})"),
    ("x=2,3,8,8 weight=3,1,3,3", "conv2d(x, weight)", "groups=3 for filters of one channel each", None),
    ("x=2,3,8,8 weight=3,1,3,3", "conv2d(x, weight)", "groups=3", "conv2d(x, weight, {})"),
    ("x=2,6,6,4 weight=8,4,3,3", "conv2d(x.astype(int), weight)", "got int64; write x.astype('float32')", None),
    ("x=2,0,8,8 weight=8,1,3,3", "conv2d(x, weight)", "images and weight must have channels", None),
    ("x=2,8,8,1 weight=8,1,3,3", "conv2d(x, weight)", "x.transpose(0, 3, 1, 2)", "conv2d({}, weight)"),
    ("x=2,4,6,6", "max_pool2d(x, x)", "kernel_size must be an integer or a pair of integers, got an array of sh", None),
    ("x=3,8,8 weight=3,1,3,3", "conv2d(x, weight)", "each, or x[:, None] for images (N, H, W)", None),
    ("x=2,4,6,6", "conv2d(x, (3, 3))", "weight must be an array (K, C / groups, kh, kw), got (3, 3); a layer", None),
    ("x=2,4,6,6", "conv2d(x, 8, 3)", "got 8; a layer makes and trains its own: fastconv.Conv2D(channels, ", None),
    ("x=2,4,6,6", "conv_transpose2d(x, 8)", "(C, K / groups, kh, kw), got 8; a layer makes and trains its own", None),
    ("x=2,6", "linear(x, 10)", "array (O, I), got 10; a layer makes and trains its own: fastconv.Linear(", None),
    ("x=2,3", "relu(x, dtype='float64')", "x.astype('float64') for another", None),
    ("x=2,3", "relu(x, dtype=numpy.float64)", "x.astype(numpy.float64)", "relu({})"),
    ("x=2,3", "relu(numpy.zeros(3, [('a', 'f4')]))", "write x['a'] for one field", None),
    (
        "x=2,4,6,6 dy=2,8,4,4 weight=8,4,3,3",
        "conv2d_backward_input(dy, weight, x)",
        "got an array of shape (2, 4, 6, 6); write x.shape",
        "conv2d_backward_input(dy, weight, x.shape)",
    ),
    (
        "x=2,4,6,6 dy=2,8,4,4 weight=8,4,3,3",
        "conv2d_backward_weight(dy, x, weight)",
        "got an array of shape (8, 4, 3, 3); write weight.shape",
        "conv2d_backward_weight(dy, x, weight.shape)",
    ),
    (
        "x=1,2,3,3 y=1,4,3,3",
        "concatenate([x, y.astype('float64')])",
        "example arrays[1].astype('float32')",
        "concatenate([x, y])",
    ),
    ("x=1,1,2", "concatenate([x, [[[3, 4]]]])", "write numpy.asarray(arrays[1]).astype('float32')", None),
    ("x=2,3 w=4,3", "linear(x, w.tolist())", "numpy.asarray(weight).astype('float32')", None),
]


@pytest.mark.parametrize(("arrays", "call", "advice", "followed"), CALLS, ids=[f"{c[1]} {c[0]}" for c in CALLS])
def test_a_call_from_habit_says_what_to_write_and_that_works(arrays, call, advice, followed):
    own = {name: ones(*map(int, shape.split(","))) for name, _, shape in (a.partition("=") for a in arrays.split())}
    own = {"indices": np.zeros((1, 4, 6, 6), int), "targets": np.eye(3, dtype=int)[[1, 2]]} | own
    with pytest.raises((TypeError, ValueError), match=re.escape(advice)):
        eval(call, NAMES | own)
    if followed is not None:
        eval(followed.replace("{}", advice), NAMES | own)


@pytest.mark.parametrize(
    "call",
    [
        "conv2d(x, {weight})",
        "conv2d({x}, weight)",
        "conv2d(x, weight, {bias})",
        "linear(x[0, 0], {weight}[0, 0])",
        "layer_norm(x, (6,), {bias})",
        "group_norm(x, 2, {bias}[:4])",
        "batch_norm(x, {bias}[:4], bias[:4])",
        "prelu(x, {bias}[:4])",
        "relu_backward({x}, x)",
        "concatenate([x, {x}])",
    ],
)
def test_integers_beside_float64_become_float64(call):
    rng = np.random.default_rng(0)
    floats = {"x": rng.random((2, 4, 6, 6)), "weight": rng.random((6, 4, 3, 6)), "bias": rng.random(6)}
    whole = {f"{name}_of_integers": np.ones(value.shape, int) for name, value in floats.items()}
    with pytest.raises(TypeError, match=r"got int64; write \S+\.astype\('float64'\)$"):
        eval(call.format(**{name: f"{name}_of_integers" for name in floats}), NAMES | floats | whole)
    eval(call.format(**{name: f"{name}.astype('float64')" for name in floats}), NAMES | floats)


def test_an_error_that_nothing_is_known_about_stays_as_it_is():
    with pytest.raises(ValueError, match=r"^stride must be >= 1, got 0$"):
        conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), stride=0)
    with pytest.raises(TypeError, match=r"^conv2d got x by position and by name; write conv2d\(x, weight\)$"):
        conv2d(ones(1, 1, 4, 4), x=ones(1, 1, 3, 3))


def test_missing_and_surplus_arguments_are_named():
    with pytest.raises(TypeError, match=r"^conv2d needs weight; write conv2d\(x, weight\)$"):
        conv2d(ones(1, 1, 4, 4))
    with pytest.raises(TypeError, match=r"^relu needs x; write relu\(x\)$"):
        relu()
    with pytest.raises(TypeError, match=r"^softmax takes only x, axis by position, got also 2; by name it also"):
        softmax(ones(2, 3), 1, 2)


def test_a_function_looks_like_itself():
    assert conv2d.__name__ == "conv2d"
    assert conv2d.__module__ == "fastconv.ops.conv.conv"
    assert fastconv.ops.conv2d is conv2d


@pytest.mark.parametrize("word", ["SAME", "Same", "same"])
def test_words_of_padding_and_mode_are_taken_in_any_case(word):
    x, w = ones(1, 1, 5, 5), ones(1, 1, 3, 3)
    np.testing.assert_array_equal(conv2d(x, w, padding=word), conv2d(x, w, padding=1))
    np.testing.assert_array_equal(convolve2d(x[0, 0], w[0, 0], word), convolve2d(x[0, 0], w[0, 0], "same"))
    np.testing.assert_array_equal(max_pool2d(x, 3, 1, word), max_pool2d(x, 3, 1, 1))


def test_padding_of_the_transposed_convolution_is_taken_in_any_case():
    x, w = ones(1, 1, 5, 5), ones(1, 1, 3, 3)
    want = conv_transpose2d(x, w, stride=2, padding="multiple")
    np.testing.assert_array_equal(conv_transpose2d(x, w, stride=2, padding="Multiple"), want)
    with pytest.raises(ValueError, match="got 'SAME'; 'multiple' makes the result stride times as large"):
        conv_transpose2d(x, w, stride=2, padding="SAME")


def test_reductions_are_taken_in_any_case():
    x = np.array([[1.0, 2.0]])
    for loss in (mse_loss, fastconv.l1_loss, fastconv.huber_loss, binary_cross_entropy_with_logits):
        assert loss(x, x / 2, "SUM") == loss(x, x / 2, "sum") != loss(x, x / 2, "mean")
    assert cross_entropy(x, [1], reduction="Sum") == cross_entropy(x, [1], reduction="sum")
