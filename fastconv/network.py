"""The network as users see it: parameters by name, predictions, gradients, training steps; reports and files."""

import copy
from collections.abc import Callable, Mapping
from inspect import unwrap
from operator import attrgetter
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from . import graph, parameters
from .arguments.finite import arrays_not_finite
from .arguments.signatures import explained_class
from .checkpoint.stored import Stored
from .executor import Executor, Inner, Trained
from .fields import for_each, several
from .frozen import FrozenNetwork
from .graph import Node
from .init import blamed_on
from .layer import Parameter, State
from .ops import check
from .parameters import SetOnce
from .predictor import Predictor
from .reports.reported import Reported
from .typing import Array, Generator

WORDS = {  # arguments of other libraries -> the name here, or what to write
    **dict.fromkeys(("device", "cuda"), "it runs on the CPU, leave it out"),
    **dict.fromkeys(("input_size", "shape", "in_shape", "input_dim", "image_size", "size"), "input_shape"),
    **dict.fromkeys(("random_state", "rng", "generator"), "seed"),
    **dict.fromkeys(("layers", "net", "module", "architecture"), "model"),
    **dict.fromkeys(("optimizer", "loss", "epochs", "batch_size", "lr"), "it is an argument of fastconv.fit"),
    **dict.fromkeys(("weights", "pretrained"), "load them into the network: network.load(path)"),
    **dict.fromkeys(("name", "num_classes"), "the model has it"),
}

FROZEN = "frozen parameters"  # where a pickle keeps their names; no attribute of a subclass is called so


