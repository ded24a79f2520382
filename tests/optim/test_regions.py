"""Regions of memory: which arrays share elements, whatever their shapes and strides."""

import numpy as np
import pytest

from fastconv.optim.regions import Order, overlaps, region

M = np.arange(48.0).reshape(6, 8)
VIEWS = {
    "whole": M,
    "rows": M[1:4],
    "columns": M[:, ::2],
    "transposed": M.T,
    "reversed": M[::-1, ::-1],
    "a column": M[:, 3],
    "three axes": M.reshape(2, 3, 8)[:, 1:].transpose(2, 0, 1),
    "one element": M[2:3, 5:6],
}
every_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)


def test_overlaps_are_exact():
    m = np.zeros((6, 8))
    views = [m[:3, ::2], m[:3, 1::2], m[3:, :4], m[3:, 4:], m[2:4, 3], np.zeros(3)]
    pairs = {tuple(sorted(pair)) for pair in overlaps([region(v) for v in views])}
    assert pairs == {(i, j) for i in range(6) for j in range(i + 1, 6) if np.shares_memory(views[i], views[j])}
    assert pairs


@every_view
def test_a_region_shows_the_elements_of_its_array(view):
    shown = np.asarray(region(view))
    assert sorted(shown.ravel()) == sorted(view.ravel())
    assert np.shares_memory(shown, view)


@every_view
def test_a_region_does_not_depend_on_the_order_of_axes_and_their_signs(view):
    assert region(view) == region(view.T) == region(view[(slice(None, None, -1),) * view.ndim])


@every_view
def test_a_region_is_dense_if_it_has_no_gaps(view):
    r = region(view)
    assert r.dense() == (r.stop - r.start == view.nbytes)


@every_view
def test_an_order_follows_memory_and_can_be_undone(view):
    order = Order(view.strides)
    there = order.of(view)
    assert list(there.strides) == sorted(map(abs, view.strides), reverse=True)
    np.testing.assert_array_equal(order.undone(there), view, strict=True)
