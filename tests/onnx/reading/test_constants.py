"""What only constants feed is what ONNX's own reference computes."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_models import images, model_of, node, reference

import fastconv
from fastconv.onnx import load
from fastconv.onnx.reading.sizes import Budget
from fastconv.onnx.reading.values import Refused

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape).astype("float32")


def ints(*values):
    return np.array(values, np.int64)


A, B = normal(3, 4), normal(3, 4)
I, J = ints(7, -7, 5, 3), ints(2, 2, -3, 3)
CASES = {
    **{name: ([node(name, "a b")], {"a": A, "b": B}) for name in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum")},
    **{f"{name} of integers": ([node(name, "a b")], {"a": I, "b": J}) for name in ("Add", "Div", "Mod", "Mul")},
    **{
        name: ([node(name, "a")], {"a": np.abs(A)})
        for name in ("Sqrt", "Exp", "Log", "Reciprocal", "Neg", "Abs", "Sign")
    },
    **{name: ([node(name, "a")], {"a": A}) for name in ("Floor", "Ceil", "Round", "Identity", "Transpose")},
    **{name: ([node(name, "a b")], {"a": I, "b": J}) for name in ("Equal", "Greater", "Less", "GreaterOrEqual")},
    "Pow": ([node("Pow", "a b")], {"a": np.abs(A), "b": B}),
    "And": ([node("And", "a b")], {"a": A > 0, "b": B > 0}),
    "Not": ([node("Not", "a")], {"a": A > 0}),
    "Where": ([node("Where", "c a b")], {"c": A > 0, "a": A, "b": B}),
    **{name: ([node(name, "a")], {"a": A}) for name in ("Sin", "Cos", "Tanh")},
    "Xor": ([node("Xor", "a b")], {"a": A > 0, "b": B > 0}),
    **{
        f"CumSum {reverse} {exclusive}": (
            [node("CumSum", "a q", reverse=reverse, exclusive=exclusive)],
            {"a": I.reshape(2, 2), "q": ints(axis)[0]},
        )
        for reverse, exclusive, axis in ((0, 0, 0), (0, 1, 1), (1, 0, -1), (1, 1, 0))
    },
    **{f"Trilu {k}": ([node("Trilu", "a q", upper=k % 2)], {"a": A[None], "q": ints(k)[0]}) for k in (0, 1, -2, -3)},
    "Trilu alone": ([node("Trilu", "a")], {"a": A}),
    **{f"EyeLike {k}": ([node("EyeLike", "a", k=k, dtype=TensorProto.BOOL)], {"a": A}) for k in (0, 2)},
    "Cast": ([node("Cast", "a", to=TensorProto.INT64)], {"a": A * 3}),
    "ConstantOfShape": ([node("ConstantOfShape", "a", value=numpy_helper.from_array(ints(3)))], {"a": ints(2, 3)}),
    "Constant": ([node("Constant", "", value_floats=[1.0, 2.5])], {}),
    "Shape": ([node("Shape", "a", start=1)], {"a": A}),
    "Size": ([node("Size", "a")], {"a": A}),
    "Gather": ([node("Gather", "a i", axis=1)], {"a": A, "i": ints(3, 0, -1)}),
    "Concat": ([node("Concat", "a b", axis=-1)], {"a": A, "b": B}),
    "Slice": ([node("Slice", "a f t q s")], {"a": A, "f": ints(3), "t": ints(-99), "q": ints(1), "s": ints(-2)}),
    "Split": ([node("Split", "a s", "z y", axis=1)], {"a": A, "s": ints(1, 3)}),
    "Reshape": ([node("Reshape", "a s")], {"a": A, "s": ints(2, 0, -1)[[1, 0, 2]]}),
    "Squeeze": ([node("Squeeze", "a")], {"a": A[None, :, None]}),
    "Unsqueeze": ([node("Unsqueeze", "a q")], {"a": A, "q": ints(0, -1)}),
    "Flatten": ([node("Flatten", "a", axis=2)], {"a": A[None]}),
    "Expand": ([node("Expand", "a s")], {"a": A[:, :1], "s": ints(2, 3, 5)}),
    "Tile": ([node("Tile", "a s")], {"a": A, "s": ints(2, 3)}),
    "Range": ([node("Range", "a b c")], {"a": np.array(2), "b": np.array(11), "c": np.array(3)}),
    "ReduceProd": ([node("ReduceProd", "a", axes=[0])], {"a": A}),
    "ReduceSum": ([node("ReduceSum", "a q", keepdims=0)], {"a": A, "q": ints(-1)}),
    "ReduceMax": ([node("ReduceMax", "a", axes=[1], keepdims=0)], {"a": A}),
    "DequantizeLinear": (
        [node("DequantizeLinear", "a s z", axis=0)],
        {"a": np.array([[1, 2], [-3, 4]], np.int8), "s": np.array([0.5, 2], "float32"), "z": np.array([1, 0], np.int8)},
    ),
    "QuantizeLinear": (
        [node("QuantizeLinear", "a s z")],
        {"a": A * 90, "s": np.array(0.5, "float32"), "z": np.array(100, np.uint8)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_constant_is_folded_as_the_reference_computes_it(name):
    """Its values come out as the bias of a layer that multiplies with 0."""
    nodes, arrays = CASES[name]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ("N", 1))
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    held = [numpy_helper.from_array(np.asarray(array), key) for key, array in arrays.items()]
    for each in nodes:
        if list(each.input) == [""]:
            del each.input[:]
    opset = [helper.make_opsetid("", 19 if "Quantize" in name or "quantize" in name else 17)]
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [result], held), opset_imports=opset, ir_version=8)
    expected = np.asarray(ReferenceEvaluator(model).run(["y"], {"x": images(1, 1)})[0])
    whole = helper.make_graph(
        [
            *nodes,
            node("Cast", "y", "values", to=TensorProto.FLOAT),
            node("Reshape", "values flat", "bias"),
            node("Gemm", "x zero bias", "result"),
        ],
        "g",
        [x],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, None)],
        [
            *held,
            numpy_helper.from_array(ints(-1), "flat"),
            numpy_helper.from_array(np.zeros((1, expected.size), "float32"), "zero"),
        ],
    )
    network = load(helper.make_model(whole, opset_imports=opset, ir_version=8).SerializeToString())
    np.testing.assert_allclose(network.predict(images(1, 1))[0], expected.reshape(-1).astype("float32"), rtol=1e-6)


def test_all_constants_together_have_a_limit():
    budget = Budget(left=100)
    budget.take((7, 10), [])
    with pytest.raises(Refused, match="would make a constant of 40 values"):
        budget.take((40,), [])


def test_axes_that_stay_last_are_not_moved():
    arrays = {"s": np.array([-1, 2, 3, 2, 5]), "t": np.array([-1, 12, 5])}
    nodes = [node("Reshape", "x s", "a"), node("Transpose", "a", "b", perm=[0, 3, 2, 1, 4]), node("Reshape", "b t")]
    network = load(model_of(nodes, (60,), arrays).SerializeToString())
    assert sum(isinstance(each.layer, fastconv.Permute) for each in network.nodes) == 2


def test_random_reshapes_and_transpositions_are_those_of_numpy():
    """Chains that pass through shapes of more axes than a node may have."""
    rng, tried = np.random.default_rng(1), 0
    for _ in range(60):
        factors = [2, 3, 2, 2, 3][: rng.integers(3, 6)]
        x = images(2, int(np.prod(factors)))
        shape, nodes, name, arrays = x.shape, [], "x", {}
        for step in range(rng.integers(1, 4)):
            order = rng.permutation(len(factors))
            arrays[f"s{step}"] = np.array([-1, *factors], np.int64)
            nodes += [node("Reshape", f"{name} s{step}", f"r{step}")]
            nodes += [node("Transpose", f"r{step}", f"t{step}", perm=[0, *(order + 1).tolist()])]
            factors, name = [factors[i] for i in order], f"t{step}"
        arrays["end"] = np.array([-1, factors[0], int(np.prod(factors[1:]))], np.int64)
        model = model_of([*nodes, node("Reshape", f"{name} end")], shape[1:], arrays)
        assert np.array_equal(load(model.SerializeToString()).predict(x), reference(model, x))
        tried += 1
    assert tried == 60
