"""What targets mean, what is refused, and that every advice in an error works when it is followed."""

import numpy as np
import pytest

from fastconv import MSE, CrossEntropy, Network, layers
from fastconv.losses.targets import class_indices, values

CLASSES = np.array([2, 0, 1, 2, 0, 1])
NAMES = np.array(["bee", "cat", "dog"])
VECTORS = np.eye(3, dtype="float32")[CLASSES]


def follow(error, code, targets):
    """The targets after the code that the error tells."""
    assert code in str(error)
    known = {"numpy": np, "targets": targets}
    if code.startswith("names, targets = "):
        exec(code, known)
        return known["targets"]
    return eval(code, known)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", ">i4", "int64"])
def test_integers_of_every_type_are_class_indices(dtype):
    found = class_indices(CLASSES.astype(dtype), (6, 3), "targets")
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, CLASSES)


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        (VECTORS, "targets.argmax(1)"),
        (VECTORS.astype("int64"), "targets.argmax(1)"),
        (VECTORS.astype("uint8"), "targets.argmax(1)"),
        (VECTORS.astype(bool), "targets.argmax(1)"),
        (VECTORS.tolist(), "numpy.asarray(targets).argmax(1)"),
        (0.8 * VECTORS + 0.2 / 3, "targets.argmax(1)"),
        (CLASSES[:, None], "targets[:, 0]"),
        (CLASSES[:, None].tolist(), "numpy.asarray(targets)[:, 0]"),
        (CLASSES[:, None].astype("float32"), "targets[:, 0].astype('int64')"),
        (CLASSES.astype("float32"), "targets.astype('int64')"),
        (CLASSES.astype("float64"), "targets.astype('int64')"),
        (CLASSES.astype("float16"), "targets.astype('int64')"),
        (CLASSES.astype("longdouble"), "targets.astype('int64')"),
        (CLASSES.astype("float64").tolist(), "numpy.asarray(targets).astype('int64')"),
        (CLASSES.astype(object), "targets.astype('int64')"),
        (CLASSES + 1, "targets - 1"),
        ((CLASSES + 1).tolist(), "numpy.asarray(targets) - 1"),
        (10 * CLASSES, "names, targets = numpy.unique(targets, return_inverse=True)"),
        (CLASSES - 1, "names, targets = numpy.unique(targets, return_inverse=True)"),
        (NAMES[CLASSES], "names, targets = numpy.unique(targets, return_inverse=True)"),
        (NAMES.astype("S")[CLASSES], "names, targets = numpy.unique(targets, return_inverse=True)"),
        (NAMES.astype(object)[CLASSES], "names, targets = numpy.unique(targets, return_inverse=True)"),
        (NAMES.astype(np.dtypes.StringDType())[CLASSES], "names, targets = numpy.unique(targets, return_inverse=True)"),
        (NAMES[CLASSES].tolist(), "names, targets = numpy.unique(numpy.asarray(targets), return_inverse=True)"),
        (NAMES[CLASSES][:, None], "names, targets = numpy.unique(targets[:, 0], return_inverse=True)"),
    ],
    ids=str,
)
def test_the_advice_for_what_is_no_class_index_works(targets, code):
    with pytest.raises((TypeError, ValueError), match="class") as caught:
        class_indices(targets, (6, 3), "targets")
    after = follow(caught.value, code, targets)
    np.testing.assert_array_equal(class_indices(after, (6, 3), "targets"), CLASSES)


def test_bools_become_the_two_classes():
    flags = np.array([True, False, True])
    with pytest.raises(TypeError, match="class indices") as caught:
        class_indices(flags, (3, 2), "targets")
    np.testing.assert_array_equal(
        class_indices(follow(caught.value, "targets.astype('int64')", flags), (3, 2), "targets"), [1, 0, 1]
    )


def test_columns_of_maps():
    maps = np.arange(12).reshape(2, 2, 3) % 4
    with pytest.raises(ValueError, match=r"\(2, 2, 3\)") as caught:
        class_indices(maps[:, None], (2, 4, 2, 3), "targets")
    after = follow(caught.value, "targets[:, 0]", maps[:, None])
    np.testing.assert_array_equal(class_indices(after, (2, 4, 2, 3), "targets"), maps)


