"""Every path has the same three functions, with the same arguments in the same order, and they agree."""

import numpy as np
import pytest

from fastconv import kernels

PATHS = ("direct", "winograd", "planar", "depthwise")
WINDOW = (1, 1, 1, 1, 1, 1, 1)  # stride, dilation, padding, groups
RELU = 1


def run(name, x, w, b, dy):
    """y = relu(conv2d(x, w) + b), dx and dw by one path, each written over NaN."""
    module = getattr(kernels.load("float32").conv, name)
    y, dx, dw = (np.full_like(a, np.nan) for a in (dy, x, w))
    module.forward(x, w, b, y, WINDOW, RELU)
    module.backward_input(dy, w, None, dx, WINDOW)
    module.backward_weight(dy, x, dw, WINDOW)
    return y, dx, dw


def textbook(x, w, b, dy):
    """The same of one channel, with padding 1 and nine taps."""
    padded, y, dx, dw = np.pad(x[:, 0], ((0, 0), (1, 1), (1, 1))), np.zeros_like(dy), np.zeros_like(x), np.zeros_like(w)
    wide = np.zeros_like(padded)
    H, W = x.shape[2:]
    for r in range(3):
        for s in range(3):
            seen = padded[:, r : r + H, s : s + W]
            y[:, 0] += w[0, 0, r, s] * seen
            wide[:, r : r + H, s : s + W] += w[0, 0, r, s] * dy[:, 0]
            dw[0, 0, r, s] = (dy[:, 0] * seen).sum()
    dx[:, 0] = wide[:, 1:-1, 1:-1]
    return np.maximum(y + b, 0), dx, dw


@pytest.mark.parametrize("name", PATHS)
def test_one_channel_suits_every_path(name):
    """One channel is planar and channels-last at once, dense and depth-wise at once."""
    rng = np.random.default_rng(0)
    x, dy = (rng.integers(-4, 5, (2, 1, 19, 21)).astype("float32") for _ in "xy")
    w, b = rng.integers(-4, 5, (1, 1, 3, 3)).astype("float32"), np.float32([3])
    for result, exact in zip(run(name, x, w, b, dy), textbook(x, w, b, dy), strict=True):
        np.testing.assert_allclose(result, exact, rtol=0, atol=1e-5 * np.abs(exact).max() if name == "winograd" else 0)


@pytest.mark.parametrize("name", PATHS)
def test_a_window_of_other_length_is_refused(name):
    x = np.zeros((1, 1, 4, 4), "float32")
    forward = getattr(kernels.load("float32").conv, name).forward
    for wrong in (WINDOW[:-1], (*WINDOW, 1)):
        with pytest.raises(ValueError, match="values to unpack"):
            forward(x, np.zeros((1, 1, 3, 3), "float32"), None, np.zeros_like(x), wrong)
