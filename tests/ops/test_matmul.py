"""The product of matrices of each image and head: sums in float64, gradients, strides, threads, batches, errors."""

import numpy as np
import pytest

import fastconv
from fastconv.ops.matmul import matmul_call

SHAPES = [  # leading axes, M, K, N
    ((), 1, 1, 1),
    ((), 7, 5, 3),
    ((2,), 13, 70, 65),
    ((2, 3), 40, 15, 40),
    ((1, 2), 100, 300, 131),
    ((3, 1), 2, 513, 64),
]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def factors(shape, dtype, turned=False):
    """a, b; `turned`: as views of arrays with the last two axes exchanged."""
    (lead, m, k, n), rng = shape, np.random.default_rng(0)
    pair = []
    for rows, columns in ((m, k), (k, n)):
        sizes = (*lead, columns, rows) if turned else (*lead, rows, columns)
        array = rng.standard_normal(sizes).astype(dtype)
        pair.append(array.swapaxes(-1, -2) if turned else array)
    return pair


def near(result, a, b):
    """Within 8 eps K sum |a| |b| of the product in float64."""
    a, b = a.astype("float64"), b.astype("float64")
    within = 8 * np.finfo(result.dtype).eps * a.shape[-1] * (abs(a) @ abs(b))
    assert (abs(result - a @ b) <= within).all()


@every_shape
@every_dtype
@pytest.mark.parametrize("turned", [False, True])
def test_values_and_gradients(shape, dtype, turned):
    a, b = factors(shape, dtype, turned)
    y = fastconv.matmul(a, b)
    near(y, a, b)
    da, db = fastconv.matmul_backward(y, a, b)
    near(da, y, b.swapaxes(-1, -2))
    near(db, a.swapaxes(-1, -2), y)


@every_shape
def test_results_go_into_any_memory(shape):
    a, b = factors(shape, "float32")
    y = fastconv.matmul(a, b)
    for out in (np.full_like(y, np.nan), np.full(y.shape[::-1], np.nan, "float32").T):
        assert fastconv.matmul(a, b, out=out) is out
        np.testing.assert_array_equal(out, y)
    wide = np.full((*y.shape[:-1], 3 * y.shape[-1]), np.nan, "float32")
    matmul_call(a, b, wide[..., y.shape[-1] : 2 * y.shape[-1]])()
    np.testing.assert_array_equal(wide[..., y.shape[-1] : 2 * y.shape[-1]], y)
    assert np.isnan(wide[..., : y.shape[-1]]).all()
    assert np.isnan(wide[..., 2 * y.shape[-1] :]).all()


@every_dtype
@pytest.mark.usefixtures("all_threads")
def test_bits_depend_neither_on_threads_nor_on_other_matrices(dtype):
    a, b = factors(((5, 2), 100, 300, 131), dtype)
    found = []
    for threads in (1, 2, 5):
        fastconv.set_num_threads(threads)
        found.append(fastconv.matmul(a, b).tobytes())
    assert len(set(found)) == 1
    whole = fastconv.matmul(a, b)
    for n in range(5):
        assert fastconv.matmul(a[n : n + 1], b[n : n + 1]).tobytes() == whole[n : n + 1].tobytes()
        assert fastconv.matmul(a[n, 1], b[n, 1]).tobytes() == whole[n, 1].tobytes()


def test_infinities_and_nan_stay_where_they_are():
    a, b = factors(((), 9, 20, 70), "float32")
    a[2, 3], b[5, 69] = np.inf, np.nan
    y = fastconv.matmul(a, b)
    assert np.isnan(y[:, 69]).all()
    assert np.isinf(y[2, :69]).all()
    assert np.isfinite(np.delete(y, 2, 0)[:, :69]).all()


def test_no_images():
    y = fastconv.matmul(np.ones((0, 2, 3)), np.ones((0, 3, 4)))
    assert y.shape == (0, 2, 4)
    da, db = fastconv.matmul_backward(y, np.ones((0, 2, 3)), np.ones((0, 3, 4)))
    assert (da.shape, db.shape) == ((0, 2, 3), (0, 3, 4))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((2, 3), (2, 3)),
        ((3,), (3,)),
        ((2, 4, 3), (3, 3, 5)),
        ((2, 4, 3), (3, 5)),
        ((1, 1, 1, 2, 2), (1, 1, 1, 2, 2)),
        ((2, 0), (0, 2)),
    ],
)
def test_shapes_that_do_not_agree(a, b):
    with pytest.raises(ValueError, match=r"a and b must be matrices \(..., M, K\) and \(..., K, N\)"):
        fastconv.matmul(np.ones(a), np.ones(b))


def test_other_wrong_arguments():
    a = np.ones((2, 3))
    with pytest.raises(TypeError, match="b must be"):
        fastconv.matmul(a, [1])
    with pytest.raises(TypeError, match="float32"):
        fastconv.matmul(a, np.ones((3, 2), "float32"))
    with pytest.raises(ValueError, match="out must"):
        fastconv.matmul(a, a.T, out=np.ones((3, 3)))
    with pytest.raises(ValueError, match="dy must have shape"):
        fastconv.matmul_backward(a, a, a.T)
