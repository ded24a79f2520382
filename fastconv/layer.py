"""The base of all layers (`Layer`), what a layer declares for an input shape (`Spec`), and what it gets (`Bound`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import NamedTuple

import numpy as np

from .arguments import habits
from .ops import check

NONE = MappingProxyType({})


class Parameter(NamedTuple):
    """A trained array: its shape, its initialiser, and the connections into and out of one neuron."""

    shape: tuple
    init: object
    fan_in: int = 1
    fan_out: int = 1


class State(NamedTuple):
    """An array that training updates but no gradient does; `init(rng)` gives its first value."""

    shape: tuple
    init: object
    dtype: str | None = None  # None: the network's


class Array(NamedTuple):
    """Memory that a layer asks for in a plan; with a leading batch axis if `batched`."""

    shape: tuple
    dtype: str | None = None
    batched: bool = True


class Spec(NamedTuple):
    """What a layer declares for one input shape: names and shapes, no memory. Shapes are without the batch axis.

    Examples
    --------
    >>> import fastconv
    >>> spec = fastconv.layers.Conv2D(4, 3).spec((1, 8, 8), "float32")
    >>> spec.y_shape, spec.params["weight"].shape
    ((4, 6, 6), (4, 1, 3, 3))
    """

    y_shape: tuple
    params: dict = NONE  # name -> Parameter
    state: dict = NONE  # name -> State
    saved: dict = NONE  # name -> Array, written by forward and read by backward
    scratch: dict = NONE  # name -> Array, used within one call


KINDS = {"params": Parameter, "state": State, "saved": Array, "scratch": Array}


def checked(spec, dtype):
    """The Spec with tuples for shapes and names for dtypes; ValueError or TypeError if it is invalid."""
    if not isinstance(spec, Spec):
        raise TypeError(f"spec must return a fastconv.Spec, got {type(spec).__name__}")
    entries = {kind: declared(getattr(spec, kind), kind, dtype) for kind in KINDS}
    both = sorted(entries["params"].keys() & entries["state"].keys())
    if both:
        raise ValueError(f"params and state must have different names, got {both[0]!r} in both")
    return Spec(extents(spec.y_shape, "y_shape", dtype), **entries)


def declared(entries, kind, dtype):
    """The Parameters, States or Arrays of a Spec, checked; `kind`: the Spec's field."""
    if not isinstance(entries, Mapping):
        raise TypeError(f"{kind} must be a dict, got {entries!r}")
    made = {}
    for name, entry in entries.items():
        what = f"{kind}[{name!r}]"
        if not isinstance(name, str) or not name or "." in name:
            raise ValueError(f"names in {kind} must be words without dots, got {name!r}")
        if not isinstance(entry, KINDS[kind]):
            raise TypeError(f"{what} must be a fastconv.graph.{KINDS[kind].__name__}, got {type(entry).__name__}")
        if kind in ("params", "state") and not callable(entry.init):
            raise TypeError(f"{what}: init must be a function, got {entry.init!r}")
        if kind != "params" and entry.dtype is not None:
            entry = entry._replace(dtype=number_type(entry.dtype, what))
        made[name] = entry._replace(shape=extents(entry.shape, what, getattr(entry, "dtype", None) or dtype))
    return made


