"""Convolution on planes with vectors along W: every form against the textbook, and the same bits whatever the call."""

from itertools import product

import inputs
import numpy as np
import pytest
import reference
from inputs import DTYPES
from problems import Conv, assert_exact, assert_rounded, operands, random_conv

from fastconv import kernels

PASSES = ("forward", "input", "weight")


def run(problem, which, a, out=None, bias=True, activation=0):
    """One pass by the kernel, into an array of NaN unless `out` is given."""
    planar = kernels.load(a.x.dtype).conv.planar
    taps = reference.Taps(problem.x_shape[2:], problem.weight_shape[2:], *problem.window[:3])
    rows, columns = taps.axes
    step = rows.stride, columns.stride, rows.dilation, columns.dilation
    window = *step, rows.before, columns.before, problem.groups
    shape = {"forward": problem.y_shape, "input": problem.x_shape, "weight": problem.weight_shape}[which]
    out = np.full(shape, np.nan, a.x.dtype) if out is None else out
    if which == "forward":
        planar.forward(a.x, a.weight, a.bias if bias else None, out, window, activation)
    elif which == "input":
        planar.backward_input(a.dy, a.weight, None, out, window)
    else:
        planar.backward_weight(a.dy, a.x, out, window)
    return out


ZHANG = Conv((3, 1, 28, 28), (6, 1, 5, 5)), Conv((3, 6, 12, 12), (12, 6, 5, 5))
SMALL_MAPS = (  # dy much smaller than dx: the input gradient goes the other way round
    *ZHANG,
    Conv((2, 3, 14, 13), (7, 3, 6, 5)),
    Conv((2, 4, 12, 16), (14, 2, 5, 7), groups=2),
    Conv((2, 2, 15, 13), (8, 2, 7, 6), padding=((1, 2), (0, 1))),
)


ONE_FILTER_EACH = (  # strips of 1 to 4 rows that overlap or not, rows of one or more vectors, several blocks of a plane
    Conv((9, 17, 9, 11), (17, 1, 3, 3), 1, 1, 1, 17),
    Conv((2, 16, 7, 7), (16, 1, 3, 3), 2, 1, 1, 16),
    Conv((1, 18, 70, 67), (18, 1, 3, 3), 1, ((1, 0), (2, 1)), 1, 18),
    Conv((2, 16, 75, 70), (16, 1, 3, 3), 2, ((0, 1), (0, 1)), 1, 16),
    Conv((2, 16, 14, 33), (16, 1, 5, 5), 1, 2, 1, 16),
    Conv((1, 16, 29, 35), (16, 1, 5, 5), 2, 2, 1, 16),
    Conv((1, 3, 12, 19), (3, 1, 4, 2), 2, 1, 1, 3),
    Conv((1, 3, 13, 18), (3, 1, 1, 7), 2, ((0, 0), (3, 3)), 1, 3),
    Conv((1, 16, 19, 18), (16, 1, 3, 3), 1, 2, 2, 16),
    Conv((1, 16, 8, 20), (16, 1, 7, 3), 1, (6, 1), (1, 3), 16),
)

SMALL_PLANES = (  # a row of y fits into a vector: rows alone, two together, the halves of a row of x, in both dtypes
    Conv((2, 17, 7, 7), (17, 1, 3, 3), 1, 1, 1, 17),
    Conv((2, 16, 14, 14), (16, 1, 3, 3), 1, 1, 1, 16),
    Conv((1, 16, 14, 14), (16, 1, 3, 3), 2, 1, 1, 16),
    Conv((1, 16, 28, 28), (16, 1, 3, 3), 2, 1, 1, 16),
    Conv((1, 16, 14, 13), (16, 1, 5, 5), 1, 2, 1, 16),
    Conv((1, 16, 7, 8), (16, 1, 5, 5), 1, 2, 1, 16),
    Conv((1, 16, 8, 15), (16, 1, 5, 5), 2, 2, 1, 16),
    Conv((2, 16, 9, 14), (16, 1, 3, 3), 1, 0, 1, 16),
    Conv((2, 16, 1, 7), (16, 1, 3, 3), 1, 1, 1, 16),
    Conv((1, 16, 12, 12), (16, 1, 3, 3), 1, 2, 2, 16),
    Conv((1, 16, 14, 14), (16, 1, 3, 3), (2, 1), ((0, 2), (2, 0)), 1, 16),
    Conv((1, 18, 11, 13), (18, 1, 5, 5), (1, 3), ((3, 1), (2, 4)), 1, 18),
)

