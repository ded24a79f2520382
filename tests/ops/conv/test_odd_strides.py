"""Convolutions of images that no kernel reads as they are: the bits and the memory of a copy, at every call."""

import numpy as np
import pytest

import fastconv
from fastconv.ops import conv, geometry

N, H, W = 3, 18, 20
VIEWS = {
    "every second channel": (lambda a: a[..., ::2].transpose(0, 3, 1, 2), lambda c: (N, H, W, 2 * c)),
    "every second column": (lambda a: a[..., ::2], lambda c: (N, c, H, 2 * W)),
    "columns backwards": (lambda a: a[..., ::-1], lambda c: (N, c, H, W)),
    "rows and columns exchanged": (lambda a: a.transpose(0, 1, 3, 2), lambda c: (N, c, W, H)),
    "pixels along H": (lambda a: a.transpose(0, 3, 2, 1), lambda c: (N, W, H, c)),
}
CASES = {  # channels, shape of the weight, options
    "winograd": (16, (16, 16, 3, 3), {"padding": 1, "activation": "relu"}),
    "planar": (4, (6, 4, 3, 3), {"padding": 1}),
    "direct": (20, (24, 20, 3, 3), {"stride": 2}),
    "pointwise": (24, (40, 24, 1, 1), {}),
    "narrow": (3, (32, 3, 5, 5), {}),
    "depthwise": (8, (8, 1, 3, 3), {"groups": 8}),
}


def operands(view, case, dtype):
    see, memory = VIEWS[view]
    channels, shape, options = CASES[case]
    rng = np.random.default_rng(0)
    x = see(rng.standard_normal(memory(channels)).astype(dtype))
    return x, rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape[0]).astype(dtype), options


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("case", CASES)
def test_the_bits_of_a_copy(case, view, dtype):
    x, weight, bias, options = operands(view, case, dtype)
    copy = np.ascontiguousarray(x)
    if view == "pixels along H":
        copy = fastconv.to_channels_last(copy)
    expected = fastconv.conv2d(copy, weight, bias, **options)
    for _ in range(3):
        got = fastconv.conv2d(x, weight, bias, **options)
        np.testing.assert_array_equal(got, expected)
        assert got.strides == expected.strides


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("case", ["winograd", "direct", "planar"])
def test_into_channels_last_memory(case, view):
    x, weight, bias, options = operands(view, case, "float64")
    expected = fastconv.conv2d(np.ascontiguousarray(x), weight, bias, **options)
    out = np.full(expected.transpose(0, 2, 3, 1).shape, np.nan).transpose(0, 3, 1, 2)
    assert fastconv.conv2d(x, weight, bias, **options, out=out) is out
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-12)


def test_a_residual_and_packed_weights():
    x, weight, bias, options = operands("every second channel", "winograd", "float32")
    residual = np.random.default_rng(1).standard_normal((N, W, H, 16)).astype("float32").transpose(0, 3, 2, 1)
    packed = fastconv.pack_weight(weight, x.shape, padding=1)
    expected = fastconv.conv2d(np.ascontiguousarray(x), packed, bias, **options, residual=residual)
    np.testing.assert_array_equal(fastconv.conv2d(x, packed, bias, **options, residual=residual), expected)


def test_a_prepared_call_reads_its_view_each_time():
    x, weight, bias, _ = operands("every second column", "planar", "float64")
    g = geometry.conv2d(x.shape, weight.shape, 1, 1, 1, 1)
    y = np.full(g.y_shape, np.nan)
    call = conv.conv2d_call(x, weight, bias, y, g)
    for scale in (1, 2):
        x[...] *= scale
        call()
        np.testing.assert_allclose(y, fastconv.conv2d(np.ascontiguousarray(x), weight, bias, padding=1), atol=1e-12)
