"""Packed weights: the bits of the plain ones, for the convolution they were packed for and for no other."""

import copy
import pickle

import numpy as np
import pytest

import fastconv
from fastconv.ops.check import LINE

CASES = [  # C, K, kernel, stride, padding, dilation, groups
    (64, 64, 3, 1, 1, 1, 1),
    (40, 70, 3, 2, 1, 1, 1),
    (3, 20, 5, 1, 2, 1, 1),
    (3, 20, 5, 2, 2, 1, 1),
    (20, 3, 3, 2, 1, 1, 1),
    (6, 12, 5, 1, 0, 1, 1),
    (8, 8, 3, 1, 1, 1, 8),
    (40, 40, 3, 1, 1, 1, 40),
    (20, 40, 3, 2, 1, 1, 20),
    (8, 12, 3, 2, 1, 2, 4),
    (64, 32, 5, 1, 2, 1, 1),
    (64, 128, 1, 1, 0, 1, 1),
    (32, 64, 4, 2, 1, 1, 1),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def problem(case, dtype):
    C, K, kernel, stride, padding, dilation, groups = case
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, C, 11, 13)).astype(dtype)
    weight = rng.standard_normal((K, C // groups, kernel, kernel)).astype(dtype)
    return x, weight, (stride, padding, dilation, groups)


@every_dtype
@every_case
@pytest.mark.parametrize("channels_last", [False, True])
def test_the_same_bits_as_plain_weights(case, dtype, channels_last):
    x, weight, window = problem(case, dtype)
    if channels_last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    packed = fastconv.pack_weight(weight, x.shape, *window)
    bias = np.arange(len(weight)).astype(dtype)
    y = fastconv.conv2d(x, weight, bias, *window)
    np.testing.assert_array_equal(fastconv.conv2d(x, packed, bias, *window), y)
    dx = fastconv.conv2d_backward_input(y, weight, x.shape, *window)
    np.testing.assert_array_equal(fastconv.conv2d_backward_input(y, packed, x.shape, *window), dx)


@every_case
def test_a_packed_weight_is_a_copy_and_serves_any_batch(case):
    x, weight, window = problem(case, "float32")
    packed = fastconv.pack_weight(weight, x.shape[1:], *window)
    y = fastconv.conv2d(x, weight, None, *window)
    weight[...] = np.nan
    np.testing.assert_array_equal(fastconv.conv2d(x[:1], packed, None, *window), y[:1])


def test_it_says_what_it_is():
    _, weight, window = problem(CASES[0], "float32")
    packed = fastconv.pack_weight(weight, (64, 11, 13), *window)
    assert (packed.shape, packed.dtype, packed.path) == (weight.shape, weight.dtype, "winograd")
    assert packed.nbytes >= 2 * 4 * 36 * 64 * 64
    assert "winograd" in repr(packed)
    before = fastconv.use_path("winograd", False)
    try:
        assert fastconv.pack_weight(weight, (64, 11, 13), *window).path == "direct"
    finally:
        fastconv.use_path("winograd", before)


def test_another_convolution_is_refused():
    x, weight, window = problem(CASES[0], "float32")
    packed = fastconv.pack_weight(weight, x.shape, *window)
    with pytest.raises(ValueError, match=r"weight must be packed for the same image shape.*top 1, not 0"):
        fastconv.conv2d(x, packed)
    with pytest.raises(ValueError, match="H 11, not 10"):
        fastconv.conv2d(x[:, :, 1:], packed, None, *window)
    with pytest.raises(TypeError, match="weight"):
        fastconv.conv2d(x.astype("float64"), packed, None, *window)
    forward = fastconv.pack_weight(weight, x.shape, *window, backward=False)
    with pytest.raises(ValueError, match="backward=False"):
        fastconv.conv2d_backward_input(x, forward, x.shape, *window)


@pytest.mark.parametrize(
    ("weight", "shape", "error"),
    [
        (np.zeros((2, 3, 3)), (1, 3, 8, 8), ValueError),
        (np.zeros((2, 3, 3, 3), int), (1, 3, 8, 8), TypeError),
        (np.zeros((2, 3, 3, 3)), (1, 4, 8, 8), ValueError),
        (np.zeros((2, 3, 3, 3)), (1, 3, 2, 8), ValueError),
        (np.zeros((2, 3, 3, 3)), (8, 8), ValueError),
    ],
)
def test_bad_arguments(weight, shape, error):
    with pytest.raises(error):
        fastconv.pack_weight(weight, shape)


COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy}
COPIES |= {f"protocol {p}": lambda weight, p=p: pickle.loads(pickle.dumps(weight, p)) for p in range(6)}


@every_case
@pytest.mark.parametrize("way", COPIES.values(), ids=COPIES)
def test_a_copy_holds_what_the_packed_weight_holds_and_no_more(case, way):
    x, weight, window = problem(case, "float32")
    packed = fastconv.pack_weight(weight, x.shape, *window)
    other = way(packed)
    assert repr(other) == repr(packed)
    assert other.weight.strides == packed.weight.strides
    arrays = [array for array in (other.packed, other.packed_input) if array is not None]
    assert {array.__array_interface__["data"][0] % LINE for array in arrays} <= {0}
    assert not any(np.shares_memory(array, own) for array in arrays for own in (packed.packed, packed.packed_input))
    y = fastconv.conv2d(x, packed, None, *window)
    np.testing.assert_array_equal(fastconv.conv2d(x, other, None, *window), y)
    dx = fastconv.conv2d_backward_input(y, packed, x.shape, *window)
    np.testing.assert_array_equal(fastconv.conv2d_backward_input(y, other, x.shape, *window), dx)


@every_case
def test_a_pickle_is_as_long_as_its_arrays(case):
    x, weight, window = problem(case, "float32")
    packed = fastconv.pack_weight(weight, x.shape, *window)
    assert packed.nbytes <= len(pickle.dumps(packed, 5)) < packed.nbytes + 1000


def test_a_pickle_of_other_kernels_is_refused(monkeypatch):
    data = pickle.dumps(fastconv.pack_weight(np.ones((64, 64, 3, 3), "float32"), (64, 8, 8)))
    monkeypatch.setattr("fastconv.kernels.build", "another")
    with pytest.raises(ValueError, match="plain weights, and pack them here"):
        pickle.loads(data)


def test_where_a_packed_weight_does_not_serve_the_error_says_so():
    x, weight, window = problem(CASES[0], "float32")
    packed, y = fastconv.pack_weight(weight, x.shape, *window), fastconv.conv2d(x, weight, None, *window)
    for call in (
        lambda: fastconv.conv2d_backward_weight(y, packed, weight.shape, *window),
        lambda: fastconv.conv_transpose2d(x, packed),
        lambda: fastconv.pack_weight(packed, x.shape, *window),
        lambda: np.asarray(packed),
    ):
        with pytest.raises(TypeError, match="serves conv2d and conv2d_backward_input alone: give the array"):
            call()


def test_images_of_another_dtype_say_how_to_convert_or_to_pack():
    x, weight, window = problem(CASES[0], "float32")
    packed, x, y = fastconv.pack_weight(weight, x.shape, *window), x.astype("float64"), np.zeros((2, 64, 11, 13))
    said = r"must be float32 like the packed weight, got float64; .*, or pack weight.astype\('float64'\)"
    with pytest.raises(TypeError, match=f"^x {said}"):
        fastconv.conv2d(x, packed, None, *window)
    with pytest.raises(TypeError, match=f"^dy {said}"):
        fastconv.conv2d_backward_input(y, packed, x.shape, *window)


@pytest.mark.parametrize("x_shape", [32, None, (12, 12), (1, 2, 3, 4, 5), (1, 64, 1.5, 8), "NCHW"])
def test_shapes_that_are_none_are_named(x_shape):
    with pytest.raises((TypeError, ValueError), match="x_shape must be"):
        fastconv.pack_weight(np.ones((64, 64, 3, 3), "float32"), x_shape)
    with pytest.raises(TypeError, match="backward must be True or False, got 'no'"):
        fastconv.pack_weight(np.ones((64, 64, 3, 3), "float32"), (64, 8, 8), backward="no")
