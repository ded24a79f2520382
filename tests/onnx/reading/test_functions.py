"""Functions that a model defines itself: put in place, and refused where they have no end."""

import numpy as np
import pytest
from onnx import helper
from onnx_models import images, model_of, node

from fastconv.onnx import OnnxError, load


def with_functions(*functions, nodes=None):
    """A model of functions of the domain "d", each (name, nodes) from a to b, which calls "d.f0"."""
    model = model_of(nodes or [helper.make_node("f0", ["x"], ["y"], domain="d")], (4,))
    opsets = [helper.make_opsetid("", model.opset_import[0].version), helper.make_opsetid("d", 1)]
    model.opset_import.append(opsets[1])
    for name, inside in functions:
        model.functions.append(helper.make_function("d", name, ["a"], ["b"], inside, opsets))
    return model.SerializeToString()


def call(name, a="a", b="b"):
    return helper.make_node(name, [a], [b], domain="d")


def test_functions_are_put_in_place():
    data = with_functions(("f0", [call("f1", "a", "c"), node("Neg", "c", "b")]), ("f1", [node("Relu", "a", "b")]))
    x = images(2, 4)
    np.testing.assert_array_equal(load(data).predict(x), -np.maximum(x, 0))


def test_a_function_that_calls_itself():
    with pytest.raises(OnnxError, match="the function 'f0' of the model calls itself"):
        load(with_functions(("f0", [call("f0")])))
    with pytest.raises(OnnxError, match="calls itself"):
        load(with_functions(("f0", [call("f1")]), ("f1", [call("f0")])))


def test_a_function_that_calls_itself_inside_a_branch():
    inside = helper.make_graph([call("f0")], "g", [], [])
    branch = helper.make_node("If", ["a"], ["b"], then_branch=inside, else_branch=inside)
    with pytest.raises(OnnxError, match="calls itself"):
        load(with_functions(("f0", [branch])))


def test_functions_that_double_again_and_again():
    functions = [(f"f{i}", [call(f"f{i + 1}", "a", "c"), call(f"f{i + 1}", "c", "b")]) for i in range(60)]
    with pytest.raises(OnnxError, match="more than 1,000,000 operations"):
        load(with_functions(*functions, ("f60", [node("Relu", "a", "b")])))
