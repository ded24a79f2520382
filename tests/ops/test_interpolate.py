"""Images of another size, against loops in exact fractions, adjoint identities and stored results of PyTorch."""

from fractions import Fraction
from math import ceil, floor

import inputs
import numpy as np
import pytest

import fastconv

LAYOUTS = [np.array, inputs.channels_last, inputs.channel_slice, inputs.inside, inputs.every_second, inputs.negative]
SIZES = [(1, 1), (5, 7), (10, 14), (3, 2), (9, 4), (23, 40)]
ROUND = {
    "floor": floor,
    "ceil": ceil,
    "round_prefer_floor": lambda at: ceil(at - Fraction(1, 2)),
    "round_prefer_ceil": lambda at: floor(at + Fraction(1, 2)),
}


def place(i, size, out, coordinates, factor=None):
    """Where pixel i of `out` lies among `size`, as ONNX defines it."""
    scale = Fraction(out, size) if factor is None else Fraction(factor)
    if coordinates == "align_corners":
        return Fraction(i * (size - 1), out - 1) if out > 1 else Fraction(0)
    if coordinates == "asymmetric":
        return i / scale
    if coordinates == "pytorch_half_pixel" and out == 1:
        return Fraction(0)
    return (i + Fraction(1, 2)) / scale - Fraction(1, 2)


def weights(size, out, mode, coordinates, rounding="floor", factor=None):
    """The matrix (out, size) of one axis, by loops."""
    matrix = np.zeros((out, size))
    for i in range(out):
        at = min(max(place(i, size, out, coordinates, factor), Fraction(0)), Fraction(size - 1))
        if mode == "nearest":
            matrix[i, ROUND[rounding](at)] = 1
        else:
            matrix[i, floor(at)] += float(1 - (at - floor(at)))
            matrix[i, min(floor(at) + 1, size - 1)] += float(at - floor(at))
    return matrix


def wanted(x, size, *rule):
    """The result in float64."""
    rows, columns = (weights(n, out, *rule) for n, out in zip(x.shape[2:], size, strict=True))
    return np.einsum("ah,bw,nchw->ncab", rows, columns, x.astype("float64"))


def close(a, b, dtype):
    np.testing.assert_allclose(a, b, rtol=0, atol=(1e-6 if dtype == "float32" else 1e-14) * max(1, np.abs(b).max()))


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
def test_bilinear_is_the_mean_of_four(size, layout, dtype):
    for shape in ((2, 3, 5, 7), (1, 21, 4, 18)):
        x = inputs.real(np.random.default_rng(0), shape, dtype)
        for corners, rule in ((False, "half_pixel"), (True, "align_corners")):
            y = fastconv.interpolate(layout(x), size, mode="bilinear", align_corners=corners)
            close(y, wanted(x, size, "bilinear", rule), dtype)
            assert y.dtype == dtype
            out = layout(np.full_like(y, np.nan))
            assert fastconv.interpolate(x, size, mode="bilinear", align_corners=corners, out=out) is out
            np.testing.assert_array_equal(out, y)
            one = fastconv.interpolate(layout(x)[0], size, mode="bilinear", align_corners=corners)
            np.testing.assert_array_equal(one, y[0])


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
def test_nearest_copies_the_pixel_at_or_before(size, layout, dtype):
    x = inputs.real(np.random.default_rng(0), (2, 18, 5, 7), dtype)
    y = fastconv.interpolate(layout(x), size)
    np.testing.assert_array_equal(y, wanted(x, size, "nearest", "asymmetric"))


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])
@pytest.mark.parametrize("size", [*SIZES, (1, 4)])
def test_the_words_of_onnx(mode, coordinates, size):
    x = inputs.real(np.random.default_rng(0), (1, 2, 5, 6))
    for rounding in ROUND if mode == "nearest" else (None,):
        options = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
        y = fastconv.interpolate(x, size, mode=mode, **options)
        close(y, wanted(x, size, mode, coordinates, *([rounding] if rounding else [])), "float64")


