"""Weighted sums along H and W by tables, against the matrices that the tables stand for."""

import inputs
import numpy as np
import pytest

import fastconv
from fastconv.ops.taps import picks, taps, transposed, weighted_call


def matrix(table, size):
    """The table as (outputs, size)."""
    found = np.zeros((len(table.ends) - 1, size))
    weight = table.weight.view(np.float64)
    for o in range(len(found)):
        for k in range(table.ends[o], table.ends[o + 1]):
            found[o, table.source[k]] += weight[k]
    return found


def tables(rng, size, out):
    """Tables of every kind: random places, neighbours, steps, backwards; whole weights, some of them 0."""
    yield taps(rng.integers(0, size, (out, 3)), rng.integers(-2, 3, (out, 3)))
    yield picks(np.arange(out) % size)
    yield picks(np.arange(out)[::-1] % size)
    yield picks(np.arange(out) * 2 % size)
    yield taps(np.full((out, 2), size - 1), np.zeros((out, 2)))


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 37, 9, 70), (3, 1, 40, 3), (1, 64, 3, 2)])
def test_the_sums_are_those_of_the_matrices(shape, dtype):
    rng = np.random.default_rng(0)
    x = inputs.whole(rng, shape, dtype)
    for out in ((1, 1), (7, 45), (30, 3)):
        for rows, columns in zip(tables(rng, shape[2], out[0]), tables(rng, shape[3], out[1]), strict=True):
            wanted = np.einsum("ah,bw,nchw->ncab", matrix(rows, shape[2]), matrix(columns, shape[3]), x)
            for layout in (np.array, inputs.channels_last, inputs.channel_slice, inputs.every_second):
                y = layout(np.full(wanted.shape, np.nan, dtype))
                weighted_call(layout(x), y, rows, columns)()
                np.testing.assert_array_equal(y, wanted)


def test_a_place_twice_is_one_tap_and_a_weight_of_zero_none():
    table = taps(np.array([[2, 2, 0], [1, 0, 1]]), np.array([[1, 2, 0], [1, 0, -1]]))
    assert [a.tolist() for a in (table.ends, table.source, table.weight.view(float))] == [[0, 1, 1], [2], [3]]
    assert not any(a.flags.writeable for a in table)


def test_the_transposed_table_is_the_transposed_matrix():
    rng = np.random.default_rng(1)
    table = taps(rng.integers(0, 6, (9, 3)), rng.standard_normal((9, 3)))
    back = transposed(table, 6)
    np.testing.assert_array_equal(matrix(back, 9), matrix(table, 6).T)
    for place in range(6):
        outputs = back.source[back.ends[place] : back.ends[place + 1]]
        assert outputs.tolist() == sorted(outputs)


def test_bits_do_not_depend_on_threads_or_the_batch():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((6, 40, 33, 50), "float32")
    rows = taps(rng.integers(0, 33, (60, 3)), rng.standard_normal((60, 3)))
    columns = taps(rng.integers(0, 50, (70, 4)), rng.standard_normal((70, 4)))
    before = fastconv.get_num_threads()
    for layout in (np.array, inputs.channels_last):
        results = []
        for threads in (1, 2, 4):
            fastconv.set_num_threads(threads)
            results.append(layout(np.full((6, 40, 60, 70), np.nan, "float32")))
            weighted_call(layout(x), results[-1], rows, columns)()
        fastconv.set_num_threads(before)
        one = layout(np.full((1, 40, 60, 70), np.nan, "float32"))
        weighted_call(layout(x)[3:4], one, rows, columns)()
        for y in (*results[1:], results[0]):
            np.testing.assert_array_equal(y, results[0])
            np.testing.assert_array_equal(y[3:4], one)
    assert np.isfinite(results[0]).all()


def test_results_larger_than_the_caches():
    """They are stored around them; each part is what a small result is."""
    x = np.random.default_rng(3).standard_normal((1, 64, 8, 8), "float32")
    rows, few = picks(np.arange(512) // 64), picks(np.arange(4) * 2)
    columns = taps(np.stack([np.arange(256) // 32, np.arange(256) % 8], 1), np.tile([0.25, 0.75], (256, 1)))
    for layout in (np.array, inputs.channels_last):
        y, small = layout(np.empty((1, 64, 512, 256), "float32")), layout(np.empty((1, 64, 4, 256), "float32"))
        weighted_call(layout(x), y, rows, columns)()
        weighted_call(layout(x), small, few, columns)()
        np.testing.assert_array_equal(y[:, :, ::128], small)
        np.testing.assert_array_equal(y[:, :, 63::128], small)
