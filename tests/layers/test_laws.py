"""Every layer keeps the laws of `tests/support/laws.py`."""

import laws
import numpy as np
import pytest
from laws import Bench, bits

import fastconv
from fastconv import layers
from fastconv.layers import (
    CELU,
    ELU,
    GELU,
    SELU,
    AdaptiveAvgPool1D,
    AdaptiveAvgPool2D,
    AdaptiveMaxPool1D,
    AdaptiveMaxPool2D,
    Affine,
    AvgPool1D,
    AvgPool2D,
    BatchNorm,
    ChannelScale,
    ChannelShuffle,
    Conv1D,
    Conv2D,
    ConvTranspose1D,
    ConvTranspose2D,
    DepthwiseConv2D,
    Dropout,
    Exp,
    Flatten,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GroupNorm,
    HardSigmoid,
    HardSwish,
    Hardtanh,
    InstanceNorm,
    LayerNorm,
    LeakyReLU,
    Linear,
    LocalResponseNorm,
    LogSigmoid,
    LogSoftmax,
    LpPool2D,
    MainHead,
    MaxPool1D,
    MaxPool2D,
    Mish,
    Permute,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    Reciprocal,
    ReflectionPad2D,
    ReLU,
    ReLU6,
    ReplicationPad2D,
    Reshape,
    SeparableConv2D,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Sqrt,
    StochasticDepth,
    Tanh,
    Threshold,
    Upsample,
    ZeroPad2D,
)
from fastconv.network import Network

