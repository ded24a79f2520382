"""Arrays of odd strides: the bits of C-ordered ones, from a call that is new and from one that was seen before."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastconv
from fastconv.ops import copies

N, C, H, W = 3, 8, 9, 40  # more values than are read one by one


def made(*shape, dtype):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


STRIDES = {
    "channels-last": lambda d: made(N, H, W, C, dtype=d).transpose(0, 3, 1, 2),
    "planes transposed": lambda d: made(N, C, W, H, dtype=d).transpose(0, 1, 3, 2),
    "every second column": lambda d: made(N, C, H, 2 * W, dtype=d)[..., ::2],
    "columns backwards": lambda d: made(N, C, H, W, dtype=d)[..., ::-1],
    "rows backwards": lambda d: made(N, C, H, W, dtype=d)[:, :, ::-1],
    "every second channel": lambda d: made(N, H, W, 2 * C, dtype=d)[..., ::2].transpose(0, 3, 1, 2),
    "axes in reverse order": lambda d: made(W, H, C, N, dtype=d).T,
    "one image for all": lambda d: np.broadcast_to(made(1, C, H, W, dtype=d), (N, C, H, W)),
    "one value for a plane": lambda d: np.broadcast_to(made(N, C, 1, 1, dtype=d), (N, C, H, W)),
}
OTHER = {d: np.random.default_rng(1).standard_normal((N, C, H, W)).astype(d) for d in ("float32", "float64")}
CLASSES = np.random.default_rng(2).integers(0, C, (N, H, W))
OPS = {
    "relu": fastconv.relu,
    "sigmoid_backward": lambda x: fastconv.sigmoid_backward(OTHER[str(x.dtype)], y=x),
    "softmax": lambda x: fastconv.softmax(x, 1),
    "add": lambda x: fastconv.add(x, OTHER[str(x.dtype)]),
    "layer_norm": lambda x: fastconv.layer_norm(x, x.shape[1:]),
    "group_norm": lambda x: fastconv.group_norm(x, 4),
    "batch_norm": lambda x: fastconv.batch_norm(x, None, None, training=True),
    "max_pool2d": lambda x: fastconv.max_pool2d(x, 3, stride=2),
    "avg_pool2d": lambda x: fastconv.avg_pool2d(x, 2),
    "mse_loss": lambda x: fastconv.mse_loss(x, OTHER[str(x.dtype)]),
    "cross_entropy": lambda x: fastconv.cross_entropy(x, CLASSES),
}
LAST_BITS = {"mse_loss", "cross_entropy", "layer_norm", "group_norm", "batch_norm"}  # sums follow the memory's order


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("strides", STRIDES)
@pytest.mark.parametrize("op", OPS)
def test_a_result_is_that_of_the_same_values_in_c_order_at_every_call(op, strides, dtype):
    x, call = STRIDES[strides](dtype), OPS[op]
    expected = call(np.array(x, order="C"))
    first, *later = (call(x) for _ in range(3))
    if op in LAST_BITS:
        np.testing.assert_allclose(first, expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-13)
    else:
        np.testing.assert_array_equal(first, expected)
    for result in later:
        np.testing.assert_array_equal(result, first)
        assert result.strides == first.strides if result.ndim else True


@pytest.mark.parametrize("op", ["layer_norm", "avg_pool2d", "add"])
def test_what_one_thread_keeps_no_other_thread_writes_into(op):
    images = [i * 0.25 + STRIDES["axes in reverse order"]("float32") for i in range(8)]
    expected = [OPS[op](x) for x in images]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            for found, wanted in zip(pool.map(OPS[op], images), expected, strict=True):
                np.testing.assert_array_equal(found, wanted)


def test_the_result_of_an_array_that_repeats_an_axis_has_the_order_of_its_shape():
    x = np.broadcast_to(np.ones((1, C, H, W), "float32"), (N, C, H, W))
    assert fastconv.relu(x).flags.c_contiguous
    last = np.broadcast_to(np.ones((1, H, W, C), "float32"), (N, H, W, C)).transpose(0, 3, 1, 2)
    assert fastconv.relu(last).transpose(0, 2, 3, 1).flags.c_contiguous


def test_several_calls_as_one_give_the_last_result():
    assert copies.Several([lambda: 3, lambda: -1, lambda: None])() == -1
    assert copies.Several([lambda: None])() is None
