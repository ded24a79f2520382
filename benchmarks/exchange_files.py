"""The files of `exchange.py`: torchvision's classifiers as torch.onnx exports them, and the light networks of the
package onnx. A file that lies in the folder already is taken from there.
"""

from pathlib import Path

import numpy as np

LIGHT = ("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet")
LIGHT += ("vgg19", "zfnet512")
EXPORTERS = ("torchscript", "dynamo")


def exported(name, exporter, folder):
    """The path of a torchvision classifier as a file of ONNX with a free batch size."""
    if exporter not in EXPORTERS:
        raise ValueError(f"exporter must be one of {EXPORTERS}, got {exporter!r}")
    path = Path(folder, f"{name}-{exporter}.onnx")
    if path.exists():
        return path
    import torch
    from torch_models import build

    torch.manual_seed(0)
    module, size = build(name).eval(), 299 if name == "inception_v3" else 224
    settle(module, torch.randn(8, 3, size, size))
    options = {"input_names": ["x"], "output_names": ["y"], "verbose": False}
    if exporter == "dynamo":
        options |= {"dynamo": True, "external_data": False, "dynamic_shapes": ({0: torch.export.Dim("n")},)}
    else:
        options |= {"dynamo": False, "dynamic_axes": {"x": {0: "n"}, "y": {0: "n"}}}
    with torch.no_grad():
        torch.onnx.export(module, (torch.randn(2, 3, size, size),), str(path), **options)
    return path


def settle(module, images):
    """Running statistics of some images, so that values neither grow nor vanish."""
    import torch

    with torch.no_grad():
        for layer in module.modules():
            layer.momentum = None if isinstance(layer, torch.nn.BatchNorm2d) else getattr(layer, "momentum", None)
        module.train()
        module(images)
        module.eval()


def light(name, folder):
    """The path of a light network of the package onnx, with weights and a free batch size.

    The package stores no weights: each is made by ConstantOfShape, one number everywhere, so that all classes have one
    probability, whatever is computed. Here random numbers take their place.
    """
    path = Path(folder, f"light_{name}.onnx")
    if not path.exists():
        import onnx

        source = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / path.name
        model = onnx.load(source)
        model.ir_version = 4  # the first in which weights need not be inputs
        fill(model.graph, np.random.default_rng(0))
        free_batch(model.graph)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
    return path


def fill(graph, rng):
    """Random weights in place of ConstantOfShape."""
    from onnx import numpy_helper

    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers = {node.output[0]: node for node in graph.node if node.op_type == "ConstantOfShape"}
    positive = {name for node in graph.node for name in positive_of(node)}
    for name, node in makers.items():
        array = weight(shapes[node.input[0]].tolist(), name in positive, rng)
        graph.initializer.append(numpy_helper.from_array(array, name))
        graph.node.remove(node)
    for tensor in [tensor for tensor in graph.initializer if tensor.name in {n.input[0] for n in makers.values()}]:
        graph.initializer.remove(tensor)
    held = shapes.keys() | makers.keys()
    for value in [value for value in graph.input if value.name in held]:
        graph.input.remove(value)


def positive_of(node):
    """The names of factors and variances among the inputs of a node: of a norm, and of a product after it."""
    if node.op_type == "BatchNormalization":
        return node.input[1], node.input[4]
    return node.input[:1] if node.op_type == "Unsqueeze" else ()


def weight(shape, positive, rng):
    """Normal numbers for filters and matrices, such that values neither grow nor vanish; small ones for vectors, but
    from 0.5 to 1 for factors and variances.
    """
    if positive:
        return rng.uniform(0.5, 1, shape).astype("float32")
    return (rng.standard_normal(shape) * (0.1 if len(shape) == 1 else np.prod(shape[1:]) ** -0.5)).astype("float32")


def free_batch(graph):
    """The batch, 1 in the file, free: of inputs, outputs, and of the shapes that values are brought to."""
    from onnx import numpy_helper

    arrays = {tensor.name: tensor for tensor in graph.initializer}
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    for node in graph.node:
        if node.op_type == "Reshape":
            shape = numpy_helper.to_array(arrays[node.input[1]]).copy()
            shape[0] = 0 if shape[0] == 1 else shape[0]
            arrays[node.input[1]].CopyFrom(numpy_helper.from_array(shape, node.input[1]))
    del graph.value_info[:]