CASES = {
    "conv": (lambda: Conv2D(4, 3), (3, 6, 5)),
    "conv wide": (lambda: Conv2D(18, 3, padding=1), (17, 4, 5)),
    "conv rotated": (lambda: Conv2D(3, (3, 2), rotate=True), (2, 5, 6)),
    "conv strided": (lambda: Conv2D(4, 3, stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2)), (2, 7, 6)),
    "conv same, groups, no bias": (lambda: Conv2D(6, 3, padding="same", groups=2, bias=False), (4, 5, 4)),
    "conv transpose": (lambda: ConvTranspose2D(3, 3, stride=2, padding=1, output_padding=1), (4, 3, 4)),
    "conv transpose multiple": (lambda: ConvTranspose2D(4, 4, stride=2, padding="multiple", groups=2), (2, 3, 3)),
    "conv transpose no bias": (lambda: ConvTranspose2D(2, 2, bias=False), (3, 3, 2)),
    "depthwise": (lambda: DepthwiseConv2D(3, padding=1), (5, 5, 4)),
    "depthwise twice": (lambda: DepthwiseConv2D(3, stride=2, multiplier=2, bias=False), (3, 5, 5)),
    "separable": (lambda: SeparableConv2D(5, 3, padding=1), (3, 5, 4)),
    "separable strided": (lambda: SeparableConv2D(2, 3, stride=2, bias=False), (4, 6, 5)),
    "linear": (lambda: Linear(5), (7,)),
    "linear no bias": (lambda: Linear(3, bias=False), (18,)),
    "max pool": (lambda: MaxPool2D(2), (3, 6, 4)),
    "max pool overlapping": (lambda: MaxPool2D(3, 2, padding=1, ceil_mode=True), (5, 6, 5)),
    "mean pool": (lambda: AvgPool2D(2), (3, 6, 4)),
    "mean pool overlapping": (lambda: AvgPool2D(3, 2, padding=1, ceil_mode=True, count_include_pad=False), (5, 6, 5)),
    "mean pool, divisor": (lambda: AvgPool2D((2, 3), 1, divisor_override=5), (2, 4, 5)),
    "L2 pool": (lambda: LpPool2D(2), (3, 6, 4)),
    "L3 pool": (lambda: LpPool2D(3, stride=2, norm_type=3), (2, 5, 5)),
    "adaptive mean": (lambda: AdaptiveAvgPool2D((3, 2)), (3, 7, 5)),
    "adaptive max": (lambda: AdaptiveMaxPool2D((2, 3)), (3, 5, 7)),
    "global mean": (lambda: GlobalAvgPool2D(), (6, 4, 3)),
    "global max": (lambda: GlobalMaxPool2D(), (6, 4, 3)),
    "sigmoid": (lambda: Sigmoid(), (3, 4, 5)),
    "sigmoid of a vector": (lambda: Sigmoid(), (7,)),
    "tanh": (lambda: Tanh(), (3, 4, 5)),
    "relu": (lambda: ReLU(), (3, 4, 5)),
    "leaky relu": (lambda: LeakyReLU(0.1), (3, 4, 5)),
    "softmax": (lambda: Softmax(), (6,)),
    "softmax of maps": (lambda: Softmax(), (4, 3, 2)),
    "log softmax": (lambda: LogSoftmax(), (6,)),
    "log softmax of maps": (lambda: LogSoftmax(), (4, 3, 2)),
    "prelu": (lambda: PReLU(), (3, 4, 5)),
    "prelu by channel": (lambda: PReLU(shared=False), (3, 4, 5)),
    "prelu of a vector": (lambda: PReLU(shared=False), (7,)),
    "elu": (lambda: ELU(1.3), (3, 4, 5)),
    "gelu": (lambda: GELU(), (3, 4, 5)),
    "gelu tanh": (lambda: GELU("tanh"), (3, 4, 5)),
    "silu": (lambda: SiLU(), (3, 4, 5)),
    "hard swish": (lambda: HardSwish(), (3, 4, 5)),
    "hard sigmoid": (lambda: HardSigmoid(), (3, 4, 5)),
    "softplus": (lambda: Softplus(2.0, 3.0), (3, 4, 5)),
    "selu": (lambda: SELU(), (3, 4, 5)),
    "celu": (lambda: CELU(0.7), (3, 4, 5)),
    "softsign": (lambda: Softsign(), (3, 4, 5)),
    "mish": (lambda: Mish(), (3, 4, 5)),
    "log sigmoid": (lambda: LogSigmoid(), (3, 4, 5)),
    "hard tanh": (lambda: Hardtanh(-0.5, 0.8), (3, 4, 5)),
    "threshold": (lambda: Threshold(0.2, -1.0), (3, 4, 5)),
    "relu6": (lambda: ReLU6(), (3, 4, 5)),
    "exp": (lambda: Exp(), (3, 4, 5)),
    "exp of a vector": (lambda: Exp(), (19,)),
    "sqrt": (lambda: Sqrt(), (3, 4, 5)),
    "sqrt of many channels": (lambda: Sqrt(), (18, 3, 2)),
    "reciprocal": (lambda: Reciprocal(), (3, 4, 5)),
    "reciprocal of signals": (lambda: Reciprocal(), (5, 4)),
    "softmax of rows": (lambda: Softmax(axis=2), (4, 3, 6)),
    "softmax of columns": (lambda: Softmax(axis=1), (18, 5, 2)),
    "log softmax of tokens": (lambda: LogSoftmax(axis=1), (5, 19)),
    "affine of values": (lambda: Affine(np.arange(40.0).reshape(2, 4, 5) - 20, np.ones((1, 5))), (2, 4, 5)),
    "affine of rows": (lambda: Affine(np.arange(4.0).reshape(4, 1) - 1), (18, 4, 3)),
    "affine of tokens": (lambda: Affine([2, 3, 4], np.arange(6.0).reshape(1, 6)), (3, 6)),
    "batch norm": (lambda: BatchNorm(), (5, 4, 3)),
    "batch norm, no parameters": (lambda: BatchNorm(affine=False, momentum=0.5), (18, 3, 4)),
    "batch norm of a vector": (lambda: BatchNorm(eps=0.1), (7,)),
    "group norm": (lambda: GroupNorm(2), (6, 4, 3)),
    "group norm, no parameters": (lambda: GroupNorm(1, affine=False), (5, 3, 4)),
    "group norm of a vector": (lambda: GroupNorm(3), (18,)),
    "instance norm": (lambda: InstanceNorm(affine=True), (5, 4, 3)),
    "instance norm, no parameters": (lambda: InstanceNorm(), (18, 3, 2)),
    "instance norm of a row": (lambda: InstanceNorm(), (4, 1, 9)),
    "layer norm": (lambda: LayerNorm(), (3, 4, 5)),
    "layer norm of a vector": (lambda: LayerNorm(), (19,)),
    "layer norm, no parameters": (lambda: LayerNorm(affine=False), (7,)),
    "local response norm": (lambda: LocalResponseNorm(3, 0.5), (6, 4, 3)),
    "local response norm, even": (lambda: LocalResponseNorm(4, 2.0, 0.6, 1.5), (19, 3, 2)),
    "local response norm of a vector": (lambda: LocalResponseNorm(5, 1.0), (9,)),
    "affine": (lambda: Affine(-1.5, 2.0), (3, 4, 5)),
    "affine by channel": (lambda: Affine(np.arange(18) - 5, [0.25] * 18), (18, 3, 4)),
    "affine of a vector": (lambda: Affine(shift=range(7)), (7,)),
    "channel scale": (lambda: ChannelScale(), (5, 4, 3)),
    "channel scale of a vector": (lambda: ChannelScale(0.1), (19,)),
    "layer norm of pixels": (lambda: LayerNorm(axis="channels"), (18, 4, 3)),
    "layer norm of pixels, no parameters": (lambda: LayerNorm(axis="channels", affine=False), (5, 3, 4)),
    "layer norm of tokens": (lambda: LayerNorm(axis="last"), (4, 19)),
    "linear of tokens": (lambda: Linear(5), (4, 7)),
    "reshape": (lambda: Reshape((6, -1)), (3, 4, 2)),
    "reshape to images": (lambda: Reshape((2, 3, 4)), (24,)),
    "reshape of other pieces": (lambda: Reshape((2, 9, 2)), (18, 2, 1)),
    "permute": (lambda: Permute((1, 2, 0)), (3, 4, 2)),
    "permute tokens": (lambda: Permute((1, 0)), (3, 8)),
    "conv of signals": (lambda: Conv1D(4, 3, stride=2, padding=(1, 2), dilation=2, groups=2), (6, 11)),
    "conv of signals, wide": (lambda: Conv1D(18, 3, padding="same", bias=False), (17, 9)),
    "conv transpose of signals": (lambda: ConvTranspose1D(3, 3, stride=2, padding=1, output_padding=1), (4, 6)),
    "max pool of signals": (lambda: MaxPool1D(3, 2, 1, ceil_mode=True), (5, 8)),
    "max pool of signals, dilated": (lambda: MaxPool1D(2, 1, dilation=3), (5, 8)),
    "mean pool of signals": (lambda: AvgPool1D(3, 2, (1, 0), count_include_pad=False), (5, 8)),
    "adaptive mean of signals": (lambda: AdaptiveAvgPool1D(3), (4, 7)),
    "adaptive max of signals": (lambda: AdaptiveMaxPool1D(3), (4, 7)),
    "global mean of signals": (lambda: GlobalAvgPool1D(), (6, 7)),
    "global max of signals": (lambda: GlobalMaxPool1D(), (6, 7)),
    "batch norm of signals": (lambda: BatchNorm(), (5, 9)),
    "group norm of signals": (lambda: GroupNorm(2), (6, 4)),
    "prelu of signals": (lambda: PReLU(shared=False), (5, 4)),
    "softmax of signals": (lambda: Softmax(), (5, 4)),
    "log softmax of signals": (lambda: LogSoftmax(), (5, 4)),
    "local response norm of signals": (lambda: LocalResponseNorm(3, 0.5), (6, 4)),
    "layer norm of signals": (lambda: LayerNorm(), (4, 5)),
    "gelu of signals": (lambda: GELU(), (4, 5)),
    "dropout of signals": (lambda: Dropout(0.4, seed=3), (4, 5)),
    "flatten signals": (lambda: Flatten(), (4, 5)),
    "affine of signals": (lambda: Affine([1, 2, 3], -1), (3, 5)),
    "channel scale of signals": (lambda: ChannelScale(), (3, 5)),
    "flatten": (lambda: Flatten(), (3, 4, 2)),
    "flatten columns": (lambda: Flatten(order="column"), (3, 4, 2)),
    "flatten a vector": (lambda: Flatten(), (5,)),
    "zero pad": (lambda: ZeroPad2D((1, 0, 2, 3)), (3, 4, 5)),
    "zero pad of many channels": (lambda: ZeroPad2D(1), (18, 2, 3)),
    "reflection": (lambda: ReflectionPad2D((1, 0, 2, 3)), (3, 4, 5)),
    "replication of many channels": (lambda: ReplicationPad2D((1, 0, 5, 3)), (18, 2, 3)),
    "pixel shuffle": (lambda: PixelShuffle(2), (12, 4, 5)),
    "pixel shuffle of many channels": (lambda: PixelShuffle(3, mode="DCR"), (162, 2, 3)),
    "pixel unshuffle": (lambda: PixelUnshuffle(2), (3, 4, 6)),
    "channel shuffle": (lambda: ChannelShuffle(3), (12, 4, 5)),
    "bilinear": (lambda: Upsample(2, mode="bilinear"), (3, 4, 5)),
    "bilinear of many channels": (lambda: Upsample(size=(7, 2), mode="bilinear", align_corners=True), (18, 2, 3)),
    "nearest": (lambda: Upsample((1.5, 0.6)), (3, 4, 5)),
    "upsample": (lambda: Upsample(2), (3, 4, 5)),
    "upsample of many channels": (lambda: Upsample((3, 1)), (18, 2, 3)),
    "heads": (lambda: MainHead(3), (9,)),
    "dropout": (lambda: Dropout(0.4, seed=3), (3, 4, 5)),
    "stochastic depth": (lambda: StochasticDepth(0.4, seed=3), (3, 4, 5)),
    "stochastic depth of a vector": (lambda: StochasticDepth(0.4, seed=3), (9,)),
    "dropout of a vector": (lambda: Dropout(0.4, seed=3), (9,)),
}
every_layer = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
OF_THE_BATCH = {
    name for name in CASES if name.startswith(("dropout", "stochastic", "batch norm"))
}  # a sample alone is another thing
IN_PLACE = {name: case for name, case in CASES.items() if case[0]().in_place}
every_fixed_layer = pytest.mark.parametrize("case", [c for n, c in CASES.items() if n not in OF_THE_BATCH])
every_layout = pytest.mark.parametrize("channels_last", [False, True], ids=["planar", "channels_last"])
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def test_no_layer_is_forgotten():
    tried = {type(make()) for make, _ in CASES.values()}
    assert tried == {getattr(layers, name) for name in layers.__all__}