@pytest.mark.parametrize("factor", [2, 0.5, 1.5, 0.75, 2.7, 1.1])
def test_a_factor_is_used_as_it_is(factor):
    x = inputs.real(np.random.default_rng(0), (1, 2, 1, 9))
    size = (1, floor(9 * factor))
    for mode, rule in (("bilinear", "half_pixel"), ("nearest", "asymmetric")):
        y = fastconv.interpolate(x, scale_factor=(1, factor), mode=mode, coordinate_transformation_mode=rule)
        close(y, wanted(x, size, mode, rule, "floor", factor), "float64")


def test_results_of_pytorch():
    x = np.arange(5.0) ** 2
    rows = {  # torch 2.13: interpolate(x[None, None, None], **options)
        "bilinear": ({"size": (1, 3)}, [1 / 3, 4, 13 + 2 / 3]),
        "factor": ({"scale_factor": (1, 1.5)}, [0, 0.5, 1.5, 3.5, 6.5, 10 + 1 / 6, 14 + 5 / 6]),
        "corners": ({"size": (1, 4), "align_corners": True}, [0, 2, 7 + 1 / 3, 16]),
    }
    for options, row in rows.values():
        np.testing.assert_allclose(
            fastconv.interpolate(x[None, None], mode="bilinear", **options)[0, 0], row, 1e-14, 1e-15
        )
    # nearest: an axis that keeps its extent is copied, whatever the factor; float32 decides what is one pixel less
    np.testing.assert_array_equal(fastconv.interpolate(x[None, None], scale_factor=(1, 1.1))[0, 0], x)
    many = fastconv.interpolate(np.arange(37.0)[None, None], scale_factor=(1, 2.7))[0, 0]
    assert (many[81], many[80], many[82]) == (29, 29, 30)


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", SIZES)
def test_the_gradient_is_the_adjoint(size, mode, layout, dtype):
    """The sum of y dy is the sum of x dx for every x: dx = A^T dy B, for y = A x B."""
    shape = (2, 17, 5, 7)
    dy = inputs.real(np.random.default_rng(1), (*shape[:2], *size), dtype)
    rule = "asymmetric" if mode == "nearest" else "half_pixel"
    rows, columns = (weights(n, out, mode, rule) for n, out in zip(shape[2:], size, strict=True))
    exact = np.einsum("ah,bw,ncab->nchw", rows, columns, dy.astype("float64"))
    dx = fastconv.interpolate_backward(layout(dy), shape, mode=mode)
    close(dx, exact, dtype)
    out = layout(np.full_like(dx, np.nan))
    assert fastconv.interpolate_backward(dy, shape, mode=mode, out=out) is out
    np.testing.assert_array_equal(out, dx)
    np.testing.assert_array_equal(fastconv.interpolate_backward(layout(dy)[0], shape[1:], mode=mode), dx[0])


@pytest.mark.parametrize("factor", [2.7, 0.4, (3, 0.75)])
def test_the_gradient_follows_the_factor_and_the_words(factor):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 3, 8, 9))
    for options in (
        {"mode": "bilinear"},
        {"mode": "bilinear", "align_corners": True},
        {"mode": "nearest", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"},
    ):
        y = fastconv.interpolate(x, scale_factor=factor, **options)
        dy = rng.standard_normal(y.shape)
        dx = fastconv.interpolate_backward(dy, x.shape, factor, **options)
        np.testing.assert_allclose((y * dy).sum(), (x * dx).sum(), rtol=1e-12)


def test_layouts_have_the_same_bits_and_are_kept():
    x = inputs.real(np.random.default_rng(0), (2, 19, 11, 13), "float32")
    last = inputs.channels_last(x)
    for size in ((22, 26), (7, 40), (3, 3)):
        y, y_last = (fastconv.interpolate(a, size, mode="bilinear") for a in (x, last))
        np.testing.assert_array_equal(y, y_last)
        assert y_last.transpose(0, 2, 3, 1).flags.c_contiguous
        dx, dx_last = (fastconv.interpolate_backward(a, x.shape, mode="bilinear") for a in (y, y_last))
        np.testing.assert_array_equal(dx, dx_last)
        np.testing.assert_array_equal(fastconv.interpolate(x[:1], size, mode="bilinear"), y[:1])


def test_nan_and_infinity_stay_where_they_are_read():
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 1, 2] = np.nan
    y = fastconv.interpolate(x, (8, 8), mode="bilinear")
    assert np.isnan(y).sum() == 16
    assert not np.isnan(fastconv.interpolate(x, (4, 4), mode="bilinear")[0, 0, 0]).any()  # of weight 0
    x[0, 0, 1, 2] = np.inf
    assert (fastconv.interpolate(x, (8, 8), mode="bilinear") == np.inf).sum() == 16
    dy = np.full((1, 1, 2, 2), np.inf)
    dx = fastconv.interpolate_backward(dy, (1, 1, 5, 5))
    np.testing.assert_array_equal(dx == np.inf, np.outer([1, 0, 1, 0, 0], [1, 0, 1, 0, 0])[None, None])
    assert not np.isnan(dx).any()


