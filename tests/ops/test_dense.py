"""linear and its gradients, against loops; rows of any rank, any memory."""

import inputs
import numpy as np
import pytest
import reference
from problems import assert_exact, assert_rounded

import fastconv
from fastconv.ops import dense

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
SIZES = [
    (1, 1, 1),
    (2, 3, 4),
    (3, 17, 1),
    (5, 1, 33),
    (4, 16, 16),
    (7, 31, 65),
    (64, 9, 10),
    (2, 200, 9),
    (1500, 5, 3),
    (700, 20, 35),
]


def operands(N, I, O, dtype, fill=inputs.whole, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(fill(rng, shape, dtype) for shape in ((N, I), (O, I), (O,), (N, O)))


def results(x, weight, bias, dy):
    return (
        fastconv.linear(x, weight, bias),
        fastconv.linear_backward_input(dy, weight),
        fastconv.linear_backward_weight(dy, x),
        fastconv.linear_backward_bias(dy),
    )


def exact(x, weight, bias, dy):
    return reference.linear(x, weight, bias), *reference.linear_backward(dy, x, weight)


@every_dtype
@pytest.mark.parametrize("size", SIZES)
def test_whole_numbers_are_exact(size, dtype):
    a = operands(*size, dtype)
    for result, expected in zip(results(*a), exact(*a), strict=True):
        assert_exact(result, expected, dtype)


@every_dtype
@pytest.mark.parametrize("size", SIZES)
def test_real_numbers_are_rounded_only(size, dtype):
    N, I, O = size
    a = operands(*size, dtype, inputs.real)
    together = zip(results(*a), exact(*a), exact(*map(np.abs, a)), (I + 1, O, N, N), strict=True)
    for result, expected, magnitude, terms in together:
        assert_rounded(result, expected, magnitude, terms)


@every_dtype
def test_every_tail(dtype):
    for I in range(1, 20):
        for O in (1, 2, 7, 8, 9, 16, 17, 33):
            a = operands(3, I, O, dtype, seed=I)
            for result, expected in zip(results(*a), exact(*a), strict=True):
                assert_exact(result, expected, dtype)


def test_central_differences():
    x, weight, bias, dy = operands(3, 5, 4, "float64", inputs.real)
    _, dx, dw, db = results(x, weight, bias, dy)
    for gradient, f, at in (
        (dx, lambda v: fastconv.linear(v, weight, bias), x),
        (dw, lambda v: fastconv.linear(x, v, bias), weight),
        (db, lambda v: fastconv.linear(x, weight, v), bias),
    ):
        np.testing.assert_allclose(gradient, reference.central_difference(f, at, dy), rtol=1e-6, atol=1e-6)


def test_backward_gives_all_three_gradients():
    x, weight, bias, dy = operands(3, 5, 4, "float32")
    for gradient, expected in zip(
        fastconv.linear_backward(dy, x, weight), results(x, weight, bias, dy)[1:], strict=True
    ):
        np.testing.assert_array_equal(gradient, expected, strict=True)


@every_dtype
def test_a_call_like_one_before(dtype):
    """The checks of the first call are not made again: neither its numbers nor its result may come back."""
    first, second = operands(4, 9, 6, dtype, seed=1), operands(4, 9, 6, dtype, seed=2)
    before = results(*first)
    kept = [r.copy() for r in before]
    for result, expected in zip(results(*second), exact(*second), strict=True):
        assert_exact(result, expected, dtype)
    for result, copy in zip(before, kept, strict=True):
        np.testing.assert_array_equal(result, copy)
    for wrong in (second[0][:, :8], second[0].astype("int64"), second[0][None, :, :, None]):
        with pytest.raises((TypeError, ValueError)):
            fastconv.linear(wrong, second[1], second[2])


@every_dtype
@pytest.mark.parametrize("odd", inputs.ODD)
def test_operands_in_any_memory(odd, dtype):
    a = operands(4, 9, 6, dtype)
    for i in range(4):
        given = [odd(v) if i == j else v for j, v in enumerate(a)]
        plain = [np.array(v, order="C").astype(dtype) for v in given]
        before = [np.array(v) for v in given]
        for result, expected in zip(results(*given), exact(*plain), strict=True):
            assert_exact(result, expected, dtype)
        for operand, copy in zip(given, before, strict=True):
            np.testing.assert_array_equal(operand, copy)
    given = [odd(v) for v in a]
    for result, expected in zip(results(*given), exact(*[np.array(v).astype(dtype) for v in given]), strict=True):
        assert_exact(result, expected, dtype)


def with_out(which, out, x, weight, bias, dy):
    calls = (
        lambda: fastconv.linear(x, weight, bias, out=out),
        lambda: fastconv.linear_backward_input(dy, weight, out=out),
        lambda: fastconv.linear_backward_weight(dy, x, out=out),
        lambda: fastconv.linear_backward_bias(dy, out=out),
    )
    return calls[which]()


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize(
    "memory", [np.array, inputs.every_second, inputs.negative, inputs.fortran, inputs.inside, inputs.misaligned]
)
def test_out_is_filled_whatever_it_held(which, memory):
    a = operands(4, 9, 6, "float32")
    expected = exact(*a)[which]
    out = memory(np.full(expected.shape, np.nan, "float32"))
    assert with_out(which, out, *a) is out
    assert_exact(out, expected, "float32")


@pytest.mark.parametrize("which", range(4))
def test_out_that_is_refused(which):
    a = operands(5, 5, 5, "float32")
    shape = exact(*a)[which].shape
    with pytest.raises(ValueError, match="out must have shape"):
        with_out(which, np.zeros((*shape, 1), "float32"), *a)
    with pytest.raises(TypeError, match="out must"):
        with_out(which, np.zeros(shape), *a)
    operand = {0: 0, 1: 3, 2: 0, 3: 3}[which]
    with pytest.raises(ValueError, match="out must not share memory"):
        with_out(which, a[operand] if len(shape) == 2 else a[operand][0], *a)


@every_dtype
def test_empty_batch(dtype):
    a = operands(0, 5, 4, dtype)
    y, dx, dw, db = results(*a)
    assert (y.shape, dx.shape) == ((0, 4), (0, 5))
    np.testing.assert_array_equal(dw, np.zeros((4, 5), dtype), strict=True)
    np.testing.assert_array_equal(db, np.zeros(4, dtype), strict=True)
    for which, shape in ((2, (4, 5)), (3, (4,))):
        np.testing.assert_array_equal(with_out(which, np.full(shape, np.nan, dtype), *a), np.zeros(shape, dtype))


@pytest.mark.parametrize("rows", [(), (1,), (2, 3), (2, 0, 3), (1, 2, 1, 2)])
def test_rows_of_any_rank(rows):
    rng = np.random.default_rng(1)
    x, weight, dy = (inputs.whole(rng, shape) for shape in ((*rows, 5), (4, 5), (*rows, 4)))
    flat_x, flat_dy = x.reshape(-1, 5), dy.reshape(-1, 4)
    dx, dw, db = reference.linear_backward(flat_dy, flat_x, weight)
    assert_exact(fastconv.linear(x, weight), reference.linear(flat_x, weight).reshape(*rows, 4), "float32")
    assert_exact(fastconv.linear_backward_input(dy, weight), dx.reshape(x.shape), "float32")
    assert_exact(fastconv.linear_backward_weight(dy, x), dw, "float32")
    assert_exact(fastconv.linear_backward_bias(dy), db, "float32")
    for transposed in (np.asfortranarray(x), inputs.every_second(x)):
        out = inputs.every_second(np.full((*rows, 4), np.nan, "float32"))
        assert fastconv.linear(transposed, weight, out=out) is out
        np.testing.assert_array_equal(out, fastconv.linear(x, weight))


def test_a_nan_stays_in_its_row():
    x, weight, bias, _ = operands(3, 5, 4, "float32")
    x[1, 2] = np.nan
    np.testing.assert_array_equal(np.isnan(fastconv.linear(x, weight, bias)).all(1), [False, True, False])


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (((3, 5), (4, 6), (4,)), r"x and weight must agree.*\(3, 5\).*\(4, 6\)"),
        (((3, 5), (4, 5), (5,)), r"bias must have shape \(4,\)"),
        (((3, 5), (4, 5, 1), (4,)), "weight must have 2 dimensions"),
        (((3, 5), (5,), (4,)), "weight must have 2 dimensions"),
        (((), (4, 5), (4,)), "x must have"),
        (((3, 0), (4, 0), (4,)), "x must have"),
        (((3, 5), (0, 5), (0,)), "weight"),
        (((3, 5), (4, 5), (4, 1)), "bias must have 1 dimensions"),
    ],
)
def test_shapes_that_are_refused(shapes, said):
    x, weight, bias = (np.zeros(shape) for shape in shapes)
    with pytest.raises(ValueError, match=said):
        fastconv.linear(x, weight, bias)


