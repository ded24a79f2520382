"""Depth-wise convolution as the lecture notes [5] define it, and true convolution, each against `conv2d`."""

import numpy as np
import pytest

import fastconv
from fastconv.layers import Conv2D, DepthwiseConv2D, SeparableConv2D
from fastconv.network import Network


def images(channels, seed=0):
    return np.random.default_rng(seed).standard_normal((2, channels, 7, 6))


@pytest.mark.parametrize("channels", [3, 20])
@pytest.mark.parametrize("window", [(1, 0, 1), (2, 1, 1), (1, "same", 2)])
def test_separable_is_a_dense_convolution_with_products_as_kernels(channels, window):
    options = dict(zip(("stride", "padding", "dilation"), window, strict=True))
    network, x = Network(SeparableConv2D(5, 3, **options), (channels, 7, 6), "float64", seed=0), images(channels)
    network.parameters["separable1.bias"] = np.arange(5)
    filters, weight, bias = network.parameters.values()
    dense = weight * filters[:, 0]  # w[k,c] f[c]
    np.testing.assert_allclose(network.predict(x), fastconv.conv2d(x, dense, bias, *window), rtol=1e-11, atol=1e-12)


def test_depthwise_is_a_convolution_in_as_many_groups_as_channels():
    network, x = Network(DepthwiseConv2D(3, multiplier=2), (4, 7, 6), "float64", seed=0), images(4)
    weight, bias = network.parameters.values()
    assert weight.shape == (8, 1, 3, 3)
    np.testing.assert_allclose(network.predict(x), fastconv.conv2d(x, weight, bias, groups=4), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("channels", [2, 20])
def test_rotate_is_true_convolution(channels):
    x = images(3)
    turned, plain = (Network(Conv2D(channels, (3, 2), rotate=r), (3, 7, 6), "float64", seed=0) for r in (True, False))
    np.testing.assert_array_equal(turned.parameters.flat, plain.parameters.flat)
    weight = plain.parameters["conv1.weight"]
    expected = fastconv.conv2d(x, fastconv.rot180(weight))
    np.testing.assert_allclose(turned.predict(x), expected, rtol=1e-12, atol=1e-13)
    assert np.abs(plain.predict(x) - expected).max() > 0.1
