"""The values inside a network, by the names of its nodes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from .. import fields
from ..arguments.batch import batch
from ..arguments.signatures import explained
from ..graph import Node
from ..ops import check
from ..typing import Array, Shape
from .executor import Executor
from .logits import probabilities_of

BATCH = 256  # images worked on at a time, unless told otherwise
GRADIENT_LINE = "network.feature_gradients(x, 'relu1', dy)"
LINE = "network.features(x, 'relu1')"
WORDS = {  # arguments of other libraries -> the name here
    **dict.fromkeys(("layer", "layers", "node", "nodes", "names", "return_nodes", "layer_name"), "name"),
    **dict.fromkeys(("images", "inputs", "input", "X", "data"), "x"),
}


class Inner:
    """Base of classes with `nodes` and an `executor`."""

    nodes: Sequence[Node]
    executor: Executor
    input_shape: Shape
    output_shape: Shape
    dtype: np.dtype[Any]

    @overload
    def features(self, x: ArrayLike, name: str, batch_size: int = BATCH) -> Array: ...

    @overload
    def features(
        self, x: ArrayLike, name: list[str] | tuple[str, ...], batch_size: int = BATCH
    ) -> dict[str, Array]: ...

    @explained("features", LINE, WORDS)
    def features(
        self, x: ArrayLike, name: str | list[str] | tuple[str, ...], batch_size: int = BATCH
    ) -> Array | dict[str, Array]:
        """The value of a node inside the network, as in a prediction, for images `x` (N, ...) or one image (...).

        What lies after the node is not computed.

        Parameters
        ----------
        x : array (N, *input_shape) or input_shape, the network's dtype
        name : str, or a list or tuple of them
            The name of a node, as `summary` shows it and ``[node.name for node in network.nodes]`` lists it.
        batch_size : int
            Images worked on at a time, which bounds the memory.

        Returns
        -------
        array (N, *shape) or shape, or name -> array
            The shape is the node's; a dict where several names were given. The caller's own arrays.

        Raises
        ------
        TypeError, ValueError
            For arguments that do not fit, and for a name that no node has.

        Examples
        --------
        >>> import numpy as np
        >>> from fastconv import Network, layers, sequential
        >>> model = sequential(layers.Conv2D(4, 3), layers.ReLU(), layers.Flatten(), layers.Linear(10))
        >>> network = Network(model, (1, 8, 8), seed=0)
        >>> x = np.zeros((2, 1, 8, 8), "float32")
        >>> network.features(x, "relu1").shape
        (2, 4, 6, 6)
        >>> list(network.features(x, ["relu1", "linear1"]))
        ['relu1', 'linear1']
        """
        images, batched = batch(x, "x", self.input_shape, self.dtype)

        def run(part: slice, nodes: tuple[Node, ...]) -> Sequence[Array]:
            """The values of these nodes for some of the images, valid until the next run."""
            plan = self.executor.plan_of_values(len(images[part]), nodes)
            plan.run_on(images[part])
            return plan.outputs

        return self._by_name(name, images, batched, batch_size, run)

    @overload
    def feature_gradients(self, x: ArrayLike, name: str, dy: ArrayLike, batch_size: int = BATCH) -> Array: ...

    @overload
    def feature_gradients(
        self, x: ArrayLike, name: list[str] | tuple[str, ...], dy: ArrayLike, batch_size: int = BATCH
    ) -> dict[str, Array]: ...

    @explained("feature_gradients", GRADIENT_LINE, WORDS)
    def feature_gradients(
        self, x: ArrayLike, name: str | list[str] | tuple[str, ...], dy: ArrayLike, batch_size: int = BATCH
    ) -> Array | dict[str, Array]:
        """The gradient of sum(dy * y) with regard to the value of a node, y = predict(x).

        dL / da = sum over i of dL / dy_i * dy_i / da, for the value a of the node

        With a row of the identity as `dy` this is the gradient of one class's score: what Grad-CAM and saliency maps
        are made of. ``"input"`` names the images. Nothing of the network changes, and no parameter's gradient is
        computed.

        Parameters
        ----------
        x : array (N, *input_shape) or input_shape, the network's dtype
        name : str, or a list or tuple of them
            As in `features`.
        dy : array (N, *output_shape) or output_shape, the network's dtype
            dL / dy.
        batch_size : int
            Images worked on at a time, which bounds the memory.

        Returns
        -------
        array (N, *shape) or shape, or name -> array
            The shape is the node's; a dict where several names were given. The caller's own arrays.

        Raises
        ------
        TypeError, ValueError
            For arguments that do not fit, for a name that no node has, and for a layer of your own that has buffers
            and does not say ``two_modes = True``.

        Examples
        --------
        >>> import numpy as np
        >>> from fastconv import Network, layers, sequential
        >>> model = sequential(layers.Conv2D(4, 3), layers.ReLU(), layers.Flatten(), layers.Linear(10))
        >>> network = Network(model, (1, 8, 8), seed=0)
        >>> x = np.ones((2, 1, 8, 8), "float32")
        >>> dy = np.eye(10, dtype="float32")[[3, 7]]  # the scores of class 3 and of class 7
        >>> network.feature_gradients(x, "relu1", dy).shape
        (2, 4, 6, 6)
        """
        images, batched = batch(x, "x", self.input_shape, self.dtype)
        slopes, _ = batch(dy, "dy", self.output_shape, self.dtype)
        if len(slopes) != len(images):
            raise ValueError(f"dy must have one row for each of the {len(images)} images, got shape {np.shape(dy)}")

        def run(part: slice, nodes: tuple[Node, ...]) -> Sequence[Array]:
            """The gradients of these nodes for some of the images, valid until the next run."""
            plan = self.executor.plan_of_slopes(len(images[part]), nodes)
            plan.run_on(images[part], slopes[part])
            return plan.also

        return self._by_name(name, images, batched, batch_size, run)

    def probabilities(self, x: ArrayLike, batch_size: int = BATCH) -> Array:
        """The probability of each class for images `x` (N, ...) or one image (...).

        p = softmax(y) over the classes, y = predict(x); where the network ends with Softmax or Sigmoid p = y, where it
        ends with LogSoftmax p = exp(y)

        Parameters
        ----------
        x, batch_size
            As in `predict`.

        Returns
        -------
        array (N, *output_shape) or output_shape
            The caller's own.

        Raises
        ------
        ValueError
            For a network with one output and no Sigmoid at its end.

        Examples
        --------
        >>> import numpy as np
        >>> from fastconv import Network, layers
        >>> network = Network(layers.Linear(4, init="zeros"), (3,))
        >>> network.probabilities(np.ones((1, 3), "float32"))
        array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
        """
        images, batched = batch(x, "x", self.input_shape, self.dtype)
        if fields.several(self.output_shape) is not None:
            raise ValueError("probabilities are those of one output; write fastconv.softmax(network.predict(x)[name])")
        p = probabilities_of(self.nodes[-1], self.predict(images, batch_size))
        return p if batched else p[0]

    def predict(self, x: ArrayLike, batch_size: int = BATCH) -> Array:
        """The network's output."""
        raise NotImplementedError

    def _by_name(
        self,
        name: str | list[str] | tuple[str, ...],
        images: Array,
        batched: bool,
        batch_size: int,
        run: Callable[[slice, tuple[Node, ...]], Sequence[Array]],
    ) -> Array | dict[str, Array]:
        """What `run` gives for these nodes, some images at a time, as new arrays; a dict for several names."""
        batch_size = check.integer(batch_size, "batch_size", 1)
        nodes = found(name, self.nodes)
        values = {node.name: np.empty((len(images), *node.shape), self.dtype) for node in nodes.values()}
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            with self.executor.lock:
                for value, found_here in zip(values.values(), run(part, tuple(nodes.values())), strict=True):
                    value[part] = found_here
        results = {each: value if batched else value[0] for each, value in values.items()}
        return results[name] if isinstance(name, str) else results


