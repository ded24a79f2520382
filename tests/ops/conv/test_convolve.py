"""convolve2d: true convolution, as Zhang 2016 [1] and scipy.signal define it; its gradients; rot180."""

import inputs
import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import assert_exact
from scipy import signal

import fastconv

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
every_mode = pytest.mark.parametrize("mode", ["full", "same", "valid"])


def planes(rng, mode, dtype="float64", fill=inputs.whole):
    """An image and a kernel; for "valid" the kernel fits into the image."""
    kernel = rng.integers(1, 6, 2)
    size = kernel + rng.integers(0, 6, 2) if mode == "valid" else rng.integers(1, 9, 2)
    return fill(rng, size, dtype), fill(rng, kernel, dtype)


@every_mode
@every_dtype
def test_planes_are_exact(mode, dtype):
    rng = np.random.default_rng(1)
    for _ in range(60):
        x, k = planes(rng, mode, dtype)
        exact = reference.convolve2d(x, k, mode)
        assert_exact(fastconv.convolve2d(x, k, mode), exact, dtype)
        out = np.full(exact.shape, np.nan, dtype)
        assert fastconv.convolve2d(x, k, mode, out=out) is out
        assert_exact(out, exact, dtype)


@every_mode
def test_planes_are_those_of_scipy(mode):
    rng = np.random.default_rng(2)
    for _ in range(60):
        x, k = planes(rng, mode, fill=inputs.real)
        np.testing.assert_allclose(fastconv.convolve2d(x, k, mode), signal.convolve2d(x, k, mode), rtol=0, atol=1e-12)


def test_full_is_the_default_as_in_scipy():
    x, k = np.ones((3, 4)), np.ones((2, 2))
    np.testing.assert_array_equal(fastconv.convolve2d(x, k), signal.convolve2d(x, k))


def test_same_with_an_even_kernel_is_centred_on_the_first_input():
    """Not conv2d's "same": there the extra row is at the bottom and right."""
    x, k = np.arange(20.0).reshape(4, 5), np.array([[1.0, 2.0], [3.0, 4.0]])
    y = fastconv.convolve2d(x, k, "same")
    np.testing.assert_array_equal(y, signal.convolve2d(x, k, "same"))
    other = fastconv.conv2d(x[None], fastconv.rot180(k)[None, None], padding="same")[0]
    np.testing.assert_array_equal(y[1:, 1:], other[:-1, :-1])
    assert not np.array_equal(y, other)


@every_mode
@every_dtype
@pytest.mark.parametrize("layout", [np.array, inputs.channels_last])
def test_images_with_channels_are_exact(mode, dtype, layout):
    rng = np.random.default_rng(3)
    for C, K in ((1, 1), (3, 5), (8, 17)):
        x, k = inputs.whole(rng, (2, C, 6, 5), dtype), inputs.whole(rng, (K, C, 3, 4), dtype)
        exact = reference.convolve2d_maps(x, k, mode)
        y = fastconv.convolve2d(layout(x), k, mode)
        assert_exact(y, exact, dtype)
        assert_exact(fastconv.convolve2d(layout(x[1]), k, mode), exact[1], dtype)
        out = np.full(exact.shape, np.nan, dtype)
        assert fastconv.convolve2d(layout(x), k, mode, out=out) is out
        assert_exact(out, exact, dtype)


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(st.integers(1, 7), st.integers(1, 7)), st.tuples(st.integers(1, 5), st.integers(1, 5)), st.integers(0, 99)
)
def test_convolution_commutes(size, kernel, seed):
    rng = np.random.default_rng(seed)
    x, k = inputs.whole(rng, size), inputs.whole(rng, kernel)
    np.testing.assert_array_equal(fastconv.convolve2d(x, k), fastconv.convolve2d(k, x))


@every_mode
def test_is_conv2d_with_the_rotated_kernel(mode):
    rng = np.random.default_rng(4)
    x, k = inputs.whole(rng, (2, 3, 7, 6)), inputs.whole(rng, (4, 3, 3, 3))
    y = fastconv.conv2d(x, fastconv.rot180(k), padding=mode)  # an odd kernel: both meanings of "same" agree
    np.testing.assert_array_equal(fastconv.convolve2d(x, k, mode), y)


def gradients(x, k, dy, mode):
    return (
        fastconv.convolve2d_backward_input(dy, k, x.shape, mode),
        fastconv.convolve2d_backward_weight(dy, x, k.shape, mode),
    )


@every_mode
@pytest.mark.parametrize("maps", [False, True])
def test_gradients_are_central_differences(mode, maps):
    rng = np.random.default_rng(5)
    x, k = planes(rng, mode, fill=inputs.real)
    if maps:
        x, k = inputs.real(rng, (2, 2, *x.shape)), inputs.real(rng, (3, 2, *k.shape))
    dy = inputs.real(rng, fastconv.convolve2d(x, k, mode).shape)
    dx, dk = gradients(x, k, dy, mode)
    expected = reference.central_difference(lambda v: fastconv.convolve2d(v, k, mode), x, dy)
    np.testing.assert_allclose(dx, expected, rtol=1e-6, atol=1e-6)
    expected = reference.central_difference(lambda v: fastconv.convolve2d(x, v, mode), k, dy)
    np.testing.assert_allclose(dk, expected, rtol=1e-6, atol=1e-6)


@every_mode
@every_dtype
def test_gradients_are_adjoints_exactly(mode, dtype):
    rng = np.random.default_rng(6)
    for _ in range(30):
        x, k = planes(rng, mode, dtype)
        y = fastconv.convolve2d(x, k, mode)
        dy = inputs.whole(rng, y.shape, dtype)
        dx, dk = gradients(x, k, dy, mode)
        assert (dx.dtype, dk.dtype) == (y.dtype, y.dtype)
        assert np.vdot(dy, y) == np.vdot(dx, x) == np.vdot(dk, k)