@every_layer
@every_layout
def test_gradients_are_those_of_central_differences(case, channels_last):
    bench = Bench(*case, channels_last=channels_last)

    def loss():
        return float((bench.forward().y * bench.dy).sum())

    dx, grads = bench.backward(bench.forward())
    np.testing.assert_allclose(dx, laws.differences(loss, bench.x), rtol=1e-6, atol=1e-8)
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, laws.differences(loss, bench.params[name]), rtol=1e-6, atol=1e-8)


@every_fixed_layer
@every_layout
@every_dtype
def test_the_batch_and_its_layout_change_nothing_but_rounding(case, channels_last, dtype):
    """y and dx of each image by itself, in planar memory and float64, are as in the batch in any layout."""
    bench = Bench(*case, n=3, dtype=dtype, channels_last=channels_last)
    results, tolerance = bench.everything(), 1e-4 if dtype == "float32" else 1e-12
    for n in range(3):
        one = Bench(*case, n=1)
        one.params = {k: p.astype("float64") for k, p in bench.params.items()}
        one.x[...], one.dy[...] = bench.x[n : n + 1], bench.dy[n : n + 1]
        alone = one.everything()
        for name in ("y", "dx"):
            np.testing.assert_allclose(results[name][n], alone[name][0], rtol=tolerance, atol=tolerance)