@pytest.mark.parametrize(
    ("targets", "error", "says"),
    [
        (None, TypeError, r"targets must be integers \(class indices\) of shape \(6,\), got None"),
        (
            [0, 1, 2, 3, 0, 0],
            ValueError,
            "got 0 to 3: the output has 3 classes; 4 classes need an output of 4",
        ),
        ([-1, 0, 1, 2, 0, 0], ValueError, "got -1 to 2: the output has 3 classes$"),
        (np.where(CLASSES == 1, -100, CLASSES), ValueError, r"3 classes; leave out samples without a class \(-100\)$"),
        (np.where(CLASSES == 1, 255, CLASSES), ValueError, r"3 classes; leave out samples without a class \(255\)$"),
        (np.array([0, 1, 2, 255, 2, 0], "uint8"), ValueError, r"3 classes; leave out samples without a class \(255\)$"),
        (np.array([0, 1, np.iinfo("int64").min, 1, 2, 0]), ValueError, "what NaN becomes as an integer"),
        (np.array([0, 1, np.nan, 1, 2, 0]), TypeError, r"such as nan; leave out .* where ~numpy.isnan\(targets\)"),
        (np.array([0, 1, np.inf, 1, 2, 0]), TypeError, "such as inf$"),
        (np.array([0, 1, 0.5, 1, 2, 0]), TypeError, "got float64 such as 0.5$"),
        (np.array([0, 1, None, 1, 2, 0]), TypeError, "got object such as None$"),
        (np.array([0, 1, "bee", 1, 2, 0], object), TypeError, "got object such as 'bee'$"),
        (np.array(list("abcdef")), TypeError, "such as 'a'; 6 different names need an output of 6, this has 3"),
        ([[0], [1, 2]], ValueError, "targets must be one array, which this list is not"),
        (CLASSES[:5], ValueError, r"must have shape \(6,\) \(one class for each output\), got \(5,\)$"),
        (np.ma.masked_equal(CLASSES, 2), ValueError, "targets must hold no masked values, got 2 of 6"),
        (CLASSES + 0j, TypeError, "got complex128"),
        (CLASSES.astype("M8[D]"), TypeError, "got datetime64"),
        (np.random.default_rng(0).normal(size=(6, 3)), TypeError, "another loss, such as loss=fastconv.MSE"),
        ({"classes": CLASSES}, TypeError, "got object"),
    ],
    ids=str,
)
def test_what_has_no_class_is_refused(targets, error, says):
    with pytest.raises(error, match=says):
        class_indices(targets, (6, 3), "targets")


def test_an_output_of_one_class():
    np.testing.assert_array_equal(class_indices([0, 0], (2, 1), "targets"), [0, 0])
    with pytest.raises(ValueError, match="the output has 1 class; 2 classes need an output of 2"):
        class_indices([0, 1], (2, 1), "targets")
    with pytest.raises(TypeError, match=r"such as 0.5; for values use another loss, such as loss=fastconv.MSE\(\)"):
        class_indices([0.5, 1], (2, 1), "targets")


def test_masked_values_that_are_given_a_value_work():
    masked = np.ma.masked_equal(CLASSES, 2)
    np.testing.assert_array_equal(
        class_indices(masked.filled(0), (6, 3), "targets"), np.where(CLASSES == 2, 0, CLASSES)
    )
    np.testing.assert_array_equal(class_indices(np.ma.array(CLASSES), (6, 3), "targets"), CLASSES)


@pytest.mark.parametrize("kind", ["bool", "uint8", "int16", "int64", "uint64", ">i4"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "y_shape"),
    [((6, 1), (6, 1)), ((6,), (6, 1)), ((3, 2), (3, 2)), ((6, 2), (6, 1, 2)), ((1, 2, 3), (1, 1, 2, 3))],
)
def test_integers_are_values_of_the_networks_dtype(kind, dtype, shape, y_shape):
    whole = np.array([0, 1, 1, 0, 5, 12] * 2).astype(kind)[: np.prod(shape)].reshape(shape)
    found = values(whole, y_shape, np.dtype(dtype), "targets")
    assert found.dtype == dtype
    assert found.shape == y_shape
    np.testing.assert_array_equal(found.ravel(), whole.ravel().astype("float64"))