@every_mode
def test_gradients_fill_out(mode):
    rng = np.random.default_rng(7)
    x, k = planes(rng, mode, "float32")
    dy = inputs.whole(rng, fastconv.convolve2d(x, k, mode).shape)
    maps = [a[None, None] for a in (x, k, dy)]
    for a, b, c in ((x, k, dy), maps):
        dx, dk = (np.full(shape, np.nan, "float32") for shape in (a.shape, b.shape))
        assert fastconv.convolve2d_backward_input(c, b, a.shape, mode, out=dx) is dx
        assert fastconv.convolve2d_backward_weight(c, a, b.shape, mode, out=dk) is dk
        for result, expected in zip((dx, dk), gradients(a, b, c, mode), strict=True):
            np.testing.assert_array_equal(result, expected)


@every_mode
@pytest.mark.parametrize("odd", inputs.ODD)
def test_operands_and_results_in_any_memory(mode, odd):
    rng = np.random.default_rng(8)
    for shape, kernel in (((6, 7), (3, 2)), ((2, 3, 6, 7), (4, 3, 3, 2))):
        x, k = inputs.whole(rng, shape), inputs.whole(rng, kernel)
        plain = [np.array(odd(a), order="C").astype("float32") for a in (x, k)]
        y = fastconv.convolve2d(odd(x), odd(k), mode)
        np.testing.assert_array_equal(y, fastconv.convolve2d(*plain, mode), strict=True)
        dy = inputs.whole(rng, y.shape)
        plain_dy = np.array(odd(dy), order="C").astype("float32")
        for result, expected in zip(
            gradients(odd(x), odd(k), odd(dy), mode), gradients(*plain, plain_dy, mode), strict=True
        ):
            np.testing.assert_array_equal(result, expected, strict=True)


def test_nested_lists():
    x, k = [[1.0, 2.0], [3.0, 4.0]], [[1.0, 10.0]]
    expected = [[1.0, 12.0, 20.0], [3.0, 34.0, 40.0]]
    np.testing.assert_array_equal(fastconv.convolve2d(x, k), expected)


@pytest.mark.parametrize("memory", [inputs.every_second, inputs.negative, inputs.fortran, inputs.inside])
def test_out_of_a_plane_in_any_memory(memory):
    x, k = np.ones((4, 5), "float32"), np.ones((2, 3), "float32")
    out = memory(np.full((5, 7), np.nan, "float32"))
    assert fastconv.convolve2d(x, k, out=out) is out
    np.testing.assert_array_equal(out, reference.convolve2d(x, k))


def test_out_may_not_overlap_or_be_something_else():
    buffer = np.zeros((4, 4))
    with pytest.raises(ValueError, match="out must not share memory"):
        fastconv.convolve2d(buffer, np.ones((1, 1)), out=buffer)
    with pytest.raises(TypeError, match="out must be"):
        fastconv.convolve2d(buffer, np.ones((1, 1)), out=[[1.0]])
    with pytest.raises(ValueError, match="out must have shape"):
        fastconv.convolve2d(buffer, np.ones((2, 2)), out=np.zeros((4, 4)))


@pytest.mark.parametrize("mode", ["ful", "FUL", 0, None, 1.5])
def test_modes_that_are_not(mode):
    with pytest.raises((ValueError, TypeError), match="mode must be one of 'full', 'same', 'valid'"):
        fastconv.convolve2d(np.ones((3, 3)), np.ones((2, 2)), mode)


@pytest.mark.parametrize(
    ("x", "k", "error", "said"),
    [
        (np.ones(3), np.ones((2, 2)), ValueError, "x must have"),
        (np.ones((3, 3)), np.ones(3), ValueError, "k must have"),
        (np.ones((3, 3)), np.ones((1, 1, 2, 2)), ValueError, "k must have"),
        (np.ones((1, 1, 3, 3)), np.ones((2, 2)), ValueError, "k must have"),
        (np.ones((3, 3)), np.ones((2, 2), "float32"), TypeError, "x and k must have the same dtype"),
        (np.ones((3, 3), int), np.ones((2, 2)), TypeError, "x must be float32 or float64"),
        (np.ones((3, 3)), np.ones((2, 2), complex), TypeError, "k must be float32 or float64"),
        (np.ones((1, 3, 4, 4)), np.ones((1, 2, 2, 2)), ValueError, "must have shape"),
        (np.ones((3, 3)), np.ones((0, 2)), ValueError, "k must not be empty"),
        (np.ones((0, 3)), np.ones((2, 2)), ValueError, "must"),
    ],
)
def test_operands_that_are_refused(x, k, error, said):
    with pytest.raises(error, match=said):
        fastconv.convolve2d(x, k)


def test_valid_with_a_kernel_beyond_the_image_is_refused():
    with pytest.raises(ValueError, match=r"^k must fit into x with mode='valid', got k \(2, 4\) and x \(3, 3\)$"):
        fastconv.convolve2d(np.ones((3, 3)), np.ones((2, 4)), "valid")


def test_rot180():
    k = np.arange(24).reshape(2, 2, 2, 3)
    r = fastconv.rot180(k)
    for u, v in np.ndindex(2, 3):
        np.testing.assert_array_equal(r[..., u, v], k[..., 1 - u, 2 - v])
    assert r.dtype == k.dtype
    assert not np.may_share_memory(r, k)
    np.testing.assert_array_equal(fastconv.rot180(r), k)
    with pytest.raises(ValueError, match="k must have at least 2 dimensions"):
        fastconv.rot180(np.ones(3))
