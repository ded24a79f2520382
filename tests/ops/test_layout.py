import inputs
import numpy as np
import pytest

import fastconv
from fastconv.ops.layout import copy_call

DTYPES = ["float32", "float64"]
LAYOUTS = [np.array, inputs.channels_last, inputs.channel_slice, inputs.every_second, inputs.negative]
SIZES = [(1, 1), (3, 5), (7, 7), (16, 16), (13, 27), (56, 56)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 8, 15, 16, 17, 64, 70])
def test_conversion_is_exact(channels, size, dtype):
    x = np.arange(2 * channels * size[0] * size[1], dtype=dtype).reshape(2, channels, *size)
    y = fastconv.to_channels_last(x)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    np.testing.assert_array_equal(y, x)
    z = fastconv.to_planar(y)
    assert z.flags.c_contiguous
    np.testing.assert_array_equal(z, x)


def test_conversion_of_what_is_there_already():
    x = np.zeros((2, 3, 4, 5), "float32")
    assert fastconv.to_planar(x) is x
    y = inputs.channels_last(x)
    assert fastconv.to_channels_last(y) is y
    assert fastconv.to_channels_last(x[0]).shape == (3, 4, 5)


def test_large_conversions():
    x = np.arange(8 * 64 * 100 * 100, dtype="float32").reshape(8, 64, 100, 100)
    y = fastconv.to_channels_last(x)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(fastconv.to_planar(y), x)


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 3, 4, 5), (2, 3, 2, 3, 2), (2, 3, 2, 3, 2, 3)])
def test_copies_of_any_rank(shape):
    x = np.random.default_rng(0).normal(size=shape)
    for source in (x, x.T, np.asfortranarray(x)):
        y = np.full(source.shape, np.nan)
        copy_call(source, y)()
        np.testing.assert_array_equal(y, source)
        y = np.full(source.shape[::-1], np.nan).T
        copy_call(source, y)()
        np.testing.assert_array_equal(y, source)


def test_copies_of_repeated_values():
    x = np.broadcast_to(np.arange(40.0).reshape(40, 1), (2, 3, 40, 50))
    y = np.empty(x.shape)
    copy_call(x, y)()
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_concatenate(layout, dtype):
    rng = np.random.default_rng(0)
    parts = [inputs.real(rng, (2, c, 5, 7), dtype) for c in (3, 16, 1, 20)]
    wanted = np.concatenate(parts, axis=1)
    given = [layout(a) for a in parts]
    y = fastconv.concatenate(given)
    np.testing.assert_array_equal(y, wanted)
    assert fastconv.ops.check.layout_of(y) == fastconv.ops.check.layout_of(given[0])
    out = inputs.channels_last(np.full_like(wanted, np.nan))
    assert fastconv.concatenate(given, out=out) is out
    np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(fastconv.concatenate([a[0] for a in given]), wanted[0])


def test_concatenate_names_what_does_not_fit():
    a = np.zeros((2, 3, 4, 4))
    with pytest.raises(ValueError, match="arrays must hold at least one array"):
        fastconv.concatenate([])
    with pytest.raises(ValueError, match=r"arrays\[1\] must have the N, H and W of arrays\[0\].*\(2, 3, 4, 5\)"):
        fastconv.concatenate([a, np.zeros((2, 3, 4, 5))])
    with pytest.raises(TypeError, match="same dtype"):
        fastconv.concatenate([a, a.astype("float32")])
    with pytest.raises(ValueError, match=r"out must not share memory with arrays\[0\]"):
        fastconv.concatenate([a], out=a)
