"""Values moved between channels and pixels, against loops; inverses; every memory."""

import inputs
import numpy as np
import pytest

import fastconv

LAYOUTS = [np.array, inputs.channels_last, inputs.channel_slice, inputs.inside, inputs.every_second, inputs.negative]


def shuffled(x, r, mode):
    """By the equation, one value after the other."""
    n, many, height, width = x.shape
    c = many // r**2
    y = np.empty((n, c, r * height, r * width), x.dtype)
    for k, i, j in np.ndindex(c, r, r):
        channel = r * r * k + r * i + j if mode == "CRD" else c * (r * i + j) + k
        for h, w in np.ndindex(height, width):
            y[:, k, r * h + i, r * w + j] = x[:, channel, h, w]
    return y


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("mode", ["CRD", "DCR"])
@pytest.mark.parametrize("r", [1, 2, 3, 5])
def test_pixels_and_channels(r, mode, layout, dtype):
    for n, c, height, width in ((2, 3, 4, 3), (1, 17, 2, 5)):
        x = inputs.real(np.random.default_rng(0), (n, c * r * r, height, width), dtype)
        wanted = shuffled(x, r, mode)
        np.testing.assert_array_equal(fastconv.pixel_shuffle(layout(x), r, mode), wanted)
        np.testing.assert_array_equal(fastconv.pixel_shuffle(layout(x)[0], r, mode), wanted[0])
        np.testing.assert_array_equal(fastconv.pixel_unshuffle(layout(wanted), r, mode), x)
        out = layout(np.full_like(wanted, np.nan))
        assert fastconv.pixel_shuffle(x, r, mode, out=out) is out
        np.testing.assert_array_equal(out, wanted)
        back = layout(np.full_like(x, np.nan))
        assert fastconv.pixel_unshuffle(wanted, r, mode, out=back) is back
        np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("groups", [1, 2, 3, 12, 24])
def test_channels_in_turns(groups, layout, dtype):
    x = inputs.real(np.random.default_rng(0), (2, 24, 3, 5), dtype)
    wanted = np.empty_like(x)
    for g, c in np.ndindex(groups, 24 // groups):
        wanted[:, groups * c + g] = x[:, g * 24 // groups + c]
    y = fastconv.channel_shuffle(layout(x), groups)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(fastconv.channel_shuffle(y, 24 // groups), x)
    out = layout(np.full_like(wanted, np.nan))
    assert fastconv.channel_shuffle(x, groups, out=out) is out
    np.testing.assert_array_equal(out, wanted)


def test_layout_and_empty_batch():
    x = inputs.channels_last(np.zeros((2, 12, 4, 4), "float32"))
    for y in (fastconv.pixel_shuffle(x, 2), fastconv.pixel_unshuffle(x, 2), fastconv.channel_shuffle(x, 3)):
        assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    assert fastconv.pixel_shuffle(x[:0], 2).shape == (0, 3, 8, 8)
    assert fastconv.pixel_unshuffle(x[:0], 2).shape == (0, 48, 2, 2)
    assert fastconv.channel_shuffle(x[:0], 2).shape == (0, 12, 4, 4)


def test_bad_arguments():
    x = np.zeros((6, 4, 5))
    with pytest.raises(
        ValueError, match="upscale_factor 2 must leave whole channels: 4 must divide their number, got 6"
    ):
        fastconv.pixel_shuffle(x, 2)
    with pytest.raises(ValueError, match="downscale_factor 2 must divide rows and columns, got 4 x 5 pixels"):
        fastconv.pixel_unshuffle(x, 2)
    with pytest.raises(ValueError, match="groups must divide the channels, got groups=4 and 6 channels"):
        fastconv.channel_shuffle(x, 4)
    with pytest.raises(ValueError, match="upscale_factor must be >= 1, got 0"):
        fastconv.pixel_shuffle(x, 0)
    with pytest.raises(TypeError, match=r"groups must be an integer, got 1\.5"):
        fastconv.channel_shuffle(x, 1.5)
    with pytest.raises(ValueError, match="mode must be one of 'CRD', 'DCR', got 'RDC'"):
        fastconv.pixel_shuffle(x, 1, "RDC")
    with pytest.raises(ValueError, match="out must not share memory with x"):
        fastconv.channel_shuffle(x, 2, out=x)
    with pytest.raises(ValueError, match="upscale_factor 4611686018427387904 must leave whole channels"):
        fastconv.pixel_shuffle(x, 2**62)
