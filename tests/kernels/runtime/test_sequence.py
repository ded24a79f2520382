"""The compiled list of calls of a plan: it writes the same arrays and raises the same errors as the calls alone."""

from functools import partial

import numpy as np
import pytest

from fastconv import kernels
from fastconv.kernels.runtime.calls import Sequence


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
