"""The direct convolution of few channels: read in place or from a padded copy, scattered, summed from rows."""

import inputs
import numpy as np
import pytest
import reference
from inputs import DTYPES
from problems import Conv, assert_exact, assert_rounded, operands

from fastconv import kernels


def spaced(a):
    """`a` with gaps between all its values."""
    wide = np.full(tuple(2 * size for size in a.shape), np.nan, a.dtype)
    wide[::2, ::2, ::2, ::2] = a
    return wide[::2, ::2, ::2, ::2]


LAYOUTS = {"channels-last": inputs.channels_last, "planar": np.ascontiguousarray, "gaps": spaced}


def numbers(problem):
    rows, columns = reference.Taps(problem.x_shape[2:], problem.weight_shape[2:], *problem.window[:3]).axes
    return rows.stride, columns.stride, rows.dilation, columns.dilation, rows.before, columns.before, problem.groups


# one channel to seven; rows of one vector, several, of parts; paddings up to more than the kernel; few and many filters
SCATTERED = (
    Conv((2, 3, 20, 21), (16, 3, 3, 3), 1, 1),
    Conv((1, 3, 70, 150), (64, 3, 3, 3), 1, 1),
    Conv((2, 1, 9, 11), (8, 1, 5, 5), 1, 2),
    Conv((1, 2, 13, 40), (9, 2, 1, 7), 1, ((0, 0), (3, 2))),
    Conv((1, 4, 12, 10), (33, 4, 2, 3), 1, ((4, 5), (6, 7))),
    Conv((1, 5, 40, 9), (17, 5, 7, 2), 1, ((0, 3), (1, 0))),
    Conv((3, 7, 5, 6), (40, 7, 5, 6)),
    Conv((1, 3, 1, 1), (12, 3, 3, 3), 1, 1),
)


def any_layout(problem, dtype):
    """The layouts that the kernel takes: all of them where there are too few channels to fill a vector."""
    K, C, kh, kw = problem.weight_shape
    if kernels.load(dtype).conv.direct.spreads(numbers(problem), K, C, kh * kw):
        return list(LAYOUTS.values())
    return [inputs.channels_last]


def input_gradient(problem, a, dx, bias=None, activation=0):
    run = kernels.load(a.dy.dtype).conv.direct.backward_input
    run(a.dy, a.weight, bias, dx, numbers(problem), activation)
    return dx


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", SCATTERED)
def test_input_gradient_of_whole_numbers_in_any_layout(problem, dtype):
    a = operands(problem, inputs.whole, 1, dtype)
    wanted = problem.call(reference, "input", a)
    for layout in any_layout(problem, dtype):
        for result in any_layout(problem, dtype):
            dx = result(np.full(problem.x_shape, np.nan, dtype))
            assert_exact(input_gradient(problem, a.replace(dy=layout(a.dy)), dx), wanted, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", SCATTERED)
def test_input_gradient_of_real_numbers_with_bias_and_activation(problem, dtype):
    a = operands(problem, inputs.real, 2, dtype)
    bias = np.linspace(-2, 3, problem.x_shape[1], dtype=dtype)
    exact = problem.call(reference, "input", a.float64()) + bias.astype(np.float64)[:, None, None]
    magnitude = problem.call(reference, "input", a.absolute().float64()) + 3
    dx = inputs.channels_last(np.full(problem.x_shape, np.nan, dtype))
    last = a.replace(dy=inputs.channels_last(a.dy))
    assert_rounded(input_gradient(problem, last, dx, bias), exact, magnitude, problem.terms("input") + 1)
    plain = dx.copy()
    np.testing.assert_array_equal(input_gradient(problem, last, dx, bias, 1), np.maximum(plain, 0))


@pytest.mark.parametrize("problem", SCATTERED[:3])
def test_input_gradient_has_the_same_bits_alone_and_on_any_number_of_threads(problem, all_threads):
    problem = problem._replace(x_shape=(5, *problem.x_shape[1:]))
    a = operands(problem, inputs.real, 3, "float32")
    a = a.replace(dy=inputs.channels_last(a.dy))
    results = []
    for count in (1, 2, 3):
        all_threads(count)
        results.append(input_gradient(problem, a, inputs.channels_last(np.empty(problem.x_shape, "float32"))))
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()
    one = problem._replace(x_shape=(1, *problem.x_shape[1:]))
    alone = input_gradient(one, a.replace(dy=a.dy[3:4]), inputs.channels_last(np.empty(one.x_shape, "float32")))
    assert alone.tobytes() == results[0][3:4].tobytes()


# strides, so that a channels-last x is read in place where no tap lies beside a row; enough values that this pays
IN_PLACE = (
    Conv((1, 3, 150, 151), (20, 3, 7, 7), 2, 3),
    Conv((3, 3, 130, 170), (64, 3, 11, 11), 4, 2),
    Conv((1, 16, 60, 70), (9, 16, 3, 4), (1, 2), ((2, 1), (5, 0))),
    Conv((1, 2, 150, 220), (70, 2, 3, 3), 3),
    Conv((2, 5, 80, 90), (33, 5, 1, 9), (3, 2), ((0, 0), (8, 9))),
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", IN_PLACE)
def test_reading_in_place_has_the_bits_of_reading_a_padded_copy(problem, dtype):
    a = operands(problem, inputs.real, 4, dtype)
    run = kernels.load(dtype).conv.direct.forward
    residual = inputs.channels_last(inputs.real(np.random.default_rng(5), problem.y_shape, dtype))
    for added in (None, residual):
        results = []
        for x in (np.ascontiguousarray(a.x), inputs.channels_last(a.x)):
            y = inputs.channels_last(np.full(problem.y_shape, np.nan, dtype))
            run(x, a.weight, a.bias, y, numbers(problem), 1, True, None, added)
            results.append(y)
        np.testing.assert_array_equal(*results)
        exact = problem.call(reference, "forward", a.float64()) + (0 if added is None else added)
        magnitude = problem.call(reference, "forward", a.absolute().float64()) + (0 if added is None else abs(added))
        assert_rounded(results[1], np.maximum(exact, 0), magnitude, problem.terms("forward") + 2)


# blocks of several output rows, of several images, of a part of a row; rows of x that no output row shares
ROWS = (
    Conv((40, 3, 5, 6), (20, 3, 3, 3), 1, 1),
    Conv((7, 3, 12, 14), (17, 3, 5, 5), 2, 2),
    Conv((1, 2, 6, 300), (9, 2, 3, 3), 1, 1),
    Conv((2, 4, 40, 30), (33, 4, 3, 3), 1, 1, (2, 1)),
    Conv((2, 4, 30, 31), (33, 4, 2, 3), (5, 3), 1),
    Conv((3, 3, 70, 71), (65, 3, 11, 11), 4, 2),
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", ROWS)
def test_weight_gradient_of_whole_numbers_in_any_layout(problem, dtype):
    a = operands(problem, inputs.whole, 6, dtype)
    wanted = problem.call(reference, "weight", a)
    run = kernels.load(dtype).conv.direct.backward_weight
    for layout in LAYOUTS.values():
        dw = np.full(problem.weight_shape, np.nan, dtype)
        run(layout(a.dy), layout(a.x), dw, numbers(problem))
        assert_exact(dw, wanted, dtype)
