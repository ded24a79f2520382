"""A network as a model of ONNX: its nodes in their order, each by its translation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import helper

from .. import records
from ..errors import OnnxError
from .folding import arrays_of, folded
from .free import free_shapes
from .joints import JOINTS
from .part import Growing, Part
from .preprocessing import prepare
from .table import Translation, translation

__all__ = ["model_of"]

MOST_SHOWN = 10  # layers in an error


def model_of(
    network: Any,
    graph: Growing,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    steps: Sequence[dict[str, Any]] | None,
    freeze: bool,
    given: Mapping[type, Translation],
) -> Any:
    """The ModelProto, without the arrays, which `graph.initializers` has. `inputs` and `outputs`: the nodes by their
    names in the file; `steps`: of the preprocessing; `given`: translations by class of layer.
    """
    ready = translations(network.nodes, given)
    shapes = {node.index: node.shape for node in network.nodes}
    shapes = free_shapes(network, graph, ready) if graph.free else shapes
    changed = folded(network, network.nodes, list(outputs.values())) if freeze else {}
    values = {node.index: name for name, node in inputs.items()}
    dtype = None if steps is None else np.uint8
    read = [graph.information(name, shapes[node.index], dtype) for name, node in inputs.items()]
    if steps is not None:
        ((name, node),) = inputs.items()
        values[node.index] = prepare(Part(graph, "preprocessing", name, (node.shape, node.shape), {}), steps)
    for node in network.nodes:
        if node.kind != "input":
            sources = [values[x.index] for x in node.inputs]
            values[node.index] = written(network, graph, node, sources, ready, changed)
            graph.shapes[values[node.index]] = shapes[node.index]
    for name, node in outputs.items():
        end(graph, name, values[node.index], [*inputs, *outputs], values)
    given_back = [graph.information(name, shapes[node.index]) for name, node in outputs.items()]
    return assembled(network, graph, read, given_back)


def translations(nodes: Sequence[Any], given: Mapping[type, Translation]) -> dict[type, Translation]:
    """By class of layer; OnnxError that names all layers that have none."""
    ready, unknown = {}, []
    for node in nodes:
        if node.layer is None:
            continue
        kind = type(node.layer)
        found = translation(kind, given)
        if found is None:
            unknown.append(node)
        else:
            ready[kind] = found
    if unknown:
        few = ", ".join(f"{node.name} ({type(node.layer).__name__})" for node in unknown[:MOST_SHOWN])
        more = f" and {len(unknown) - MOST_SHOWN} more" if len(unknown) > MOST_SHOWN else ""
        first = type(unknown[0].layer).__name__
        cure = f"write save(..., translations={{{first}: function}}), with a function (layer, part) -> name"
        raise OnnxError(f"these layers are not known to ONNX: {few}{more}; {cure}, see help(fastconv.onnx.save)")
    return ready


def written(
    network: Any,
    graph: Growing,
    node: Any,
    inputs: list[str],
    ready: Mapping[type, Translation],
    changed: Mapping[int, dict[str, Any]],
) -> str:
    """The name of the value that the node becomes: that of the node, where it is not taken."""
    own = changed.get(node.index)
    if own == {}:
        return inputs[0]  # a norm that the layer before it holds
    arrays = arrays_of(network, node) if own is None else own
    part = Part(graph, node.name, inputs[0], (node.inputs[0].shape, node.shape), arrays, node.owner or "")
    first = len(graph.nodes)
    if node.layer is None:
        result = JOINTS[node.kind](node, inputs, part)
    else:
        result = ready[type(node.layer)](node.layer, part)
    name = named(graph, node, result, first)
    if node.layer is not None and own is None and (part.unclear or len(graph.nodes) > first + 1):
        record(graph, name, node.layer, part)
    return name


def record(graph: Growing, name: str, layer: Any, part: Part) -> None:
    """Says at the last node which layer the nodes are, for `load`."""
    text = "" if part.rearranged else records.written(layer, part.x, part.used)
    if text and graph.nodes[-1].output[0] == name:
        graph.nodes[-1].metadata_props.add(key=records.KEY, value=text)


def named(graph: Growing, node: Any, result: Any, first: int) -> str:
    """The result of a translation whose nodes begin at the place `first`, under the name of the network's node."""
    made = {name for each in graph.nodes[first:] for name in each.output}
    if result in made:
        name = graph.fresh(node.name)
        graph.rename(result, name, first)
        return name
    if isinstance(result, str) and result in graph.names:
        return result  # nothing was done
    kind = type(node.layer).__name__
    raise OnnxError(f"the translation of {kind} must return the name of a value, such as part.add(...), got {result!r}")


def end(graph: Growing, name: str, value: str, ends: Sequence[str], values: dict[int, str]) -> None:
    """Give the value this name of an output; a value that has such a name already is handed on by Identity."""
    made = {each.output[0] for each in graph.nodes}
    if value in ends or value not in made:
        graph.nodes.append(helper.make_node("Identity", [value], [name], name))
        return
    graph.rename(value, name)
    graph.shapes.pop(name, None)  # it stands among the outputs
    values.update({index: name for index, each in values.items() if each == value})


def assembled(network: Any, graph: Growing, inputs: list[Any], outputs: list[Any]) -> Any:
    """The model with the shapes of all values of the network."""
    shapes = [graph.information(name, shape) for name, shape in graph.shapes.items()]
    name = network.model["name"] if network.model else "fastconv"
    whole = helper.make_graph(graph.nodes, name, inputs, outputs, value_info=shapes)
    opsets = [helper.make_opsetid("", graph.opset)]
    least = helper.find_min_ir_version_for(opsets)
    return helper.make_model(whole, opset_imports=opsets, ir_version=least, producer_name="fastconv")
