"""The images that a network is given: what they may be, and advice that works."""

import numpy as np
import pytest

from fastconv.batch import batch
from fastconv.data import Split

X = np.arange(24).reshape(2, 3, 4).astype("float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda x, other: x.astype(other), "x.astype('{}')"),
        (lambda x, other: x.astype("float16"), "x.astype('{}')"),
        (lambda x, other: x.astype("uint8"), "x.astype('{}')"),
        (lambda x, other: x.astype(object), "x.astype('{}')"),
        (lambda x, other: x.astype("complex64"), "x.real.astype('{}')"),
        (lambda x, other: x.astype("uint8").tolist(), "numpy.asarray(x).astype('{}')"),
        (lambda x, other: list(x.astype(other)), "numpy.asarray(x).astype('{}')"),
    ],
    ids=["other", "float16", "uint8", "object", "complex", "list", "list of arrays"],
)
def test_the_advice_for_another_dtype_works(dtype, make, code):
    other = {"float32": "float64", "float64": "float32"}[dtype]
    x, code = make(X, other), code.format(dtype)
    with pytest.raises(TypeError, match=f"x must be {dtype} like the network, got ") as caught:
        batch(x, "x", (3, 4), np.dtype(dtype))
    assert str(caught.value).endswith(f"; convert it with {code}")
    found, batched = batch(eval(code, {"x": x, "numpy": np}), "x", (3, 4), np.dtype(dtype))
    assert batched
    np.testing.assert_array_equal(found, X)


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        (None, TypeError, "x must be an array, got None"),
        ("picture.png", TypeError, "x must be float32 like the network, got <U11$"),
        ({"x": 1}, TypeError, "x must be float32 like the network, got object$"),
        (zip(X, X, strict=True), TypeError, "x must be float32 like the network, got object$"),
        (np.array([[1.0, None]]), TypeError, "x must be float32 like the network, got object$"),
        (X[:, :2], ValueError, r"x must have shape \(N, \*\(3, 4\)\) or \(3, 4\), got \(2, 2, 4\)$"),
        ([[1.0], [1.0, 2.0]], ValueError, "x must be one array, which this list is not"),
        (np.ma.masked_less(X, 2), ValueError, r"x must hold no masked values, got 2 of 24; .* x.filled\(value\)"),
        (Split(X, np.arange(2)), TypeError, r"got a pair of arrays of shapes \(2, 3, 4\) and \(2,\); .* are x\[0\]"),
    ],
)
def test_what_is_no_batch(x, error, says):
    with pytest.raises(error, match=says):
        batch(x, "x", (3, 4), np.dtype("float32"))


def test_what_the_advice_gives_is_a_batch():
    for x in (np.ma.masked_less(X, 2).filled(0), Split(X, np.arange(2))[0], np.ma.array(X), (X[0], X[1])):
        if not isinstance(x, tuple):
            assert batch(x, "x", (3, 4), np.dtype("float32"))[0].shape == (2, 3, 4)
    assert batch((X[0], X[1]), "x", (3, 4), np.dtype("float32"))[0].shape == (2, 3, 4)  # two images of one shape


def test_the_advice_for_a_generator_works():
    with pytest.raises(TypeError, match="got object") as caught:
        batch((image for image in X), "x", (3, 4), np.dtype("float32"))
    assert str(caught.value).endswith("; use numpy.array(list(x))")
    x = (image for image in X)
    np.testing.assert_array_equal(np.array(list(x)), X)


PICTURES = np.arange(120).reshape(2, 3, 4, 5).astype("float32")


@pytest.mark.parametrize(
    ("x", "wanted", "code"),
    [
        (PICTURES.transpose(0, 2, 3, 1), PICTURES, "x.transpose(0, 3, 1, 2)"),
        (list(PICTURES.transpose(0, 2, 3, 1)), PICTURES, "numpy.asarray(x).transpose(0, 3, 1, 2)"),
        (PICTURES[0].transpose(1, 2, 0), PICTURES[0], "x.transpose(2, 0, 1)"),
        (PICTURES[:, 0], PICTURES[:, :1], "x.reshape(-1, 1, 4, 5)"),
        (PICTURES[:, 0].reshape(2, 20), PICTURES[:, :1], "x.reshape(-1, 1, 4, 5)"),
        (PICTURES[0, 0], PICTURES[0, :1], "x[None]"),
        (PICTURES, PICTURES.reshape(2, 60), "x.reshape(-1, 60)"),
    ],
    ids=["channels last", "list", "one, channels last", "no channel", "vectors", "one without channel", "images"],
)
def test_the_advice_for_another_shape_works(x, wanted, code):
    one = wanted.ndim in (1, 3)
    input_shape = wanted.shape if one else wanted.shape[1:]
    with pytest.raises(ValueError, match="x must have shape") as caught:
        batch(x, "x", input_shape, np.dtype("float32"))
    assert str(caught.value).endswith(code)
    found, batched = batch(eval(code, {"x": x, "numpy": np}), "x", input_shape, np.dtype("float32"))
    assert batched is not one
    np.testing.assert_array_equal(found[0] if one else found, wanted)
