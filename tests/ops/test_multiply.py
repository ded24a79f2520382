"""The product of two arrays and its gradients, against NumPy in float64."""

import hypothesis.strategies as st
import inputs
import numpy as np
import pytest
from hypothesis import given

import fastconv
from fastconv.ops.multiply import multiply_call, sums_call

SHAPES = [(2, 5, 7, 3), (1, 64, 14, 14), (3, 130, 1, 9), (2, 16, 1, 1), (2, 1, 5, 5), (1, 3, 70, 64), (2, 7, 150, 1)]
LAYOUTS = (np.array, inputs.channels_last, inputs.channel_slice, inputs.every_second, inputs.negative)
RELATIVE = {"float32": 2e-6, "float64": 1e-14}


def repeated(shape):
    """The shapes of a factor beside one of this shape."""
    return [shape, (*shape[:2], 1, 1), (shape[0], 1, *shape[2:]), (shape[0], 1, 1, 1)]


def factors(shape, other, dtype, rng):
    return (rng.standard_normal(s).astype(dtype) for s in (shape, shape, other))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", range(4))
def test_the_product_and_its_gradients(shape, form, dtype):
    dy, a, b = factors(shape, repeated(shape)[form], dtype, np.random.default_rng(0))
    np.testing.assert_array_equal(fastconv.multiply(a, b), a * b)
    da, db = fastconv.multiply_backward(dy, a, b)
    np.testing.assert_array_equal(da, dy * b)
    axes = tuple(i for i in range(4) if b.shape[i] != shape[i])
    exact = (dy.astype("float64") * a).sum(axis=axes, keepdims=True)
    size = (abs(dy.astype("float64")) * abs(a)).sum(axis=axes, keepdims=True)
    assert (abs(db - exact) <= RELATIVE[dtype] * size).all()


@given(data=st.data())
def test_any_layouts(data):
    rng = np.random.default_rng(1)
    shape = data.draw(st.sampled_from([(2, 16, 5, 4), (1, 3, 7, 7), (2, 40, 3, 3), (1, 130, 9, 9)]))
    dy, a, b = factors(shape, data.draw(st.sampled_from(repeated(shape))), "float32", rng)
    one, other, third, target = (data.draw(st.sampled_from(LAYOUTS)) for _ in range(4))
    y, db = target(np.full_like(a, np.nan)), third(np.full_like(b, np.nan))
    multiply_call(one(a), other(b), y)()
    np.testing.assert_array_equal(y, a * b)
    sums_call(other(dy), one(a), db)()
    axes = tuple(i for i in range(4) if b.shape[i] != shape[i])
    np.testing.assert_allclose(db, (dy * a).sum(axis=axes, keepdims=True), rtol=1e-4, atol=1e-4)


def test_in_place_and_empty():
    a, b = np.full((1, 3, 2, 2), 2.0), np.full((1, 3, 1, 1), 5.0)
    assert fastconv.multiply(a, b, out=a) is a
    assert (a == 10).all()
    assert fastconv.multiply(np.zeros((0, 3, 2, 2)), np.zeros((0, 3, 1, 1))).shape == (0, 3, 2, 2)
    da, db = fastconv.multiply_backward(*[np.zeros((1, 3, 0, 2))] * 2, np.ones((1, 3, 1, 1)))
    assert da.shape == (1, 3, 0, 2)
    np.testing.assert_array_equal(db, np.zeros((1, 3, 1, 1)))


@pytest.mark.parametrize("form", range(4))
def test_the_number_of_threads_changes_no_bit(form, all_threads):
    shape, found = (3, 70, 33, 9), []
    dy, a, b = factors(shape, repeated(shape)[form], "float32", np.random.default_rng(2))
    for threads in (1, 2, 5):
        all_threads(threads)
        found.append([fastconv.multiply(a, b), *fastconv.multiply_backward(dy, a, b)])
    for result in found[1:]:
        assert [r.tobytes() for r in result] == [r.tobytes() for r in found[0]]


def test_what_does_not_fit_is_refused():
    a = np.zeros((2, 3, 4, 4))
    with pytest.raises(ValueError, match=r"b must have the shape of a, \(2, 3, 4, 4\), or .* got \(3, 1, 1\)"):
        fastconv.multiply(a, np.zeros((3, 1, 1)))
    with pytest.raises(ValueError, match=r"got \(2, 3, 1, 4\)"):
        fastconv.multiply(a, np.zeros((2, 3, 1, 4)))
    with pytest.raises(TypeError, match="dtype"):
        fastconv.multiply(a, np.zeros((2, 3, 1, 1), "float32"))
    with pytest.raises(ValueError, match=r"dy must have shape \(2, 3, 4, 4\)"):
        fastconv.multiply_backward(a[:1], a, a)
    with pytest.raises(ValueError, match="out"):
        fastconv.multiply(a, a[:, :, :1, :1], out=a)
