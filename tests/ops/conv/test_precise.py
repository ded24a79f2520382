"""Values of very different size, infinities and NaN side by side: the documented errors, and `precise=True`."""

import copy
import pickle

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import fastconv
from fastconv.graph import sequential
from fastconv.layers import BatchNorm, Conv2D, ConvTranspose2D, DepthwiseConv2D, Flatten, Linear, ReLU, SeparableConv2D
from fastconv.network import Network
from fastconv.ops.check import LINE

EPS = np.finfo("float32").eps
SIDE = 6  # of Winograd's patches, in blocks of stride x stride pixels
WINOGRAD = [(3, 1), (5, 1), (2, 1), (4, 2), (6, 3)]  # kernel, stride
SHAPES = [  # C, K, groups, kernel, stride, padding, dilation: all paths
    (3, 5, 1, 3, 1, 1, 1),
    (16, 16, 1, 5, 1, 2, 1),
    (3, 40, 1, 7, 2, 3, 1),
    (40, 3, 1, 3, 1, 1, 1),
    (33, 32, 1, 3, 1, 1, 1),
    (32, 48, 1, 4, 2, 1, 1),
    (32, 32, 1, 3, 1, 2, 2),
    (20, 40, 20, 3, 1, 1, 1),
    (12, 12, 3, 3, 2, 1, 1),
    (64, 33, 1, 1, 1, 0, 1),
]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_layout = pytest.mark.parametrize("channels_last", [False, True])


def outliers(rng, shape):
    """Ordinary numbers, and among them five from 10 to 1e10."""
    a = rng.standard_normal(shape).astype("float32")
    for exponent in (1, 3, 5, 8, 10):
        a[tuple(rng.integers(0, extent) for extent in shape)] = 10.0**exponent
    return a


