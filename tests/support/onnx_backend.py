"""ONNX's own cases of the operations that fastconv reads; `python onnx_backend.py` counts the right and the refused.

Their first inputs are images; the others become constants of the file, as weights and sizes are.
"""

import warnings
from collections import Counter
from functools import cache

import numpy as np
from onnx import numpy_helper

from fastconv.onnx import OnnxError, load
from fastconv.onnx.reading.operators import TABLE

JOINING = {"Add", "Sub", "Mul", "Div", "Sum", "Mean", "Concat", "Max", "Min"}  # their inputs are images, all of them


@cache
def cases():
    """Operation -> the cases of it alone, of arrays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    kinds = {}
    for case in found:
        names = {each.op_type for each in case.model.graph.node}
        of_arrays = case.data_sets and all(isinstance(each, np.ndarray) for each in case.data_sets[0][0])
        if of_arrays and len(names) == 1 and "expanded" not in case.name and names <= TABLE.keys():
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


def outcome(case):
    """("right" or "refused" or "wrong", why)"""
    arrays, expected = inputs_of(case)
    dtype = "float64" if {each.dtype for each in arrays.values()} == {np.dtype("float64")} else "float32"
    try:
        network = load(case.model.SerializeToString(), dtype=dtype)
    except OnnxError as error:
        return "refused", str(error)
    x = {name: array.astype(dtype) for name, array in arrays.items()}
    found = network.predict(x if len(x) > 1 else next(iter(x.values())))
    if found.shape != expected.shape:
        return "wrong", f"the shape is {found.shape}, not {expected.shape}"
    close = np.allclose(found, expected, rtol=1e-3, atol=1e-4, equal_nan=True)
    return ("right", "") if close else ("wrong", "the numbers are others")


def report():
    """A line for each operation, and the sums."""
    lines, sums = [f"{'operation':26s}{'cases':>8s}{'right':>8s}{'refused':>9s}{'wrong':>7s}"], Counter()
    for kind in sorted(TABLE):
        found = [outcome(case)[0] for case in cases().get(kind, ())]
        sums.update(found)
        lines.append(row(kind, len(found), Counter(found)))
    return "\n".join([*lines, row("all", sum(sums.values()), sums)])


def row(name, count, found):
    """One line."""
    return f"{name:26s}{count:8d}{found['right']:8d}{found['refused']:9d}{found['wrong']:7d}"


if __name__ == "__main__":
    print(report())
