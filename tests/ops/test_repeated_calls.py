"""The third call of any op takes the short way: the same results, and everything that must be refused still is."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import inputs
import numpy as np
import pytest

import fastconv
from fastconv.kernels.runtime import calls
from fastconv.ops import check

CASES = {
    "conv2d": ((2, 3, 5, 6), (4, 3, 2, 3), (4,), {"stride": 2, "padding": "same"}),
    "conv2d_backward_input": ((2, 4, 4, 4), (4, 3, 2, 3), {"input_shape": (2, 3, 5, 6)}),
    "conv2d_backward_weight": ((2, 4, 4, 4), (2, 3, 5, 6), {"weight_shape": (4, 3, 2, 3)}),
    "conv2d_backward_bias": ((2, 4, 4, 4),),
    "conv_transpose2d": ((2, 4, 4, 4), (4, 3, 2, 3), (3,)),
    "conv_transpose2d_backward_input": ((2, 3, 5, 6), (4, 3, 2, 3), {"input_shape": (2, 4, 4, 4)}),
    "conv_transpose2d_backward_weight": ((2, 3, 5, 6), (2, 4, 4, 4), {"weight_shape": (4, 3, 2, 3)}),
    "conv_transpose2d_backward_bias": ((2, 3, 5, 6),),
    "conv1d": ((2, 3, 6), (4, 3, 3), (4,), {"stride": 2, "padding": "same"}),
    "conv1d_backward_input": ((2, 4, 4), (4, 3, 3), {"input_shape": (2, 3, 6)}),
    "conv1d_backward_weight": ((2, 4, 4), (2, 3, 6), {"weight_shape": (4, 3, 3)}),
    "conv1d_backward_bias": ((2, 4, 4),),
    "conv_transpose1d": ((2, 4, 4), (4, 3, 3), (3,)),
    "conv_transpose1d_backward_input": ((2, 3, 6), (4, 3, 3), {"input_shape": (2, 4, 4)}),
    "conv_transpose1d_backward_weight": ((2, 3, 6), (2, 4, 4), {"weight_shape": (4, 3, 3)}),
    "conv_transpose1d_backward_bias": ((2, 3, 6),),
    "max_pool1d": ((3, 6), {"kernel_size": 2, "return_indices": True}),
    "max_pool1d_backward": ((2, 3, 3), (2, 3, 6), {"kernel_size": 2}),
    "avg_pool1d": ((2, 3, 6), {"kernel_size": 2, "divisor_override": 3}),
    "avg_pool1d_backward": ((2, 3, 3), {"input_shape": (2, 3, 6), "kernel_size": 2}),
    "adaptive_max_pool1d": ((2, 3, 6), {"output_size": 4}),
    "adaptive_max_pool1d_backward": ((2, 3, 4), (2, 3, 6)),
    "adaptive_avg_pool1d": ((2, 3, 6), {"output_size": 2}),
    "adaptive_avg_pool1d_backward": ((2, 3, 4), {"input_shape": (2, 3, 6)}),
    "global_avg_pool1d": ((2, 3, 6),),
    "global_avg_pool1d_backward": ((2, 3, 1), {"input_shape": (2, 3, 6)}),
    "global_max_pool1d": ((2, 3, 6),),
    "global_max_pool1d_backward": ((2, 3, 1), (2, 3, 6)),
    "linear": ((2, 3, 5), (4, 5), (4,)),
    "linear_backward": ((2, 4), (2, 5), (4, 5)),
    "linear_backward_input": ((2, 4), (4, 5)),
    "linear_backward_weight": ((2, 4), (2, 5)),
    "linear_backward_bias": ((2, 4),),
    "max_pool2d": ((3, 5, 6), {"kernel_size": 2, "return_indices": True}),
    "max_pool2d_backward": ((2, 3, 2, 3), (2, 3, 5, 6), {"kernel_size": 2}),
    "avg_pool2d": ((2, 3, 5, 6), {"kernel_size": 2, "divisor_override": 3}),
    "avg_pool2d_backward": ((2, 3, 2, 3), {"input_shape": (2, 3, 5, 6), "kernel_size": 2}),
    "lp_pool2d": ((2, 3, 5, 6), {"kernel_size": (2, 3)}),
    "lp_pool2d_backward": ((2, 3, 2, 3), (2, 3, 5, 6), {"kernel_size": 2}),
    "adaptive_max_pool2d": ((2, 3, 5, 6), {"output_size": (2, 4)}),
    "adaptive_max_pool2d_backward": ((2, 3, 2, 4), (2, 3, 5, 6)),
    "adaptive_avg_pool2d": ((2, 3, 5, 6), {"output_size": 2}),
    "adaptive_avg_pool2d_backward": ((2, 3, 2, 4), {"input_shape": (2, 3, 5, 6)}),
    "global_avg_pool2d": ((2, 3, 5, 6),),
    "global_avg_pool2d_backward": ((2, 3, 1, 1), {"input_shape": (2, 3, 5, 6)}),
    "global_max_pool2d": ((2, 3, 5, 6),),
    "global_max_pool2d_backward": ((2, 3, 1, 1), (2, 3, 5, 6)),
    "batch_norm": ((2, 3, 5, 6), (3,), (3,), (3,), (3,), {"training": True, "return_saved": True}),
    "batch_norm_backward": ((2, 3, 5, 6), (2, 3, 5, 6), (3,), (3,), (3,)),
    "group_norm": ((2, 4, 5), {"num_groups": 2, "return_saved": True}),
    "group_norm_backward": ((2, 4, 5), (2, 4, 5), (2, 2), (2, 2), (4,)),
    "instance_norm": ((2, 4, 5), (4,), (4,), {"return_saved": True}),
    "instance_norm_backward": ((2, 4, 5), (2, 4, 5), (2, 4), (2, 4), (4,)),
    "layer_norm": ((2, 4, 5), {"normalized_shape": (4, 5)}),
    "layer_norm_backward": ((2, 4, 5), (2, 4, 5), (2,), (2,), (4, 5)),
    "local_response_norm": ((2, 4, 5), {"size": 3}),
    "local_response_norm_backward": ((2, 4, 5), (2, 4, 5), {"size": 3}),
    "softmax": ((2, 3, 4, 5),),
    "softmax_backward": ((2, 3), (2, 3)),
    "log_softmax": ((2, 3, 4, 5), {"axis": 2}),
    "log_softmax_backward": ((2, 3), (2, 3)),
    "prelu": ((2, 3, 4), (3,)),
    "prelu_backward": ((2, 3, 4), (2, 3, 4), (3,)),
    "threshold": ((2, 3, 4), {"threshold": 0.5, "value": -1.0}),
    "threshold_backward": ((2, 3), (2, 3), {"threshold": 0.5}),
    "add": ((2, 3), (2, 3), {"activation": "relu"}),
    "matmul": ((2, 3, 4, 5), (2, 3, 5, 6)),
    "matmul_backward": ((2, 3, 4, 6), (2, 3, 4, 5), (2, 3, 5, 6)),
    "multiply": ((2, 3, 4, 5), (2, 3, 1, 1)),
    "multiply_backward": ((2, 3, 4, 5), (2, 3, 4, 5), (2, 3, 1, 1)),
    "upsample_nearest2d": ((2, 3, 2, 3), {"scale_factor": 2}),
    "interpolate": ((2, 3, 2, 3), {"size": (3, 5), "mode": "bilinear"}),
    "interpolate_backward": ((2, 3, 4, 5), {"input_shape": (2, 3, 2, 3), "mode": "bilinear"}),
    "pixel_shuffle": ((2, 8, 2, 3), {"upscale_factor": 2}),
    "pixel_unshuffle": ((2, 3, 4, 6), {"downscale_factor": 2}),
    "channel_shuffle": ((2, 6, 4, 3), {"groups": 2}),
    "upsample_nearest2d_backward": ((2, 3, 2, 4), {"scale_factor": 2}),
    "cross_entropy": ((4, 3), (4, 3), {"return_gradient": True}),
    "cross_entropy_backward": ((4, 3), (4, 3), {"reduction": "none"}),
}
ONE = ("relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh", "hardsigmoid", "hardswish")
ONE += ("selu", "celu", "mish", "logsigmoid", "softsign", "hardtanh")
CASES |= {name: ((3, 4),) for name in ONE} | {f"{name}_backward": ((3, 4), (3, 4)) for name in ONE}
for loss in ("mse_loss", "l1_loss", "huber_loss", "binary_cross_entropy_with_logits"):
    CASES |= {loss: ((3, 4), (3, 4), {"return_gradient": True}), f"{loss}_backward": ((3, 4), (3, 4))}

KINDS = (inputs.misaligned, inputs.swapped, inputs.fortran, inputs.every_second, inputs.readonly)


def arguments(name, seed, dtype="float32"):
    """(arrays, options) of a case."""
    random, shapes = np.random.default_rng(seed), CASES[name]
    options = shapes[-1] if isinstance(shapes[-1], dict) else {}
    return [random.random(shape).astype(dtype) for shape in shapes if isinstance(shape, tuple)], options


def parts(result):
    """The arrays of a result."""
    return result if isinstance(result, tuple) else (result,)


def called(name, arrays, options):
    """Copies of what a call gives: its results, and its arguments, some of which are updated."""
    arrays = [array.copy(order="K") for array in arrays]
    names = ("x", "running_mean", "running_var", "weight", "bias")
    if name == "batch_norm":
        found = fastconv.batch_norm(**dict(zip(names, arrays, strict=True)), **options)
    else:
        found = given(name, arrays, options)
    return [*parts(found), *arrays]


def given(name, arrays, options):
    """The result of a call; arrays by position, then the options by name."""
    return getattr(fastconv, name)(*arrays, **options)


@pytest.mark.parametrize("before", [2, 3])
@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_the_third_call_and_the_next_check_nothing_and_give_the_same(name, dtype, before, monkeypatch):
    (first, options), (other, _) = arguments(name, 1, dtype), arguments(name, 2, dtype)
    calls.forget()
    wanted = called(name, other, options)
    calls.forget()
    for _ in range(before):  # the third keeps the arguments of its kernels
        called(name, first, options)
    monkeypatch.setattr(check, "array", None)
    monkeypatch.setattr(check, "output", None)
    for again, once in zip(called(name, other, options), wanted, strict=True):
        assert type(again) is type(once)
        np.testing.assert_array_equal(again, once, strict=True)
        assert again.strides == once.strides


@pytest.mark.parametrize("name", CASES)
def test_nothing_that_is_remembered_holds_an_array(name):
    arrays, options = arguments(name, 1)
    for _ in range(3):
        found = given(name, arrays, options)
    alive = [weakref.ref(array) for array in (*arrays, *parts(found)) if isinstance(array, np.ndarray)]
    del arrays, found
    gc.collect()
    assert not any(reference() is not None for reference in alive)


@pytest.mark.parametrize("name", ["relu", "sigmoid_backward", "conv2d", "max_pool2d_backward", "softmax"])
@pytest.mark.parametrize("kind", KINDS)
def test_any_memory_in_turns_with_plain_memory(name, kind):
    arrays, options = arguments(name, 1)
    wanted = given(name, arrays, options)
    for _ in range(3):
        found = given(name, [kind(array) for array in arrays], options)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(given(name, arrays, options), wanted, strict=True)


def test_one_array_in_two_places_is_read_in_both():
    a, b = np.arange(4.0), np.arange(4.0) + 10
    for _ in range(3):
        np.testing.assert_array_equal(fastconv.add(a, a), a + a)
        np.testing.assert_array_equal(fastconv.add(a, b), a + b)
        np.testing.assert_array_equal(fastconv.add(b, b), b + b)


def test_a_number_in_an_array_is_read_each_time():
    x, mean, var = np.array([[1.0], [2.0]]), np.zeros(1), np.ones(1)
    for eps in (0.1, 0.2, 0.3):
        found = fastconv.batch_norm(x, mean, var, eps=np.array(eps))
        np.testing.assert_allclose(found, x / np.sqrt(1 + eps))
    for dy in (1.0, 2.0):
        np.testing.assert_allclose(fastconv.mse_loss_backward(x, x + 1, "sum", dy=np.array(dy)), -dy * 2)
    for size in (1, 2):
        assert fastconv.max_pool2d(np.ones((1, 1, 4, 4)), np.array([size, size])).shape[2] == 4 // size


def test_a_class_or_an_index_outside_is_refused_after_a_good_call():
    logits = np.zeros((2, 3), "float32")
    for _ in range(3):
        fastconv.cross_entropy(logits, np.array([0, 2]))
        for wrong in (3, -1):
            with pytest.raises(ValueError, match="class indices from 0 to 2"):
                fastconv.cross_entropy(logits, np.array([0, wrong]))
        fastconv.cross_entropy(logits, np.array([0, -100]))
        fastconv.binary_cross_entropy_with_logits(logits, logits)
        with pytest.raises(ValueError, match="from 0 to 1"):
            fastconv.binary_cross_entropy_with_logits(logits, logits + 2)
        fastconv.binary_cross_entropy_with_logits(logits, logits + np.nan)
    dy, x = np.ones((1, 1, 1, 2)), np.ones((1, 1, 2, 4))
    for _ in range(3):
        fastconv.max_pool2d_backward(dy, x, 2, indices=np.array([[[[0, 2]]]]))
        with pytest.raises(ValueError, match="indices must be"):
            fastconv.max_pool2d_backward(dy, x, 2, indices=np.array([[[[0, 1]]]]))
        fastconv.max_unpool2d(dy, np.array([[[[0, 3]]]]), 2)
        with pytest.raises(ValueError, match="indices must be"):
            fastconv.max_unpool2d(dy, np.array([[[[0, 9]]]]), 2)


def test_out_is_filled_and_overlaps_are_refused_each_time():
    memory = np.ones(12, "float32")
    x, out = memory[:8].reshape(2, 4), np.empty((2, 4), "float32")
    for turn in range(3):
        x[:] = turn - 1
        assert fastconv.relu(x, out=out) is out
        np.testing.assert_array_equal(out, np.maximum(x, 0))
        with pytest.raises(ValueError, match="must not share memory"):
            fastconv.relu(x, out=memory[2:10].reshape(2, 4))
        with pytest.raises(ValueError, match="read-only"):
            fastconv.relu(x, out=inputs.readonly(out))
        assert fastconv.relu(x.copy(), out=out) is out


def test_out_in_odd_memory_is_filled_each_time():
    x = np.random.default_rng(1).standard_normal((2, 3, 4, 5)).astype("float32")
    weight = np.ones((3, 3, 1, 1), "float32")
    wanted = fastconv.conv2d(x, weight)
    for _ in range(3):
        out = np.zeros((2, 3, 4, 10), "float32")[..., ::2]
        assert fastconv.conv2d(x, weight, out=out) is out
        np.testing.assert_array_equal(out, wanted)


def test_running_statistics_in_shared_memory_are_refused_after_a_good_call():
    x = np.random.default_rng(1).random((4, 2))
    mean, var = np.zeros(2), np.ones(2)
    for _ in range(3):
        fastconv.batch_norm(x, mean, var, training=True)
        with pytest.raises(ValueError, match="must not share memory"):
            fastconv.batch_norm(x, mean, mean, training=True)
    calls.forget()
    other = [np.zeros(2), np.ones(2)]
    for _ in range(3):
        fastconv.batch_norm(x, *other, training=True)
        calls.forget()
    np.testing.assert_array_equal([mean, var], other)


def test_true_and_one_and_minus_zero_are_not_the_same_argument():
    x = np.array([[[-1.0, 2.0]]])
    for _ in range(3):
        with pytest.raises(TypeError, match="return_indices"):
            fastconv.max_pool2d(x, 1, return_indices=1)
        assert isinstance(fastconv.max_pool2d(x, 1, return_indices=True), tuple)
        with pytest.raises(TypeError, match="stride"):
            fastconv.max_pool2d(x, 1, True)
        fastconv.max_pool2d(x, 1, 1)
        for slope in (0.0, -0.0):
            found = fastconv.leaky_relu(np.array([-1.0]), slope)
            assert np.signbit(found) == np.signbit(np.array([-1.0]) * slope)


def test_subclasses_masks_and_lists_take_the_checks():
    x = np.array([-1.0, 2.0])
    for _ in range(3):
        np.testing.assert_array_equal(fastconv.relu(x), [0, 2])
        np.testing.assert_array_equal(fastconv.relu([-1.0, 2.0]), [0, 2])
        assert type(fastconv.relu(np.ma.masked_array(x, [False, False]))) is np.ndarray
        with pytest.raises(ValueError, match="masked"):
            fastconv.relu(np.ma.masked_array(x, [False, True]))
        with pytest.raises(TypeError, match="got int64"):
            fastconv.relu(np.array([-1, 2]))
        assert fastconv.relu(np.array(-1.0)).shape == ()


def test_an_empty_array_after_one_that_is_not():
    for extent in (3, 0, 3, 0):
        x = np.ones((extent, 2))
        assert fastconv.softmax(x).shape == x.shape
        assert np.isnan(fastconv.mse_loss(x, x)) == (extent == 0)


def test_threads_that_call_at_once_get_their_own_results():
    def work(seed):
        x = np.random.default_rng(seed).standard_normal((1, 1, 4, 5 + seed % 3)).astype("float32")
        return all((fastconv.relu(x) == np.maximum(x, 0)).all() for _ in range(200))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(16)))
