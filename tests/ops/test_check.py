"""ops/check.py: what counts as an array, a layout, an output, a number; and what the errors say."""

import re

import inputs
import numpy as np
import pytest

from fastconv.ops import check

A = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)


@pytest.mark.parametrize("odd", inputs.ODD)
def test_array_keeps_the_numbers_and_is_native_and_aligned(odd):
    given = odd(A)
    x = check.array(given, "x")
    assert x.dtype == np.float32
    assert x.dtype.isnative
    assert x.flags.aligned
    assert all(stride % x.itemsize == 0 for stride in x.strides)
    np.testing.assert_array_equal(x, given)


@pytest.mark.parametrize(
    "odd", [inputs.readonly, inputs.negative, inputs.fortran, inputs.channel_slice, inputs.constant]
)
def test_array_does_not_copy_what_kernels_can_read(odd):
    given = odd(A)
    assert np.shares_memory(check.array(given, "x"), given)


@pytest.mark.parametrize("dtype", ["float16", "int64", "uint8", "bool", "complex64", "object", "longdouble", "U3"])
def test_array_of_another_dtype_says_how_to_convert(dtype):
    with pytest.raises(
        TypeError, match=r"weight must be float32.*, got .*; write weight\.(real\.)?astype\('float32'\)$"
    ):
        check.array(np.ones((2, 2)).astype(dtype), "weight")


@pytest.mark.parametrize("value", [None, "abc", {}, object()])
def test_array_of_what_is_no_array(value):
    with pytest.raises(TypeError, match=f"^x must be an array, got ({value!r}|a dict|an object)$"):
        check.array(value, "x")


def test_array_accepts_nested_lists():
    np.testing.assert_array_equal(check.array([[1.0, 2.0]], "x"), [[1.0, 2.0]])


@pytest.mark.parametrize(("ndim", "said"), [(4, "4"), ((2, 4), "2 or 4")])
def test_array_names_rank_and_shape(ndim, said):
    with pytest.raises(ValueError, match=rf"x must have {said} dimensions, got 3: shape \(3, 4, 5\)"):
        check.array(A[0], "x", ndim)


def test_array_refuses_giants_at_once():
    with pytest.raises(ValueError, match=r"x has \d+ elements"):
        check.array(np.broadcast_to(np.float32(1), (2**14, 2**14, 2**14)), "x")


def test_images_gives_unbatched_a_batch_axis():
    assert [check.images(A, "x")[0].shape, check.images(A, "x")[1]] == [A.shape, True]
    assert [check.images(A[0], "x")[0].shape, check.images(A[0], "x")[1]] == [(1, 3, 4, 5), False]


@pytest.mark.parametrize("odd", inputs.ODD)
def test_images_has_unit_stride_along_c_or_w(odd):
    x, _ = check.images(odd(A), "x")
    assert x.itemsize in (x.strides[1], x.strides[3])
    np.testing.assert_array_equal(x, odd(A))


@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (1, 2, 3, 4, 5)])
def test_images_of_wrong_rank(shape):
    with pytest.raises(ValueError, match="x must have 3 or 4 dimensions"):
        check.images(np.zeros(shape), "x")


def channels_last(shape):
    n, c, h, w = shape
    return np.zeros((n, h, w, c)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 3, 1, 1), (1, 1, 1, 1)])
def test_layout_where_both_descriptions_fit_is_planar(shape):
    assert check.layout_of(np.zeros(shape)) == check.PLANAR
    assert check.layout_of(channels_last(shape)) == check.PLANAR


def test_layout_of_plain_and_transposed_memory():
    assert check.layout_of(A) == check.PLANAR
    assert check.layout_of(A[:, :, 1:3, 1:4]) == check.PLANAR
    assert check.layout_of(channels_last(A.shape)) == check.CHANNELS_LAST
    assert check.layout_of(channels_last(A.shape)[:, 1:]) == check.CHANNELS_LAST


@pytest.mark.parametrize("layout", [check.PLANAR, check.CHANNELS_LAST])
def test_empty_has_the_layout_asked_for(layout):
    y = check.empty((2, 3, 4, 5), "float32", layout)
    assert y.shape == (2, 3, 4, 5)
    assert y.dtype == np.float32
    assert check.layout_of(y) == layout


@pytest.mark.parametrize("shape", [(2**62, 2), (2**31, 2**31, 2**31), (2**60, 2)])
def test_sizes_that_overflow(shape):
    with pytest.raises(ValueError, match=r"too large for this machine"):
        check.size(shape, "float64")
    with pytest.raises(ValueError, match=r"too large for this machine"):
        check.empty(shape, "float64")


def test_same_dtype_names_both():
    check.same_dtype(x=A, weight=A, bias=None)
    with pytest.raises(TypeError, match="x and bias must have the same dtype, got float32 and float64"):
        check.same_dtype(x=A, weight=A, bias=np.zeros(3))


