"""The base of all layers (`Layer`), what a layer declares for an input shape (`Spec`), and what it gets (`Bound`)."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from numpy.typing import DTypeLike, NDArray

from .arguments import attributes, calls
from .arguments.attributes import Argument
from .typing import Call, Shape

Initialiser: TypeAlias = Callable[..., Any]  # (rng, shape, fan_in, fan_out) -> the values of a parameter
Norm: TypeAlias = tuple[NDArray[Any], NDArray[Any]] | None  # (scale, shift) per channel, of a layer that folds
MaybeArray: TypeAlias = Any  # an array, or None where the layer did not ask for it
AnyNode = TypeVar("AnyNode")

NONE: Mapping[str, Any] = MappingProxyType({})


class Parameter(NamedTuple):
    """A trained array: its shape, its initialiser, and the numbers of connections into and out of one neuron."""

    shape: Shape
    init: Initialiser = None  # type: ignore[assignment]  # None is refused with the Spec, which says what to write
    fan_in: int = 1
    fan_out: int = 1


class State(NamedTuple):
    """An array that training updates, though not by a gradient; `init(rng)` gives its first value."""

    shape: Shape
    init: Callable[[Any], Any] = None  # type: ignore[assignment]  # as of a Parameter
    dtype: str | None = None  # None: the network's


class Array(NamedTuple):
    """Memory that a layer asks for in a plan; with a leading batch axis if `batched`."""

    shape: Shape
    dtype: str | None = None  # None: the network's
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

    y_shape: Shape
    params: Mapping[str, Parameter] = NONE
    state: Mapping[str, State] = NONE
    saved: Mapping[str, Array] = NONE  # written by forward and read by backward
    scratch: Mapping[str, Array] = NONE  # used within one call


@dataclass(eq=False)
class Bound:
    """The arrays and numbers that a layer gets, once per plan, to prepare its calls.

    The namespaces hold arrays as attributes, by the names in the layer's `Spec`. Fields that a call does not need have
    their defaults.
    """

    x: MaybeArray  # input (N, ...); in `backward` None unless the layer's `saves` names it
    y: MaybeArray  # output (N, ...); in `backward` None unless the layer's `saves` names it
    x_shape: Shape  # with the batch axis, also where the array is None
    y_shape: Shape
    dy: MaybeArray = None  # the gradient of y, which `backward` reads
    dx: MaybeArray = None  # the gradient of x, which `backward` overwrites; None if nobody needs it
    params: SimpleNamespace = field(default_factory=SimpleNamespace)
    grads: SimpleNamespace = field(default_factory=SimpleNamespace)  # of the params, to overwrite; None: left out
    state: SimpleNamespace = field(default_factory=SimpleNamespace)
    saved: SimpleNamespace = field(default_factory=SimpleNamespace)  # `forward` writes them for `backward`
    scratch: SimpleNamespace = field(default_factory=SimpleNamespace)
    training: bool = False  # whether this is part of a training step
    activation: str | None = None  # for a layer with `fuses`: is applied while y is stored
    residual: MaybeArray = None  # for a layer with `fuses`: is added before the activation; may be y itself
    dresidual: MaybeArray = None  # for `fused_backward`: the gradient of the residual, to overwrite
    dx_accumulate: MaybeArray = None  # for `accumulates_dx`: is added to dx while it is stored; may be dx itself
    update: Any = None  # for `gradient_by_rows`: (name, row, gradient) -> the call that updates these rows
    block: Any = None  # where a batch is computed in blocks: which one this is (`executor.meetings.Membership`)

    @property
    def known(self) -> MaybeArray:
        """An older name of `dx_accumulate`."""
        return self.dx_accumulate


class Changes:
    """Counts changes to attributes of layers in networks, after which plans are made anew; _names do not count."""

    count = 0


def label(value: Any, name: str) -> str | None:
    """A str that is not empty, or None."""
    if value is not None and not (isinstance(value, str) and value):
        raise TypeError(f"{name} must be a str, the prefix of the layer's parameters, got {value!r}")
    return value


OLDER = {"again": "recompute", "adds_gradient": "accumulates_dx"}  # older names of methods, which subclasses may use


class Layer:
    """y = f(x; params): one input, one output.

    A layer has three methods: `spec` declares shapes; `forward` and `backward` get the bound arrays `b` (see
    `fastconv.layer.Bound`) once per plan and return prepared calls, functions without arguments that overwrite their
    results. The attributes say what the executor may do with the layer; each default is the safe one.

    Parameters
    ----------
    name : str, optional
        The name of the layer's node, and the prefix of its parameters: "name.weight". By default `kind` and a number.

    Attributes
    ----------
    kind : str
        The beginning of the default name: "conv" gives conv1, conv2, ...
    saves : set of "x" and "y"
        The arrays that the equations of `backward` read; the others are None there, and their memory is reused.
    in_place : bool
        `forward` works where y is x's memory, and `backward` where dx is dy's. The executor does so where no other
        step needs the old values.
    view : bool
        y holds the values of x in the same order, only the shape differs. In place nothing is written, so other steps
        may still read x. Needs `in_place`.
    fuses : set of "activation", "residual" and "norm"
        The operations after the layer that `forward` can do itself while it stores y: the activation `b.activation`,
        the sum with `b.residual`, and a scale and shift per channel. The last is done by `freeze`, in frozen networks.
    fused_backward : bool
        `backward` gets the gradient after the fused residual and activation, and goes back through both. Otherwise the
        executor makes steps of their own for them.
    epilogue : str or None
        For an activation: the word in `b.activation` by which layers that fuse activations know it.
    folds : bool
        In prediction the layer is y = scale x + shift per channel, as `scale_and_shift` gives them. `freeze` of the
        layer before it can multiply them into its weight and bias; then this layer has no step of its own.
    keeps_order : bool
        Every y is one of the x, the largest of some (max pooling). A function that never decreases, such as ReLU, then
        gives the same result after the layer as before it, and the executor moves it after the layer: fewer values.
    convolution : bool
        The layer's channels decide whether the network keeps its values in planar (NCHW) or channels-last memory.
    two_modes : bool
        `forward` and `backward` do something else where `b.training` is False, as in prediction. A layer with buffers
        needs it for ``gradients(training=False)``, and one with randomness of its own sets it too; for other layers
        `b.training` is True there.
    gradient_by_rows : set of parameter names
        The gradients that `backward` can make a few rows at a time. `b.grads` then has memory for these rows alone, and
        after each part `backward` adds the call that ``b.update(name, row, part)`` gives.
    optional_gradients : set of parameter names
        The gradients that `backward` leaves out where their array in `b.grads` is None, because the parameter is
        frozen. For all others `b.grads` has an array, whose values nobody reads where the parameter is frozen. A
        subclass with a `backward` of its own says this and the next anew.
    saves_for_gradients : set of "x" and "y"
        Those of `saves` that `backward` reads for gradients of parameters alone: None where all parameters are frozen.
    recompute : method (b) -> calls, or None
        Makes y from x and `b.saved` a second time, with the same bits, so that y need not be kept for the backward
        pass.

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

    kind: str = "layer"
    saves: AbstractSet[str] = frozenset()
    in_place: bool = False
    view: bool = False
    fuses: AbstractSet[str] = frozenset()
    fused_backward: bool = False
    epilogue: str | None = None
    folds: bool = False
    keeps_order: bool = False
    convolution: bool = False
    two_modes: bool = False
    gradient_by_rows: AbstractSet[str] = frozenset()
    optional_gradients: AbstractSet[str] = frozenset()
    saves_for_gradients: AbstractSet[str] = frozenset()
    recompute: Any = None
    name = Argument[str | None](label, default=None)  # the default: for a class that calls no `super().__init__()`

    _used = False  # whether a network has this layer

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for older, name in OLDER.items():
            if older in vars(cls) and name not in vars(cls):
                setattr(cls, name, vars(cls)[older])
        for own in {"optional_gradients", "saves_for_gradients"} - vars(cls).keys() if "backward" in vars(cls) else ():
            setattr(cls, own, frozenset())

        if "__init__" in vars(cls) and attributes.is_own(cls):
            cls.__init__ = calls.explained(cls, cls.__init__)  # type: ignore[method-assign]  # of the same signature
        for name in {"forward", "backward"} & vars(cls).keys() if attributes.is_own(cls) else ():
            setattr(cls, name, calls.planned(vars(cls)[name]))

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def __setattr__(self, name: str, value: Any) -> None:
        if attributes.is_own(type(self)):
            attributes.check_known(self, name, value)
        super().__setattr__(name, value)
        if self._used and not name.startswith("_"):
            Changes.count += 1

    if not TYPE_CHECKING:  # for the checker of types, what is not there is an error already

        def __getattr__(self, name: str) -> Any:
            raise attributes.missing(self, name)

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The `Spec` for inputs of this shape, without the batch axis."""
        raise lacking(self, "spec(self, x_shape, dtype)", "return fastconv.Spec(y_shape), for inputs of shape x_shape")

    def forward(self, b: Bound) -> list[Call]:
        """The calls that write `b.y`, and `b.saved` for the backward pass."""
        raise lacking(self, "forward(self, b)", "return a list of functions without arguments that write b.y")

    def backward(self, b: Bound) -> list[Call]:
        """The calls that write `b.dx` and all of `b.grads`, but for what is None there."""
        what = "return a list of functions without arguments that write b.dx and b.grads (only training needs it)"
        raise lacking(self, "backward(self, b)", what)

    def freeze(self, params: SimpleNamespace, norm: Norm, x_shape: Shape) -> SimpleNamespace:
        """The `b.params` of `forward` in a frozen network; `norm`, (scale, shift) per channel or None, is folded in."""
        return SimpleNamespace(**{name: array.copy() for name, array in vars(params).items()})

    def fuses_at(self, x_shape: Shape) -> AbstractSet[str]:
        """`fuses` for inputs of this shape, without the batch axis."""
        return self.fuses

    def accumulates_dx(self, x_shape: Shape, dtype: DTypeLike) -> bool:
        """Whether `backward` can accumulate: dx = b.dx_accumulate + gradient, where dx_accumulate may be dx itself."""
        return False

    def made_precise(self) -> "Layer":
        """The layer for a network with ``precise=True``: itself, or a copy that passes this to `conv2d`."""
        return self

    def unpacked(self) -> "Layer":
        """The layer whose `freeze` leaves arrays as they are: itself, or a copy if this layer packs its weight."""
        return self

    def multiply_adds(self, x_shape: Shape, y_shape: Shape) -> int:
        """The multiply-adds of one sample's forward pass."""
        return 0

    def __call__(self, x: AnyNode) -> AnyNode:
        if not hasattr(x, "graph") or not hasattr(x, "owner"):
            from .arguments.misplaced import no_node  # for errors alone

            raise no_node(self, x)
        y: AnyNode = x.graph.apply(self, x)
        return y

    def __repr__(self) -> str:
        return calls.shown(self)


Layer.__init__ = calls.explained(Layer, Layer.__init__)  # type: ignore[method-assign]  # of the same signature
calls.by_name_alone(Layer.__init__)


def lacking(layer: Layer, method: str, what: str) -> TypeError:
    """The error for a class of one's own without a method that is needed."""
    return TypeError(
        f"{type(layer).__name__} must have a method: def {method}: ..., to {what}; see help(fastconv.Layer)"
    )