def test_gradients_of_shapes_that_do_not_agree():
    with pytest.raises(ValueError, match="dy and weight must agree"):
        fastconv.linear_backward_input(np.zeros((3, 5)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match="dy and x must have the same rows"):
        fastconv.linear_backward_weight(np.zeros((3, 5)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"must agree|same rows"):
        fastconv.linear_backward(np.zeros((3, 4)), np.zeros((2, 5)), np.zeros((4, 5)))


@pytest.mark.parametrize("dtype", ["float16", "int64", "complex128", "object"])
def test_dtypes_that_are_refused(dtype):
    good = np.ones((2, 2))
    bad = good.astype(dtype)
    with pytest.raises(TypeError, match=r"x must be float32 or float64.*x(\.real)?\.astype"):
        fastconv.linear(bad, good)
    with pytest.raises(TypeError, match="weight must be float32 or float64"):
        fastconv.linear(good, bad)
    with pytest.raises(TypeError, match="bias must be float32 or float64"):
        fastconv.linear(good, good, bad[0])
    with pytest.raises(TypeError, match="x and weight must have the same dtype"):
        fastconv.linear(good, good.astype("float32"))


@every_dtype
@pytest.mark.parametrize("activation", [None, "relu", "relu6"])
def test_the_prepared_call_applies_the_activation(activation, dtype):
    x, weight, bias, dy = operands(4, 9, 6, dtype)
    y = np.full_like(dy, np.nan)
    dense.linear_call(x, weight, bias, y, activation)()
    exact = reference.linear(x, weight, bias)
    low, high = {None: (-np.inf, np.inf), "relu": (0, np.inf), "relu6": (0, 6)}[activation]
    assert_exact(y, np.clip(exact, low, high), dtype)


def test_the_prepared_call_knows_its_activations():
    x, weight, bias, dy = operands(4, 9, 6, "float32")
    with pytest.raises(ValueError, match="activation must be None, 'relu' or 'relu6', got 'tanh'"):
        dense.linear_call(x, weight, bias, dy, "tanh")


@every_dtype
def test_a_row_has_the_same_bits_in_any_batch(dtype):
    x, weight, bias, dy = operands(40, 130, 70, dtype, inputs.real)
    for N in (1, 2, 5, 6, 7, 24, 40):
        np.testing.assert_array_equal(fastconv.linear(x[:N], weight, bias)[0], fastconv.linear(x[0], weight, bias))
        dx = fastconv.linear_backward_input(dy[:N], weight)
        np.testing.assert_array_equal(dx[0], fastconv.linear_backward_input(dy[0], weight))