def problem(shape, dtype="float32", make=outliers):
    C, K, groups, kernel, stride, padding, dilation = shape
    rng = np.random.default_rng(0)
    x, weight = make(rng, (2, C, 19, 23)), rng.standard_normal((K, C // groups, kernel, kernel))
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return x.astype(dtype), weight.astype(dtype), window


def memory(a, channels_last):
    return np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) if channels_last else a


def near(a, first, stop, step, count):
    """max |a| over rows and columns i step + first to i step + stop - 1 around each of `count` places per axis."""
    room = -first, stop + step * count
    padded = np.pad(np.abs(a).astype("float64"), ((0, 0), (0, 0), room, room))
    return sliding_window_view(padded, (stop - first,) * 2, (2, 3)).max((4, 5))[
        :, :, : count * step : step, : count * step : step
    ]


def wide(*arrays):
    return (a.astype("float64") for a in arrays)


@pytest.mark.parametrize(("kernel", "stride"), WINOGRAD)
def test_the_error_of_winograds_path_is_that_of_the_largest_values_in_its_patches(kernel, stride):
    rng = np.random.default_rng(kernel)
    x, weight = outliers(rng, (2, 48, 26, 26)), rng.standard_normal((33, 48, kernel, kernel)).astype("float32")
    weight[3, 5] *= 1e6
    window = {"stride": stride, "padding": 1}
    y = fastconv.conv2d(x, weight, **window)
    dy = outliers(rng, y.shape)
    taps, rows, sums = kernel**2, y.shape[2], np.abs(weight).astype("float64").sum((2, 3))
    patch = near(x, kernel - 1 - SIDE * stride, SIDE * stride - 1, stride, rows)  # of any patch that holds the window

    right = fastconv.conv2d(*wide(x, weight), **window)
    bound = 8 * EPS * np.sqrt(48 * taps) * np.einsum("kc,ncij->nkij", sums, patch)
    assert np.all(np.abs(y - right) <= bound)
    assert np.any(y != fastconv.conv2d(x, weight, precise=True, **window))  # Winograd's path it was

    dx = fastconv.conv2d_backward_input(dy, weight, x.shape, **window)
    right = fastconv.conv2d_backward_input(*wide(dy, weight), x.shape, **window)
    block = (np.arange(26) + 1) // stride  # the padding is 1
    patch = near(dy, -SIDE, SIDE, 1, 28)[:, :, block][..., block]
    assert np.all(np.abs(dx - right) <= 8 * EPS * np.sqrt(33 * taps) * np.einsum("kc,nkij->ncij", sums, patch))

    dweight = fastconv.conv2d_backward_weight(dy, x, weight.shape, **window)
    right = fastconv.conv2d_backward_weight(*wide(dy, x), weight.shape, **window)
    patch = near(x, kernel - 1 - SIDE * stride, SIDE * stride - 1, stride, rows)
    bound = 8 * EPS * np.sqrt(2 * rows**2) * np.einsum("nkij,ncij->kc", np.abs(dy).astype("float64"), patch)
    assert np.all(np.abs(dweight - right) <= bound[:, :, None, None])


@every_layout
@every_shape
def test_precise_errors_are_those_of_the_terms_of_each_sum(shape, channels_last):
    x, weight, window = problem(shape)
    x = memory(x, channels_last)
    y = fastconv.conv2d(x, weight, precise=True, **window)
    dy = memory(outliers(np.random.default_rng(1), y.shape), channels_last)
    for got, call, operands, rest, terms in (
        (y, fastconv.conv2d, (x, weight), (), weight[0].size),
        (None, fastconv.conv2d_backward_input, (dy, weight), (x.shape,), weight[:, 0].size),
        (None, fastconv.conv2d_backward_weight, (dy, x), (weight.shape,), dy[:, 0].size),
    ):
        got = call(*operands, *rest, precise=True, **window) if got is None else got
        size = call(*wide(*map(np.abs, operands)), *rest, **window)
        assert np.all(np.abs(got - call(*wide(*operands), *rest, **window)) <= 8 * EPS * np.sqrt(terms) * size)


@every_layout
@every_shape
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_precise_results_are_not_finite_where_their_window_holds_such_a_value_and_nowhere_else(
    shape, channels_last, dtype, value
):
    x, weight, window = problem(shape, dtype, lambda rng, extents: rng.standard_normal(extents))
    y = fastconv.conv2d(x, weight, **window)
    place = (1, 2, 7, 9)
    hot, mark = x.copy(), np.zeros(x.shape)
    hot[place], mark[place] = value, 1
    hot = memory(hot, channels_last)
    seen = fastconv.conv2d(mark, np.ones(weight.shape), **window) > 0
    np.testing.assert_array_equal(~np.isfinite(fastconv.conv2d(hot, weight, precise=True, **window)), seen)
    seen = fastconv.conv2d_backward_weight(np.ones(y.shape), mark, weight.shape, **window) > 0
    dy = memory(y, channels_last)
    dweight = fastconv.conv2d_backward_weight(dy, hot, weight.shape, precise=True, **window)
    np.testing.assert_array_equal(~np.isfinite(dweight), seen)
    dy, mark = dy.copy(), np.zeros(y.shape)
    dy[place], mark[place] = value, 1
    seen = fastconv.conv2d_backward_input(mark, np.ones(weight.shape), x.shape, **window) > 0
    dx = fastconv.conv2d_backward_input(memory(dy, channels_last), weight, x.shape, precise=True, **window)
    np.testing.assert_array_equal(~np.isfinite(dx), seen)


@every_shape
def test_precise_has_the_bits_of_the_other_paths_switched_off(shape):
    x, weight, window = problem(shape)

    def results(**precise):
        y = fastconv.conv2d(x, weight, **window, **precise)
        dx = fastconv.conv2d_backward_input(y, weight, x.shape, **window, **precise)
        return y, dx, fastconv.conv2d_backward_weight(y, x, weight.shape, **window, **precise)

    for _ in range(2):  # the second calls are found in the call cache
        precise, usual = results(precise=True), results(precise=False)
    before = [fastconv.use_path(name, False) for name in ("winograd", "narrow")]
    try:
        switched_off = results()
    finally:
        for name, enabled in zip(("winograd", "narrow"), before, strict=True):
            fastconv.use_path(name, enabled)
    for a, b in zip(precise, switched_off, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(usual, results(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_function_of_the_family_takes_it():
    x = outliers(np.random.default_rng(0), (2, 32, 12, 12))
    weight = np.random.default_rng(1).standard_normal((32, 32, 3, 3)).astype("float32")
    y = fastconv.conv2d(x, weight, padding=1, precise=True)
    assert np.any(y != fastconv.conv2d(x, weight, padding=1))
    turned, padding = weight[:, :, ::-1, ::-1], {"padding": 1, "precise": True}
    pairs = [
        (fastconv.convolve2d(x, turned, "same", precise=True), y),
        (fastconv.conv2d(x, fastconv.pack_weight(weight, x.shape, **padding), **padding), y),
        (fastconv.conv_transpose2d_backward_input(x, weight, y.shape, **padding), y),
        (
            fastconv.conv_transpose2d(x, weight, **padding),
            fastconv.conv2d_backward_input(x, weight, x.shape, **padding),
        ),
        (
            fastconv.convolve2d_backward_input(x, turned, x.shape, "same", precise=True),
            fastconv.conv2d_backward_input(x, weight, x.shape, **padding),
        ),
        (
            fastconv.conv_transpose2d_backward_weight(x, y, weight.shape, **padding),
            fastconv.conv2d_backward_weight(y, x, weight.shape, **padding),
        ),
        (
            fastconv.convolve2d_backward_weight(y, x, weight.shape, "same", precise=True)[:, :, ::-1, ::-1],
            fastconv.conv2d_backward_weight(y, x, weight.shape, **padding),
        ),
    ]
    for got, expected in pairs:
        np.testing.assert_array_equal(got, expected)


def test_it_is_true_or_false():
    x, weight = np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3))
    for wrong in (1, "yes", None):
        with pytest.raises(TypeError, match="precise must be True or False, got"):
            fastconv.conv2d(x, weight, precise=wrong)
        with pytest.raises(TypeError, match="precise must be True or False, got"):
            Conv2D(4, 3, precise=wrong)
        with pytest.raises(TypeError, match="precise must be True or False, got"):
            Network(Conv2D(4, 3), (1, 8, 8), precise=wrong)
    packed = fastconv.pack_weight(weight, x.shape, precise=True)
    with pytest.raises(ValueError, match="packed for precise True, not False"):
        fastconv.conv2d(x, packed)


def model(precise):
    return sequential(
        Conv2D(32, 3, padding=1, precise=precise),
        BatchNorm(),
        ReLU(),
        Conv2D(32, 3, padding=1, precise=precise),
        ConvTranspose2D(32, 3, padding=1, precise=precise),
        SeparableConv2D(20, 3, precise=precise),
        DepthwiseConv2D(3, precise=precise),
        Flatten(),
        Linear(3),
    )


def results(network, x):
    loss, gradients = network.gradients(x, np.arange(len(x)) % 3, fastconv.CrossEntropy())
    return [network.predict(x), network.freeze().predict(x), np.array(loss), gradients.flat]


def test_layers_and_networks_take_it():
    x = np.random.default_rng(0).standard_normal((4, 20, 16, 16)).astype("float32")
    shape, seed = x.shape[1:], 0
    layers, whole = (Network(model(p), shape, seed=seed, precise=not p) for p in (True, False))
    before = [fastconv.use_path(name, False) for name in ("winograd", "narrow")]
    try:
        expected = results(Network(model(False), shape, seed=seed), x)
    finally:
        for name, enabled in zip(("winograd", "narrow"), before, strict=True):
            fastconv.use_path(name, enabled)
    for network in (layers, whole):
        for got, right in zip(results(network, x), expected, strict=True):
            np.testing.assert_array_equal(got, right)
    usual = results(Network(model(False), shape, seed=seed), x)
    for which in (0, 1, 3):  # predictions and gradients; the loss may happen to be the same number
        assert np.any(usual[which] != expected[which])


def test_a_layer_that_is_used_in_two_networks_stays_as_it_was():
    layer = Conv2D(32, 3, padding=1)
    precise, usual = (Network(layer, (32, 12, 12), seed=0, precise=p) for p in (True, False))
    assert layer.precise is False
    x = np.random.default_rng(0).standard_normal((1, 32, 12, 12)).astype("float32")
    assert np.any(precise.predict(x) != usual.predict(x))


def test_packed_weights_start_on_a_cache_line_also_in_frozen_networks():
    network = Network(sequential(Conv2D(36, 3, padding=1), Conv2D(40, 3, padding=1)), (33, 8, 8), seed=0)
    for batch_size in (1, 8):  # small patches and large ones
        packed = [params.weight for params, _ in network.freeze(batch_size).weights.of.values()]
        packed += [fastconv.pack_weight(network.parameters["conv2.weight"], (36, 8, 8), padding=1)]
        assert [weight.path for weight in packed] == ["winograd"] * 3
        arrays = [a for weight in packed for a in (weight.packed, weight.packed_input) if a is not None]
        assert {a.__array_interface__["data"][0] % LINE for a in arrays} == {0}
        assert {a.size % (LINE // a.itemsize) for a in arrays} == {0}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_copies_of_precise_networks_are_precise(copied):
    x = np.random.default_rng(0).standard_normal((4, 20, 16, 16)).astype("float32")
    network = Network(model(False), x.shape[1:], seed=0, precise=True)
    new = copied(network)
    for got, right in zip(results(new, x), results(network, x), strict=True):
        np.testing.assert_array_equal(got, right)
