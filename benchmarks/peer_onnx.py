"""ONNX Runtime on a model of one node; forward. Results go into a ready array, as ours do."""

from functools import partial

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from shapes import FORWARD

OPS = {
    "conv2d": "Conv",
    "conv_transpose2d": "ConvTranspose",
    "max_pool2d": "MaxPool",
    "avg_pool2d": "AveragePool",
    "lp_pool2d": "LpPool",
    "linear": "Gemm",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "Relu",
    "softmax": "Softmax",
}
TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}


class OnnxRuntime:
    """The weight is an input of the model, as it is an argument of ours."""

    name, package, packs = "onnxruntime", "onnxruntime", False

    def prepare(self, case, threads):
        if case.direction != FORWARD or case.shape.op not in OPS:
            return None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.force_spinning_stop", "1")  # the next turn is ours
        try:
            model = self.model(case).SerializeToString()
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            if "NOT_IMPLEMENTED" in str(error):
                return None
            raise
        return self.bound(session, case)

    def model(self, case):
        kind, arrays = TYPES[str(case.dtype)], operands(case)
        y = helper.make_tensor_value_info("y", kind, case.shape.y)
        node = helper.make_node(OPS[case.shape.op], list(arrays), ["y"], **attributes(case.shape))
        fixed = {name: a for name, a in arrays.items() if self.packs and name != "x"}
        inputs = [helper.make_tensor_value_info(name, kind, a.shape) for name, a in arrays.items() if name not in fixed]
        tensors = [numpy_helper.from_array(a, name) for name, a in fixed.items()]
        graph = helper.make_graph([node], "one", inputs, [y], tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)

    def bound(self, session, case):
        binding, y = session.io_binding(), np.empty(case.shape.y, case.dtype)
        for name, a in operands(case).items():
            if name == "x" or not self.packs:
                binding.bind_cpu_input(name, a)
        binding.bind_output("y", "cpu", 0, case.dtype.type, y.shape, y.ctypes.data)
        return partial(run, session, binding, y)


class OnnxRuntimePrepacked(OnnxRuntime):
    """The weight is a constant of the model, arranged when the session is made."""

    name, packs = "onnxruntime-prepacked", True

    def prepare(self, case, threads):
        return super().prepare(case, threads) if case.shape.weight else None


def run(session, binding, y):
    session.run_with_iobinding(binding)
    return y


def operands(case):
    return {"x": case.x, "w": case.weight, "b": case.bias} if case.shape.weight else {"x": case.x}


def attributes(shape):
    options = shape.options
    if shape.family == "dense":
        return {"transB": 1}
    if shape.family == "activation":
        return {"axis": -1} if shape.op == "softmax" else {}
    k, s, p = options.get("kernel_size") or shape.weight[2], options["stride"], options["padding"]
    found = {"kernel_shape": [k, k], "strides": [s, s], "pads": [p, p, p, p]}
    if shape.family == "conv":
        found["group"] = options["groups"]
    if shape.op == "avg_pool2d":
        found["count_include_pad"] = 1
    return found