@pytest.mark.parametrize(("dtype", "most"), [("float32", 2**24), ("float64", 2**53)])
@pytest.mark.parametrize("sign", [1, -1])
def test_integers_that_the_dtype_does_not_hold_are_rounded_by_the_caller_alone(dtype, most, sign):
    good, bad = np.array([[sign * most]]), np.array([[sign * (most + 1)]])
    assert int(values(good, (1, 1), np.dtype(dtype), "targets")[0, 0]) == sign * most
    with pytest.raises(ValueError, match=f"which {dtype} holds exactly") as caught:
        values(bad, (1, 1), np.dtype(dtype), "targets")
    after = follow(caught.value, f"targets.astype('{dtype}')", bad)
    assert abs(int(values(after, (1, 1), np.dtype(dtype), "targets")[0, 0])) == most


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        (VECTORS.astype("float64"), "targets.astype('float32')"),
        (VECTORS.astype("float16"), "targets.astype('float32')"),
        (VECTORS.astype("longdouble"), "targets.astype('float32')"),
        (VECTORS.tolist(), "numpy.asarray(targets).astype('float32')"),
        (VECTORS.astype(object), "targets.astype('float32')"),
        (VECTORS.astype("U4"), "targets.astype('float32')"),
        (VECTORS.astype("complex64"), "targets.real.astype('float32')"),
    ],
    ids=str,
)
def test_the_advice_for_another_dtype_works(targets, code):
    with pytest.raises(TypeError, match="float32") as caught:
        values(targets, (6, 3), np.dtype("float32"), "targets")
    after = follow(caught.value, code, targets)
    np.testing.assert_array_equal(values(after, (6, 3), np.dtype("float32"), "targets"), VECTORS)


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        (CLASSES[:, None], "targets[:, 0]"),
        (CLASSES.astype("float32"), "targets.astype('int64')"),
        (CLASSES[:, None].astype("float32"), "targets[:, 0].astype('int64')"),
        (CLASSES.astype("float16"), "targets.astype('int64')"),
        (CLASSES.astype(object), "targets.astype('int64')"),
        (NAMES[CLASSES], "names, targets = numpy.unique(targets, return_inverse=True)"),
    ],
    ids=str,
)
def test_the_advice_for_classes_in_another_form_works(targets, code):
    with pytest.raises((TypeError, ValueError), match=r"must (have shape \(6, 3\)|be numbers)") as caught:
        values(targets, (6, 3), np.dtype("float32"), "targets")
    np.testing.assert_array_equal(follow(caught.value, code, targets), CLASSES)


@pytest.mark.parametrize(
    ("targets", "error", "says"),
    [
        (None, TypeError, r"targets must be numbers of shape \(2, 1\), got None"),
        ([["a"], ["b"]], TypeError, "got <U1; 2 different names need an output of 2, this has 1"),
        (np.array([[1.0], [None]]), TypeError, "got object$"),
        (np.zeros((1, 2), "float32"), ValueError, r"got \(1, 2\)$"),
        (np.zeros((2, 2), "float32"), ValueError, r"got \(2, 2\)$"),
        (np.array([[np.iinfo("int64").min], [0]]), ValueError, "what NaN becomes as an integer"),
    ],
    ids=str,
)
def test_what_is_no_value_is_refused(targets, error, says):
    with pytest.raises(error, match=says):
        values(targets, (2, 1), np.dtype("float32"), "targets")


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float32", "object"])
@pytest.mark.parametrize("axis", [False, True])
def test_classes_of_pixels_are_no_values_and_the_advice_works(dtype, axis):
    """The squared error takes class indices of images alone."""
    classes = np.array([[[0, 1], [1, 1]], [[1, 0], [0, 0]]])
    given, code = (classes[:, None], "targets[:, 0]") if axis else (classes, "targets")
    given, code = given.astype(dtype), code if dtype in ("int64", "uint8") else f"{code}.astype('int64')"
    network = Network(layers.Conv2D(3, 1), (1, 2, 2), seed=0)
    x = np.ones((2, 1, 2, 2), "float32")
    with pytest.raises((TypeError, ValueError)) as caught:
        network.gradients(x, given, MSE())
    assert str(caught.value).endswith(
        f"; classes of pixels want loss=fastconv.CrossEntropy() and class indices, {code}"
    )
    after = follow(caught.value, code, given)
    assert network.gradients(x, after, CrossEntropy())[0] == network.gradients(x, classes, CrossEntropy())[0]


