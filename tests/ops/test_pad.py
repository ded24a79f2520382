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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("mode", "numpys"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")])
@pytest.mark.parametrize("padding", [0, 2, (1, 0, 0, 0), (0, 3, 0, 0), (0, 0, 2, 0), (0, 0, 0, 1), (1, 2, 3, 4)])
def test_borders_of_pixels_are_numpys(padding, mode, numpys, layout, dtype):
    """dx sums dy over the places where a pixel stands, found by padding an image of numbers."""
    left, right, top, bottom = (padding,) * 4 if isinstance(padding, int) else padding
    for shape in ((2, 3, 5, 4), (1, 20, 6, 70)):
        around = ((0, 0), (0, 0), (top, bottom), (left, right))
        x = inputs.real(np.random.default_rng(0), shape, dtype)
        wanted = np.pad(x, around, numpys)
        np.testing.assert_array_equal(fastconv.pad(layout(x), padding, mode=mode), wanted)
        np.testing.assert_array_equal(fastconv.pad(layout(x)[0], padding, mode=numpys), wanted[0])
        out = layout(np.full_like(wanted, np.nan))
        assert fastconv.pad(x, padding, mode=mode, out=out) is out
        np.testing.assert_array_equal(out, wanted)
        dy = inputs.whole(np.random.default_rng(1), wanted.shape, dtype)
        dx = np.zeros(shape, dtype)
        np.add.at(dx.reshape(-1), np.pad(np.arange(dx.size).reshape(shape), around, numpys), dy)
        np.testing.assert_array_equal(fastconv.pad_backward(layout(dy), padding, mode=mode), dx)
        np.testing.assert_array_equal(fastconv.pad_backward(layout(dy)[0], padding, mode=mode), dx[0])


@pytest.mark.parametrize(
    ("mode", "padding", "message"),
    [
        ("reflect", 4, r"padding must be at most 3 for mode='reflect' and a height of 4, got \(4, 4\)"),
        ("reflect", (0, 5, 0, 0), r"padding must be at most 4 for mode='reflect' and a width of 5, got \(0, 5\)"),
        ("circular", (0, 0, 0, 5), r"padding must be at most 4 for mode='circular' and a height of 4"),
        ("replicate", 2**24, r"padding must make at most 2\*\*24 rows and columns"),
        ("mirror", 1, "mode must be one of 'constant', 'reflect', 'replicate', 'circular', got 'mirror'"),
    ],
)
def test_bad_borders_of_pixels(mode, padding, message):
    with pytest.raises(ValueError, match=message):
        fastconv.pad(np.zeros((1, 4, 5)), padding, mode=mode)


def test_a_value_is_for_constant_borders():
    with pytest.raises(ValueError, match=r"value must be left out with mode='reflect', got 2\.0"):
        fastconv.pad(np.zeros((1, 4, 5)), 1, 2.0, mode="reflect")
    with pytest.raises(ValueError, match=r"padding must be at most 1 for mode='reflect' and a height of 2"):
        fastconv.pad_backward(np.zeros((1, 6, 9)), 2, mode="reflect")


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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("width", [4, 7, 8, 16, 17, 31, 64, 150])
def test_planes_with_a_border_lie_in_a_larger_array_that_stays(width, mode, dtype):
    x = np.random.default_rng(0).standard_normal((2, 3, 5, width + 2)).astype(dtype)[:, ::2, :, 1:-1]
    around = np.full((2, 2, 12, width + 9), 7, dtype)
    out = around[:, :, 1:-1, 2:-2]
    assert fastconv.pad(x, (3, 2, 4, 1), mode=mode, out=out) is out
    words = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    expected = np.pad(x, ((0, 0), (0, 0), (4, 1), (3, 2)), mode=words[mode])
    np.testing.assert_array_equal(out, expected)
    assert (around == 7).sum() == around.size - out.size
    np.testing.assert_array_equal(fastconv.pad(np.array(x), (3, 2, 4, 1), mode=mode), expected)
