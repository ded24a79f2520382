"""Copies between arrays of any strides, against NumPy's assignment; nothing beside the target may change."""

import numpy as np
import pytest

from fastconv.ops import memory

STEPS = [1, -1, 2, -2, 3, 5, 7, 8, 9, -4]
ORDERS = [(0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 3, 1), (3, 2, 1, 0), (1, 2, 3, 0)]


def placed(values, order, step):
    """(memory, view): `values` in a larger array, with axes in this order and |step| values apart along the last."""
    extents = [values.shape[axis] for axis in order]
    base = np.full((*extents[:3], extents[3] * abs(step) + 1), 7, values.dtype)
    view = base[..., ::step][..., : extents[3]].transpose(np.argsort(order))
    view[...] = values
    return base, view


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("order", ORDERS)
def test_any_strides_are_copied_exactly(order, step, dtype):
    for shape in [(2, 3, 5, 37), (1, 17, 33, 16), (3, 1, 4, 7)]:
        values = np.random.default_rng(0).integers(-99, 99, shape).astype(dtype)
        for other_order, other_step in [((0, 1, 2, 3), 1), ((0, 2, 3, 1), 1), (order, 2), ((1, 0, 2, 3), -3)]:
            _, x = placed(values, order, step)
            base, y = placed(np.zeros_like(values), other_order, other_step)
            wanted = placed(values, other_order, other_step)[0]
            memory.assign(y, x)
            np.testing.assert_array_equal(base, wanted)
            memory.assign(x, y)
            np.testing.assert_array_equal(x, values)


def test_repeated_values_are_copied():
    x = np.broadcast_to(np.arange(40.0)[::2].reshape(20, 1), (2, 3, 20, 50)).transpose(0, 1, 3, 2)
    np.testing.assert_array_equal(memory.copied(x), x)


@pytest.mark.parametrize("shape", [(), (5,), (3, 0), (2, 3, 2, 3, 20), (100, 2, 1, 2, 3)])
def test_arrays_of_any_rank_are_copied(shape):
    x = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_array_equal(memory.copied(x.T), x.T)


def test_values_that_are_not_aligned_are_copied():
    x = np.zeros(40, [("a", "u1"), ("b", "f8")])["b"]
    x[...] = np.arange(40)
    np.testing.assert_array_equal(memory.copied(x), np.arange(40))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("step", [1, 2, -3])
def test_large_transposes_past_the_caches_are_exact(step, dtype):
    channels, side = 16, 272 if dtype == "float32" else 192  # more than STREAM_BYTES; rows of y are whole cache lines
    last = np.arange(4 * side * side * channels * abs(step), dtype=dtype).reshape(4, side, side, -1)
    x = last[..., ::step].transpose(0, 3, 1, 2)
    y = memory.copied(x)
    assert y.nbytes >= 16 << 20
    assert y.ctypes.data % 64 == 0
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("planes", [(3, 5), (1, 70), (70, 1)])
def test_small_planes_that_share_a_job_are_transposed(planes):
    x = np.random.default_rng(0).normal(size=(*planes, 17, 33)).transpose(0, 1, 3, 2)
    np.testing.assert_array_equal(memory.copied(x), x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("step", [2, -1, -3])
@pytest.mark.parametrize("columns", [512, 37])  # rows of whole cache lines, and not
def test_large_gathers_past_the_caches_are_exact(columns, step, dtype):
    rows = (17 << 20) // columns // np.dtype(dtype).itemsize
    x = np.arange(rows * columns * abs(step), dtype=dtype).reshape(rows, -1)[:, ::step]
    y = memory.copied(x)
    assert y.nbytes >= 16 << 20
    np.testing.assert_array_equal(y, x)