def test_shape_is_names_both_shapes_and_the_rule():
    with pytest.raises(ValueError, match=r"dy must have shape \(2, 3\) \(that of y\), got \(3, 2\)"):
        check.shape_is(np.zeros((3, 2)), "dy", (2, 3), "that of y")


@pytest.mark.parametrize("value", [True, 1.0, "1", None, np.float64(2), [1], 1j, np.bool_(True)])
def test_integer_of_another_type(value):
    with pytest.raises(TypeError, match="groups must be an integer, got"):
        check.integer(value, "groups", 1)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_integer_gives_an_int(value):
    assert check.integer(value, "groups", 1) == 3
    assert type(check.integer(value, "groups", 1)) is int


def test_integer_below_the_minimum():
    with pytest.raises(ValueError, match="groups must be >= 1, got 0"):
        check.integer(0, "groups", 1)


def test_pair():
    assert check.pair(2, "stride", 1) == (2, 2)
    assert check.pair((2, 3), "stride", 1) == (2, 3)
    assert check.pair(np.array([2, 3]), "stride", 1) == (2, 3)
    with pytest.raises(ValueError, match=r"stride must be >= 1, got \(0, 1\)"):
        check.pair((0, 1), "stride", 1)


@pytest.mark.parametrize("value", [1.5, "ab", (1,), (1, 2, 3), None, (1, 2.0), (True, 1), True, np.array(1.5)])
def test_pair_of_another_type(value):
    with pytest.raises(TypeError, match="stride must be an integer"):
        check.pair(value, "stride", 1)


@pytest.mark.parametrize("value", ["1", None, 1j, True, [1.0]])
def test_number_of_another_type(value):
    with pytest.raises(TypeError, match="slope must be a number"):
        check.number(value, "slope")


def test_choice_lists_the_options():
    with pytest.raises(ValueError, match="mode must be one of 'full', 'same', got 'ful'"):
        check.choice("ful", "mode", ("full", "same"))
    assert check.choice("same", "mode", ("full", "same")) == "same"


# out=


def taken(out, shape=(2, 3, 4, 5), layout=check.PLANAR, **inputs_):
    return check.output(out, shape, np.dtype("float32"), layout, **inputs_)


def test_output_is_the_array_itself_where_kernels_can_write_it():
    for out in (np.empty_like(A), channels_last(A.shape).astype("float32"), inputs.channel_slice(A)):
        assert np.shares_memory(taken(out), out)
        assert check.give(taken(out), out) is out


@pytest.mark.parametrize("odd", [inputs.every_second, inputs.fortran, inputs.misaligned, inputs.negative])
def test_output_of_any_strides_is_filled(odd):
    out = odd(np.zeros_like(A))
    y = taken(out)
    y[...] = A
    assert check.give(y, out) is out
    np.testing.assert_array_equal(out, A)


def test_output_without_a_batch_axis():
    out = np.empty((3, 4, 5), "float32")
    y = check.output(out, (1, 3, 4, 5), out.dtype, check.PLANAR, batched=False)
    y[...] = A[:1]
    assert check.give(y, out, batched=False) is out
    np.testing.assert_array_equal(out, A[0])
    assert check.give(A[:1], None, batched=False).shape == (3, 4, 5)


@pytest.mark.parametrize("out", [A.tolist(), A.astype("float64"), A.astype(A.dtype.newbyteorder()), 3])
def test_output_of_another_type(out):
    with pytest.raises(TypeError, match="out must"):
        taken(out)


@pytest.mark.parametrize(
    "out",
    [
        np.empty((2, 3, 5, 4), "float32"),
        np.empty((3, 4, 5), "float32"),
        inputs.readonly(A),
        np.lib.stride_tricks.as_strided(np.empty(999, "float32"), A.shape, (240, 80, 8, 4)),
        np.lib.stride_tricks.as_strided(np.empty(999, "float32"), A.shape, (0, 80, 20, 4)),
    ],
)
def test_output_that_cannot_be(out):
    with pytest.raises(ValueError, match="out must"):
        taken(out)


def test_output_may_not_overlap_an_input():
    buffer = np.zeros((2, 4, 5, 8), "float32").transpose(0, 3, 1, 2)
    with pytest.raises(ValueError, match="out must not share memory with weight"):
        taken(buffer[:, :3], weight=buffer[:, 2:5])
    with pytest.raises(ValueError, match="out must not share memory with x"):
        taken(buffer[:, :3], x=buffer[:, :3])
    assert np.shares_memory(taken(buffer[:, :3], x=buffer[:, 3:6], bias=None), buffer)


def test_output_of_an_elementwise_op_may_be_its_input_but_not_a_shifted_one():
    buffer = np.zeros(130, "float32")
    same, shifted = buffer[:120].reshape(A.shape), buffer[1:121].reshape(A.shape)
    assert taken(same, elementwise=True, x=same) is same
    for x in (shifted, same[::-1], same.swapaxes(0, 1)):
        with pytest.raises(ValueError, match="out must not share memory with x"):
            taken(same, elementwise=True, x=x)


