"""Norms of images whose channels lie nearest, but not side by side: the values of a copy, also for the gradients."""

import numpy as np
import pytest

import fastconv

N, C, H, W = 3, 6, 5, 7
VIEWS = {
    "every second channel": lambda a: a[..., ::2].transpose(0, 3, 1, 2),
    "channels back": lambda a: a[..., C - 1 :: -1].transpose(0, 3, 1, 2),
    "every second channel and image back": lambda a: a[::-1, ..., ::2].transpose(0, 3, 1, 2),
    "rows and columns exchanged": lambda a: a[..., ::2].transpose(0, 3, 2, 1),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("training", [False, True])
def test_batch_norm(view, training):
    rng = np.random.default_rng(0)
    x, dy = (VIEWS[view](rng.normal(size=(N, H, W, 2 * C))) for _ in range(2))
    weight, bias = rng.normal(size=(2, C))
    got, want = [
        fastconv.batch_norm(a, np.zeros(C), np.ones(C), weight, bias, training) for a in (x, np.array(x, order="C"))
    ]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    mean, invstd = x.mean((0, 2, 3)), 1 / x.std((0, 2, 3))
    for a, b in zip(
        fastconv.batch_norm_backward(dy, x, mean, invstd, weight),
        fastconv.batch_norm_backward(np.array(dy, order="C"), np.array(x, order="C"), mean, invstd, weight),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("view", VIEWS)
def test_group_norm(view):
    rng = np.random.default_rng(0)
    x = VIEWS[view](rng.normal(size=(N, H, W, 2 * C)))
    got = fastconv.group_norm(x, 3)
    sets = np.array(x, order="C").reshape(N, 3, -1)
    want = (sets - sets.mean(2, keepdims=True)) / np.sqrt(sets.var(2, keepdims=True) + 1e-5)
    np.testing.assert_allclose(got, want.reshape(x.shape), rtol=1e-11, atol=1e-11)


NORMS = {
    "batch norm": lambda x: fastconv.batch_norm(x, None, None, training=True),
    "group norm": lambda x: fastconv.group_norm(x, 3),
    "layer norm": lambda x: fastconv.layer_norm(x, x.shape[1:]),
}


@pytest.mark.parametrize("norm", NORMS)
def test_the_result_is_planar_where_x_is_copied_to_be_read(norm):
    x = np.random.default_rng(0).normal(size=(N, H, W, 2 * C))
    assert NORMS[norm](x[..., ::2].transpose(0, 3, 1, 2)).flags.c_contiguous
    assert NORMS[norm](x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1).flags.c_contiguous
    assert NORMS[norm](x[:, 1:, 1:].transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1).flags.c_contiguous
