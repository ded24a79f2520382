"""Batch norm in the weights before it, as `Network.freeze` has it."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...typing import Array

__all__ = ["arrays_of", "folded"]


def arrays_of(network: Any, node: Any) -> dict[str, Array]:
    """The parameters and buffers of the node's layer, by its own names; none of a joint."""
    if node.layer is None:
        return {}
    params = {key: network.parameters[f"{node.owner}.{key}"] for key in node.spec.params}
    return params | {key: network.buffers[f"{node.owner}.{key}"] for key in node.spec.state}


def can_take(node: Any) -> bool:
    """Whether a norm after this layer can become part of its weights."""
    return "norm" in node.layer.fuses_at(node.inputs[0].shape) and hasattr(node.layer, "folded")


def folded(network: Any, nodes: list[Any], outputs: list[Any]) -> dict[int, dict[str, Array]]:
    """By the index of a node: the arrays of its layer with the norm after it; and of such a norm none, {}.

    A norm is folded where it alone reads a layer that can take it, and both are used once.
    """
    uses = Counter(source.index for node in nodes for source in node.inputs)
    uses.update(node.index for node in outputs)
    owners = Counter(node.owner for node in nodes if node.layer is not None)
    found: dict[int, dict[str, Array]] = {}
    for norm in nodes:
        if norm.layer is None or not norm.layer.folds or owners[norm.owner] > 1:
            continue
        (node,) = norm.inputs
        takes = node.layer is not None and owners[node.owner] == 1 and can_take(node)
        if takes and uses[node.index] == 1 and node.index not in found:
            live = SimpleNamespace(**arrays_of(network, norm))
            scale_and_shift = norm.layer.scale_and_shift(live, live)
            weight, bias = node.layer.folded(SimpleNamespace(**arrays_of(network, node)), scale_and_shift)
            found |= {node.index: {"weight": weight, "bias": np.broadcast_to(bias, weight.shape[:1])}, norm.index: {}}
    return found
