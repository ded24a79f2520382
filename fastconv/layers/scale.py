"""A scale and a shift of each channel, or of each value.

y[c] = scale[c] x[c] + shift[c]    dx[c] = scale[c] dy[c]    dscale[c] = sum of dy[c] x[c]
"""

from collections.abc import Set as AbstractSet
from math import isfinite
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import init as rules
from ..arguments.attributes import Argument
from ..layer import Bound, Initialiser, Layer, Parameter, Spec
from ..ops import check
from ..ops.elementwise import call
from ..ops.layout import copy_call
from ..ops.norm.scale import scale_backward_scale_call, scale_call
from ..typing import Array, Call, Shape
from .common import Parameterless, same_start
from .weighted import initialiser

MOST_AXES = 3  # of one image


def numbers(value: Any, name: str) -> Any:
    """A finite number, a tuple of them, one for each channel, or a float64 array of 2 or 3 axes, not to be written."""
    try:
        axes, several = np.ndim(value), [value] if np.ndim(value) == 0 else list(np.ravel(value))
    except (TypeError, ValueError):  # rows of unequal lengths
        axes, several = 0, []
    if axes > MOST_AXES or not several:
        rule = f"{name} must be a number, one for each channel, or an array of 2 or {MOST_AXES} axes"
        raise ValueError(f"{rule}, got {check.shown(value)}")
    found = tuple(check.number(each, name) for each in several)
    if not all(map(isfinite, found)):
        raise ValueError(f"{name} must be finite, got {check.shown(value)}")
    if axes < 2:
        return found if axes else found[0]
    array = np.array(found).reshape(np.shape(value))
    array.flags.writeable = False
    return array


class Affine(Parameterless):
    """Fixed numbers: y = scale x + shift, the same for all values, one for each channel, or one for each value.

    (N, C, ...) -> (N, C, ...), the same shape.

    By position: scale and shift; the rest by name.

    Parameters
    ----------
    scale : float, sequence (C,), or array of 2 or 3 axes, default 1.0
        The factor; one for each channel, or for each feature of a vector. An array of more axes is broadcast to one
        image as NumPy does it: (C, H, W), (1, H, W), (tokens, features) ...
    shift : float, sequence (C,), or array of 2 or 3 axes, default 0.0
        What is added after that.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    They are not trained; `ChannelScale` and `BatchNorm` have trained ones. Where a network is frozen, they become part
    of the weight and bias of the convolution or `Linear` before them; arrays of 2 or 3 axes stay as they are.

    Examples
    --------
    Images from 0 to 1 become those that torchvision's weights were trained with:

    >>> import numpy as np
    >>> import fastconv
    >>> mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    >>> layer = fastconv.layers.Affine(1 / deviation, -mean / deviation)
    >>> fastconv.Network(layer, (3, 1, 1)).predict(np.full((3, 1, 1), 0.5, "float32")).ravel().round(3)
    array([0.066, 0.196, 0.418], dtype=float32)
    """

    kind = "affine"
    in_place = True
    fuses = frozenset({"residual", "activation"})

    scale = Argument(numbers)
    shift = Argument(numbers)

    def __init__(self, scale: Any = 1.0, shift: Any = 0.0, *, name: str | None = None) -> None:
        super().__init__(name)
        self.scale, self.shift = scale, shift

    @property
    def per_channel(self) -> bool:
        """Whether there is one number for all values, or one for each channel."""
        return np.ndim(self.scale) < 2 and np.ndim(self.shift) < 2

    @property
    def folds(self) -> bool:  # type: ignore[override]  # that of the base can be set
        """Whether this is a scale and a shift per channel."""
        return self.per_channel

    def fuses_at(self, x_shape: Shape) -> AbstractSet[str]:
        """What joins the step of numbers for channels; nothing joins that of larger arrays."""
        return self.fuses if self.per_channel else frozenset()

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x."""
        if self.per_channel:
            self.of_channels(x_shape[0])
        else:
            self.of_values(x_shape)
        return Spec(x_shape)

    def of_values(self, x_shape: Shape) -> list[Array]:
        """Float64 scale and shift, each with axes of 1 where it is repeated; ValueError where they do not fit."""
        both = []
        for name, given in (("scale", self.scale), ("shift", self.shift)):
            array = np.reshape(given, (-1,) + (1,) * (len(x_shape) - 1)) if np.ndim(given) == 1 else np.array(given)
            if array.ndim > len(x_shape) or not all(
                n in (1, m) for n, m in zip(array.shape[::-1], x_shape[::-1], strict=False)
            ):
                raise ValueError(f"{name} must be broadcast to one image, got shape {array.shape} for {x_shape}")
            both.append(array)
        return both

    def of_each_channel(self, x_shape: Shape) -> list[Array] | None:
        """Float64 scale and shift of each channel, where each has one number, whatever its axes; else None."""
        if self.per_channel:
            return [*self.of_channels(x_shape[0])]
        both = self.of_values(x_shape)
        if any(a.size > 1 and (a.ndim < len(x_shape) or a.size > a.shape[0]) for a in both):
            return None
        return [np.broadcast_to(a.reshape(-1), x_shape[:1]) for a in both]

    def of_channels(self, channels: int) -> tuple[Array, Array]:
        """Float64 (scale, shift) of so many channels; ValueError where there are others."""
        both = {"scale": np.array(self.scale), "shift": np.array(self.shift)}
        for name, given in both.items():
            if given.ndim and len(given) != channels:
                raise ValueError(f"{name} must be a number or one for each channel, got {len(given)} for {channels}")
        scale, shift = (np.broadcast_to(given, (channels,)) for given in both.values())
        return scale, shift

    def forward(self, b: Bound) -> list[Call]:
        """y = f(scale x + shift + residual)"""
        found = self.of_each_channel(b.x_shape[1:])
        if found is None:
            return with_values(b.x, b.y, *self.of_values(b.x_shape[1:]))
        scale, shift = (given.astype(b.x.dtype) for given in found)
        return [scale_call(b.x, b.y, scale, shift, b.activation, b.residual)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = scale dy"""
        found = self.of_each_channel(b.x_shape[1:])
        if found is None:
            return with_values(b.dy, b.dx, self.of_values(b.x_shape[1:])[0], np.zeros(()))
        return [scale_call(b.dy, b.dx, found[0].astype(b.dy.dtype))]

    def scale_and_shift(self, params: SimpleNamespace, state: SimpleNamespace) -> tuple[Array, Array]:
        """Float64 (scale, shift), each of one number or of one for each channel."""
        return np.atleast_1d(np.array(self.scale)), np.atleast_1d(np.array(self.shift))