@every_layer
@every_layout
def test_backward_reads_only_what_is_declared(case, channels_last):
    bench = Bench(*case, channels_last=channels_last)
    done = bench.forward()
    expected = bench.backward(done)
    if "x" not in bench.layer.saves:
        bench.x[...] = np.nan
    if "y" not in bench.layer.saves:
        done.y[...] = np.nan
    dx, grads = bench.backward(done)
    assert bits({"dx": dx, **grads}) == bits({"dx": expected[0], **expected[1]})
    assert np.isfinite(dx).all()


@every_layer
@every_layout
@every_dtype
def test_every_result_is_overwritten_and_no_input(case, channels_last, dtype):
    bench = Bench(*case, dtype=dtype, channels_last=channels_last)
    inputs = {"x": bench.x, "dy": bench.dy, **bench.params}
    before = bits(inputs)
    done = bench.forward()
    saved = bits(done.saved)
    dx, grads = bench.backward(done)
    for name, result in {"y": done.y, "dx": dx, **grads, **done.saved}.items():
        assert np.isfinite(result).all(), name
        assert (result != -77).all(), name
    assert bits(inputs) == before
    assert bits(done.saved) == saved


@every_layer
@every_layout
def test_backward_twice_gives_the_same_bits(case, channels_last):
    bench = Bench(*case, dtype="float32", channels_last=channels_last)
    done = bench.forward()
    dx, grads = bench.backward(done)
    again, grads_again = bench.backward(done, times=2)
    assert bits({"dx": dx, **grads}) == bits({"dx": again, **grads_again})


