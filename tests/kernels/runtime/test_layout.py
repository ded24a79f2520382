"""What the compiled helpers say of arrays, beside NumPy's own answers."""

import numpy as np
import pytest

from fastconv.kernels.runtime import calls
from fastconv.ops import geometry


def memories():
    """Arrays (2, 3, 4, 5) of the same values in many kinds of memory."""
    x = np.arange(120, dtype="float32").reshape(2, 3, 4, 5)
    wide = np.zeros((2, 3, 8, 10), "float32")
    wide[:, :, ::2, ::2] = x
    yield x
    yield wide[:, :, ::2, ::2]
    yield x[..., ::-1].copy()[..., ::-1]
    for order in ((0, 2, 3, 1), (0, 3, 2, 1), (1, 0, 2, 3), (3, 2, 1, 0)):
        yield x.transpose(order).copy().transpose(np.argsort(order))


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
def test_merged_views_hold_the_same_values_in_the_order_of_the_last_with_the_axis_last(axis):
    for x in memories():
        for y in memories():
            for a, model in ((x, y), (x[:, :1], y[:, :1]), (x[0], y[0])):
                last = axis if axis is None or a.ndim == 4 else 0
                own = [] if last is None else [last % a.ndim]
                order = [i for i in np.argsort(-np.abs(model.strides), kind="stable") if i not in own]
                turned = tuple(
                    slice(None, None, -1 if i in order and model.strides[i] < 0 else 1) for i in range(a.ndim)
                )
                none, *found = calls.merged([None, a, model], last)
                assert none is None
                for view, whole in zip(found, (a, model), strict=True):
                    assert view.ndim == 4
                    assert np.shares_memory(view, whole)
                    np.testing.assert_array_equal(view.ravel(), whole[turned].transpose(order + own).ravel())
                np.testing.assert_array_equal(calls.merged([model, a], last, 0)[1], found[0])
                if own:
                    assert found[0].shape[-1] == a.shape[own[0]]


def test_axes_that_are_one_run_in_all_arrays_are_merged():
    y = np.zeros((2, 2, 2, 2, 2))
    assert calls.merged([y, y])[0].shape == (1, 1, 1, 32)
    wide = np.arange(10 * 6 * 4 * 8 * 12 * 4.0).reshape(10, 6, 4, 8, 12, 4)[
        ::2, ::2, ::2, ::2, ::2, ::2
    ]  # (5, 3, 2, 4, 6, 2)
    assert calls.merged([wide])[0].shape == (2, 3, 5, 4, 6, 2)
    assert calls.merged([wide], 2)[0].shape == (2, 3, 5, 4, 6, 2)
    np.testing.assert_array_equal(calls.merged([wide], 0)[0], wide.transpose(2, 5, 1, 3, 4, 0))
    assert (
        calls.merged([y.T, y.T])[0].shape == calls.merged([y[::-1, ::-1, ::-1, ::-1, ::-1]])[0].shape == (1, 1, 1, 32)
    )
    assert calls.merged([np.zeros((2, 6))[:, :5], np.zeros((2, 5))])[0].strides[2:] == (48, 8)
    assert calls.merged([np.broadcast_to(np.zeros(3), (2, 3)), np.zeros((2, 3))])[0].strides[2:] == (0, 8)
    for arrays, axis in (([np.zeros(3), y], None), ([y, None], None), ([y], 5), ([y], -6)):
        with pytest.raises(ValueError, match=r"must"):
            calls.merged(arrays, axis)
    for model in (1, -2):
        with pytest.raises(ValueError, match="model must"):
            calls.merged([y], None, model)


def test_memory_order_leaves_axes_without_a_stride_where_they_are():
    assert [calls.memory_order(x) for x in memories()][3:] == [[0, 2, 3, 1], [0, 3, 2, 1], [1, 0, 2, 3], [3, 2, 1, 0]]
    for axis in range(4):
        repeated = calls.repeated(np.zeros((2, 3, 4)), axis, 5)
        assert calls.memory_order(repeated) == [0, 1, 2, 3]
    across = calls.repeated(np.zeros((2, 3)).T, 1, 5)
    assert calls.memory_order(across) == [2, 0, 1]