@explained_class("network = fastconv.Network(model, (1, 28, 28)), with the shape of your images", WORDS)
class Network(SetOnce, Predictor, Inner, Trained, Stored, Reported):
    """A model with parameters, for images of one shape.

    Parameters
    ----------
    model : function Node -> Node
        A layer, `sequential(...)`, a model of `fastconv.models`, or any function of nodes.
    input_shape : (C, H, W), (C, L) or (features,)
        Without the batch axis. For several inputs a dict name -> shape, or a tuple of shapes: the model is then called
        with a dict or tuple of nodes. It may return a dict or tuple of nodes too.
    dtype : "float32" or "float64"
    seed : int, optional
        Of the first parameters; None takes fresh randomness.
    recompute : bool, default False
        In training, do not keep the results of batch norm for the backward pass, but compute them a second time there:
        less memory, a few more passes over it, the same bits.
    precise : bool, default False
        Compute all convolutions as `conv2d` does with ``precise=True``.

    Attributes
    ----------
    parameters, buffers : mapping name -> live array
        Writing into an array changes the network. Buffers are arrays that training updates without a gradient, such as
        running means.
    output_shape : tuple
        Without the batch axis; of several outputs a dict or tuple of shapes.
    model : dict or None
        Name and arguments of the model, if it is one of `fastconv.models`.

    Notes
    -----
    Results are the caller's own arrays. Any number of threads may call `predict` (they take turns); training one
    network from two threads at once raises RuntimeError.

    `copy.deepcopy` and `pickle` copy a network whatever function its model was; the copy shares nothing with it and
    computes the same bits. For `pickle`, define the classes of your own layers at the top of a module.
    Each network has arrays of its own, also where two are made of the same layers; what one learns reaches another by
    ``other.parameters.update({name: network.parameters[name] for name in other.parameters})``.
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
            "parameters": "write into the arrays, network.parameters.update(values), or load a file",
            "buffers": "write into the arrays, network.buffers.update(values), or load a file",
            "executor": "it holds the plans of this network alone",
            "model": "it says what this network was built from; build another Network",
        }
    )

    model: Mapping[str, Any] | None

    def __init__(
        self,
        model: Callable[[Node], Node],
        input_shape: Any,
        dtype: DTypeLike = "float32",
        *,
        seed: int | None = None,
        recompute: bool = False,
        precise: bool = False,
    ) -> None:
        recompute, precise = check.flag(recompute, "recompute"), check.flag(precise, "precise")
        if isinstance(dtype, int):
            raise TypeError(f"dtype must be 'float32' or 'float64', got {dtype!r}; for a seed write seed={dtype}")
        self.assemble(graph.build(model, input_shape, dtype, precise), recompute)
        self.initialise(*graph.declared(self.nodes), check.random(seed))
        vars(self)["model"] = None
        if hasattr(model, "_made"):
            from .models import described  # many files, which networks of other models do without

            vars(self)["model"] = described(model)

    def assemble(self, output: Any, recompute: bool) -> None:
        """Make the arrays, without values, and the executor."""
        outputs = graph.nodes_of(output)
        self.output, self.nodes, whole = output, graph.ancestors(*outputs), outputs[0].graph
        self.input_shape, self.dtype = whole.input_shape, whole.dtype
        self.output_shape = for_each(output, attrgetter("shape"))
        self._has_several = any(map(several, (self.input_shape, self.output_shape)))
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
        made = {"nodes", "_has_several", "input_shape", "output_shape", "dtype", "executor"}
        own = {name: value for name, value in vars(self).items() if name not in made}
        return {**own, **arrays, "recompute": self.executor.recompute, FROZEN: self.executor.frozen}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        state = dict(state)
        arrays = {**state.pop("parameters"), **state.pop("buffers")}
        self.assemble(state.pop("output"), state.pop("recompute"))
        self.executor.freeze(state.pop(FROZEN, frozenset()))  # older pickles do not have it
        if arrays.keys() != self.arrays().keys():
            raise ValueError(f"the arrays of this copy have other names than its layers declare: {sorted(arrays)}")
        for held in (self.parameters, self.buffers):
            for name in held:
                held[name] = arrays[name]
        vars(self).update(state)

    def __copy__(self) -> "Network":
        return copy.deepcopy(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if type(self) is Network and name not in ASSEMBLED and not name.startswith("_"):
            cure = advice(name) or "; keep it in a variable, or in an attribute of a subclass"
            raise AttributeError(f"Network.{name} cannot be set{cure}")
        super().__setattr__(name, value)

    if not TYPE_CHECKING:  # checkers of types know that a network has no other attributes

        def __getattr__(self, name: str) -> NoReturn:
            cure = "" if hasattr(type(self), name) else self._instead(name)
            if cure:
                raise AttributeError(f"{type(self).__name__} has no {name!r}{cure}")
            object.__getattribute__(self, name)  # raises the usual error, or that of a property

    def _instead(self, name: str) -> str:
        """What to write in place of an attribute that is not there."""
        if name.startswith("_"):
            return ""
        if "parameters" not in vars(self):  # a subclass whose constructor did not make the network
            first = " yet: write super().__init__(model, input_shape) first; a model is a function of nodes"
            return first if name in ASSEMBLED else advice(name)
        found = [each for each in self.arrays() if each.startswith(f"{name}.")]
        arrays = " or ".join(f"network.parameters[{each!r}]" for each in found if each in self.parameters)
        return advice(name) or (f"; write {arrays}" if arrays else "")

    def __getitem__(self, place: object) -> NoReturn:
        """Refused: a network has arrays by name and nodes by number."""
        arrays = self.parameters if isinstance(place, str) and place in self.parameters else self.buffers
        if isinstance(place, str) and place in arrays:
            what = f"write network.{'parameters' if arrays is self.parameters else 'buffers'}[{place!r}]"
        else:
            what = (
                "layers are parts of the model, model[0]; values are network.nodes; arrays are network.parameters[name]"
            )
        raise TypeError(f"a {type(self).__name__} has no parts, got [{place!r}]; {what}")

    def __call__(self, x: object, *others: object, **options: object) -> NoReturn:
        """Refused, because a call may mean a prediction or a part of a model."""
        if isinstance(x, Node):
            raise TypeError("a Network cannot be a part of a model; use the layer or function that it was made of")
        raise TypeError(f"a {type(self).__name__} is not called{advice('__call__')}")

    def _not_finite(self) -> str:
        """Which array holds NaN or infinity, if any does."""
        return arrays_not_finite(self) or super()._not_finite()

    def _predict_part(self, x: Array, y: Array | None = None) -> Array:
        """The output for a checked batch of images: a new array, or `y`, which is overwritten."""
        with self.executor.lock:
            return self.executor.bound_plan(len(x)).predict(x, y)

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
        if isinstance(batch_size, str | list | tuple | set):
            raise TypeError(f"freeze prepares for prediction, batch_size is a number, got {batch_size!r}; {SOME}")
        batch_size = check.integer(batch_size, "batch_size", 1)
        with self.executor.lock:
            return FrozenNetwork(self.output, self.parameters, self.buffers, self.executor.channels_last, batch_size)

    def arrays(self) -> dict[str, Array]:
        """name -> array of all parameters and buffers."""
        return {**self.parameters, **self.buffers}

    def __repr__(self) -> str:
        size = sum(array.size for array in self.parameters.values())
        return f"<Network {self.input_shape} -> {self.output_shape}, {size:,} parameters, {self.dtype}>"


SOME = "to train no more of some parameters write network.set_trainable('conv1.*', False)"
ASSEMBLED = {*Network.set_once, "nodes"}  # what a network is made of; nothing else is set from outside

for base in Network.__mro__[1:-1]:  # errors of Python about arguments show the name that people know
    for name, method in vars(base).items():
        if isinstance(method, FunctionType):
            unwrap(method).__qualname__ = f"Network.{name}"


def advice(name: str) -> str:
    """What to write for a name of another library; '' if it is unknown."""
    from .arguments import network_habits  # a table that only errors need

    return network_habits.advice(name)


def first_values(values: ArrayLike, array: Array, name: str) -> None:
    """Write the result of an initialiser: one number for all elements, or an array of the same shape."""
    values = np.asarray(values)
    if values.ndim:
        check.shape_is(values, name, array.shape, "the shape that its initialiser must return, or one number")
    parameters.write(values, array, name)
