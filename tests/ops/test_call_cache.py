"""Calls seen before skip the checks: the same results, and no error lost, whatever was called before."""

import inputs
import numpy as np
import problems
import pytest
from problems import Conv, operands

import fastconv
from fastconv.kernels.runtime import calls
from fastconv.ops import check

PASSES = ("forward", "input", "weight")
CASES = (
    Conv((2, 1, 12, 13), (6, 1, 5, 5)),
    Conv((1, 20, 9, 8), (18, 20, 3, 3), 2, 1),
    Conv((2, 32, 8, 8), (32, 32, 3, 3), 1, "same"),
    Conv((2, 20, 9, 8), (20, 1, 3, 3), 1, 1, 1, 20),
)


@pytest.fixture(autouse=True)
def _nothing_remembered():
    calls.forget()


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("which", PASSES)
@pytest.mark.parametrize("problem", CASES, ids=str)
def test_the_third_call_checks_nothing_and_gives_the_same(problem, which, dtype, monkeypatch):
    plain = problem.call(fastconv, which, operands(problem, inputs.real, 1, dtype))
    for layout in (np.ascontiguousarray, inputs.channels_last, inputs.inside, inputs.readonly):
        with monkeypatch.context() as patch:
            a, b = (operands(problem, inputs.real, seed, dtype) for seed in (1, 2))
            a, b = (o.replace(x=layout(o.x), dy=layout(o.dy)) for o in (a, b))
            for _ in range(2):
                first, wanted = problem.call(fastconv, which, a), problem.call(fastconv, which, b)
            patch.setattr(check, "array", None)
            patch.setattr(check, "output", None)
            again, other = problem.call(fastconv, which, a), problem.call(fastconv, which, b)
        np.testing.assert_allclose(first, plain, rtol=0, atol=1e-5 * np.abs(plain).max())
        np.testing.assert_array_equal(again, first, strict=True)
        np.testing.assert_array_equal(other, wanted, strict=True)
        assert check.layout_of(again) == check.layout_of(first)
        assert not np.shares_memory(again, first)


@pytest.mark.parametrize("which", PASSES)
@pytest.mark.parametrize("kind", [inputs.misaligned, inputs.swapped, inputs.fortran, inputs.every_second])
def test_arrays_of_another_kind_take_the_checks(which, kind):
    problem = CASES[0]
    a = operands(problem, inputs.whole, 1)
    wanted = problem.call(fastconv, which, a)
    for changed in ("x", "dy", "weight", "bias"):
        other = a.replace(**{changed: kind(getattr(a, changed))})
        for _ in range(3):
            np.testing.assert_array_equal(problem.call(fastconv, which, other), wanted)


def test_equal_numbers_of_other_types_are_refused_again():
    problem = CASES[0]
    a = operands(problem, inputs.whole, 1)
    for _ in range(2):
        fastconv.conv2d(a.x, a.weight, a.bias, 1, 0, 1, 1)
    for wrong in (True, 1.0, "1"):
        for name in ("stride", "dilation", "groups"):
            with pytest.raises(TypeError, match=name):
                fastconv.conv2d(a.x, a.weight, a.bias, **{name: wrong})
    with pytest.raises(TypeError, match="padding"):
        fastconv.conv2d(a.x, a.weight, a.bias, padding=False)
    with pytest.raises(ValueError, match="activation"):
        fastconv.conv2d(a.x, a.weight, a.bias, activation=0)
    for _ in range(2):
        fastconv.conv2d_backward_input(a.dy, a.weight, (2, 1, 12, 13))
    with pytest.raises(TypeError, match="input_shape"):
        fastconv.conv2d_backward_input(a.dy, a.weight, (2, 1.0, 12, 13))
    for _ in range(2):
        fastconv.conv2d_backward_weight(a.dy, a.x, (6, 1, 5, 5))
    with pytest.raises(TypeError, match="weight_shape"):
        fastconv.conv2d_backward_weight(a.dy, a.x, (6, 1.0, 5, 5))


def test_bad_arguments_are_refused_each_time():
    problem = CASES[0]
    a = operands(problem, inputs.whole, 1)
    for _ in range(2):
        fastconv.conv2d(a.x, a.weight, a.bias)
    for _ in range(2):
        with pytest.raises(ValueError, match="bias"):
            fastconv.conv2d(a.x, a.weight, a.bias[:-1])
        with pytest.raises(TypeError, match="dtype"):
            fastconv.conv2d(a.x.astype("float64"), a.weight, a.bias)
        with pytest.raises(ValueError, match="channels"):
            fastconv.conv2d(a.x[:, :0], a.weight, a.bias)
        with pytest.raises(ValueError, match="dimensions"):
            fastconv.conv2d(a.x, a.weight[0], a.bias)
        with pytest.raises(ValueError, match="out must not share memory"):
            fastconv.conv2d(a.x, a.x[:1, :, :1, :1], out=a.x)
        with pytest.raises(ValueError, match="dy must have shape"):
            fastconv.conv2d_backward_input(a.dy[:, :-1], a.weight, a.x.shape)


def test_a_subclass_and_a_list_are_taken_as_arrays():
    class Masked(np.ndarray):
        pass

    problem = CASES[0]
    a = operands(problem, inputs.whole, 1)
    wanted = problem.call(fastconv, "forward", a)
    for _ in range(3):
        y = problem.call(fastconv, "forward", a.replace(x=a.x.view(Masked)))
        assert type(y) is np.ndarray
        np.testing.assert_array_equal(y, wanted)
        with pytest.raises(TypeError, match="float64"):
            problem.call(fastconv, "forward", a.replace(x=a.x.tolist()))


@pytest.mark.parametrize("which", PASSES)
def test_a_path_switched_off_is_not_taken(which):
    problem = CASES[2]
    a = operands(problem, inputs.real, 1, "float32")
    a = a.replace(x=inputs.channels_last(a.x), dy=inputs.channels_last(a.dy))
    for _ in range(2):
        fast = problem.call(fastconv, which, a)
    with problems.paths_off("winograd"):
        for _ in range(2):
            plain = problem.call(fastconv, which, a)
        np.testing.assert_array_equal(problem.call(fastconv, which, a), plain)
    assert (plain != fast).any()
    np.testing.assert_array_equal(problem.call(fastconv, which, a), fast)


def test_no_more_than_so_many_are_kept():
    x, weight = np.ones((1, 1, 3, calls.MOST + 10), "float32"), np.ones((1, 1, 1, 1), "float32")
    for size in range(calls.MOST + 9):
        assert fastconv.conv2d(x[..., : size + 1], weight).size == 3 * (size + 1)
        assert len(fastconv.conv2d.plans) <= calls.MOST


def test_a_plan_is_made_when_a_call_comes_back():
    a = operands(CASES[0], inputs.whole, 1)
    plans = fastconv.conv2d.plans
    plans.clear()
    for turn in range(3):
        fastconv.conv2d(a.x, a.weight, a.bias)
        assert [plan is not None for plan in plans.values()] == [turn > 0]
