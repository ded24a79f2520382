"""Results too large for the caches are stored past them, where their memory allows: the same bits either way."""

import numpy as np
import pytest

import fastconv


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
