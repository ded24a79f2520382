"""The images that a network is given: what they may be, and advice that works."""

import numpy as np
import pytest

from fastconv.arguments.batch import batch
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
    white = ", and divide by 255 if 255 is white" if getattr(x, "dtype", None) == np.uint8 else ""
    assert str(caught.value).endswith(f"; convert it with {code}{white}")
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
        (X[:, :2], ValueError, r"x must have shape \(N, 3, 4\) or \(3, 4\), got \(2, 2, 4\)$"),
        (X[..., None], ValueError, r"x must have shape \(N, 3, 4\) or \(3, 4\), got \(2, 3, 4, 1\)$"),
        ([[1.0], [1.0, 2.0]], ValueError, "x must be one array, which this list is not"),
        (np.ma.masked_less(X, 2), ValueError, r"x must hold no masked values, got 2 of 24; .* x.filled\(value\)"),
        (Split(X, np.arange(2)), TypeError, r"got a pair of arrays of shapes \(2, 3, 4\) and \(2,\); .* pass x\[0\]"),
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


IMAGES = np.arange(48).reshape(2, 2, 3, 4).astype("float32")  # N, C, H, W


@pytest.mark.parametrize(
    ("x", "right", "code"),
    [
        (IMAGES.transpose(0, 2, 3, 1), IMAGES, "x.transpose(0, 3, 1, 2)"),
        (IMAGES[0].transpose(1, 2, 0), IMAGES[0], "x.transpose(2, 0, 1)"),
        (list(IMAGES.transpose(0, 2, 3, 1)), IMAGES, "numpy.asarray(x).transpose(0, 3, 1, 2)"),
        (IMAGES[:, 0], IMAGES[:, :1], "x[:, None]"),
        (IMAGES[0, 0], IMAGES[0, :1], "x[None]"),
        (IMAGES.reshape(2, -1), IMAGES, "x.reshape(-1, 2, 3, 4)"),
        (IMAGES, IMAGES.reshape(2, -1), "x.reshape(-1, 24)"),
    ],
    ids=["channels last", "one image", "list", "no channel axis", "one without", "rows", "images for vectors"],
)
def test_the_advice_for_another_shape_works(x, right, code):
    shape = right.shape if right.ndim == 3 else right.shape[1:]
    with pytest.raises(ValueError, match="x must have shape") as caught:
        batch(x, "x", shape, np.dtype("float32"))
    assert str(caught.value).endswith(f"use {code}")
    found, _ = batch(eval(code, {"x": x, "numpy": np}), "x", shape, np.dtype("float32"))
    np.testing.assert_array_equal(found, right.reshape(found.shape))
