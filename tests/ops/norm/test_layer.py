"""Layer normalisation."""

import numpy as np
import pytest
from norm_cases import assert_close, layer, layer_textbook, operands, standard, wide

from fastconv.ops import norm


@pytest.mark.parametrize("shape", [(16400, 128), (24, 90112)])
def test_layer_norm_of_large_arrays(shape):
    """Results that are stored past the caches."""
    x, w, b, dy = operands(shape, "layer", "float32")
    y, dx, dw, db = layer(x, w, b, dy)
    rows = [0, 1, shape[0] - 1]
    want = layer_textbook(*wide(x[rows], w, b, dy[rows]))
    assert_close((y[rows], dx[rows]), want[:2], "float32", factor=4)
    np.testing.assert_allclose(db, wide(dy)[0].sum(0), rtol=0, atol=1e-3)
    np.testing.assert_allclose(dw, (wide(dy)[0] * standard(wide(x)[0], (1,), 1e-5)[0]).sum(0), rtol=0, atol=2e-3)


@pytest.mark.parametrize("rows", [(), (7,), (3, 4)])
@pytest.mark.parametrize("last", [(5,), (19,), (2, 3), (2500,), (20011,), (4, 4096)])
def test_layer_norm_over_the_last_axes(rows, last):
    rng = np.random.default_rng(2)
    x, dy, w, b = (rng.standard_normal(shape) for shape in ((*rows, *last), (*rows, *last), last, last))
    y, mean, invstd = norm.layer_norm(x, last if len(last) > 1 else last[0], w, b, return_saved=True)
    assert mean.shape == invstd.shape == rows
    got = y, *norm.layer_norm_backward(dy, x, mean, invstd, w)
    flat = [a.reshape(-1, *last) for a in (x, dy)]
    want = layer_textbook(flat[0], w, b, flat[1])
    for g, e in zip(got, want, strict=True):
        np.testing.assert_allclose(g, e.reshape(g.shape), rtol=0, atol=1e-12)
