"""What the tests of normalisation share: the textbook in float64 and one call of each op."""

import inputs
import numpy as np
import pytest

from fastconv.ops import norm

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
every_layout = pytest.mark.parametrize("layout", [np.array, inputs.channels_last], ids=["planar", "channels_last"])


def over_channels(w, x):
    return w.reshape(-1, *(1,) * (x.ndim - 2))


def standard(x, axes, eps):
    """z, and 1 / sqrt(var + eps)"""
    mean = x.mean(axes, keepdims=True)
    invstd = 1 / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + eps)
    return (x - mean) * invstd, invstd


def slope(g, z, invstd, axes):
    return invstd * (g - g.mean(axes, keepdims=True) - z * (g * z).mean(axes, keepdims=True))


def without(axis, x):
    return tuple(i for i in range(x.ndim) if i != axis)


def batch_textbook(x, w, b, dy, eps=1e-5):
    axes = without(1, x)
    z, invstd = standard(x, axes, eps)
    w = over_channels(w, x)
    return z * w + over_channels(b, x), slope(dy * w, z, invstd, axes), (dy * z).sum(axes), dy.sum(axes)


def group_textbook(groups):
    def textbook(x, w, b, dy, eps=1e-5):
        shape = (x.shape[0], groups, -1)
        z, invstd = standard(x.reshape(shape), (2,), eps)
        dx = slope((dy * over_channels(w, x)).reshape(shape), z, invstd, (2,)).reshape(x.shape)
        z, axes = z.reshape(x.shape), without(1, x)
        y = z * over_channels(w, x) + over_channels(b, x)
        return y, dx, (dy * z).sum(axes), dy.sum(axes)

    return textbook


def layer_textbook(x, w, b, dy, eps=1e-5):
    axes = tuple(range(1, x.ndim))
    z, invstd = standard(x, axes, eps)
    return z * w + b, slope(dy * w, z, invstd, axes), (dy * z).sum(0), dy.sum(0)


def local_textbook(size, alpha, beta, k):
    """Channel by channel; dx through the whole Jacobian of each pixel."""

    def textbook(x, w, b, dy):
        C = x.shape[1]
        window = [range(max(0, c - size // 2), min(C, c + (size - 1) // 2 + 1)) for c in range(C)]
        d = np.stack([k + alpha / size * (x[:, list(window[c])] ** 2).sum(1) for c in range(C)], 1)
        dx = dy * d**-beta
        for c in range(C):
            for j in window[c]:
                dx[:, j] -= 2 * alpha * beta / size * dy[:, c] * x[:, c] * d[:, c] ** (-beta - 1) * x[:, j]
        return x * d**-beta, dx

    return textbook


def batch(x, w, b, dy, out=None, dout=None):
    m, v = np.zeros(x.shape[1], x.dtype), np.zeros(x.shape[1], x.dtype)
    y, *saved = norm.batch_norm(x, m, v, w, b, training=True, return_saved=True, out=out)
    return y, *norm.batch_norm_backward(dy, x, *saved, w, out=dout)


def group(groups):
    def run(x, w, b, dy, out=None, dout=None):
        y, *saved = norm.group_norm(x, groups(x.shape[1]), w, b, return_saved=True, out=out)
        return y, *norm.group_norm_backward(dy, x, *saved, w, out=dout)

    return run


def instance(x, w, b, dy, out=None, dout=None):
    y, *saved = norm.instance_norm(x, w, b, return_saved=True, out=out)
    return y, *norm.instance_norm_backward(dy, x, *saved, w, out=dout)


def layer(x, w, b, dy, out=None, dout=None):
    y, *saved = norm.layer_norm(x, x.shape[1:], w, b, return_saved=True, out=out)
    return y, *norm.layer_norm_backward(dy, x, *saved, w, out=dout)


def local(*numbers):
    def run(x, w, b, dy, out=None, dout=None):
        y = norm.local_response_norm(x, *numbers, out=out)
        return y, norm.local_response_norm_backward(dy, x, *numbers, out=dout)

    return run


def a_divisor(C):
    return next(n for n in (3, 2, 5, 1) if C % n == 0)


# name: (y and gradients of ours, the same of the textbook)
CASES = {
    "batch": (batch, batch_textbook),
    "group": (group(a_divisor), lambda x, *rest: group_textbook(a_divisor(x.shape[1]))(x, *rest)),
    "instance": (group(lambda C: C), lambda x, *rest: group_textbook(x.shape[1])(x, *rest)),
    "one group": (group(lambda C: 1), group_textbook(1)),
    "layer": (layer, layer_textbook),
    "local": (local(5, 0.3, 0.75, 1.0), local_textbook(5, 0.3, 0.75, 1.0)),
    "local, even": (local(4, 2.0, 0.6, 1.5), local_textbook(4, 2.0, 0.6, 1.5)),
    "local, 2": (local(2, 0.5, 0.75, 0.5), local_textbook(2, 0.5, 0.75, 0.5)),
    "local, all": (local(200, 3.0, 1.0, 2.0), local_textbook(200, 3.0, 1.0, 2.0)),
}
every_case = pytest.mark.parametrize("case", CASES)
OF_ONE_SAMPLE = [case for case in CASES if case != "batch"]
SHAPES = [(5, 6), (3, 18, 2, 1), (2, 5, 4, 3), (3, 72, 7, 5), (2, 3, 40, 60), (2, 36, 30, 20), (4, 6, 1, 1), (3, 6, 5)]


def operands(shape, case, dtype="float64", layout=np.array, fill=inputs.real, seed=0):
    rng = np.random.default_rng(seed)
    vector = shape[1:] if case == "layer" else shape[1:2]
    x, w, b, dy = (fill(rng, s, dtype) for s in (shape, vector, vector, shape))
    return layout(2 * x + 3), w, b, layout(dy)


def wide(*arrays):
    return [a.astype("float64") for a in arrays]


def assert_close(got, want, dtype, names=("y", "dx", "dweight", "dbias"), factor=1.0):
    for name, a, e in zip(names, got, want, strict=False):
        assert a.dtype == dtype
        limit = factor * (3e-6 if dtype == "float32" else 2e-14) * max(np.abs(e).max(), 1)
        np.testing.assert_allclose(a, e, rtol=0, atol=limit, err_msg=name)
    assert len(got) == len(want)


def terms(shape):
    return 1 + np.prod(shape) ** 0.5 / 8
