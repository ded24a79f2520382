import inputs
import numpy as np
import pytest

import fastconv

LAYOUTS = [np.array, inputs.channels_last, inputs.channel_slice, inputs.inside, inputs.every_second, inputs.negative]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("padding", [0, 2, (1, 0, 0, 0), (0, 3, 0, 0), (0, 0, 2, 0), (0, 0, 0, 1), (1, 2, 3, 4)])
def test_pad_is_numpys(padding, layout, dtype):
    left, right, top, bottom = (padding,) * 4 if isinstance(padding, int) else padding
    for shape in ((2, 3, 5, 4), (1, 20, 6, 7)):
        x = inputs.real(np.random.default_rng(0), shape, dtype)
        wanted = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=-1.5)
        y = fastconv.pad(layout(x), padding, -1.5)
        np.testing.assert_array_equal(y, wanted)
        assert y.dtype == dtype
        out = layout(np.full_like(wanted, np.nan))
        assert fastconv.pad(x, padding, -1.5, out=out) is out
        np.testing.assert_array_equal(out, wanted)
        np.testing.assert_array_equal(fastconv.pad(layout(x)[0], padding, -1.5), wanted[0])
        np.testing.assert_array_equal(fastconv.pad_backward(layout(wanted), padding), x)
        np.testing.assert_array_equal(fastconv.pad_backward(layout(wanted)[0], padding), x[0])


def test_layout_is_kept():
    x = inputs.channels_last(np.zeros((2, 5, 4, 4), "float32"))
    assert fastconv.pad(x, 1).transpose(0, 2, 3, 1).flags.c_contiguous
    assert fastconv.pad(np.zeros((2, 5, 4, 4)), 1).flags.c_contiguous


def test_empty_batch():
    assert fastconv.pad(np.zeros((0, 3, 4, 4)), 1).shape == (0, 3, 6, 6)
    assert fastconv.pad_backward(np.zeros((0, 3, 6, 6)), 1).shape == (0, 3, 4, 4)


def test_default_is_zero_and_any_value_goes():
    x = np.ones((1, 1, 1))
    assert fastconv.pad(x, 1).sum() == 1
    assert np.isnan(fastconv.pad(x, 1, np.nan)).sum() == 8


@pytest.mark.parametrize(
    ("padding", "error", "message"),
    [
        ((1, 2), TypeError, r"padding must be an integer or \(left, right, top, bottom\), got \(1, 2\)"),
        (1.5, TypeError, "padding must be an integer or"),
        ((1, 2, 3, 0.5), TypeError, "padding must be an integer, got 0.5"),
        (-1, ValueError, "padding must be >= 0, got -1"),
        ((0, 0, -1, 0), ValueError, r"padding must be >= 0, got \(0, 0, -1, 0\)"),
        (2**62, ValueError, "too large"),
    ],
)
def test_bad_padding(padding, error, message):
    with pytest.raises(error, match=message):
        fastconv.pad(np.zeros((1, 4, 4)), padding)


def test_other_bad_arguments():
    with pytest.raises(TypeError, match="value must be a number"):
        fastconv.pad(np.zeros((1, 4, 4)), 1, "0")
    with pytest.raises(ValueError, match=r"dy must be larger than its border \(2, 2, 2, 2\), got shape \(1, 4, 4\)"):
        fastconv.pad_backward(np.zeros((1, 4, 4)), 2)
    x = np.zeros((1, 4, 4))
    with pytest.raises(ValueError, match="out must not share memory with x"):
        fastconv.pad(x, 0, out=x)
