"""Arrays of odd strides give the bits of their copies, at the first call and at those that follow its plan."""

import numpy as np
import pytest

import fastconv

SHAPE = (3, 19, 9, 21)  # whole vectors and parts of one along every axis
N, C, H, W = SHAPE


def numbers(*shape, dtype):
    return np.random.default_rng(5).random(shape).astype(dtype)


VIEWS = {
    "channels last": lambda dtype: numbers(N, H, W, C, dtype=dtype).transpose(0, 3, 1, 2),
    "rows and columns exchanged": lambda dtype: numbers(N, C, W, H, dtype=dtype).transpose(0, 1, 3, 2),
    "every second column": lambda dtype: numbers(N, C, H, 2 * W, dtype=dtype)[..., ::2],
    "every third column": lambda dtype: numbers(N, C, H, 3 * W, dtype=dtype)[..., ::3],
    "every second channel": lambda dtype: numbers(N, H, W, 2 * C, dtype=dtype)[..., ::2].transpose(0, 3, 1, 2),
    "columns reversed": lambda dtype: numbers(*SHAPE, dtype=dtype)[..., ::-1],
    "rows reversed": lambda dtype: numbers(*SHAPE, dtype=dtype)[:, :, ::-1],
    "all axes turned round": lambda dtype: numbers(W, H, C, N, dtype=dtype).T,
    "one image repeated": lambda dtype: np.broadcast_to(numbers(1, C, H, W, dtype=dtype), SHAPE),
    "one pixel repeated": lambda dtype: np.broadcast_to(numbers(N, C, 1, 1, dtype=dtype), SHAPE),
}
CLASSES = np.random.default_rng(6).integers(0, C, (N, H, W))
OPS = {
    "softmax over channels": lambda x: fastconv.softmax(x, 1),
    "softmax over columns": lambda x: fastconv.softmax(x, 3),
    "softmax over rows": lambda x: fastconv.softmax(x, 2),
    "log_softmax over images": lambda x: fastconv.log_softmax(x, 0),
    "softmax_backward": lambda x: fastconv.softmax_backward(x, y=x, axis=3),
    "the gradient of cross_entropy": lambda x: fastconv.cross_entropy_backward(x, CLASSES),
    "the gradient with shares": lambda x: fastconv.cross_entropy_backward(x, x),
    "nll_loss": lambda x: fastconv.nll_loss(x, CLASSES, reduction="none"),
    "max_pool2d": lambda x: fastconv.max_pool2d(x, 3, stride=2),
    "max_pool2d with indices": lambda x: fastconv.max_pool2d(x, 2, return_indices=True)[1],
    "avg_pool2d": lambda x: fastconv.avg_pool2d(x, 3, stride=1),
    "avg_pool2d_backward": lambda x: fastconv.avg_pool2d_backward(x, (N, C, 3 * H, 3 * W), 3),
    "max_pool2d_backward": lambda x: fastconv.max_pool2d_backward(x[:, :, :4, :10], x, 2),
    "lp_pool2d": lambda x: fastconv.lp_pool2d(x, 2, 2),
    "global_avg_pool2d": fastconv.global_avg_pool2d,
    "global_max_pool2d": fastconv.global_max_pool2d,
    "adaptive_avg_pool2d": lambda x: fastconv.adaptive_avg_pool2d(x, 4),
    "upsample_nearest2d": lambda x: fastconv.upsample_nearest2d(x, 2),
    "interpolate": lambda x: fastconv.interpolate(x, 5, mode="bilinear"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("op", OPS)
def test_odd_strides_give_the_bits_of_a_copy(op, view, dtype):
    x = VIEWS[view](dtype)
    want = OPS[op](np.array(x, order="C"))
    for _ in range(3):  # the first call, and those that follow its plan
        np.testing.assert_array_equal(OPS[op](x), want)


@pytest.mark.parametrize("view", VIEWS)
def test_a_pool_of_odd_strides_is_checked_once(view, monkeypatch):
    x = VIEWS[view]("float32")
    want, _ = (fastconv.avg_pool2d(x, 2) for _ in range(2))  # a plan is made at the second call
    monkeypatch.setattr("fastconv.ops.check.strided_images", None)  # what the checks need
    np.testing.assert_array_equal(fastconv.avg_pool2d(x, 2), want)
