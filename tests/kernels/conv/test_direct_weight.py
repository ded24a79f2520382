"""Weight gradient of the direct convolution: blocks of pixels, channels and columns, with all their tails."""

import numpy as np
import pytest
from inputs import DTYPES

from fastconv import kernels, ops

# N, C, K, H, W, kh, kw, stride, padding, groups
CASES = {
    "one long row, cut into blocks": (1, 8, 8, 1, 600, 1, 1, 1, 0, 1),
    "few channels, rows longer than a block": (2, 3, 16, 4, 530, 3, 3, 1, 1, 1),
    "few channels, columns not whole": (2, 3, 70, 9, 11, 5, 3, 2, 2, 1),
    "few channels, several blocks of values": (2, 16, 20, 12, 11, 7, 7, 1, 1, 1),
    "few channels, the last block smaller than a panel": (2, 4, 5, 20, 44, 19, 43, 1, 0, 1),
    "few channels, fewer values than a panel": (2, 2, 20, 9, 40, 1, 2, 1, 0, 1),
    "fewer channels than a panel": (2, 5, 33, 7, 9, 1, 1, 1, 0, 1),
    "several blocks of channels, the last panel overlaps": (2, 200, 40, 9, 5, 1, 1, 1, 0, 1),
    "far pixels, many tiles": (1, 1030, 300, 5, 6, 1, 1, 1, 0, 1),
    "several blocks of columns": (2, 20, 523, 6, 5, 3, 3, 2, 1, 1),
    "runs of a few pixels": (3, 70, 66, 4, 3, 3, 3, 1, 1, 1),
    "a tap that sees padding alone": (2, 40, 20, 2, 2, 5, 5, 1, 2, 1),
    "groups": (2, 36, 30, 7, 6, 3, 3, 2, 1, 3),
}


def expected(x, dy, kh, kw, s, p, groups):
    """Sums over the pixels in float64, one tap at a time."""
    N, K, OH, OW = dy.shape
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (p, p), (p, p))).reshape(
        N, groups, -1, *np.add(x.shape[2:], 2 * p)
    )
    dy = dy.astype(np.float64).reshape(N, groups, K // groups, OH, OW)
    dw = np.empty((K, x.shape[2], kh, kw))
    for r in range(kh):
        for t in range(kw):
            seen = x[..., r : r + s * OH : s, t : t + s * OW : s][..., :OH, :OW]
            dw[:, :, r, t] = np.einsum("ngkij,ngcij->gkc", dy, seen).reshape(K, -1)
    return dw


def channels_last(a):
    return np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_whole_numbers_are_exact(name, dtype):
    N, C, K, H, W, kh, kw, s, p, groups = CASES[name]
    rng = np.random.default_rng(len(name))
    x = channels_last(rng.integers(-3, 4, (N, C, H, W)).astype(dtype))
    OH, OW = (H + 2 * p - kh) // s + 1, (W + 2 * p - kw) // s + 1
    dy = channels_last(rng.integers(-3, 4, (N, K, OH, OW)).astype(dtype))
    wanted = expected(x, dy, kh, kw, s, p, groups)
    run = kernels.load(dtype).conv.direct.backward_weight
    for order in ("C", "F"):
        dw = np.full((K, C // groups, kh, kw), np.nan, dtype, order)
        run(dy, x, dw, (s, s, 1, 1, p, p, groups))
        np.testing.assert_array_equal(dw, wanted, err_msg=order)


def test_rows_that_do_not_follow_each_other():
    """A window of a larger image: neither rows nor pixels lie side by side."""
    rng = np.random.default_rng(0)
    x = channels_last(rng.integers(-3, 4, (2, 30, 12, 13)).astype("f"))[:, 3:27, 2:10, 1:12]
    dy = channels_last(rng.integers(-3, 4, (2, 96, 9, 12)).astype("f"))[:, 5:80, :8, :11]
    np.testing.assert_array_equal(ops.conv2d_backward_weight(dy, x, (75, 24, 1, 1)), expected(x, dy, 1, 1, 1, 0, 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("few channels")])
def test_dy_in_planes_gives_the_bits_of_channels_last(name, dtype):
    N, C, K, H, W, kh, kw, s, p, groups = CASES[name]
    rng = np.random.default_rng(len(name))
    x = rng.standard_normal((N, C, H, W)).astype(dtype)
    OH, OW = (H + 2 * p - kh) // s + 1, (W + 2 * p - kw) // s + 1
    dy = rng.standard_normal((N, K, OH, OW)).astype(dtype)
    run = kernels.load(dtype).conv.direct.backward_weight
    wanted, window = np.full((K, C, kh, kw), np.nan, dtype), (s, s, 1, 1, p, p, groups)
    run(channels_last(dy), channels_last(x), wanted, window)
    assert np.isfinite(wanted).all()
    wide = np.full((N, K, OH, 2 * OW), np.nan, dtype)
    wide[..., ::2] = dy
    for source in (dy, wide[..., ::2], dy[..., ::-1].copy()[..., ::-1]):
        dw = np.full_like(wanted, np.nan)
        run(source, x, dw, window)
        np.testing.assert_array_equal(dw, wanted)
