"""The input gradient added to what is known of it: dx = known + the gradient, in memory of its own or over known."""

import inputs
import numpy as np
import pytest

from fastconv.ops import conv, geometry

# x_shape, w_shape, stride, padding, dilation, groups
CASES = {
    "1x1": ((2, 24, 5, 7), (40, 24, 1, 1), 1, 0, 1, 1),
    "1x1, channels of no whole vector": ((2, 19, 5, 7), (21, 19, 1, 1), 1, 0, 1, 1),
    "1x1 strided: pixels that no tap reaches": ((2, 20, 7, 6), (18, 20, 1, 1), 2, 0, 1, 1),
    "3x3 strided": ((2, 20, 7, 9), (33, 20, 3, 3), (2, 1), ((1, 0), (1, 2)), 1, 1),
    "several passes": ((1, 35, 5, 4), (600, 35, 3, 3), 1, 1, 1, 1),
    "dilated, in groups": ((2, 40, 9, 8), (24, 20, 3, 3), 1, 2, 2, 2),
    "few outputs, a padded copy": ((2, 20, 9, 11), (2, 20, 5, 5), 1, 2, 1, 1),
    "winograd 3x3": ((2, 48, 9, 11), (32, 48, 3, 3), 1, 1, 1, 1),
    "winograd 5x5": ((2, 33, 8, 7), (35, 33, 5, 5), 1, 2, 1, 1),
}


def last(shape, dtype, rng, beside=0):
    """Random numbers in channels-last memory, with `beside` channels of NaN on both sides."""
    n, c, h, w = shape
    whole = np.full((n, h, w, c + 2 * beside), np.nan, dtype).transpose(0, 3, 1, 2)
    part = whole[:, beside : beside + c]
    part[...] = rng.standard_normal(shape)
    return part


@pytest.mark.parametrize("where", ["apart", "over", "channels of a larger array"])
@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_known_is_added(case, dtype, where):
    x_shape, w_shape, *window = case
    g, rng = geometry.conv2d(x_shape, w_shape, *window), np.random.default_rng(0)
    assert conv.accumulates_dx(g, np.dtype(dtype))
    dy, weight = last(g.y_shape, dtype, rng), rng.standard_normal(w_shape).astype(dtype)
    known = last(x_shape, dtype, rng, 3 if where == "channels of a larger array" else 0)
    alone = last(x_shape, dtype, rng)
    conv.conv2d_backward_input_call(dy, weight, alone, g)()
    expected = alone.astype("float64") + known
    dx = last(x_shape, dtype, rng) if where == "apart" else known
    conv.conv2d_backward_input_call(dy, weight, dx, g, dx_accumulate=known)()
    np.testing.assert_allclose(dx, expected, rtol=0, atol=20 * np.finfo(dtype).eps * np.abs(expected).max())
    if where == "channels of a larger array":
        assert np.isnan(dx.base).sum() == dx.size // x_shape[1] * 6


def test_narrow_and_depthwise_gradients_do_not_add():
    for x_shape, w_shape, groups in (((1, 8, 9, 9), (32, 8, 3, 3), 1), ((1, 32, 9, 9), (32, 1, 3, 3), 32)):
        g = geometry.conv2d(x_shape, w_shape, 1, 1, 1, groups)
        assert not conv.accumulates_dx(g, np.dtype("float32"))
    strided = geometry.conv2d((1, 64, 16, 16), (64, 64, 4, 4), 2, 1, 1, 1)  # Winograd's blocks of pixels
    assert not conv.accumulates_dx(strided, np.dtype("float32"))
    assert conv.accumulates_dx(strided, np.dtype("float64"))
