"""Layers and networks as problems: float64 copies, so that nothing of what was given changes."""

import copy
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import Network, losses
from ..fields import several, structured
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


def weighted_sum(network: Network) -> tuple[Any, Callable[[], dict[str, Array]]]:
    """(the loss L = sum dy y, what gives y of the last step); of several outputs, the sum over all."""
    shapes = several(network.output_shape)
    if shapes is None:
        loss = WeightedSum()
        return loss, lambda: {"": loss.y}
    found = {name: WeightedSum() for name in shapes}
    return structured(network.output_shape, found.values()), lambda: {name: loss.y for name, loss in found.items()}


def apart(values: Any, name: str) -> dict[str, Array]:
    """name -> array of one array, or of a dict or tuple of these: x, or x[image], x[1]."""
    found = several(values)
    return {name: values} if found is None else {f"{name}[{key}]": value for key, value in found.items()}


def model_problem(network: Network, x: Any, training: bool, title: str) -> Problem:
    """L = sum dy f(x) of a network in float64, which belongs to the check; one for a single layer.

    Of several outputs, y and dy are all of them side by side, (N, sum of their sizes).
    """
    (loss, last), start = weighted_sum(network), network.buffers.copy()
    arrays = apart(x, "x")
    n, shapes = len(next(iter(arrays.values()))), network.output_shape
    found = several(shapes)
    sizes = None if found is None else np.cumsum([prod(shape) for shape in found.values()])[:-1]

    def targets(dy: Any) -> Any:
        """dy of each output, from those side by side."""
        if found is None or sizes is None:
            return np.broadcast_to(dy, (n, *shapes))
        rows = np.broadcast_to(dy, (n, sum(map(prod, found.values()))))
        parts = zip(np.split(rows, sizes, axis=1), found.values(), strict=True)
        return structured(shapes, (part.reshape(n, *shape) for part, shape in parts))

    def step(dy: Any) -> tuple[Any, ...]:
        """A step of training from the same buffers, so that dropout draws the same mask."""
        network.buffers.update(start)
        results = network.gradients(x, targets(dy), loss, training=training, inputs=True)
        network.buffers.update(start)
        return results

    def value() -> Array:
        """The output; what is infinite in it is constant."""
        if training:
            step(0.0)
        outputs = (last() if training else apart(network.predict(x), "")).values()
        y = next(iter(outputs)) if found is None else np.concatenate([each.reshape(n, -1) for each in outputs], 1)
        return np.where(np.isinf(y), 0, y)

    def gradients(dy: Any) -> list[Gradient]:
        """Those of the input and of all parameters."""
        _, slopes, dx = step(dy)
        return named(network, slopes, dx)

    names = short_names(network)
    moved = arrays | {names[name]: array for name, array in network.parameters.items()}
    return Problem(title, moved, value, gradients, composed=len(network.nodes) > 2)


def loss_problem(network: Network, x: Any, targets: Any, loss: Any, training: bool, title: str) -> Problem:
    """The loss of one batch, as `gradients` gives it."""
    problem, start = model_problem(network, x, training, title), network.buffers.copy()

    def step() -> tuple[Any, ...]:
        """The loss and its gradients from the same buffers."""
        network.buffers.update(start)
        results = network.gradients(x, targets, loss, training=training, inputs=True)
        network.buffers.update(start)
        return results

    problem.value = lambda: np.array(step()[0])
    problem.gradients = lambda dy: named(network, *step()[1:])  # dy is 1
    problem.scalar = problem.composed = True
    return problem


def named(network: Network, slopes: Mapping[str, Array], dx: Any) -> list[Gradient]:
    """The gradients of the input, or of each of several, and of all parameters."""
    names = short_names(network)
    of_inputs = [Gradient(name, array) for name, array in apart(dx, "x").items()]
    return of_inputs + [Gradient(names[name], array) for name, array in slopes.items()]


def short_names(network: Network) -> dict[str, str]:
    """Names of parameters; of a single layer without its own name in front."""
    alone = len(network.nodes) == 2
    return {name: name.rpartition(".")[2] if alone else name for name in network.parameters}


def in_float64(network: Network) -> Network:
    """A copy with the same layers, parameters and buffers, in float64, of which all parameters are trained."""
    graph = network.nodes[0].graph.with_layers(lambda layer, owner: duplicate(layer), dtype="float64")
    found, given = several(network.output), network.output
    outputs = [graph.nodes[node.index] for node in (found or {"": given}).values()]
    new = Network.__new__(Network)
    new.assemble(outputs[0] if found is None else structured(given, outputs), network.executor.recompute)
    new.parameters.update({name: array.astype("float64") for name, array in network.parameters.items()})
    new.buffers.update(network.buffers)
    return new


def duplicate(model: Any) -> Any:
    """A copy that shares nothing; TypeError if something in a layer of one's own cannot be copied."""
    try:
        return copy.deepcopy(model)
    except Exception as error:
        raise TypeError(f"gradcheck works on a copy, and {check.described(model)} cannot be copied: {error}") from None


def made(model: Any, input_shape: Any, rng: Generator) -> Network:
    """A network of a layer or model in float64, with parameters and buffers away from their first values."""
    network = Network(duplicate(model), input_shape, "float64", seed=int(rng.integers(2**31)))
    for array in network.parameters.values():
        array += 0.3 * size_of(array) * signed(rng, array.shape, 1.0)
    for array in network.buffers.values():
        if array.dtype.kind == "f":
            array *= np.exp(rng.uniform(-0.3, 0.3, array.shape))
    return network
