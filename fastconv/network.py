"""The network: what people hold. Parameters by name, predictions, gradients, a summary, weights on disk."""

import threading
from contextlib import contextmanager

import numpy as np

from . import checkpoint, graph, memory
from .executor import Executor
from .ops import check
from .summary import Summary

BATCH = 256  # images that predict works on at a time, unless told otherwise


class Network:
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

    Attributes
    ----------
    parameters, buffers : mapping name -> live array
        Writing into an array changes the network. Buffers are what training updates without a gradient.
    output_shape : tuple
        Without the batch axis.

    Notes
    -----
    What comes out is the caller's own array. Any number of threads may call `predict` (they take turns); training one
    network from two threads at once raises RuntimeError.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, layers, sequential
    >>> model = sequential(layers.Conv2D(4, 3), layers.ReLU(), layers.Flatten(), layers.Linear(10))
    >>> network = Network(model, (1, 8, 8), seed=0)
    >>> network.predict(np.zeros((2, 1, 8, 8), "float32")).shape
    (2, 10)
    """

    def __init__(self, model, input_shape, dtype="float32", seed=None):
        self.output = graph.build(model, input_shape, dtype)
        self.nodes = graph.ancestors(self.output)
        self.input_shape, self.output_shape = self.nodes[0].shape, self.output.shape
        self.dtype = self.output.graph.dtype
        params, states = declared(self.nodes)
        self.parameters = memory.Arrays({name: p.shape for name, p in params.items()}, self.dtype)
        self.buffers = memory.Named({name: np.zeros(s.shape, s.dtype or self.dtype) for name, s in states.items()})
        self.initialise(params, states, np.random.default_rng(seed))
        self.executor = Executor(self.output, self.parameters, self.buffers)
        self.trainer = threading.RLock()

    def initialise(self, params, states, rng):
        for name, p in params.items():
            self.parameters[name][...] = p.init(rng, p.shape, p.fan_in, p.fan_out)
        for name, s in states.items():
            self.buffers[name][...] = s.init(rng)

    def predict(self, x, batch_size=BATCH):
        """The network's output for images `x` (N, ...) or one image (...); the bits do not depend on N or batch_size.

        Parameters
        ----------
        x : array (N, *input_shape) or input_shape, the network's dtype
        batch_size : int
            Images worked on at a time, which bounds the memory.

        Returns
        -------
        array (N, *output_shape) or output_shape
        """
        x, batched = self.images(x, "x")
        batch_size = check.integer(batch_size, "batch_size", 1)
        y = np.empty((len(x), *self.output_shape), self.dtype)
        for start in range(0, len(x), batch_size):
            part = x[start : start + batch_size]
            with self.executor.lock:
                plan = self.executor.plan(len(part))
                plan.write(part)
                plan.run()
                y[start : start + batch_size] = plan.y
        return y if batched else y[0]

    def gradients(self, x, targets, loss):
        """(loss, gradients by name) of one batch; nothing is updated but buffers.

        Parameters
        ----------
        x : array (N, *input_shape), the network's dtype, N >= 1
        targets : array
            What `loss` asks for: class indices (N,), or an array of the output's shape.
        loss : a loss of `fastconv.losses`

        Returns
        -------
        loss : float
        gradients : mapping name -> array
            d loss / d parameter, the caller's own arrays.
        """
        x, batched = self.images(x, "x")
        if not batched or len(x) == 0:
            raise ValueError(f"x must be a batch of at least one image, (N, *{self.input_shape}), got {np.shape(x)}")
        targets = loss.prepare(targets, (len(x), *self.output_shape), self.dtype)
        with self.training(), self.executor.lock:
            plan = self.executor.plan(len(x), loss)
            plan.write(x)
            np.copyto(plan.targets, targets)
            plan.run()
            return float(plan.loss), self.executor.gradients.copy()

    @contextmanager
    def training(self):
        """Held while the network is trained; a second thread that wants to train is refused."""
        if not self.trainer.acquire(blocking=False):
            raise RuntimeError("another thread is training this network")
        try:
            yield
        finally:
            self.trainer.release()

    def images(self, x, name):
        """(N, ...) of the network's dtype and shape, and whether it came with a batch axis."""
        x = check.array(x, name)
        if x.dtype != self.dtype:
            raise TypeError(
                f"{name} must be {self.dtype} like the network, got {x.dtype}; convert it with "
                f"{name}.astype('{self.dtype}')"
            )
        if x.shape == self.input_shape:
            return x[None], False
        if x.shape[1:] != self.input_shape or x.ndim == 0:
            raise ValueError(f"{name} must have shape (N, *{self.input_shape}) or {self.input_shape}, got {x.shape}")
        return x, True

    def summary(self):
        """Shapes, parameters, neurons and multiply-adds, by layer and in total; `print` it."""
        return Summary(self.nodes)

    def save(self, path, metadata=None):
        """Write parameters, buffers and `metadata` (what JSON can hold) to an .npz; a crash leaves the old file."""
        with self.executor.lock:
            arrays = {name: array.copy() for name, array in self.arrays().items()}
        checkpoint.save(path, arrays, metadata)

    def load(self, path):
        """Read parameters and buffers of the same names and shapes, or raise CheckpointError and change nothing.

        Returns the metadata that `save` was given.
        """
        with self.training(), self.executor.lock:
            return checkpoint.load(path, self.arrays())

    def arrays(self):
        return {**self.parameters, **self.buffers}

    def __repr__(self):
        size = sum(array.size for array in self.parameters.values())
        return f"<Network {self.input_shape} -> {self.output_shape}, {size:,} parameters, {self.dtype}>"


def declared(nodes):
    """All parameters and states, by full name, in the order of the model."""
    params, states = {}, {}
    for node in nodes:
        if node.spec:
            params.update({f"{node.owner}.{name}": p for name, p in node.spec.params.items()})
            states.update({f"{node.owner}.{name}": s for name, s in node.spec.state.items()})
    return params, states