def with_values(x: Array, y: Array, scale: Array, shift: Array) -> list[Call]:
    """The calls that write y = scale x + shift, which may lie over x; arrays of one image, of any numbers of axes."""
    calls: list[Call] = []
    for kernel, array, nothing in (("multiply", scale, 1), ("add", shift, 0)):
        if (array != nothing).any():
            calls.append(call(kernel, y if calls else x, np.broadcast_to(array.astype(y.dtype), y.shape), y))
    return calls or ([] if same_start(x, y) else [copy_call(x, y)])


def first_values(value: Any, name: str) -> float | str | Initialiser:
    """A finite number, or the name of a rule of `fastconv.init`, or a function, as it was given."""
    if isinstance(value, str) or callable(value):
        return initialiser(value, name)
    number = check.number(value, name)
    if not isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    return number


class ChannelScale(Layer):
    """Each channel times a trained number: y = weight x. ConvNeXt's layer scale.

    (N, C, ...) -> (N, C, ...), the same shape.

    By position: init; the rest by name.

    Parameters
    ----------
    init : float, or name or function of `fastconv.init`, default 1.0
        The weight before training; ConvNeXt begins with 1e-6.
    name : str, optional
        Prefix of the parameter's name, see `Layer`.

    Notes
    -----
    Parameter of the network: weight (C,).

    Examples
    --------
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.layers.ChannelScale(1e-6, name="scale"), (3, 8, 8))
    >>> network.parameters["scale.weight"]
    array([1.e-06, 1.e-06, 1.e-06], dtype=float32)
    """

    kind = "scale"
    saves = frozenset({"x"})
    in_place = True
    fuses = frozenset({"residual", "activation"})
    folds = True
    optional_gradients = frozenset({"weight"})
    saves_for_gradients = frozenset({"x"})

    init = Argument(first_values)

    def __init__(self, init: float | str | Initialiser = 1.0, *, name: str | None = None) -> None:
        super().__init__(name)
        self.init = init

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x, and one weight per channel."""
        rule = rules.constant(self.init) if isinstance(self.init, float) else rules.named(self.init)
        return Spec(x_shape, {"weight": Parameter(x_shape[:1], rule)})

    def forward(self, b: Bound) -> list[Call]:
        """y = f(w x + residual)"""
        return [scale_call(b.x, b.y, b.params.weight, None, b.activation, b.residual)]

    def backward(self, b: Bound) -> list[Call]:
        """dw = sum of dy x, then dx = w dy, which may overwrite dy"""
        calls = []
        if b.grads.weight is not None:
            calls.append(scale_backward_scale_call(b.dy, b.x, b.grads.weight))
        if b.dx is not None:
            calls.append(scale_call(b.dy, b.dx, b.params.weight))
        return calls

    def scale_and_shift(self, params: SimpleNamespace, state: SimpleNamespace) -> tuple[Array, Array]:
        """Float64 (weight, 0)."""
        scale = params.weight.astype("float64")
        return scale, np.zeros_like(scale)
