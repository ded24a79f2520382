"""Objects of fastconv where arrays are wanted: nodes, layers and networks.

They are known by the names of their classes, for functions of arrays stand below them.
"""

from typing import Any

from .written import Written

KINDS = {  # (module, class) -> what it is
    ("fastconv.graph.node", "Node"): "node",
    ("fastconv.layer", "Layer"): "layer",
    ("fastconv.network", "Network"): "network",
    ("fastconv.frozen", "FrozenNetwork"): "network",
}
LAYERS = {  # function -> the layer that does the same in a model
    "adaptive_avg_pool2d": "AdaptiveAvgPool2D(output_size)",
    "adaptive_max_pool2d": "AdaptiveMaxPool2D(output_size)",
    "avg_pool2d": "AvgPool2D(kernel_size)",
    "batch_norm": "BatchNorm()",
    "conv2d": "Conv2D(channels, kernel_size)",
    "conv_transpose2d": "ConvTranspose2D(channels, kernel_size)",
    "convolve2d": "Conv2D(channels, kernel_size, rotate=True)",
    "celu": "CELU()",
    "elu": "ELU()",
    "gelu": "GELU()",
    "global_avg_pool2d": "GlobalAvgPool2D()",
    "global_max_pool2d": "GlobalMaxPool2D()",
    "group_norm": "GroupNorm(num_groups)",
    "hardsigmoid": "HardSigmoid()",
    "hardswish": "HardSwish()",
    "hardtanh": "Hardtanh()",
    "instance_norm": "InstanceNorm()",
    "layer_norm": "LayerNorm()",
    "leaky_relu": "LeakyReLU()",
    "linear": "Linear(outputs)",
    "local_response_norm": "LocalResponseNorm(size)",
    "log_softmax": "LogSoftmax()",
    "logsigmoid": "LogSigmoid()",
    "lp_pool2d": "LpPool2D(kernel_size)",
    "max_pool2d": "MaxPool2D(kernel_size)",
    "mish": "Mish()",
    "pad": "ZeroPad2D(padding)",
    "prelu": "PReLU()",
    "relu": "ReLU()",
    "relu6": "ReLU6()",
    "selu": "SELU()",
    "sigmoid": "Sigmoid()",
    "silu": "SiLU()",
    "softmax": "Softmax()",
    "softplus": "Softplus()",
    "softsign": "Softsign()",
    "tanh": "Tanh()",
    "threshold": "Threshold(threshold, value)",
    "upsample_nearest2d": "Upsample(scale)",
}
WITH_RESULT = tuple(f"{name}_backward" for name in ("relu", "sigmoid", "tanh", "softmax", "log_softmax"))
JOINED = {"add": "a + b", "concatenate": "fastconv.concat(*arrays)"}
LOSSES = {"cross_entropy": "CrossEntropy()", "nll_loss": "losses.NLL()", "mse_loss": "MSE('mean')"}


def said(call: Written) -> str | None:
    """What to write for the first argument, or the first of a list, that is an object of fastconv."""
    for name, value in call.given.items():
        parts = [(f"{name}[{i}]", one) for i, one in enumerate(value)] if isinstance(value, list | tuple) else []
        for own, one in parts or [(name, value)]:
            kind = kind_of(one)
            if kind:
                return f"{own} must be an array, got {SAYINGS[kind](call.name, own, one)}"
    if call.name in WITH_RESULT and call.error == "x must be an array, got None":
        return f"{call.error}; write {call.name}(dy, x), or y=... for what {call.name.removesuffix('_backward')} gave"
    return None


def kind_of(value: Any) -> str | None:
    """Whether this is a node, a layer or a network."""
    for each in type(value).__mro__:
        kind = KINDS.get((each.__module__, each.__name__))
        if kind:
            return kind
    return None


def of_node(op: str, name: str, node: Any) -> str:
    """A node of a model: the layer, or what joins nodes."""
    got = f"the node {node.name} {node.shape}"
    if op in LOSSES:
        return f"{got}; training takes the loss: write fastconv.fit(network, x, labels, loss=fastconv.{LOSSES[op]})"
    layer = LAYERS.get(op)
    write = JOINED.get(op) or (f"fastconv.{layer}({name})" if layer else None)
    models = "models are made of layers, not of functions of arrays"
    return f"{got}; {models}" + (f": write {write}" if write else "")


def of_layer(op: str, name: str, layer: Any) -> str:
    """A layer, which is no function of arrays."""
    return (
        f"a layer ({type(layer).__name__}): layers make models, write "
        f"fastconv.Network({name}, input_shape).predict(images)"
    )


def of_network(op: str, name: str, network: Any) -> str:
    """A network instead of its results."""
    loss = f"; training takes the loss itself, fastconv.{LOSSES[op]}" if op in LOSSES else ""
    return f"a network ({type(network).__name__}): write {name}.predict(images) for its results{loss}"


SAYINGS = {"node": of_node, "layer": of_layer, "network": of_network}
