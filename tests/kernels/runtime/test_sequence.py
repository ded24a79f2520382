"""The compiled list of calls of a plan: it writes the same arrays and raises the same errors as the calls alone."""

from functools import partial

import numpy as np
import pytest

from fastconv import kernels
from fastconv.kernels.runtime.calls import Idle, Sequence


def sigmoid(x, y):
    return partial(*kernels.load(x.dtype).activation.pointwise.KERNELS["sigmoid"], x, y)


def test_calls_run_in_their_order():
    done = []
    run = Sequence([partial(done.append, i) for i in range(5)])
    run()
    run()
    assert done == [0, 1, 2, 3, 4] * 2


def test_a_list_without_calls_does_nothing():
    assert Sequence([])() is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (3, 1, 0, 2)])
def test_kernels_write_the_arrays_they_were_prepared_with(dtype, axes):
    x = np.random.default_rng(1).standard_normal((2, 3, 4, 5)).astype(dtype).transpose(axes)[:, ::-1]
    y = np.empty(x.shape, dtype)
    run = Sequence([sigmoid(x, y)])
    for _ in range(2):
        run()
        np.testing.assert_allclose(y, 1 / (1 + np.exp(-x.astype("float64"))), rtol=1e-6)
        x *= -2


def test_a_kernel_that_writes_a_read_only_array_is_refused():
    x = np.ones((1, 1, 1, 3), "float32")
    y = np.zeros_like(x)
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        Sequence([sigmoid(x, y)])()
    assert not y.any()


def test_a_kernel_may_read_a_read_only_array():
    x, y = np.zeros((1, 1, 1, 3), "float32"), np.empty((1, 1, 1, 3), "float32")
    x.flags.writeable = False
    Sequence([sigmoid(x, y)])()
    assert (y == 0.5).all()


@pytest.mark.parametrize("wrong", [np.ones((1, 1, 1, 3)), np.ones((1, 1, 3), "float32")])
def test_arrays_that_do_not_fit_a_kernel_are_refused_as_without_the_list(wrong):
    function, code = kernels.load("float32").activation.pointwise.KERNELS["sigmoid"]
    call = partial(function, code, wrong, np.empty((1, 1, 1, 3), "float32"))
    with pytest.raises((TypeError, ValueError)) as alone:
        call()
    with pytest.raises(type(alone.value)):
        Sequence([call])()


def test_an_array_stays_alive_with_the_list():
    y = np.zeros((1, 1, 1, 3), "float32")
    run = Sequence([sigmoid(np.full((1, 1, 1, 3), np.inf, "float32"), y)])
    run()
    assert (y == 1).all()


def test_an_error_ends_the_list():
    done = []
    with pytest.raises(ZeroDivisionError):
        Sequence([partial(done.append, 1), lambda: 1 / 0, partial(done.append, 2)])()
    assert done == [1]


def test_copies_convert_and_refuse_what_numpy_does():
    out = np.zeros(3, "float32")
    Sequence([partial(np.copyto, out, np.arange(3.0))])()
    np.testing.assert_array_equal(out, [0, 1, 2])
    with pytest.raises(TypeError, match="Cannot cast"):
        Sequence([partial(np.copyto, np.zeros(3, int), out)])()
    with pytest.raises(ValueError, match="could not broadcast"):
        Sequence([partial(np.copyto, out, np.zeros(2, "float32"))])()


def test_images_are_copied_in_and_a_new_result_out():
    x, y = np.zeros((2, 3), "float32"), np.zeros((3, 2), "float32").T
    run = Sequence([partial(np.negative, x, y)], x, y)
    first, second = run.of(np.full((2, 3), 5, "float32")), run.of(np.full((2, 3), 6, "float32"))
    assert (first == -5).all()
    assert (second == -6).all()
    assert first.flags.c_contiguous
    assert first.flags.owndata


def test_images_may_be_copied_by_a_function():
    x, y = np.zeros(3), np.zeros(3)
    double = Sequence([partial(np.negative, x, y)], x, y, lambda images, own: np.multiply(images, 2, out=own))
    np.testing.assert_array_equal(double.of(np.arange(3.0)), [0, -2, -4])


def test_calls_without_arrays_take_no_images():
    with pytest.raises(TypeError, match="no x and y"):
        Sequence([]).of(np.zeros(3))


class Plan:
    def __init__(self, images):
        self.images = images


def test_a_plan_is_taken_by_one_alone_and_the_others_keep_their_order():
    plans, idle = [Plan(n) for n in (1, 2, 3, 2)], Idle(4)
    for plan in plans:
        idle.put_back(plan)
    assert idle.take(4) is None
    assert idle.plans == plans
    assert idle.take(2) is plans[3]
    assert idle.take(2) is plans[1]
    assert idle.take(2) is None
    assert idle.plans == [plans[0], plans[2]]


def test_only_the_plans_used_last_are_kept():
    plans, idle = [Plan(n) for n in range(5)], Idle(3)
    for plan in plans:
        idle.put_back(plan)
    assert idle.plans == plans[2:]
