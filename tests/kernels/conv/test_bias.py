"""The bias gradient: every layout, size and tail; integers exactly; the same bits for any number of threads."""

import numpy as np
import pytest

import fastconv
from fastconv import kernels


def channels_last(x):
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


LAYOUTS = {
    "planar": lambda x: x,
    "channels_last": channels_last,
    "channel slice": lambda x: channels_last(np.concatenate([x, x, x], 1))[:, x.shape[1] : 2 * x.shape[1]],
    "rows apart": lambda x: np.concatenate([x, x], 3)[..., : x.shape[3]],
    "columns apart": lambda x: np.repeat(x, 2, axis=3)[..., ::2],
    "reversed": lambda x: np.ascontiguousarray(x[:, ::-1, ::-1, ::-1])[:, ::-1, ::-1, ::-1],
    "one value": lambda x: np.broadcast_to(x[:1, :1, :1, :1], x.shape),
}
SHAPES = [
    (1, 1, 1, 1),
    (2, 3, 5, 7),
    (3, 16, 4, 4),
    (2, 17, 3, 50),
    (1, 70, 40, 33),
    (2, 6, 24, 24),
    (1, 5, 1, 5000),
    (2, 1, 90, 90),
]


def db(dy):
    out = np.full(dy.shape[1], np.nan, dy.dtype)
    kernels.load(dy.dtype).conv.bias.backward(dy, out)
    return out


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_integers_are_added_exactly(layout, dtype):
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        dy = LAYOUTS[layout](rng.integers(-9, 10, shape).astype(dtype))
        np.testing.assert_array_equal(db(dy), dy.astype("float64").sum((0, 2, 3)))


@pytest.mark.parametrize("layout", ["planar", "channels_last"])
def test_rounding_stays_small(layout):
    dy = LAYOUTS[layout](np.random.default_rng(0).random((4, 20, 61, 67)).astype("float32"))
    exact = dy.astype("float64").sum((0, 2, 3))
    assert np.abs(db(dy) / exact - 1).max() < 4e-7


@pytest.mark.parametrize("layout", ["planar", "channels_last"])
def test_threads_do_not_change_the_bits(layout):
    dy = LAYOUTS[layout](np.random.default_rng(0).standard_normal((5, 36, 50, 41)).astype("float32"))
    found = []
    try:
        for threads in (1, 2, 3, 8):
            fastconv.set_num_threads(threads)
            found.append(db(dy).tobytes())
    finally:
        fastconv.set_num_threads(None)
    assert len(set(found)) == 1


def test_no_images_give_zeros():
    np.testing.assert_array_equal(db(np.empty((0, 3, 4, 4), "float32")), np.zeros(3))


def test_nan_reaches_its_map_alone():
    for layout in ("planar", "channels_last"):
        dy = LAYOUTS[layout](np.ones((2, 18, 4, 9), "float32"))
        dy[1, 3, 2, 7] = np.nan
        assert np.isnan(db(dy)).nonzero()[0].tolist() == [3]
