"""Small files of ONNX, and what ONNX's own reference of its operators, in NumPy, makes of them."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def model_of(nodes, shape, arrays=None, opset=17, outputs=("y",), batch="N", dtype=TensorProto.FLOAT):
    """A ModelProto with the input "x" (batch, *shape); `arrays`: name -> array, the initializers."""
    x = helper.make_tensor_value_info("x", dtype, (batch, *shape))
    results = [helper.make_tensor_value_info(name, dtype, None) for name in outputs]
    held = [numpy_helper.from_array(np.asarray(array), name) for name, array in (arrays or {}).items()]
    graph = helper.make_graph(nodes, "graph", [x], results, held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(kind, inputs, outputs="y", **attributes):
    """A NodeProto; inputs and outputs as words in one string."""
    return helper.make_node(kind, inputs.split(" "), outputs.split(" "), name=f"{kind}_{outputs}", **attributes)


def reference(model, x):
    """The first output for the images x."""
    return ReferenceEvaluator(model).run(None, {"x": x})[0]


def images(*shape, seed=0):
    """Normal numbers, float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")
