"""The images that a network is given: what they may be, and advice that works."""

from pathlib import Path

import numpy as np
import pytest

from fastconv.arguments.batch import batch
from fastconv.data import Dataset, Split

X = np.arange(24).reshape(2, 3, 4).astype("float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda x, other: x.astype(other), "x.astype('{}')"),
        (lambda x, other: x.astype("float16"), "x.astype('{}')"),
        (lambda x, other: x.astype(object), "x.astype('{}')"),
        (lambda x, other: x.astype("complex64"), "x.real.astype('{}')"),
        (lambda x, other: x.astype(int) - 1, "x.astype('{}') + 1"),
        (lambda x, other: list(x.astype(other)), "numpy.asarray(x).astype('{}')"),
    ],
    ids=["other", "float16", "object", "complex", "list of arrays", "negative"],
)
def test_the_advice_for_another_dtype_works(dtype, make, code):
    other = {"float32": "float64", "float64": "float32"}[dtype]
    x, code = make(X, other), code.format(dtype)
    with pytest.raises(TypeError, match=f"x must be {dtype} like the network, got ") as caught:
        batch(x, "x", (3, 4), np.dtype(dtype))
    assert str(caught.value).endswith(f"; write {code.removesuffix(' + 1')}")
    found, batched = batch(eval(code, {"x": x, "numpy": np}), "x", (3, 4), np.dtype(dtype))
    assert batched
    np.testing.assert_array_equal(found, X)


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        (None, TypeError, "x must be an array, got None"),
        ("picture.png", TypeError, r"float32 like the network, got 'picture.png'; .*read_images\(x, network"),
        (Path("a.png"), TypeError, r"got a PosixPath; to read pictures write fastconv.data.read_images\(x, network"),
        ({"x": 1}, TypeError, r"x must be an array, float32 like the network, got a dict; take one array .* x\['x'\]$"),
        (
            zip(X, X, strict=True),
            TypeError,
            "x must be an array, float32 like the network, got a zip; if it gives pairs",
        ),
        (object(), TypeError, "x must be an array, float32 like the network, got an object$"),
        (Dataset(Split(X, X), Split(X, X), Path()), TypeError, r"got a Dataset; write x\.test\.images$"),
        ([X[0], X[1, :2]], ValueError, r"images of one shape, got \(3, 4\) and, at x\[1\], \(2, 4\); .*read_images"),
        ([X[0], np.ma.masked_less(X[1], 13)], ValueError, r"x\[1\] must hold no masked values, got 1 of 12; fill"),
        (3.0, TypeError, "x must be float32 like the network, got float64"),
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
    with pytest.raises(TypeError, match="got a generator") as caught:
        batch((image for image in X), "x", (3, 4), np.dtype("float32"))
    assert str(caught.value).endswith("; write numpy.array(list(x))")
    x = (image for image in X)
    np.testing.assert_array_equal(np.array(list(x)), X)


COLOUR = np.arange(2 * 4 * 5 * 6).reshape(2, 4, 5, 6).astype("float32")
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
        (IMAGES.transpose(2, 3, 1, 0), IMAGES, "x.transpose(3, 2, 0, 1)"),
        (IMAGES[None], IMAGES, "x[0]"),
        (COLOUR[:, :1], COLOUR[:, :1].repeat(3, 1), "x.repeat(3, 1)"),
        (COLOUR[:, :3], COLOUR[:, :3].mean(1, keepdims=True), "x.mean(1, keepdims=True)"),
        (COLOUR.transpose(0, 2, 3, 1), COLOUR[:, :3], "x[..., :3].transpose(0, 3, 1, 2)"),
    ],
    ids=[
        *("channels last", "one image", "list", "no channel axis", "one without", "rows", "images for vectors"),
        *("images last", "five axes", "grey", "colour", "transparency"),
    ],
)
def test_the_advice_for_another_shape_works(x, right, code):
    shape = right.shape if right.ndim == 3 else right.shape[1:]
    with pytest.raises(ValueError, match="x must have shape") as caught:
        batch(x, "x", shape, np.dtype("float32"))
    assert str(caught.value).endswith(f"write {code}")
    found, _ = batch(eval(code, {"x": x, "numpy": np}), "x", shape, np.dtype("float32"))
    np.testing.assert_array_equal(found, right.reshape(found.shape))


PIXELS = np.array([[[0, 200, 255]], [[7, 8, 100]]])


