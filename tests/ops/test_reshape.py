"""Reshape of any memory to any memory: NumPy's values, with one copy where that is possible."""

import inputs
import numpy as np
import pytest

from fastconv.ops.copies import Several
from fastconv.ops.reshape import common_pieces, reshape_call

SHAPES = [
    ((2, 3, 4, 5), (2, 12, 5)),
    ((2, 12, 5), (2, 3, 4, 5)),
    ((2, 3, 4, 5), (2, 60)),
    ((2, 60), (2, 5, 4, 3)),
    ((3, 18, 20), (3, 20, 18)),
    ((2, 6, 4, 6), (2, 4, 6, 6)),
    ((2, 6, 5, 7), (2, 7, 5, 6)),
    ((1, 1, 1, 4), (1, 2, 1, 2)),
    ((2, 3, 1), (2, 1, 3)),
    ((0, 3, 4), (0, 6, 2)),
]
MEMORY = {
    "plain": lambda a: a,
    "channels last": lambda a: (
        inputs.channels_last(a) if a.ndim == 4 else np.moveaxis(np.moveaxis(a, 1, -1).copy(), -1, 1)
    ),
    "fortran": np.asfortranarray,
    "gaps": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "channels of a larger array": lambda a: np.concatenate([a, a], axis=1)[:, a.shape[1] :],
    "backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("before", MEMORY)
@pytest.mark.parametrize("after", MEMORY)
@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
def test_the_values_are_those_of_numpy(x_shape, y_shape, before, after, dtype):
    values = np.random.default_rng(0).standard_normal(x_shape).astype(dtype)
    x, y = MEMORY[before](values), MEMORY[after](np.full(y_shape, np.nan, dtype))
    reshape_call(x, y)()
    np.testing.assert_array_equal(y, values.reshape(y_shape))


def test_cuts_that_both_shapes_share():
    assert common_pieces((4, 3), (2, 6)) == (2, 2, 3)
    assert common_pieces((2, 3, 8, 8), (2, 192)) == (2, 3, 8, 8)
    assert common_pieces((2, 6, 4), (2, 4, 6)) is None
    assert common_pieces((1, 4), (4, 1)) == (4,)


def test_one_copy_where_the_pieces_are_the_same_and_two_elsewhere():
    x = inputs.channels_last(np.zeros((2, 3, 4, 5), "float32"))
    assert not isinstance(reshape_call(x, np.zeros((2, 12, 5), "float32")), Several)
    through_another = reshape_call(x, np.zeros((2, 5, 4, 3), "float32"))
    assert len(through_another.scratch) == 1