@pytest.mark.parametrize("layout", [None, "planar", "channels_last"])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 0, 4, 5), (1, 1, 1, 1), (4, 8, 64, 65)])
@pytest.mark.parametrize("dtype", ["float32", np.dtype("float64"), np.int64])
def test_a_new_array_has_the_strides_of_numpy(shape, dtype, layout):
    n, c, h, w = shape
    last = layout == "channels_last"
    wanted = np.empty((n, h, w, c), dtype).transpose(0, 3, 1, 2) if last else np.empty(shape, dtype)
    found = calls.empty(shape, dtype, layout)
    assert (found.shape, found.strides, found.dtype) == (wanted.shape, wanted.strides, wanted.dtype)
    assert found.flags.writeable
    assert found.flags.c_contiguous == wanted.flags.c_contiguous
    assert calls.size(shape, dtype) == wanted.nbytes
    if found.nbytes >= calls.SMALL:
        assert found.__array_interface__["data"][0] % calls.LINE == 0


@pytest.mark.parametrize("shape", [(2**40, 2**40), (2**64, 1), (2**62,), (3, 2**80, 5)])
def test_sizes_that_overflow_are_refused(shape):
    with pytest.raises(ValueError, match="too large for this machine"):
        calls.size(shape, "float32")
    assert calls.size((*shape, 0), "float32") == 0


def test_extents_below_0_and_too_many_are_refused():
    for shape in ((-1,), (1,) * 65):
        with pytest.raises(ValueError, match="shape must"):
            calls.empty(shape, "float32")


def test_layouts_are_those_of_the_strides():
    for x in memories():
        _n, c, h, w = x.strides
        assert calls.in_planes(x) == (w == 4)
        assert calls.channels_together(x) == (c == 4)
        assert calls.layout_of(x) == ("channels_last" if c == 4 else "planar")
        assert calls.is_batch(x) == (w == 4 or (c == 4 and abs(w) < abs(h)))
        assert calls.all_channels_last(x, x) == (True if c == 4 else False if w == 4 else None)


def test_where_memory_is_both_planar_and_channels_last_the_longer_runs_decide():
    assert calls.all_channels_last(np.zeros((1, 5, 1, 1)), np.zeros((1, 5, 1, 1))) is True
    assert calls.all_channels_last(np.zeros((1, 1, 1, 5)), np.zeros((1, 1, 1, 1))) is False


def test_arrays_alike_are_plain_and_of_one_shape_and_dtype():
    a, b = np.zeros((2, 3)), np.zeros((3, 2)).T
    assert calls.are_alike({"a": a, "b": b})
    others = (np.zeros((2, 3), "f4"), np.zeros((2, 1)), np.zeros(6), a.astype(">f8"), a.astype(int), [[0.0] * 3] * 2)
    for other in (*others, None, np.broadcast_to(a, (2**40, 2, 3))):
        assert not calls.are_alike({"a": a, "b": other})
        assert not calls.are_alike({"a": other, "b": a})


def test_arrays_like_another_have_its_dtype_and_the_shape():
    x = np.zeros((2, 3))
    assert calls.are_like({"a": np.zeros(3), "b": None}, x, (3,))
    for a in (np.zeros(2), np.zeros((3, 1)), np.zeros(3, "f4"), [0.0] * 3, np.zeros(3, ">f8")):
        assert not calls.are_like({"a": a}, x, (3,))


def test_arrays_of_one_dtype():
    a, b = np.zeros(2, "f4"), np.zeros(3)
    assert calls.have_one_dtype({"a": a, "none": None, "b": a})
    assert not calls.have_one_dtype({"a": a, "b": b})
    assert not calls.have_one_dtype({"a": a, "b": [1.0]})


def test_a_shape_is_a_tuple_of_integers_from_0():
    assert calls.is_shape((0, 5, 2**40), 3)
    for value in ((1, 2), [1, 2, 3], (1, 2, -1), (1, 2, True), (1, 2, 2**70), (1, 2, 3.0), (1, 2, np.int64(3)), None):
        assert not calls.is_shape(value, 3)


def test_arrays_apart_share_no_memory():
    a = np.zeros(8)
    assert calls.are_apart([a[:4], None, a[4:]])
    for other in (a[3:], np.zeros(0), [0.0]):
        assert not calls.are_apart([a[:4], other])


def test_arrays_in_order_may_be_written():
    a, fixed = np.zeros((2, 3)), np.zeros(3)
    fixed.flags.writeable = False
    assert calls.are_writeable_in_order([a, a[1]])
    for other in (fixed, a.T, a[:, ::2], [0.0], None):
        assert not calls.are_writeable_in_order([a, other])