def number_type(dtype, what):
    """The name of a dtype of numbers."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "biuf":
        raise TypeError(f"{what}: dtype must be one of booleans, integers or floats, got {dtype}")
    return dtype.name


def extents(shape, what, dtype):
    """A tuple of integers >= 1; ValueError if such an array is too large to be addressed."""
    if not isinstance(shape, tuple | list):
        raise TypeError(f"{what} must have a tuple of integers for shape, got {shape!r}")
    shape = tuple(check.integer(extent, f"each extent of {what}", 1) for extent in shape)
    check.size(shape, dtype)
    return shape


def differences(spec, other):
    """The differences of two checked Specs in words; none if the same memory serves both."""
    pairs = {"y_shape": (spec.y_shape, other.y_shape)}
    for kind in KINDS:
        own, theirs = (getattr(one, kind) for one in (spec, other))
        pairs |= {f"{kind}[{name!r}]": (told(own.get(name)), told(theirs.get(name))) for name in {**own, **theirs}}
    return [f"{what} {first}, not {second}" for what, (first, second) in pairs.items() if first != second]


def told(entry):
    """Shape and dtype of a declared array in words."""
    if entry is None:
        return "missing"
    dtype = getattr(entry, "dtype", None)
    once = "" if getattr(entry, "batched", True) else " once for the batch"
    return f"{entry.shape}{'' if dtype is None else f' {dtype}'}{once}"


@dataclass(eq=False)
class Bound:
    """The arrays and numbers that a layer gets, once per plan, to prepare its calls.

    The namespaces hold arrays as attributes, by the names in the layer's `Spec`. Fields that a call does not need have
    their defaults.
    """

    x: np.ndarray | None  # input (N, ...); in `backward` None unless the layer's `saves` names it
    y: np.ndarray | None  # output (N, ...); likewise
    x_shape: tuple  # with the batch axis, also where the array is None
    y_shape: tuple
    dy: np.ndarray | None = None  # the gradient of y, which `backward` reads
    dx: np.ndarray | None = None  # the gradient of x, which `backward` overwrites; None if nobody needs it
    params: SimpleNamespace = field(default_factory=SimpleNamespace)
    grads: SimpleNamespace = field(default_factory=SimpleNamespace)  # of the params; `backward` overwrites them
    state: SimpleNamespace = field(default_factory=SimpleNamespace)
    saved: SimpleNamespace = field(default_factory=SimpleNamespace)  # `forward` writes them for `backward`
    scratch: SimpleNamespace = field(default_factory=SimpleNamespace)
    training: bool = False  # whether this is part of a training step
    activation: str | None = None  # for a layer with `fuses`: is applied while y is stored
    residual: np.ndarray | None = None  # for a layer with `fuses`: is added before the activation; may be y itself
    dresidual: np.ndarray | None = None  # for `fused_backward`: the gradient of the residual, to overwrite
    dx_accumulate: np.ndarray | None = None  # for `accumulates_dx`: is added to dx while it is stored; may be dx itself
    update: Callable | None = None  # for `gradient_by_rows`: (name, row, gradient) -> the call that updates these rows

    @property
    def known(self):
        """An older name of `dx_accumulate`."""
        return self.dx_accumulate


class Changes:
    """Counts changes to attributes of layers in networks, after which plans are made anew; _names do not count."""

    count = 0


OLDER = {"again": "recompute", "adds_gradient": "accumulates_dx"}  # older names of methods, which subclasses may use


class Layer:
    """y = f(x; params): one input, one output.

    `forward` and `backward` get the bound arrays `b` (see `fastconv.layer.Bound`) once per plan and return prepared
    calls: functions without arguments that overwrite their results.

    Attributes
    ----------
    kind : str
        The beginning of the names of nodes: "conv" gives conv1, conv2, ...
    saves : set of "x" and "y"
        The arrays that the equations of `backward` read.
    in_place : bool
        y may take x's memory, and dx that of dy, where nobody else needs the old values.
    view : bool
        The layer only reshapes: in place it leaves the bytes as they are, so that others may still read x.
    fuses : set of "activation", "residual" and "norm"
        What `forward` can do while it stores y. "norm" is done in frozen networks alone, by `freeze`.
    fused_backward : bool
        `backward` is that of the whole fusion, with its residual and activation.
    epilogue : str or None
        An activation's name in `Bound.activation`, if other layers can apply it while they store.
    folds : bool
        In prediction the layer is a scale and a shift per channel (`scale_and_shift`), which `freeze` of the layer
        before can take into its weights.
    keeps_order : bool
        Every y is one of the x (max pooling), so a function that never decreases, such as ReLU, may be moved behind it.
    convolution : bool
        Its channels count when the executor chooses between planar and channels-last memory.
    gradient_by_rows : set of parameter names
        Gradients that `backward` can make a few rows at a time, with a call of `b.update` after each part.
    recompute : method (b) -> calls, or None
        Makes y from x and `b.saved` a second time, bit for bit.

    Examples
    --------
    >>> import numpy as np
    >>> from functools import partial
    >>> import fastconv
    >>> class Negative(fastconv.Layer):
    ...     kind = "negative"
    ...     def spec(self, x_shape, dtype):
    ...         return fastconv.Spec(x_shape)
    ...     def forward(self, b):
    ...         return [partial(np.negative, b.x, b.y)]
    ...     def backward(self, b):
    ...         return [] if b.dx is None else [partial(np.negative, b.dy, b.dx)]
    >>> fastconv.Network(Negative(), (2,)).predict(np.array([1, -2], "float32"))
    array([-1.,  2.], dtype=float32)
    """

    saves = frozenset()
    in_place = view = False
    fuses = frozenset()
    fused_backward = False
    epilogue = None
    folds = keeps_order = convolution = False
    gradient_by_rows = frozenset()
    recompute = None
    kind = "layer"
    name = None  # for a class of your own that calls no `super().__init__()`

    _used = False  # whether a network has this layer

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for older, name in OLDER.items():
            if older in vars(cls) and name not in vars(cls):
                setattr(cls, name, vars(cls)[older])

    def __new__(cls, *args, **options):
        habits.check_options(cls, options)
        return super().__new__(cls)

    def __init__(self, name=None):
        if name is not None and not (isinstance(name, str) and name):
            raise TypeError(f"name must be a text, which the layer's parameters are found under, got {name!r}")
        self.name = name

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if self._used and not name.startswith("_"):
            Changes.count += 1

    def spec(self, x_shape, dtype):
        """The `Spec` for inputs of this shape, without the batch axis."""
        raise NotImplementedError(f"{type(self).__name__} must have a method spec(x_shape, dtype), see fastconv.Layer")

    def forward(self, b):
        """The calls that write `b.y`, and `b.saved` for the backward pass."""
        raise NotImplementedError(f"{type(self).__name__} must have a method forward(b), see fastconv.Layer")

    def backward(self, b):
        """The calls that write `b.dx`, unless it is None, and all of `b.grads`."""
        raise NotImplementedError(f"{type(self).__name__} must have a method backward(b), see fastconv.Layer")

    def freeze(self, params, norm, x_shape):
        """The `b.params` of `forward` in a frozen network; `norm` (scale, shift) per channel, or None, is folded in."""
        return SimpleNamespace(**{name: array.copy() for name, array in vars(params).items()})

    def accumulates_dx(self, x_shape, dtype):
        """Whether `backward` can accumulate: dx = b.dx_accumulate + gradient, where dx_accumulate may be dx itself."""
        return False

    def made_precise(self):
        """The layer for a network with ``precise=True``: itself, or a copy that passes this to `conv2d`."""
        return self

    def unpacked(self):
        """The layer whose `freeze` leaves arrays as they are: itself, or a copy if this layer packs its weight."""
        return self

    def multiply_adds(self, x_shape, y_shape):
        """The multiply-adds of one sample's forward pass."""
        return 0

    def __call__(self, x):
        if not hasattr(x, "graph"):
            raise TypeError(f"{type(self).__name__} is called with a Node (see Network), got {type(x).__name__}")
        return x.graph.apply(self, x)

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.name is None else f'name={self.name!r}'})"
