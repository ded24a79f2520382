"""Layers and networks as problems: float64 copies, so that nothing of what was given changes."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import Layer, Network, Node, concat, losses
from ..ops import check
from ..typing import Array, Generator, Shape
from .central import size_of
from .problem import Gradient, Problem, signed


class WeightedSum(losses.Loss):
    """L = sum dy y, where the targets are dy; `y` is the output of the last step."""

    y: Array

    def checked(self, targets: Any, y_shape: Shape, dtype: DTypeLike, name: str) -> Array:
        """dy as it is."""
        return np.asarray(targets, dtype)

    def target_array(self, y_shape: Shape, dtype: DTypeLike) -> tuple[Shape, DTypeLike]:
        """Shape and dtype of dy: those of the output."""
        return y_shape, dtype

    def target_classes(self, targets: Any, y_shape: Shape) -> Array | None:
        """There are no classes."""
        return None

    def bind(self, y: Array, targets: Array, value: Array, dy: Array | None) -> Callable[[], None]:
        """The call that keeps y, and writes L and its gradient."""

        def call() -> None:
            self.y = np.array(y)
            value[...] = 0
            if dy is not None:
                np.copyto(dy, targets)

        return call


def model_problem(network: Network, x: Array, training: bool, title: str) -> Problem:
    """L = sum dy f(x) of a network in float64, which belongs to the check; one for a single layer."""
    loss, start = WeightedSum(), network.buffers.copy()
    y_shape = (len(x), *network.output_shape)

    def step(dy: Any) -> tuple[Any, ...]:
        """A step of training from the same buffers, so that dropout draws the same mask."""
        network.buffers.update(start)
        found = network.gradients(x, np.broadcast_to(dy, y_shape), loss, training=training, inputs=True)
        network.buffers.update(start)
        return found

    def value() -> Array:
        """The output; what is infinite in it is constant."""
        if training:
            step(0.0)
        y = loss.y if training else network.predict(x)
        return np.where(np.isinf(y), 0, y)

    def gradients(dy: Any) -> list[Gradient]:
        """Those of the input and of all parameters."""
        _, found, dx = step(dy)
        return [Gradient("x", dx), *(Gradient(names[name], array) for name, array in found.items())]

    names = short_names(network)
    arrays = {"x": x, **{names[name]: array for name, array in network.parameters.items()}}
    return Problem(title, arrays, value, gradients, composed=len(network.nodes) > 2)


def loss_problem(network: Network, x: Array, targets: Any, loss: Any, training: bool, title: str) -> Problem:
    """The loss of one batch, as `gradients` gives it."""
    problem = model_problem(network, x, training, title)
    names, start = short_names(network), network.buffers.copy()

    def step() -> tuple[Any, ...]:
        """The loss and its gradients from the same buffers."""
        network.buffers.update(start)
        found = network.gradients(x, targets, loss, training=training, inputs=True)
        network.buffers.update(start)
        return found

    def gradients(dy: Any) -> list[Gradient]:
        """Those of the input and of all parameters; dy is 1."""
        _, found, dx = step()
        return [Gradient("x", dx), *(Gradient(names[name], array) for name, array in found.items())]

    problem.value, problem.gradients = lambda: np.array(step()[0]), gradients
    problem.scalar = problem.composed = True
    return problem


def short_names(network: Network) -> dict[str, str]:
    """Names of parameters; of a single layer without its own name in front."""
    alone = len(network.nodes) == 2
    return {name: name.rpartition(".")[2] if alone else name for name in network.parameters}


def in_float64(network: Network) -> Network:
    """A copy with the same layers, parameters and buffers, in float64."""
    layers = {id(node.layer): copied(node.layer, node.owner) for node in network.nodes if node.layer}

    def model(x: Node) -> Node:
        """The nodes of the network, made again."""
        made = {network.nodes[0].index: x}
        for node in network.nodes[1:]:
            inputs = [made[each.index] for each in node.inputs]
            if node.layer:
                made[node.index] = layers[id(node.layer)](inputs[0])
            else:
                made[node.index] = joined(node, inputs)
        return made[network.nodes[-1].index]

    new = Network(
        model,
        network.input_shape,
        "float64",
        seed=0,
        recompute=network.executor.recompute,
        precise=network.output.graph.precise,
    )
    new.parameters.update({name: array.astype("float64") for name, array in network.parameters.items()})
    new.buffers.update(network.buffers)
    return new


def joined(node: Node, inputs: list[Node]) -> Node:
    """A joint as in `node`, of other nodes."""
    if node.kind == "slice":
        return inputs[0][node.first : node.first + node.shape[0]]
    if node.kind == "concat":
        return concat(*inputs)
    if node.kind == "matmul":
        return inputs[0] @ inputs[1]
    return inputs[0] * inputs[1] if node.kind == "multiply" else inputs[0] + inputs[1]


def copied(layer: Layer, owner: str) -> Layer:
    """A copy of a layer that keeps the prefix of its parameters."""
    new: Layer = duplicate(layer)
    vars(new).pop("_used", None)
    new.name = owner
    return new


def duplicate(model: Any) -> Any:
    """A copy that shares nothing; TypeError if something in a layer of one's own cannot be copied."""
    try:
        return copy.deepcopy(model)
    except Exception as error:
        raise TypeError(f"gradcheck works on a copy, and {check.described(model)} cannot be copied: {error}") from None


def made(model: Any, input_shape: Shape, rng: Generator) -> Network:
    """A network of a layer or model in float64, with parameters and buffers away from their first values."""
    network = Network(duplicate(model), input_shape, "float64", seed=int(rng.integers(2**31)))
    for array in network.parameters.values():
        array += 0.3 * size_of(array) * signed(rng, array.shape, 1.0)
    for array in network.buffers.values():
        if array.dtype.kind == "f":
            array *= np.exp(rng.uniform(-0.3, 0.3, array.shape))
    return network
