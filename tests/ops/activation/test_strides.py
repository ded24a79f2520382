"""Large arrays of any strides give the bits of the same values in C order."""

import numpy as np
import pytest

import fastconv

VIEWS = {
    "transposed": lambda a: a.transpose(0, 1, 3, 2).copy().transpose(0, 1, 3, 2),
    "every second": lambda a: np.repeat(a, 2, axis=3)[..., ::2],
    "reversed": lambda a: a[..., ::-1].copy()[..., ::-1],
    "channels-last": lambda a: a.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2),
}


@pytest.mark.parametrize("of_out", VIEWS)
@pytest.mark.parametrize("of_x", VIEWS)
def test_bits_do_not_depend_on_strides(of_x, of_out):
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=(2, 5, 90, 310)).astype("float32") for _ in range(2))
    out = VIEWS[of_out](np.zeros_like(x))
    assert fastconv.relu_backward(VIEWS[of_x](dy), x, out=out) is out
    np.testing.assert_array_equal(out, fastconv.relu_backward(dy, x))
    fastconv.sigmoid(VIEWS[of_x](x), out=out)
    np.testing.assert_array_equal(out, fastconv.sigmoid(x))
    np.testing.assert_array_equal(fastconv.add(VIEWS[of_x](x), VIEWS[of_out](dy)), x + dy)
    fastconv.relu(out, out=out)
    np.testing.assert_array_equal(out, fastconv.sigmoid(x))
