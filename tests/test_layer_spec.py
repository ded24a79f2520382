"""What a layer may declare, and what is refused before any memory is taken."""

from functools import partial

import numpy as np
import pytest

from fastconv import Layer, Network, Spec, losses, sequential
from fastconv.layer import Array, Parameter, State
from fastconv.layers import Linear


def ones(rng, shape, fan_in, fan_out):
    return np.ones(shape)


class Declaring(Layer):
    """Declares what it is given, and gives zeros."""

    kind = "declaring"

    def __init__(self, spec, **attributes):
        super().__init__()
        self.declared = spec
        vars(self).update(attributes)

    def spec(self, x_shape, dtype):
        return self.declared

    def forward(self, b):
        return [partial(np.copyto, b.y, 0)]

    def backward(self, b):
        return [] if b.dx is None else [partial(np.copyto, b.dx, 0)]


def network(spec, **attributes):
    return Network(sequential(Linear(3), Declaring(spec, **attributes)), (3,), seed=0)


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        (None, TypeError, "must return a fastconv.Spec, got NoneType"),
        (((3,),), TypeError, "must return a fastconv.Spec, got tuple"),
        (Spec(3), TypeError, "y_shape must have a tuple of integers for shape, got 3"),
        (Spec((3.0,)), TypeError, "each extent of y_shape must be an integer, got 3.0"),
        (Spec((0,)), ValueError, "each extent of y_shape must be >= 1, got 0"),
        (Spec((3, -1)), ValueError, "each extent of y_shape must be >= 1, got -1"),
        (Spec((2**40, 2**40)), ValueError, "too large"),
        (Spec((3,), params=None), TypeError, "params must be a dict, got None"),
        (Spec((3,), params={"a": (2,)}), TypeError, r"params\['a'\] must be a fastconv.Parameter, got tuple"),
        (Spec((3,), params={"a": Parameter((0,), ones)}), ValueError, r"params\['a'\] must be >= 1, got 0"),
        (Spec((3,), params={"a": Parameter((2**40, 2**40), ones)}), ValueError, "too large"),
        (Spec((3,), params={"a": Parameter((2,), None)}), TypeError, "init must be a function, got None"),
        (Spec((3,), params={"a.b": Parameter((2,), ones)}), ValueError, "words without dots, got 'a.b'"),
        (Spec((3,), {"a": Parameter((2,), ones)}, {"a": State((2,), ones)}), ValueError, "got 'a' in both"),
        (Spec((3,), state={"a": State((2,), ones, "object")}), TypeError, r"state\['a'\]: dtype .* got object"),
        (Spec((3,), saved={"a": Array((2,), "O")}), TypeError, r"saved\['a'\]: dtype .* got object"),
        (Spec((3,), saved={"a": Array((2,), "V8")}), TypeError, "booleans, integers or floats"),
        (Spec((3,), saved={"a": Array((-2,))}), ValueError, r"saved\['a'\] must be >= 1, got -2"),
        (Spec((3,), scratch={"a": Array((2**62,), "int64")}), ValueError, "too large"),
    ],
)
def test_what_cannot_be_is_refused_with_the_layers_name(spec, error, says):
    with pytest.raises(error, match=rf"(?s)declaring1 \(Declaring\) reading linear1 \(3,\): .*{says}"):
        network(spec)


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        (Spec((3,), {"a": Parameter((2,), lambda *_: np.ones(3))}), ValueError, r"shape \(2,\) .*initialiser.*\(3,\)"),
        (Spec((3,), {"a": Parameter((2, 4), lambda *_: np.ones(4))}), ValueError, r"\(2, 4\) .*initialiser"),
        (Spec((3,), {"a": Parameter((2,), lambda *_: 1j)}), TypeError, "numbers that fit float32"),
        (Spec((3,), {"a": Parameter((2,), lambda *_: None)}), TypeError, "numbers that fit float32"),
        (Spec((3,), {}, {"a": State((2,), lambda rng: 0.5, "int64")}), ValueError, "integers that fit int64, got 0.5"),
        (Spec((3,), {}, {"a": State((2,), lambda rng: -1, "uint64")}), ValueError, "integers that fit uint64, got -1"),
    ],
)
def test_first_values_must_fit_what_was_declared(spec, error, says):
    with pytest.raises(error, match=rf"declaring1\.a must .*{says}"):
        network(spec)


def test_one_number_is_a_first_value_for_all_elements():
    made = network(Spec((3,), {"a": Parameter((2, 4), lambda *_: 4)}, {"n": State((2,), lambda rng: (1, 2), "uint64")}))
    np.testing.assert_array_equal(made.parameters["declaring1.a"], np.full((2, 4), 4))
    np.testing.assert_array_equal(made.buffers["declaring1.n"], [1, 2])


@pytest.mark.parametrize("y_shape", [(4096,), (1,), (4, 16, 16)])
@pytest.mark.parametrize("view", [False, True])
def test_a_result_of_another_size_does_not_take_the_memory_of_x(y_shape, view):
    """A layer that says it works in place."""
    made, x = network(Spec(y_shape), in_place=True, view=view), np.ones((2, 3), "float32")
    assert made.predict(x).shape == (2, *y_shape)
    made.gradients(x, np.zeros((2, *y_shape), "float32"), losses.MSE())
    steps = made.executor.make_plan(2).steps
    assert steps[-1].y.start != steps[-1].x.start or y_shape == (1,)
    assert not np.shares_memory(*(place.array(made.executor.arena) for place in (steps[-1].x, steps[-1].y)))


def test_the_empty_default_cannot_be_filled():
    """It would be the default of every layer."""
    with pytest.raises(TypeError, match="does not support item assignment"):
        Spec((3,)).params["a"] = Parameter((2,), ones)


def test_a_dict_that_is_changed_later_does_not_reach_the_network():
    params = {"a": Parameter((2,), ones)}
    made = network(Spec((3,), params))
    params["a"] = Parameter((20000,), ones)
    with pytest.raises(RuntimeError, match=r"params\['a'\] \(20000,\), not \(2,\)"):
        made.predict(np.ones(3, "float32"))
    params["a"] = Parameter([2], ones)
    assert made.predict(np.ones(3, "float32")).shape == (3,)