@pytest.mark.parametrize("kind", ["object", "complex64", "U4"])
def test_another_dtype_is_advised_only_where_the_shape_fits(kind):
    numbers = np.linspace(0, 1, 6).astype(kind)
    with pytest.raises(TypeError, match="targets must be numbers of dtype float32") as caught:
        values(numbers, (6, 3), np.dtype("float32"), "targets")
    assert "astype" not in str(caught.value)


def test_the_advice_numbers_the_classes_of_a_second_set_like_those_of_the_first():
    second = NAMES[[2, 0, 2]]  # no cat: numbered by themselves, dogs would be 1
    with pytest.raises(TypeError, match="number the classes") as caught:
        class_indices(second, (3, 3), "targets")
    names, _ = np.unique(NAMES[CLASSES], return_inverse=True)
    code = str(caught.value).split("for other data sets ")[1]
    np.testing.assert_array_equal(eval(code, {"numpy": np, "names": names, "targets": second}), [2, 0, 2])


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
@pytest.mark.parametrize("classes", [2, 3])
def test_masks_of_0_and_255_are_two_classes(dtype, classes):
    masks = np.where(np.arange(32).reshape(2, 4, 4) % 3, 255, 0).astype(dtype)
    with pytest.raises(ValueError, match=r"got 0 to 255: .*; of masks of 0 and 255 make cla") as error:
        class_indices(masks, (2, classes, 4, 4), "targets")
    found = class_indices(follow(error.value, "targets // 255", masks), (2, classes, 4, 4), "targets")
    np.testing.assert_array_equal(found, masks > 0)
    masks[0, 0, 1] = 1  # 255 among classes is a pixel without one
    with pytest.raises(ValueError, match=r"leave out samples without a class \(255\)$"):
        class_indices(masks, (2, classes, 4, 4), "targets")


@pytest.mark.parametrize("dtype", ["float32", "uint8", "bool"])
@pytest.mark.parametrize("check", [class_indices, lambda *args: values(args[0], args[1], "float32", args[2])])
def test_one_hot_pixels_with_classes_last(dtype, check):
    classes = np.arange(32).reshape(2, 4, 4) % 3
    with pytest.raises((TypeError, ValueError), match=r"targets\.argmax\(-1\)$") as error:
        check(np.eye(3)[classes].astype(dtype), (2, 3, 4, 4), "targets")
    found = follow(error.value, "targets.argmax(-1)", np.eye(3)[classes])
    np.testing.assert_array_equal(class_indices(found, (2, 3, 4, 4), "targets"), classes)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bool"])
@pytest.mark.parametrize(
    ("shape", "code"), [((6,), "targets.astype('int64')"), ((6, 1), "targets[:, 0].astype('int64')")]
)
def test_yes_or_no_for_one_output_wants_two(dtype, shape, code):
    answers = (CLASSES > 0).astype(dtype).reshape(shape)
    with pytest.raises(TypeError, match=r"; two classes want an output of 2 and .*; for values use loss=") as error:
        class_indices(answers, (6, 1), "targets")
    np.testing.assert_array_equal(class_indices(follow(error.value, code, answers), (6, 2), "targets"), CLASSES > 0)


def test_an_output_without_the_border_of_its_images():
    x = np.random.default_rng(0).random((4, 1, 8, 8), "float32")
    small, whole = (Network(layers.Conv2D(2, 3, padding=padding), (1, 8, 8)) for padding in ("valid", "same"))
    for targets, loss in ((np.zeros((4, 8, 8), int), CrossEntropy()), (x.repeat(2, 1), MSE("mean"))):
        with pytest.raises(ValueError, match=r"got .*; Conv2D\(\.\.\., padding='same'\) makes an output as large as"):
            small.gradients(x, targets, loss)
        whole.gradients(x, targets, loss)
        with pytest.raises(ValueError, match=r"got \(4, .*16, 16\)$"):  # some other mistake
            small.gradients(x, targets.repeat(2, -1).repeat(2, -2), loss)