@every_layer
@every_layout
def test_an_unwanted_dx_changes_no_gradient(case, channels_last):
    bench = Bench(*case, channels_last=channels_last)
    done = bench.forward()
    assert bits(bench.backward(done)[1]) == bits(bench.backward(done, want_dx=False)[1])


@every_layer
@every_layout
def test_inside_a_concatenation(case, channels_last):
    """All images as channels of a larger buffer, whose other channels stay as they are."""
    plain = Bench(*case, channels_last=channels_last)
    inside = Bench(*case, channels_last=channels_last, slack=3)
    inside.x[...], inside.dy[...] = plain.x, plain.dy
    inside.params = plain.params
    results = inside.everything()
    assert bits(results) == bits(plain.everything())
    for name in ("y", "dx"):
        assert np.isnan(results[name].base).sum() >= np.size(results[name]) // results[name].shape[1] * 6


@pytest.mark.parametrize("case", IN_PLACE.values(), ids=IN_PLACE)
def test_in_place(case):
    """Where a layer allows it: y over x, dx over dy."""
    bench = Bench(*case)
    done = bench.forward()
    dx, _ = bench.backward(done)
    dy = bench.dy.copy()
    np.testing.assert_array_equal(bench.backward(done, dy, dy.reshape(bench.x_shape))[0], dx)
    np.testing.assert_array_equal(dy.reshape(bench.x_shape), dx)
    x = bench.x.copy()
    bench.forward(x, x.reshape(bench.y_shape))
    np.testing.assert_array_equal(x.reshape(bench.y_shape), done.y)


@every_layer
@every_layout
@every_dtype
@pytest.mark.usefixtures("all_threads")
def test_any_number_of_threads(case, channels_last, dtype):
    bench = Bench(*case, n=5, dtype=dtype, channels_last=channels_last)
    results = []
    for threads in (1, 2, 4, 8):
        fastconv.set_num_threads(threads)
        results.append(bits(bench.everything()))
    assert all(result == results[0] for result in results)


@every_layer
@every_dtype
def test_a_prediction_alone_or_in_any_batch(case, dtype):
    make, x_shape = case
    network = Network(make(), x_shape, dtype, seed=1)
    x = np.random.default_rng(2).standard_normal((7, *x_shape)).astype(dtype)
    x = abs(x) if isinstance(network.nodes[-1].layer, laws.POSITIVE) else x
    for y in (network.predict(x), network.predict(x[:2]), network.predict(x[:1])):
        for n, one in enumerate(y):
            assert one.tobytes() == network.predict(x[n]).tobytes()
