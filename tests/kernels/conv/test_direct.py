"""Results too large for the caches are stored past them, where their memory allows: the same bits either way."""

import numpy as np
import pytest

import fastconv
from fastconv import kernels


def image(shape, dtype, offset):
    """NaN in channels-last memory that starts `offset` values behind a cache line."""
    n, c, h, w = shape
    size = n * c * h * w
    raw = np.full(size + 64, np.nan, dtype)
    start = -raw.ctypes.data % 64 // raw.itemsize + offset
    return raw[start : start + size].reshape(n, h, w, c).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("channels", "filters", "kernel", "stride"), [(5, 64, 1, 1), (3, 96, 3, 1), (24, 64, 4, 2), (17, 70, 3, 1)]
)
def test_a_large_result_has_the_same_bits_on_any_address(channels, filters, kernel, stride, dtype):
    rng = np.random.default_rng(0)
    size = 163 * stride + kernel - 1
    x = image((1, channels, size, size), dtype, 0)
    x[...] = rng.integers(-4, 5, x.shape)
    weight = rng.integers(-4, 5, (filters, channels, kernel, kernel)).astype(dtype)
    before = fastconv.use_path("winograd", False)
    try:
        on_a_line, beside = (image((1, filters, 163, 163), dtype, offset) for offset in (0, 1))
        for y in (on_a_line, beside):
            fastconv.conv2d(x, weight, stride=stride, out=y)
        top = fastconv.conv2d(x[:, :, : kernel + 2 * stride], weight, stride=stride)
    finally:
        fastconv.use_path("winograd", before)
    assert on_a_line.size > 3 * 2**19
    np.testing.assert_array_equal(on_a_line, beside)
    np.testing.assert_array_equal(on_a_line[:, :, : top.shape[2]], top)


def planes(shape, dtype, offset):
    """NaN in plain planes that start `offset` values behind a cache line."""
    n, c, h, w = shape
    return image((n, w, c, h), dtype, offset).transpose(0, 2, 3, 1)


# channels, filters, size of x, kernel, stride, padding: small results, then large ones that go around the caches
PLANES = [(3, 70, 17, 3, 1, 1), (5, 2, 9, 5, 2, 2), (20, 33, 8, 3, 2, 1), (3, 64, 160, 3, 1, 1), (2, 64, 167, 3, 1, 1)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("channels", "filters", "size", "kernel", "stride", "padding"), PLANES)
def test_results_in_planes_have_the_bits_of_channels_last(channels, filters, size, kernel, stride, padding, dtype):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, channels, size, size)).astype(dtype)
    weight = rng.standard_normal((filters, channels, kernel, kernel)).astype(dtype)
    bias = rng.standard_normal(filters).astype(dtype)
    side = (size + 2 * padding - kernel) // stride + 1
    shape, numbers = (2, filters, side, side), (stride, stride, 1, 1, padding, padding, 1)
    forward = kernels.load(dtype).conv.direct.forward
    source, wanted = image(x.shape, dtype, 0), image(shape, dtype, 0)
    source[...] = x
    forward(source, weight, bias, wanted, numbers, 1)
    wide = np.full((2, filters, side, 2 * side), np.nan, dtype)
    for y in (planes(shape, dtype, 0), planes(shape, dtype, 3), wide[..., ::2], wide[..., 1::2], wide[..., ::-2]):
        forward(source, weight, bias, y, numbers, 1)
        np.testing.assert_array_equal(y, wanted)


def test_results_in_planes_leave_what_lies_between_them_as_it_is():
    x = image((1, 3, 12, 12), "float32", 0)
    x[...] = 1
    weight = np.ones((20, 3, 3, 3), "float32")
    wide = np.full((1, 40, 20, 21), np.nan, "float32")
    y = wide[:, 1::2, 5:15, 7:17]
    kernels.load("float32").conv.direct.forward(x, weight, None, y, (1, 1, 1, 1, 0, 0, 1))
    np.testing.assert_array_equal(y, 27)
    assert np.isfinite(wide).sum() == y.size


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("filters", [17, 20, 24, 25, 33, 40, 57, 71, 72])
def test_a_filter_gives_the_same_bits_however_many_others_there_are(filters, dtype):
    """The last vector of filters may be whole, a half, or less: 1 x 1 in one pass and in three, with and without r."""
    rng = np.random.default_rng(filters)
    forward = kernels.load(dtype).conv.direct.forward
    for channels in (19, 1100):
        x, r = (image((2, c, 5, 7), dtype, 0) for c in (channels, 80))
        x[...], r[...] = rng.standard_normal(x.shape), rng.standard_normal(r.shape)
        weight, bias = rng.standard_normal((80, channels, 1, 1)).astype(dtype), rng.standard_normal(80).astype(dtype)
        for residual in (None, r):
            wanted, y = image((2, 80, 5, 7), dtype, 0), image((2, filters, 5, 7), dtype, 0)
            window = (1, 1, 1, 1, 0, 0, 1)
            forward(x, weight, bias, wanted, window, 1, True, None, residual)
            few = None if residual is None else r[:, :filters]
            forward(x, weight[:filters], bias[:filters], y, window, 1, True, None, few)
            np.testing.assert_array_equal(y, wanted[:, :filters])
            plain = np.einsum("nchw,kc->nkhw", x.astype("float64"), weight[:, :, 0, 0].astype("float64"))
            plain = np.maximum(plain + bias[:, None, None] + (0 if residual is None else r), 0)[:, :filters]
            np.testing.assert_allclose(y, plain, atol=1e-3 if dtype == "float32" else 1e-11)
