"""ONNX's own cases, several for each operation: fastconv gives their results, or refuses with a known reason."""

import re
import warnings
from functools import cache

import numpy as np
import pytest
from onnx import numpy_helper

from fastconv.onnx import OnnxError, load
from fastconv.onnx.reading.operators import TABLE

JOINING = {"Add", "Sub", "Mul", "Div", "Sum", "Mean", "Concat", "Max", "Min"}  # their inputs are images, all of them
REASONS = (  # what fastconv does not do
    "must be an array of floats|axes behind N|has free extents",
    "batch|images|does not depend on",
    "must be constant|must be a constant|must be a matrix|neither one number nor one per channel|one scale > 0",
    "must be 1 or the last|its dilations|its exponent|is empty or goes backwards|does not fit",
    "must be one axis of|have extent 1",
    "must be nearest or linear|resizes images or channels|no whole sizes|antialias|must be stretch|must be one of",
    "has other axes than|a part of GELU|training_mode=1|divides by what is computed|fastconv has no convolution over",
)
NONE_RIGHT = {  # their cases are of other arrays; `test_operators` has them
    *(
        "Cast",
        "CastLike",
        "DequantizeLinear",
        "Erf",
        "GlobalLpPool",
        "Mean",
        "PRelu",
        "Pad",
        "Pow",
        "Max",
        "Min",
        "Mish",
    ),
    *("QuantizeLinear", "Shape", "Sum", "Swish", "Clip"),
}


@cache
def cases():
    """Operation -> cases of it alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    kinds = {}
    for case in found:
        names = {each.op_type for each in case.model.graph.node}
        if len(names) == 1 and "expanded" not in case.name and names <= TABLE.keys():
            kinds.setdefault(*names, []).append(case)
    return kinds


def inputs_of(case):
    """(x by name, result): the first input, for those that join nodes all of them; the others become constants."""
    inputs, outputs = case.data_sets[0]
    graph = case.model.graph
    names = [value.name for value in graph.input]
    kept = names if graph.node[0].op_type in JOINING else names[:1]
    for value, array in list(zip(graph.input, inputs, strict=True)):
        if value.name not in kept and value.name not in {each.name for each in graph.initializer}:
            graph.initializer.append(numpy_helper.from_array(array, value.name))
    del graph.output[1:]
    return {name: array for name, array in zip(names, inputs, strict=True) if name in kept}, outputs[0]


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_each_case_is_right_or_refused(kind):
    right, refused = 0, {}
    for case in cases().get(kind, ()):
        if not case.data_sets or not all(isinstance(each, np.ndarray) for each in case.data_sets[0][0]):
            continue
        arrays, expected = inputs_of(case)
        dtype = "float64" if {each.dtype for each in arrays.values()} == {np.dtype("float64")} else "float32"
        try:
            network = load(case.model.SerializeToString(), dtype=dtype)
        except OnnxError as error:
            refused[case.name] = str(error)
            continue
        x = {name: array.astype(dtype) for name, array in arrays.items()}
        found = network.predict(x if len(x) > 1 else next(iter(x.values())))
        assert found.shape == expected.shape, case.name
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4, err_msg=case.name)
        right += 1
    assert {name: why for name, why in refused.items() if not re.search("|".join(REASONS), why)} == {}
    assert (right == 0) == (kind in NONE_RIGHT), refused
