"""The network as users see it: parameters by name, predictions, gradients, training steps; reports and files."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from . import graph, parameters
from .arguments.batch import batch, shape_of_batch
from .arguments.training import check_loss
from .checkpoint.stored import Stored
from .executor import Executor
from .frozen import FrozenNetwork
from .graph import Node
from .init import blamed_on
from .layer import Parameter, State
from .ops import check
from .optim import Optimizer
from .optim.base import has_own_step
from .parameters import SetOnce
from .predictor import Predictor
from .reports.reported import Reported
from .system.interrupt import held_back
from .typing import Array, Generator


class Network(SetOnce, Predictor, Stored, Reported):
    """A model with parameters, for images of one shape.

    Parameters
    ----------
    model : function Node -> Node
        A layer, `sequential(...)`, a model of `fastconv.models`, or any function of nodes.
    input_shape : (C, H, W) or (features,)
        Without the batch axis.
    dtype : "float32" or "float64"
    seed : int, optional
        Of the first parameters; None takes fresh randomness.
    recompute : bool
        In training, do not keep the results of batch norm for the backward pass, but compute them a second time there:
        less memory, a few more passes over it, the same bits.
    precise : bool
        Compute all convolutions as `conv2d` does with ``precise=True``.

    Attributes
    ----------
    parameters, buffers : mapping name -> live array
        Writing into an array changes the network. Buffers are arrays that training updates without a gradient, such as
        running means.
    output_shape : tuple
        Without the batch axis.

    Notes
    -----
    Results are the caller's own arrays. Any number of threads may call `predict` (they take turns); training one
    network from two threads at once raises RuntimeError.

    `copy.deepcopy` and `pickle` copy a network whatever function its model was; the copy shares nothing with it and
    computes the same bits. For `pickle`, define the classes of your own layers at the top of a module.
    Attributes of a layer that are set later (``dropout.p = 0.1``) count from then on; RuntimeError if the layer would
    then need other arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, sequential
    >>> model = sequential(layers.Conv2D(4, 3), layers.ReLU(), layers.Flatten(), layers.Linear(10))
    >>> network = Network(model, (1, 8, 8), seed=0)
    >>> network.predict(np.zeros((2, 1, 8, 8), "float32")).shape
    (2, 10)
    """

    set_once = MappingProxyType(
        {
            "output": "build another Network",
            "input_shape": "it belongs to the model; build a Network for the other shape, and load the weights",
            "output_shape": "it belongs to the model; build another Network",
            "dtype": "it belongs to the arrays; build a Network with the other dtype, and write into its parameters",
            "parameters": "write into the arrays, network.parameters[name] = values for each name, or load a file",
            "buffers": "write into the arrays, network.buffers[name] = values for each name, or load a file",
            "executor": "it holds the plans of this network alone",
        }
    )

    def __init__(
        self,
        model: Callable[[Node], Node],
        input_shape: int | Sequence[int],
        dtype: DTypeLike = "float32",
        seed: int | None = None,
        recompute: bool = False,
        precise: bool = False,
    ) -> None:
        self.assemble(graph.build(model, input_shape, dtype, precise), bool(recompute))
        self.initialise(*graph.declared(self.nodes), check.random(seed))

    def assemble(self, output: Node, recompute: bool) -> None:
        """Make the arrays, without values, and the executor."""
        self.output, self.nodes = output, graph.ancestors(output)
        self.input_shape, self.output_shape, self.dtype = self.nodes[0].shape, output.shape, output.graph.dtype
        params, states = graph.declared(self.nodes)
        self.parameters = parameters.Arrays({name: p.shape for name, p in params.items()}, self.dtype)
        self.buffers = parameters.Named({name: np.zeros(s.shape, s.dtype or self.dtype) for name, s in states.items()})
        self.executor = Executor(output, self.parameters, self.buffers, recompute)

    def initialise(self, params: Mapping[str, Parameter], states: Mapping[str, State], rng: Generator) -> None:
        """Write the first values into all arrays."""
        for name, p in params.items():
            with blamed_on(p.init, name):
                first_values(p.init(rng, p.shape, p.fan_in, p.fan_out), self.parameters[name], name)
        for name, s in states.items():
            first_values(s.init(rng), self.buffers[name], name)

    def __getstate__(self) -> dict[str, Any]:
        with self.executor.lock:
            arrays = {"parameters": self.parameters.copy(), "buffers": self.buffers.copy()}
        made = {"nodes", "input_shape", "output_shape", "dtype", "executor"}
        own = {name: value for name, value in vars(self).items() if name not in made}
        return {**own, **arrays, "recompute": self.executor.recompute}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        state = dict(state)
        arrays = {**state.pop("parameters"), **state.pop("buffers")}
        self.assemble(state.pop("output"), state.pop("recompute"))
        if arrays.keys() != self.arrays().keys():
            raise ValueError(f"the arrays of this copy have other names than its layers declare: {sorted(arrays)}")
        for held in (self.parameters, self.buffers):
            for name in held:
                held[name] = arrays[name]
        vars(self).update(state)

    def __copy__(self) -> "Network":
        return copy.deepcopy(self)

    def _predict_part(self, x: Array, y: Array) -> None:
        """y = the output for a checked batch of images."""
        with self.executor.lock:
            plan = self.executor.bound_plan(len(x))
            plan.run_on(x)
            y[...] = plan.y

    def gradients(self, x: ArrayLike, targets: ArrayLike, loss: Any) -> tuple[float, parameters.Arrays]:
        """(loss, gradients by name) of one batch. Of the network's arrays only the buffers change.

        Parameters
        ----------
        x : array (N, *input_shape), the network's dtype, N >= 1
        targets : array
            As the loss needs them: class indices (N,), or an array of the output's shape.
        loss : a loss of `fastconv.losses`

        Returns
        -------
        loss : float
        gradients : mapping name -> array
            d loss / d parameter, the caller's own arrays.
        """
        loss, images = check_loss(loss), self._batch_of(x)
        prepared = loss.prepare(targets, (len(images), *self.output_shape), self.dtype)
        with self.training(), self.executor.lock:
            plan = self.executor.bound_plan(len(images), loss)
            plan.run_on(images, prepared)
            return float(plan.loss), self.executor.gradients.copy()

    def reserve(self, batch_size: int, loss: Any = None, fused_update: bool = False) -> None:
        """Make the plan and the memory for batches of this size now: a prediction, or, with a loss, a training step.

        A batch that cannot run is refused here, before anything changes. The arguments are those of `train_batch`.
        """
        batch_size = check.integer(batch_size, "batch_size", 1)
        with self.executor.lock:
            self.executor.bound_plan(batch_size, loss, fused_update)

    def train_batch(
        self,
        x: Array,
        targets: Array,
        loss: Any,
        optimizer: Any,
        fused_update: bool = False,
        watch: Callable[[Array, Array], object] | None = None,
    ) -> float:
        """One training step: forward, backward, update. Returns the loss before the update.

        Of the arguments only the shape of x is checked, and the caller holds `training()`. For your own loops there is
        `fastconv.train_step`.

        Parameters
        ----------
        x : array (N, *input_shape), the network's dtype, N >= 1
        targets : array
            The result of ``loss.prepare``.
        loss : a loss of `fastconv.losses`
        optimizer : object with step(parameters, gradients)
            One with a `step` of its own gets all gradients, whatever `fused_update` says.
        fused_update : bool
            Update each parameter as soon as its gradient is known, and keep no gradients.
        watch : function (loss, y) -> anything, optional
            Called after the update with arrays that are valid during this call.
        """
        if np.shape(x)[1:] != self.input_shape or len(x) == 0:
            raise ValueError(f"x must have shape {shape_of_batch(self.input_shape)}, N >= 1, got {np.shape(x)}")
        executor = self.executor
        with executor.lock:
            in_parts = isinstance(optimizer, Optimizer) and not has_own_step(optimizer)
            fused_update = fused_update and in_parts
            plan = executor.bound_plan(len(x), loss, fused_update)
            if in_parts:
                optimizer.begin_step(self.parameters)
            if fused_update:
                with held_back(), plan.updates.by(optimizer):
                    plan.run_on(x, targets)
                    optimizer.end_step(self.parameters)
            else:
                plan.run_on(x, targets)
                optimizer.step(self.parameters, executor.gradients)
            if watch is not None:
                watch(plan.loss, plan.y)
            return float(plan.loss)

    @contextmanager
    def training(self) -> Iterator[None]:
        """Held while the network is trained; a second thread that wants to train is refused."""
        trainer = self.executor.trainer
        if not trainer.acquire(blocking=False):
            raise RuntimeError("another thread is training this network")
        try:
            yield
        finally:
            trainer.release()

    def _batch_of(self, x: Any) -> Array:
        """`x` as a batch of at least one image."""
        images, batched = batch(x, "x", self.input_shape, self.dtype)
        if not batched or len(images) == 0:
            wanted = shape_of_batch(self.input_shape)
            raise ValueError(f"x must be a batch of at least one image, {wanted}, got {np.shape(x)}")
        return images

    def freeze(self, batch_size: int = 1) -> FrozenNetwork:
        """The network as it is now, made ready for prediction alone: faster, and for any number of threads at once.

        Batch norm becomes part of the weights before it, weights are brought into the kernels' order, activations and
        sums are done while a layer stores. Later changes of this network do not reach the frozen one.

        Parameters
        ----------
        batch_size : int
            The batch to prepare for: its memory, and, where it is small, weights in the order that is quickest for
            few images. Any other is prepared when it comes; an image has the same bits in all of them. Networks
            frozen for different sizes may differ in the last bits.

        Returns
        -------
        FrozenNetwork
            With `predict(x)`, `plan(batch_size)`, `nbytes`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastconv import Network, layers, sequential
        >>> network = Network(sequential(layers.Conv2D(4, 3), layers.BatchNorm(), layers.ReLU()), (1, 8, 8), seed=0)
        >>> x = np.ones((2, 1, 8, 8), "float32")
        >>> frozen = network.freeze()
        >>> np.allclose(frozen.predict(x), network.predict(x), atol=1e-6)
        True
        >>> print(frozen.plan())  # doctest: +ELLIPSIS
        step                result...
        -----...
        conv1 + bn1 + relu1...
        """
        batch_size = check.integer(batch_size, "batch_size", 1)
        with self.executor.lock:
            return FrozenNetwork(self.output, self.parameters, self.buffers, self.executor.channels_last, batch_size)

    def arrays(self) -> dict[str, Array]:
        """name -> array of all parameters and buffers."""
        return {**self.parameters, **self.buffers}

    def __repr__(self) -> str:
        size = sum(array.size for array in self.parameters.values())
        return f"<Network {self.input_shape} -> {self.output_shape}, {size:,} parameters, {self.dtype}>"


def first_values(values: ArrayLike, array: Array, name: str) -> None:
    """Write the result of an initialiser: one number for all elements, or an array of the same shape."""
    values = np.asarray(values)
    if values.ndim:
        check.shape_is(values, name, array.shape, "the shape that its initialiser must return, or one number")
    parameters.write(values, array, name)
