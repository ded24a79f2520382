"""What a layer of one's own declares: the error says what to write, and that works."""

import re
from functools import partial

import numpy as np
import pytest

import fastconv
from fastconv import Layer, Network, Parameter, Spec
from fastconv.graph import Array, State

ZEROS = fastconv.init.zeros


class Own(Layer):
    """Declares what it is given, and gives zeros."""

    kind = "own"

    def __init__(self, spec):
        super().__init__()
        self.declared = spec

    def spec(self, x_shape, dtype):
        return self.declared

    def forward(self, b):
        return [partial(np.copyto, b.y, 0)]

    def backward(self, b):
        return []


class Forgetful(Own):
    def spec(self, x_shape, dtype):
        Spec(x_shape)


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        (None, TypeError, "got NoneType; is `return` missing? Such as: return fastconv.Spec(x_shape)"),
        ((3,), TypeError, "got tuple; write return fastconv.Spec((3,))"),
        ([3, 8, 8], TypeError, "got list; write return fastconv.Spec((3, 8, 8))"),
        (Spec(3), TypeError, "got 3; write (3,)"),
        (Spec((None, 3)), TypeError, "y_shape must be without the batch axis, got (None, 3); write (3,)"),
        (Spec((5, 3, 8, 8)), ValueError, "y_shape must be without the batch axis, got (5, 3, 8, 8); write (3, 8, 8)"),
        (Spec((3,), {"w": (3,)}), TypeError, "got tuple; write fastconv.Parameter((3,), fastconv.init.zeros)"),
        (Spec((3,), {"w": [4, 3]}), TypeError, "got list; write fastconv.Parameter((4, 3), fastconv.init.zeros)"),
        (Spec((3,), ["w"]), TypeError, "write params={'name': fastconv.Parameter((3,), fastconv.init.zeros)}"),
        (Spec((3,), {"w": Parameter(3, ZEROS)}), TypeError, "got 3; write (3,)"),
        (Spec((3,), {"w": Parameter((3,), None)}), TypeError, "got None; write fastconv.init.zeros"),
        (Spec((3,), {"w": Parameter((3,))}), TypeError, "got None; write fastconv.init.zeros"),
        (Spec((3,), state={"n": State((3,))}), TypeError, "got None; write fastconv.init.zeros"),
        (Spec((3,), {"w": Parameter((3,), 0.5)}), ValueError, "write init=fastconv.init.constant(0.5)"),
        (Spec((3,), {"w": Parameter((3,), "xavier_uniform")}), ValueError, "write init='glorot_uniform'"),
        (Spec((3,), state={"n": (3,)}), TypeError, "write fastconv.graph.State((3,), lambda rng: 0)"),
        (Spec((3,), saved={"n": (3,)}), TypeError, "write fastconv.graph.Array((3,))"),
        (Spec((3,), scratch=3), TypeError, "write scratch={'name': fastconv.graph.Array((3,))}"),
    ],
)
def test_what_is_declared_wrongly(spec, error, says):
    with pytest.raises(error, match=rf"own1 \(Own\) reading input \(3,\): .*{re.escape(says)}"):
        Network(Own(spec), (3,))


def test_a_forgotten_return():
    with pytest.raises(TypeError, match="is `return` missing"):
        Network(Forgetful(None), (3,))


@pytest.mark.parametrize(
    "spec",
    [
        Spec((3,), {"w": Parameter((2, 3), ZEROS)}),
        Spec([3], {"w": Parameter([2, 3], "zeros")}),
        Spec((3,), state={"w": State((2, 3), "zeros")}),
        Spec((3,), state={"w": State((2, 3), ZEROS)}),
        Spec((3,), state={"w": State((2, 3), fastconv.init.constant(0))}),
        Spec((3,), state={"w": State((2, 3), lambda rng: 0)}, saved={"s": Array((3,))}),
    ],
)
def test_rules_by_name_and_lists_for_shapes_work(spec):
    network = Network(Own(spec), (3,))
    np.testing.assert_array_equal(network.arrays()["own1.w"], np.zeros((2, 3)))


def test_what_the_errors_say_to_write_works():
    for line in (
        "fastconv.Parameter((3,), fastconv.init.zeros)",
        "fastconv.Parameter((3,), fastconv.init.constant(0.5))",
    ):
        Network(Own(Spec((3,), {"w": eval(line)})), (3,))
    state, saved = eval("fastconv.graph.State((3,), lambda rng: 0)"), eval("fastconv.graph.Array((3,))")
    Network(Own(Spec((3,), state={"n": state}, saved={"s": saved})), (3,))
