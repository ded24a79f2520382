"""Whether a network ends with logits or with probabilities: what a loss of logits needs, and how each is read."""

from typing import Any

import numpy as np

from ..graph import Node
from ..ops.activation import softmax
from ..system.caller import warn
from ..typing import Array

EFFECTS = {  # kind of the last layer -> what then happens
    "softmax": "so it would be applied twice, and the network learns slowly and badly",
    "log_softmax": "so it would be applied twice, for nothing",
    "sigmoid": "so the logits could only lie between 0 and 1, and the network learns slowly and badly",
}
PASSING = ("flatten", "heads")  # kinds of layers after which values are what they were


def warn_of_probabilities(output: Node, loss: Any) -> None:
    """UserWarning if the loss takes logits and the network's last layer makes probabilities, with what to write."""
    last = last_activation(output) if getattr(loss, "takes_logits", False) else None
    if last is not None:
        kind, name = type(last.layer).__name__, type(loss).__name__
        function = getattr(loss, "makes_probabilities", "softmax")
        warn(
            f"the network ends with {kind} ({last.name}), but {name} takes logits and computes the {function} itself, "
            f"{EFFECTS[last.layer.kind]}; leave {kind} out, and write fastconv.{function}(network.predict(x)) for "
            "probabilities",
            UserWarning,
        )


def last_activation(node: Node) -> Node | None:
    """The node of the layer in EFFECTS that makes the network's values, or some of its channels; else None."""
    while node.kind == "slice" or (node.layer is not None and (node.layer.view or node.layer.kind in PASSING)):
        node = node.inputs[0]
    if node.kind == "concat":
        return next(filter(None, map(last_activation, node.inputs)), None)
    return node if node.layer is not None and node.layer.kind in EFFECTS else None


def probabilities_of(output: Node, y: Array) -> Array:
    """The probability of each class, from a network's values `y` (N, K, ...).

    The softmax of the values over their classes. Where the network ends with Sigmoid or Softmax, the values themselves;
    where it ends with LogSoftmax, exp of the values.
    """
    last = last_activation(output)
    if last is None and output.shape[0] == 1:
        raise ValueError("probabilities are of several classes, the network has one output; write predict(images)")
    if last is None:
        return softmax(y, axis=1)
    return np.exp(y) if last.layer is not None and last.layer.kind == "log_softmax" else y