def test_planes_and_sets_hold_the_same_values():
    for x in memories():
        found = calls.planes(x)
        in_one_run = x.strides[3] == 4 and x.strides[2] == 20
        assert (found is not None) == in_one_run
        if found is not None:
            np.testing.assert_array_equal(found, x.reshape(2, 3, 20))
            np.testing.assert_array_equal(calls.sets(found)[0], x.reshape(2, 3, 20).transpose(1, 0, 2))
            np.testing.assert_array_equal(calls.sets(found, 3), x.reshape(2, 3, 1, 20))
    w = np.arange(12.0)[::2]
    np.testing.assert_array_equal(calls.by_set(w, 3), np.repeat(w[:, None], 3, 1))
    np.testing.assert_array_equal(calls.by_set(w, 0, 3), w.reshape(3, 2))
    assert calls.sets(None) is calls.by_set(None, 2) is calls.planes(np.zeros(3)) is None


def test_the_stride_of_axes_read_as_one():
    x = np.zeros((2, 3, 1, 5))
    assert calls.run_stride(x, 0, 4) == 8
    assert calls.run_stride(x, 0, 2) == 40
    assert calls.run_stride(x, 2, 2) == 8
    assert calls.run_stride(x[:, ::2], 1, 4) is None
    for first, end in ((-1, 2), (0, 5)):
        with pytest.raises(ValueError, match="axes"):
            calls.run_stride(x, first, end)


@pytest.mark.parametrize("m", [None, 7])
@pytest.mark.parametrize("after", [None, 0, 2])
def test_windows_list_the_positions_that_a_loop_visits(after, m):
    for size, kernel, stride, dilation, before in ((7, 3, 2, 1, 1), (5, 3, 1, 2, 3), (9, 2, 3, 1, 0), (4, 4, 5, 3, 6)):
        lines = calls.sliding_windows(size, 4, kernel, stride, dilation, before, after, m)
        assert not lines.flags.writeable
        for i, (first, count, step, divisor) in enumerate(lines):
            taps = [i * stride - before + r * dilation for r in range(kernel)]
            inside = [p for p in taps if 0 <= p < size]
            if inside:
                assert [first + r * step for r in range(count)] == inside
            padded = count if after is None else min(taps[0] + kernel, size + after) - taps[0]
            assert divisor == (padded if m is None else m)


def test_rows_are_the_first_axes_as_one_and_the_others_as_one():
    a = np.arange(24.0).reshape(2, 3, 4)
    for count in range(4):
        found = calls.rows(a, count)
        np.testing.assert_array_equal(found, a.reshape(int(np.prod(a.shape[:count])), -1))
        assert np.shares_memory(found, a)
    assert calls.rows(a.transpose(1, 0, 2), 2) is None
    assert calls.rows(a[:, :, ::2], 2) is None
    assert calls.rows(a[::-1], 1).strides == (-96, 8)
    with pytest.raises(ValueError, match="count"):
        calls.rows(a, 4)


def test_an_array_is_repeated_without_memory():
    a = np.arange(6.0).reshape(2, 3)
    for axis in range(3):
        found = calls.repeated(a, axis, 4)
        np.testing.assert_array_equal(found, np.repeat(np.expand_dims(a, axis), 4, axis), strict=True)
        assert np.shares_memory(found, a)
    assert calls.repeated(np.zeros(()), 0, 1).shape == (1,)
    for axis, extent in ((3, 1), (-1, 1), (0, -1)):
        with pytest.raises(ValueError, match="axis must"):
            calls.repeated(a, axis, extent)


def test_a_new_array_has_the_shape_and_dtype_of_one_in_c_order():
    for a in (np.zeros((), "float32"), np.zeros((2, 0, 3)), np.zeros((3, 4, 5), "float32"), np.zeros((99, 999))):
        found = calls.ordered_like(a)
        assert (found.shape, found.dtype, found.flags.c_contiguous, found.flags.writeable) == (
            a.shape,
            a.dtype,
            True,
            True,
        )
    assert calls.ordered_like(np.zeros((2, 3)).T) is None


def test_the_tables_of_both_axes_are_those_of_each():
    g = geometry.pool2d((1, 2, 7, 9), (3, 2), (2, 1), ((1, 0), (0, 1)), 1, True)
    for padded, m in ((False, None), (True, None), (False, 5), (True, 5)):
        rows, columns = calls.window_tables(g, padded, m)
        ends, other = (g.bottom, g.right) if padded else (None, None)
        np.testing.assert_array_equal(rows, calls.sliding_windows(7, g.OH, 3, 2, 1, 1, ends, m))
        np.testing.assert_array_equal(columns, calls.sliding_windows(9, g.OW, 2, 1, 1, 0, other, m and 1))
    for wrong in (None, (1, 2), [*g]):
        with pytest.raises(TypeError, match="Pool2dGeometry"):
            calls.window_tables(wrong)