WOVEN = tuple(  # stride 2, 3 x 3: paddings of both kinds, rows of one strip and of several, blocks of a plane
    Conv((2, 3, H, W), (3, 1, 3, 3), 2, padding, 1, 3)
    for (H, W), padding in zip(
        ((7, 7), (9, 12), (14, 17), (28, 28), (5, 33), (6, 70), (1, 40), (200, 190)),
        (1, 0, ((0, 1), (1, 0)), 1, 2, ((1, 0), (0, 3)), 1, 1),
        strict=True,
    )
)


def random_problems(count, seed):
    """Every geometry; wide rows, few and many filters, so that all tiles and tails occur."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        yield random_conv(rng, channels=int(rng.choice([2, 4, 9, 15])), size=(9, 22, 40)[i % 3])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", PASSES)
def test_whole_numbers_are_exact(which, dtype):
    for seed, problem in enumerate([*SMALL_MAPS, *ONE_FILTER_EACH, *SMALL_PLANES, *WOVEN, *random_problems(90, 1)]):
        a = operands(problem, inputs.whole, seed, dtype)
        assert_exact(run(problem, which, a), problem.call(reference, which, a), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", PASSES)
def test_rounding_only(which, dtype):
    for seed, problem in enumerate([*SMALL_MAPS, *ONE_FILTER_EACH, *SMALL_PLANES, *WOVEN, *random_problems(30, 2)]):
        a = operands(problem, inputs.real, seed, dtype)
        exact = problem.call(reference, which, a.float64())
        magnitude = problem.call(reference, which, a.absolute().float64())
        assert_rounded(run(problem, which, a), exact, magnitude, problem.terms(which))


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_input_gradient_of_every_stride_and_dilation(kernel):
    """Phases of dx that all taps reach, some of them, one or none."""
    for seed, (stride, dilation) in enumerate(product(range(1, 6), range(1, 5))):
        problem = Conv((2, 3, 21, 22), (4, 3, kernel, kernel), stride, 1, dilation)
        a = operands(problem, inputs.whole, seed, "float32")
        assert_exact(run(problem, "input", a), problem.call(reference, "input", a), "float32")


@pytest.mark.parametrize("images", [15, 16, 37, 70])
def test_weight_gradient_of_many_images(images):
    """Several parts, of several blocks that stay in the first cache; 24 and 20 sums in registers."""
    shapes = ((6, 12, 12), (12, 6, 5, 5)), ((1, 28, 28), (6, 1, 5, 5)), ((3, 20, 9), (8, 3, 2, 2))
    for seed, (image, weight) in enumerate(shapes):
        problem = Conv((images, *image), weight)
        a = operands(problem, inputs.whole, seed, "float32")
        assert_exact(run(problem, "weight", a), problem.call(reference, "weight", a), "float32")


LARGE = Conv((2, 3, 90, 75), (16, 3, 3, 3), 1, 1), Conv((2, 5, 97, 80), (7, 5, 3, 4), (2, 3), 2, (1, 2))


@pytest.mark.parametrize("problem", [*ZHANG, *LARGE, *ONE_FILTER_EACH[:4], Conv((70, 2, 9, 11), (4, 2, 3, 2))])
@pytest.mark.parametrize("which", PASSES)
def test_same_bits_for_any_number_of_threads(which, problem, all_threads):
    a = operands(problem, inputs.real, 5, "float32")
    results = []
    for count in (1, 2, 4, 3):
        all_threads(count)
        results.append(run(problem, which, a).tobytes())
    assert len(set(results)) == 1


@pytest.mark.parametrize("which", ["forward", "input"])
def test_same_bits_alone_and_in_a_batch(which):
    problems = [*SMALL_MAPS, *LARGE, *ONE_FILTER_EACH, *random_problems(20, 3)]
    for problem in problems:
        problem = problem._replace(x_shape=(7, *problem.x_shape[1:]))
        a = operands(problem, inputs.real, 6, "float32")
        batch = run(problem, which, a)
        one = a.replace(x=a.x[4:5], dy=a.dy[4:5])
        alone = run(problem._replace(x_shape=(1, *problem.x_shape[1:])), which, one)
        assert alone.tobytes() == batch[4:5].tobytes()


@pytest.mark.parametrize("which", PASSES)
def test_same_bits_for_any_layout_of_the_weights(which):
    for problem in [*SMALL_MAPS, *ONE_FILTER_EACH, *SMALL_PLANES, *random_problems(12, 7)]:
        a = operands(problem, inputs.real, 7, "float32")
        b = a.replace(weight=inputs.fortran(a.weight))
        assert run(problem, which, b).tobytes() == run(problem, which, a).tobytes()


@pytest.mark.parametrize("odd", [inputs.inside, inputs.every_second, inputs.channel_slice, inputs.negative])
@pytest.mark.parametrize("which", PASSES)
def test_any_strides(which, odd):
    for seed, problem in enumerate([ZHANG[1], *ONE_FILTER_EACH, *random_problems(12, 4)]):
        a = operands(problem, inputs.whole, seed, "float32")
        b = a.replace(x=odd(a.x), weight=odd(a.weight), dy=odd(a.dy))
        expected = run(problem, which, a)
        wide = np.full([n + 3 for n in expected.shape], np.nan, "float32")
        out = wide[tuple(slice(1, n + 1) for n in expected.shape)]
        assert_exact(run(problem, which, b, out), expected, "float32")
        assert np.isnan(wide).sum() == wide.size - out.size
        out = odd(np.full_like(expected, np.nan))
        assert_exact(run(problem, which, b, out), expected, "float32")


def test_relu_and_bias():
    for seed, problem in enumerate(random_problems(12, 5)):
        a = operands(problem, inputs.whole, seed, "float32")
        y = run(problem, "forward", a)
        assert_exact(run(problem, "forward", a, activation=1), np.maximum(y, 0), "float32")
        assert_exact(run(problem, "forward", a, activation=2), np.clip(y, 0, 6), "float32")
        assert_exact(run(problem, "forward", a, bias=False), y - a.bias[:, None, None], "float32")


def test_relu_keeps_nan():
    a = operands(ZHANG[0], inputs.real, 1, "float32")
    a.x[1, 0, 14, 14] = np.nan
    y = run(ZHANG[0], "forward", a, activation=1)
    assert np.isnan(y[1, :, 10:15, 10:15]).all()
    assert np.isnan(y).sum() == 6 * 25


@pytest.mark.parametrize("which", PASSES)
def test_nan_stays_in_its_windows(which):
    """A last vector that overlaps, and lanes beyond a short row, let nothing through."""
    for seed, problem in enumerate([*SMALL_MAPS, *ONE_FILTER_EACH, *SMALL_PLANES, *random_problems(30, 6)]):
        a = operands(problem, inputs.real, seed, "float64")
        rng = np.random.default_rng(seed)
        for array in (a.dy,) if which == "input" else (a.x,):
            array[tuple(rng.integers(0, n) for n in array.shape)] = np.nan
        with np.errstate(invalid="ignore"):
            expected = problem.call(reference, which, a)
        np.testing.assert_array_equal(np.isnan(run(problem, which, a)), np.isnan(expected))


def test_empty_batch():
    for problem in ZHANG:
        problem = problem._replace(x_shape=(0, *problem.x_shape[1:]))
        a = operands(problem, inputs.real, 0, "float32")
        assert run(problem, "forward", a).size == 0
        assert run(problem, "input", a).size == 0
        assert not run(problem, "weight", a).any()


@pytest.mark.parametrize("which", PASSES)
@pytest.mark.parametrize("place", [(6, 0), (0, 6), (6, 6)])
def test_nan_of_a_small_plane_reaches_the_results_that_read_it_and_no_others(which, place):
    """Also where the last of two rows together does not exist."""
    problem = Conv((1, 16, 7, 7), (16, 1, 3, 3), 1, 1, 1, 16)
    a = operands(problem, inputs.real, 3, "float32")
    source = a.dy if which == "input" else a.x
    source[0, 5, *place] = np.nan
    result = run(problem, which, a)
    near = np.zeros(result.shape, bool)
    for r, s in product(range(3), range(3)):
        row, column = place[0] + 1 - r, place[1] + 1 - s
        if 0 <= row < 7 and 0 <= column < 7:
            near[(5, 0, r, s) if which == "weight" else (0, 5, row, column)] = True
    np.testing.assert_array_equal(np.isnan(result), near)
