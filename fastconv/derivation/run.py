"""One image through a network in float64: the value of every node, and the gradient of the loss at each of them.

Layers 1 to n; value 0 is the image, value k the output of layer k. The tail k is the network of the layers after
value k: its input gradient is dL / d(value k), and its predictions of many perturbed copies give central differences.
"""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np

from .. import Layer, Network, optim, sequential
from ..typing import Array

__all__ = ["Run", "layers_of"]


def layers_of(network: Network) -> list[Any]:
    """The nodes of a sequential network after its input; ValueError where two nodes are joined."""
    nodes = list(network.nodes[1:])
    for node in nodes:
        if node.layer is None:
            joined = " and ".join(each.name for each in node.inputs)
            raise ValueError(f"network must be sequential, one layer after another, but {node.name} joins {joined}")
    reads = [node.inputs[0].index for node in nodes]
    if reads != [node.index for node in network.nodes[:-1]]:
        raise ValueError("network must be sequential, one layer after another, but several layers read one node")
    if not nodes:
        raise ValueError("network must have at least one layer, got one without")
    return nodes


class Run:
    """The float64 copy of a network, its values for one image, and its gradients."""

    def __init__(self, network: Network, image: Array, target: Array, loss: Any, learning_rate: float) -> None:
        self.nodes, self.loss_object, self.learning_rate = layers_of(network), loss, learning_rate
        self.arrays = {name: np.array(array) for name, array in network.arrays().items()}
        self.shapes = [network.input_shape, *(node.shape for node in self.nodes)]
        self.network = self.part(0, len(self.nodes))
        self.image = np.array(image, "float64")
        self.target = target  # as the loss has prepared it
        self.tails: dict[int, Network] = {}

    def part(self, start: int, end: int) -> Network:
        """The layers after value `start` up to value `end` as a float64 network with the same parameters."""
        nodes = self.nodes[start:end]
        model = sequential(*(partial(Layer.__call__, node.layer) for node in nodes))  # without layer.activation
        made = Network(model, self.shapes[start], "float64", seed=0)
        for own, node in zip(made.nodes[1:], nodes, strict=True):
            for name in made.arrays():
                if name.rpartition(".")[0] == own.owner:
                    array = self.arrays[f"{node.owner}.{name.rpartition('.')[2]}"]
                    made.arrays()[name][...] = array
        return made

    def tail(self, k: int) -> Network:
        """The layers after value k."""
        if k not in self.tails:
            self.tails[k] = self.part(k, len(self.nodes))
        return self.tails[k]

    @cached_property
    def values(self) -> list[Array]:
        """The image, and the output of each layer."""
        names = [node.name for node in self.network.nodes[1:]]
        found = self.network.features(self.image, names)
        return [self.image, *(found[name] for name in names)]

    @cached_property
    def loss(self) -> float:
        """L"""
        return float(self.loss_of_outputs(self.values[-1][None])[0])

    def loss_of_outputs(self, outputs: Array) -> Array:
        """L for each of many outputs of the network, as the network's loss gives it for one image."""
        y, value = np.empty((1, *self.shapes[-1])), np.zeros(())
        call = self.loss_object.bind(y, self.target, value, None)
        losses = np.empty(len(outputs))
        for k, output in enumerate(outputs):
            y[0] = output
            call()
            losses[k] = value
        return losses

    def loss_of_values(self, k: int) -> Callable[[Array], Array]:
        """The function from many of value k to their losses."""
        if k == len(self.nodes):
            return self.loss_of_outputs
        return lambda values: self.loss_of_outputs(self.tail(k).predict(values))

    @cached_property
    def value_gradients(self) -> list[Array]:
        """dL / d(value k) of each value, by the library's backward pass."""
        y, dy = self.values[-1][None].copy(), np.empty((1, *self.shapes[-1]))
        self.loss_object.bind(y, self.target, np.zeros(()), dy)()
        found = [self.backward_of(k)[2][0] for k in range(len(self.nodes))]
        return [*found, dy[0]]

    def backward_of(self, k: int) -> Any:
        """(loss, gradients of parameters, gradient of value k) by the backward pass of the tail k."""
        options: dict[str, Any] = {"training": False, "inputs": True}
        return self.tail(k).gradients(self.values[k][None], self.target, self.loss_object, **options)

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """dL / dw of each parameter, by the names of the network that was given."""
        found = self.backward_of(0)[1]
        return {name: np.array(found[own]) for name, own in self.names.items()}

    @cached_property
    def names(self) -> dict[str, str]:
        """The name of each parameter in the network that was given -> in its copy."""
        pairs = zip(self.nodes, self.network.nodes[1:], strict=True)
        owners = {node.owner: own.owner for node, own in pairs}
        return {
            f"{owner}.{name.rpartition('.')[2]}": name
            for owner, own in owners.items()
            for name in self.network.parameters
            if name.rpartition(".")[0] == own
        }

    def parameter(self, name: str) -> Array:
        """A float64 copy of a parameter."""
        return np.array(self.arrays[name], "float64")

    def loss_of_parameter(self, name: str) -> Callable[[Array], Array]:
        """The function from many copies of a parameter to their losses."""
        owner, _, own = name.rpartition(".")
        uses = [k for k, node in enumerate(self.nodes) if node.owner == owner]
        start, end = (uses[0], uses[0] + 1) if len(uses) == 1 else (0, len(self.nodes))
        part, rest = self.part(start, end), self.loss_of_values(end)
        held = next(array for each, array in part.parameters.items() if each.rpartition(".")[2] == own)
        if len(uses) > 1:
            held = part.parameters[self.names[name]]
        x = self.values[start][None]

        def losses(copies: Array) -> Array:
            outputs = np.empty((len(copies), *self.shapes[end]))
            for k, copy in enumerate(copies):
                held[...] = copy
                outputs[k] = part.predict(x)[0]
            return rest(outputs)

        return losses

    @cached_property
    def updated(self) -> dict[str, Array]:
        """Each parameter after one step of the library's SGD."""
        parameters = {name: self.parameter(name) for name in self.names}
        optim.SGD(self.learning_rate).step(parameters, self.gradients)
        return parameters

    def loss_after(self) -> float:
        """L of the same image after the step."""
        network = self.part(0, len(self.nodes))
        for name, own in self.names.items():
            network.parameters[own][...] = self.updated[name]
        return float(self.loss_of_outputs(network.predict(self.image[None]))[0])