def test_empty_batch():
    assert fastconv.interpolate(np.zeros((0, 3, 4, 4)), 7, mode="bilinear").shape == (0, 3, 7, 7)
    assert fastconv.interpolate_backward(np.zeros((0, 3, 7, 7)), (0, 3, 4, 4)).shape == (0, 3, 4, 4)


X = np.zeros((1, 4, 5))
REFUSED = {
    "no size": (ValueError, {}, "one of size and scale_factor must be given, got neither"),
    "both": (ValueError, {"size": 3, "scale_factor": 2}, "must be given, got size=3 and scale_factor=2"),
    "size": (ValueError, {"size": 0}, "size must be >= 1, got 0"),
    "half": (TypeError, {"size": 1.5}, r"size must be an integer or a pair of integers, got 1\.5"),
    "factor": (ValueError, {"scale_factor": 0}, "scale_factor must be finite numbers > 0, got 0"),
    "nan": (ValueError, {"scale_factor": (2, np.nan)}, "scale_factor must be finite numbers > 0"),
    "word": (TypeError, {"scale_factor": "2"}, "scale_factor must be a number, got '2'"),
    "small": (ValueError, {"scale_factor": 0.1}, "scale_factor must leave at least one row and one column, got 0.1"),
    "large": (ValueError, {"size": (2**25, 3)}, r"size must make at most 2\*\*24 rows and columns"),
    "larger": (ValueError, {"scale_factor": 1e300}, r"scale_factor must make at most 2\*\*24 rows and columns"),
    "mode": (ValueError, {"size": 3, "mode": "bilinaer"}, "did you mean 'bilinear'"),
    "corners": (ValueError, {"size": 3, "align_corners": True}, "align_corners must be False with mode='nearest'"),
    "rounding": (
        ValueError,
        {"size": 3, "mode": "bilinear", "nearest_mode": "ceil"},
        "nearest_mode must be left out with mode='bilinear', got 'ceil'",
    ),
    "rules": (
        ValueError,
        {"size": 3, "mode": "bilinear", "align_corners": True, "coordinate_transformation_mode": "asymmetric"},
        "align_corners must be left out where coordinate_transformation_mode is given",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_arguments(case):
    error, options, message = REFUSED[case]
    with pytest.raises(error, match=message):
        fastconv.interpolate(X, **options)


def test_bad_gradients():
    with pytest.raises(ValueError, match="input_shape must have the N and C of dy, and H and W of at least 1"):
        fastconv.interpolate_backward(X, (2, 4, 5))
    with pytest.raises(ValueError, match=r"dy must have shape \(1, 1, 8, 10\)"):
        fastconv.interpolate_backward(X, (1, 4, 5), 2)
    with pytest.raises(ValueError, match="x must have H and W of at least 1"):
        fastconv.interpolate(np.zeros((1, 0, 4)), 3)
    with pytest.raises(ValueError, match="out must not share memory with x"):
        fastconv.interpolate(X, (4, 5), out=X)