@pytest.mark.parametrize(
    ("x", "code"),
    [
        (PIXELS.astype("uint8"), "x.astype('float32') / 255"),
        (PIXELS, "x.astype('float32') / 255"),
        (PIXELS.astype("float64"), "x.astype('float32') / 255"),
        (PIXELS.tolist(), "numpy.asarray(x).astype('float32') / 255"),
        (PIXELS.astype(object), "x.astype('float32') / 255"),
        ((PIXELS * 257).astype("uint16"), "x.astype('float32') / 65535"),
    ],
    ids=["uint8", "int64", "float64", "list", "object", "uint16"],
)
def test_pixels_are_divided_by_white(x, code):
    with pytest.raises(TypeError, match="x must be float32 like the network, got ") as caught:
        batch(x, "x", (1, 3), np.dtype("float32"))
    assert str(caught.value).endswith(f"; write {code}")
    found, _ = batch(eval(code, {"x": x, "numpy": np}), "x", (1, 3), np.dtype("float32"))
    np.testing.assert_allclose(found, PIXELS / 255, rtol=1e-6)


@pytest.mark.parametrize(
    "x",
    [
        np.ones((2, 1, 3), "uint8"),
        np.zeros((2, 1, 3), "int64"),
        np.ones((2, 1, 3), "int64"),
        np.ones((2, 1, 3), bool),
        -PIXELS,
        PIXELS * 1000,
        PIXELS / 255,
        np.full((2, 1, 3), np.nan),
        np.zeros((0, 1, 3)),
    ],
    ids=["mask", "zeros", "ones", "bool", "negative", "large", "shares", "nan", "empty"],
)
def test_what_is_no_pixels_is_only_converted(x):
    with pytest.raises(TypeError, match=r"; write x\.astype\('float32'\)$"):
        batch(x, "x", (1, 3), np.dtype("float32"))


def test_black_bytes_are_pixels_too():
    with pytest.raises(TypeError, match=r"; write x\.astype\('float32'\) / 255$"):
        batch(np.zeros((2, 1, 3), "uint8"), "x", (1, 3), np.dtype("float32"))


@pytest.mark.parametrize("x", [(1, 3), (2, 1, 3), (1, 28, 28), (4,)])
def test_a_shape_is_no_image(x):
    with pytest.raises(
        TypeError, match=r"^x must be an array of images, \(N, 1, 3\), got the tuple \(.*\); if"
    ) as caught:
        batch(x, "x", (1, 3), np.dtype("float32"))
    made = eval(str(caught.value).rpartition("write ")[2], {"numpy": np, "x": x})
    assert made.shape == x
    with pytest.raises(TypeError, match="got int64; write"):
        batch((4, 5, 6), "x", (3,), np.dtype("float32"))  # the numbers of a vector


class Table:
    """What a data frame shows of itself."""

    def __init__(self, values):
        self.held = values

    def __array__(self, dtype=None, copy=None):
        return self.held


def test_whatever_makes_itself_an_array_is_one():
    for x in (Table(X), Table(X.astype("float64"))):
        if x.held.dtype == "float32":
            np.testing.assert_array_equal(batch(x, "x", (3, 4), np.dtype("float32"))[0], X)
        else:
            with pytest.raises(TypeError, match=r"got float64; write numpy\.asarray\(x\)\.astype\('float32'\)$"):
                batch(x, "x", (3, 4), np.dtype("float32"))


@pytest.mark.parametrize(
    ("members", "code"),
    [({"to_numpy": lambda self: X}, "x.to_numpy()"), ({"values": X}, "x.values")],
)
def test_a_table_that_only_has_a_method_is_told_to_use_it(members, code):
    x = type("Frame", (), members)()
    with pytest.raises(TypeError, match="got a Frame; write ") as caught:
        batch(x, "x", (3, 4), np.dtype("float32"))
    assert str(caught.value).endswith(f"; write {code}")
    np.testing.assert_array_equal(eval(code, {"x": x}), X)


def test_a_matrix_is_a_flat_image():
    with pytest.warns(PendingDeprecationWarning):
        x = np.asmatrix(X[0])
    found, _ = batch(x, "x", (4,), np.dtype("float32"))
    assert type(found) is np.ndarray


@pytest.mark.parametrize("shape", [(5, 4, 3), (4, 3)])
def test_signals_with_their_channels_last_are_told_the_order(shape):
    x = np.zeros(shape, "float32")
    with pytest.raises(ValueError, match=r"the first axis is that of the channels: write ") as caught:
        batch(x, "x", (3, 4), np.dtype("float32"))
    found, _ = batch(eval(str(caught.value).rpartition("write ")[2], {"x": x}), "x", (3, 4), np.dtype("float32"))
    assert found.shape[1:] == (3, 4)


def test_one_flat_image_is_told_its_shape():
    with pytest.raises(ValueError, match=r"got \(12,\); write x\.reshape\(3, 4\)$"):
        batch(X[0].reshape(-1), "x", (3, 4), np.dtype("float32"))
