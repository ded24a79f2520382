"""Reshapes and transpositions of nodes, parts along any axis, reductions: NumPy's results."""

import numpy as np
import pytest

import fastconv
from fastconv.nodes.along import joined_along, parts_along
from fastconv.nodes.arranged import arranged, channels_moved_last, without_batch
from fastconv.nodes.bounded import between, softmax_along
from fastconv.nodes.broadcast import alike
from fastconv.nodes.images import bordered
from fastconv.nodes.matrices import matrix_product
from fastconv.nodes.parts import cut, joined, picked, taken_apart
from fastconv.nodes.pieces import affine
from fastconv.nodes.reduction import largest, mean, reduced, smallest, total
from fastconv.nodes.refused import Refused
from fastconv.nodes.settled import settled

X = np.random.default_rng(0).standard_normal((2, 6, 4, 5))


def computed(model):
    """What the network of a function of a node gives for X."""
    return fastconv.Network(lambda x: settled(arranged(model(x))), X.shape[1:], "float64").predict(X)


@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 0, 1), (0, 2, 1), (2, 1, 0)])
@pytest.mark.parametrize("shape", [(6, 4, 5), (3, 8, 5), (24, 5, 1)])
def test_reshapes_and_transpositions_are_numpys(shape, axes):
    found = computed(lambda x: arranged(x).reshaped(shape).transposed(axes))
    np.testing.assert_array_equal(found, X.reshape(2, *shape).transpose(0, *(axis + 1 for axis in axes)))


def test_axes_that_were_joined_are_not_parted_elsewhere():
    x = fastconv.Network(fastconv.layers.ReLU(), (6, 4, 5)).output
    assert arranged(x).reshaped((5, 24)).transposed((1, 0)) is None
    moved = arranged(x).transposed((1, 2, 0))
    assert channels_moved_last(moved)
    assert not channels_moved_last(arranged(x))


@pytest.mark.parametrize(("shape", "found"), [((7, -1), (120,)), ((-1, 6, 20), (6, 20)), ((7, 6, -1, 2), (6, 10, 2))])
def test_the_number_of_images_comes_first(shape, found):
    assert without_batch((6, 4, 5), shape, {7}) == found


@pytest.mark.parametrize("shape", [(), (120, 7), (7, 7), (-1, -1), (7, -1, -1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(Refused, match="its shape"):
        without_batch((6, 4, 5), shape, {7})


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_parts_are_numpys(axis):
    n = X.shape[axis + 1]
    found = computed(lambda x: joined(taken_apart(x, axis, [1, n - 1])[::-1], axis))
    np.testing.assert_array_equal(found, np.roll(X, -1, axis + 1))
    found = computed(lambda x: picked(x, axis, [-1, 0, 1, 1]))
    np.testing.assert_array_equal(found, X.take([n - 1, 0, 1, 1], axis + 1))
    part = slice(1, None, 1 if axis == 0 else 2)
    np.testing.assert_array_equal(computed(lambda x: cut(x, axis, part)), X[(slice(None),) * (axis + 1) + (part,)])


@pytest.mark.parametrize("shape", [(6, 4, 5), (8, 15), (2, 2, 2, 15), (120,), (6, 20, 1)])
def test_parts_of_what_was_shuffled_are_numpys(shape):
    def model(x):
        y = arranged(x).reshaped((2, 3, 20)).transposed((1, 0, 2)).reshaped(shape)
        one, two = parts_along(y, 0, [(0, shape[0] // 2), (shape[0] // 2, shape[0])])
        return settled(joined_along([two, one], 0).reshaped((120,)))

    whole = X.reshape(2, 2, 3, 20).transpose(0, 2, 1, 3).reshape(2, *shape)
    np.testing.assert_array_equal(computed(model), np.roll(whole, shape[0] // 2, 1).reshape(2, 120))


def test_parts_along_an_axis_of_extent_1_are_whole_or_refused():
    x = arranged(fastconv.Network(fastconv.layers.ReLU(), (6, 1, 5)).output)
    assert parts_along(x, 1, [(0, 1), (0, 1)]) == [x, x]
    with pytest.raises(Refused, match=r"its parts \[\(0, 1\), \(1, 1\)\] of 1 must not be empty"):
        parts_along(x, 1, [(0, 1), (1, 1)])


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (1, 2), (0, 1, 2), (0, 2)])
def test_reductions_are_numpys(axes):
    numpys = ((mean, np.mean), (total, np.sum), (largest, np.max), (smallest, np.min))
    for ours, theirs in numpys:
        found = computed(lambda x, ours=ours: reduced(arranged(x), axes, True, ours))
        np.testing.assert_allclose(found, theirs(X, axis=tuple(a + 1 for a in axes), keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_softmax_is_numpys(axis):
    e = np.exp(X)
    found = computed(lambda x: softmax_along(arranged(x), axis, fastconv.layers.Softmax))
    np.testing.assert_allclose(found, e / e.sum(axis + 1, keepdims=True), rtol=1e-12)


def test_bounds_borders_and_broadcasting_are_numpys():
    np.testing.assert_array_equal(computed(lambda x: between(x, -0.5, 0.25)), X.clip(-0.5, 0.25))
    found = computed(lambda x: bordered(x, (1, 0), (2, 1, 0, 3), "constant", 0.5))
    np.testing.assert_allclose(found, np.pad(X, ((0, 0), (1, 0), (0, 3), (2, 1)), constant_values=0.5), atol=1e-15)
    found = computed(lambda x: sum(alike(x, x[:1])))
    np.testing.assert_allclose(found, X + X[:, :1], rtol=1e-15)


def test_numbers_for_each_channel_become_one_step():
    mean, factor = np.arange(6.0), np.arange(1.0, 7.0)
    network = fastconv.Network(lambda x: affine(affine(affine(x, 0.5, 0), 1, -mean), factor, 0), X.shape[1:], "float64")
    assert [node.kind for node in network.nodes] == ["input", "layer"]
    wanted = (0.5 * X - mean[:, None, None]) * factor[:, None, None]
    np.testing.assert_allclose(network.predict(X), wanted, rtol=1e-12, atol=1e-12)


def test_products_of_matrices_are_numpys():
    found = computed(lambda x: matrix_product(arranged(x), arranged(x).transposed((0, 2, 1))))
    np.testing.assert_allclose(found, X @ X.swapaxes(-1, -2), rtol=1e-13, atol=1e-13)
    heads = (3, 2, 4, 5)
    found = computed(
        lambda x: matrix_product(arranged(x).reshaped(heads), arranged(x).reshaped((3, 2, 5, 4))).reshaped((24, 4))
    )
    right = X.reshape(2, 3, 2, 4, 5) @ X.reshape(2, 3, 2, 5, 4)
    np.testing.assert_allclose(found, right.reshape(2, 24, 4), rtol=1e-13, atol=1e-13)
    with pytest.raises(Refused, match=r"it needs matrices with the same axes before them"):
        computed(lambda x: matrix_product(arranged(x), arranged(x)))
