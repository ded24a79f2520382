"""The base of all layers."""

from types import SimpleNamespace

from . import habits


class Changes:
    """Counts changes to attributes of layers in networks, after which plans are made again; _names do not count."""

    count = 0


class Layer:
    """y = f(x; params): one input, one output.

    `forward` and `backward` get the bound arrays `b` (x, y, dy, dx, params, grads, state, saved, scratch, training,
    x_shape, y_shape) once per plan and return prepared calls: callables without arguments that overwrite their
    results. In `backward`, `b.x` and `b.y` are None unless `saves` names them, and `b.dx` is None where unwanted.
    A layer with `fuses` also gets `b.activation` (a name or None) and `b.residual` (an array or None), and stores
    activation(f(x) + residual).

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

    saves = frozenset()  # which of x, y the backward equations read
    in_place = False  # y may take x's memory (and dx that of dy) when nobody needs x any more
    view = False  # in place it leaves the bytes as they are, so that others may still read x
    fuses = frozenset()  # what it can do while it stores: "activation", "residual", "norm"
    fused_backward = False  # its backward undoes all of that too
    epilogue = None  # the name under which other layers can apply it while they store
    folds = False  # in prediction it is a scale and a shift of each channel
    keeps_order = False  # each y is the largest of some x: what never falls may as well be applied to y
    convolution = False  # counts when the executor chooses the memory layout
    kind = "layer"
    name = None  # of a class of one's own that calls no `super().__init__()`

    _used = False  # whether a network has this layer

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
        raise NotImplementedError(f"{type(self).__name__} must have a method spec(x_shape, dtype), see fastconv.Layer")

    gradient_by_rows = frozenset()  # parameters whose gradient `backward` can make by rows, calling `b.update` on each
    again = None  # or a method that makes y from x and what was saved, bit for bit

    def forward(self, b):
        raise NotImplementedError(f"{type(self).__name__} must have a method forward(b), see fastconv.Layer")

    def backward(self, b):
        raise NotImplementedError(f"{type(self).__name__} must have a method backward(b), see fastconv.Layer")

    def freeze(self, params, norm, x_shape):
        """What `forward` reads as `b.params` in a frozen network, with `norm` (scale, shift) of each channel folded."""
        return SimpleNamespace(**{name: array.copy() for name, array in vars(params).items()})

    def adds_gradient(self, x_shape, dtype):
        """Whether `backward` adds `b.known`, an array or None that may be `b.dx` itself, to dx while it stores."""
        return False

    def made_precise(self):
        """The layer for a network with ``precise=True``: itself, or a copy that passes this to `conv2d`."""
        return self

    def multiply_adds(self, x_shape, y_shape):
        """Of one sample's forward pass."""
        return 0

    def __call__(self, x):
        if not hasattr(x, "graph"):
            raise TypeError(f"{type(self).__name__} is called with a Node (see Network), got {type(x).__name__}")
        return x.graph.apply(self, x)

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.name is None else f'name={self.name!r}'})"
