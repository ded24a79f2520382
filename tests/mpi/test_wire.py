"""Numbers of 16 bits: their error, and sums of them."""

import numpy as np
import pytest

from fastconv.mpi.wire import packed, summed, unpacked

RNG = np.random.default_rng(0)


def through(values, wire):
    out = np.empty_like(values)
    unpacked(packed(values, wire), wire, out)
    return out


@pytest.mark.parametrize(("wire", "error"), [("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_error_is_that_of_rounding(wire, error, dtype):
    values = (RNG.choice([-1, 1], 10_000) * 10 ** RNG.uniform(-3, 3, 10_000)).astype(dtype)
    off = np.abs(through(values, wire) - values) / np.abs(values)
    assert error / 4 < off.max() <= error * (1 + 1e-6)


def test_bfloat16_is_the_nearest_and_to_even_between_two():
    """Beside the definition: the nearest of all numbers whose lower half is 0."""
    values = np.array([1, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-9, -3.3e38, 1e-38, 0, -0.0], "float32")
    expected = np.array([1, 1, 1 + 4 * 2**-8, 1, -3.3e38, 1e-38, 0, -0.0], "float32")
    grid = (np.arange(1 << 16, dtype="uint32") << 16).view("float32")
    grid = np.sort(grid[np.isfinite(grid)])
    got = through(values, "bfloat16")
    np.testing.assert_array_equal(got[:4], expected[:4])
    for value, found in zip(values[4:], got[4:], strict=True):
        assert found == grid[np.abs(grid.astype(float) - float(value)).argmin()]


@pytest.mark.parametrize("wire", ["float16", "bfloat16"])
def test_nan_and_infinity_arrive(wire):
    values = np.array([np.nan, np.inf, -np.inf, 1e30], "float32")
    got = through(values, wire)
    assert np.isnan(got[0])
    assert got[1] == np.inf
    assert got[2] == -np.inf
    assert (got[3] == np.inf) == (wire == "float16")  # beyond 65504


@pytest.mark.parametrize("wire", ["float16", "bfloat16"])
def test_sums_are_those_of_float32_rounded_once(wire):
    a, b = (packed(RNG.standard_normal(100).astype("float32"), wire) for _ in range(2))
    x, y = np.empty(100, "float32"), np.empty(100, "float32")
    unpacked(a, wire, x)
    unpacked(b, wire, y)
    expected = packed(x + y, wire)
    total = bytearray(b.tobytes())
    summed(wire)(a.tobytes(), total, None)
    assert bytes(total) == expected.tobytes()