@pytest.mark.parametrize("x", [[1, 2], (1, 2), np.array([1, 2]), ["a", "b"], 3, np.ma.array([1, 2])], ids=repr)
def test_given_takes_what_numpy_makes_an_array(x):
    found = check.given(x, "x")
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, x)


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        (None, TypeError, "x must be an array, got None"),
        ([[1], [1, 2]], ValueError, "x must be one array, which this list is not"),
        (np.ma.masked_equal([1, 2, 2], 2), ValueError, "x must hold no masked values, got 2 of 3"),
    ],
)
def test_given_refuses_what_is_no_array(x, error, says):
    with pytest.raises(error, match=says):
        check.given(x, "x")


def test_code_is_what_has_the_methods_of_arrays():
    for x in (np.ones(2), [1.0, 1.0], (1.0, 1.0), 1.0):
        np.testing.assert_array_equal(eval(f"{check.code(x, 'x')}.astype('int64')", {"x": x, "numpy": np}), x)
    assert check.code(np.ones(2), "x") == "x"


def test_flags_are_bools():
    assert [check.flag(value, "x") for value in (True, False, np.True_, np.False_)] == [True, False, True, False]
    for value in (0, 1, 10, None, "True", [], np.array(True)):
        with pytest.raises(TypeError, match="x must be True or False, got "):
            check.flag(value, "x")


# what people write where arrays are wanted


class Tensor:
    """An array of another library."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.mark.parametrize(
    "x",
    [
        [1.0, -2.0],
        (1.0, -2.0),
        [[1.0], [-2.0]],
        0.5,
        np.float32(0.5),
        np.array(0.5),
        np.float64(2),
        Tensor(A),
        memoryview(A),
    ],
    ids=lambda x: type(x).__name__,
)
def test_array_takes_what_numpy_makes_floats_of(x):
    made = check.array(x, "x")
    assert type(made) is np.ndarray
    np.testing.assert_array_equal(made, np.asarray(x))


@pytest.mark.parametrize(
    ("x", "cure"),
    [
        (3, "numpy.asarray(x).astype('float32')"),
        (True, "numpy.asarray(x).astype('float32')"),
        ([1, 2, 3], "numpy.asarray(x).astype('float32')"),
        (Tensor(np.arange(3)), "numpy.asarray(x).astype('float32')"),
        (np.arange(3), "x.astype('float32')"),
        (np.ones(3, "float16"), "x.astype('float32')"),
        (np.ones(3, "longdouble"), "x.astype('float32')"),
        (np.array([1, 2.5], object), "x.astype('float32')"),
        (np.array(["1", "2.5"]), "x.astype('float32')"),
        (np.ones(3, "complex128"), "x.real.astype('float32')"),
        ([1j], "numpy.asarray(x).real.astype('float32')"),
        (np.full((3, 4, 4), 255, "uint8"), "x.astype('float32') / 255"),
        (np.ones((3, 4), "uint8"), "x.astype('float32')"),
        ([[[1]], [[2]]], "numpy.asarray(x).astype('float32')"),
    ],
    ids=lambda x: type(x).__name__,
)
def test_the_line_that_makes_floats_works(x, cure):
    with pytest.raises(TypeError, match=f"^x must be float32 or float64, got .*; write {re.escape(cure)}$"):
        check.array(x, "x")
    made = eval(cure, {"x": x, "numpy": np})
    assert check.array(made, "x").dtype == np.float32


@pytest.mark.parametrize("x", [["a"], [None], np.array([1.0, None]), np.array(["b"]), [{}]], ids=str)
def test_where_no_line_would_make_numbers_none_is_said(x):
    with pytest.raises(TypeError, match=r"^x must be float32 or float64, got [^;]*$"):
        check.array(x, "x")


def test_masked_values_are_refused_and_filling_them_works():
    x = np.ma.masked_greater(A, 5)
    with pytest.raises(
        ValueError, match=r"^weight must hold no masked values, got 114 of 120; .*weight\.filled\(value\)"
    ):
        check.array(x, "weight")
    assert check.array(x.filled(0), "weight").max() == 5
    np.testing.assert_array_equal(check.array(np.ma.array(A), "x"), A)


def test_words_in_any_case_and_words_that_were_meant():
    assert check.word("Same", "mode", ("full", "same")) == "same"
    with pytest.raises(ValueError, match=r"^mode must be one of 'full', 'same', got 'Same'; did you mean 'same'\?$"):
        check.choice("Same", "mode", ("full", "same"))
    for value in (None, 1, True, np.zeros(20), ["same"]):
        with pytest.raises(ValueError, match=r"^mode must be one of 'full', 'same', got [^;]*$"):
            check.word(value, "mode", ("full", "same"))


def test_what_is_long_is_shown_by_its_beginning():
    assert check.shown([1] * 1000) == f"{repr([1] * 1000)[:200]}... (list)"
    assert check.shown(np.zeros(10)) == "an array of shape (10,)"
    assert check.shown("same") == "'same'"
