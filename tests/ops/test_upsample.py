import inputs
import numpy as np
import pytest

import fastconv

LAYOUTS = [np.array, inputs.channels_last, inputs.channel_slice, inputs.inside, inputs.every_second, inputs.negative]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scale", [1, 2, 3, (2, 1), (1, 4), (5, 3)])
def test_each_value_is_repeated(scale, layout, dtype):
    sh, sw = (scale, scale) if isinstance(scale, int) else scale
    for shape in ((2, 3, 5, 4), (1, 20, 6, 19)):
        x = inputs.whole(np.random.default_rng(0), shape, dtype)
        wanted = x.repeat(sh, axis=2).repeat(sw, axis=3)
        y = fastconv.upsample_nearest2d(layout(x), scale)
        np.testing.assert_array_equal(y, wanted)
        assert y.dtype == dtype
        out = layout(np.full_like(wanted, np.nan))
        assert fastconv.upsample_nearest2d(x, scale, out=out) is out
        np.testing.assert_array_equal(out, wanted)
        np.testing.assert_array_equal(fastconv.upsample_nearest2d(layout(x)[0], scale), wanted[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scale", [1, 2, 3, (2, 1), (1, 4), (5, 3)])
def test_gradient_sums_over_blocks(scale, layout, dtype):
    sh, sw = (scale, scale) if isinstance(scale, int) else scale
    n, c, h, w = 2, 17, 3, 5
    dy = inputs.whole(np.random.default_rng(1), (n, c, h * sh, w * sw), dtype)
    wanted = dy.reshape(n, c, h, sh, w, sw).sum((3, 5))
    np.testing.assert_array_equal(fastconv.upsample_nearest2d_backward(layout(dy), scale), wanted)
    out = layout(np.full_like(wanted, np.nan))
    assert fastconv.upsample_nearest2d_backward(dy, scale, out=out) is out
    np.testing.assert_array_equal(out, wanted)


def test_layout_nan_and_empty_batch():
    x = inputs.channels_last(np.full((2, 5, 4, 4), np.nan, "float32"))
    y = fastconv.upsample_nearest2d(x, 2)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    assert np.isnan(y).all()
    assert fastconv.upsample_nearest2d(x[:0], 2).shape == (0, 5, 8, 8)
    assert fastconv.upsample_nearest2d_backward(x[:0], 2).shape == (0, 5, 2, 2)


def test_bad_arguments():
    x = np.zeros((1, 4, 5))
    with pytest.raises(ValueError, match="scale_factor must be >= 1, got 0"):
        fastconv.upsample_nearest2d(x, 0)
    with pytest.raises(TypeError, match=r"scale_factor must be an integer or a pair of integers, got 1\.5"):
        fastconv.upsample_nearest2d(x, 1.5)
    with pytest.raises(ValueError, match="too large"):
        fastconv.upsample_nearest2d(x, 2**62)
    with pytest.raises(ValueError, match=r"dy must have rows and columns that scale_factor \(2, 2\) divides"):
        fastconv.upsample_nearest2d_backward(x, 2)