def found(name: object, nodes: Sequence[Node]) -> dict[str, Node]:
    """name -> node, for one name or several; TypeError or ValueError says which names there are."""
    known = {node.name: node for node in nodes}
    names = tuple(name) if isinstance(name, Iterable) and not isinstance(name, str | Node) else (name,)
    if not all(isinstance(each, str) for each in names):
        raise TypeError(f"name must be the name of a node, or several, got {check.shown(name)}; {example(known)}")
    if not names:
        raise ValueError(f"name must be at least one name, got none; {example(known)}")
    for each in names:
        if each not in known:
            raise ValueError(f"name must be that of a node, got {each!r}; {instead(each, known)}")
    return {each: known[each] for each in names}


def example(known: Mapping[str, Node]) -> str:
    """The line to write, with a name of the network."""
    return f"write network.features(x, {[*known][-1]!r}); print(network.summary()) shows all names"


def instead(name: str, known: Mapping[str, Node]) -> str:
    """Names nearly the same: the last node of a part of the model, the node of an array, or those that look alike."""
    inside = [each for each in known if each.startswith(f"{name}.")]
    owner = name.rpartition(".")[0]
    near = inside[-1:] or ([owner] if owner in known else check.nearest(name, known, 3))
    if not near:
        return "print(network.summary()) shows all names"
    which = " (the last of its nodes)" if inside else ""
    return f"did you mean {' or '.join(map(repr, near))}{which}?"
